//! A document as a [`Source`]: what it offers is made when it is built, how a call is made is read at its first call.

mod gather;
mod read;
mod reading;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use wharf_model::{
    Answer, BoxFuture, Breaker, CallError, Content, Context, HashMap, Load, Outcome, Prompt,
    PromptResult, Slice, Source, Target, Tool, ToolCall, ToolResult, with_causes,
};
use wharf_upstream::{BreakerState, Request, Response, Upstream, UpstreamError};

use self::gather::PagedCall;
use self::read::Offered;
use self::reading::Reading;
use crate::config::{Config, ErrorStyle};
use crate::document::{Document, DocumentError};
use crate::operation::{Fault, OutputShape, base_url};
use crate::pages::{self, Pages, PagesMistake};
use crate::plan::Plan;
use crate::prompts::{self, Place, Prompts, Subject};
use crate::report::{Report, UnreadFile};
use crate::request;
use crate::response::{self, Judge, Limits, Strictness, awslabs};

pub(crate) use self::reading::Spot;

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
    reading: Arc<Reading>,
    base_url: Option<String>,
    tools: Vec<Arc<Tool>>,
    entries: HashMap<String, Entry>,
    limits: Limits,
    upstream: Option<Upstream>,
    prompts: Prompts,
    error_style: ErrorStyle,
    strictness: Strictness,
    drop_nulls: bool,
    /// How pages are gathered, by tool; empty where they are not.
    pages: BTreeMap<String, Pages>,
}

/// What is needed to read a tool's plan. What only those have that are called is apart: most are not.
struct Entry {
    spot: Spot,
    output: OutputShape,
    plan: OnceLock<Box<Plan>>,
    /// The way to the upstream with the credentials that the operation declares.
    upstream: OnceLock<Upstream>,
    /// None inside where results are not compared with a schema.
    judge: OnceLock<Option<Box<Judge>>>,
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
        let (base_url, mut addresses) =
            base_url(&document, whereabouts.base_url, whereabouts.document_url)?;
        addresses.supplied = config.supplied.clone();
        let mut report = Report {
            title: document.title(),
            version: document.api_version(),
            base_url: base_url.clone(),
            webhooks: ["webhooks", "x-webhooks"]
                .into_iter()
                .filter_map(|name| document.member(name))
                .map(|webhooks| webhooks.each_member().count())
                .sum(),
            unread: document
                .files()
                .refused()
                .map(|(address, reason)| UnreadFile {
                    address: address.to_owned(),
                    reason: reason.to_owned(),
                })
                .collect(),
            ..Report::default()
        };
        let reading = Arc::new(Reading {
            document,
            addresses,
            config: config.clone(),
        });
        let Offered {
            tools,
            entries,
            prompts,
        } = read::read(&reading, &mut report);
        let name = config.name.clone().or_else(|| reading.document.title());
        let source = Self {
            name: name.unwrap_or_else(|| "openapi".to_owned()),
            reading,
            base_url,
            tools,
            entries,
            limits: Limits {
                text_bytes_max: config.result_bytes_max,
                ..Limits::default()
            },
            upstream: None,
            prompts,
            error_style: config.error_style,
            strictness: config.strictness(),
            drop_nulls: config.drop_nulls,
            pages: BTreeMap::new(),
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
        for entry in self.entries.values_mut() {
            entry.upstream = OnceLock::new();
        }
        self.upstream = Some(upstream);
        self
    }

    /// Lets it gather the pages of results, by the names of its tools; `*` is for all that are not named.
    pub fn with_pages(
        mut self,
        pages: &BTreeMap<String, Pages>,
    ) -> Result<Self, Vec<PagesMistake>> {
        let plan = |tool: &str| self.plan(self.entries.get(tool)?).ok();
        let names = || self.tools.iter().map(|tool| tool.name.clone()).collect();
        pages::judge(pages, plan, names)?;
        self.pages = pages.clone();
        Ok(self)
    }

    /// How the pages of a tool's results are gathered; none where they are not.
    fn pages(&self, tool: &str, plan: &Plan) -> Option<&Pages> {
        if self.pages.is_empty() {
            return None;
        }
        pages::of_tool(&self.pages, tool).filter(|pages| pages.suits(plan))
    }

    /// The tool's plan, read at its first call: most tools of a large document are never called.
    fn plan<'s>(&'s self, entry: &'s Entry) -> Result<&'s Plan, Fault> {
        if let Some(plan) = entry.plan.get() {
            return Ok(plan);
        }
        let mut plan = self
            .reading
            .operation(&entry.spot, |operation, _| Ok(operation.plan(entry.output)))?;
        plan.drops_nulls = self.drop_nulls;
        Ok(entry.plan.get_or_init(|| Box::new(plan)))
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
        let upstream = entry
            .upstream
            .get_or_init(|| upstream.for_operation(&plan.security));
        let request = match request::build(plan, call.arguments) {
            Ok(request) => request,
            Err(complaint) if self.error_style == ErrorStyle::Awslabs => {
                let path = self.path(entry);
                return Ok(awslabs::complaint(call.name, plan, path, &complaint));
            }
            Err(complaint) => return Ok(complaint.into_result()),
        };
        let paged = self.pages(call.name, plan).map(|pages| PagedCall {
            pages,
            plan,
            entry,
            upstream,
            context,
            arguments: call.arguments,
            request: request.clone(),
            started: Instant::now(),
        });
        let answer = self
            .send(upstream, request, context, entry, context.deadline)
            .await;
        let awslabs = self.error_style == ErrorStyle::Awslabs;
        Ok(match answer {
            Ok(answer) if awslabs && !response::is_result(answer.status) => {
                awslabs::refusal(call.name, &answer, &self.limits)
            }
            Ok(answer) => {
                let (answer, note) = match paged {
                    Some(paged) if response::is_result(answer.status) => {
                        // Apart, since few answers have pages and all calls would carry the room.
                        Box::pin(self.gather(&paged, answer)).await
                    }
                    _ => (answer, None),
                };
                let result = response::read(plan, call.name, &answer, &self.limits);
                let mut result = self.judged(entry, call.name, result);
                result.content.extend(note.map(Content::text));
                result
            }
            Err(error) => {
                tracing::warn!(
                    request_id = context.request_id(),
                    source = self.name(),
                    operation = call.name,
                    error = %with_causes(&error),
                    "the upstream gave no answer"
                );
                if let UpstreamError::Crowded { retry_after, .. } = error {
                    // It is this server that has too much to do, and whoever stands before it should know.
                    return Err(CallError::Overloaded { retry_after });
                }
                if awslabs {
                    awslabs::failure(call.name, &error)
                } else {
                    response::failure(&error, context.request_id())
                }
            }
        })
    }

    async fn send(
        &self,
        upstream: &Upstream,
        mut request: Request,
        context: &Context,
        entry: &Entry,
        deadline: Option<Instant>,
    ) -> Result<Response, UpstreamError> {
        let target = Target {
            source: &self.name,
            template: self.path(entry),
            base_url: upstream.base_url(),
        };
        let exchange = context.exchange(&entry.spot.method, target, &mut request.headers);
        let answer = upstream.send(request, &context.headers, deadline).await;
        if let Some(exchange) = exchange {
            exchange.end(match &answer {
                Ok(answer) => Answer::Status(answer.status),
                Err(error) => Answer::Failed(error.kind()),
            });
        }
        answer
    }

    /// The result, compared with the schema that is listed for it where that is whole.
    fn judged(&self, entry: &Entry, name: &str, result: ToolResult) -> ToolResult {
        if self.strictness == Strictness::None || result.is_error {
            return result;
        }
        let judge = entry.judge.get_or_init(|| {
            let tool = self.tools.iter().find(|tool| tool.name == name)?;
            Judge::new(tool.output_schema.as_ref()?, self.strictness).map(Box::new)
        });
        match judge {
            Some(judge) => judge.judge(result),
            None => result,
        }
    }

    /// The path as the document writes it.
    fn path(&self, entry: &Entry) -> &str {
        self.reading.path(&entry.spot)
    }

    /// The text of a prompt, read from the document anew: few are ever asked for.
    fn fill_prompt(&self, name: &str, given: Slice<'_>) -> Result<PromptResult, CallError> {
        let subject = self
            .prompts
            .subject(name)
            .ok_or_else(|| CallError::Unknown {
                kind: "prompt",
                name: name.to_owned(),
            })?;
        let text = match subject {
            Subject::Workflow(text) => text.clone(),
            Subject::Operation(place) => {
                self.operation_text(place, name, given).map_err(|fault| {
                    tracing::error!(
                        prompt = name,
                        pointer = fault.pointer,
                        reason = fault.reason,
                        "a listed prompt has no text"
                    );
                    CallError::Internal("the prompt cannot be read".to_owned())
                })?
            }
        };
        Ok(prompts::result(self.prompts.description(name), text))
    }

    fn operation_text(&self, place: &Place, name: &str, given: Slice<'_>) -> Result<String, Fault> {
        self.reading.operation(&place.spot, |operation, resolver| {
            let operation = &operation;
            Ok(prompts::text_of_operation(
                place, name, operation, resolver, given,
            ))
        })
    }
}

impl Source for OpenApi {
    fn name(&self) -> &str {
        &self.name
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        self.tools.clone()
    }

    fn prompts(&self) -> Vec<Prompt> {
        self.prompts.list.clone()
    }

    fn prompt<'a>(
        &'a self,
        _: &'a Context,
        name: &'a str,
        arguments: Slice<'a>,
    ) -> BoxFuture<'a, Result<Outcome<PromptResult>, CallError>> {
        let filled = self.fill_prompt(name, arguments);
        Box::pin(std::future::ready(filled.map(Outcome::Complete)))
    }

    fn load(&self) -> Option<Load> {
        let load = self.upstream.as_ref()?.load();
        Some(Load {
            in_flight: load.in_flight,
            waiting: load.waiting,
            breaker: match load.breaker {
                BreakerState::Closed => Breaker::Closed,
                BreakerState::HalfOpen => Breaker::HalfOpen,
                BreakerState::Open => Breaker::Open,
            },
        })
    }

    fn call<'a>(
        &'a self,
        context: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        Box::pin(async move { self.call_tool(context, call).await.map(Outcome::Complete) })
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
                    .as_ref()
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
