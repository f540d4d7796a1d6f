//! One client on a pair of pipes, both eras at once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use wharf_mcp::{Limits, Server, Settings};
use wharf_model::Change;

use crate::support::{MODERN, PATIENCE, Probe, Watch, call, code, initialize, modern, request};

const PIPE_BYTES: usize = 64 << 10;

struct Pipe {
    input: Option<DuplexStream>,
    output: Lines<BufReader<DuplexStream>>,
    server: Server,
    watch: Arc<Watch>,
    changes: broadcast::Sender<Change>,
    serving: JoinHandle<io::Result<()>>,
}

impl Pipe {
    fn open() -> Self {
        Self::open_with(Duration::from_millis(300))
    }

    fn open_with(drain: Duration) -> Self {
        let probe = Probe::new();
        let (watch, changes) = (probe.watch.clone(), probe.changes.clone());
        let settings = Settings {
            limits: Limits {
                body_bytes_max: 2_000,
                drain,
                ..Limits::default()
            },
            ..Settings::default()
        };
        let server = Server::new(probe.catalog(), settings);
        let (input, theirs) = tokio::io::duplex(PIPE_BYTES);
        let (ours, output) = tokio::io::duplex(PIPE_BYTES);
        let serving = tokio::spawn({
            let server = server.clone();
            async move { server.stdio(theirs, ours).await }
        });
        Self {
            input: Some(input),
            output: BufReader::new(output).lines(),
            server,
            watch,
            changes,
            serving,
        }
    }

    async fn raw(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).await.unwrap();
    }

    async fn say(&mut self, message: &Value) {
        self.raw(format!("{message}\n").as_bytes()).await;
    }

    async fn hear(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(PATIENCE, self.output.next_line())
            .await
            .expect("a line or the end")
            .unwrap()?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    async fn ask(&mut self, message: &Value) -> Value {
        self.say(message).await;
        self.hear().await.expect("an answer")
    }

    /// Ends the input and waits for the server to end.
    async fn end(mut self) -> Vec<Value> {
        self.input = None;
        let mut rest = Vec::new();
        while let Some(message) = self.hear().await {
            rest.push(message);
        }
        let served = tokio::time::timeout(PATIENCE, self.serving)
            .await
            .expect("the server ends");
        served.unwrap().unwrap();
        rest
    }
}

#[tokio::test]
async fn both_eras_in_one_process() {
    let mut pipe = Pipe::open();
    pipe.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        .await;
    let discover = modern("server/discover", json!({})).0;
    for _ in 0..2 {
        let answer = pipe.ask(&discover).await;
        assert_eq!(answer["result"]["supportedVersions"][0], MODERN);
        let answer = pipe.ask(&initialize("2025-06-18", json!({}))).await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
        let answer = pipe
            .ask(&modern("tools/call", call("echo", json!({"text": "m"}))).0)
            .await;
        assert_eq!(answer["result"]["resultType"], "complete");
        let answer = pipe
            .ask(&request("l", "tools/call", call("list", json!({}))))
            .await;
        assert!(
            answer["result"].get("structuredContent").is_none(),
            "legacy: {answer}"
        );
    }
    for (case, message, expected) in [
        (
            "discover without meta",
            request(1, "server/discover", json!({})),
            -32602,
        ),
        ("a modern ping", modern("ping", json!({})).0, -32601),
        ("an unknown method", request(1, "lost", json!({})), -32601),
        ("a batch", json!([request(1, "ping", json!({}))]), -32600),
    ] {
        assert_eq!(code(&pipe.ask(&message).await), expected, "{case}");
    }
    assert_eq!(pipe.end().await, Vec::<Value>::new());
}

#[tokio::test]
async fn batches_of_an_old_client() {
    let mut pipe = Pipe::open();
    pipe.ask(&initialize("2025-03-26", json!({}))).await;
    let answer = pipe
        .ask(&json!([
            request(1, "ping", json!({})),
            request(2, "ping", json!({}))
        ]))
        .await;
    assert_eq!(answer.as_array().map(Vec::len), Some(2), "{answer}");
    pipe.end().await;
}

#[tokio::test]
async fn lines_that_are_no_messages() {
    let mut pipe = Pipe::open();
    for (case, line, expected) in [
        ("no JSON", b"hello\n".to_vec(), -32700),
        ("no UTF-8", b"\"\xff\"\n".to_vec(), -32700),
        (
            "too long",
            [vec![b'x'; 100_000], vec![b'\n']].concat(),
            -32600,
        ),
        ("too deep", [vec![b'['; 100], vec![b'\n']].concat(), -32600),
    ] {
        pipe.raw(&line).await;
        let answer = pipe.hear().await.unwrap();
        assert_eq!(code(&answer), expected, "{case}");
        assert!(answer.get("id").is_none(), "{case}");
    }
    pipe.raw(b"\n \r\n").await;
    let answer = pipe.ask(&request(1, "ping", json!({}))).await;
    assert_eq!(answer["id"], 1, "blank lines are nothing");
    // The last line needs no end.
    pipe.raw(request(2, "ping", json!({})).to_string().as_bytes())
        .await;
    let rest = pipe.end().await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0]["id"], 2);
}

#[tokio::test]
async fn questions_progress_and_news_on_the_one_line() {
    let mut pipe = Pipe::open();
    pipe.ask(&initialize("2025-11-25", json!({"elicitation": {}})))
        .await;
    pipe.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        .await;
    let question = pipe
        .ask(&request(1, "tools/call", call("ask", json!({}))))
        .await;
    assert_eq!(question["method"], "elicitation/create");
    let reply = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "cancel"}});
    let answer = pipe.ask(&reply).await;
    assert!(
        answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("cancel"),
        "{answer}"
    );

    let progress = json!({"name": "progress", "arguments": {}, "_meta": {"progressToken": "p"}});
    pipe.say(&modern("tools/call", progress).0).await;
    for step in 1..=3 {
        assert_eq!(pipe.hear().await.unwrap()["params"]["progress"], step);
    }
    assert_eq!(
        pipe.hear().await.unwrap()["result"]["resultType"],
        "complete"
    );

    pipe.changes.send(Change::Tools).unwrap();
    assert_eq!(
        pipe.hear().await.unwrap()["method"],
        "notifications/tools/list_changed"
    );
    pipe.end().await;
}

#[tokio::test]
async fn what_is_cancelled_stays_silent() {
    let mut pipe = Pipe::open();
    for (round, message) in [request(7, "tools/call", call("wait", json!({}))), {
        let mut message = modern("tools/call", call("wait", json!({}))).0;
        message["id"] = json!(7);
        message
    }]
    .iter()
    .enumerate()
    {
        pipe.say(message).await;
        pipe.watch
            .reaches(&pipe.watch.started, round + 1, "started")
            .await;
        pipe.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}))
            .await;
        pipe.watch
            .reaches(&pipe.watch.dropped, round + 1, "dropped")
            .await;
        let next = pipe.ask(&request(8, "ping", json!({}))).await;
        assert_eq!(next["id"], 8, "{message}");
    }
    pipe.end().await;
}

#[tokio::test]
async fn subscriptions_end_by_either_side() {
    let mut pipe = Pipe::open();
    let mut listen = modern(
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true}}),
    )
    .0;
    for id in ["mine", "yours"] {
        listen["id"] = json!(id);
        let first = pipe.ask(&listen).await;
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
        pipe.changes.send(Change::Tools).unwrap();
        let heard = pipe.hear().await.unwrap();
        assert_eq!(
            heard["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
            id
        );
        if id == "mine" {
            pipe.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}))
                .await;
            // Answered behind the cancellation, so that the next change finds the subscription gone.
            pipe.ask(&request(1, "ping", json!({}))).await;
        }
    }
    pipe.server.close();
    let last = pipe.hear().await.unwrap();
    assert_eq!(last["method"], "notifications/cancelled");
    assert_eq!(last["params"]["requestId"], "yours");
    assert_eq!(pipe.hear().await, None, "the server has closed");
    assert!(pipe.serving.await.unwrap().is_ok());
}

#[tokio::test]
async fn calls_in_flight_have_a_moment_at_the_end_of_the_input() {
    let mut pipe = Pipe::open();
    pipe.say(&request("quick", "tools/call", call("wait", json!({}))))
        .await;
    pipe.watch.reaches(&pipe.watch.started, 1, "started").await;
    let watch = pipe.watch.clone();
    let opening = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        watch.gate.notify_waiters();
    };
    let (rest, ()) = tokio::join!(pipe.end(), opening);
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_eq!(rest[0]["id"], "quick");

    let mut pipe = Pipe::open();
    pipe.say(&request("slow", "tools/call", call("wait", json!({}))))
        .await;
    let watch = pipe.watch.clone();
    watch.reaches(&watch.started, 1, "started").await;
    assert_eq!(pipe.end().await, Vec::<Value>::new());
    watch.reaches(&watch.dropped, 1, "dropped").await;
}

#[tokio::test]
async fn a_client_that_reads_no_more_ends_the_server() {
    let Pipe {
        input,
        output,
        serving,
        ..
    } = Pipe::open();
    drop(output);
    let mut input = input.unwrap();
    // Written until the server notices; the pipe may break under us then.
    let writing = async {
        while input.write_all(b"{}\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, async { tokio::join!(serving, writing).0 }).await;
    assert!(ended.expect("the server ends").unwrap().is_err());
}

#[tokio::test]
async fn what_only_listens_does_not_hold_up_the_end() {
    let mut pipe = Pipe::open_with(PATIENCE * 2);
    pipe.ask(&initialize("2025-11-25", json!({}))).await;
    pipe.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        .await;
    let listen = modern("subscriptions/listen", json!({"notifications": {}})).0;
    pipe.ask(&listen).await;
    assert_eq!(pipe.end().await, Vec::<Value>::new());
}
