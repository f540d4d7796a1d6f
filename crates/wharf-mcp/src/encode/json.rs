//! Writing JSON text: strings, base64, objects and arrays.
//!
//! Escaping is the one loop that touches every byte of every answer. It looks at eight bytes at once, stores them
//! whatever they are, and steps back to the first that needs an escape.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wharf_model::plain_length;

/// The scratch of the escaper: small, since it is cleared for each text; large enough that appending it is rare.
const SCRATCH_BYTES: usize = 256;
/// What one step may write: eight plain bytes, or fewer and an escape of six.
const STEP_BYTES_MAX: usize = 16;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Appends `text` as a JSON string, with its quotes.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let (plain, rest) = text.as_bytes().split_at(plain_length(text.as_bytes()));
    out.extend_from_slice(plain);
    if !rest.is_empty() {
        escape(out, rest);
    }
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut scratch = [0u8; SCRATCH_BYTES];
    let mut filled = 0;
    let mut rest = bytes;
    while let Some((chunk, _)) = rest.split_first_chunk::<8>() {
        if filled > SCRATCH_BYTES - STEP_BYTES_MAX {
            out.extend_from_slice(&scratch[..filled]);
            filled = 0;
        }
        scratch[filled..filled + 8].copy_from_slice(chunk);
        let found = special(u64::from_le_bytes(*chunk));
        if found == 0 {
            filled += 8;
            rest = &rest[8..];
        } else {
            let plain = (found.trailing_zeros() / 8) as usize;
            filled += plain;
            filled += put_escape(&mut scratch[filled..], chunk[plain]);
            rest = &rest[plain + 1..];
        }
    }
    out.extend_from_slice(&scratch[..filled]);
    for &byte in rest {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            let written = put_escape(&mut scratch, byte);
            out.extend_from_slice(&scratch[..written]);
        } else {
            out.push(byte);
        }
    }
}

/// The high bit of every byte that needs an escape; exact up to and including the lowest such byte.
fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * u64::from(b'"'));
    let backslash = word ^ (ONES * u64::from(b'\\'));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    (control | quote | backslash) & HIGHS
}

fn put_escape(scratch: &mut [u8], byte: u8) -> usize {
    scratch[0] = b'\\';
    scratch[1] = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            scratch[1..4].copy_from_slice(b"u00");
            scratch[4] = HEX[usize::from(byte >> 4)];
            scratch[5] = HEX[usize::from(byte & 15)];
            return 6;
        }
    };
    2
}

/// Appends `bytes` as a JSON string of base64, which never needs an escape.
pub(crate) fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = STANDARD
        .encode_slice(bytes, &mut out[start..])
        .expect("the room is four bytes for every three");
    out.truncate(start + written);
    out.push(b'"');
}

/// Appends an array.
pub(crate) fn array<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// An object that is being written; [`Object::end`] closes it.
#[must_use = "an object that does not end is no JSON"]
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self::inside(out)
    }

    /// An object whose brace is written already.
    pub(crate) fn inside(out: &'a mut Vec<u8>) -> Self {
        Self { out, first: true }
    }

    /// An object whose first members are written already.
    pub(crate) fn behind(out: &'a mut Vec<u8>) -> Self {
        Self { out, first: false }
    }

    /// Writes the key and gives the buffer for the value.
    pub(crate) fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        text(self.out, name);
        self.out.push(b':');
        self.out
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        text(self.key(name), value);
    }

    pub(crate) fn optional_text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// A value that is JSON already.
    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        self.key(name).extend_from_slice(json.as_bytes());
    }

    pub(crate) fn number(&mut self, name: &str, value: u64) {
        self.raw(name, &value.to_string());
    }

    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// A number that may be no integer. JSON has no infinity; it becomes `null`.
    pub(crate) fn float(&mut self, name: &str, value: f64) {
        let json = serde_json::to_string(&value).expect("a float is JSON");
        // `50.0` is a number to everybody, but people read `50`.
        self.raw(name, json.strip_suffix(".0").unwrap_or(&json));
    }

    pub(crate) fn object(&mut self, name: &str) -> Object<'_> {
        Object::new(self.key(name))
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(given: &str) -> String {
        let mut out = Vec::new();
        text(&mut out, given);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character_survives_in_every_place() {
        // Each special character at each place of a run, so that both the eight-byte steps and the tail meet it.
        for code in (0..0x180).chain([0x2028, 0x2029, 0xfffd, 0x1_f600]) {
            let character = char::from_u32(code).unwrap();
            for before in 0..18 {
                let given = format!(
                    "{}{character}{}",
                    "é".repeat(before / 2),
                    "x".repeat(before)
                );
                let written = escaped(&given);
                assert_eq!(
                    serde_json::from_str::<String>(&written).unwrap(),
                    given,
                    "U+{code:04X} behind {before}"
                );
                assert!(
                    !written.bytes().any(|byte| byte < 0x20),
                    "U+{code:04X} behind {before} is raw"
                );
            }
        }
    }

    #[test]
    fn long_texts_outgrow_the_scratch() {
        for given in [
            "\u{1}".repeat(5_000),
            "\"\\".repeat(5_000),
            "plain text, ".repeat(1_000),
            r#"{"a":"b","c":[1,2,3]}"#.repeat(500),
        ] {
            let written = escaped(&given);
            assert_eq!(written, serde_json::to_string(&given).unwrap());
        }
    }

    #[test]
    fn base64_is_padded() {
        for (given, expected) in [
            ("", "\"\""),
            ("a", "\"YQ==\""),
            ("ab", "\"YWI=\""),
            ("abc", "\"YWJj\""),
        ] {
            let mut out = Vec::new();
            base64(&mut out, given.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{given}");
        }
    }

    #[test]
    fn objects_separate_their_members() {
        let mut out = Vec::new();
        let mut object = Object::new(&mut out);
        object.text("a\"b", "c");
        object.optional_text("none", None);
        object.float("half", 0.5);
        object.float("fifty", 50.0);
        object.object("empty").end();
        object.boolean("yes", true);
        object.end();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"a\"b":"c","half":0.5,"fifty":50,"empty":{},"yes":true}"#
        );
    }
}
