//! As much of protobuf as OTLP takes to write: <https://protobuf.dev/programming-guides/encoding/>

/// One message, field by field.
#[derive(Debug, Default)]
pub(crate) struct Message(Vec<u8>);

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED_32: u64 = 5;

impl Message {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3 | VARINT);
        self.varint(value);
    }

    pub(crate) fn fixed64(&mut self, field: u64, value: u64) {
        self.varint(field << 3 | FIXED_64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn fixed32(&mut self, field: u64, value: u32) {
        self.varint(field << 3 | FIXED_32);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn double(&mut self, field: u64, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    pub(crate) fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint(field << 3 | LENGTH);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    pub(crate) fn text(&mut self, field: u64, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    /// Numbers of eight bytes, one after the other.
    pub(crate) fn packed(&mut self, field: u64, values: impl ExactSizeIterator<Item = u64>) {
        self.varint(field << 3 | LENGTH);
        self.varint(values.len() as u64 * 8);
        for value in values {
            self.0.extend_from_slice(&value.to_le_bytes());
        }
    }

    pub(crate) fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// A `KeyValue` with a text. An empty one says nothing, and is left out.
    pub(crate) fn attribute(&mut self, field: u64, key: &str, value: &str) {
        if !value.is_empty() {
            self.key_value(field, key, |any| any.text(1, value));
        }
    }

    /// A `KeyValue` with a whole number.
    pub(crate) fn whole(&mut self, field: u64, key: &str, value: u64) {
        self.key_value(field, key, |any| any.number(3, value));
    }

    fn key_value(&mut self, field: u64, key: &str, value: impl FnOnce(&mut Self)) {
        self.message(field, |pair| {
            pair.text(1, key);
            pair.message(2, value);
        });
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the seven bits that are meant"
            )]
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "less than eight bits are left"
        )]
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_the_specification_shows_them() {
        for (row, write, expected) in [
            (
                "a number",
                (|message| message.number(1, 150)) as fn(&mut Message),
                &[0x08, 0x96, 0x01][..],
            ),
            (
                "a text",
                |message| message.text(2, "testing"),
                &[0x12, 7, b't', b'e', b's', b't', b'i', b'n', b'g'],
            ),
            (
                "a message",
                |message| message.message(3, |inner| inner.number(1, 150)),
                &[0x1a, 0x03, 0x08, 0x96, 0x01],
            ),
            (
                "a field beyond the fifteenth",
                |message| message.fixed32(16, 1),
                &[0x85, 0x01, 1, 0, 0, 0],
            ),
            (
                "a double",
                |message| message.double(1, 1.0),
                &[0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f],
            ),
            (
                "packed",
                |message| message.packed(1, [1_u64].into_iter()),
                &[0x0a, 8, 1, 0, 0, 0, 0, 0, 0, 0],
            ),
        ] {
            let mut message = Message::default();
            write(&mut message);
            assert_eq!(message.into_bytes(), expected, "{row}");
        }
    }
}
