//! Legacy clients: results in the shape of their revision, and calls that outlive their line.

use serde_json::json;

use crate::modern::find;
use crate::support::{Bench, call, code, request};

#[tokio::test]
async fn results_carry_nothing_modern() {
    let bench = Bench::without_sessions().await;
    for (method, params) in [
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/read", json!({"uri": "probe://one"})),
        ("tools/call", call("echo", json!({"text": "x"}))),
        ("ping", json!({})),
    ] {
        let answer = bench
            .post(
                &request(1, method, params),
                &[("mcp-protocol-version", "2025-06-18")],
            )
            .await;
        let answer = answer.json().await;
        let result = answer["result"]
            .as_object()
            .unwrap_or_else(|| panic!("{method}: {answer}"));
        for name in ["resultType", "ttlMs", "cacheScope", "_meta"] {
            assert!(!result.contains_key(name), "{method}: {answer}");
        }
    }
}

#[tokio::test]
async fn what_legacy_clients_cannot_take_is_left_out() {
    let bench = Bench::without_sessions().await;
    let ask = async |method, params, version| {
        let answer = bench
            .post(
                &request(1, method, params),
                &[("mcp-protocol-version", version)],
            )
            .await;
        answer.json().await
    };
    let tools = ask("tools/list", json!({}), "2025-11-25").await;
    assert!(
        find(&tools, "list").get("outputSchema").is_none(),
        "an array's schema"
    );
    let list = ask("tools/call", call("list", json!({})), "2025-11-25").await;
    assert!(list["result"].get("structuredContent").is_none(), "{list}");
    assert_eq!(list["result"]["content"][0]["text"], "[1,2]");
    for (tool, version, kind) in [
        ("sound", "2025-03-26", "audio"),
        ("sound", "2024-11-05", "text"),
        ("link", "2025-06-18", "resource_link"),
        ("link", "2025-03-26", "text"),
    ] {
        let answer = ask("tools/call", call(tool, json!({})), version).await;
        assert_eq!(
            answer["result"]["content"][0]["type"], kind,
            "{tool} {version}"
        );
    }
    let missing = ask(
        "resources/read",
        json!({"uri": "probe://two"}),
        "2025-11-25",
    )
    .await;
    assert_eq!(code(&missing), -32002);
}

#[tokio::test]
async fn without_sessions_nothing_is_promised_that_needs_one() {
    let bench = Bench::without_sessions().await;
    let answer = bench
        .post(&crate::support::initialize("2025-11-25", json!({})), &[])
        .await;
    assert!(!answer.headers.contains_key("mcp-session-id"));
    let capabilities = &answer.json().await["result"]["capabilities"];
    assert_eq!(capabilities["tools"], json!({}));
    assert!(capabilities.get("logging").is_none());
    for (method, params) in [
        ("logging/setLevel", json!({"level": "info"})),
        ("resources/subscribe", json!({"uri": "probe://one"})),
    ] {
        assert_eq!(
            code(
                &bench
                    .post(&request(1, method, params), &[])
                    .await
                    .json()
                    .await
            ),
            -32601,
            "{method}"
        );
    }
    // A session that nobody gave out is none of this server's business.
    let response = bench
        .post(
            &request(1, "ping", json!({})),
            &[("mcp-session-id", "made-up")],
        )
        .await;
    assert_eq!(response.status.as_u16(), 200);
}

#[tokio::test]
async fn cutting_the_line_does_not_cancel() {
    let bench = Bench::plain().await;
    let stateless = Bench::without_sessions().await;
    let session = bench.session("2025-06-18", json!({})).await;
    for (case, bench, session) in [
        ("in a session", &bench, session.as_str()),
        ("without one", &stateless, ""),
    ] {
        let message = request(1, "tools/call", call("wait", json!({})));
        let headers = [
            ("mcp-session-id", session),
            ("mcp-protocol-version", "2025-06-18"),
        ];
        tokio::select! {
            _ = bench.post(&message, &headers) => panic!("{case}: nothing opens the gate"),
            () = bench.watch.reaches(&bench.watch.started, 1, case) => {}
        }
        // The server notices that the line is cut, then the call goes on in a task.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        bench.watch.gate.notify_waiters();
        bench.watch.reaches(&bench.watch.finished, 1, case).await;
        assert_eq!(
            bench
                .watch
                .dropped
                .load(std::sync::atomic::Ordering::SeqCst),
            0,
            "{case}"
        );
        bench.server.close();
        tokio::time::timeout(crate::support::PATIENCE, bench.server.drained())
            .await
            .unwrap_or_else(|_| panic!("{case}: nothing is left running"));
    }
}
