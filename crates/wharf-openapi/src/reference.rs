//! References: from `$ref` texts to places in the document.
//!
//! A reference is relative to the file that it stands in, which its place in the text tells. A member named `$ref` is a
//! reference only where the document calls for something that can be one, so an example or a default that contains such
//! a member is never touched.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::fmt;

use percent_encoding::percent_decode_str;
use wharf_model::{HashMap, JsonKind, Slice};

use crate::document::{Document, Found, Names, Span, Version, words};
use crate::operation::{ObjectMembers, ParameterRead};
use crate::schema::{Flags, Keyword, Keywords};

/// References to references; longer chains are taken for loops.
const HOPS_MAX: usize = 32;

/// How far [`Resolver::flags`] looks into compositions.
const FLAGS_DEPTH_MAX: usize = 8;

/// No operation has more tags, those around its own included.
const TAGS_MAX: usize = 64;

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
    /// What bodies are made of by the place of their schema: many operations send the same thing.
    pub(crate) bodies: RefCell<HashMap<u32, Option<ObjectMembers<'d>>>>,
    /// The parameters that operations refer to, by the file and the text of what refers to them: some documents have a
    /// handful that each operation takes. None where it is no argument.
    pub(crate) parameters: RefCell<HashMap<(usize, &'d str), Option<ParameterRead<'d>>>>,
    /// Which file an address means, by the file that says it.
    files: RefCell<HashMap<(usize, String), Found>>,
    /// The tag that each tag stands below (OpenAPI 3.2).
    tag_parents: OnceCell<HashMap<String, String>>,
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
    /// It leads out of the document and the files that belong to it.
    External {
        target: String,
        /// Why there is nothing, where somebody looked.
        reason: Option<String>,
    },
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
            Self::External { target, reason } => {
                write!(f, "refers to `{target}`, outside of the document")?;
                match reason {
                    Some(reason) => write!(f, ": {reason}"),
                    None => Ok(()),
                }
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
            bodies: RefCell::default(),
            parameters: RefCell::default(),
            files: RefCell::default(),
            tag_parents: OnceCell::new(),
        }
    }

    pub(crate) fn document(&self) -> &'d Document {
        self.document
    }

    /// Reads an object, or the one that it refers to.
    pub(crate) fn read<T: Referring<'d>>(&self, value: Slice<'d>) -> Result<T, Unresolved> {
        let mut value = value;
        let mut last = None;
        for _ in 0..HOPS_MAX {
            if value.kind() != JsonKind::Object {
                return Err(Unresolved::NoObject);
            }
            let members = T::of(value);
            let reference = members.reference();
            let Some(reference) = reference.filter(|text| text.kind() == JsonKind::String) else {
                return Ok(members);
            };
            value = self.target(reference)?;
            last = Some(reference);
        }
        Err(Unresolved::Loop(last.map(words).unwrap_or_default()))
    }

    /// What a schema's `$ref` stands for, past schemas that are nothing but another `$ref`, with the last reference.
    pub(crate) fn schema(
        &self,
        reference: Slice<'d>,
    ) -> Result<(Slice<'d>, Cow<'d, str>), Unresolved> {
        let mut reference = reference;
        for _ in 0..HOPS_MAX {
            let target = self.target(reference)?;
            match lone_reference(target) {
                Some(next) => reference = next,
                None => return Ok((target, reference.text().unwrap_or_default())),
            }
        }
        Err(Unresolved::Loop(words(reference)))
    }

    /// What stands at a reference.
    fn target(&self, reference: Slice<'d>) -> Result<Slice<'d>, Unresolved> {
        let text = reference.text().ok_or(Unresolved::NoObject)?;
        let missing = |nearest| Unresolved::Missing {
            target: text.clone().into_owned(),
            nearest,
        };
        let at = self.document.span_of(reference).start();
        let (address, fragment) = text.split_once('#').unwrap_or((&text, ""));
        let fragment = if fragment.contains('%') {
            let decoded = percent_decode_str(fragment).decode_utf8();
            decoded.map_err(|_| missing(None))?
        } else {
            Cow::Borrowed(fragment)
        };
        let here = self.document.files().number_at(at);
        let (root, file) = match self.file(here, address) {
            Found::File(file) => (self.document.files().span(file), file),
            Found::Refused(reason) => {
                return Err(Unresolved::External {
                    target: text.into_owned(),
                    reason: Some(reason),
                });
            }
            Found::Unknown(addresses) => {
                let own = addresses
                    .iter()
                    .find_map(|address| self.document.landmarks().id(address))
                    .or_else(|| self.plain_name(&text));
                let span = own.ok_or_else(|| Unresolved::External {
                    target: text.clone().into_owned(),
                    reason: None,
                })?;
                (span, self.document.files().number_at(span.start()))
            }
        };
        let root = self.document.at(root);
        if fragment.is_empty() {
            return Ok(root);
        }
        let Some(pointer) = fragment.strip_prefix('/') else {
            let anchor = self.document.landmarks().anchor(file, &fragment);
            return anchor
                .map(|span| self.document.at(span))
                .ok_or_else(|| missing(None));
        };
        match self.walk(root, pointer) {
            Ok(value) => Ok(value),
            Err(nearest) => {
                // A schema with an `$id` is a document of its own, and what has `$defs` is often taken for one.
                let around = address.is_empty().then(|| self.document.landmarks());
                around
                    .into_iter()
                    .flat_map(|landmarks| landmarks.around(at))
                    .find_map(|span| self.walk(self.document.at(span), pointer).ok())
                    .ok_or_else(|| missing(nearest))
            }
        }
    }

    /// The file that a reference's address means; an empty one means the file that says it.
    fn file(&self, here: usize, address: &str) -> Found {
        if address.is_empty() {
            return Found::File(here);
        }
        let key = (here, address.to_owned());
        let mut files = self.files.borrow_mut();
        files
            .entry(key)
            .or_insert_with(|| self.document.files().find(here, address))
            .clone()
    }

    /// Swagger 1 referred to models by their bare names, and some 2.0 documents still do.
    fn plain_name(&self, name: &str) -> Option<Span> {
        let definitions = self.document.member("definitions")?;
        let is_swagger = self.document.version() == Version::V20;
        let definition = is_swagger.then(|| self.member(definitions, name))??;
        Some(self.document.span_of(definition))
    }

    /// Follows a pointer's tokens; fails with the name that the last one was probably meant to be.
    fn walk(&self, root: Slice<'d>, pointer: &str) -> Result<Slice<'d>, Option<String>> {
        let mut value = root;
        let mut tokens = pointer.split('/').peekable();
        while let Some(token) = tokens.next() {
            let name = if token.contains('~') {
                Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
            } else {
                Cow::Borrowed(token)
            };
            value = self.member(value, &name).ok_or_else(|| {
                // Of a name in the middle nobody knows what it should lead to.
                let is_last = tokens.peek().is_none();
                is_last.then(|| self.nearest(value, &name)).flatten()
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
            && let Ok((target, _)) = self.schema(reference)
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

    /// The tags and those that they stand below, each once: who asks for a tag means what is nested in it too.
    pub(crate) fn with_parents(&self, tags: Vec<String>) -> Vec<String> {
        if self.document.version() != Version::V32 {
            return tags;
        }
        let parents = self.tag_parents.get_or_init(|| {
            let tags = self.document.member("tags").into_iter();
            let text = |tag: Slice<'d>, name| Some(tag.get(name)?.text()?.into_owned());
            tags.flat_map(Slice::each_item)
                .filter_map(|tag| Some((text(tag, "name")?, text(tag, "parent")?)))
                .collect()
        });
        let mut all = tags;
        let mut next = 0;
        while let Some(tag) = all.get(next) {
            next += 1;
            if let Some(parent) = parents.get(tag)
                && all.len() < TAGS_MAX
                && !all.contains(parent)
            {
                all.push(parent.clone());
            }
        }
        all
    }
}

/// The reference of a schema that is nothing else.
fn lone_reference(schema: Slice<'_>) -> Option<Slice<'_>> {
    // What begins with another member need not be walked through to know that.
    let begins = schema.as_str().strip_prefix('{')?.trim_start();
    if !begins.starts_with(r#""$ref""#) {
        return None;
    }
    let mut members = schema.each_member();
    let (_, reference) = members.next()?;
    (reference.kind() == JsonKind::String && members.next().is_none()).then_some(reference)
}

#[cfg(test)]
mod tests;
