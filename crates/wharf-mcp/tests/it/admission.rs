//! Host, Origin and content types over the wire; the rules themselves have their table beside the code.

use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;
use wharf_mcp::Settings;

use crate::support::{Bench, code, initialize};

#[tokio::test]
async fn a_bad_host_or_a_bad_origin_alone_is_enough() {
    let bench = Bench::plain().await;
    for (case, headers, status) in [
        (
            "both good",
            vec![("host", "127.0.0.1"), ("origin", "http://localhost:1")],
            200,
        ),
        (
            "a bad origin",
            vec![("host", "127.0.0.1"), ("origin", "https://evil.example")],
            403,
        ),
        ("a bad host", vec![("host", "evil.example")], 403),
        ("an opaque origin", vec![("origin", "null")], 403),
    ] {
        let response = bench
            .post(&initialize("2025-11-25", json!({})), &headers)
            .await;
        assert_eq!(response.status.as_u16(), status, "{case}");
        if status == 403 {
            assert_eq!(code(&response.json().await), -32600, "{case}");
        }
    }
    for (method, path) in [
        ("GET", "/mcp"),
        ("GET", "/sse"),
        ("POST", "/messages"),
        ("OPTIONS", "/mcp"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "evil.example");
        let response = bench.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(response.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[tokio::test]
async fn pages_that_are_allowed_may_read() {
    let bench = Bench::start(Settings {
        allowed_origins: vec!["https://app.example".into()],
        ..Settings::default()
    })
    .await;
    let origin = ("origin", "https://app.example");
    let response = bench
        .post(&initialize("2025-11-25", json!({})), &[origin])
        .await;
    assert_eq!(response.headers["access-control-allow-origin"], origin.1);
    assert!(
        response.headers["access-control-expose-headers"]
            .to_str()
            .unwrap()
            .contains("mcp-session-id")
    );

    let preflight = Request::options("/mcp")
        .header("host", "localhost")
        .header("origin", origin.1);
    let response = bench.send(preflight.body(Full::default()).unwrap()).await;
    assert_eq!(response.status, StatusCode::NO_CONTENT);
    let allowed = response.headers["access-control-allow-headers"]
        .to_str()
        .unwrap();
    for name in [
        "authorization",
        "mcp-protocol-version",
        "last-event-id",
        "mcp-param-region",
    ] {
        assert!(
            allowed.split(", ").any(|one| one == name),
            "{name} in {allowed}"
        );
    }
    // Whoever is no page is told nothing about pages.
    let response = bench.post(&initialize("2025-11-25", json!({})), &[]).await;
    assert!(!response.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn only_json_is_taken() {
    let bench = Bench::plain().await;
    for (kind, status) in [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        // An empty value is sent as no header at all.
        ("", 200),
        ("text/plain", 415),
        ("application/jsonp", 415),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let response = bench
            .post(
                &initialize("2025-11-25", json!({})),
                &[("content-type", kind)],
            )
            .await;
        assert_eq!(response.status.as_u16(), status, "{kind}");
        if status == 415 {
            assert_eq!(code(&response.json().await), -32600, "{kind}");
        }
    }
}

#[tokio::test]
async fn two_values_for_one_thing_are_none() {
    let bench = Bench::plain().await;
    let message = initialize("2025-11-25", json!({})).to_string();
    for (case, target, headers, status) in [
        ("one host", "/mcp", vec![("host", "localhost")], 200),
        (
            "two hosts",
            "/mcp",
            vec![("host", "localhost"), ("host", "localhost")],
            400,
        ),
        (
            "two origins",
            "/mcp",
            vec![
                ("host", "localhost"),
                ("origin", "http://localhost"),
                ("origin", "https://evil.example"),
            ],
            400,
        ),
        (
            "two types",
            "/mcp",
            vec![("host", "localhost"), ("content-type", "text/plain")],
            400,
        ),
        (
            "the whole address",
            "http://localhost/mcp",
            vec![("host", "LOCALHOST")],
            200,
        ),
        (
            "another address",
            "http://evil.example/mcp",
            vec![("host", "localhost")],
            400,
        ),
    ] {
        let mut request = Request::post(target).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::from(message.clone())).unwrap();
        let response = bench.send(request).await;
        assert_eq!(response.status.as_u16(), status, "{case}");
        if status == 400 {
            assert_eq!(code(&response.json().await), -32600, "{case}");
        }
    }
    let session = bench.session("2025-11-25", json!({})).await;
    let headers = [
        ("mcp-session-id", session.as_str()),
        ("last-event-id", "1-1"),
        ("last-event-id", "2-2"),
    ];
    let response = bench.get("/mcp", &headers).await;
    assert_eq!(response.status.as_u16(), 400, "two events to go on from");
    assert_eq!(code(&response.json().await), -32020);
}

#[tokio::test]
async fn no_foreign_page_opens_a_stream() {
    let bench = Bench::start(Settings {
        sse_transport: true,
        allowed_origins: vec!["https://app.example".into()],
        ..Settings::default()
    })
    .await;
    let session = bench.session("2025-11-25", json!({})).await;
    for path in ["/mcp", "/sse"] {
        for (case, headers, status) in [
            ("no page", vec![], 200),
            (
                "a foreign page",
                vec![("sec-fetch-site", "cross-site")],
                403,
            ),
            ("an own page", vec![("sec-fetch-site", "same-origin")], 200),
            (
                "an allowed page",
                vec![
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://app.example"),
                ],
                200,
            ),
        ] {
            let mut all = vec![("mcp-session-id", session.as_str())];
            all.extend(headers);
            let response = bench.get(path, &all).await;
            assert_eq!(response.status.as_u16(), status, "{path}: {case}");
        }
    }
}
