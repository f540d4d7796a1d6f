//! What those learn who ask whether the server is well.

use serde_json::{Value, json};
use wharf_server::Config;

use crate::support::Bench;

/// Head and body of an answer.
async fn ask(bench: &Bench, path: &str, host: &str) -> (String, Value) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let answer = bench.exchange_all(&request).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    (head.to_owned(), body)
}

#[tokio::test]
async fn the_three_routes_agree() {
    let bench = Bench::start(Config::default()).await;
    for (path, host, keys) in [
        (
            "/",
            "localhost",
            &["route", "server", "status", "timestamp", "tools"][..],
        ),
        (
            "/health",
            "localhost",
            &["route", "server", "status", "timestamp"],
        ),
        (
            "/healthz",
            "localhost",
            &["route", "server", "status", "timestamp"],
        ),
        // A page that re-pointed its name learns no more than that something is here, which it knew.
        ("/", "evil.example", &["route", "status", "timestamp"]),
        ("/health", "evil.example", &["route", "status", "timestamp"]),
    ] {
        let (head, body) = ask(&bench, path, host).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{path} {host}: {head}");
        assert!(
            head.contains("cache-control: no-cache, no-store, must-revalidate"),
            "{path}: {head}"
        );
        let mut found: Vec<_> = body.as_object().unwrap().keys().collect();
        found.sort();
        assert_eq!(found, keys, "{path} {host}");
        assert_eq!(
            (&body["status"], &body["route"]),
            (&json!("ok"), &json!(path))
        );
        let timestamp = body["timestamp"].as_str().unwrap();
        assert!(
            timestamp.ends_with("+00:00") && timestamp.contains('T'),
            "{timestamp}"
        );
        if keys.contains(&"server") {
            let server = json!({"name": "wharf", "version": env!("CARGO_PKG_VERSION"), "transport": "streamable-http"});
            assert_eq!(body["server"], server, "{path}");
        }
    }
}

#[tokio::test]
async fn a_ping_tells_of_no_change_while_there_is_none() {
    let bench = Bench::start(Config::default()).await;
    let (head, first) = ask(&bench, "/ping", "localhost").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(first["status"], "Healthy");
    assert!(
        first["time_of_last_update"].as_u64().unwrap() > 1_700_000_000,
        "{first}"
    );
    let (_, second) = ask(&bench, "/ping", "localhost").await;
    assert_eq!(first, second);
}
