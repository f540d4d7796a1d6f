//! Who may ask which route, and how.

use wharf_server::{Config, Limits};

use crate::support::Bench;

#[tokio::test]
async fn browsers_may_ask_beforehand() {
    let bench = Bench::start(Config::default()).await;
    for (case, request, status) in [
        ("the stream", "OPTIONS /sse", "204"),
        ("its messages", "OPTIONS /messages", "204"),
        ("the endpoint", "OPTIONS /mcp", "204"),
        ("a wrong method", "DELETE /sse", "405"),
        ("another", "PUT /messages", "405"),
    ] {
        let head = "host: localhost\r\norigin: https://app.example";
        let request = format!("{request} HTTP/1.1\r\n{head}\r\n\r\n");
        let answer = bench.exchange(&request, "\r\n\r\n").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{case}: {answer}"
        );
        assert!(
            answer.contains("access-control-allow-origin: https://app.example"),
            "{case}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_rebound_name_learns_nothing() {
    let bench = Bench::start(Config::default()).await;
    for (path, host, status) in [
        ("/mcp", "evil.example", "403"),
        ("/sse", "evil.example", "403"),
        // A load balancer asks these by whatever name it likes; `health.rs` says what it learns.
        ("/", "evil.example", "200"),
        ("/health", "evil.example", "200"),
        ("/ready", "evil.example", "200"),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        let answer = bench.exchange(&request, "\r\n\r\n").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{path} {host}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_told_so() {
    let bench = Bench::start(Config {
        limits: Limits {
            body_timeout_s: 1,
            ..Limits::default()
        },
        ..Config::default()
    })
    .await;
    let head = "host: localhost\r\ncontent-type: application/json\r\ncontent-length: 100";
    let request = format!("POST /mcp HTTP/1.1\r\n{head}\r\n\r\n{{");
    let answer = bench.exchange(&request, "}}").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("\"code\":-32600"), "{answer}");
}
