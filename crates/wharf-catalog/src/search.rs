//! Three tools instead of a whole list: find, describe, call.
//!
//! The list of a large API costs a model more than it can read, in every conversation. In search mode clients are
//! shown three tools; a model finds an operation by what it wants, looks at its definition, and calls it. Nothing else
//! changes: every tool can still be called by its own name, with all its checks.
//!
//! The index is built at the first find, so it costs the start nothing; on a thread of its own, so that the calls that
//! share the finder's do not wait for it.

mod index;
mod offered;
mod summary;
mod thesaurus;
mod wish;
mod words;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf_model::{Json, Slice, Tool, ToolResult};

use self::index::Index;
use self::summary::{head, summary};
use crate::access::Shown;
use crate::arguments::{self, Checked, Checker};
use crate::catalog::TOOL_NAME_CHARS_MAX;
use crate::client::Client;
use crate::profile;
use crate::tokens::{tokens_of_tool, tokens_of_words};

pub use self::offered::CALL;
use self::offered::{DESCRIBE, FIND};

/// How many tools are found when the model does not say how many.
const FOUND_DEFAULT: usize = 8;
/// How many it can ask for.
const FOUND_MAX: usize = 25;
/// How many definitions one answer holds.
const DESCRIBED_MAX: usize = 10;
/// How many names are suggested for one that is unknown.
const SUGGESTED_MAX: usize = 3;
/// How alike a name must be to be suggested, from 0 to 1.
const ALIKE_MIN: f64 = 0.6;

/// Whether clients are shown all tools, or three to find them with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolsMode {
    /// All of them.
    All,
    /// Three: to find a tool, to describe one, to call one.
    Search,
    /// All while they cost no more than the budget, three where they cost more.
    #[default]
    Auto,
}

/// What is listed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Three tools stand for all.
    pub searches: bool,
    /// Why, as half a sentence.
    pub reason: String,
}

/// The default budget of a list in [`ToolsMode::Auto`].
pub const TOOLS_TOKENS_MAX_DEFAULT: usize = 20_000;

impl Listing {
    pub(crate) fn decide(mode: ToolsMode, tokens_max: usize, tools: &[Arc<Tool>]) -> Self {
        let (searches, reason) = match mode {
            ToolsMode::All => (false, "`tools_mode` is `all`".to_owned()),
            ToolsMode::Search => (true, "`tools_mode` is `search`".to_owned()),
            ToolsMode::Auto => {
                let mut tokens = 0;
                // Counting ends with the budget: how far beyond it a list is, does not matter here.
                let mut exceeds = |cost: fn(&Tool) -> usize| {
                    tokens = 0;
                    tools.iter().any(|tool| {
                        tokens += cost(tool);
                        tokens > tokens_max
                    })
                };
                // Words alone first: of a large API they are too many, and its schemas are not written for that.
                let over = exceeds(tokens_of_words) || exceeds(tokens_of_tool);
                let reason = if over {
                    format!(
                        "the whole list would cost a model more than {tokens_max} tokens (`tools_tokens_max`)"
                    )
                } else {
                    format!(
                        "the whole list costs a model about {tokens} tokens, within the {tokens_max} of `tools_tokens_max`"
                    )
                };
                (over, reason)
            }
        };
        Self { searches, reason }
    }
}

/// Finds and describes the tools of one catalog.
pub(crate) struct Search {
    /// As the client bears them.
    listed: Vec<Arc<Tool>>,
    /// In the order of `listed`, by what they truly take.
    checkers: [OnceLock<Checker>; 3],
    index: Arc<OnceLock<Index>>,
}

/// One of the three, by its place in the list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SearchTool {
    Find,
    Describe,
    Call,
}

impl SearchTool {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            FIND => Some(Self::Find),
            DESCRIBE => Some(Self::Describe),
            CALL => Some(Self::Call),
            _ => None,
        }
    }
}

impl Search {
    pub(crate) fn new(tools: &[Arc<Tool>], client: Option<Client>) -> Self {
        Self {
            listed: Self::listed_for(tools.len(), client),
            checkers: Default::default(),
            index: Arc::default(),
        }
    }

    /// The arguments of one of the three, checked and mended as those of any tool.
    pub(crate) fn check<'a>(
        &self,
        tool: SearchTool,
        arguments: Slice<'a>,
    ) -> Result<Checked<'a>, String> {
        let at = tool as usize;
        let checker =
            self.checkers[at].get_or_init(|| Checker::new(&offered::tools(0)[at].input_schema));
        arguments::check(checker, arguments)
    }

    /// The three tools.
    pub(crate) fn listed(&self) -> &[Arc<Tool>] {
        &self.listed
    }

    /// The three, for whoever is shown so many tools, as a client bears them.
    pub(crate) fn listed_for(count: usize, client: Option<Client>) -> Vec<Arc<Tool>> {
        let tools = offered::tools(count).into_iter();
        tools
            .map(|tool| {
                let rendered = client.and_then(|client| profile::render(client, &tool));
                Arc::new(rendered.unwrap_or(tool))
            })
            .collect()
    }

    /// The best of the tools that are shown for a question, best first. The first to ask has the index built here.
    pub(crate) fn best<'t>(
        &self,
        shown: &Shown<'t>,
        question: &str,
        limit: usize,
    ) -> Vec<&'t Tool> {
        let index = self.index.get_or_init(|| Index::new(shown.all()));
        index
            .find(question, limit, |at| shown.has(at))
            .into_iter()
            .map(|at| &*shown.all()[at])
            .collect()
    }

    /// Has the index built elsewhere, where it is not: thousands of tools take as long as thousands of calls.
    async fn make_ready(&self, shown: &Shown<'_>) {
        if self.index.get().is_some() {
            return;
        }
        let (index, tools) = (self.index.clone(), shown.all().to_vec());
        let building = tokio::task::spawn_blocking(move || {
            index.get_or_init(|| Index::new(&tools));
        });
        // Whoever asks builds it where that has failed.
        let _ = building.await;
    }

    /// Answers `find_tools`.
    pub(crate) async fn find(&self, tools: &Shown<'_>, arguments: Slice<'_>) -> ToolResult {
        self.make_ready(tools).await;
        let question = arguments
            .get("query")
            .and_then(Slice::text)
            .unwrap_or_default();
        let limit = arguments
            .get("limit")
            .and_then(Slice::read::<usize>)
            .unwrap_or(FOUND_DEFAULT)
            .clamp(1, FOUND_MAX);
        let found = self.best(tools, &question, limit);
        if found.is_empty() {
            return ToolResult::text(format!(
                "None of the {} tools has any of these words. Try other words for what you want to do and what you want to do it to.",
                tools.count()
            ));
        }
        let mut text = String::new();
        for tool in &found {
            push_line(&mut text, tool);
        }
        let _ = write!(
            text,
            "\n{} of {} tools. `{DESCRIBE}` shows all arguments of a tool, `{CALL}` calls it.",
            found.len(),
            tools.count()
        );
        ToolResult::text(text)
    }

    /// Answers `describe_tool`.
    pub(crate) async fn describe<'t>(
        &self,
        tools: &Shown<'_>,
        by_name: impl Fn(&str) -> Option<&'t Tool>,
        arguments: Slice<'_>,
    ) -> ToolResult {
        let Some(names) = arguments.get("names") else {
            return ToolResult::error("argument `names` is missing");
        };
        let mut text = String::new();
        let mut unknown = Vec::new();
        for name in names
            .each_item()
            .take(DESCRIBED_MAX)
            .filter_map(Slice::text)
        {
            match by_name(&name) {
                Some(tool) => push_definition(&mut text, tool),
                None => unknown.push(self.not_there(tools, &name).await),
            }
        }
        if text.is_empty() && !unknown.is_empty() {
            return ToolResult::error(unknown.join("\n"));
        }
        // What was found is worth having, whatever else was asked for.
        for note in unknown {
            let _ = write!(text, "\n{note}\n");
        }
        ToolResult::text(text)
    }

    /// What to say of a name that nothing has, for the model to mend.
    pub(crate) async fn unknown(&self, tools: &Shown<'_>, name: &str) -> ToolResult {
        ToolResult::error(self.not_there(tools, name).await)
    }

    async fn not_there(&self, tools: &Shown<'_>, name: &str) -> String {
        let mut text = format!("There is no tool `{}`.", shown(name));
        let nearest = self.nearest(tools, name).await;
        if nearest.is_empty() {
            let _ = write!(text, " `{FIND}` finds tools by what they do.");
        } else {
            let _ = write!(text, " Did you mean `{}`?", nearest.join("`, `"));
        }
        text
    }

    /// Names that look like `name`; where none does, those of tools that its words find.
    async fn nearest<'t>(&self, tools: &Shown<'t>, name: &str) -> Vec<&'t str> {
        let mut alike: Vec<(f64, &str)> = tools
            .iter()
            .map(|tool| {
                let alike = strsim::normalized_damerau_levenshtein(shown(name), &tool.name);
                (alike, tool.name.as_str())
            })
            .filter(|(alike, _)| *alike >= ALIKE_MIN)
            .collect();
        alike.sort_by(|a, b| b.0.total_cmp(&a.0));
        if alike.is_empty() {
            self.make_ready(tools).await;
            let found = self.best(tools, name, SUGGESTED_MAX);
            return found.into_iter().map(|tool| tool.name.as_str()).collect();
        }
        alike
            .into_iter()
            .take(SUGGESTED_MAX)
            .map(|(_, name)| name)
            .collect()
    }
}

/// A name from outside, short enough to be repeated and compared.
fn shown(name: &str) -> &str {
    head(name, TOOL_NAME_CHARS_MAX * 2)
}

/// `name(required, required) — what it does`, and what to be careful about.
fn push_line(text: &mut String, tool: &Tool) {
    let schema = tool.input_schema.slice();
    let required = schema.get("required").map(Slice::items).unwrap_or_default();
    let names: Vec<_> = required.into_iter().filter_map(Slice::text).collect();
    let _ = write!(text, "{}({})", tool.name, names.join(", "));
    let summary = summary(
        tool.title.as_deref(),
        tool.description.as_deref().unwrap_or_default(),
    );
    if !summary.is_empty() {
        let _ = write!(text, " — {summary}");
    }
    if tool.annotations.destructive == Some(true) {
        text.push_str(" [destructive]");
    }
    text.push('\n');
}

/// The whole definition, as the list would hold it, in a form that reads as text.
fn push_definition(text: &mut String, tool: &Tool) {
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "# {}", tool.name);
    let description = tool.description.as_deref().unwrap_or_default();
    if let Some(title) = tool.title.as_deref().filter(|title| *title != description) {
        let _ = writeln!(text, "{title}");
    }
    if !description.is_empty() {
        let _ = writeln!(text, "{description}");
    }
    let notes = [
        (tool.annotations.read_only, "changes nothing"),
        (tool.annotations.destructive, "may destroy or overwrite"),
        (
            tool.annotations.idempotent,
            "a second call changes nothing more",
        ),
    ];
    let notes: Vec<_> = notes
        .iter()
        .filter(|(holds, _)| *holds == Some(true))
        .map(|(_, note)| *note)
        .collect();
    if !notes.is_empty() {
        let _ = writeln!(text, "Notes: {}.", notes.join(", "));
    }
    let _ = writeln!(
        text,
        "Arguments (JSON Schema):\n{}",
        tool.input_schema.as_str()
    );
}

/// What a `call_tool` asks for.
pub(crate) fn wanted(arguments: Slice<'_>) -> (String, Json) {
    let name = arguments
        .get("name")
        .and_then(Slice::text)
        .unwrap_or_default();
    let inner = arguments
        .get("arguments")
        .map(Slice::to_json)
        .unwrap_or_default();
    (name.into_owned(), inner)
}
