//! Which of a source's tools are offered: include, then exclude, then only what reads.
//!
//! A selector that matches nothing is a mistake: either it is misspelt, or a new version of the document no longer has
//! what it names, and its owner should know before a model does.

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
struct Part<'s> {
    /// As the configuration calls it.
    key: &'static str,
    pattern: &'s str,
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
        self.parts().iter().all(|part| part.matches(tool))
    }
}

impl Part<'_> {
    fn matches(self, tool: &Tool) -> bool {
        self.values(tool).into_iter().any(|value| match self.key {
            "path" => glob::matches(self.pattern, value, Whole::Path),
            "method" => glob::matches(&self.pattern.to_ascii_uppercase(), value, Whole::Word),
            _ => glob::matches(self.pattern, value, Whole::Word),
        })
    }

    /// What of a tool this key is compared with.
    fn values(self, tool: &Tool) -> Vec<&str> {
        let origin = tool.origin.as_ref();
        match self.key {
            "tag" => tool.tags.iter().map(String::as_str).collect(),
            "name" => vec![&tool.name],
            "path" => origin.iter().map(|origin| origin.path.as_str()).collect(),
            "method" => origin.iter().map(|origin| origin.method.as_str()).collect(),
            _ => origin
                .and_then(|origin| origin.operation_id.as_deref())
                .into_iter()
                .collect(),
        }
    }
}

/// Whether each tool is offered, in the order of `tools`.
pub(crate) fn select(
    config: &ViewConfig,
    tools: &[Tool],
    mistakes: &mut Vec<Mistake>,
) -> Vec<bool> {
    for (list, selectors) in [("include", &config.include), ("exclude", &config.exclude)] {
        for (number, selector) in selectors.iter().enumerate() {
            mistakes.extend(judge(&format!("{list}[{number}]"), selector, tools));
        }
    }
    let selected: Vec<bool> = tools
        .iter()
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
fn judge(key: &str, selector: &Selector, tools: &[Tool]) -> Option<Mistake> {
    let parts = selector.parts();
    if parts.is_empty() {
        return Some(Mistake::EmptySelector {
            key: key.to_owned(),
        });
    }
    if tools.iter().any(|tool| selector.matches(tool)) {
        return None;
    }
    let lonely = parts
        .iter()
        .find(|part| !tools.iter().any(|tool| part.matches(tool)));
    Some(match lonely {
        Some(part) => {
            let mut candidates: Vec<String> = tools
                .iter()
                .flat_map(|tool| part.values(tool))
                .map(str::to_owned)
                .collect();
            candidates.sort_unstable();
            candidates.dedup();
            Mistake::NoMatch {
                key: format!("{key}.{}", part.key),
                pattern: part.pattern.to_owned(),
                candidates,
            }
        }
        None => Mistake::NoCommonMatch {
            key: key.to_owned(),
        },
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
