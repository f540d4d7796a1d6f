//! What older servers did and somebody may depend on: a setting brings each back.

use serde_json::json;
use wharf_openapi::UnknownArguments;

use crate::api::Reply;
use crate::offer::{paths, sent};

const DOCUMENT: &str = r"
paths:
  /x:
    post:
      operationId: x
      parameters: [{name: q, in: query, schema: {type: string}}]
      requestBody: {required: true, content: {application/json: {schema: {type: object, properties: {a: {type: [string, 'null']}, b: {type: object}}}}}}
      responses: {'200': {description: OK, content: {application/json: {schema: {type: object, required: [id], properties: {id: {type: integer}}}}}}}
  /list: {get: {operationId: list, responses: {'200': {description: OK, content: {application/json: {schema: {type: array, items: {type: string}}}}}}}}
";

#[tokio::test]
async fn strict_output_makes_an_error_of_a_mismatch() {
    for (tool, reply, complaint) in [
        ("x", Reply::json(r#"{"id":1}"#), None),
        (
            "x",
            Reply::json(r#"{"id":"one"}"#),
            Some("\"one\" is not of type \"integer\""),
        ),
        (
            "x",
            Reply::json("{}"),
            Some("\"id\" is a required property"),
        ),
        (
            "x",
            Reply::new(200, "text/plain", "done"),
            Some("\"id\" is a required property"),
        ),
        ("list", Reply::json(r#"["a"]"#), None),
        (
            "list",
            Reply::json("[1]"),
            Some("1 is not of type \"string\""),
        ),
        (
            "list",
            Reply::empty(204),
            Some("null is not of type \"array\""),
        ),
    ] {
        let shown = format!("{tool} {reply:?}");
        let offer = paths(DOCUMENT)
            .tools(|tools| tools.strict_output = true)
            .answering([reply])
            .offer();
        let schema = offer.output(tool).unwrap().to_string();
        assert!(
            schema.contains("integer") || schema.contains("string"),
            "the full schema is listed: {schema}"
        );
        let answer = offer.call(tool, json!({})).await;
        assert_eq!(
            answer.is_error,
            complaint.is_some(),
            "{shown}: {}",
            answer.text()
        );
        if let Some(complaint) = complaint {
            let text = answer.text();
            assert!(
                text.starts_with(&format!("Output validation error: {complaint}")),
                "{shown}: {text}"
            );
            assert_eq!(answer.structured, None, "{shown}");
        }
    }
}

#[tokio::test]
async fn nulls_can_be_dropped() {
    let arguments = json!({"a": null, "b": {"c": null}});
    assert_eq!(
        sent(DOCUMENT, "x", arguments.clone()).await.text(),
        arguments.to_string()
    );
    let offer = paths(DOCUMENT)
        .tools(|tools| tools.drop_nulls = true)
        .offer();
    offer.call("x", arguments).await;
    assert_eq!(
        offer.api.request().text(),
        r#"{"b":{"c":null}}"#,
        "arguments alone: what is inside of one stays"
    );
}

#[tokio::test]
async fn unknown_arguments_can_be_dropped() {
    let arguments = json!({"q": "1", "unheard_of": 2, "a": "x"});
    let answer = paths(DOCUMENT).offer().call("x", arguments.clone()).await;
    assert!(
        answer.is_error && answer.text().contains("no argument `unheard_of`"),
        "{}",
        answer.text()
    );
    let offer = paths(DOCUMENT)
        .tools(|tools| tools.unknown_arguments = UnknownArguments::Drop)
        .offer();
    assert_eq!(offer.input("x").get("additionalProperties"), None);
    let answer = offer.call("x", arguments).await;
    assert!(!answer.is_error, "{}", answer.text());
    let request = offer.api.request();
    assert_eq!(request.line, "POST /base/x?q=1");
    assert_eq!(request.text(), r#"{"a":"x"}"#);
}
