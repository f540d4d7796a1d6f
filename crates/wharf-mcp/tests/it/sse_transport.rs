//! The old HTTP+SSE transport.

use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use wharf_mcp::Settings;

use crate::support::{Bench, Response, call, code, initialize, post, request};

async fn bench() -> Bench {
    Bench::start(Settings {
        sse_transport: true,
        ..Settings::default()
    })
    .await
}

/// The open stream and the address for messages.
async fn open(bench: &Bench) -> (Response, String) {
    let mut stream = bench.get("/sse", &[]).await;
    assert!(stream.is_stream());
    let first = stream.event().await.unwrap();
    let address = first
        .strip_prefix("event: endpoint\ndata: ")
        .unwrap_or_else(|| panic!("{first}"));
    assert!(address.starts_with("/messages?session_id="), "{address}");
    let address = address.to_owned();
    (stream, address)
}

async fn say(bench: &Bench, address: &str, message: &Value) -> u16 {
    bench
        .send(post(address, message.to_string(), &[]))
        .await
        .status
        .as_u16()
}

#[tokio::test]
async fn answers_come_on_the_stream() {
    let bench = bench().await;
    let (mut stream, address) = open(&bench).await;
    assert_eq!(
        say(
            &bench,
            &address,
            &initialize("2025-11-25", json!({"elicitation": {}}))
        )
        .await,
        202
    );
    let answer = stream.message().await.unwrap();
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    say(
        &bench,
        &address,
        &json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
    )
    .await;

    let progress = json!({"name": "progress", "arguments": {}, "_meta": {"progressToken": 1}});
    say(&bench, &address, &request(2, "tools/call", progress)).await;
    for step in 1..=3 {
        assert_eq!(stream.message().await.unwrap()["params"]["progress"], step);
    }
    assert_eq!(stream.message().await.unwrap()["id"], 2);

    say(
        &bench,
        &address,
        &request(3, "tools/call", call("ask", json!({}))),
    )
    .await;
    let question = stream.message().await.unwrap();
    assert_eq!(question["method"], "elicitation/create");
    let reply = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}});
    say(&bench, &address, &reply).await;
    assert_eq!(stream.message().await.unwrap()["id"], 3);

    bench.changes.send(wharf_model::Change::Tools).unwrap();
    assert_eq!(
        stream.message().await.unwrap()["method"],
        "notifications/tools/list_changed"
    );

    say(
        &bench,
        &address,
        &json!({"jsonrpc": "2.0", "id": 4, "method": "tools/lost"}),
    )
    .await;
    assert_eq!(code(&stream.message().await.unwrap()), -32601);
    bench.server.close();
    assert_eq!(stream.event().await, None, "closing ends the stream");
}

#[tokio::test]
async fn a_slow_call_stops_no_other() {
    let bench = bench().await;
    let (mut stream, address) = open(&bench).await;
    say(
        &bench,
        &address,
        &request("slow", "tools/call", call("wait", json!({}))),
    )
    .await;
    bench
        .watch
        .reaches(&bench.watch.started, 1, "started")
        .await;
    say(&bench, &address, &request("quick", "ping", json!({}))).await;
    assert_eq!(stream.message().await.unwrap()["id"], "quick");
    bench.watch.gate.notify_waiters();
    assert_eq!(stream.message().await.unwrap()["id"], "slow");
}

#[tokio::test]
async fn the_session_ends_with_the_stream() {
    let bench = bench().await;
    let (stream, address) = open(&bench).await;
    say(
        &bench,
        &address,
        &request(1, "tools/call", call("wait", json!({}))),
    )
    .await;
    bench
        .watch
        .reaches(&bench.watch.started, 1, "started")
        .await;
    stream.cut();
    bench
        .watch
        .reaches(&bench.watch.dropped, 1, "dropped")
        .await;
    assert_eq!(
        say(&bench, &address, &request(2, "ping", json!({}))).await,
        404
    );
}

#[tokio::test]
async fn what_is_refused() {
    let bench = bench().await;
    let (_stream, address) = open(&bench).await;
    let ping = request(1, "ping", json!({})).to_string();
    for (case, request, status) in [
        (
            "a session of nobody",
            post("/messages?session_id=0", ping.clone(), &[]),
            404,
        ),
        ("no session", post("/messages", ping.clone(), &[]), 404),
        (
            "another caller",
            post(&address, ping.clone(), &[("x-test-caller", "mallory")]),
            404,
        ),
        (
            "no JSON type",
            post(&address, ping.clone(), &[("content-type", "text/plain")]),
            415,
        ),
        ("a POST to the stream", post("/sse", ping.clone(), &[]), 405),
        (
            "a GET for messages",
            Request::get(address.as_str())
                .header("host", "localhost")
                .body(Full::default())
                .unwrap(),
            405,
        ),
    ] {
        assert_eq!(bench.send(request).await.status.as_u16(), status, "{case}");
    }
    let off = Bench::plain().await;
    assert_eq!(
        off.get("/sse", &[]).await.status.as_u16(),
        405,
        "off unless the owner wants it"
    );
    let response = off.send(post("/messages?session_id=0", ping, &[])).await;
    assert_eq!(response.status.as_u16(), 405);
}
