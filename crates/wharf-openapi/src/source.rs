//! A document as a [`Source`]: what it offers is made when it is built, how a call is made is read at its first call.

use std::collections::HashMap;
use std::sync::OnceLock;

use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use wharf_model::{BoxFuture, CallError, Context, Outcome, Source, Tool, ToolCall, ToolResult};
use wharf_upstream::Upstream;

use crate::description::Descriptions;
use crate::document::{Document, DocumentError};
use crate::names::tool_names;
use crate::operation::{Addresses, Fault, Head, OutputShape, PathItem, base_url};
use crate::plan::Plan;
use crate::reference::Resolver;
use crate::request;
use crate::response::{self, Limits};
use crate::schema::Note;
use crate::tools::ToolWriter;

/// How a document becomes tools.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The source's name in messages and logs; whoever builds the source knows it.
    #[serde(skip)]
    pub name: Option<String>,
    /// How much each tool's description says: `brief` or `full`. Default: `brief`, because every word of a list is
    /// paid for in each conversation.
    pub descriptions: Descriptions,
    /// What is listed about results: `none`, `open` or `full`. Default: `open`, since clients refuse results that do
    /// not fit the listed schema, and upstreams often do not keep to their own documents.
    pub output_schemas: OutputSchemas,
    /// How much text of a result is given to the model, in bytes; the rest is cut off and the result says so.
    /// Default: 1 MiB, which is more than most models can take in at once.
    pub result_bytes_max: usize,
    /// How large one tool's schema may become by definitions, in bytes; definitions beyond accept anything. Default:
    /// 65,536: some documents tie all their schemas together, and each tool would list all of them.
    pub schema_bytes_max: usize,
    /// Whether the tools' tags are listed under `_meta`, as `FastMCP` does. Default: false.
    pub tags_in_meta: bool,
}

/// What is listed about results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputSchemas {
    /// Nothing.
    None,
    /// Whether the result is an object, or a value that is wrapped into one.
    #[default]
    Open,
    /// The whole schema.
    Full,
}

/// What was found in a document.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The document's title.
    pub title: Option<String>,
    /// The version of the API.
    pub version: Option<String>,
    /// Where calls go, when the document or the operator says it.
    pub base_url: Option<String>,
    /// How many operations there are.
    pub operations: usize,
    /// How many of them are tools.
    pub tools: usize,
    /// Those that are not, each with the reason.
    pub left_out: Vec<LeftOut>,
    /// What was read more loosely than it was written.
    pub notes: Vec<Note>,
    /// Webhooks, which are no tools: the API calls them.
    pub webhooks: usize,
    /// Callbacks, which are no tools for the same reason.
    pub callbacks: usize,
}

/// An operation that is not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Method and path, or the path alone when none of its operations could be read.
    pub operation: String,
    /// Where the trouble is: a JSON pointer into the document.
    pub pointer: String,
    /// What the trouble is.
    pub reason: String,
}

/// Where things are, as far as the document does not say it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whereabouts<'a> {
    /// Where the API is, by the operator's word; then the document's `servers` do not count.
    pub base_url: Option<&'a str>,
    /// Where the document came from: relative addresses in it are relative to this.
    pub document_url: Option<&'a str>,
}

/// A document whose operations can be called.
pub struct OpenApi {
    name: String,
    document: Document,
    addresses: Addresses,
    base_url: Option<String>,
    tools: Vec<Tool>,
    entries: HashMap<String, Entry>,
    limits: Limits,
    upstream: Option<Upstream>,
}

/// What is needed to read a tool's plan.
struct Entry {
    /// The place of its path among the document's.
    path: usize,
    method: Method,
    output: OutputShape,
    plan: OnceLock<Plan>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: None,
            descriptions: Descriptions::default(),
            output_schemas: OutputSchemas::default(),
            result_bytes_max: Limits::default().text_bytes_max,
            schema_bytes_max: 64 * 1024,
            tags_in_meta: false,
        }
    }
}

impl OpenApi {
    /// Makes tools of a document's operations. Pure: nothing is fetched and nothing is sent.
    ///
    /// An operation that cannot be read is left out and reported; only what concerns all of them is an error.
    pub fn build(
        document: Document,
        config: &Config,
        whereabouts: Whereabouts<'_>,
    ) -> Result<(Self, Report), DocumentError> {
        let (base_url, addresses) =
            base_url(&document, whereabouts.base_url, whereabouts.document_url)?;
        let mut report = Report {
            title: document.title(),
            version: document.api_version(),
            base_url: base_url.clone(),
            webhooks: ["webhooks", "x-webhooks"]
                .into_iter()
                .filter_map(|name| document.member(name))
                .map(|webhooks| webhooks.each_member().count())
                .sum(),
            ..Report::default()
        };
        let (tools, entries) = read(&document, config, &addresses, &mut report);
        let name = config.name.clone().or_else(|| document.title());
        let source = Self {
            name: name.unwrap_or_else(|| "openapi".to_owned()),
            document,
            addresses,
            base_url,
            tools,
            entries,
            limits: Limits {
                text_bytes_max: config.result_bytes_max,
                ..Limits::default()
            },
            upstream: None,
        };
        Ok((source, report))
    }

    /// Where calls go, when the document or the operator says it.
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// Gives it the way to its upstream; without one, calls fail.
    #[must_use]
    pub fn with_upstream(mut self, upstream: Upstream) -> Self {
        self.upstream = Some(upstream);
        self
    }

    /// The tool's plan, read at its first call: most tools of a large document are never called.
    fn plan<'s>(&'s self, entry: &'s Entry) -> Result<&'s Plan, Fault> {
        if let Some(plan) = entry.plan.get() {
            return Ok(plan);
        }
        let (path, item) = &self.document.paths()[entry.path];
        let resolver = Resolver::new(&self.document);
        let item = PathItem::read(&resolver, path, self.document.at(*item))?;
        let head = item.head(&entry.method)?;
        let operation = item.operation(&resolver, head, &self.addresses)?;
        Ok(entry.plan.get_or_init(|| operation.plan(entry.output)))
    }

    async fn call_tool(
        &self,
        context: &Context,
        call: ToolCall<'_>,
    ) -> Result<ToolResult, CallError> {
        let entry = self
            .entries
            .get(call.name)
            .ok_or_else(|| CallError::Unknown {
                kind: "tool",
                name: call.name.to_owned(),
            })?;
        let plan = self.plan(entry).map_err(|fault| {
            tracing::error!(
                tool = call.name,
                pointer = fault.pointer,
                reason = fault.reason,
                "a listed tool has no plan"
            );
            CallError::Internal("the tool cannot be called".to_owned())
        })?;
        let Some(upstream) = &self.upstream else {
            tracing::error!(source = self.name, "no upstream is configured");
            return Err(CallError::Internal("the tool has no upstream".to_owned()));
        };
        let request = match request::build(plan, call.arguments) {
            Ok(request) => request,
            Err(complaint) => return Ok(complaint.into_result()),
        };
        let answer = upstream
            .send(request, &context.headers, context.deadline)
            .await;
        Ok(match answer {
            Ok(answer) => response::read(plan, call.name, &answer, &self.limits),
            Err(error) => {
                tracing::warn!(
                    tool = call.name,
                    error = &error as &dyn std::error::Error,
                    "the upstream gave no answer"
                );
                response::failure(&error)
            }
        })
    }
}

impl Source for OpenApi {
    fn name(&self) -> &str {
        &self.name
    }

    fn tools(&self) -> Vec<Tool> {
        self.tools.clone()
    }

    fn call<'a>(
        &'a self,
        context: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        Box::pin(async move { self.call_tool(context, call).await.map(Outcome::Complete) })
    }
}

/// Reads all operations: first what they are named by, then the tools, since a name depends on all others.
fn read(
    document: &Document,
    config: &Config,
    addresses: &Addresses,
    report: &mut Report,
) -> (Vec<Tool>, HashMap<String, Entry>) {
    let resolver = Resolver::new(document);
    let items = items(document, &resolver, report);
    let heads = heads(&items, report);
    let nameable: Vec<_> = heads.iter().map(|(_, head)| head.nameable()).collect();
    let names = tool_names(&nameable);
    let mut writer = ToolWriter::new(config, &resolver);
    let mut tools = Vec::with_capacity(names.len());
    let mut entries = HashMap::with_capacity(names.len());
    for ((place, head), name) in heads.into_iter().zip(names) {
        let (path, item) = &items[place];
        let method = head.method().clone();
        let read = item
            .operation(&resolver, head, addresses)
            .and_then(|operation| {
                report.callbacks += operation.callbacks;
                writer.tool(&operation, name.clone())
            });
        match read {
            Ok((tool, output)) => {
                tools.push(tool);
                let entry = Entry {
                    path: *path,
                    method,
                    output,
                    plan: OnceLock::new(),
                };
                entries.insert(name, entry);
            }
            Err(fault) => {
                let (path, _) = &document.paths()[*path];
                report.leave_out(format!("{method} {path}"), fault);
            }
        }
    }
    report.tools = tools.len();
    report.notes = writer.into_notes();
    (tools, entries)
}

/// The path items that can be read, each with its place among the document's.
fn items<'d>(
    document: &'d Document,
    resolver: &Resolver<'d>,
    report: &mut Report,
) -> Vec<(usize, PathItem<'d>)> {
    let mut items = Vec::with_capacity(document.paths().len());
    for (place, (path, span)) in document.paths().iter().enumerate() {
        if path.starts_with("x-") {
            continue;
        }
        match PathItem::read(resolver, path, document.at(*span)) {
            Ok(item) => items.push((place, item)),
            Err(fault) => report.leave_out(path.clone().into(), fault),
        }
    }
    items
}

/// The operations' own members, each with the place of its path item in `items`.
fn heads<'d>(items: &[(usize, PathItem<'d>)], report: &mut Report) -> Vec<(usize, Head<'d>)> {
    let mut heads = Vec::new();
    for (place, (_, item)) in items.iter().enumerate() {
        for method in item.methods() {
            report.operations += 1;
            match item.head(method) {
                Ok(head) => heads.push((place, head)),
                Err(fault) => report.leave_out(format!("{method} {}", item.path()), fault),
            }
        }
    }
    heads
}

impl Report {
    fn leave_out(&mut self, operation: String, fault: Fault) {
        self.left_out.push(LeftOut {
            operation,
            pointer: fault.pointer,
            reason: fault.reason,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was listed can be called: both come from one reading.
    #[test]
    fn every_listed_tool_has_a_plan() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/documents");
        let mut plans = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            let document = Document::read(std::fs::read(&file).unwrap()).unwrap();
            let config = Config::default();
            let (source, _) = OpenApi::build(document, &config, Whereabouts::default()).unwrap();
            for tool in source.tools() {
                let plan = source.plan(&source.entries[&tool.name]).unwrap();
                assert_eq!(
                    plan.has_output_schema,
                    tool.output_schema.is_some(),
                    "{}",
                    tool.name
                );
                let wraps = tool
                    .output_schema
                    .is_some_and(|schema| schema.as_str().contains("wrap-result"));
                assert_eq!(plan.wraps_result, wraps, "{}", tool.name);
                let properties = tool.input_schema.slice().get("properties").unwrap();
                for parameter in &plan.parameters {
                    assert!(
                        properties.get(&parameter.argument).is_some(),
                        "{}",
                        tool.name
                    );
                }
                plans += 1;
            }
        }
        assert!(plans > 40, "{plans}");
    }

    #[test]
    fn a_plan_knows_servers_security_and_what_to_accept() {
        let text = r#"{"openapi":"3.0.0","info":{},"servers":[{"url":"https://a.example/v1"}],"security":[{"key":[]}],"paths":{
            "/x":{"servers":[{"url":"https://b.example"}],
                "get":{"operationId":"x","security":[{"oauth":["read"],"key":[]},{}],"servers":[{"url":"/v2/"}],
                    "responses":{"200":{"content":{"text/csv":{},"application/hal+json":{},"application/json":{}}}}},
                "put":{"operationId":"y","responses":{"200":{"content":{"image/png":{}}}}}},
            "/z":{"get":{"operationId":"z"}}}}"#;
        let json = "application/json, application/hal+json, text/csv;q=0.5";
        let any_of = |alternatives: &[&[&str]]| -> Vec<Vec<String>> {
            let names = |all: &&[&str]| all.iter().map(|name| (*name).to_owned()).collect();
            alternatives.iter().map(names).collect()
        };
        for (base_url, tool, server, accept, security) in [
            (
                None,
                "x",
                Some("https://a.example/v2"),
                json,
                any_of(&[&["oauth", "key"], &[]]),
            ),
            (
                None,
                "y",
                Some("https://b.example"),
                "image/png",
                any_of(&[&["key"]]),
            ),
            (None, "z", None, "", any_of(&[&["key"]])),
            (
                Some("http://127.0.0.1"),
                "x",
                None,
                json,
                any_of(&[&["oauth", "key"], &[]]),
            ),
        ] {
            let document = Document::read(text).unwrap();
            let whereabouts = Whereabouts {
                base_url,
                document_url: None,
            };
            let (source, _) = OpenApi::build(document, &Config::default(), whereabouts).unwrap();
            let plan = source.plan(&source.entries[tool]).unwrap();
            assert_eq!(plan.server.as_deref(), server, "{base_url:?} {tool}");
            assert_eq!(plan.accept, accept, "{tool}");
            assert_eq!(plan.security, security, "{tool}");
        }
    }
}
