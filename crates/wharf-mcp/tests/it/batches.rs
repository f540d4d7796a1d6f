//! JSON-RPC batches, where the revision has them.

use serde_json::{Value, json};

use crate::support::{Bench, MODERN, call, code, initialize, modern, request};

#[tokio::test]
async fn batches_where_the_revision_has_them() {
    let bench = Bench::without_sessions().await;
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let ping = |id: i64| request(id, "ping", json!({}));
    let echo = request("e", "tools/call", call("echo", json!({"text": "x"})));
    let (modern_request, _) = modern("tools/list", json!({}));
    for (case, version, batch, status, ids) in [
        (
            "two",
            Some("2025-03-26"),
            json!([ping(1), echo, notification]),
            200,
            Some(json!([1, "e"])),
        ),
        (
            "without a header",
            None,
            json!([ping(1)]),
            200,
            Some(json!([1])),
        ),
        (
            "the oldest revision",
            Some("2024-11-05"),
            json!([ping(2)]),
            200,
            Some(json!([2])),
        ),
        (
            "only notifications",
            None,
            json!([notification, notification]),
            202,
            None,
        ),
        (
            "one that is none",
            None,
            json!([7, ping(3)]),
            200,
            Some(json!([null, 3])),
        ),
        (
            "a modern one",
            None,
            json!([modern_request]),
            200,
            Some(json!([1])),
        ),
        (
            "a handshake",
            None,
            json!([initialize("2025-03-26", json!({}))]),
            200,
            Some(json!([0])),
        ),
        ("empty", None, json!([]), 400, None),
        (
            "a revision without",
            Some("2025-06-18"),
            json!([ping(1)]),
            400,
            None,
        ),
        (
            "the modern revision",
            Some(MODERN),
            json!([ping(1)]),
            400,
            None,
        ),
        (
            "too many",
            None,
            Value::Array((0..65).map(ping).collect()),
            400,
            None,
        ),
    ] {
        let headers: Vec<_> = version
            .map(|version| ("mcp-protocol-version", version))
            .into_iter()
            .collect();
        let response = bench.post(&batch, &headers).await;
        assert_eq!(response.status.as_u16(), status, "{case}");
        match ids {
            Some(ids) => {
                let answers = response.json().await;
                let found: Vec<_> = answers
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|answer| answer["id"].clone())
                    .collect();
                assert_eq!(Value::from(found), ids, "{case}: {answers}");
            }
            None if status == 400 => assert_eq!(code(&response.json().await), -32600, "{case}"),
            None => assert_eq!(response.text().await, "", "{case}"),
        }
    }
}

#[tokio::test]
async fn the_calls_of_a_batch_run_side_by_side() {
    let bench = Bench::plain().await;
    let session = bench.session("2025-03-26", json!({})).await;
    let wait = |id: i64| request(id, "tools/call", call("wait", json!({})));
    let batch = json!([wait(1), wait(2)]);
    let opening = async {
        bench
            .watch
            .reaches(&bench.watch.started, 2, "started")
            .await;
        bench.watch.gate.notify_waiters();
    };
    let headers = [("mcp-session-id", session.as_str())];
    let (response, ()) = tokio::join!(bench.post(&batch, &headers), opening);
    let answers = response.json().await;
    assert_eq!(answers[0]["id"], 1);
    assert_eq!(answers[1]["result"]["content"][0]["text"], "waited");
}
