//! Schemas: from OpenAPI's dialects to JSON Schema draft 2020-12, as text.
//!
//! A schema is converted while it is read and written straight into text. Component schemas are converted once each,
//! at their first use, and kept with the list of what they refer to; a tool's `$defs` are then put together from those
//! texts. A component is never written into the place of its reference, so recursion is data and sizes stay linear.
//!
//! What does not fit the draft (an unknown type, a pattern that is no regular expression, a reference to nothing) is
//! loosened: the schema then accepts more than it should, and the upstream is the judge. A note in the report says so.
//! Only a reference out of the document makes an operation unusable.

mod around;
mod convert;
mod definitions;
mod keywords;
mod pattern;
mod place;

use std::borrow::Cow;

use wharf_model::{HashSet, Slice};

pub(crate) use around::Around;
use definitions::Definitions;
pub(crate) use keywords::{Flags, Keyword, Keywords, members_once};
use pattern::Patterns;
pub(crate) use place::Place;

use crate::reference::{Resolver, Unresolved};
use crate::writer::Writer;

/// How many notes are kept; a document that needs more is told by the first ones.
pub(crate) const NOTES_MAX: usize = 200;

/// Whether a schema describes what is sent or what comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Arguments: `readOnly` properties do not exist.
    Input,
    /// Results: `writeOnly` properties do not exist.
    Output,
}

/// Something in the document that was read more loosely than it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Note {
    /// Where it stands: a JSON pointer into the document.
    pub pointer: String,
    /// What was done about it, and why.
    pub text: String,
}

/// Converts the schemas of one document in one direction.
pub(crate) struct Schemas<'r, 'd> {
    resolver: &'r Resolver<'d>,
    direction: Direction,
    definitions: Definitions<'d>,
    patterns: Patterns,
    notes: Vec<Note>,
    /// How often something was noted, also where it had been noted before.
    noted: usize,
}

/// A piece of schema text that is being written, and what it refers to.
#[derive(Debug, Default)]
pub(crate) struct Fragment {
    pub(crate) writer: Writer,
    /// The definitions that are referred to, each once, in the order of their first mention.
    reaches: Vec<usize>,
    reached: HashSet<usize>,
    /// Those of them that apply to the same value as the fragment itself (`allOf` and its like): a circle of such
    /// references describes nothing and would keep a validator busy for ever.
    in_place: Vec<usize>,
    /// The first reference that leads out of the document.
    external: Option<Unresolved>,
}

impl<'r, 'd> Schemas<'r, 'd> {
    pub(crate) fn new(resolver: &'r Resolver<'d>, direction: Direction) -> Self {
        Self {
            resolver,
            direction,
            definitions: Definitions::default(),
            patterns: Patterns::default(),
            notes: Vec::new(),
            noted: 0,
        }
    }

    /// Grows with each note.
    pub(crate) fn noted(&self) -> usize {
        self.noted
    }

    /// What was loosened so far.
    pub(crate) fn into_notes(self) -> Vec<Note> {
        self.notes
    }

    pub(crate) fn note(&mut self, place: &Place<'_>, text: impl Into<Cow<'static, str>>) {
        self.noted += 1;
        if self.notes.len() < NOTES_MAX {
            let note = Note {
                pointer: place.to_string(),
                text: text.into().into_owned(),
            };
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// Writes a schema of the document.
    pub(crate) fn write(
        &mut self,
        fragment: &mut Fragment,
        schema: Slice<'d>,
        around: &Around<'_>,
        place: &Place<'_>,
    ) {
        convert::Converter::new(self, None).schema(fragment, schema, around, place);
    }

    /// Writes a schema as what it refers to, for a root that must say `type: object` itself.
    pub(crate) fn write_root(
        &mut self,
        fragment: &mut Fragment,
        schema: Slice<'d>,
        place: &Place<'_>,
    ) {
        let mut root = schema;
        if let Some(reference) = Keywords::of(schema).reference()
            && let Ok((target, _)) = self.resolver.schema(reference)
        {
            root = target;
        }
        convert::Converter::new(self, None).members(fragment, root, place);
    }

    /// Writes the member `$defs` with everything that the fragment refers to, directly or not.
    ///
    /// Breadth first, so that what stands nearest to the arguments is there when `bytes_max` is reached; what comes
    /// later is defined as "anything".
    pub(crate) fn write_definitions(
        &mut self,
        fragment: &mut Fragment,
        bytes_max: usize,
    ) -> Result<(), Unresolved> {
        if let Some(external) = fragment.external.take() {
            return Err(external);
        }
        if fragment.reaches.is_empty() {
            return Ok(());
        }
        let mut queue = std::mem::take(&mut fragment.reaches);
        let mut seen = std::mem::take(&mut fragment.reached);
        fragment.writer.key("$defs");
        fragment.writer.open_object();
        let written = |fragment: &Fragment| fragment.writer.as_str().len();
        let start = written(fragment);
        let mut next = 0;
        while let Some(&id) = queue.get(next) {
            next += 1;
            if written(fragment) - start >= bytes_max {
                fragment.writer.key(self.definitions.name(id));
                fragment.writer.raw("{}");
                continue;
            }
            self.ensure(id);
            let definition = self.definitions.converted(id);
            if let Some(external) = &definition.external {
                return Err(external.clone());
            }
            fragment.writer.key(self.definitions.name(id));
            fragment.writer.raw(&definition.text);
            queue.extend(definition.reaches.iter().filter(|id| seen.insert(**id)));
        }
        fragment.writer.close_object();
        Ok(())
    }

    /// Converts a definition and all that it is made of in place, unless that was done before.
    fn ensure(&mut self, id: usize) {
        definitions::ensure(self, id, 0);
    }
}

impl Fragment {
    /// A piece of what `around` holds, written apart from it.
    pub(crate) fn apart(around: &Self) -> Self {
        Self {
            writer: Writer::as_deep_as(&around.writer),
            ..Self::default()
        }
    }

    /// Puts a piece that was written apart here.
    pub(crate) fn put(&mut self, piece: &Self) {
        self.writer.raw(piece.writer.as_str());
        for id in &piece.reaches {
            self.reach(*id, false);
        }
        if self.external.is_none() {
            self.external.clone_from(&piece.external);
        }
    }

    fn reach(&mut self, id: usize, in_place: bool) {
        if self.reached.insert(id) {
            self.reaches.push(id);
        }
        if in_place && !self.in_place.contains(&id) {
            self.in_place.push(id);
        }
    }
}
