//! Checking that a text is JSON, and finding its parts while that is done.
//!
//! A scanner of our own rather than a library's, because it is several times faster where nothing is to be made of the
//! text, and keeps byte offsets. It accepts exactly RFC 8259, down to [`SCANNED_DEPTH_MAX`] levels; a property test holds
//! it against `serde_json`.

use std::borrow::Cow;

use super::words::{leading_spaces, plain_length};

/// How deep a text may nest that is scanned: reading goes down by recursion, and readers commonly stop at 128.
pub const SCANNED_DEPTH_MAX: usize = 128;

/// A place in a text. Each method returns none where the text is not JSON.
#[derive(Debug)]
pub struct Scanner<'a, N = ()> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    notes: N,
}

/// What wants to know where the objects and arrays of a text stand.
pub trait Notes: Default {
    /// What a value is known by until it ends.
    type Begun;

    /// One begins at this place.
    fn begin(&mut self, at: usize) -> Self::Begun;

    /// The one that began last, of those that have not ended, ends in front of this place.
    fn end(&mut self, begun: &Self::Begun, at: usize);
}

/// Nobody wants to know.
impl Notes for () {
    type Begun = ();

    fn begin(&mut self, _: usize) {}

    fn end(&mut self, (): &(), _: usize) {}
}

/// Whether the text is one JSON value, down to [`SCANNED_DEPTH_MAX`] levels.
pub fn is_json(text: &str) -> bool {
    let mut scanner = Scanner::<()>::new(text);
    scanner.skip_white();
    scanner.value(0).is_some() && {
        scanner.skip_white();
        scanner.peek().is_none()
    }
}

impl<'a, N: Notes> Scanner<'a, N> {
    /// At the first byte of a text.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            notes: N::default(),
        }
    }

    /// The place of the next byte.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What was noted, by who reads a value with [`Scanner::next`] for itself.
    pub fn notes(&mut self) -> &mut N {
        &mut self.notes
    }

    /// The next byte; none at the end.
    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Steps over white space.
    #[inline]
    pub fn skip_white(&mut self) {
        // Most texts have none, and a look is all that it costs them.
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.skip_more_white();
        }
    }

    fn skip_more_white(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => self.at += 1 + leading_spaces(&self.bytes[self.at + 1..]),
                b' ' | b'\r' | b'\t' => self.at += 1,
                _ => return,
            }
        }
    }

    /// Steps over the bracket that opens an object or array.
    pub fn open(&mut self) {
        self.at += 1;
        self.skip_white();
    }

    /// At the next member of an object: its key, with the scanner at its value. `Some(None)` behind the object's end.
    pub fn key(&mut self, first: bool) -> Option<Option<Cow<'a, str>>> {
        if !self.next(first, b'}')? {
            return Some(None);
        }
        let start = self.at;
        self.string()?;
        let raw = &self.text[start + 1..self.at - 1];
        let key = if raw.contains('\\') {
            // A lone surrogate is valid JSON and no text; such a key stays as it was written.
            serde_json::from_str(&self.text[start..self.at]).map_or(Cow::Borrowed(raw), Cow::Owned)
        } else {
            Cow::Borrowed(raw)
        };
        self.colon()?;
        Some(Some(key))
    }

    /// Whether another member or item follows; steps over the comma or the closing bracket.
    #[inline]
    pub fn next(&mut self, first: bool, close: u8) -> Option<bool> {
        self.skip_white();
        match self.peek()? {
            byte if byte == close => {
                self.at += 1;
                Some(false)
            }
            b',' if !first => {
                self.at += 1;
                self.skip_white();
                Some(true)
            }
            _ if first => Some(true),
            _ => None,
        }
    }

    #[inline]
    fn colon(&mut self) -> Option<()> {
        self.skip_white();
        (self.peek()? == b':').then(|| self.at += 1)?;
        self.skip_white();
        Some(())
    }

    /// Steps over a value, around which so many objects and arrays are open.
    pub fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b'{' => self.container(depth, b'}', |scanner| {
                scanner.string()?;
                scanner.colon()?;
                scanner.value(depth + 1)
            }),
            b'[' => self.container(depth, b']', |scanner| scanner.value(depth + 1)),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    /// An object or an array, in which `part` reads each member or item.
    fn container(
        &mut self,
        depth: usize,
        close: u8,
        part: impl Fn(&mut Self) -> Option<()>,
    ) -> Option<()> {
        (depth < SCANNED_DEPTH_MAX).then_some(())?;
        let begun = self.notes.begin(self.at);
        self.open();
        let mut first = true;
        while self.next(first, close)? {
            first = false;
            part(self)?;
        }
        self.notes.end(&begun, self.at);
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes[self.at..]
            .starts_with(word)
            .then(|| self.at += word.len())
    }

    fn string(&mut self) -> Option<()> {
        (self.peek()? == b'"').then(|| self.at += 1)?;
        loop {
            self.at += plain_length(&self.bytes[self.at..]);
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => {
                    self.at += match self.bytes.get(self.at + 1)? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                        b'u' => {
                            let digits = self.bytes.get(self.at + 2..self.at + 6)?;
                            digits.iter().all(u8::is_ascii_hexdigit).then_some(6)?
                        }
                        _ => return None,
                    };
                }
                _ => return None,
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        self.at += usize::from(self.peek()? == b'-');
        let leading_zero = self.peek()? == b'0';
        let digits = self.digits();
        if digits == 0 || (leading_zero && digits > 1) {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            (self.digits() > 0).then_some(())?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            (self.digits() > 0).then_some(())?;
        }
        Some(())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn agrees(text: &str) -> bool {
        serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok() == is_json(text)
    }

    #[test]
    fn the_scanner_agrees_with_serde_json() {
        for text in [
            "",
            " ",
            "0",
            "-0",
            "-",
            "01",
            "1.",
            ".5",
            "1.5",
            "1e",
            "1e+",
            "1E-7",
            "+1",
            "nul",
            "null",
            "nullx",
            "\"",
            "\"\"",
            "\"\\\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "\"\t\"",
            "\"1234567\t\"",
            "\"12345678\\n\"",
            "\"é\"",
            "[",
            "[]",
            "[,]",
            "[1,]",
            "[1 2]",
            "[ 1 , 2 ]",
            "{",
            "{}",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{ \"a\" : { } }",
            "{a:1}",
            "1 2",
            "[[[]]]",
            "]",
            "{]",
            "[}",
            "\u{a0}1",
            "\"\u{7f}\"",
        ] {
            assert!(agrees(text), "{text:?}: {}", is_json(text));
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(is_json(&deep(SCANNED_DEPTH_MAX)));
        assert!(!is_json(&deep(SCANNED_DEPTH_MAX + 1)));
    }

    proptest! {
        #[test]
        fn any_text_is_judged_like_serde_json(text in r#"[\[\]{},:"\\ 0-9eE.+\-a-u\n]{0,24}"#) {
            prop_assert!(agrees(&text), "{text:?}");
        }
    }
}
