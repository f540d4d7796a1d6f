//! What a client gets of an answer: 28–32, 35, 58 and 59.

use serde_json::json;
use wharf_model::{Content, ResourceBody};
use wharf_openapi::OutputSchemas;

use crate::api::Reply;
use crate::offer::{got, paths, sent};

/// An object, a list, and nothing that is promised.
const PROMISES: &str = r"
paths:
  /object: {get: {operationId: object, responses: {'200': {description: OK, content: {application/json: {schema: {type: object, required: [id], properties: {id: {type: integer}}}}}}}}}
  /list: {get: {operationId: list, responses: {'200': {description: OK, content: {application/json: {schema: {type: array, items: {type: string}}}}}}}}
  /default: {get: {operationId: default, responses: {default: {description: Anything, content: {application/json: {schema: {type: object}}}}}}}
  /head: {head: {operationId: head, responses: {'200': {description: OK, content: {application/json: {schema: {type: object}}}}}}}
  /nothing: {delete: {operationId: nothing, responses: {'204': {description: Gone}}}}
";

#[tokio::test]
async fn case_28_an_upstream_that_breaks_its_own_schema() {
    for (output_schemas, flagged) in [
        (OutputSchemas::None, false),
        (OutputSchemas::Open, false),
        (OutputSchemas::Full, true),
    ] {
        for (tool, body) in [
            ("object", r#"{"id":"seven"}"#),
            ("object", r#"{"other":1}"#),
            ("object", "[1]"),
            ("object", "null"),
            ("list", "[1,2]"),
            ("list", r#"{"items":[]}"#),
        ] {
            let offer = paths(PROMISES)
                .tools(|tools| tools.output_schemas = output_schemas)
                .answering([Reply::json(body)])
                .offer();
            // That a strict client takes the result is checked by every call.
            let answer = offer.call(tool, json!({})).await;
            let shown = format!("{output_schemas:?} {tool} {body}: {answer:?}");
            assert!(!answer.is_error, "{shown}");
            let sent: serde_json::Value = serde_json::from_str(body).unwrap();
            let given = answer.value();
            assert!(
                given == sent || given == json!({ "result": sent }),
                "{shown}"
            );
            let says_so = answer
                .text()
                .contains("differs from what the document promises");
            assert_eq!(says_so, flagged, "{shown}");
        }
    }
    // The whole schema is still there to be read.
    let offer = paths(PROMISES)
        .tools(|tools| tools.output_schemas = OutputSchemas::Full)
        .offer();
    assert!(
        offer
            .output("object")
            .unwrap()
            .to_string()
            .contains(r#""id":{"type":"integer"}"#)
    );
    assert!(
        offer
            .output("list")
            .unwrap()
            .to_string()
            .contains(r#""items":{"type":"string"}"#)
    );
}

#[tokio::test]
async fn case_29_json_promised_and_something_else_given() {
    for (tool, reply, text) in [
        ("object", Reply::new(200, "text/plain", "done"), "done"),
        (
            "object",
            Reply::new(200, "text/html", "<p>hi</p>"),
            "<p>hi</p>",
        ),
        (
            "list",
            Reply::new(200, "application/json", "<html>"),
            "<html>",
        ),
        ("default", Reply::json(r#"{"a":1}"#), r#"{"a":1}"#),
        ("object", Reply::json(""), "200 OK"),
        ("list", Reply::empty(204), "204 No Content"),
        ("nothing", Reply::empty(204), "204 No Content"),
        (
            "head",
            Reply::json("").with("x-total-count", "5"),
            "X-Total-Count: 5",
        ),
    ] {
        for output_schemas in [
            OutputSchemas::None,
            OutputSchemas::Open,
            OutputSchemas::Full,
        ] {
            let offer = paths(PROMISES)
                .tools(|tools| tools.output_schemas = output_schemas)
                .answering([reply.clone()])
                .offer();
            let answer = offer.call(tool, json!({})).await;
            assert!(
                !answer.is_error,
                "{output_schemas:?} {tool}: {}",
                answer.text()
            );
            assert!(
                answer.text().contains(text),
                "{output_schemas:?} {tool}: {}",
                answer.text()
            );
        }
    }
}

#[tokio::test]
async fn case_30_binary_answers() {
    let png = b"\x89PNG\r\n\x1a\n\0\0";
    for (content_type, kind) in [
        ("image/png", "image"),
        ("audio/mpeg", "audio"),
        ("application/pdf", "blob"),
        ("application/zip", "blob"),
    ] {
        for tool in ["object", "nothing"] {
            let answer = got(PROMISES, tool, Reply::new(200, content_type, png)).await;
            assert!(!answer.is_error, "{content_type} {tool}");
            let found = answer.content.iter().find_map(|content| match content {
                Content::Image {
                    data, mime_type, ..
                } => Some(("image", data, mime_type.as_str())),
                Content::Audio {
                    data, mime_type, ..
                } => Some(("audio", data, mime_type.as_str())),
                Content::Embedded { resource, .. } => match &resource.body {
                    ResourceBody::Blob(data) => {
                        Some(("blob", data, resource.mime_type.as_deref()?))
                    }
                    ResourceBody::Text(_) => None,
                },
                _ => None,
            });
            let (found, data, mime_type) = found.unwrap_or_else(|| panic!("{answer:?}"));
            assert_eq!((found, mime_type), (kind, content_type), "{tool}");
            assert_eq!(data.as_ref(), png, "{content_type} {tool}");
        }
    }
    // Half a picture is none: beyond the limit the size is told instead.
    let large = vec![0xff; (5 << 20) + 1];
    let answer = got(PROMISES, "nothing", Reply::new(200, "image/png", large)).await;
    assert!(answer.text().contains("5242881 bytes"), "{}", answer.text());
    assert!(
        answer
            .content
            .iter()
            .all(|content| matches!(content, Content::Text { .. }))
    );
}

#[tokio::test]
async fn case_31_charsets_and_odd_json() {
    for (content_type, body, structured) in [
        (
            "application/json; charset=iso-8859-1",
            &b"{\"id\":\"caf\xe9\"}"[..],
            Some("{\"id\":\"caf\u{e9}\"}"),
        ),
        (
            "application/json; charset=utf-16le",
            b"[\x001\0]\0",
            Some(r#"{"result":[1]}"#),
        ),
        (
            "application/json",
            b"\xef\xbb\xbf{\"id\":1}",
            Some(r#"{"id":1}"#),
        ),
        (
            "application/json",
            b"{\"id\":123456789012345678901234567890}",
            Some(r#"{"id":123456789012345678901234567890}"#),
        ),
        ("application/json", b"{\"id\":1.10}", Some(r#"{"id":1.10}"#)),
        (
            "application/json",
            b"{\"id\":1,\"id\":2}",
            Some(r#"{"id":1,"id":2}"#),
        ),
        // Not JSON: text, in a result that is JSON.
        (
            "application/json",
            b"{\"id\":NaN}",
            Some(r#"{"result":"{\"id\":NaN}"}"#),
        ),
        (
            "application/json",
            b"{\"id\":Infinity}",
            Some(r#"{"result":"{\"id\":Infinity}"}"#),
        ),
    ] {
        let answer = got(PROMISES, "object", Reply::new(200, content_type, body)).await;
        assert!(!answer.is_error, "{content_type} {body:?}");
        assert_eq!(
            answer.structured.as_deref(),
            structured,
            "{content_type} {body:?}"
        );
    }
    let text = Reply::new(200, "text/plain; charset=windows-1252", b"\x80 5");
    assert_eq!(got(PROMISES, "nothing", text).await.text(), "\u{20ac} 5");
}

#[tokio::test]
async fn case_32_errors_with_a_json_body() {
    let problem = r#"{"type":"about:blank","detail":"it's \"bad\"","missing":null,"ok":true}"#;
    let reply = Reply::new(422, "application/problem+json", problem)
        .with("x-request-id", "r-7")
        .with("retry-after", "3")
        .with("set-cookie", "session=hush")
        .with("server", "hush");
    let answer = got(PROMISES, "object", reply).await;
    assert!(answer.is_error);
    let text = answer.text();
    let (head, body) = text.split_once("\n\n").unwrap();
    assert!(head.starts_with("HTTP 422 Unprocessable"), "{text}");
    assert!(
        head.contains("X-Request-Id: r-7") && head.contains("Retry-After: 3"),
        "{text}"
    );
    assert!(!text.contains("hush"), "{text}");
    assert_eq!(body, problem);
    for (status, reply) in [
        (500, Reply::new(500, "text/html", "<h1>Oops</h1>")),
        (404, Reply::empty(404)),
        (
            400,
            Reply::new(400, "application/octet-stream", b"\xff\xfe\xfd"),
        ),
    ] {
        let answer = got(PROMISES, "object", reply).await;
        assert!(
            answer.is_error && answer.text().starts_with(&format!("HTTP {status} ")),
            "{answer:?}"
        );
        assert!(!answer.text().contains('\u{fffd}'), "{answer:?}");
    }
}

#[tokio::test]
async fn case_35_a_huge_answer() {
    let items = |count| format!("[{}]", vec![r#""0123456789""#; count].join(","));
    for tool in ["object", "list", "nothing"] {
        let offer = paths(PROMISES)
            .tools(|tools| tools.result_bytes_max = 10_000)
            .upstream(|upstream| upstream.response_bytes_max = 100_000)
            .answering([
                Reply::json(items(2_000)),
                Reply::json(items(20_000)),
                Reply::new(200, "text/plain", "x".repeat(20_000)),
            ])
            .offer();
        for size in ["26001", "too large to be read whole", "20000"] {
            let answer = offer.call(tool, json!({})).await;
            assert!(!answer.is_error);
            let text = answer.text();
            assert!(
                text.contains("[cut here") && text.contains(size),
                "{tool} {size}: {}",
                &text[text.len() - 200..]
            );
            // Text and structured content together: once, and a few words.
            let total = text.len() + answer.structured.map_or(0, |structured| structured.len());
            assert!(total < 11_000, "{tool} {size}: {total} bytes");
        }
    }
}

#[tokio::test]
async fn case_58_xml_csv_ndjson_and_event_streams() {
    let document = r"
paths:
  /xml: {post: {operationId: xml, requestBody: {required: true, content: {application/xml: {schema: {type: object}}}}, responses: {'200': {description: OK, content: {application/xml: {schema: {type: object}}}}}}}
  /rows: {get: {operationId: rows, responses: {'200': {description: OK, content: {text/csv: {schema: {type: string}}}}}}}
  /lines: {get: {operationId: lines, responses: {'200': {description: OK, content: {application/x-ndjson: {schema: {type: object}}}}}}}
  /events: {get: {operationId: events, responses: {'200': {description: OK, content: {text/event-stream: {schema: {type: object}}}}}}}
";
    let request = sent(document, "xml", json!({"body": "<a/>"})).await;
    assert_eq!(request.text(), "<a/>");
    assert_eq!(request.header("content-type"), Some("application/xml"));
    assert_eq!(request.header("accept"), Some("application/xml"));
    let offer = paths(document)
        .answering([Reply::new(200, "application/xml", "<b>1</b>")])
        .offer();
    assert_eq!(
        offer.call("xml", json!({"body": "<a/>"})).await.text(),
        "<b>1</b>"
    );
    for (tool, content_type, body) in [
        ("rows", "text/csv", "a,b\r\n1,2\r\n"),
        ("lines", "application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n"),
        ("events", "text/event-stream", "data: 1\n\ndata: 2\n\n"),
    ] {
        let answer = got(document, tool, Reply::new(200, content_type, body)).await;
        assert!(!answer.is_error);
        assert_eq!(answer.text(), body, "{tool}");
    }
    // A stream that never ends: what came in time, and a word that it goes on.
    let endless = Reply::new(200, "text/event-stream", "data: 1\n\n").hanging();
    let offer = paths(document)
        .upstream(|upstream| upstream.read_timeout_s = 0.3.try_into().unwrap())
        .answering([endless])
        .offer();
    let answer = offer.call("events", json!({})).await;
    assert!(!answer.is_error, "{}", answer.text());
    assert!(
        answer.text().starts_with("data: 1\n\n") && answer.text().contains("[cut here"),
        "{}",
        answer.text()
    );
    offer.api.until_given_up().await;
    // One that breaks off is as good; any other answer is not.
    let broken = |content_type| Reply::new(200, content_type, "data: 1\n\n").breaking_off();
    let answer = got(
        document,
        "events",
        broken("text/event-stream; charset=utf-8"),
    )
    .await;
    assert!(
        answer.text().starts_with("data: 1\n\n"),
        "{}",
        answer.text()
    );
    assert!(
        !answer.is_error && answer.text().contains("[cut here"),
        "{}",
        answer.text()
    );
    let answer = got(document, "rows", broken("text/csv")).await;
    assert!(
        answer.is_error && answer.text().contains("closed the connection"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn case_59_where_the_next_page_is() {
    let link = "<https://api.example/items?page=2>; rel=\"next\"";
    for (name, value, shown) in [
        ("link", link, format!("Link: {link}")),
        ("x-next-cursor", "abc", "X-Next-Cursor: abc".to_owned()),
        ("x-total-count", "412", "X-Total-Count: 412".to_owned()),
    ] {
        for tool in ["object", "list", "nothing"] {
            let answer = got(PROMISES, tool, Reply::json(r#"["a"]"#).with(name, value)).await;
            assert!(answer.text().ends_with(&shown), "{tool}: {}", answer.text());
            // The headers stand beside the answer, not in it.
            assert!(
                !answer.structured.unwrap_or_default().contains(value),
                "{tool}"
            );
        }
    }
    // A cursor in the body is part of the answer as it is.
    let answer = got(
        PROMISES,
        "object",
        Reply::json(r#"{"id":1,"next_cursor":"c2"}"#),
    )
    .await;
    assert_eq!(answer.value()["next_cursor"], "c2");
}
