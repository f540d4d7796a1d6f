//! The schemas that become `$defs`: each converted once, with what it refers to.

use wharf_model::{HashMap, HashSet, Slice};

use super::around::Around;
use super::convert::Converter;
use super::{Fragment, Place, Schemas};
use crate::reference::Unresolved;

/// How far compositions of compositions may reach. Validators recurse along them, so this bounds their stack too.
const IN_PLACE_DEPTH_MAX: usize = 64;

/// Longer names are cut.
const NAME_CHARS_MAX: usize = 100;

/// All definitions that were referred to so far, known by the place of their schema in the document.
#[derive(Debug, Default)]
pub(super) struct Definitions<'d> {
    by_start: HashMap<u32, usize>,
    list: Vec<Definition<'d>>,
    names: HashSet<String>,
    /// References that are left out, as pairs of who refers to whom, because they would close a circle in place.
    cut: HashSet<(usize, usize)>,
}

#[derive(Debug)]
struct Definition<'d> {
    name: String,
    schema: Slice<'d>,
    /// A pointer.
    place: String,
    state: State,
}

#[derive(Debug)]
enum State {
    New,
    InProgress,
    Done(Converted),
}

/// A definition's text and what it refers to.
#[derive(Debug, Default)]
pub(super) struct Converted {
    pub(super) text: String,
    pub(super) reaches: Vec<usize>,
    pub(super) external: Option<Unresolved>,
    /// How many definitions follow each other in place from here.
    height: usize,
}

impl<'d> Definitions<'d> {
    /// The definition of the schema at `start`, which `reference` names.
    pub(super) fn id(&mut self, start: u32, schema: Slice<'d>, reference: &str) -> usize {
        if let Some(known) = self.by_start.get(&start) {
            return *known;
        }
        let id = self.list.len();
        let name = self.free_name(reference);
        self.list.push(Definition {
            name,
            schema,
            place: reference.trim_start_matches('#').to_owned(),
            state: State::New,
        });
        self.by_start.insert(start, id);
        id
    }

    pub(super) fn name(&self, id: usize) -> &str {
        &self.list[id].name
    }

    pub(super) fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cut.contains(&(from, to))
    }

    /// What [`ensure`] made of a definition.
    pub(super) fn converted(&self, id: usize) -> &Converted {
        match &self.list[id].state {
            State::Done(converted) => converted,
            State::New | State::InProgress => {
                unreachable!("a definition is ensured before it is used")
            }
        }
    }

    /// The last part of the reference, with only what needs no escaping in a JSON pointer or a URI fragment; of a whole
    /// file its name without the ending.
    fn free_name(&mut self, reference: &str) -> String {
        let last = reference.rsplit(['/', '#']).next().unwrap_or_default();
        let is_file = !reference.contains('#');
        let last = last
            .rsplit_once('.')
            .filter(|(stem, _)| is_file && !stem.is_empty())
            .map_or(last, |(stem, _)| stem);
        let decoded = percent_encoding::percent_decode_str(last).decode_utf8_lossy();
        let safe: String = decoded
            .replace("~1", "/")
            .replace("~0", "~")
            .chars()
            .take(NAME_CHARS_MAX)
            .map(|character| match character {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.' => character,
                _ => '_',
            })
            .collect();
        let base = if safe.is_empty() { "schema" } else { &safe };
        let mut name = base.to_owned();
        let mut count = 1;
        while !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        name
    }
}

/// Converts a definition, and first all that it is made of in place, to know whether that comes to an end.
pub(super) fn ensure(schemas: &mut Schemas<'_, '_>, id: usize, depth: usize) {
    let definitions = &mut schemas.definitions;
    if !matches!(definitions.list[id].state, State::New) {
        return;
    }
    definitions.list[id].state = State::InProgress;
    let mut fragment = convert(schemas, id);
    let mut height = 0;
    let mut cuts = false;
    for part in std::mem::take(&mut fragment.in_place) {
        if depth < IN_PLACE_DEPTH_MAX {
            ensure(schemas, part, depth + 1);
        }
        let below = match &schemas.definitions.list[part].state {
            State::Done(converted) => converted.height + 1,
            State::InProgress | State::New => usize::MAX,
        };
        if below > IN_PLACE_DEPTH_MAX {
            schemas.definitions.cut.insert((id, part));
            cuts = true;
        } else {
            height = height.max(below);
        }
    }
    if cuts {
        fragment = convert(schemas, id);
    }
    schemas.definitions.list[id].state = State::Done(Converted {
        text: fragment.writer.into_string(),
        reaches: fragment.reaches,
        external: fragment.external,
        height,
    });
}

fn convert(schemas: &mut Schemas<'_, '_>, id: usize) -> Fragment {
    let Definition { schema, place, .. } = &schemas.definitions.list[id];
    let (schema, place) = (*schema, place.clone());
    let mut fragment = Fragment::default();
    Converter::new(schemas, Some(id)).schema(
        &mut fragment,
        schema,
        &Around::definition(),
        &Place::at(&place),
    );
    fragment
}
