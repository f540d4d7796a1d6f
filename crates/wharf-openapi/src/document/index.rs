//! The one scan: checks that a text is JSON and notes where its parts stand.
//!
//! Both in a single pass: [`Scanner`] keeps byte offsets.

use std::ops::Range;

use wharf_model::{Ends, EndsBuilder, HashMap, HashSet, Notes as _, Scanner};

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
        index.root_start = u32::try_from(scanner.at()).ok()?;
        index.object(&mut scanner, Part::Root)?;
        scanner.skip_white();
        scanner.peek().is_none().then(|| {
            index.ends = std::mem::take(scanner.notes()).finish(text);
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
    fn object(&mut self, scanner: &mut Scanner<'_, EndsBuilder>, part: Part) -> Option<()> {
        let place = scanner.at();
        let start = u32::try_from(place).ok()?;
        let mut names = Names::default();
        let mut paths: Vec<(Box<str>, Span)> = Vec::new();
        let begun = scanner.notes().begin(place);
        scanner.open();
        while let Some(key) = scanner.key(names.is_empty())? {
            let value_start = scanner.at();
            match part.member(&key) {
                Some(inner) if scanner.peek() == Some(b'{') => self.object(scanner, inner)?,
                _ => scanner.value(part.depth())?,
            }
            let span = Span::new(value_start..scanner.at());
            if part == Part::Paths {
                paths.push((key.clone().into(), span));
            }
            names.insert(key.into(), span);
        }
        let end = scanner.at();
        scanner.notes().end(&begun, end);
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
