//! The one scan: checks that a text is JSON and notes where its parts stand.
//!
//! A scanner of our own rather than a library's, because it does both in a single pass and keeps byte offsets. It
//! accepts exactly RFC 8259, down to [`DEPTH_MAX`] levels; a property test holds it against `serde_json`.

use std::borrow::Cow;
use std::ops::Range;

use wharf_model::{Ends, EndsBuilder, HashMap, HashSet, leading_spaces, plain_length};

use super::DEPTH_MAX;

/// Where a value stands in the document's text. Half the size of a range; documents are far below 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(range: Range<usize>) -> Self {
        let narrow = |at: usize| u32::try_from(at).expect("documents are bounded far below 4 GiB");
        Self {
            start: narrow(range.start),
            end: narrow(range.end),
        }
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// What identifies a value: no two objects begin at one place.
    pub(crate) fn start(self) -> u32 {
        self.start
    }
}

/// The members of one object by name.
pub(crate) type Names = HashMap<Box<str>, Span>;

/// The members of the objects that are looked into most: the root, `paths` and its items, `components` and its sections.
#[derive(Debug, Default)]
pub(super) struct Index {
    objects: HashMap<u32, Names>,
    paths: Vec<(Box<str>, Span)>,
    root_start: u32,
    ends: Ends,
}

impl Index {
    /// None when the text is not one JSON object.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut scanner = Scanner::new(text);
        let mut index = Self::default();
        scanner.skip_white();
        if scanner.peek() != Some(b'{') {
            return None;
        }
        index.root_start = u32::try_from(scanner.at).ok()?;
        index.object(&mut scanner, Part::Root)?;
        scanner.skip_white();
        scanner.peek().is_none().then(|| {
            index.ends = scanner.ends.finish(text);
            index
        })
    }

    /// Where the longer values of the text end.
    pub(super) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// The text stands elsewhere now, with something behind it.
    pub(super) fn moved_to(&mut self, text: &str) {
        self.ends.moved_to(text);
    }

    pub(super) fn root_start(&self) -> u32 {
        self.root_start
    }

    /// The members of the object at `start`, when it is one of those.
    pub(super) fn members(&self, start: u32) -> Option<&Names> {
        self.objects.get(&start)
    }

    pub(super) fn paths(&self) -> &[(Box<str>, Span)] {
        &self.paths
    }

    /// Notes the members of the object at the scanner. Recursion ends with the parts: root, components, section.
    fn object(&mut self, scanner: &mut Scanner<'_>, part: Part) -> Option<()> {
        let start = u32::try_from(scanner.at).ok()?;
        let mut names = Names::default();
        let mut paths: Vec<(Box<str>, Span)> = Vec::new();
        let begun = scanner.ends.begin(start);
        scanner.open();
        while let Some(key) = scanner.key(names.is_empty())? {
            let value_start = scanner.at;
            match part.member(&key) {
                Some(inner) if scanner.peek() == Some(b'{') => self.object(scanner, inner)?,
                _ => scanner.value(part.depth())?,
            }
            let span = Span::new(value_start..scanner.at);
            if part == Part::Paths {
                paths.push((key.clone().into(), span));
            }
            names.insert(key.into(), span);
        }
        scanner.ends.end(&begun, u32::try_from(scanner.at).ok()?);
        if part == Part::Paths {
            // The first of two equal paths keeps its place and gets the last one's item.
            let mut seen = HashSet::default();
            for (path, span) in &mut paths {
                *span = names[path];
            }
            paths.retain(|(_, span)| seen.insert(*span));
            self.paths = paths;
        }
        self.objects.insert(start, names);
        Some(())
    }
}

/// Whether the text is one JSON value, down to [`DEPTH_MAX`] levels.
pub(super) fn is_json(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.skip_white();
    scanner.value(0).is_some() && {
        scanner.skip_white();
        scanner.peek().is_none()
    }
}

/// Which object is being indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Root,
    Paths,
    PathItem,
    Components,
    Section,
    /// Where Swagger 2.0 has its sections.
    RootSection,
}

impl Part {
    /// What a member is, where it is to be indexed too.
    fn member(self, key: &str) -> Option<Self> {
        match (self, key) {
            (Self::Root, "paths") => Some(Self::Paths),
            (Self::Root, "components") => Some(Self::Components),
            (Self::Root, "definitions" | "parameters" | "responses") => Some(Self::RootSection),
            (Self::Paths, _) => Some(Self::PathItem),
            (Self::Components, _) => Some(Self::Section),
            _ => None,
        }
    }

    /// How many objects are open around a member's value.
    fn depth(self) -> usize {
        match self {
            Self::Root => 1,
            Self::Paths | Self::Components | Self::RootSection => 2,
            Self::PathItem | Self::Section => 3,
        }
    }
}

/// A place in a text. Each method returns none where the text is not JSON.
pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    ends: EndsBuilder,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            ends: EndsBuilder::default(),
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_white(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => self.at += 1 + leading_spaces(&self.bytes[self.at + 1..]),
                b' ' | b'\r' | b'\t' => self.at += 1,
                _ => return,
            }
        }
    }

    /// Steps over the bracket that opens an object or array.
    pub(super) fn open(&mut self) {
        self.at += 1;
        self.skip_white();
    }

    /// At the next member of an object: its key, with the scanner at its value. `Some(None)` behind the object's end.
    #[expect(
        clippy::option_option,
        reason = "the outer one is the scanner's way to fail"
    )]
    pub(super) fn key(&mut self, first: bool) -> Option<Option<Cow<'a, str>>> {
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
    pub(super) fn next(&mut self, first: bool, close: u8) -> Option<bool> {
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

    fn colon(&mut self) -> Option<()> {
        self.skip_white();
        (self.peek()? == b':').then(|| self.at += 1)?;
        self.skip_white();
        Some(())
    }

    pub(super) fn value(&mut self, depth: usize) -> Option<()> {
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
        (depth < DEPTH_MAX).then_some(())?;
        let begun = self.ends.begin(u32::try_from(self.at).ok()?);
        self.open();
        let mut first = true;
        while self.next(first, close)? {
            first = false;
            part(self)?;
        }
        self.ends.end(&begun, u32::try_from(self.at).ok()?);
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
        assert!(is_json(&deep(DEPTH_MAX)));
        assert!(!is_json(&deep(DEPTH_MAX + 1)));
    }

    #[test]
    fn the_index_knows_the_places() {
        let text = r#" {"paths":{"/b":{"x":1},"/a":{},"/b":{"y":2}},"components":{"schemas":{"A":[1],"é\n":true},"x":3}} "#;
        let index = Index::of(text).unwrap();
        let at = |span: Span| &text[span.range()];
        let paths: Vec<_> = index
            .paths()
            .iter()
            .map(|(path, span)| (&**path, at(*span)))
            .collect();
        assert_eq!(paths, [("/b", r#"{"y":2}"#), ("/a", "{}")]);
        let member = |start, name| index.members(start).unwrap()[name];
        let components = member(index.root_start(), "components");
        let schemas = member(components.start(), "schemas");
        assert_eq!(at(member(schemas.start(), "A")), "[1]");
        assert_eq!(at(member(schemas.start(), "é\n")), "true");
        assert_eq!(index.members(schemas.start()).unwrap().get("B"), None);
        assert!(
            index
                .members(member(components.start(), "x").start())
                .is_none()
        );
    }

    proptest! {
        #[test]
        fn any_text_is_judged_like_serde_json(text in r#"[\[\]{},:"\\ 0-9eE.+\-a-u\n]{0,24}"#) {
            prop_assert!(agrees(&text), "{text:?}");
        }
    }
}
