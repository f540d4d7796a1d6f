//! Tools and sources as entities.

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{Entity, EntityUid, RestrictedExpression};
use wharf_catalog::{Catalog, Thing};
use wharf_model::Tool;

use crate::callers::texts;
use crate::hierarchy::Hierarchy;
use crate::names::{self, Names};

/// The names of all that is offered: what policies can mean.
pub(crate) struct Offered {
    pub(crate) tools: BTreeSet<String>,
    pub(crate) sources: BTreeSet<String>,
    pub(crate) tags: BTreeSet<String>,
}

/// All that is offered, in the catalog's order.
pub(crate) struct Things {
    /// None for a tool that cannot be written in Cedar, which is none by all we know; it is not permitted then.
    tools: Vec<Option<(EntityUid, Entity)>>,
    sources: Vec<(EntityUid, Entity)>,
}

impl Offered {
    pub(crate) fn by(catalog: &Catalog) -> Self {
        let tools = catalog.tools();
        let tags = tools.iter().flat_map(|tool| &tool.tags);
        let sources = catalog.sources().iter();
        Self {
            tools: tools.iter().map(|tool| tool.name.clone()).collect(),
            sources: sources.map(|source| source.name().to_owned()).collect(),
            tags: tags.cloned().collect(),
        }
    }
}

impl Things {
    pub(crate) fn of(catalog: &Catalog, names: &Names, hierarchy: &Hierarchy) -> Self {
        let tools = catalog.tools().iter().map(|tool| {
            let id = names::entity(&names.tool, &tool.name);
            let source = catalog.source_of(&tool.name).unwrap_or_default();
            let tags = tool.tags.iter();
            let tags = tags.map(|tag| names::entity(&names.tag, tag));
            let parents = [names::entity(&names.source, source)].into_iter();
            let above = hierarchy.above(&id, parents.chain(tags));
            let entity = Entity::new(id.clone(), attributes(tool, source), above).ok()?;
            Some((id, entity))
        });
        let sources = catalog.sources().iter().map(|source| {
            let id = names::entity(&names.source, source.name());
            (id.clone(), Entity::with_uid(id))
        });
        Self {
            tools: tools.collect(),
            sources: sources.collect(),
        }
    }

    /// A thing, and what policies know of it.
    pub(crate) fn get(&self, thing: Thing) -> Option<&(EntityUid, Entity)> {
        match thing {
            Thing::Tool(index) => self.tools.get(index)?.as_ref(),
            Thing::Source(index) => self.sources.get(index),
        }
    }
}

fn attributes(tool: &Tool, source: &str) -> HashMap<String, RestrictedExpression> {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let hint = |known: Option<bool>| known.map(RestrictedExpression::new_bool);
    let origin = tool.origin.as_ref();
    let operation_id = origin.and_then(|origin| origin.operation_id.as_deref());
    let given = [
        ("name", Some(text(&tool.name))),
        ("source", Some(text(source))),
        ("tags", Some(texts(&tool.tags))),
        ("path", origin.map(|origin| text(&origin.path))),
        ("method", origin.map(|origin| text(&origin.method))),
        ("operation_id", operation_id.map(text)),
        ("read_only", hint(tool.annotations.read_only)),
        ("destructive", hint(tool.annotations.destructive)),
        ("idempotent", hint(tool.annotations.idempotent)),
        ("open_world", hint(tool.annotations.open_world)),
    ];
    let known = given
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    known.collect()
}
