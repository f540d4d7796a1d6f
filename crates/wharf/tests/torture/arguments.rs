//! What a client may give: 18 and 19.

use serde_json::json;

use crate::offer::{refused, sent};

const DOCUMENT: &str = r"
paths:
  /x/{id}:
    post:
      operationId: x
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: status, in: query, required: true, schema: {type: string, enum: [open, closed]}}
        - {name: limit, in: query, schema: {type: integer, maximum: 100}}
        - {name: note, in: query, schema: {type: string}}
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                tags: {type: array, items: {type: string}}
                owner: {type: object, required: [name], properties: {name: {type: string}, age: {type: integer}}}
                active: {type: boolean}
";

#[tokio::test]
async fn case_18_arguments_that_do_not_fit() {
    for (arguments, expected) in [
        (json!({"status": "open"}), "argument `id` is missing"),
        (json!({"id": "", "status": "open"}), "`id`"),
        (json!({"id": "1", "status": "lost"}), "argument `status`"),
        (
            json!({"id": "1", "status": "open", "limit": "many"}),
            "argument `limit`",
        ),
        (
            json!({"id": "1", "status": "open", "limit": 101}),
            "argument `limit`",
        ),
        (
            json!({"id": "1", "status": "open", "owner": {}}),
            "argument `owner`: `name` is missing",
        ),
        (
            json!({"id": "1", "status": "open", "tags": [1]}),
            "argument `tags[0]`",
        ),
        (
            json!({"id": "1", "status": "open", "limmit": 5}),
            "no argument `limmit`",
        ),
    ] {
        let shown = arguments.to_string();
        let complaint = refused(DOCUMENT, "x", arguments).await;
        assert!(complaint.contains(expected), "{shown}: {complaint}");
    }
}

#[tokio::test]
async fn case_19_arguments_as_texts_of_json() {
    let request = sent(
        DOCUMENT,
        "x",
        json!({
            "id": "1", "status": "open", "limit": "5", "note": "[1]", "active": "true",
            "tags": "[\"a\"]", "owner": "{\"name\":\"A\",\"age\":\"7\"}",
        }),
    )
    .await;
    // A text that fits as it is stays a text.
    assert_eq!(
        request.line,
        "POST /base/x/1?status=open&limit=5&note=%5B1%5D"
    );
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        body,
        json!({"active": true, "tags": ["a"], "owner": {"name": "A", "age": 7}})
    );
}
