//! Addresses, redirects, time and headers: 33, 34, 45, 50–52 and 57.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use serde_json::json;
use wharf_model::Context;
use wharf_upstream::{FetchOptions, Trust, UpstreamError, fetch_document};

use crate::api::{Api, Reply};
use crate::offer::{Setup, paths, whole};
use crate::process::{Folder, run, text};

const PLAIN: &str = r"
paths:
  /x: {get: {operationId: read}, post: {operationId: write}}
";

#[tokio::test]
async fn case_33_an_upstream_that_asks_to_wait() {
    let busy = || Reply::new(503, "text/plain", "busy").with("retry-after", "0");
    // A read is tried again, a few times at most.
    let offer = paths(PLAIN)
        .answering([busy(), busy(), Reply::json(r#"{"a":1}"#)])
        .offer();
    let answer = offer.call("read", json!({})).await;
    assert_eq!(answer.text(), r#"{"a":1}"#);
    assert_eq!(offer.api.requests().len(), 3);
    let offer = paths(PLAIN).answering([busy()]).offer();
    let answer = offer.call("read", json!({})).await;
    assert!(
        answer.is_error && answer.text().starts_with("HTTP 503"),
        "{answer:?}"
    );
    assert_eq!(offer.api.requests().len(), 3, "the first and two retries");
    // A write is not: it may have been carried out.
    let offer = paths(PLAIN).answering([busy()]).offer();
    assert!(offer.call("write", json!({})).await.is_error);
    assert_eq!(offer.api.requests().len(), 1);
    // A long wait is the caller's to decide about.
    let wait = Reply::new(429, "application/json", "{}").with("retry-after", "3600");
    let offer = paths(PLAIN).answering([wait]).offer();
    let answer = offer.call("read", json!({})).await;
    assert!(
        answer.is_error && answer.text().contains("Retry-After: 3600"),
        "{answer:?}"
    );
    assert_eq!(offer.api.requests().len(), 1);
}

#[tokio::test]
async fn case_34_a_slow_upstream_and_an_impatient_client() {
    let silent = || Reply::json("").hanging();
    let offer = paths(PLAIN)
        .upstream(|upstream| {
            upstream.read_timeout_s = 0.2.try_into().unwrap();
            upstream.retries.max = 0;
        })
        .answering([silent()])
        .offer();
    let answer = offer.call("read", json!({})).await;
    assert!(
        answer.is_error && answer.text().contains("did not answer"),
        "{}",
        answer.text()
    );
    offer.api.until_given_up().await;

    // A client that cancels drops the call; the upstream sees it at once.
    let offer = paths(PLAIN).answering([silent()]).offer();
    let gave_up = {
        let call = offer.call("read", json!({}));
        tokio::pin!(call);
        loop {
            if let Ok(answer) = tokio::time::timeout(Duration::from_millis(10), &mut call).await {
                panic!("{answer:?}");
            }
            if !offer.api.requests().is_empty() {
                break true;
            }
        }
    };
    assert!(gave_up);
    offer.api.until_given_up().await;
}

#[tokio::test]
async fn case_45_servers_of_documents_paths_and_operations() {
    let document = r"
openapi: 3.1.0
info: {title: Servers, version: '1'}
servers: [{url: 'API/{version}/', variables: {version: {default: v1, enum: [v1, v2]}}}]
paths:
  /root: {get: {operationId: root}}
  /path: {servers: [{url: 'API/path'}], get: {operationId: path}}
  /operation: {servers: [{url: 'API/path'}], get: {operationId: operation, servers: [{url: 'API/operation'}]}}
  /relative: {get: {operationId: relative, servers: [{url: /relative}]}}
";
    for (tool, by_document, by_operator) in [
        ("root", "GET /v1/root", "GET /base/root"),
        ("path", "GET /path/path", "GET /base/path"),
        (
            "operation",
            "GET /operation/operation",
            "GET /base/operation",
        ),
        ("relative", "GET /relative/relative", "GET /base/relative"),
    ] {
        let private =
            |upstream: &mut wharf_upstream::Config| upstream.allow_private_networks = true;
        let offer = whole(document).by_its_servers().upstream(private).offer();
        let answer = offer.call(tool, json!({})).await;
        assert!(!answer.is_error, "{tool}: {}", answer.text());
        assert_eq!(offer.api.request().line, by_document, "{tool}");
        let offer = whole(document).offer();
        offer.call(tool, json!({})).await;
        assert_eq!(offer.api.request().line, by_operator, "{tool}");
    }
}

#[tokio::test]
async fn case_50_headers_of_the_client() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("authorization", "Bearer theirs"),
        ("cookie", "session=theirs"),
        ("x-tenant", "blue"),
        ("x-forwarded-for", "10.0.0.1"),
        ("mcp-session-id", "s"),
        ("host", "evil.example"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let context = Context {
        headers,
        ..Context::default()
    };
    let offer = paths(PLAIN).offer();
    offer.call_as(&context, "read", json!({})).await;
    let request = offer.api.request();
    for name in [
        "authorization",
        "cookie",
        "x-tenant",
        "x-forwarded-for",
        "mcp-session-id",
    ] {
        assert_eq!(request.header(name), None, "{name}");
    }
    assert!(request.header("host").unwrap().starts_with("127.0.0.1:"));

    let offer = paths(PLAIN)
        .upstream(|upstream| upstream.forward_headers = vec!["x-tenant".to_owned()])
        .offer();
    offer.call_as(&context, "read", json!({})).await;
    let request = offer.api.request();
    assert_eq!(request.header("x-tenant"), Some("blue"));
    assert_eq!(request.header("authorization"), None);
}

#[tokio::test]
async fn case_51_redirects() {
    let elsewhere = Api::new();
    let to = |status, target: &str| Reply::empty(status).with("location", target);
    let key = json!({"type": "api_key", "name": "X-Key", "in": "header", "value": "hush"});
    let with_key = |setup: Setup| {
        let credentials = serde_json::from_value(key.clone()).unwrap();
        setup.upstream(|upstream| upstream.credentials = credentials)
    };
    // Within the origin, with the credentials.
    let offer = with_key(paths(PLAIN))
        .answering([to(302, "/moved?a=1"), Reply::json("{}")])
        .offer();
    assert!(!offer.call("read", json!({})).await.is_error);
    let requests = offer.api.requests();
    let lines: Vec<_> = requests.iter().map(|request| &*request.line).collect();
    assert_eq!(lines, ["GET /base/x", "GET /moved?a=1"]);
    assert!(
        requests
            .iter()
            .all(|request| request.header("x-key") == Some("hush"))
    );

    // After a write, what it made is read.
    let offer = with_key(paths(PLAIN))
        .answering([to(303, "/made"), Reply::json("{}")])
        .offer();
    assert!(!offer.call("write", json!({})).await.is_error);
    let requests = offer.api.requests();
    let lines: Vec<_> = requests.iter().map(|request| &*request.line).collect();
    assert_eq!(lines, ["POST /base/x", "GET /made"]);

    // To another origin: not at all.
    for (tool, status, target) in [
        ("read", 302, elsewhere.url.as_str()),
        ("read", 307, "http://169.254.169.254/latest"),
        ("write", 307, elsewhere.url.as_str()),
    ] {
        let offer = with_key(paths(PLAIN))
            .answering([to(status, target)])
            .offer();
        let answer = offer.call(tool, json!({})).await;
        assert!(
            answer.is_error,
            "{tool} {status} {target}: {}",
            answer.text()
        );
        assert!(
            answer.text().contains("was not followed"),
            "{tool} {target}: {}",
            answer.text()
        );
        assert!(!answer.text().contains("hush"), "{tool} {target}");
        assert_eq!(offer.api.requests().len(), 1, "{tool} {status} {target}");
    }
    assert!(elsewhere.requests().is_empty());

    // A circle ends.
    let offer = paths(PLAIN).answering([to(302, "/base/x")]).offer();
    assert!(offer.call("read", json!({})).await.is_error);
    assert!(offer.api.requests().len() <= 6);
}

#[tokio::test]
async fn case_52_credentials_declared_as_parameters() {
    let document = r"
paths:
  /x:
    get:
      operationId: x
      parameters:
        - {name: Authorization, in: header, required: true, schema: {type: string}}
        - {name: x-key, in: header, required: true, schema: {type: string}}
        - {name: q, in: query, schema: {type: string}}
";
    // Where nobody else supplies it, a key is the caller's to give; `Authorization` never is (OpenAPI 3.1 §4.8.12).
    let offer = paths(document).offer();
    assert_eq!(offer.arguments("x"), ["x-key", "q"]);

    let api = Api::new();
    let folder = Folder::new();
    folder.write(
        "api.yaml",
        &format!("openapi: 3.1.0\ninfo: {{title: T, version: '1'}}\n{document}"),
    );
    let config = folder.write(
        "wharf.yaml",
        &format!(
            "sources: {{x: {{openapi: api.yaml, upstream: {{base_url: '{}', credentials: {{type: api_key, in: header, name: X-Key, value: hush}}}}}}}}",
            api.url
        ),
    );
    let listed = text(&run(&["tools", "--config", &config, "--json"]).stdout);
    assert!(
        listed.contains("\"q\"") && !listed.contains("x-key"),
        "{listed}"
    );
    let called = run(&["call", "x", "q=1", "--config", &config]);
    assert!(called.status.success(), "{}", text(&called.stderr));
    let request = api.request();
    assert_eq!(request.line, "GET /x?q=1");
    assert_eq!(request.header("x-key"), Some("hush"));
    let given = run(&["call", "x", "x-key=mine", "--config", &config]);
    assert!(!given.status.success());
    assert_eq!(api.requests().len(), 1, "a caller's own key is not sent");
}

#[tokio::test]
async fn case_57_addresses_that_a_document_must_not_lead_to() {
    let api = Api::answering([Reply::new(200, "application/yaml", "openapi: 3.1.0")]);
    let port = api.url.rsplit(':').next().unwrap();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
        "10.0.0.1",
        "100.64.0.1",
    ];
    let options = FetchOptions {
        trust: Trust::Document,
        ..FetchOptions::default()
    };
    for host in hosts {
        let url = format!("http://{host}:{port}/openapi.yaml");
        let refusal = fetch_document(&url, &options).await;
        assert!(
            matches!(refusal, Err(UpstreamError::Refused { .. })),
            "{host}: {refusal:?}"
        );

        // The same where a document's `servers` name it.
        let document = format!(
            "openapi: 3.1.0\ninfo: {{title: T, version: '1'}}\nservers: [{{url: 'http://{host}:{port}'}}]\npaths: {{/x: {{get: {{operationId: x}}}}}}"
        );
        let folder = Folder::new();
        let file = folder.write("openapi.yaml", &document);
        let called = run(&["call", "x", "--document", &file]);
        assert!(!called.status.success(), "{host}");
    }
    // A redirect to another origin, and a reference into a private network: nobody is asked.
    let elsewhere = Api::answering([Reply::empty(302).with("location", &api.url)]);
    let options = FetchOptions::default();
    assert!(fetch_document(&elsewhere.url, &options).await.is_err());
    let folder = Folder::new();
    let file = folder.write(
        "openapi.yaml",
        &format!(
            "openapi: 3.1.0\ninfo: {{title: T, version: '1'}}\nservers: [{{url: 'https://api.example'}}]\npaths:\n  /x: {{get: {{operationId: x, parameters: [{{$ref: '{}/p.yaml#/p'}}]}}}}\n  /y: {{get: {{operationId: y}}}}",
            api.url
        ),
    );
    run(&["check", &file]);
    let requests = api.requests();
    assert!(requests.is_empty(), "{requests:#?}");
}
