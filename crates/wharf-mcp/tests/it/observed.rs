//! What an observer is told of operations, whatever way they come and end.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use wharf_catalog::{Catalog, ToolsMode};
use wharf_mcp::{Server, Settings};
use wharf_model::{
    Ending, Exchange, HttpRequest, Observer, Operation, Span, TraceContext, Trail, Transport,
};

use crate::access::{RULES, restricted};
use crate::support::{PATIENCE, Probe, call, caller, modern, post, request};

/// Writes down what it is told: method, tool and end of each operation.
#[derive(Default)]
struct Witness {
    told: Mutex<Vec<(&'static str, Option<String>, Ending)>>,
    sent_bytes: Mutex<usize>,
    refuses: bool,
}

impl Witness {
    fn told(&self) -> Vec<(&'static str, Option<String>, Ending)> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

impl Observer for Witness {
    fn begin(self: Arc<Self>, transport: Transport, _: &HeaderMap) -> Trail {
        let span = self.span(None);
        Trail {
            observer: self,
            request_id: "the-id".into(),
            span,
            transport,
            asked: OnceLock::new(),
            ending: OnceLock::new(),
            reason: OnceLock::new(),
        }
    }

    fn span(&self, parent: Option<&TraceContext>) -> Span {
        Span {
            context: parent.cloned(),
            parent_id: None,
            is_recorded: false,
            started: Instant::now(),
        }
    }

    fn admits(&self) -> bool {
        !self.refuses
    }

    fn operation_ended(&self, operation: &Operation<'_>) {
        let tool = operation.tool.map(str::to_owned);
        let told = (operation.method, tool, operation.ending);
        self.told.lock().unwrap().push(told);
        *self.sent_bytes.lock().unwrap() = operation.sent_bytes;
    }

    fn request_ended(&self, _: &HttpRequest<'_>) {}

    fn request_unread(&self, _: &dyn std::fmt::Display) {}

    fn exchange_ended(&self, _: &Exchange<'_>) {}

    fn put_on(&self, _: &TraceContext, _: &mut HeaderMap) {}

    fn exposition(&self) -> Option<String> {
        None
    }
}

fn server(witness: &Arc<Witness>, probe: Probe) -> Server {
    server_of(witness, probe.catalog())
}

fn server_of(witness: &Arc<Witness>, catalog: Catalog) -> Server {
    let observer: Arc<dyn Observer> = witness.clone();
    let settings = Settings {
        sessions: false,
        observer: Some(observer),
        ..Settings::default()
    };
    Server::new(catalog, settings)
}

fn modern_request(method: &str, params: serde_json::Value) -> Request<Full<Bytes>> {
    let (message, headers) = modern(method, params);
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    post("/mcp", message.to_string(), &headers)
}

/// As whoever takes HTTP requests hands them on.
fn seen(
    witness: &Arc<Witness>,
    mut request: Request<Full<Bytes>>,
) -> (Arc<Trail>, Request<Full<Bytes>>) {
    let trail = Arc::new(witness.clone().begin(Transport::Http, request.headers()));
    request.extensions_mut().insert(trail.clone());
    (trail, request)
}

#[tokio::test]
async fn each_operation_over_http_is_told_once() {
    let (witness, probe) = (Arc::<Witness>::default(), Probe::new());
    let server = server(&witness, probe);
    let echo = || Some("echo".to_owned());
    for (method, params, told) in [
        (
            "tools/call",
            call("echo", json!({"text": "x"})),
            ("tools/call", echo(), Ending::Ok),
        ),
        (
            "tools/call",
            call("echo", json!({"text": 7})),
            ("tools/call", echo(), Ending::ToolError),
        ),
        (
            "tools/call",
            call("no_such_tool", json!({})),
            ("tools/call", None, Ending::ProtocolError(-32602)),
        ),
        ("tools/list", json!({}), ("tools/list", None, Ending::Ok)),
        (
            "made/up",
            json!({}),
            ("_OTHER", None, Ending::ProtocolError(-32601)),
        ),
    ] {
        let (trail, request) = seen(&witness, modern_request(method, params));
        server.handle(request).await;
        assert_eq!(witness.told(), vec![told.clone()]);
        let asked = trail.asked.get().unwrap();
        assert_eq!(
            (asked.method, asked.tool.as_deref()),
            (told.0, told.1.as_deref())
        );
        assert_eq!(trail.ending.get(), Some(&told.2));
    }
}

#[tokio::test]
async fn what_the_rules_refuse_is_forbidden_whatever_the_client_is_told() {
    let by_search = |name: &str| call("call_tool", json!({"name": name, "arguments": {}}));
    let tool = |name: &str| Some(name.to_owned());
    for (mode, method, params, subject, ending) in [
        (
            ToolsMode::All,
            "tools/call",
            call("log", json!({})),
            tool("log"),
            Ending::Forbidden,
        ),
        (
            ToolsMode::All,
            "tools/call",
            call("mirrored", json!({})),
            tool("mirrored"),
            Ending::Forbidden,
        ),
        (
            ToolsMode::Search,
            "tools/call",
            call("log", json!({})),
            tool("log"),
            Ending::Forbidden,
        ),
        (
            ToolsMode::Search,
            "tools/call",
            by_search("log"),
            tool("log"),
            Ending::Forbidden,
        ),
        (
            ToolsMode::All,
            "prompts/get",
            json!({"name": "greet"}),
            None,
            Ending::Forbidden,
        ),
        (
            ToolsMode::All,
            "resources/read",
            json!({"uri": "probe://one"}),
            None,
            Ending::Forbidden,
        ),
        (
            ToolsMode::All,
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "who", "value": ""}}),
            None,
            Ending::Forbidden,
        ),
        // What is not there at all is refused by no rule.
        (
            ToolsMode::All,
            "tools/call",
            call("no_such_tool", json!({})),
            None,
            Ending::ProtocolError(-32602),
        ),
        (
            ToolsMode::Search,
            "tools/call",
            by_search("no_such_tool"),
            tool("call_tool"),
            Ending::ToolError,
        ),
        (
            ToolsMode::All,
            "prompts/get",
            json!({"name": "no_such_prompt"}),
            None,
            Ending::ProtocolError(-32602),
        ),
    ] {
        let row = format!("{mode:?} {method} {params}");
        let (witness, probe) = (Arc::<Witness>::default(), Probe::new());
        let server = server_of(&witness, restricted(RULES, mode)(probe));
        let (_, mut request) = seen(&witness, modern_request(method, params));
        request.extensions_mut().insert(caller("ann"));
        let response = server.handle(request).await;
        let sent = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(witness.told(), [(method, subject, ending)], "{row}");
        let told = *witness.sent_bytes.lock().unwrap();
        assert_eq!(told, sent.len(), "{row}");
    }
}

#[tokio::test]
async fn a_call_that_its_client_leaves_is_cancelled() {
    let (witness, probe) = (Arc::<Witness>::default(), Probe::new());
    let watch = probe.watch.clone();
    let server = server(&witness, probe);
    let (_, request) = seen(
        &witness,
        modern_request("tools/call", call("wait", json!({}))),
    );
    tokio::select! {
        _ = server.handle(request) => panic!("nothing opens the gate"),
        () = watch.reaches(&watch.started, 1, "the call") => {}
    }
    assert_eq!(
        witness.told(),
        [("tools/call", Some("wait".to_owned()), Ending::Cancelled)]
    );
}

#[tokio::test]
async fn a_batch_is_several_operations_of_one_request() {
    let (witness, probe) = (Arc::<Witness>::default(), Probe::new());
    let server = server(&witness, probe);
    let batch = json!([
        request(1, "ping", json!({})),
        request(2, "tools/call", call("echo", json!({"text": "x"}))),
    ]);
    let headers = [("mcp-protocol-version", "2025-03-26")];
    let (trail, request) = seen(&witness, post("/mcp", batch.to_string(), &headers));
    server.handle(request).await;
    let told: Vec<_> = witness
        .told()
        .into_iter()
        .map(|(method, ..)| method)
        .collect();
    assert_eq!(told, ["ping", "tools/call"]);
    assert_eq!(trail.asked.get().unwrap().method, "batch");
}

#[tokio::test]
async fn nothing_begins_that_could_not_be_recorded() {
    let witness = Arc::new(Witness {
        refuses: true,
        ..Witness::default()
    });
    let probe = Probe::new();
    let server = server(&witness, probe);
    let (_, request) = seen(
        &witness,
        modern_request("tools/call", call("echo", json!({"text": "x"}))),
    );
    let response = server.handle(request).await;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(
        witness.told(),
        [("tools/call", Some("echo".to_owned()), Ending::Overloaded)]
    );
    // A list records nothing.
    let (_, request) = seen(&witness, modern_request("tools/list", json!({})));
    assert_eq!(server.handle(request).await.status(), 200);
}

#[tokio::test]
async fn messages_on_a_line_are_told_too() {
    let (witness, probe) = (Arc::<Witness>::default(), Probe::new());
    let server = server(&witness, probe);
    let (mut input, theirs) = tokio::io::duplex(64 << 10);
    let (ours, output) = tokio::io::duplex(64 << 10);
    let serving = tokio::spawn(async move { server.stdio(theirs, ours).await });
    let mut output = BufReader::new(output).lines();
    let (message, _) = modern("tools/call", call("echo", json!({"text": "x"})));
    input
        .write_all(format!("{message}\n").as_bytes())
        .await
        .unwrap();
    let answer = tokio::time::timeout(PATIENCE, output.next_line())
        .await
        .unwrap();
    assert!(answer.unwrap().unwrap().contains("result"));
    assert_eq!(
        witness.told(),
        [("tools/call", Some("echo".to_owned()), Ending::Ok)]
    );
    drop(input);
    tokio::time::timeout(PATIENCE, serving)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}
