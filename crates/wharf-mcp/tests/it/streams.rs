//! Answers that become event streams: progress, log messages, streams that are left and joined again.

use std::time::Duration;

use serde_json::{Value, json};
use wharf_mcp::{Limits, Settings};

use crate::support::{Bench, Response, call, request};

fn with_token(name: &str, token: impl Into<Value>) -> Value {
    json!({"name": name, "arguments": {}, "_meta": {"progressToken": token.into()}})
}

async fn check_progress(case: &str, mut response: Response, token: &Value) {
    assert!(response.is_stream(), "{case}");
    assert_eq!(response.headers["cache-control"], "no-store", "{case}");
    assert_eq!(response.headers["x-accel-buffering"], "no", "{case}");
    for step in 1..=3 {
        let message = response
            .message()
            .await
            .unwrap_or_else(|| panic!("{case}: step {step}"));
        assert_eq!(
            message["method"], "notifications/progress",
            "{case}: {message}"
        );
        assert_eq!(message["params"]["progressToken"], *token, "{case}");
        assert_eq!(message["params"]["progress"], step, "{case}");
        assert_eq!(
            message["params"]["message"],
            format!("step {step}"),
            "{case}"
        );
    }
    let answer = response
        .message()
        .await
        .unwrap_or_else(|| panic!("{case}: the answer"));
    assert_eq!(
        answer["result"]["content"][0]["text"], "progressed",
        "{case}"
    );
    assert_eq!(
        response.event().await,
        None,
        "{case}: the stream ends with the answer"
    );
}

#[tokio::test]
async fn progress_comes_before_the_answer() {
    let bench = Bench::plain().await;
    let stateless = Bench::without_sessions().await;
    let session = bench.session("2025-06-18", json!({})).await;
    for token in [json!("p"), json!(7)] {
        let response = bench
            .modern("tools/call", with_token("progress", token.clone()))
            .await;
        check_progress("modern", response, &token).await;
        let response = bench
            .legacy(
                &session,
                "tools/call",
                with_token("progress", token.clone()),
            )
            .await;
        check_progress("in a session", response, &token).await;
        let message = request(1, "tools/call", with_token("progress", token.clone()));
        let response = stateless.post(&message, &[]).await;
        check_progress("without a session", response, &token).await;
    }
    for (case, response) in [
        (
            "modern",
            bench
                .modern("tools/call", call("progress", json!({})))
                .await,
        ),
        (
            "legacy",
            bench
                .legacy(&session, "tools/call", call("progress", json!({})))
                .await,
        ),
        (
            "a tool that reports none",
            bench
                .modern("tools/call", {
                    let mut params = with_token("echo", 1);
                    params["arguments"] = json!({"text": "x"});
                    params
                })
                .await,
        ),
    ] {
        assert!(!response.is_stream(), "{case}: nobody asked");
        assert!(response.json().await["result"].is_object(), "{case}");
    }
    let response = bench
        .modern("tools/call", with_token("progress", json!({})))
        .await;
    assert_eq!(
        response.status.as_u16(),
        400,
        "a token must be a string or a number"
    );
}

#[tokio::test]
async fn log_messages_from_the_level_that_was_asked_for() {
    let bench = Bench::plain().await;
    let with_level = |level: &str| json!({"name": "log", "arguments": {}, "_meta": {"io.modelcontextprotocol/logLevel": level}});
    for (level, expected) in [
        ("debug", vec!["debug", "error"]),
        ("warning", vec!["error"]),
        ("alert", vec![]),
    ] {
        let mut response = bench.modern("tools/call", with_level(level)).await;
        let mut levels = Vec::new();
        if response.is_stream() {
            while let Some(message) = response.message().await {
                levels.extend(message["params"]["level"].as_str().map(str::to_owned));
            }
        }
        assert_eq!(levels, expected, "{level}");
    }
    let response = bench.modern("tools/call", with_level("loud")).await;
    assert_eq!(response.status.as_u16(), 400);

    let session = bench.session("2025-06-18", json!({})).await;
    let silent = bench
        .legacy(&session, "tools/call", call("log", json!({})))
        .await;
    assert!(!silent.is_stream(), "no level was set");
    bench
        .legacy(&session, "logging/setLevel", json!({"level": "error"}))
        .await;
    let mut response = bench
        .legacy(&session, "tools/call", call("log", json!({})))
        .await;
    let message = response.message().await.unwrap();
    assert_eq!(
        message["params"],
        json!({"level": "error", "logger": "probe", "data": "said"})
    );
    let wrong = bench
        .legacy(&session, "logging/setLevel", json!({"level": "loud"}))
        .await
        .json()
        .await;
    assert_eq!(crate::support::code(&wrong), -32602);
}

#[tokio::test]
async fn a_client_that_takes_only_streams_gets_one() {
    let bench = Bench::plain().await;
    let (message, headers) =
        crate::support::modern("tools/call", call("echo", json!({"text": "x"})));
    let mut headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    headers.push(("accept", "text/event-stream"));
    let mut response = bench.post(&message, &headers).await;
    assert!(response.is_stream());
    assert_eq!(
        response.message().await.unwrap()["result"]["content"][0]["text"],
        "x"
    );
    assert_eq!(response.event().await, None);
}

#[tokio::test]
async fn a_stream_is_left_and_joined_again() {
    let bench = Bench::plain().await;
    let session = bench.session("2025-11-25", json!({})).await;
    let mut left = bench
        .legacy(&session, "tools/call", call("detach", json!({})))
        .await;
    let primer = left
        .event()
        .await
        .expect("a first event with nothing but an id");
    let id = primer
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .expect("an id")
        .to_owned();
    assert!(primer.contains("retry: "), "{primer}");
    assert_eq!(left.event().await, None, "the client is sent away");

    let headers = [
        ("mcp-session-id", session.as_str()),
        ("last-event-id", id.as_str()),
    ];
    bench
        .watch
        .reaches(&bench.watch.started, 1, "started")
        .await;
    let mut joined = bench.get("/mcp", &headers).await;
    bench.watch.gate.notify_waiters();
    let answer = joined.message().await.expect("the answer");
    assert_eq!(answer["result"]["content"][0]["text"], "waited");
    assert_eq!(joined.event().await, None);
    // The answer is kept for whoever lost the line once more.
    let mut again = bench.get("/mcp", &headers).await;
    assert_eq!(again.message().await, Some(answer));
}

#[tokio::test]
async fn leaving_means_nothing_where_it_is_unknown() {
    let bench = Bench::plain().await;
    let session = bench.session("2025-06-18", json!({})).await;
    let params = with_token("detach", 1);
    for case in ["2025-06-18", "modern", "modern without a token"] {
        let calling = async {
            match case {
                "modern" => bench.modern("tools/call", params.clone()).await,
                "modern without a token" => {
                    bench.modern("tools/call", call("detach", json!({}))).await
                }
                _ => bench.legacy(&session, "tools/call", params.clone()).await,
            }
        };
        let opening = async {
            let before = bench
                .watch
                .finished
                .load(std::sync::atomic::Ordering::SeqCst);
            bench
                .watch
                .reaches(&bench.watch.started, before + 1, case)
                .await;
            bench.watch.gate.notify_waiters();
        };
        let (response, ()) = tokio::join!(calling, opening);
        assert!(!response.is_stream(), "{case}");
        assert_eq!(
            response.json().await["result"]["content"][0]["text"],
            "waited",
            "{case}"
        );
    }
}

#[tokio::test]
async fn a_lost_line_loses_no_answer() {
    let bench = Bench::plain().await;
    let session = bench.session("2025-11-25", json!({})).await;
    let params = json!({"name": "progress", "arguments": {}, "_meta": {"progressToken": 1}});
    let mut response = bench.legacy(&session, "tools/call", params).await;
    let mut id = String::new();
    // The primer and one step, then the line is cut.
    for _ in 0..2 {
        let event = response.event().await.unwrap();
        id = event
            .lines()
            .find_map(|line| line.strip_prefix("id: "))
            .unwrap()
            .to_owned();
    }
    response.cut();
    let mut joined = bench
        .get(
            "/mcp",
            &[("mcp-session-id", &session), ("last-event-id", &id)],
        )
        .await;
    let mut steps = Vec::new();
    while let Some(message) = joined.message().await {
        steps.push(message["params"]["progress"].as_i64());
    }
    assert_eq!(steps, [Some(2), Some(3), None], "the rest, and the answer");
}

#[tokio::test]
async fn an_answer_is_forgotten_some_time_after_it_was_given() {
    let bench = Bench::start(Settings {
        limits: Limits {
            kept_after_end: Duration::from_millis(50),
            keep_alive: Duration::from_millis(10),
            ..Limits::default()
        },
        ..Settings::default()
    })
    .await;
    let session = bench.session("2025-06-18", json!({})).await;
    let mut response = bench
        .legacy(&session, "tools/call", with_token("progress", 1))
        .await;
    let first = response.event().await.unwrap();
    let id = first
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .expect("an id");
    while response.event().await.is_some() {}
    let headers = [("mcp-session-id", session.as_str()), ("last-event-id", id)];
    let forgotten = async {
        // A stream of what is left of the call has events and ends; the stream of news goes on and has none.
        while bench.get("/mcp", &headers).await.first_frame().await != ": keep-alive\n\n" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, forgotten)
        .await
        .expect("the stream is forgotten");
}

#[tokio::test]
async fn a_stream_that_nobody_can_join_again_is_not_kept() {
    let bench = Bench::plain().await;
    let session = bench.session("2024-11-05", json!({})).await;
    let message = request(1, "tools/call", with_token("progress", 1));
    let headers = [("mcp-session-id", session.as_str())];
    let mut response = bench.post(&message, &headers).await;
    let mut events = 0;
    while let Some(event) = response.event().await {
        assert!(
            !event.contains("id: "),
            "nothing to come back with: {event}"
        );
        events += 1;
    }
    assert_eq!(events, 4, "three steps and the answer");
}
