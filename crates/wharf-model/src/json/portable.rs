//! Whether JSON survives the readers of this world.
//!
//! JSON's grammar allows values that common readers refuse: nesting without end, and half of a surrogate pair in a
//! string. Passed on as part of a message, such a value would make the reader refuse the whole message.

use super::words::{BLOCK_BYTES, count_brackets};
use super::{Slice, string_end};

/// The deepest nesting that every reader we know accepts, less what a message puts around a value: `serde_json` stops
/// at 128, Python's readers between 200 and 1,000.
const NESTING_MAX: usize = 100;

impl Slice<'_> {
    /// Whether common readers accept the value: it is not nested too deep and holds no lone surrogate.
    ///
    /// Most values are seen to be harmless by counting brackets in blocks, which costs next to nothing. Brackets in
    /// strings count too, so an answer can hide its depth from this; it harms nothing but itself.
    pub fn is_portable(self) -> bool {
        let bytes = self.text.as_bytes();
        let is_harmless = is_flat(bytes) && !has_unicode_escape(bytes);
        is_harmless || is_portable(bytes)
    }
}

/// Whether no block of the text can be nested too deep, by the count of brackets before and in it.
fn is_flat(bytes: &[u8]) -> bool {
    let mut depth = 0_usize;
    bytes.chunks(BLOCK_BYTES).all(|block| {
        let opened = depth + count_brackets(block, b'{');
        depth = opened.saturating_sub(count_brackets(block, b'}'));
        opened <= NESTING_MAX
    })
}

/// Whether there may be a `\uXXXX`.
fn has_unicode_escape(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(escape) = memchr::memchr(b'\\', rest) {
        if rest.get(escape + 1) == Some(&b'u') {
            return true;
        }
        rest = rest.get(escape + 2..).unwrap_or_default();
    }
    false
}

/// Looks string by string.
fn is_portable(bytes: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > NESTING_MAX {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let end = string_end(bytes, at);
                if has_lone_surrogate(&bytes[at..end]) {
                    return false;
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    true
}

/// Whether a string's escapes hold half of a surrogate pair (RFC 8259 §8.2).
fn has_lone_surrogate(string: &[u8]) -> bool {
    let mut rest = string;
    while let Some(escape) = memchr::memchr(b'\\', rest) {
        rest = &rest[escape..];
        match escaped_unit(rest) {
            Some(0xd800..=0xdbff) => match rest.get(6..).and_then(escaped_unit) {
                Some(0xdc00..=0xdfff) => rest = &rest[12..],
                _ => return true,
            },
            Some(0xdc00..=0xdfff) => return true,
            Some(_) => rest = &rest[6..],
            // A backslash and one character.
            None => rest = rest.get(2..).unwrap_or_default(),
        }
    }
    false
}

/// The UTF-16 unit of a `\uXXXX` at the beginning.
fn escaped_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_refuse_is_not_portable() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let brackets_in_text = format!("\"{}\"", "[".repeat(1_000));
        for (given, expected) in [
            ("{}", true),
            (nested(NESTING_MAX).as_str(), true),
            (nested(NESTING_MAX + 1).as_str(), false),
            (brackets_in_text.as_str(), true),
            (&format!("[{}]", vec!["[]"; 1_000].join(",")), true),
            (r#"{"a":"\ud83d\ude00 \u00e9 \\ud800 \n"}"#, true),
            (r#"{"a":"\ud83d"}"#, false),
            (r#"{"a":"\ude00\ud83d"}"#, false),
            (r#"{"\uD83Dx":1}"#, false),
            (r#"["\\\ud800"]"#, false),
        ] {
            assert_eq!(
                Slice::parse(given).unwrap().is_portable(),
                expected,
                "{given}"
            );
        }
    }
}
