//! Pages of results: what leads from an answer to the next one, and how several become one.
//!
//! Where the configuration says how, one call gathers the pages that follow: by the `Link` header (RFC 8288) or by a
//! cursor in the answer. The lists of all pages are joined as text, so numbers stay what they are, and everything beside
//! them is the last page's, whose cursor leads on. Gathering ends with the last page, with the most pages that a call may
//! gather, before the result would be cut, or with a page that cannot be had: what was gathered until then is the
//! result, and says how to get the rest.
//!
//! Nothing is asked for here; `source/gather.rs` does that.

mod join;
mod link;

use std::collections::BTreeMap;

use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use wharf_model::{JsonKind, Slice};

pub(crate) use self::join::{Gathered, Misfit};
pub(crate) use self::link::next as next_link;
use crate::plan::Plan;

/// The key that stands for all tools that are not named.
const ALL: &str = "*";

/// How the pages of a tool's results are gathered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// What leads to the next page: `link`, or `cursor` with where it stands and where it goes.
    pub next: Next,
    /// The lists that are joined, as JSON pointers into an answer, such as `/items`. Default: the answer itself where it
    /// is a list, otherwise the only list among its members.
    #[serde(default)]
    pub join: Vec<String>,
    /// How many pages one call gathers at most. Default: 10: so many answers commonly fit into a call's time, and a model
    /// that needs more should say so with another call.
    #[serde(default = "default_max")]
    #[schemars(range(min = 1, max = 100))]
    pub max: u32,
}

/// What leads to the next page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// The `Link` header with `rel="next"` (RFC 8288), within the same origin. Only for operations of GET.
    Link,
    /// A member of the answer, sent as an argument of the next call; none, `null` or an empty text ends it.
    Cursor(Cursor),
}

/// A cursor.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Where it stands in an answer, as a JSON pointer such as `/next_cursor`.
    pub at: String,
    /// The tool's argument that it goes to, such as `cursor`.
    pub argument: String,
}

fn default_max() -> u32 {
    10
}

/// Why pages cannot be gathered as configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PagesMistake {
    /// There is no such tool.
    #[error("`results.pages`: there is no tool `{tool}`")]
    UnknownTool {
        /// The name.
        tool: String,
        /// The tools that there are.
        candidates: Vec<String>,
    },
    /// The cursor has nowhere to go.
    #[error("`results.pages.{tool}.next.cursor.argument`: the tool has no argument `{argument}`")]
    UnknownArgument {
        /// The tool's name.
        tool: String,
        /// The argument's name.
        argument: String,
        /// The arguments that it has.
        candidates: Vec<String>,
    },
    /// A `Link` header leads to something to be read.
    #[error("`results.pages.{tool}.next`: `link` is for operations of GET, and this one is not")]
    NotGet {
        /// The tool's name.
        tool: String,
    },
    /// A text that is no pointer.
    #[error("`results.pages.{tool}.{key}`: `{pointer}` is no JSON pointer")]
    NotPointer {
        /// The tool's name.
        tool: String,
        /// Such as `join`.
        key: &'static str,
        /// The text.
        pointer: String,
    },
    /// Lists within one another.
    #[error("`results.pages.{tool}.join`: `{inner}` lies within `{outer}`")]
    Nested {
        /// The tool's name.
        tool: String,
        /// The outer pointer.
        outer: String,
        /// The inner pointer.
        inner: String,
    },
}

impl PagesMistake {
    /// The name that was not found, and those that could have been meant.
    pub fn misspelling(&self) -> Option<(&str, &[String])> {
        match self {
            Self::UnknownTool { tool, candidates } => Some((tool, candidates)),
            Self::UnknownArgument {
                argument,
                candidates,
                ..
            } => Some((argument, candidates)),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::UnknownTool { .. } | Self::UnknownArgument { .. } => {
                "`wharf tools` shows the tools of a document and their arguments"
            }
            Self::NotGet { .. } => "use a cursor, or leave the tool out",
            Self::NotPointer { .. } => "write it like `/items`, or `''` for the answer itself",
            Self::Nested { .. } => "keep one of them",
        }
    }

    /// The keys that lead to the setting that has to change, below `results`.
    pub fn keys(&self) -> Vec<String> {
        let (tool, below) = match self {
            Self::UnknownTool { tool, .. } => (tool, &[][..]),
            Self::UnknownArgument { tool, .. } => (tool, &["next", "cursor", "argument"][..]),
            Self::NotGet { tool } => (tool, &["next"][..]),
            Self::NotPointer { tool, key, .. } if *key == "join" => (tool, &["join"][..]),
            Self::NotPointer { tool, .. } => (tool, &["next", "cursor", "at"][..]),
            Self::Nested { tool, .. } => (tool, &["join"][..]),
        };
        let keys = ["pages", tool].into_iter().chain(below.iter().copied());
        keys.map(str::to_owned).collect()
    }
}

impl Pages {
    /// Mistakes that can be told without a document.
    fn judge(&self, tool: &str, mistakes: &mut Vec<PagesMistake>) {
        let is_pointer = |text: &str| text.is_empty() || text.starts_with('/');
        let refuse = |key, pointer: &str| PagesMistake::NotPointer {
            tool: tool.to_owned(),
            key,
            pointer: pointer.to_owned(),
        };
        if let Next::Cursor(cursor) = &self.next
            && (!is_pointer(&cursor.at) || cursor.at.is_empty())
        {
            mistakes.push(refuse("next.cursor.at", &cursor.at));
        }
        for (place, outer) in self.join.iter().enumerate() {
            if !is_pointer(outer) {
                mistakes.push(refuse("join", outer));
            }
            let inner = self.join.iter().enumerate().find(|(other, inner)| {
                *other != place
                    && inner.strip_prefix(outer.as_str()).is_some_and(|rest| {
                        rest.starts_with('/') || (rest.is_empty() && *other > place)
                    })
            });
            if let Some((_, inner)) = inner {
                mistakes.push(PagesMistake::Nested {
                    tool: tool.to_owned(),
                    outer: outer.clone(),
                    inner: inner.clone(),
                });
            }
        }
    }

    /// Whether a tool by this plan can have pages of this kind.
    pub(crate) fn suits(&self, plan: &Plan) -> bool {
        match &self.next {
            Next::Link => plan.method == Method::GET,
            Next::Cursor(cursor) => plan.argument_names().contains(&cursor.argument.as_str()),
        }
    }

    fn misfit(&self, tool: &str, plan: &Plan) -> PagesMistake {
        match &self.next {
            Next::Link => PagesMistake::NotGet {
                tool: tool.to_owned(),
            },
            Next::Cursor(cursor) => PagesMistake::UnknownArgument {
                tool: tool.to_owned(),
                argument: cursor.argument.clone(),
                candidates: plan
                    .argument_names()
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
            },
        }
    }
}

/// Everything that is wrong with what is configured. `plan` gives the plan of a tool, where there is one.
pub(crate) fn judge<'p>(
    configured: &BTreeMap<String, Pages>,
    plan: impl Fn(&str) -> Option<&'p Plan>,
    names: impl Fn() -> Vec<String>,
) -> Result<(), Vec<PagesMistake>> {
    let mut mistakes = Vec::new();
    for (tool, pages) in configured {
        pages.judge(tool, &mut mistakes);
        match plan(tool) {
            _ if tool == ALL => {}
            Some(plan) if pages.suits(plan) => {}
            Some(plan) => mistakes.push(pages.misfit(tool, plan)),
            None => mistakes.push(PagesMistake::UnknownTool {
                tool: tool.clone(),
                candidates: names(),
            }),
        }
    }
    if mistakes.is_empty() {
        Ok(())
    } else {
        Err(mistakes)
    }
}

/// What is configured for a tool: its own, or what is for all.
pub(crate) fn of_tool<'p>(
    configured: &'p BTreeMap<String, Pages>,
    tool: &str,
) -> Option<&'p Pages> {
    configured.get(tool).or_else(|| configured.get(ALL))
}

impl Cursor {
    /// The cursor in an answer, as JSON; none at the end.
    pub(crate) fn find<'a>(&self, answer: Slice<'a>) -> Option<Slice<'a>> {
        let found = answer.pointer(&self.at)?;
        match found.kind() {
            JsonKind::String if found.as_str() != "\"\"" => Some(found),
            JsonKind::Number => Some(found),
            _ => None,
        }
    }

    /// The arguments of a call, with the cursor in its place.
    pub(crate) fn put_into(&self, arguments: Slice<'_>, cursor: Slice<'_>) -> String {
        let mut text = String::from("{");
        for (name, value) in arguments.each_member() {
            if name != self.argument.as_str() {
                push_member(&mut text, &name, value);
            }
        }
        push_member(&mut text, &self.argument, cursor);
        text.push('}');
        text
    }
}

fn push_member(text: &mut String, name: &str, value: Slice<'_>) {
    if text.len() > 1 {
        text.push(',');
    }
    text.push_str(wharf_model::Json::of(name).as_str());
    text.push(':');
    text.push_str(value.as_str());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Location, Parameter, Serialization};

    fn plan(method: Method, arguments: &[&str]) -> Plan {
        let parameters = arguments.iter().map(|name| Parameter {
            argument: (*name).to_owned(),
            name: (*name).to_owned(),
            location: Location::Query,
            serialization: Serialization::Content(String::new()),
            required: false,
        });
        Plan {
            method,
            parameters: parameters.collect(),
            ..Plan::default()
        }
    }

    fn configured(text: &str) -> BTreeMap<String, Pages> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_suits_no_tool_is_a_mistake() {
        let plans = [
            ("list", plan(Method::GET, &["limit", "cursor"])),
            ("find", plan(Method::POST, &["cursor"])),
            ("get", plan(Method::GET, &["id"])),
        ];
        for (given, expected) in [
            (r#"{"*":{"next":"link"}}"#, ""),
            (
                r#"{"*":{"next":{"cursor":{"at":"/next","argument":"cursor"}}}}"#,
                "",
            ),
            (r#"{"list":{"next":"link","join":["/a","/ab"]}}"#, ""),
            (
                r#"{"find":{"next":"link"},"lost":{"next":"link"}}"#,
                "`results.pages.find.next`: `link` is for operations of GET, and this one is not; `results.pages`: there is no tool `lost`",
            ),
            (
                r#"{"get":{"next":{"cursor":{"at":"next","argument":"cursor"}}}}"#,
                "`results.pages.get.next.cursor.at`: `next` is no JSON pointer; `results.pages.get.next.cursor.argument`: the tool has no argument `cursor`",
            ),
            (
                r#"{"list":{"next":"link","join":["/a","/a/b"]}}"#,
                "`results.pages.list.join`: `/a/b` lies within `/a`",
            ),
            (
                r#"{"list":{"next":"link","join":["/a","/a"]}}"#,
                "`results.pages.list.join`: `/a` lies within `/a`",
            ),
        ] {
            let find = |tool: &str| {
                let mut named = plans.iter().filter(|(name, _)| *name == tool);
                named.next().map(|(_, plan)| plan)
            };
            let outcome = judge(&configured(given), find, Vec::new);
            let said: Vec<_> = outcome
                .err()
                .unwrap_or_default()
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(said.join("; "), expected, "{given}");
        }
    }

    #[test]
    fn a_tool_has_its_own_pages_or_those_of_all_that_suit_it() {
        let configured = configured(r#"{"a":{"next":"link","max":2},"*":{"next":"link"}}"#);
        assert_eq!(of_tool(&configured, "a").unwrap().max, 2);
        let all = of_tool(&configured, "b").unwrap();
        assert_eq!(all.max, 10);
        assert!(all.suits(&plan(Method::GET, &[])));
        assert!(!all.suits(&plan(Method::POST, &[])));
    }

    #[test]
    fn a_cursor_takes_the_place_of_the_one_before() {
        let cursor = Cursor {
            at: "/page/next".to_owned(),
            argument: "cursor".to_owned(),
        };
        for (answer, arguments, expected) in [
            (
                r#"{"page":{"next":"a\"b"}}"#,
                r#"{"limit":1.50}"#,
                Some(r#"{"limit":1.50,"cursor":"a\"b"}"#),
            ),
            (
                r#"{"page":{"next":12345678901234567890}}"#,
                r#"{"cursor":"x","n":null}"#,
                Some(r#"{"n":null,"cursor":12345678901234567890}"#),
            ),
            (r#"{"page":{"next":""}}"#, "{}", None),
            (r#"{"page":{"next":null}}"#, "{}", None),
            (r#"{"page":{"next":false}}"#, "{}", None),
            (r#"{"page":{"next":{}}}"#, "{}", None),
            (r#"{"page":null}"#, "{}", None),
            ("[]", "{}", None),
        ] {
            let found = cursor.find(Slice::parse(answer).unwrap());
            let put = found.map(|found| cursor.put_into(Slice::parse(arguments).unwrap(), found));
            assert_eq!(put.as_deref(), expected, "{answer} {arguments}");
        }
    }
}
