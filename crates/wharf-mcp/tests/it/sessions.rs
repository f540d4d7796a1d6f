//! The life of a session of Streamable HTTP.

use std::time::Duration;

use serde_json::json;
use wharf_mcp::{Limits, Settings};

use crate::support::{Bench, call, code, initialize, request};

#[tokio::test]
async fn from_the_handshake_to_the_end() {
    let bench = Bench::plain().await;
    let session = bench.session("2025-11-25", json!({})).await;
    assert!(session.bytes().all(|byte| byte.is_ascii_graphic()));
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let response = bench
        .post(&initialized, &[("mcp-session-id", &session)])
        .await;
    assert_eq!(response.status.as_u16(), 202);
    assert_eq!(response.text().await, "");
    let answer = bench
        .legacy(&session, "tools/call", call("echo", json!({"text": "x"})))
        .await;
    assert!(!answer.is_stream(), "nothing precedes the answer");
    assert_eq!(answer.json().await["result"]["content"][0]["text"], "x");

    let delete = http::Request::delete("/mcp")
        .header("host", "localhost")
        .header("mcp-session-id", &session);
    let response = bench
        .send(delete.body(http_body_util::Full::default()).unwrap())
        .await;
    assert_eq!(response.status.as_u16(), 204);
    let response = bench.legacy(&session, "ping", json!({})).await;
    assert_eq!(response.status.as_u16(), 404);
    assert_eq!(code(&response.json().await), -32600);
    let response = bench
        .post(&initialized, &[("mcp-session-id", &session)])
        .await;
    assert_eq!(
        response.status.as_u16(),
        404,
        "a notification to a session that has ended"
    );
}

#[tokio::test]
async fn the_end_of_a_session_cancels_its_calls() {
    let bench = Bench::plain().await;
    let session = bench.session("2025-06-18", json!({})).await;
    let ending = async {
        bench
            .watch
            .reaches(&bench.watch.started, 1, "started")
            .await;
        let delete = http::Request::delete("/mcp")
            .header("host", "localhost")
            .header("mcp-session-id", &session);
        bench
            .send(delete.body(http_body_util::Full::default()).unwrap())
            .await;
    };
    let (response, ()) = tokio::join!(
        bench.legacy(&session, "tools/call", call("wait", json!({}))),
        ending
    );
    assert_eq!(
        response.status.as_u16(),
        202,
        "no answer to what was cancelled"
    );
    bench
        .watch
        .reaches(&bench.watch.dropped, 1, "dropped")
        .await;
}

#[tokio::test]
async fn a_client_cancels_by_the_id() {
    let bench = Bench::plain().await;
    let session = bench.session("2025-06-18", json!({})).await;
    for (round, id) in [(1, json!(7)), (2, json!("seven"))] {
        let headers = [("mcp-session-id", session.as_str())];
        let message = request(id.clone(), "tools/call", call("wait", json!({})));
        let cancelling = async {
            bench
                .watch
                .reaches(&bench.watch.started, round, "started")
                .await;
            for wrong in [json!("7"), json!(8), json!({}), json!(null)] {
                let notification = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": wrong}});
                bench.post(&notification, &headers).await;
            }
            let notification = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
            let response = bench.post(&notification, &headers).await;
            assert_eq!(response.status.as_u16(), 202);
        };
        let (response, ()) = tokio::join!(bench.post(&message, &headers), cancelling);
        assert_eq!(
            response.text().await,
            "",
            "{id}: no answer to what was cancelled"
        );
        bench
            .watch
            .reaches(&bench.watch.dropped, round, "dropped")
            .await;
    }
}

#[tokio::test]
async fn a_session_belongs_to_its_caller() {
    let bench = Bench::plain().await;
    let response = bench
        .post(
            &initialize("2025-11-25", json!({})),
            &[("x-test-caller", "alice")],
        )
        .await;
    let session = response.headers["mcp-session-id"]
        .to_str()
        .unwrap()
        .to_owned();
    for (caller, status) in [("alice", 200), ("mallory", 404), ("", 404)] {
        let headers = [
            ("mcp-session-id", session.as_str()),
            ("x-test-caller", caller),
        ];
        let response = bench.post(&request(1, "ping", json!({})), &headers).await;
        assert_eq!(response.status.as_u16(), status, "{caller}");
    }
}

#[tokio::test]
async fn too_many_and_too_old_sessions_end() {
    let bench = Bench::start(Settings {
        limits: Limits {
            sessions_max: 1,
            session_idle: Duration::from_millis(300),
            ..Limits::default()
        },
        ..Settings::default()
    })
    .await;
    let first = bench.session("2025-11-25", json!({})).await;
    assert_eq!(
        bench
            .legacy(&first, "ping", json!({}))
            .await
            .status
            .as_u16(),
        200
    );
    let second = bench.session("2025-11-25", json!({})).await;
    assert_eq!(
        bench
            .legacy(&first, "ping", json!({}))
            .await
            .status
            .as_u16(),
        404,
        "gave way"
    );
    assert_eq!(
        bench
            .legacy(&second, "ping", json!({}))
            .await
            .status
            .as_u16(),
        200
    );
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(
        bench
            .legacy(&second, "ping", json!({}))
            .await
            .status
            .as_u16(),
        404,
        "idle"
    );
}
