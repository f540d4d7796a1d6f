//! A source as its owner wants it offered: some of its tools, each perhaps edited.
//!
//! A [`View`] is a [`Source`] around a source: it lists what was selected and edited when it was built, and does to each
//! call what the edits say. Without a selection and without edits there is no view, so what is not configured costs
//! nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf_model::{
    BoxFuture, CallError, Context, HashMap, Outcome, Prompt, Source, Tool, ToolCall, ToolResult,
};

use crate::catalog::TOOL_NAME_CHARS_MAX;
use crate::edit::{self, Added, Additions, ToolEdit};
use crate::select::{self, Selector};

/// Which tools of a source are offered, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ViewConfig {
    /// The tools to offer: those that any of these matches. Default: all.
    pub include: Vec<Selector>,
    /// The tools to leave out, of those that are included: those that any of these matches. Default: none.
    pub exclude: Vec<Selector>,
    /// Offer only tools that change nothing: of an OpenAPI document those of GET, HEAD and OPTIONS. Default: false.
    pub read_only: bool,
    /// How single tools are offered, by their names as `wharf tools` shows them without this.
    pub edit: BTreeMap<String, ToolEdit>,
}

impl ViewConfig {
    /// Whether everything stays as it is.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a selection or an edit cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A selector without a key, which would match everything.
    #[error("`tools.{key}`: a selector without a key")]
    EmptySelector {
        /// Such as `include[0]`.
        key: String,
    },
    /// A pattern that matches nothing.
    #[error("`tools.{key}`: nothing matches `{pattern}`")]
    NoMatch {
        /// Such as `include[0].tag`.
        key: String,
        /// The pattern.
        pattern: String,
        /// What it was compared with.
        candidates: Vec<String>,
    },
    /// A selector whose keys match different tools.
    #[error("`tools.{key}`: each key matches something, but no tool matches all of them")]
    NoCommonMatch {
        /// Such as `include[0]`.
        key: String,
    },
    /// Nothing is left to offer.
    #[error("`tools`: the selection leaves no tool")]
    NothingLeft,
    /// An edit of a tool that is not there.
    #[error("`tools.edit`: there is no tool `{tool}`")]
    UnknownTool {
        /// The name.
        tool: String,
        /// The tools that are offered.
        candidates: Vec<String>,
    },
    /// An edit of a tool that is not selected.
    #[error("`tools.edit`: tool `{tool}` is left out by the selection")]
    NotSelected {
        /// The name.
        tool: String,
    },
    /// An edit of an argument that is not there.
    #[error("`tools.edit`: tool `{tool}` has no argument `{argument}`")]
    UnknownArgument {
        /// The tool's name.
        tool: String,
        /// The argument's name.
        argument: String,
        /// The arguments that it has.
        candidates: Vec<String>,
    },
    /// An edit that an argument does not bear.
    #[error("`tools.edit`: argument `{argument}` of tool `{tool}` {what}")]
    Argument {
        /// The tool's name.
        tool: String,
        /// The argument's name.
        argument: String,
        /// What does not go.
        what: String,
    },
    /// A name that clients refuse.
    #[error("`tools.edit`: `{name}` cannot be the name of tool `{tool}`")]
    BadName {
        /// The tool's name.
        tool: String,
        /// The name it should have.
        name: String,
    },
    /// Two tools would have one name.
    #[error("`tools.edit`: tools `{first}` and `{second}` would both be called `{name}`")]
    NameTaken {
        /// The name.
        name: String,
        /// The tool that has it first.
        first: String,
        /// The tool that would have it too.
        second: String,
    },
}

impl Mistake {
    /// The keys that lead to the setting that has to change, below `tools`; items of lists by their index.
    pub fn keys(&self) -> Vec<String> {
        let edit = |tool: &str, below: &[&str]| {
            let keys = ["edit", tool].into_iter().chain(below.iter().copied());
            keys.map(str::to_owned).collect()
        };
        match self {
            Self::EmptySelector { key }
            | Self::NoMatch { key, .. }
            | Self::NoCommonMatch { key } => key
                .split(['.', '[', ']'])
                .filter(|key| !key.is_empty())
                .map(str::to_owned)
                .collect(),
            Self::NothingLeft => Vec::new(),
            Self::UnknownTool { tool, .. } | Self::NotSelected { tool } => edit(tool, &[]),
            Self::UnknownArgument { tool, argument, .. }
            | Self::Argument { tool, argument, .. } => edit(tool, &["arguments", argument]),
            Self::BadName { tool, .. } => edit(tool, &["name"]),
            Self::NameTaken { second, .. } => edit(second, &["name"]),
        }
    }

    /// The name that was not found, and those that could have been meant.
    pub fn misspelling(&self) -> Option<(&str, &[String])> {
        match self {
            Self::NoMatch {
                pattern,
                candidates,
                ..
            } => Some((pattern, candidates)),
            Self::UnknownTool { tool, candidates } => Some((tool, candidates)),
            Self::UnknownArgument {
                argument,
                candidates,
                ..
            } => Some((argument, candidates)),
            _ => None,
        }
    }

    /// What to do about it, where that is always the same.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::EmptySelector { .. } => {
                Some("give it `tag`, `path`, `method`, `operation_id` or `name`, or remove it")
            }
            Self::NoCommonMatch { .. } => Some("make several selectors of it, or remove a key"),
            Self::NothingLeft => Some("include more, or exclude less"),
            Self::NotSelected { .. } => Some("include the tool, or remove its edit"),
            Self::BadName { .. } => Some(
                "names have 1 to 64 letters, digits, `_` and `-`, and begin with a letter or `_`",
            ),
            Self::NameTaken { .. } => Some("give one of them another name"),
            Self::NoMatch { .. } | Self::UnknownTool { .. } | Self::UnknownArgument { .. } => {
                Some("`wharf tools` shows the tools of a document and their arguments")
            }
            Self::Argument { .. } => None,
        }
    }
}

/// A source of which some tools are offered, each perhaps edited.
pub struct View {
    source: Arc<dyn Source>,
    tools: Vec<Arc<Tool>>,
    routes: HashMap<String, Route>,
}

struct Route {
    /// The name as the source knows it.
    own_name: String,
    additions: Additions,
}

impl View {
    /// The source as the configuration wants it; the very source where that wants nothing.
    pub fn of(
        source: Arc<dyn Source>,
        config: &ViewConfig,
    ) -> Result<Arc<dyn Source>, Vec<Mistake>> {
        if config.is_default() {
            return Ok(source);
        }
        let all = source.tools();
        let mut mistakes = Vec::new();
        let selected = select::select(config, &all, &mut mistakes);
        refuse_strays(config, &all, &selected, &mut mistakes);
        let mut view = Self {
            source,
            tools: Vec::new(),
            routes: HashMap::default(),
        };
        for (mut tool, _) in all
            .into_iter()
            .zip(selected)
            .filter(|(_, is_selected)| *is_selected)
        {
            let own_name = tool.name.clone();
            let mut additions = Additions::default();
            if let Some(edit) = config.edit.get(&own_name) {
                let tool = Arc::make_mut(&mut tool);
                additions = edit::apply(tool, edit, &mut mistakes);
                if let Some(name) = &edit.name {
                    tool.name.clone_from(name);
                }
            }
            view.add(tool, own_name, additions, &mut mistakes);
        }
        if mistakes.is_empty() {
            Ok(Arc::new(view))
        } else {
            Err(mistakes)
        }
    }

    fn add(
        &mut self,
        tool: Arc<Tool>,
        own_name: String,
        additions: Additions,
        mistakes: &mut Vec<Mistake>,
    ) {
        if tool.name != own_name && !is_legal(&tool.name) {
            mistakes.push(Mistake::BadName {
                tool: own_name,
                name: tool.name.clone(),
            });
            return;
        }
        if let Some(first) = self.routes.get(&tool.name) {
            mistakes.push(Mistake::NameTaken {
                first: first.own_name.clone(),
                second: own_name,
                name: tool.name.clone(),
            });
            return;
        }
        let route = Route {
            own_name,
            additions,
        };
        self.routes.insert(tool.name.clone(), route);
        self.tools.push(tool);
    }
}

/// Every model API that we know takes these; some refuse a digit in front, and all that is longer.
fn is_legal(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    name.len() <= TOOL_NAME_CHARS_MAX
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(legal)
}

/// Finds edits of tools that are not offered.
fn refuse_strays(
    config: &ViewConfig,
    tools: &[Arc<Tool>],
    selected: &[bool],
    mistakes: &mut Vec<Mistake>,
) {
    for name in config.edit.keys() {
        match tools.iter().position(|tool| tool.name == *name) {
            Some(at) if selected[at] => {}
            // Where nothing is left, that alone is the mistake.
            Some(_) if !selected.contains(&true) => {}
            Some(_) => mistakes.push(Mistake::NotSelected { tool: name.clone() }),
            None => mistakes.push(Mistake::UnknownTool {
                tool: name.clone(),
                candidates: tools.iter().map(|tool| tool.name.clone()).collect(),
            }),
        }
    }
}

impl Source for View {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn inner(&self) -> Option<&dyn Source> {
        Some(&*self.source)
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        self.tools.clone()
    }

    fn prompts(&self) -> Vec<Prompt> {
        let renamed: HashMap<&str, &String> = self
            .routes
            .iter()
            .map(|(name, route)| (route.own_name.as_str(), name))
            .collect();
        let mut prompts = self.source.prompts();
        for tool in prompts.iter_mut().flat_map(|prompt| &mut prompt.tools) {
            // What is left out has no name here; the one it had may be another tool's by now.
            *tool = renamed
                .get(tool.as_str())
                .map_or_else(String::new, ToString::to_string);
        }
        prompts
    }

    fn call<'a>(
        &'a self,
        context: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        let Some(route) = self.routes.get(call.name) else {
            return Box::pin(std::future::ready(Err(CallError::Unknown {
                kind: "tool",
                name: call.name.to_owned(),
            })));
        };
        let name = &route.own_name;
        match route.additions.apply(call.arguments) {
            Added::AsGiven => self.source.call(context, ToolCall { name, ..call }),
            Added::Changed(arguments) => Box::pin(async move {
                let arguments = arguments.slice();
                self.source
                    .call(context, ToolCall { name, arguments })
                    .await
            }),
            Added::Refused(argument) => {
                let result = ToolResult::error(format!(
                    "The call was not made: there is no argument `{argument}`; leave it out"
                ));
                Box::pin(std::future::ready(Ok(Outcome::Complete(result))))
            }
        }
    }
}

#[cfg(test)]
mod tests;
