//! What schemas call themselves: `$anchor`, `$id`, and which of them hold `$defs` of their own.
//!
//! Few documents have any of it, so it is looked for only when a reference asks, by one pass over the text.

use memchr::memmem;
use wharf_model::{HashMap, Scanner, Slice};

use super::files::Files;
use super::{DEPTH_MAX, Span};

/// The names in one document and its files.
#[derive(Debug, Default)]
pub(crate) struct Landmarks {
    /// By the number of the file and the anchor's name.
    anchors: HashMap<(usize, String), Span>,
    /// By absolute address.
    ids: HashMap<String, Span>,
    /// By their places.
    holders: Vec<Holder>,
}

/// A schema that pointers may start from: it has an `$id` or `$defs`.
#[derive(Debug)]
struct Holder {
    span: Span,
    /// The holder around this one.
    parent: Option<usize>,
}

impl Landmarks {
    pub(super) fn of(text: &str, files: &Files) -> Self {
        let mut landmarks = Self::default();
        for (number, span) in files.spans().enumerate() {
            let part = &text[span.range()];
            let has = |key: &str| memmem::find(part.as_bytes(), key.as_bytes()).is_some();
            if !has("\"$anchor\"")
                && !has("\"$dynamicAnchor\"")
                && !has("\"$id\"")
                && !has("\"$defs\"")
            {
                continue;
            }
            let mut survey = Survey {
                landmarks: &mut landmarks,
                files,
                number,
                text: part,
                offset: span.range().start,
            };
            // The text was scanned before, so it is JSON.
            let _ = survey.value(&mut Scanner::<()>::new(part), 0);
        }
        landmarks.nest();
        landmarks
    }

    pub(crate) fn anchor(&self, file: usize, name: &str) -> Option<Span> {
        self.anchors.get(&(file, name.to_owned())).copied()
    }

    pub(crate) fn id(&self, address: &str) -> Option<Span> {
        self.ids.get(address).copied()
    }

    /// The schemas around the place `at` that pointers may start from, the nearest first.
    pub(crate) fn around(&self, at: u32) -> impl Iterator<Item = Span> {
        let last = self
            .holders
            .partition_point(|holder| holder.span.start() <= at)
            .checked_sub(1);
        std::iter::successors(last, |number| self.holders[*number].parent)
            .map(|number| self.holders[number].span)
            .filter(move |span| span.range().contains(&(at as usize)))
    }

    /// Sorts the holders and finds out which stands in which.
    fn nest(&mut self) {
        self.holders.sort_by_key(|holder| holder.span.start());
        let mut open: Vec<usize> = Vec::new();
        for number in 0..self.holders.len() {
            let start = self.holders[number].span.range().start;
            while open
                .last()
                .is_some_and(|outer| self.holders[*outer].span.range().end <= start)
            {
                open.pop();
            }
            self.holders[number].parent = open.last().copied();
            open.push(number);
        }
    }
}

/// One pass over one file.
struct Survey<'s> {
    landmarks: &'s mut Landmarks,
    files: &'s Files,
    number: usize,
    text: &'s str,
    /// Where the file begins in the document's text.
    offset: usize,
}

impl Survey<'_> {
    fn value(&mut self, scanner: &mut Scanner<'_>, depth: usize) -> Option<()> {
        match scanner.peek()? {
            b'{' if depth < DEPTH_MAX => self.object(scanner, depth),
            b'[' if depth < DEPTH_MAX => {
                scanner.open();
                let mut first = true;
                while scanner.next(first, b']')? {
                    first = false;
                    self.value(scanner, depth + 1)?;
                }
                Some(())
            }
            _ => scanner.value(depth),
        }
    }

    fn object(&mut self, scanner: &mut Scanner<'_>, depth: usize) -> Option<()> {
        let start = scanner.at();
        let mut anchors = Vec::new();
        let mut id = None;
        let mut holds = false;
        scanner.open();
        let mut first = true;
        while let Some(key) = scanner.key(first)? {
            first = false;
            let value_start = scanner.at();
            self.value(scanner, depth + 1)?;
            let value = Slice::from_checked(&self.text[value_start..scanner.at()]);
            match &*key {
                "$anchor" | "$dynamicAnchor" => anchors.extend(value.text()),
                "$id" => id = value.text(),
                "$defs" => holds |= value.as_str().starts_with('{'),
                _ => {}
            }
        }
        let span = Span::new(self.offset + start..self.offset + scanner.at());
        for anchor in anchors {
            let anchors = &mut self.landmarks.anchors;
            anchors.insert((self.number, anchor.into_owned()), span);
        }
        if let Some(id) = &id {
            for address in self.files.absolute(self.number, id) {
                self.landmarks.ids.entry(address).or_insert(span);
            }
        }
        if holds || id.is_some() {
            self.landmarks.holders.push(Holder { span, parent: None });
        }
        Some(())
    }
}
