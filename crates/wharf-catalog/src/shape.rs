//! Answers that fit: a source whose results are projected by `jq` filters and cut at a size.
//!
//! An API answers with everything it knows; a model needs three members of each item and pays for the rest. A filter
//! takes what is wanted, before anything is cut: fixed by the operator for a tool, or written by the model in an
//! optional argument where the operator allows it. Only results are shaped, never errors, and a filter that fails says
//! so with the untouched start of the data: the call was made, and its answer must not be lost.
//!
//! A source that is not shaped is not wrapped, so this costs nothing where it is not used.

mod filter;
mod guard;
mod meter;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, oneshot};
use wharf_model::{
    BoxFuture, CallError, Content, Context, HashSet, Json, Outcome, Slice, Source, Tool, ToolCall,
    ToolResult,
};

use self::filter::{Filter, FilterError};

/// The argument that holds a model's filter.
const ARGUMENT: &str = "_jq";
/// How it is described, in as few words as teach it: each tool's schema holds it.
const ARGUMENT_HELP: &str = "A jq filter for the result, such as `.items[] | {id, name}`, so that only what you need is answered.";
/// How much of the data comes with the message that a filter failed.
const START_BYTES_MAX: usize = 2000;
/// How many filters run at once; one has nothing to wait for, so more than there are processors gain nothing.
const RUNNING_MAX: usize = 4;
/// How long a call waits for its filter, its turn included.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Filters call themselves for each level of their text; what is not used of this is never touched.
const STACK_BYTES: usize = 64 << 20;
/// A message about a filter is a line.
const SHOWN_BYTES_MAX: usize = 200;

/// How the results of a source are shaped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shape {
    /// `jq` filters by the name of the tool whose results they make, as `wharf tools` shows it without `prefix`. Such a
    /// tool lists no output schema. Default: none.
    pub project: BTreeMap<String, String>,
    /// Whether a model may send a `jq` filter of its own with each call, in the argument `_jq`. The argument costs about
    /// 45 tokens in each tool's schema, and the tools list no output schemas. Default: false.
    pub allow_projection: bool,
}

impl Shape {
    /// Whether results stay as they are.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Why results cannot be shaped as configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// There is no such tool.
    #[error("`results.project`: there is no tool `{tool}`")]
    UnknownTool {
        /// The name.
        tool: String,
        /// The tools that are offered.
        candidates: Vec<String>,
    },
    /// The filter cannot be used.
    #[error("`results.project.{tool}`: {reason}")]
    BadFilter {
        /// The tool's name.
        tool: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ShapeError {
    /// The keys that lead to the setting that has to change, below `results`.
    pub fn keys(&self) -> Vec<String> {
        let (Self::UnknownTool { tool, .. } | Self::BadFilter { tool, .. }) = self;
        vec!["project".to_owned(), tool.clone()]
    }
}

/// A source whose results are shaped.
pub struct Shaped {
    source: Arc<dyn Source>,
    tools: Vec<Arc<Tool>>,
    filters: BTreeMap<String, Filter>,
    allows_projection: bool,
    /// The tools that list an output schema: their results need a structured part.
    structured: HashSet<String>,
    /// Results beyond this are cut.
    result_bytes_max: usize,
    running: Arc<Semaphore>,
}

impl Shaped {
    /// Shapes the results of `source`, and cuts what is then still larger than `result_bytes_max`. The source itself
    /// should cut much later: what it has cut is no JSON any more.
    pub fn new(
        source: Arc<dyn Source>,
        shape: &Shape,
        result_bytes_max: usize,
    ) -> Result<Self, ShapeError> {
        let mut tools = source.tools();
        let mut filters = BTreeMap::new();
        for (tool, text) in &shape.project {
            if !tools.iter().any(|known| known.name == *tool) {
                return Err(ShapeError::UnknownTool {
                    tool: tool.clone(),
                    candidates: tools.iter().map(|tool| tool.name.clone()).collect(),
                });
            }
            let filter = Filter::new(text).map_err(|error| ShapeError::BadFilter {
                tool: tool.clone(),
                reason: error.to_string(),
            })?;
            filters.insert(tool.clone(), filter);
        }
        for tool in &mut tools {
            if shape.allow_projection {
                let tool = Arc::make_mut(tool);
                tool.input_schema = with_argument(&tool.input_schema).into();
            }
            if shape.allow_projection || filters.contains_key(&tool.name) {
                Arc::make_mut(tool).output_schema = None;
            }
        }
        let structured = tools.iter().filter(|tool| tool.output_schema.is_some());
        Ok(Self {
            source,
            structured: structured.map(|tool| tool.name.clone()).collect(),
            tools,
            filters,
            allows_projection: shape.allow_projection,
            result_bytes_max,
            running: Arc::new(Semaphore::new(RUNNING_MAX)),
        })
    }

    async fn call_shaped(
        &self,
        context: &Context,
        call: ToolCall<'_>,
    ) -> Result<Outcome<ToolResult>, CallError> {
        let (asked, arguments) = match self.asked(call.arguments) {
            Ok(asked) => asked,
            Err(error) => {
                return Ok(Outcome::Complete(ToolResult::error(format!(
                    "The call was not made, its argument `{ARGUMENT}` does not do: {error}"
                ))));
            }
        };
        let call = ToolCall {
            arguments: arguments.as_ref().map_or(call.arguments, Json::slice),
            ..call
        };
        let outcome = self.source.call(context, call).await?;
        let Outcome::Complete(mut result) = outcome else {
            return Ok(outcome);
        };
        if result.is_error {
            return Ok(Outcome::Complete(result));
        }
        for filter in [self.filters.get(call.name), asked.as_ref()]
            .into_iter()
            .flatten()
        {
            result = match self.project(filter, result).await {
                Ok(result) => result,
                Err(failed) => return Ok(Outcome::Complete(failed)),
            };
        }
        Ok(Outcome::Complete(self.cut(call.name, result)))
    }

    /// The filter that the model sent, and the arguments without it.
    fn asked(&self, arguments: Slice<'_>) -> Result<(Option<Filter>, Option<Json>), FilterError> {
        if !self.allows_projection {
            return Ok((None, None));
        }
        let Some(text) = arguments.get(ARGUMENT) else {
            return Ok((None, None));
        };
        let filter = match text.text() {
            Some(text) if !text.trim().is_empty() => Some(Filter::new(&text)?),
            _ => None,
        };
        let rest: Vec<_> = arguments
            .each_member()
            .filter(|(name, _)| name != ARGUMENT)
            .map(|(name, value)| format!("{}:{}", Json::of(&*name).as_str(), value.as_str()))
            .collect();
        let rest = ByteString::from(format!("{{{}}}", rest.join(",")));
        Ok((filter, Some(Slice::from_checked(&rest).to_json())))
    }

    /// The result with its data as the filter makes it, or what to say where that fails.
    async fn project(
        &self,
        filter: &Filter,
        mut result: ToolResult,
    ) -> Result<ToolResult, ToolResult> {
        let data = match (&result.structured, result.content.first()) {
            (Some(json), _) => json.text(),
            // A source that lists no output schemas may give JSON as text only.
            (None, Some(Content::Text { text, .. })) if Slice::parse(text).is_ok() => text.clone(),
            (None, first) => {
                let start = match first {
                    Some(Content::Text { text, .. }) => text.clone(),
                    _ => ByteString::new(),
                };
                return Err(failed(filter, "the answer is no JSON", &start));
            }
        };
        let projected = self.run(filter.clone(), data.clone()).await;
        let json = projected.map_err(|error| failed(filter, &error.to_string(), &data))?;
        let text = Content::text(json.text());
        match result.content.first_mut() {
            Some(first) => *first = text,
            None => result.content.push(text),
        }
        result.structured = Some(json);
        Ok(result)
    }

    /// Runs a filter beside the threads that serve: it has work to do and nothing to wait for.
    async fn run(&self, filter: Filter, data: ByteString) -> Result<Json, FilterError> {
        let running = self.running.clone();
        let run = async move {
            let turn = running
                .acquire_owned()
                .await
                .map_err(|_| FilterError::Exhausted)?;
            let (answer, answered) = oneshot::channel();
            std::thread::Builder::new()
                .name("filter".to_owned())
                .stack_size(STACK_BYTES)
                .spawn(move || {
                    // Nobody waits any more when the call has ended.
                    let _ = answer.send(filter.run(&data));
                    drop(turn);
                })
                .map_err(|_| FilterError::Failed("there is no thread to run it".to_owned()))?;
            answered.await.unwrap_or(Err(FilterError::Exhausted))
        };
        tokio::time::timeout(WAIT_MAX, run)
            .await
            .unwrap_or(Err(FilterError::Exhausted))
    }

    /// The result within the limit: a text is cut and says how to get the rest, structured content cannot be cut.
    fn cut(&self, tool: &str, mut result: ToolResult) -> ToolResult {
        let too_long = |json: &Json| json.as_str().len() > self.result_bytes_max;
        let whole = result.structured.take_if(|json| too_long(json));
        if let Some(json) = whole
            && self.structured.contains(tool)
        {
            let cut = Json::of(&*self.cut_text(json.as_str())).wrapped_in("result");
            return ToolResult::json(cut);
        }
        for content in &mut result.content {
            if let Content::Text { text, .. } = content
                && text.len() > self.result_bytes_max
            {
                *text = self.cut_text(text);
            }
        }
        result
    }

    fn cut_text(&self, text: &str) -> ByteString {
        let start = head(text, self.result_bytes_max);
        let way = if self.allows_projection {
            format!(
                "call again with `{ARGUMENT}`, such as `length`, `keys`, `.[0:20]` or `.[] | {{id, name}}`"
            )
        } else {
            "ask for less to see all".to_owned()
        };
        format!(
            "{start}\n[cut here: the first {} of {} bytes are shown; {way}]",
            start.len(),
            text.len()
        )
        .into()
    }
}

/// What to say of a filter that did not do: the call was made, so its answer comes along.
fn failed(filter: &Filter, reason: &str, data: &str) -> ToolResult {
    let start = head(data, START_BYTES_MAX);
    let rest = if start.len() < data.len() {
        format!("\n[the first {} of {} bytes]", start.len(), data.len())
    } else {
        String::new()
    };
    ToolResult::error(format!(
        "The call was made, but the jq filter `{}` failed on its answer: {reason}.\n\nThe answer, unfiltered:\n{start}{rest}",
        shown(filter.text()),
    ))
}

/// The schema with the argument that holds a filter.
fn with_argument(schema: &Json) -> Json {
    let mut members = Vec::new();
    let mut has_properties = false;
    let filter = format!(
        "{}:{}",
        Json::of(ARGUMENT).as_str(),
        Json::of(&serde_json::json!({"type": "string", "description": ARGUMENT_HELP})).as_str()
    );
    for (name, value) in schema.slice().each_member() {
        let mut value = value.as_str().to_owned();
        if name == "properties" && value.starts_with('{') {
            has_properties = true;
            let comma = if value[1..].trim_start().starts_with('}') {
                ""
            } else {
                ","
            };
            value.truncate(value.len() - 1);
            value = format!("{value}{comma}{filter}}}");
        }
        members.push(format!("{}:{value}", Json::of(&*name).as_str()));
    }
    if !has_properties {
        members.push(format!("\"properties\":{{{filter}}}"));
    }
    Slice::from_checked(&format!("{{{}}}", members.join(","))).to_json()
}

/// A text from outside as a part of a line.
fn shown(text: &str) -> &str {
    head(text, SHOWN_BYTES_MAX)
}

/// The first `bytes_max` bytes, ending between characters.
fn head(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Source for Shaped {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn inner(&self) -> Option<&dyn Source> {
        Some(&*self.source)
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        self.tools.clone()
    }

    fn call<'a>(
        &'a self,
        context: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        Box::pin(self.call_shaped(context, call))
    }
}
