//! Which era a request belongs to, and what becomes of messages that belong to none.

use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::support::{Bench, MODERN, call, code, initialize, modern, post, request};

/// What a row of the table expects: the status, and the code of the error if it is one.
type Expected = (u16, Option<i64>);
/// The case, the message, its headers, what is expected.
type Row = (&'static str, Value, Vec<(&'static str, String)>, Expected);

async fn check(
    bench: &Bench,
    case: &str,
    message: &Value,
    headers: &[(&str, &str)],
    expected: Expected,
) {
    let response = bench.post(message, headers).await;
    assert_eq!(response.status.as_u16(), expected.0, "{case}");
    let is_error = !response.status.is_success();
    let text = response.text().await;
    if is_error || expected.1.is_some() {
        let body: Value = serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("{case}: no JSON-RPC body: {text}"));
        assert_eq!(body["jsonrpc"], "2.0", "{case}");
        assert_eq!(body["error"]["code"].as_i64(), expected.1, "{case}: {text}");
    }
}

#[tokio::test]
async fn the_era_of_a_request() {
    let bench = Bench::plain().await;
    let session = bench.session("2025-06-18", json!({})).await;
    let with_session = |extra: &[(&'static str, &'static str)]| -> Vec<(&'static str, String)> {
        let mut headers = vec![("mcp-session-id", session.clone())];
        headers.extend(
            extra
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        headers
    };
    let header = |version: &str| vec![("mcp-protocol-version", version.to_owned())];
    let meta = |version: &str| {
        json!({"_meta": {"io.modelcontextprotocol/protocolVersion": version,
                         "io.modelcontextprotocol/clientCapabilities": {}}})
    };
    let half = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": MODERN}});
    let list = |params: Value| request(1, "tools/list", params);
    let both = |version: &str, method: &str| {
        vec![
            ("mcp-protocol-version", version.to_owned()),
            ("mcp-method", method.to_owned()),
        ]
    };
    let rows: Vec<Row> = vec![
        (
            "modern",
            list(meta(MODERN)),
            both(MODERN, "tools/list"),
            (200, None),
        ),
        (
            "modern header, no meta",
            list(json!({})),
            header(MODERN),
            (400, Some(-32602)),
        ),
        (
            "later header, no meta",
            list(json!({})),
            header("2027-01-01"),
            (400, Some(-32602)),
        ),
        (
            "half of the meta",
            list(half),
            both(MODERN, "tools/list"),
            (400, Some(-32602)),
        ),
        (
            "meta, no header",
            list(meta(MODERN)),
            vec![],
            (400, Some(-32020)),
        ),
        (
            "meta, another header",
            list(meta(MODERN)),
            header("2025-11-25"),
            (400, Some(-32020)),
        ),
        (
            "meta, no method header",
            list(meta(MODERN)),
            header(MODERN),
            (400, Some(-32020)),
        ),
        (
            "meta, another method header",
            list(meta(MODERN)),
            both(MODERN, "Tools/list"),
            (400, Some(-32020)),
        ),
        (
            "an unknown version",
            list(meta("2099-01-01")),
            both("2099-01-01", "tools/list"),
            (400, Some(-32022)),
        ),
        (
            "a legacy version",
            list(meta("2025-11-25")),
            both("2025-11-25", "tools/list"),
            (400, Some(-32022)),
        ),
        (
            "discover without meta",
            request(1, "server/discover", json!({})),
            vec![],
            (400, Some(-32602)),
        ),
        (
            "an unknown method",
            request(1, "tools/lost", meta(MODERN)),
            both(MODERN, "tools/lost"),
            (404, Some(-32601)),
        ),
        (
            "initialize",
            initialize("2025-03-26", json!({})),
            vec![],
            (200, None),
        ),
        (
            "initialize of the future",
            initialize(MODERN, json!({})),
            vec![],
            (200, None),
        ),
        (
            "initialize under a modern header",
            initialize("2025-11-25", json!({})),
            header(MODERN),
            (200, None),
        ),
        (
            "initialize without a version",
            request(1, "initialize", json!({})),
            vec![],
            (400, Some(-32602)),
        ),
        (
            "legacy in a session",
            list(json!({})),
            with_session(&[]),
            (200, None),
        ),
        (
            "legacy with modern routing headers",
            list(json!({})),
            with_session(&[
                ("mcp-method", "other"),
                ("mcp-protocol-version", "2025-06-18"),
            ]),
            (200, None),
        ),
        (
            "legacy without its session",
            list(json!({})),
            header("2025-06-18"),
            (400, Some(-32600)),
        ),
        (
            "a version of nobody",
            list(json!({})),
            header("yesterday"),
            (400, Some(-32600)),
        ),
        (
            "an unknown legacy method",
            request(1, "tools/lost", json!({})),
            with_session(&[]),
            (200, Some(-32601)),
        ),
        (
            "a modern method in a session",
            request(1, "subscriptions/listen", json!({})),
            with_session(&[]),
            (200, Some(-32601)),
        ),
        (
            "a modern notification",
            json!({"jsonrpc": "2.0", "method": "notifications/x"}),
            header(MODERN),
            (202, None),
        ),
        (
            "a legacy notification",
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            with_session(&[]),
            (202, None),
        ),
        (
            "a response in a session",
            json!({"jsonrpc": "2.0", "id": 9, "result": {}}),
            with_session(&[]),
            (202, None),
        ),
        (
            "a response of nobody",
            json!({"jsonrpc": "2.0", "id": 9, "result": {}}),
            vec![],
            (400, Some(-32600)),
        ),
    ];
    for (case, message, headers, expected) in rows {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        check(&bench, case, &message, &headers, expected).await;
    }
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
    ] {
        let message = request(1, method, meta(MODERN));
        check(
            &bench,
            method,
            &message,
            &[("mcp-protocol-version", MODERN), ("mcp-method", method)],
            (404, Some(-32601)),
        )
        .await;
    }
}

#[tokio::test]
async fn versions_are_negotiated() {
    let bench = Bench::plain().await;
    for (asked, given) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        (MODERN, "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let answer = bench
            .post(&initialize(asked, json!({})), &[])
            .await
            .json()
            .await;
        assert_eq!(answer["result"]["protocolVersion"], given, "{asked}");
        assert!(
            answer["result"].get("resultType").is_none(),
            "{asked}: {answer}"
        );
    }
}

#[tokio::test]
async fn an_unsupported_version_names_those_that_are() {
    let bench = Bench::plain().await;
    let (mut message, mut headers) = modern("server/discover", json!({}));
    message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("v999");
    headers[0].1 = "v999".to_owned();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let answer = bench.post(&message, &headers).await.json().await;
    assert_eq!(answer["error"]["data"]["requested"], "v999");
    let known = bench
        .modern("server/discover", json!({}))
        .await
        .json()
        .await;
    assert_eq!(
        answer["error"]["data"]["supported"],
        known["result"]["supportedVersions"]
    );
}

#[tokio::test]
async fn methods_of_http() {
    let bench = Bench::plain().await;
    let session = bench.session("2025-11-25", json!({})).await;
    for (case, method, headers, expected) in [
        ("a bare GET", "GET", vec![], 405),
        (
            "a GET of a lost session",
            "GET",
            vec![("mcp-session-id", "0".repeat(32))],
            404,
        ),
        (
            "a modern GET",
            "GET",
            vec![
                ("mcp-session-id", session.clone()),
                ("mcp-protocol-version", MODERN.into()),
            ],
            405,
        ),
        ("a bare DELETE", "DELETE", vec![], 405),
        (
            "a modern DELETE",
            "DELETE",
            vec![
                ("mcp-session-id", session.clone()),
                ("mcp-protocol-version", MODERN.into()),
            ],
            405,
        ),
        ("PUT", "PUT", vec![], 405),
        ("OPTIONS", "OPTIONS", vec![], 204),
        (
            "DELETE",
            "DELETE",
            vec![("mcp-session-id", session.clone())],
            204,
        ),
        (
            "DELETE again",
            "DELETE",
            vec![("mcp-session-id", session.clone())],
            404,
        ),
    ] {
        let mut request = Request::builder()
            .method(method)
            .uri("/mcp")
            .header("host", "localhost");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = bench.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(response.status.as_u16(), expected, "{case}");
        if expected == 405 {
            assert!(response.headers.contains_key("allow"), "{case}");
        }
        if expected >= 400 {
            assert_eq!(code(&response.json().await), -32600, "{case}");
        }
    }
}

#[tokio::test]
async fn the_id_comes_back_as_it_was() {
    let bench = Bench::without_sessions().await;
    for id in [
        json!(7),
        json!("7"),
        json!(-1),
        json!(9_007_199_254_740_993_u64),
        json!(""),
        json!("a\"\\\u{e9}\n"),
    ] {
        for method in ["tools/list", "ping", "tools/lost", "tools/call"] {
            let answer = bench
                .post(
                    &request(id.clone(), method, call("echo", json!({"text": "x"}))),
                    &[],
                )
                .await;
            assert_eq!(answer.json().await["id"], id, "{id} {method}");
        }
    }
}

#[tokio::test]
async fn headers_that_stand_twice_are_refused() {
    let bench = Bench::plain().await;
    for name in [
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "mcp-session-id",
    ] {
        let (message, headers) = modern("tools/call", call("echo", json!({"text": "x"})));
        let mut request = post("/mcp", message.to_string(), &[]);
        for (name, value) in &headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let value = request
            .headers()
            .get(name)
            .cloned()
            .unwrap_or_else(|| "a".parse().unwrap());
        while request.headers().get_all(name).iter().count() < 2 {
            request.headers_mut().append(name, value.clone());
        }
        let response = bench.send(request).await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{name}");
        assert_eq!(code(&response.json().await), -32020, "{name}");
    }
}

#[tokio::test]
async fn a_version_that_is_no_text_is_the_body_s_own_fault() {
    let bench = Bench::plain().await;
    for version in [json!(20_260_728), json!(null), json!([MODERN]), json!({})] {
        let (mut message, headers) = crate::support::modern("tools/list", json!({}));
        message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = version.clone();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let response = bench.post(&message, &headers).await;
        assert_eq!(response.status.as_u16(), 400, "{version}");
        assert_eq!(
            crate::support::code(&response.json().await),
            -32602,
            "{version}"
        );
    }
}
