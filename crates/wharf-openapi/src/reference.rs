//! References: from `$ref` texts to places in the document.
//!
//! Only references within the document are followed. A member named `$ref` is a reference only where the document
//! calls for something that can be one, so an example or a default that contains such a member is never touched.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use percent_encoding::percent_decode_str;
use wharf_model::{JsonKind, Slice};

use crate::document::{Document, Names, Span};
use crate::schema::{Flags, Keyword, Keywords};

/// References to references; longer chains are taken for loops.
const HOPS_MAX: usize = 32;

/// How far [`Resolver::flags`] looks into compositions.
const FLAGS_DEPTH_MAX: usize = 8;

/// How alike a name must be to be suggested.
const LIKENESS_MIN: f64 = 0.75;

/// How many names are compared for a suggestion.
const SUGGESTIONS_MAX: usize = 10_000;

/// Finds what references refer to, and remembers what it passed on the way.
pub(crate) struct Resolver<'d> {
    document: &'d Document,
    /// The members of objects that references went through, by the object's place: each is read once, however many
    /// references there are.
    passed: RefCell<HashMap<u32, Names>>,
    flags: RefCell<HashMap<u32, Flags>>,
}

/// An object in whose place a Reference Object may stand.
pub(crate) trait Referring<'d> {
    /// Picks the members that matter.
    fn of(value: Slice<'d>) -> Self;

    /// Its `$ref`.
    fn reference(&self) -> Option<Slice<'d>>;
}

/// Why there is nothing where something should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unresolved {
    /// It leads out of the document.
    External(String),
    /// Nothing is there.
    Missing {
        target: String,
        nearest: Option<String>,
    },
    /// It leads to itself.
    Loop(String),
    /// What is there is no object.
    NoObject,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::External(target) => {
                write!(f, "refers to `{target}`, outside of the document")
            }
            Self::Missing { target, nearest } => {
                write!(
                    f,
                    "refers to `{target}`, which the document does not define"
                )?;
                match nearest {
                    Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
                    None => Ok(()),
                }
            }
            Self::NoObject => f.write_str("is no object"),
            Self::Loop(target) => write!(f, "refers to `{target}`, which refers back to itself"),
        }
    }
}

impl<'d> Resolver<'d> {
    pub(crate) fn new(document: &'d Document) -> Self {
        Self {
            document,
            passed: RefCell::default(),
            flags: RefCell::default(),
        }
    }

    pub(crate) fn document(&self) -> &'d Document {
        self.document
    }

    /// Reads an object, or the one that it refers to.
    pub(crate) fn read<T: Referring<'d>>(&self, value: Slice<'d>) -> Result<T, Unresolved> {
        let mut value = value;
        let mut last = String::new();
        for _ in 0..HOPS_MAX {
            if value.kind() != JsonKind::Object {
                return Err(Unresolved::NoObject);
            }
            let members = T::of(value);
            let Some(reference) = members.reference().and_then(Slice::text) else {
                return Ok(members);
            };
            value = self.target(&reference)?;
            last = reference.into_owned();
        }
        Err(Unresolved::Loop(last))
    }

    /// What a schema's `$ref` stands for, past schemas that are nothing but another `$ref`, with the last reference.
    pub(crate) fn schema(&self, reference: &str) -> Result<(Slice<'d>, String), Unresolved> {
        let mut reference = reference.to_owned();
        for _ in 0..HOPS_MAX {
            let target = self.target(&reference)?;
            let mut members = target.each_member();
            match (members.next(), members.next()) {
                (Some((key, value)), None) if key == "$ref" => match value.text() {
                    Some(next) => reference = next.into_owned(),
                    None => return Ok((target, reference)),
                },
                _ => return Ok((target, reference)),
            }
        }
        Err(Unresolved::Loop(reference))
    }

    /// What stands at a reference.
    fn target(&self, reference: &str) -> Result<Slice<'d>, Unresolved> {
        let Some(fragment) = reference.strip_prefix('#') else {
            return Err(Unresolved::External(reference.to_owned()));
        };
        let missing = |nearest| Unresolved::Missing {
            target: reference.to_owned(),
            nearest,
        };
        let pointer = percent_decode_str(fragment)
            .decode_utf8()
            .map_err(|_| missing(None))?;
        let mut value = self.document.root();
        if pointer.is_empty() {
            return Ok(value);
        }
        let tokens = pointer.strip_prefix('/').ok_or_else(|| missing(None))?;
        let mut tokens = tokens.split('/').peekable();
        while let Some(token) = tokens.next() {
            let name = if token.contains('~') {
                Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
            } else {
                Cow::Borrowed(token)
            };
            value = self.member(value, &name).ok_or_else(|| {
                // Of a name in the middle nobody knows what it should lead to.
                let is_last = tokens.peek().is_none();
                missing(is_last.then(|| self.nearest(value, &name)).flatten())
            })?;
        }
        Ok(value)
    }

    /// The member of an object or the item of an array.
    fn member(&self, value: Slice<'d>, name: &str) -> Option<Slice<'d>> {
        let start = self.document.span_of(value).start();
        if let Some(names) = self.document.indexed(start) {
            return names.get(name).map(|span| self.document.at(*span));
        }
        let mut passed = self.passed.borrow_mut();
        let names = passed.entry(start).or_insert_with(|| {
            let span = |value| self.document.span_of(value);
            let members = value.each_member();
            let items = value.each_item().enumerate();
            members
                .map(|(key, value)| (key.into(), span(value)))
                .chain(items.map(|(place, item)| (place.to_string().into(), span(item))))
                .collect()
        });
        names.get(name).map(|span: &Span| self.document.at(*span))
    }

    /// The name in `value` that `name` was probably meant to be.
    fn nearest(&self, value: Slice<'d>, name: &str) -> Option<String> {
        let start = self.document.span_of(value).start();
        let passed = self.passed.borrow();
        let names = self.document.indexed(start).or(passed.get(&start))?;
        names
            .keys()
            .map(|known| &**known)
            .take(SUGGESTIONS_MAX)
            .map(|known| (strsim::jaro_winkler(known, name), known))
            .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
            // Names come in no order: of two that are equally alike the smaller one is taken.
            .max_by(|(one, a), (other, b)| one.total_cmp(other).then(b.cmp(a)))
            .map(|(_, known)| known.to_owned())
    }

    /// Whether a property is `readOnly` or `writeOnly`, by its own schema or the schemas it is made of.
    pub(crate) fn flags(&self, schema: &Keywords<'d>) -> Flags {
        self.flags_within(schema, 0)
    }

    fn flags_within(&self, schema: &Keywords<'d>, depth: usize) -> Flags {
        let mut flags = schema.flags();
        if depth == FLAGS_DEPTH_MAX {
            return flags;
        }
        if let Some(reference) = schema.reference()
            && let Ok((target, _)) = self.schema(&reference)
        {
            let start = self.document.span_of(target).start();
            let known = self.flags.borrow().get(&start).copied();
            flags = flags.or(known.unwrap_or_else(|| {
                // Known before it is found, so that a schema that contains itself is looked at once.
                self.flags.borrow_mut().insert(start, Flags::default());
                let found = self.flags_within(&Keywords::of(target), depth + 1);
                self.flags.borrow_mut().insert(start, found);
                found
            }));
        }
        for part in schema
            .get(Keyword::AllOf)
            .into_iter()
            .flat_map(Slice::each_item)
        {
            flags = flags.or(self.flags_within(&Keywords::of(part), depth + 1));
        }
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_to_places() {
        let document = Document::read(
            r##"{"openapi":"3.1.0","info":{},"paths":{"/a/{b}":{"get":{"parameters":[{"name":"x"}]}}},
            "components":{"schemas":{"A":{"$ref":"#/components/schemas/B"},"B":{"type":"string"},"a~b":1,
            "L":{"$ref":"#/components/schemas/M"},"M":{"$ref":"#/components/schemas/L"},"Pet":{}}},"x":[[2]]}"##,
        )
        .unwrap();
        let resolver = Resolver::new(&document);
        for (reference, expected) in [
            ("#/components/schemas/B", r#"{"type":"string"}"#),
            ("#/components/schemas/A", r#"{"type":"string"}"#),
            ("#/components/schemas/a~0b", "1"),
            ("#/paths/~1a~1%7Bb%7D/get/parameters/0/name", r#""x""#),
            ("#/x/0/0", "2"),
            ("#/x/0", "[2]"),
        ] {
            let (target, _) = resolver.schema(reference).expect(reference);
            assert_eq!(target.as_str(), expected, "{reference}");
        }
        for (reference, expected) in [
            ("#/components/schemas/L", "refers back to itself"),
            ("other.yaml#/A", "outside of the document"),
            ("http://x/y", "outside of the document"),
            ("#/components/schemas/Pett", "did you mean `Pet`?"),
            ("#/components/schemas/Zebra", "does not define"),
            ("#/x/1", "does not define"),
            ("#/openapi/0", "does not define"),
            ("#anchor", "does not define"),
            ("#/%ff", "does not define"),
        ] {
            let error = resolver.schema(reference).expect_err(reference).to_string();
            assert!(error.contains(expected), "{reference}: {error}");
        }
    }
}
