//! A source whose calls can be watched and held up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{Notify, broadcast};
use wharf_catalog::Catalog;
use wharf_model::{
    BoxFuture, CallError, Change, Completion, CompletionRequest, Content, Context, InputRequest,
    InputRequired, Json, LogLevel, Outcome, Prompt, PromptResult, Resource, ResourceBody,
    ResourceContents, Slice, Source, Tool, ToolCall, ToolResult, TraceContext,
};

use super::PATIENCE;

/// What happened to calls of the tool `wait`.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) started: AtomicUsize,
    pub(crate) finished: AtomicUsize,
    pub(crate) dropped: AtomicUsize,
    /// Wakes those who wait for one of the numbers.
    moved: Notify,
    /// Lets calls of `wait` go on.
    pub(crate) gate: Notify,
}

impl Watch {
    fn count(&self, counter: &AtomicUsize) {
        counter.fetch_add(1, Ordering::SeqCst);
        self.moved.notify_waiters();
    }

    /// Waits until a counter has reached `least`.
    pub(crate) async fn reaches(&self, counter: &AtomicUsize, least: usize, what: &str) {
        let reached = async {
            loop {
                let mut moved = std::pin::pin!(self.moved.notified());
                moved.as_mut().enable();
                if counter.load(Ordering::SeqCst) >= least {
                    return;
                }
                moved.await;
            }
        };
        tokio::time::timeout(PATIENCE, reached)
            .await
            .unwrap_or_else(|_| panic!("{what}: {} of {least}", counter.load(Ordering::SeqCst)));
    }
}

/// The source under the server.
pub(crate) struct Probe {
    pub(crate) watch: Arc<Watch>,
    pub(crate) changes: broadcast::Sender<Change>,
}

impl Probe {
    pub(crate) fn new() -> Self {
        Self {
            watch: Arc::default(),
            changes: broadcast::Sender::new(16),
        }
    }

    pub(crate) fn catalog(self) -> Catalog {
        let source: Arc<dyn Source> = Arc::new(self);
        Catalog::build([source.into()]).unwrap()
    }

    async fn wait(&self) -> ToolResult {
        struct Guard<'a>(&'a Watch, bool);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                if !self.1 {
                    self.0.count(&self.0.dropped);
                }
            }
        }
        let mut guard = Guard(&self.watch, false);
        let mut open = std::pin::pin!(self.watch.gate.notified());
        open.as_mut().enable();
        self.watch.count(&self.watch.started);
        open.await;
        guard.1 = true;
        self.watch.count(&self.watch.finished);
        ToolResult::text("waited")
    }
}

fn tool(name: &str, input: &Value) -> Tool {
    Tool {
        name: name.to_owned(),
        description: Some(format!("The tool {name}")),
        input_schema: Json::of(input).into(),
        ..Tool::default()
    }
}

impl Source for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        let nothing = json!({"type": "object", "additionalProperties": false});
        let text = json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]});
        let mirrored = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "count": {"type": "integer", "x-mcp-header": "Count"},
        }});
        let mut list = tool("list", &nothing);
        list.output_schema = Some(Json::of(&json!({"type": "array"})));
        let mut tools = vec![tool("echo", &text), list, tool("mirrored", &mirrored)];
        for name in [
            "wait",
            "progress",
            "log",
            "detach",
            "ask",
            "ask_model",
            "ask_twice",
            "slow",
            "headers",
            "sound",
            "link",
        ] {
            tools.push(tool(name, &nothing));
        }
        tools.into_iter().map(Arc::new).collect()
    }

    fn prompts(&self) -> Vec<Prompt> {
        vec![Prompt {
            name: "greet".to_owned(),
            ..Prompt::default()
        }]
    }

    fn resources(&self) -> Vec<Resource> {
        vec![Resource {
            uri: "probe://one".to_owned(),
            name: "one".to_owned(),
            ..Resource::default()
        }]
    }

    fn completes(&self) -> bool {
        true
    }

    fn call<'a>(
        &'a self,
        context: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        Box::pin(async move {
            let answers = &context.answers;
            Ok(Outcome::Complete(match call.name {
                "echo" => ToolResult::text(
                    call.arguments
                        .get("text")
                        .and_then(Slice::text)
                        .unwrap()
                        .into_owned(),
                ),
                "list" => ToolResult::json(Json::of(&json!([1, 2]))),
                "mirrored" => ToolResult::text("mirrored"),
                "wait" => self.wait().await,
                "slow" => {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    ToolResult::text("slow")
                }
                "progress" => {
                    for step in 1..=3u8 {
                        let message = Some(format!("step {step}"));
                        context
                            .outbox
                            .progress(f64::from(step), Some(3.0), message)
                            .await;
                    }
                    ToolResult::text("progressed")
                }
                "log" => {
                    for level in [LogLevel::Debug, LogLevel::Error] {
                        context
                            .outbox
                            .log(level, Some("probe".into()), Json::of("said"))
                            .await;
                    }
                    ToolResult::text("logged")
                }
                "detach" => {
                    context.outbox.detach().await;
                    self.wait().await
                }
                "ask" => match answers.response("name") {
                    Some(answer) => {
                        ToolResult::text(format!("{} {:?}", answer.as_str(), answers.state))
                    }
                    None => return Ok(Outcome::InputRequired(form("name", Some("asked once")))),
                },
                "ask_model" => match answers.response("model") {
                    Some(answer) => ToolResult::text(answer.as_str().to_owned()),
                    None => {
                        return Ok(Outcome::InputRequired(InputRequired {
                            requests: vec![(
                                "model".into(),
                                InputRequest::Sampling(Json::of(
                                    &json!({"messages": [], "maxTokens": 1}),
                                )),
                            )],
                            state: None,
                        }));
                    }
                },
                "ask_twice" => match answers.state.as_deref() {
                    Some("second") => ToolResult::text("asked twice"),
                    Some(_) => return Ok(Outcome::InputRequired(form("b", Some("second")))),
                    None => return Ok(Outcome::InputRequired(form("a", Some("first")))),
                },
                "headers" => ToolResult::text(format!(
                    "{:?} {:?} {:?}",
                    context.caller.subject(),
                    context.headers.get("x-probe"),
                    context.trace.as_ref().map(TraceContext::traceparent)
                )),
                "sound" => ToolResult {
                    content: vec![Content::audio(Bytes::from_static(b"la"), "audio/wav")],
                    ..ToolResult::default()
                },
                "link" => ToolResult {
                    content: vec![Content::Link(Box::new(self.resources().remove(0)))],
                    ..ToolResult::default()
                },
                other => panic!("the catalog passed the unknown tool {other}"),
            }))
        })
    }

    fn prompt<'a>(
        &'a self,
        _context: &'a Context,
        _name: &'a str,
        _arguments: Slice<'a>,
    ) -> BoxFuture<'a, Result<Outcome<PromptResult>, CallError>> {
        Box::pin(async { Ok(Outcome::Complete(PromptResult::default())) })
    }

    fn read<'a>(
        &'a self,
        _context: &'a Context,
        uri: &'a str,
    ) -> BoxFuture<'a, Result<Option<Outcome<Vec<ResourceContents>>>, CallError>> {
        Box::pin(async move {
            Ok((uri == "probe://one").then(|| {
                Outcome::Complete(vec![ResourceContents {
                    uri: uri.to_owned(),
                    mime_type: None,
                    body: ResourceBody::Text("one".into()),
                    meta: None,
                }])
            }))
        })
    }

    fn complete<'a>(
        &'a self,
        _context: &'a Context,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<Option<Completion>, CallError>> {
        Box::pin(async move {
            Ok(Some(Completion {
                values: (0..150)
                    .map(|number| format!("{}{number}", request.value))
                    .collect(),
                ..Completion::default()
            }))
        })
    }

    fn changes(&self) -> Option<broadcast::Receiver<Change>> {
        Some(self.changes.subscribe())
    }
}

fn form(key: &str, state: Option<&str>) -> InputRequired {
    let params = json!({"message": "?", "requestedSchema": {"type": "object", "properties": {}}});
    InputRequired {
        requests: vec![(key.to_owned(), InputRequest::Elicitation(Json::of(&params)))],
        state: state.map(str::to_owned),
    }
}
