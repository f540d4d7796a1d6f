//! JSON as text that is known to be valid.
//!
//! [`Json`] owns one value, [`Slice`] borrows one. Neither builds a tree: a body from an upstream is scanned once for
//! validity and then copied as bytes, and a document of many megabytes is read member by member where it is needed.

mod ends;
mod portable;
mod scan;
mod scanner;
mod words;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

pub use ends::{Begun, Ends, EndsBuilder};
pub use scan::{EachItem, EachMember};
pub use scanner::{Notes, SCANNED_DEPTH_MAX, Scanner, is_json};
pub use words::{leading_spaces, opening_brackets, plain_length};

/// Text that holds exactly one JSON value, without a line break outside of strings.
///
/// Without line breaks, because stdio frames messages by lines and event streams frame data by lines; a body that is
/// pretty-printed is compacted when it becomes a `Json`. Cloning shares the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(ByteString);

/// Why bytes are not JSON.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(String);

impl Json {
    /// One validity scan over bytes from outside. Numbers, member order and duplicate members stay as they were written.
    pub fn parse(bytes: Bytes) -> Result<Self, JsonError> {
        let text = ByteString::try_from(bytes).map_err(|error| JsonError(error.to_string()))?;
        checked(&text)?;
        Ok(Self::from_valid(text))
    }

    /// The JSON of anything that serializes.
    ///
    /// # Panics
    /// When `value` cannot be JSON (a map with keys that are not text): a mistake of the code that calls.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Self {
        Self(
            serde_json::to_string(value)
                .expect("the value has only text as keys")
                .into(),
        )
    }

    /// The empty object.
    pub fn empty_object() -> Self {
        Self(ByteString::from_static("{}"))
    }

    /// The object whose one member `key` is this value.
    #[must_use]
    pub fn wrapped_in(&self, key: &str) -> Self {
        let key = Self::of(key);
        Self(["{", &key.0, ":", &self.0, "}"].concat().into())
    }

    fn from_valid(text: ByteString) -> Self {
        let trimmed = text.trim_ascii();
        // Inside a string JSON has no raw line break, so one that is found is white space.
        if memchr::memchr2(b'\n', b'\r', trimmed.as_bytes()).is_some() {
            return Self(compact(trimmed).into());
        }
        if trimmed.len() == text.len() {
            return Self(text);
        }
        Self(text.slice_ref(trimmed))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, shared.
    pub fn text(&self) -> ByteString {
        self.0.clone()
    }

    /// The value, to look inside.
    pub fn slice(&self) -> Slice<'_> {
        Slice::from_checked(&self.0)
    }

    /// What kind of value it is.
    pub fn kind(&self) -> JsonKind {
        self.slice().kind()
    }

    /// A tree of the value. Costs time and memory; for small values only.
    pub fn to_value(&self) -> Value {
        self.slice().to_value()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.slice().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self::from_valid(String::from(Box::<str>::from(raw)).into()))
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        Self(value.to_string().into())
    }
}

/// The kinds of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// Any number
    Number,
    /// Text in quotes
    String,
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

/// One JSON value inside text that is known to be valid JSON.
///
/// Looking inside scans the value's own text and nothing else; nothing is kept. A caller that looks twice should keep
/// what it found.
#[derive(Clone, Copy)]
pub struct Slice<'a> {
    text: &'a str,
    /// Where its longer parts end, if that is known.
    ends: Option<&'a Ends>,
}

impl<'a> Slice<'a> {
    /// Text that the caller has checked to be one JSON value, without white space around it.
    pub fn from_checked(text: &'a str) -> Self {
        Self { text, ends: None }
    }

    /// The same for a text, or a part of one, whose longer values are known: what is cut out of it is walked over faster.
    pub fn of_known(text: &'a str, ends: &'a Ends) -> Self {
        Self {
            text,
            ends: Some(ends),
        }
    }

    /// One validity scan over text.
    pub fn parse(text: &'a str) -> Result<Self, JsonError> {
        checked(text).map(Self::from_checked)
    }

    /// The value's own text.
    pub fn as_str(self) -> &'a str {
        self.text
    }

    /// What kind of value it is: its first byte tells.
    pub fn kind(self) -> JsonKind {
        match self.text.as_bytes().first() {
            Some(b'{') => JsonKind::Object,
            Some(b'[') => JsonKind::Array,
            Some(b'"') => JsonKind::String,
            Some(b't' | b'f') => JsonKind::Boolean,
            Some(b'n') => JsonKind::Null,
            _ => JsonKind::Number,
        }
    }

    /// The members in their order, duplicates included; empty when this is no object.
    pub fn members(self) -> Vec<(Cow<'a, str>, Slice<'a>)> {
        self.each_member().collect()
    }

    /// The items; empty when this is no array.
    pub fn items(self) -> Vec<Slice<'a>> {
        self.each_item().collect()
    }

    /// The member `key`, the last one where it stands twice.
    pub fn get(self, key: &str) -> Option<Slice<'a>> {
        let members = self.each_member().filter(|(name, _)| name == key);
        members.last().map(|(_, value)| value)
    }

    /// The text of a string, unescaped.
    pub fn text(self) -> Option<Cow<'a, str>> {
        let inner = self.text.strip_prefix('"')?.strip_suffix('"')?;
        if !words::has_escape(inner.as_bytes()) {
            return Some(Cow::Borrowed(inner));
        }
        self.read().map(Cow::Owned)
    }

    /// `true` or `false`.
    pub fn boolean(self) -> Option<bool> {
        match self.text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The value that an RFC 6901 pointer names, from here.
    pub fn pointer(self, pointer: &str) -> Option<Slice<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer
            .strip_prefix('/')?
            .split('/')
            .try_fold(self, |value, token| {
                let token = token.replace("~1", "/").replace("~0", "~");
                match value.kind() {
                    JsonKind::Object => value.get(&token),
                    JsonKind::Array => value.items().get(token.parse::<usize>().ok()?).copied(),
                    _ => None,
                }
            })
    }

    /// A tree of the value. Costs time and memory; for small values only.
    pub fn to_value(self) -> Value {
        self.read().unwrap_or(Value::Null)
    }

    /// Reads the value into a type; `None` when it does not fit.
    pub fn read<T: Deserialize<'a>>(self) -> Option<T> {
        serde_json::from_str(self.text).ok()
    }

    /// An owned copy.
    pub fn to_json(self) -> Json {
        Json::from_valid(self.text.to_owned().into())
    }

    /// An owned value that shares the bytes of `owner`, out of which this slice was cut.
    ///
    /// # Panics
    /// When the slice is no part of `owner`: a mistake of the code that calls.
    pub fn share(self, owner: &ByteString) -> Json {
        Json::from_valid(owner.slice_ref(self.text))
    }
}

/// Equal when written alike.
impl PartialEq for Slice<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Slice<'_> {}

impl fmt::Debug for Slice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl Serialize for Slice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(self.text).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Slice<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self::from_checked(raw.get()))
    }
}

/// The JSON value that a text holds, without white space around it.
fn checked(text: &str) -> Result<&str, JsonError> {
    if scanner::is_json(text) {
        return Ok(text.trim_matches([' ', '\t', '\n', '\r']));
    }
    // Somebody else says what is wrong with it, if anything: the scanner gives up where it goes too deep.
    let raw: &RawValue =
        serde_json::from_str(text).map_err(|error| JsonError(error.to_string()))?;
    Ok(raw.get())
}

/// Drops the white space outside of strings. `text` is valid JSON.
fn compact(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\n' | b'\r' | b'\t' => at += 1,
            b'"' => {
                let end = string_end(bytes, at);
                out.extend_from_slice(&bytes[at..end]);
                at = end;
            }
            byte => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).expect("only ASCII white space was dropped")
}

/// The index behind the closing quote of the string that opens at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    string_end_and_escape(bytes, start).0
}

/// The same, and whether there is a backslash in front of it.
fn string_end_and_escape(bytes: &[u8], start: usize) -> (usize, bool) {
    let mut at = start + 1;
    let mut has_escape = false;
    while let Some(found) = words::find_quote_or_escape(bytes, at) {
        if bytes[found] == b'"' {
            return (found + 1, has_escape);
        }
        has_escape = true;
        at = found + 2;
    }
    (bytes.len(), has_escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_what_was_written() {
        for (given, expected) in [
            (
                r#"{"b":1.10,"a":12345678901234567890123}"#,
                r#"{"b":1.10,"a":12345678901234567890123}"#,
            ),
            ("  [1, 2]\n", "[1, 2]"),
            (
                "{\n  \"a b\": \"x \\\" y\",\r\n\t\"c\": [ ]\n}",
                r#"{"a b":"x \" y","c":[]}"#,
            ),
            (r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
        ] {
            assert_eq!(
                Json::parse(Bytes::from_static(given.as_bytes()))
                    .unwrap()
                    .as_str(),
                expected,
                "{given}"
            );
        }
    }

    #[test]
    fn a_value_can_be_wrapped() {
        for (given, key, expected) in [
            ("[1]", "result", r#"{"result":[1]}"#),
            ("null", "a\"b", r#"{"a\"b":null}"#),
        ] {
            let json = Slice::parse(given).unwrap().to_json();
            assert_eq!(json.wrapped_in(key).as_str(), expected, "{given}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for given in ["", "{", "[1,]", "NaN", "\"\u{1}\"", "1 2", "{'a':1}"] {
            assert!(
                Json::parse(Bytes::from_static(given.as_bytes())).is_err(),
                "{given}"
            );
        }
        assert!(Json::parse(Bytes::from_static(b"\"\xff\"")).is_err());
    }

    #[test]
    fn pointers_follow_rfc_6901() {
        let json = Json::parse(Bytes::from_static(
            br#"{"a/b":{"~":[10,{"":true}]},"x":null}"#,
        ))
        .unwrap();
        for (pointer, expected) in [
            ("", Some(json.as_str())),
            ("/a~1b/~0/0", Some("10")),
            ("/a~1b/~0/1/", Some("true")),
            ("/x", Some("null")),
            ("/nowhere", None),
            ("x", None),
        ] {
            assert_eq!(
                json.slice().pointer(pointer).map(Slice::as_str),
                expected,
                "{pointer}"
            );
        }
    }
}
