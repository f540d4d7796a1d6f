//! Tools of the whole catalog, named by what they are: what rules of access and of limits are about.
//!
//! It is the selector of one source's tools ([`crate::Selector`]) with three differences: names are those that clients
//! see, a tool can be named by its source, and by what it is known to do. A hint that a tool does not give is neither
//! true nor false, so that nothing is opened by what nobody said.

mod mistake;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::mistake::RuleMistake;
use crate::glob::{self, Whole};
use crate::select::{self, Candidate, NO, Part, YES};

/// Tools by what they are. Every key that is there must match; `*` and `?` stand for any characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ToolPattern {
    /// The tool's name, as clients see it.
    pub name: Option<String>,
    /// One of its tags.
    pub tag: Option<String>,
    /// The source that offers it, by its name in the configuration. Alone it stands for the prompts and resources of the
    /// source as well.
    pub source: Option<String>,
    /// The path of its operation as the document writes it. `*` stays between two slashes, `**` does not.
    pub path: Option<String>,
    /// The method of its operation, such as `GET`.
    pub method: Option<String>,
    /// The `operationId` of its operation.
    pub operation_id: Option<String>,
    /// Whether it is known to change nothing.
    pub read_only: Option<bool>,
    /// Whether it is known to be able to destroy something.
    pub destructive: Option<bool>,
    /// Whether it is known that a second call changes nothing more.
    pub idempotent: Option<bool>,
    /// Whether it is known to reach things outside of this server.
    pub open_world: Option<bool>,
}

impl ToolPattern {
    pub(crate) fn parts(&self) -> Vec<Part<'_>> {
        fn hint(hint: Option<bool>) -> Option<&'static str> {
            hint.map(|is_so| if is_so { YES } else { NO })
        }
        [
            ("name", self.name.as_deref()),
            ("tag", self.tag.as_deref()),
            ("source", self.source.as_deref()),
            ("path", self.path.as_deref()),
            ("method", self.method.as_deref()),
            ("operation_id", self.operation_id.as_deref()),
            ("read_only", hint(self.read_only)),
            ("destructive", hint(self.destructive)),
            ("idempotent", hint(self.idempotent)),
            ("open_world", hint(self.open_world)),
        ]
        .into_iter()
        .filter_map(|(key, pattern)| {
            Some(Part {
                key,
                pattern: pattern?,
            })
        })
        .collect()
    }

    /// The pattern of sources, where it is the only key.
    pub(crate) fn whole_source(&self) -> Option<&str> {
        let source = self.source.as_deref()?;
        let is_alone = *self
            == Self {
                source: Some(source.to_owned()),
                ..Self::default()
            };
        is_alone.then_some(source)
    }
}

/// Whether any of the patterns matches.
pub(crate) fn any_matches(patterns: &[ToolPattern], candidate: Candidate<'_>) -> bool {
    let mut patterns = patterns.iter();
    patterns.any(|pattern| select::match_all(&pattern.parts(), candidate))
}

/// Whether any of the patterns stands for the whole of a source.
pub(crate) fn any_matches_source(patterns: &[ToolPattern], source: &str) -> bool {
    let mut patterns = patterns.iter().filter_map(ToolPattern::whole_source);
    patterns.any(|pattern| glob::matches(pattern, source, Whole::Word))
}

/// What is wrong with the patterns of the rule at `key`: that they match nothing.
pub(crate) fn check(
    key: &str,
    patterns: &[ToolPattern],
    tools: &[Candidate<'_>],
    sources: &[&str],
) -> Vec<RuleMistake> {
    let wrong = patterns.iter().enumerate().filter_map(|(number, pattern)| {
        let is_source = |source: &&str| any_matches_source(std::slice::from_ref(pattern), source);
        // A source may offer nothing but resources.
        if sources.iter().any(is_source) {
            return None;
        }
        let unmatched = select::unmatched(&pattern.parts(), tools)?;
        let key = format!("{key}.tools[{number}]");
        Some(RuleMistake::of_unmatched(&key, unmatched))
    });
    wrong.collect()
}
