//! Whole calls, from arguments to result, over a server that answers with what it was asked.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wharf_model::{Context, Json, Outcome, Source as _, ToolCall};
use wharf_openapi::{Config, Document, OpenApi, Whereabouts};
use wharf_upstream::{Trust, Upstream};

/// Answers each request with its request line, some of its headers and its body, as JSON.
pub(crate) async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    format!("http://{address}/base")
}

async fn answer(mut stream: TcpStream) -> Option<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        stream
            .read_buf(&mut bytes)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let length = header("content-length").map_or(0, |length| length.parse().unwrap_or(0));
    while bytes.len() < head_end + 4 + length {
        stream
            .read_buf(&mut bytes)
            .await
            .ok()
            .filter(|read| *read > 0)?;
    }
    let body = String::from_utf8_lossy(&bytes[head_end + 4..]).into_owned();
    let line = head.lines().next()?.trim_end_matches(" HTTP/1.1");
    let answer =
        json!({"line": line, "type": header("content-type"), "id": header("id"), "key": header("x-key"), "session": header("cookie"), "authorization": header("authorization"), "body": body})
            .to_string();
    let response = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    );
    stream.write_all(response.as_bytes()).await.ok()
}

pub(crate) async fn call(document: &'static str, tool: &str, arguments: &Value) -> Value {
    let base = echo().await;
    let document = Document::read(document.as_bytes()).expect("the document can be read");
    let whereabouts = Whereabouts {
        base_url: Some(&base),
        ..Whereabouts::default()
    };
    let (source, _) =
        OpenApi::build(document, &Config::default(), whereabouts).expect("it is usable");
    let base = source.base_url().expect("the base is known").to_owned();
    let upstream = Upstream::new(&wharf_upstream::Config::default(), &base, Trust::Operator)
        .expect("it is usable");
    let source = Arc::new(source.with_upstream(upstream));
    let arguments = Json::from(arguments);
    let context = Context::default();
    let call = ToolCall {
        name: tool,
        arguments: arguments.slice(),
    };
    match source.call(&context, call).await {
        Ok(Outcome::Complete(result)) => {
            assert!(!result.is_error, "{tool}: {result:?}");
            let structured = result.structured.expect("there is a structured result");
            let mut told = structured.to_value();
            // A result that the document does not call an object comes wrapped.
            told.get_mut("result").map(Value::take).unwrap_or(told)
        }
        other => panic!("{tool}: {other:?}"),
    }
}

#[tokio::test]
async fn arguments_reach_the_wire_under_their_own_names() {
    let arguments = include_str!("documents/arguments.yaml");
    let bodies = include_str!("documents/bodies.yaml");
    let petstore = include_str!("documents/petstore.yaml");
    for (document, tool, given, line, media_type, body) in [
        (
            arguments,
            "odd",
            json!({"filter_x": "1", "top": 2, "top_2": 3, "a_b": "c d", "json": {"a": 1}}),
            "GET /base/odd?filter%5Bx%5D=1&%24top=2&top=3&a%20b=c%20d&json=%7B%22a%22%3A1%7D",
            Value::Null,
            "",
        ),
        (
            arguments,
            "clash",
            json!({"id__path": "p", "id__query": 5, "id__header": true, "id": "b", "shared": 1}),
            "POST /base/clash/p?id=5&shared=1",
            json!("application/json"),
            r#"{"id":"b"}"#,
        ),
        (
            arguments,
            "undeclared",
            json!({"x": "1", "y": 2}),
            "GET /base/undeclared/1/2",
            Value::Null,
            "",
        ),
        (
            petstore,
            "listPets",
            json!({"tags": ["a", "b"]}),
            "GET /base/pets?tags=a,b",
            Value::Null,
            "",
        ),
        (
            bodies,
            "map",
            json!({"body": {"x": "y"}}),
            "PUT /base/map",
            json!("application/json"),
            r#"{"x":"y"}"#,
        ),
        (
            bodies,
            "inherited",
            json!({"name": "Rex", "kind": "dog", "age": 1, "unheard_of": null}),
            "POST /base/inherited",
            json!("application/json"),
            r#"{"kind":"dog","name":"Rex","age":1,"unheard_of":null}"#,
        ),
        (
            bodies,
            "optional",
            json!({"a": null}),
            "PATCH /base/optional",
            json!("application/json"),
            r#"{"a":null}"#,
        ),
        (
            bodies,
            "optional",
            json!({}),
            "PATCH /base/optional",
            Value::Null,
            "",
        ),
        (
            bodies,
            "open",
            json!({"a": "x", "b": 1}),
            "POST /base/open",
            json!("application/json"),
            r#"{"a":"x","b":1}"#,
        ),
        (
            bodies,
            "scalar",
            json!({"count": 5}),
            "POST /base/scalar",
            json!("application/json"),
            "5",
        ),
        (
            bodies,
            "preferred",
            json!({"m": "x"}),
            "POST /base/preferred",
            json!("application/merge-patch+json"),
            r#"{"m":"x"}"#,
        ),
        (
            bodies,
            "text",
            json!({"body": "<a/>"}),
            "POST /base/text",
            json!("application/xml"),
            "<a/>",
        ),
        (
            bodies,
            "bytes",
            json!({"body": "aGk="}),
            "POST /base/bytes",
            json!("application/octet-stream"),
            "hi",
        ),
    ] {
        let told = call(document, tool, &given).await;
        assert_eq!(told["line"], line, "{tool}");
        assert_eq!(told["type"], media_type, "{tool}");
        assert_eq!(told["body"], body, "{tool}");
    }
    let told = call(
        arguments,
        "clash",
        &json!({"id__path": "p", "id__header": true, "id": "b"}),
    )
    .await;
    assert_eq!(told["id"], "true");
    let told = call(
        bodies,
        "form",
        &json!({"metadata": {"a": "b"}, "expand": ["x", "y"]}),
    )
    .await;
    assert_eq!(
        told["body"],
        "metadata%5Ba%5D=b&expand%5B%5D=x&expand%5B%5D=y"
    );
    let told = call(bodies, "upload", &json!({"file": "aGVsbG8=", "note": "n"})).await;
    let body = told["body"].as_str().expect("the body is text");
    assert!(
        body.contains("name=\"file\"; filename=") && body.contains("\r\n\r\nhello\r\n"),
        "{body}"
    );
}

#[tokio::test]
async fn without_an_upstream_a_call_fails_plainly() {
    let document =
        Document::read(&include_bytes!("documents/petstore.yaml")[..]).expect("it is a document");
    let (source, _) =
        OpenApi::build(document, &Config::default(), Whereabouts::default()).expect("it is usable");
    let context = Context::default();
    for (tool, expected) in [
        ("getPet", "the tool has no upstream"),
        ("getPets", "unknown tool `getPets`"),
    ] {
        let arguments = Json::of(&json!({"petId": "1"}));
        let call = ToolCall {
            name: tool,
            arguments: arguments.slice(),
        };
        let error = source.call(&context, call).await.expect_err(tool);
        assert_eq!(error.to_string(), expected, "{tool}");
    }
}
