//! Writing JSON text piece by piece.
//!
//! Schemas are written in the order they are read and never held as a tree. The writer sees to commas, quotes and
//! depth; that brackets close is up to its user, who opens and closes them in one function.

use std::fmt::Write as _;

use wharf_model::{JsonKind, Slice, plain_length};

/// How deep what is written may nest: readers of schemas commonly stop at 128.
pub(crate) const WRITTEN_DEPTH_MAX: usize = 100;

/// JSON text that grows.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    out: String,
    depth: usize,
    /// Something stands in front of the next item at this level, so it needs a comma.
    comma: bool,
}

impl Writer {
    /// An empty text that will stand where `other` goes on.
    pub(crate) fn as_deep_as(other: &Self) -> Self {
        Self {
            depth: other.depth,
            ..Self::default()
        }
    }

    /// What was written so far.
    pub(crate) fn as_str(&self) -> &str {
        &self.out
    }

    pub(crate) fn into_string(self) -> String {
        self.out
    }

    /// How many levels may still be opened.
    pub(crate) fn depth_left(&self) -> usize {
        WRITTEN_DEPTH_MAX.saturating_sub(self.depth)
    }

    pub(crate) fn open_object(&mut self) {
        self.open('{');
    }

    pub(crate) fn close_object(&mut self) {
        self.close('}');
    }

    /// Takes back the last [`Writer::close_object`], to write more members.
    pub(crate) fn reopen_object(&mut self) {
        let closed = self.out.pop();
        debug_assert_eq!(closed, Some('}'), "an object was closed last");
        self.depth += 1;
        self.comma = !self.out.ends_with('{');
    }

    pub(crate) fn open_array(&mut self) {
        self.open('[');
    }

    pub(crate) fn close_array(&mut self) {
        self.close(']');
    }

    pub(crate) fn key(&mut self, key: &str) {
        self.before();
        write_text(&mut self.out, key);
        self.out.push(':');
        self.comma = false;
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.before();
        write_text(&mut self.out, text);
        self.comma = true;
    }

    /// JSON that is known to be valid and compact.
    pub(crate) fn raw(&mut self, json: &str) {
        self.before();
        self.out.push_str(json);
        self.comma = true;
    }

    /// A value of the document, without its white space.
    pub(crate) fn value(&mut self, value: Slice<'_>) {
        self.before();
        match value.kind() {
            JsonKind::Object => {
                self.out.push('{');
                for (place, (key, member)) in value.each_member().enumerate() {
                    self.comma = place > 0;
                    self.key(&key);
                    self.value(member);
                }
                self.out.push('}');
            }
            JsonKind::Array => {
                self.out.push('[');
                for (place, item) in value.each_item().enumerate() {
                    self.comma = place > 0;
                    self.value(item);
                }
                self.out.push(']');
            }
            _ => self.out.push_str(value.as_str()),
        }
        self.comma = true;
    }

    /// A member with a text.
    pub(crate) fn member(&mut self, key: &str, text: &str) {
        self.key(key);
        self.text(text);
    }

    fn before(&mut self) {
        if self.comma {
            self.out.push(',');
        }
    }

    fn open(&mut self, bracket: char) {
        self.before();
        self.out.push(bracket);
        self.depth += 1;
        self.comma = false;
    }

    fn close(&mut self, bracket: char) {
        self.out.push(bracket);
        self.depth -= 1;
        self.comma = true;
    }
}

/// Writes a text in quotes.
pub(crate) fn write_text(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(plain_length(rest.as_bytes()));
        out.push_str(plain);
        let Some(byte) = special.bytes().next() else {
            break;
        };
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => write!(out, "\\u{byte:04x}").expect("writing into a string cannot fail"),
        }
        rest = &special[1..];
    }
    out.push('"');
}

/// How deep a value nests: 0 for a text, 1 for `[]`.
pub(crate) fn depth_of(value: Slice<'_>) -> usize {
    let mut deepest = 0_usize;
    let mut depth = 0_usize;
    let bytes = value.as_str().as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json() {
        let mut writer = Writer::default();
        writer.open_object();
        writer.member("a\"", "b\\\n\u{1}é");
        writer.key("c");
        writer.open_array();
        writer.raw("1");
        writer.value(Slice::parse("{ \"d\" : [ 1.0 , { } ],\"e\\n\":\"\\u0041\" }").unwrap());
        writer.open_object();
        writer.close_object();
        writer.close_array();
        writer.key("f");
        writer.raw("null");
        writer.close_object();
        assert_eq!(
            writer.into_string(),
            r#"{"a\"":"b\\\n\u0001é","c":[1,{"d":[1.0,{}],"e\n":"\u0041"},{}],"f":null}"#
        );
    }

    #[test]
    fn depth_counts_brackets_outside_of_texts() {
        for (text, depth) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a":[{"b":"[[[\"["}]}"#, 3),
            (r#"["\\",[]]"#, 2),
        ] {
            assert_eq!(depth_of(Slice::parse(text).unwrap()), depth, "{text}");
        }
    }
}
