//! Calling: credentials, errors, results, time, counters.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use super::harness::{self, Echo, Stdio, written};
use crate::process::Folder;

#[test]
fn credentials_go_where_they_are_told() {
    let folder = Folder::new();
    let document = written(&folder);
    let echo = Echo::start();
    for (variables, pointer, expected) in [
        (
            &[("AUTH_TYPE", "bearer"), ("AUTH_TOKEN", "t0ken")][..],
            "/headers/authorization",
            "Bearer t0ken",
        ),
        (
            &[
                ("AUTH_TYPE", "BASIC"),
                ("AUTH_USERNAME", "u"),
                ("AUTH_PASSWORD", "p"),
            ],
            "/headers/authorization",
            "Basic dTpw",
        ),
        (
            &[("AUTH_TYPE", "api_key"), ("AUTH_API_KEY", "k")],
            "/headers/api_key",
            "k",
        ),
        (
            &[
                ("AUTH_TYPE", "api_key"),
                ("AUTH_API_KEY", "k"),
                ("AUTH_API_KEY_NAME", "X-Key"),
            ],
            "/headers/x-key",
            "k",
        ),
        (
            &[
                ("AUTH_TYPE", "api_key"),
                ("AUTH_API_KEY", "k"),
                ("AUTH_API_KEY_IN", "query"),
            ],
            "/target",
            "/pets/1?api_key=k",
        ),
        (
            &[
                ("AUTH_TYPE", "api_key"),
                ("AUTH_API_KEY", "k"),
                ("AUTH_API_KEY_IN", "cookie"),
            ],
            "/headers/cookie",
            "api_key=k",
        ),
        (
            &[("AUTH_TYPE", "none"), ("AUTH_TOKEN", "t")],
            "/headers/authorization",
            "",
        ),
    ] {
        let mut all = vec![
            ("API_SPEC_PATH", document.as_str()),
            ("API_BASE_URL", echo.url.as_str()),
        ];
        all.extend(variables);
        let mut server = Stdio::start(&[], &all);
        let result = server.call("getPet", &json!({"petId": 1}));
        let seen = result["structuredContent"]
            .pointer(pointer)
            .and_then(Value::as_str);
        assert_eq!(
            seen.unwrap_or_default(),
            expected,
            "{variables:?}: {result}"
        );
    }
}

#[test]
fn errors_keep_their_skeletons() {
    let folder = Folder::new();
    let document = written(&folder);
    let echo = Echo::start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for (url, pet, expected) in [
        (
            &echo.url,
            404,
            r#"Error calling tool 'getPet': HTTP error 404: Not Found - {"detail":null}"#,
        ),
        (
            &echo.url,
            500,
            "Error calling tool 'getPet': HTTP error 500: Internal Server Error - <b>no</b>",
        ),
        (
            &echo.url,
            503,
            "Error calling tool 'getPet': HTTP error 503: Service Unavailable\nRetry-After: 7",
        ),
        (
            &closed,
            1,
            "Error calling tool 'getPet': Request error (ConnectError): ",
        ),
        (
            &silent_url,
            1,
            "Error calling tool 'getPet': HTTP request timed out (ReadTimeout)",
        ),
    ] {
        let mut server = Stdio::start(
            &[],
            &[
                ("API_SPEC_PATH", &document),
                ("API_BASE_URL", url),
                ("HTTP_TIMEOUT", "1"),
                ("USE_TENACITY", "false"),
            ],
        );
        let result = server.call("getPet", &json!({"petId": pet}));
        assert_eq!(result["isError"], true, "{result}");
        assert_eq!(result["content"].as_array().unwrap().len(), 1, "{result}");
        let said = result["content"][0]["text"].as_str().unwrap();
        assert!(said.starts_with(expected), "{pet}: {said}");
        assert!(!said.contains("127.0.0.1"), "{said}");
    }
    drop(silent);
}

#[test]
fn results_are_judged_only_where_somebody_asks() {
    let folder = Folder::new();
    let document = written(&folder);
    let echo = Echo::start();
    for (line, value, is_listed) in [
        ("", None, false),
        ("", Some("false"), false),
        ("--no-validate-output", Some("true"), false),
        ("", Some("true"), true),
    ] {
        let arguments: Vec<_> = line.split_whitespace().collect();
        let mut variables = vec![
            ("API_SPEC_PATH", document.as_str()),
            ("API_BASE_URL", echo.url.as_str()),
        ];
        variables.extend(value.map(|value| ("VALIDATE_OUTPUT", value)));
        let mut server = Stdio::start(&arguments, &variables);
        let tools = server.ask("tools/list", &json!({}));
        let schema = tools["tools"][4]["outputSchema"].to_string();
        assert_eq!(
            schema.contains("never"),
            is_listed,
            "{line} {value:?}: {schema}"
        );
        // What is promised there never comes.
        let found = server.call("findPets", &json!({}));
        assert_eq!(
            found["isError"],
            json!(is_listed),
            "{line} {value:?}: {found}"
        );
    }
}

#[test]
fn metrics_count_on_a_port_of_their_own() {
    let folder = Folder::new();
    let document = written(&folder);
    let echo = Echo::start();
    let mut server = Stdio::start(
        &[],
        &[
            ("API_SPEC_PATH", &document),
            ("API_BASE_URL", &echo.url),
            ("ENABLE_PROMETHEUS", "true"),
            ("PROMETHEUS_PORT", "0"),
        ],
    );
    server.call("getPet", &json!({"petId": 1}));
    server.call("getPet", &json!({"petId": 404}));
    let line = server.wait_for("metrics are at ");
    let port = line
        .split("http://0.0.0.0:")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let page = harness::get(&format!("127.0.0.1:{port}"), "/metrics");
    assert!(page.contains("text/plain; version=0.0.4"), "{page}");
    for expected in [
        r#"mcp_api_requests_total{method="GET",path="/pets/{petId}",status="200"} 1"#,
        r#"mcp_api_requests_total{method="GET",path="/pets/{petId}",status="404"} 1"#,
        r#"mcp_api_errors_total{method="GET",path="/pets/{petId}"} 1"#,
        r#"mcp_api_request_duration_seconds_count{method="GET",path="/pets/{petId}"} 2"#,
        r#"mcp_tool_calls_total{tool="getPet",status="success"} 1"#,
        r#"mcp_tool_calls_total{tool="getPet",status="error"} 1"#,
        r#"mcp_tool_errors_total{tool="getPet"} 1"#,
        r#"mcp_tool_duration_seconds_count{tool="getPet"} 2"#,
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(harness::get(&format!("127.0.0.1:{port}"), "/").contains("404"));
}

#[test]
fn the_message_timeout_ends_a_call() {
    let folder = Folder::new();
    let document = written(&folder);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let started = std::time::Instant::now();
    let mut server = Stdio::start(
        &[],
        &[
            ("API_SPEC_PATH", &document),
            ("API_BASE_URL", &url),
            ("SERVER_MESSAGE_TIMEOUT", "1"),
        ],
    );
    let answer = server.answer(
        "tools/call",
        &json!({"name": "getPet", "arguments": {"petId": 1}}),
    );
    assert!(
        answer["result"]["isError"] == true || answer["error"].is_object(),
        "{answer}"
    );
    // Far below the 30 s that the upstream would be waited for otherwise.
    assert!(started.elapsed() < Duration::from_secs(20), "{answer}");
}
