//! What is told of requests, and what is not.

mod audit;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::process::{Api, Folder, PATIENCE, Running, document, run, text, wharf};

/// In a token, an argument, a body, a query, a name: nobody may repeat it.
const SECRET: &str = "hunter2";

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

const UPSTREAM: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 22\r\nconnection: close\r\n\r\n{\"password\":\"hunter2\"}";

fn served(folder: &Folder, api: &str, telemetry: &str) -> String {
    folder.write("api.json", &document(&["getPet"]));
    folder.write(
        "wharf.yaml",
        &format!(
            "sources:\n  api:\n    openapi: api.json\n    upstream: {{base_url: '{api}', credentials: {{type: bearer, token: {SECRET}}}}}\ntelemetry: {telemetry}\n"
        ),
    )
}

fn start(config: &str, more: &[&str]) -> Running {
    let mut arguments = vec!["--log-format", "json"];
    arguments.extend(more);
    arguments.extend(["serve", "--config", config, "--http", "127.0.0.1:0"]);
    Running::start(&arguments)
}

/// The whole answer to one request.
fn ask(address: &str, line: &str, headers: &[&str], body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let end = if headers.is_empty() { "" } else { "\r\n" };
    let headers = headers.join("\r\n") + end;
    write!(
        stream,
        "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn call(server: &Running, tool: &str, arguments: &Value, headers: &[&str]) -> String {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool, "arguments": arguments,
        "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}},
    }});
    let name = format!("mcp-name: {tool}");
    let mut all = vec![
        "content-type: application/json",
        "accept: application/json, text/event-stream",
        "mcp-protocol-version: 2026-07-28",
        "mcp-method: tools/call",
        &name,
    ];
    all.extend(headers);
    ask(server.address(), "POST /mcp", &all, &body.to_string())
}

fn line(server: &Running, part: &str) -> Value {
    let line = server.wait_for_line(part);
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The records of an audit log, once there are so many.
fn records(path: &std::path::Path, count: usize) -> Vec<Value> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.lines().count() >= count && text.ends_with('\n') {
            let lines = text.lines();
            return lines
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
        }
        assert!(
            std::time::Instant::now() < deadline,
            "{count} records never came: {text}"
        );
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn each_request_has_one_line_that_leads_to_it() {
    let folder = Folder::new();
    let api = Api::answering(UPSTREAM);
    let server = start(&served(&folder, &api.url, "{}"), &[]);
    let parent = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01");
    let answer = call(
        &server,
        "getPet",
        &json!({"petId": 1}),
        &["x-request-id: from-the-client", &parent],
    );
    assert!(answer.contains("x-request-id: from-the-client"), "{answer}");
    let said = line(&server, "a request was answered");
    let fields = &said["fields"];
    for (field, expected) in [
        ("request_id", json!("from-the-client")),
        ("trace_id", json!(TRACE)),
        ("http.request.method", json!("POST")),
        ("http.route", json!("/mcp")),
        ("http.response.status_code", json!(200)),
        ("mcp.method.name", json!("tools/call")),
        ("gen_ai.tool.name", json!("getPet")),
        ("outcome", json!("ok")),
    ] {
        assert_eq!(fields[field], expected, "{field}: {said}");
    }
    assert!(fields["duration_ms"].is_number(), "{said}");

    // An id that could break a line is not taken; ours is told instead.
    let answer = ask(
        server.address(),
        "GET /nowhere",
        &["x-request-id: a b\"c"],
        "",
    );
    let said = line(&server, "a request was answered");
    let id = said["fields"]["request_id"].as_str().unwrap();
    assert_eq!(id.len(), 32, "{said}");
    assert!(answer.contains(&format!("x-request-id: {id}")), "{answer}");
    assert_eq!(said["fields"]["http.response.status_code"], 404, "{said}");

    // A probe that passes has no line: the next one is that of the request behind it.
    for probe in ["GET /health", "GET /", "HEAD /"] {
        ask(server.address(), probe, &[], "");
    }
    call(&server, "noSuchTool", &json!({}), &[]);
    let said = line(&server, "a request was answered");
    assert_eq!(said["fields"]["outcome"], "protocol_error", "{said}");
    assert_eq!(said["fields"]["gen_ai.tool.name"], Value::Null, "{said}");
}

#[test]
fn a_request_that_is_sent_away_has_an_outcome_and_the_audit_log_knows_whoever_was_refused() {
    let folder = Folder::new();
    let api = Api::answering(UPSTREAM);
    let key = format!("{SECRET}-{SECRET}-{SECRET}-{SECRET}-{SECRET}");
    let config = served(&folder, &api.url, "{audit: {to: audit.jsonl}}");
    let auth = format!("auth: {{keys: [{{subject: ann, key: {key}}}], key_header: x-api-key}}\n");
    let config = folder.write(
        "wharf.yaml",
        &(std::fs::read_to_string(config).unwrap() + &auth),
    );
    let server = start(&config, &[]);
    let bearer = format!("authorization: Bearer {key}");
    let own_key = format!("x-api-key: {key}");
    let mut audited = 0;
    for (row, line_of_request, headers, status, outcome, decision) in [
        (
            "no proof",
            "POST /mcp",
            vec![],
            401,
            "unauthenticated",
            Some("unauthenticated"),
        ),
        (
            "a wrong one",
            "POST /mcp",
            vec!["authorization: Bearer wrong"],
            401,
            "unauthenticated",
            Some("unauthenticated"),
        ),
        (
            "a token in the address",
            "POST /mcp?access_token=x",
            vec![bearer.as_str()],
            400,
            "unauthenticated",
            Some("unauthenticated"),
        ),
        (
            "two tokens",
            "POST /mcp",
            vec![bearer.as_str(), bearer.as_str()],
            400,
            "unauthenticated",
            Some("unauthenticated"),
        ),
        (
            "two keys",
            "POST /mcp",
            vec![own_key.as_str(), own_key.as_str()],
            400,
            "unauthenticated",
            Some("unauthenticated"),
        ),
        (
            "a token and a key",
            "POST /mcp",
            vec![bearer.as_str(), own_key.as_str()],
            400,
            "unauthenticated",
            Some("unauthenticated"),
        ),
        (
            "another page",
            "POST /mcp",
            vec![bearer.as_str(), "origin: https://evil.example"],
            403,
            "forbidden",
            Some("forbidden"),
        ),
        (
            "no message",
            "POST /mcp",
            vec![bearer.as_str(), "content-type: application/json"],
            400,
            "refused",
            None,
        ),
        (
            "no such method",
            "PUT /mcp",
            vec![bearer.as_str()],
            405,
            "refused",
            None,
        ),
        ("nowhere", "GET /nowhere", vec![], 404, "refused", None),
        ("well", "OPTIONS /mcp", vec![], 204, "ok", None),
    ] {
        ask(server.address(), line_of_request, &headers, "");
        let reason = match (row, status) {
            ("a wrong one", _) => Some("unknown_credential"),
            (_, 400) if decision.is_some() => Some("invalid_request"),
            _ => None,
        };
        let refused = reason.map(|reason| (reason, line(&server, "a token was refused")));
        let said = line(&server, "a request was answered");
        let fields = &said["fields"];
        assert_eq!(fields["http.response.status_code"], status, "{row}: {said}");
        assert_eq!(fields["outcome"], outcome, "{row}: {said}");
        if let Some((reason, refused)) = refused {
            let why = &refused["fields"];
            assert_eq!(why["reason"], reason, "{row}: {refused}");
            assert_eq!(why["request_id"], fields["request_id"], "{row}: {refused}");
        }
        if let Some(decision) = decision {
            audited += 1;
            let found = records(&folder.path().join("audit.jsonl"), audited);
            let last = &found[audited - 1];
            assert_eq!(last["request_id"], fields["request_id"], "{row}: {last}");
            assert_eq!(last["decision"], decision, "{row}: {last}");
        }
    }
}

#[test]
fn the_steps_of_a_sign_in_have_their_route_and_the_request_s_id() {
    let folder = Folder::new();
    let config = served(&folder, "http://127.0.0.1:9", "{}");
    let sign_in = format!(
        "sign_in: {{keys: [{}], provider: {{type: cognito, user_pool_id: eu-west-1_AbCdEfGhI, domain: 'https://shop.auth.eu-west-1.amazoncognito.com'}}, client_id: a, client_secret: {SECRET}}}\nserver: {{public_url: 'http://127.0.0.1:8000'}}\n",
        "k".repeat(32)
    );
    let config = folder.write(
        "wharf.yaml",
        &(std::fs::read_to_string(config).unwrap() + &sign_in),
    );
    let server = start(&config, &[]);
    for (asked, route, step) in [
        ("POST /register", "/register", Some("register")),
        ("GET /authorize?x=y", "/authorize", Some("authorize")),
        ("POST /authorize", "/authorize", Some("consent")),
        ("GET /callback?state=x", "/callback", Some("callback")),
        ("POST /token", "/token", Some("token")),
        ("POST /revoke", "/revoke", Some("revoke")),
        ("GET /logout?done=1", "/logout", None),
        (
            "GET /.well-known/oauth-protected-resource/mcp",
            "/.well-known/oauth-protected-resource",
            None,
        ),
        (
            "GET /.well-known/oauth-authorization-server/mcp",
            "/.well-known/oauth-authorization-server",
            None,
        ),
        (
            "GET /mcp/.well-known/openid-configuration",
            "/.well-known/openid-configuration",
            None,
        ),
        ("GET /.well-known/jwks.json", "/.well-known/jwks.json", None),
    ] {
        ask(server.address(), asked, &["x-request-id: this-one"], "");
        if let Some(step) = step {
            let said = line(&server, "a sign-in failed");
            assert_eq!(said["fields"]["step"], step, "{asked}: {said}");
            assert_eq!(said["fields"]["request_id"], "this-one", "{asked}: {said}");
        }
        let said = line(&server, "a request was answered");
        assert_eq!(said["fields"]["http.route"], route, "{asked}: {said}");
    }
}

/// Programs read the log of a server where nobody watches: each line is an object, be it about the start or its failure.
#[test]
fn each_line_of_a_server_is_an_object() {
    let folder = Folder::new();
    let config = served(&folder, "http://127.0.0.1:9", "{}");
    let server = Running::start(&["serve", "--config", &config, "--http", "127.0.0.1:0"]);
    server.signal("TERM");
    let mut lines = server.seen.join("\n") + "\n" + &server.rest() + "\n";
    assert!(lines.contains("wharf serves 1 tools"), "{lines}");
    let wrong = folder.write("wrong.yaml", "sources: {}\n");
    let output = run(&["serve", "--config", &wrong]);
    assert_eq!(output.status.code(), Some(1));
    lines += text(&output.stderr).as_str();
    let last: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?} in {lines}")))
        .collect();
    let said = last.last().unwrap();
    assert_eq!(said["level"], "ERROR", "{said}");
    assert!(said["fields"]["hint"].is_string(), "{said}");
    // What ends by itself is read by people.
    let output = run(&["check", "--config", &wrong]);
    assert!(text(&output.stderr).starts_with("error: "));
}

#[test]
fn a_request_that_is_refused_for_its_page_has_the_reason_in_its_line() {
    let folder = Folder::new();
    let server = start(&served(&folder, "http://127.0.0.1:9", "{}"), &[]);
    for (header, setting) in [
        ("origin: https://evil.example", "server.allowed_origins"),
        ("sec-fetch-site: cross-site", "server.allowed_origins"),
    ] {
        ask(server.address(), "GET /mcp", &[header], "");
        let said = line(&server, "a request was answered");
        let reason = said["fields"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(setting), "{said}");
        assert!(!said.to_string().contains("evil"), "{said}");
    }
}

/// An answer that goes nowhere is none: the log waits for the end of it.
#[test]
fn an_answer_that_nobody_takes_was_not_answered() {
    let folder = Folder::new();
    let large = format!("{{\"text\":\"{}\"}}", "y".repeat(16 << 20));
    let large = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{large}",
        large.len()
    );
    let api = Api::answering(large.leak().as_bytes());
    folder.write("api.json", &document(&["getPet"]));
    let config = folder.write(
        "wharf.yaml",
        &format!(
            "server: {{sessions: false, limits: {{write_timeout_s: 1}}}}\nsources: {{api: {{openapi: api.json, upstream: {{base_url: '{}', response_bytes_max: 20000000}}, tools: {{result_bytes_max: 20000000}}}}}}\n",
            api.url
        ),
    );
    let server = start(&config, &[]);
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getPet","arguments":{"petId":1}}}"#;
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(
        stream,
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-06-18\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let said = line(&server, "a request ended early");
    let fields = &said["fields"];
    assert_eq!(fields["outcome"], "cancelled", "{said}");
    assert!(fields["duration_ms"].as_f64().unwrap() > 900.0, "{said}");
    let sent = fields["http.response.body.size"].as_u64().unwrap();
    assert!(sent < 16 << 20, "{said}");
    drop(stream);
}

#[test]
fn a_failure_leads_to_its_cause_by_the_request_s_id() {
    let folder = Folder::new();
    // A port where nobody listens.
    let server = start(&served(&folder, "http://127.0.0.1:9", "{}"), &[]);
    let answer = call(
        &server,
        "getPet",
        &json!({"petId": 1}),
        &["x-request-id: lost-1"],
    );
    assert!(answer.contains("(request lost-1)"), "{answer}");
    let said = line(&server, "the upstream gave no answer");
    assert_eq!(said["fields"]["request_id"], "lost-1", "{said}");
    // With the reason below the reason.
    let error = said["fields"]["error"].as_str().unwrap();
    assert!(error.contains("refused"), "{error}");
    let said = line(&server, "a request was answered");
    assert_eq!(said["fields"]["outcome"], "tool_error", "{said}");
}

#[test]
fn nobody_repeats_a_secret() {
    let folder = Folder::new();
    let api = Api::answering(UPSTREAM);
    let config = served(
        &folder,
        &api.url,
        "{audit: {to: audit.jsonl}, emf: {}, prometheus: {enabled: true}}",
    );
    let server = start(&config, &["--log", "trace"]);
    let token = format!("authorization: Bearer {SECRET}");
    let key = format!("x-api-key: {SECRET}");
    let answer = call(
        &server,
        "getPet",
        &json!({"petId": 1, "unknown": SECRET}),
        &[&token, &key],
    );
    assert!(answer.contains("unknown"), "{answer}");
    let answer = call(&server, "getPet", &json!({"petId": 1}), &[&token, &key]);
    assert!(
        answer.contains(SECRET),
        "the body reaches its caller: {answer}"
    );
    call(&server, SECRET, &json!({"petId": SECRET}), &[&token]);
    ask(
        server.address(),
        &format!("GET /{SECRET}?token={SECRET}"),
        &[&token],
        "",
    );
    ask(
        server.address(),
        "POST /mcp",
        &["content-type: application/json"],
        &format!("{{{SECRET}"),
    );
    let page = ask(server.address(), "GET /metrics", &[], "");
    assert!(
        page.contains("mcp_server_operation_duration_seconds_count"),
        "{page}"
    );
    assert!(!page.contains(SECRET), "{page}");
    assert_eq!(records(&folder.path().join("audit.jsonl"), 3).len(), 3);
    let audit = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(!audit.contains(SECRET), "{audit}");

    server.signal("TERM");
    let said = server.rest();
    assert!(
        said.contains("\"CloudWatchMetrics\""),
        "stdout was read too: {said}"
    );
    assert!(said.contains("a request was answered"), "{said}");
    assert!(!said.contains(SECRET), "{said}");
}

#[test]
fn metrics_are_served_where_they_are_wanted() {
    let folder = Folder::new();
    let api = Api::answering(UPSTREAM);
    let config = served(&folder, &api.url, "{}");
    let server = start(&config, &[]);
    let page = ask(server.address(), "GET /metrics", &[], "");
    assert!(page.starts_with("HTTP/1.1 404"), "{page}");
    drop(server);

    let own = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let telemetry = format!("{{prometheus: {{enabled: true, http: '{own}'}}}}");
    let config = served(&folder, &api.url, &telemetry);
    let server = start(&config, &[]);
    call(&server, "getPet", &json!({"petId": 1}), &[]);
    call(&server, "noSuchTool1", &json!({}), &[]);
    call(&server, "noSuchTool2", &json!({}), &[]);
    let page = ask(server.address(), "GET /metrics", &[], "");
    let (_, port) = api.url.rsplit_once(':').unwrap();
    let tool = r#"mcp_method_name="tools/call",gen_ai_tool_name="getPet",wharf_source="api",mcp_protocol_version="2026-07-28",error_type="""#;
    for expected in [
        format!("mcp_server_operation_duration_seconds_count{{{tool}}} 1"),
        // Whatever clients make up is one series.
        r#"gen_ai_tool_name="",wharf_source="",mcp_protocol_version="2026-07-28",error_type="-32602"} 2"#.to_owned(),
        format!(r#"http_client_request_duration_seconds_count{{wharf_source="api",http_request_method="GET",url_template="/getPet",http_response_status_code="200",error_type="",server_address="127.0.0.1",server_port="{port}"}} 1"#),
        r#"http_server_request_duration_seconds_count{http_request_method="POST",http_route="/mcp",http_response_status_code="200",url_scheme="http"} 3"#.to_owned(),
        "http_server_active_requests 1".to_owned(),
        "wharf_mcp_sessions 0".to_owned(),
        "wharf_tools 1".to_owned(),
        "wharf_mcp_active_calls 0".to_owned(),
        r#"wharf_upstream_breaker{wharf_source="api"} 0"#.to_owned(),
        r#"wharf_upstream_active_requests{wharf_source="api"} 0"#.to_owned(),
    ] {
        assert!(page.contains(&expected), "{expected}\n{page}");
    }
    let page = ask(&own, "GET /metrics", &[], "");
    assert!(
        page.contains("mcp_server_operation_duration_seconds_count"),
        "{page}"
    );
    // Names of tools are not for a page that re-pointed its name here.
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[test]
fn what_cannot_work_is_told_at_the_start() {
    let folder = Folder::new();
    for (telemetry, more, variable, expected) in [
        (
            "{audit: {to: stdout}}",
            &["--stdio"][..],
            None,
            "belongs to the protocol",
        ),
        ("{emf: {}}", &["--stdio"], None, "belongs to the protocol"),
        (
            "{audit: {to: no/such/folder/audit.jsonl}}",
            &[],
            None,
            "cannot write the audit log",
        ),
        (
            "{otlp: {endpoint: 'collector:4318'}}",
            &[],
            None,
            "`telemetry.otlp.endpoint`",
        ),
        (
            "{emf: {namespace: 'a b'}}",
            &[],
            None,
            "`telemetry.emf.namespace`",
        ),
        (
            "{}",
            &[],
            Some(("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense")),
            "`OTEL_EXPORTER_OTLP_ENDPOINT`",
        ),
    ] {
        let config = served(&folder, "http://127.0.0.1:9", telemetry);
        let mut arguments = vec!["serve", "--config", &config];
        if more.is_empty() {
            arguments.extend(["--http", "127.0.0.1:0"]);
        }
        arguments.extend(more);
        let done = wharf(&arguments).envs(variable).output().unwrap();
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{telemetry}: {said}");
        assert!(
            said.contains(expected) && said.contains("\"hint\":"),
            "{telemetry}: {said}"
        );
    }
}
