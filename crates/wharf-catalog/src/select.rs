//! Which of a source's tools are offered: include, then exclude, then only what reads.
//!
//! A selector that matches nothing is a mistake: either it is misspelt, or a new version of the document no longer has
//! what it names, and its owner should know before a model does.

use std::borrow::Borrow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf_model::Tool;

use crate::glob::{self, Whole};
use crate::view::{Mistake, ViewConfig};

/// Tools by what they are made of. Every key that is there must match; `*` and `?` stand for any characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Selector {
    /// One of the operation's tags.
    pub tag: Option<String>,
    /// The operation's path as the document writes it, such as `/pets/{petId}`. `*` stays between two slashes, `**`
    /// does not.
    pub path: Option<String>,
    /// The operation's method, such as `GET`.
    pub method: Option<String>,
    /// The operation's `operationId`.
    pub operation_id: Option<String>,
    /// The tool's name, before it is renamed and without the source's prefix.
    pub name: Option<String>,
}

/// One key of a selector.
#[derive(Clone, Copy)]
pub(crate) struct Part<'s> {
    /// As the configuration calls it.
    pub(crate) key: &'static str,
    pub(crate) pattern: &'s str,
}

/// A tool and where it is from, as selectors see them.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'t> {
    pub(crate) tool: &'t Tool,
    pub(crate) source: &'t str,
}

/// Why a selector matches nothing.
pub(crate) enum Unmatched {
    /// It has no key.
    Empty,
    /// One key matches nothing by itself.
    Key {
        key: &'static str,
        pattern: String,
        /// What it was compared with.
        candidates: Vec<String>,
    },
    /// Each key matches something, but nothing matches all of them.
    Together,
}

impl Selector {
    fn parts(&self) -> Vec<Part<'_>> {
        [
            ("tag", &self.tag),
            ("path", &self.path),
            ("method", &self.method),
            ("operation_id", &self.operation_id),
            ("name", &self.name),
        ]
        .into_iter()
        .filter_map(|(key, pattern)| {
            let pattern = pattern.as_deref()?;
            Some(Part { key, pattern })
        })
        .collect()
    }

    fn matches(&self, tool: &Tool) -> bool {
        match_all(&self.parts(), of_a_source(tool))
    }
}

/// A selector of one source's tools has no key for the source.
fn of_a_source(tool: &Tool) -> Candidate<'_> {
    Candidate { tool, source: "" }
}

/// Whether every key matches.
pub(crate) fn match_all(parts: &[Part<'_>], candidate: Candidate<'_>) -> bool {
    parts.iter().all(|part| part.matches(candidate))
}

impl Part<'_> {
    fn matches(self, candidate: Candidate<'_>) -> bool {
        self.values(candidate)
            .into_iter()
            .any(|value| match self.key {
                "path" => glob::matches(self.pattern, value, Whole::Path),
                "method" => glob::matches(&self.pattern.to_ascii_uppercase(), value, Whole::Word),
                _ => glob::matches(self.pattern, value, Whole::Word),
            })
    }

    /// What of a tool this key is compared with.
    fn values(self, Candidate { tool, source }: Candidate<'_>) -> Vec<&str> {
        let origin = tool.origin.as_ref();
        let hint = |known: Option<bool>| {
            let known = known.map(|known| if known { YES } else { NO });
            known.into_iter().collect()
        };
        match self.key {
            "tag" => tool.tags.iter().map(String::as_str).collect(),
            "name" => vec![&tool.name],
            "source" => vec![source],
            "read_only" => hint(tool.annotations.read_only),
            "destructive" => hint(tool.annotations.destructive),
            "idempotent" => hint(tool.annotations.idempotent),
            "open_world" => hint(tool.annotations.open_world),
            "path" => origin.iter().map(|origin| origin.path.as_str()).collect(),
            "method" => origin.iter().map(|origin| origin.method.as_str()).collect(),
            _ => origin
                .and_then(|origin| origin.operation_id.as_deref())
                .into_iter()
                .collect(),
        }
    }
}

/// What the patterns of hints are.
pub(crate) const YES: &str = "true";
pub(crate) const NO: &str = "false";

/// Whether each tool is offered, in the order of `tools`.
pub(crate) fn select(
    config: &ViewConfig,
    tools: &[impl Borrow<Tool>],
    mistakes: &mut Vec<Mistake>,
) -> Vec<bool> {
    for (list, selectors) in [("include", &config.include), ("exclude", &config.exclude)] {
        for (number, selector) in selectors.iter().enumerate() {
            mistakes.extend(judge(&format!("{list}[{number}]"), selector, tools));
        }
    }
    let selected: Vec<bool> = tools
        .iter()
        .map(Borrow::borrow)
        .map(|tool| {
            let is_included = config.include.is_empty()
                || config.include.iter().any(|selector| selector.matches(tool));
            let is_excluded = config.exclude.iter().any(|selector| selector.matches(tool));
            let reads = !config.read_only || tool.annotations.read_only == Some(true);
            is_included && !is_excluded && reads
        })
        .collect();
    if mistakes.is_empty() && !tools.is_empty() && !selected.contains(&true) {
        mistakes.push(Mistake::NothingLeft);
    }
    selected
}

/// What is wrong with a selector that matches no tool.
fn judge(key: &str, selector: &Selector, tools: &[impl Borrow<Tool>]) -> Option<Mistake> {
    let candidates: Vec<_> = tools.iter().map(Borrow::borrow).map(of_a_source).collect();
    Some(match unmatched(&selector.parts(), &candidates)? {
        Unmatched::Empty => Mistake::EmptySelector {
            key: key.to_owned(),
        },
        Unmatched::Key {
            key: part,
            pattern,
            candidates,
        } => Mistake::NoMatch {
            key: format!("{key}.{part}"),
            pattern,
            candidates,
        },
        Unmatched::Together => Mistake::NoCommonMatch {
            key: key.to_owned(),
        },
    })
}

/// Why nothing matches all of these keys; none where something does.
pub(crate) fn unmatched(parts: &[Part<'_>], all: &[Candidate<'_>]) -> Option<Unmatched> {
    if parts.is_empty() {
        return Some(Unmatched::Empty);
    }
    if all.iter().any(|candidate| match_all(parts, *candidate)) {
        return None;
    }
    let lonely = parts
        .iter()
        .find(|part| !all.iter().any(|candidate| part.matches(*candidate)));
    let Some(part) = lonely else {
        return Some(Unmatched::Together);
    };
    let mut candidates: Vec<String> = all
        .iter()
        .flat_map(|candidate| part.values(*candidate))
        .map(str::to_owned)
        .collect();
    candidates.sort_unstable();
    candidates.dedup();
    Some(Unmatched::Key {
        key: part.key,
        pattern: part.pattern.to_owned(),
        candidates,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use wharf_model::{Origin, ToolAnnotations};

    use super::*;

    pub(crate) fn tool(name: &str, operation: &str, tags: &[&str]) -> Tool {
        let (method, path) = operation.split_once(' ').unwrap();
        Tool {
            name: name.to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            origin: Some(Origin {
                method: method.to_owned(),
                path: path.to_owned(),
                operation_id: Some(format!("pets/{name}")),
            }),
            annotations: ToolAnnotations {
                read_only: Some(method == "GET"),
                ..ToolAnnotations::default()
            },
            ..Tool::default()
        }
    }

    pub(crate) fn tools() -> Vec<Tool> {
        vec![
            tool("list", "GET /pets", &["pets"]),
            tool("create", "POST /pets", &["pets", "admin"]),
            tool("get", "GET /pets/{petId}", &["pets"]),
            tool("photo", "GET /pets/{petId}/photo", &["photos"]),
            tool("delete", "DELETE /pets/{petId}", &["admin"]),
            tool("order", "POST /store/orders", &["store"]),
        ]
    }

    fn config(text: &str) -> ViewConfig {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn include_then_exclude_then_what_reads() {
        for (given, expected) in [
            ("{}", "list create get photo delete order"),
            (r#"{"include":[{"tag":"pets"}]}"#, "list create get"),
            (
                r#"{"include":[{"tag":"p*"},{"path":"/store/**"}]}"#,
                "list create get photo order",
            ),
            (
                r#"{"include":[{"path":"/pets/*"}],"exclude":[{"method":"delete"}]}"#,
                "get",
            ),
            (r#"{"exclude":[{"tag":"admin"}]}"#, "list get photo order"),
            (
                r#"{"include":[{"path":"/pets/**","method":"GET"}]}"#,
                "get photo",
            ),
            (r#"{"include":[{"operation_id":"pets/?et"}]}"#, "get"),
            (r#"{"include":[{"name":"list"}]}"#, "list"),
            (r#"{"read_only":true}"#, "list get photo"),
            (
                r#"{"read_only":true,"exclude":[{"tag":"photos"}]}"#,
                "list get",
            ),
        ] {
            let mut mistakes = Vec::new();
            let tools = tools();
            let selected = select(&config(given), &tools, &mut mistakes);
            assert!(mistakes.is_empty(), "{given}: {mistakes:?}");
            let names: Vec<_> = tools
                .iter()
                .zip(selected)
                .filter(|(_, is_selected)| *is_selected)
                .map(|(tool, _)| tool.name.as_str())
                .collect();
            assert_eq!(names.join(" "), expected, "{given}");
        }
    }

    #[test]
    fn a_selector_that_matches_nothing_is_a_mistake() {
        for (given, expected) in [
            (
                r#"{"include":[{"tag":"pest"}]}"#,
                "`tools.include[0].tag`: nothing matches `pest`",
            ),
            (
                r#"{"include":[{"tag":"pets"}],"exclude":[{"name":"x"},{"path":"/pet"}]}"#,
                "`tools.exclude[0].name`: nothing matches `x`; `tools.exclude[1].path`: nothing matches `/pet`",
            ),
            (
                r#"{"include":[{"tag":"store","method":"GET"}]}"#,
                "`tools.include[0]`: each key matches something, but no tool matches all of them",
            ),
            (
                r#"{"exclude":[{}]}"#,
                "`tools.exclude[0]`: a selector without a key",
            ),
            (
                r#"{"read_only":true,"include":[{"tag":"store"}]}"#,
                "`tools`: the selection leaves no tool",
            ),
        ] {
            let mut mistakes = Vec::new();
            select(&config(given), &tools(), &mut mistakes);
            let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            assert_eq!(said.join("; "), expected, "{given}");
        }
    }
}
