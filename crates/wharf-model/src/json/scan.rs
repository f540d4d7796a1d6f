//! Walking over text that is known to be valid JSON, without checking it again.
//!
//! Skipping a value is a search for quotes and brackets, several times faster than parsing. That makes it cheap to
//! look at a few members of an object of many megabytes. The text was checked once, when its first [`Slice`] was
//! made; were it invalid all the same, a walk would end early or yield nonsense, but never panic.

use std::borrow::Cow;
use std::ops::Range;

use super::words::leading_spaces;
use super::{Ends, Slice, string_end, string_end_and_escape};

/// The members of an object, see [`Slice::each_member`].
#[derive(Debug, Clone)]
pub struct EachMember<'a> {
    whole: Slice<'a>,
    at: usize,
}

/// The items of an array, see [`Slice::each_item`].
#[derive(Debug, Clone)]
pub struct EachItem<'a> {
    whole: Slice<'a>,
    at: usize,
}

impl<'a> Slice<'a> {
    /// The members one by one in their order, duplicates included; none when this is no object.
    pub fn each_member(self) -> EachMember<'a> {
        EachMember {
            whole: self,
            at: if self.text.starts_with('{') {
                1
            } else {
                self.text.len()
            },
        }
    }

    /// The items one by one; none when this is no array.
    pub fn each_item(self) -> EachItem<'a> {
        EachItem {
            whole: self,
            at: if self.text.starts_with('[') {
                1
            } else {
                self.text.len()
            },
        }
    }

    /// Where this value stands in `whole`, of which it is a part.
    ///
    /// # Panics
    /// When it is no part of `whole`: a mistake of the code that calls.
    pub fn range_in(self, whole: Slice<'_>) -> Range<usize> {
        let start = (self.text.as_ptr() as usize)
            .checked_sub(whole.text.as_ptr() as usize)
            .filter(|start| start + self.text.len() <= whole.text.len())
            .expect("the value is a part of the whole");
        start..start + self.text.len()
    }

    /// The value at a place that [`Slice::range_in`] gave for this very text: the way to remember a value without
    /// borrowing it.
    ///
    /// # Panics
    /// When the place is outside of the text: a mistake of the code that calls.
    #[must_use]
    pub fn part(self, range: Range<usize>) -> Slice<'a> {
        Slice {
            text: &self.text[range],
            ends: self.ends,
        }
    }
}

impl<'a> Iterator for EachMember<'a> {
    type Item = (Cow<'a, str>, Slice<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let Slice { text, ends } = self.whole;
        let bytes = text.as_bytes();
        let key_start = past_white(bytes, self.at, b',');
        if bytes.get(key_start) != Some(&b'"') {
            self.at = bytes.len();
            return None;
        }
        let (key_end, has_escape) = string_end_and_escape(bytes, key_start);
        let start = past_white(bytes, key_end, b':');
        let end = value_end(bytes, start, ends);
        self.at = end;
        let raw = text.get(key_start + 1..key_end.checked_sub(1)?)?;
        let key = if has_escape {
            // A lone surrogate is valid JSON and no text; such a key stays as it was written.
            Slice::from_checked(text.get(key_start..key_end)?)
                .text()
                .unwrap_or(Cow::Borrowed(raw))
        } else {
            Cow::Borrowed(raw)
        };
        let text = text.get(start..end)?;
        Some((key, Slice { text, ends }))
    }
}

impl<'a> Iterator for EachItem<'a> {
    type Item = Slice<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let Slice { text, ends } = self.whole;
        let bytes = text.as_bytes();
        let start = past_white(bytes, self.at, b',');
        if matches!(bytes.get(start), None | Some(b']')) {
            self.at = bytes.len();
            return None;
        }
        let end = value_end(bytes, start, ends);
        self.at = end;
        let text = text.get(start..end)?;
        Some(Slice { text, ends })
    }
}

/// The index of the first byte from `at` that is neither white space nor the `separator`.
fn past_white(bytes: &[u8], mut at: usize, separator: u8) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\n' => at += leading_spaces(&bytes[at + 1..]),
            _ if byte > b' ' && byte != separator => break,
            _ => {}
        }
        at += 1;
    }
    at
}

/// The index behind the value that starts at `start`.
fn value_end(bytes: &[u8], start: usize, ends: Option<&Ends>) -> usize {
    match bytes.get(start) {
        Some(b'"') => string_end(bytes, start),
        Some(b'{' | b'[') => {
            if let Some(length) =
                ends.and_then(|ends| ends.length_at(bytes.as_ptr() as usize + start))
            {
                return start + length;
            }
            let mut depth = 0_usize;
            let mut at = start;
            while let Some(&byte) = bytes.get(at) {
                match byte {
                    b'"' => {
                        at = string_end(bytes, at);
                        continue;
                    }
                    b'\n' => at += leading_spaces(&bytes[at + 1..]),
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return at + 1;
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
            bytes.len()
        }
        Some(_) => {
            let length = bytes[start..]
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']') || *byte <= b' ')
                .unwrap_or(bytes.len() - start);
            start + length.max(1)
        }
        None => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;
    use serde_json::{Map, Value};

    use super::*;

    #[test]
    fn a_walk_finds_what_a_parser_finds() {
        for text in [
            "{}",
            "[]",
            "{ }",
            "[ ]",
            r#"{"a":1,"b":[1,2,{"c":"}"}],"d":"\"]","e":null,"f":-1.5e3,"a":true}"#,
            "{\n  \"x\\u0041\" : { \"y\" : [ ] } ,\r\n\t\"\" : \"\\\\\"\n}",
            "[\n 1 , [2,\"]\"] , {\"a\":[{}]} , \"\u{e9}\" , false ]",
            r#"{"\ud800":1,"ü\n":2}"#,
            "1",
            "\"{\\\"a\\\":1}\"",
        ] {
            let slice = Slice::parse(text).unwrap();
            let items: Vec<&RawValue> = slice.read().unwrap_or_default();
            let items: Vec<_> = items.into_iter().map(RawValue::get).collect();
            let walked: Vec<_> = slice.each_item().map(Slice::as_str).collect();
            assert_eq!(walked, items, "{text}");
            // Lone surrogates are valid JSON, and no text that could be parsed.
            let members = slice.read::<Map<String, Value>>();
            for (key, value) in members.iter().flatten() {
                let walked = slice.get(key).map(Slice::to_value);
                assert_eq!(walked.as_ref(), Some(value), "{text}: {key}");
            }
            for (key, value) in slice.each_member() {
                let parsed = members
                    .as_ref()
                    .is_none_or(|members| members.contains_key(&*key));
                assert!(parsed, "{text}: {key}");
                assert_eq!(slice.part(value.range_in(slice)), value, "{text}");
                assert!(Slice::parse(value.as_str()).is_ok(), "{text}: {value:?}");
            }
        }
    }

    #[test]
    fn a_walk_over_anything_ends() {
        for text in [
            "{", "[", "{\"", "{\"a", "{\"a\"", "{\"a\":", "[1", "{\"a\\", "{,:", "[}", "{\"a\":}",
        ] {
            assert!(
                Slice::from_checked(text).each_member().count() <= text.len(),
                "{text}"
            );
            assert!(
                Slice::from_checked(text).each_item().count() <= text.len(),
                "{text}"
            );
        }
    }
}
