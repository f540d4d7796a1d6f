//! What is too much, too deep, too long, or no text at all.

use std::time::Duration;

use serde_json::json;
use wharf_mcp::{Limits, Settings};

use crate::support::{Bench, call, code, post, request};

async fn bench() -> Bench {
    Bench::start(Settings {
        sessions: false,
        limits: Limits {
            body_bytes_max: 2_000,
            nesting_max: 10,
            call_timeout: Duration::from_millis(200),
            ..Limits::default()
        },
        ..Settings::default()
    })
    .await
}

#[tokio::test]
async fn bodies_that_are_refused_unread() {
    let bench = bench().await;
    let nested = |depth: usize| {
        let inner = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":{inner}}}}}"#)
            .into_bytes()
    };
    let long = |bytes: usize| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"ping"{}}}"#,
            " ".repeat(bytes)
        )
        .into_bytes()
    };
    for (case, body, status, expected) in [
        ("deep enough", nested(8), 200, None),
        ("too deep", nested(9), 400, Some(-32600)),
        ("far too deep", vec![b'['; 1_900], 400, Some(-32600)),
        ("long enough", long(1_900), 200, None),
        ("too long", long(2_000), 413, Some(-32600)),
        ("far too long", long(10_000_000), 413, Some(-32600)),
        (
            "no UTF-8",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}".to_vec(),
            400,
            Some(-32700),
        ),
        ("no JSON", b"{\"jsonrpc\":".to_vec(), 400, Some(-32700)),
        ("nothing", Vec::new(), 400, Some(-32700)),
        (
            "half a batch",
            b"[{\"jsonrpc\":\"2.0\"".to_vec(),
            400,
            Some(-32700),
        ),
        ("a number", b"7".to_vec(), 400, Some(-32600)),
    ] {
        let response = bench.send(post("/mcp", body, &[])).await;
        assert_eq!(response.status.as_u16(), status, "{case}");
        let answer = response.json().await;
        assert_eq!(
            answer["error"]["code"].as_i64(),
            expected,
            "{case}: {answer}"
        );
        assert!(
            expected.is_none() || answer.get("id").is_none(),
            "{case}: nobody's id in {answer}"
        );
    }
}

#[tokio::test]
async fn a_call_ends_by_its_limit() {
    let bench = bench().await;
    let response = bench
        .post(&request(1, "tools/call", call("slow", json!({}))), &[])
        .await;
    assert_eq!(response.status.as_u16(), 200);
    assert_eq!(code(&response.json().await), -32603);
}

#[tokio::test]
async fn one_session_takes_a_bounded_number_of_calls() {
    let bench = Bench::start(Settings {
        limits: Limits {
            calls_per_session_max: 1,
            ..Limits::default()
        },
        ..Settings::default()
    })
    .await;
    let session = bench.session("2025-06-18", json!({})).await;
    let first = bench.legacy(&session, "tools/call", call("wait", json!({})));
    let second = async {
        bench
            .watch
            .reaches(&bench.watch.started, 1, "started")
            .await;
        let refused = bench
            .legacy(&session, "tools/call", call("wait", json!({})))
            .await;
        assert_eq!(code(&refused.json().await), -32603);
        bench.watch.gate.notify_waiters();
    };
    let (first, ()) = tokio::join!(first, second);
    assert_eq!(first.json().await["result"]["content"][0]["text"], "waited");
}

#[tokio::test]
async fn a_call_without_its_client_goes_on_only_where_there_is_a_place() {
    let bench = Bench::start(Settings {
        limits: Limits {
            abandoned_calls_max: 0,
            ..Limits::default()
        },
        ..Settings::default()
    })
    .await;
    let session = bench.session("2025-11-25", json!({})).await;
    for (round, tool) in [(1, "wait"), (2, "detach")] {
        let headers = [("mcp-session-id", session.as_str())];
        let message = request(round, "tools/call", call(tool, json!({}))).to_string();
        let calling = bench.send(post("/mcp", message, &headers));
        tokio::select! {
            response = calling => drop(response.text().await),
            () = bench.watch.reaches(&bench.watch.started, round, tool) => {}
        }
        bench.watch.reaches(&bench.watch.dropped, round, tool).await;
    }
}

#[tokio::test]
async fn the_answers_of_one_batch_are_bounded_together() {
    let bench = Bench::start(Settings {
        sessions: false,
        limits: Limits {
            batch_answer_bytes_max: 1_000,
            ..Limits::default()
        },
        ..Settings::default()
    })
    .await;
    let text = "x".repeat(400);
    let echo = |id: u64| request(id, "tools/call", call("echo", json!({"text": text})));
    let answers = bench
        .post(&json!([echo(1), echo(2), echo(3)]), &[])
        .await
        .json()
        .await;
    let refused: Vec<_> = (0..3)
        .map(|at| answers[at].get("error").is_some())
        .collect();
    assert_eq!(refused, [false, false, true]);
    assert_eq!(
        (answers[2]["id"].as_u64(), code(&answers[2])),
        (Some(3), -32603)
    );
}
