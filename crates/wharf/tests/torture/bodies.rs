//! Request bodies: 1–4 and 10–15.

use serde_json::json;

use crate::offer::{paths, refused, sent};

#[tokio::test]
async fn case_01_map_or_free_form_body() {
    let document = r"
paths:
  /map: {put: {operationId: map, requestBody: {required: true, content: {application/json: {schema: {type: object, additionalProperties: {type: string}}}}}}}
  /free: {put: {operationId: free, requestBody: {required: true, content: {application/json: {schema: {type: object}}}}}}
  /empty: {put: {operationId: empty, requestBody: {required: true, content: {application/json: {schema: {type: object, properties: {}}}}}}}
  /any: {put: {operationId: any, requestBody: {required: true, content: {application/json: {schema: {}}}}}}
  /none: {put: {operationId: none, requestBody: {required: true, content: {application/json: {}}}}}
";
    for tool in ["map", "free", "empty", "any", "none"] {
        let request = sent(document, tool, json!({"body": {"b": "1", "a": "2"}})).await;
        assert_eq!(request.text(), r#"{"b":"1","a":"2"}"#, "{tool}");
        assert_eq!(
            request.header("content-type"),
            Some("application/json"),
            "{tool}"
        );
    }
    let complaint = refused(document, "map", json!({"body": {"a": 1}})).await;
    assert!(complaint.contains("`body.a`"), "{complaint}");
}

#[tokio::test]
async fn case_02_all_of_with_referenced_members() {
    let document = r"
paths:
  /pets: {post: {operationId: add, requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Puppy'}}}}}}
components:
  schemas:
    Thing: {type: object, required: [id], properties: {id: {type: integer}}}
    Animal: {allOf: [{$ref: '#/components/schemas/Thing'}, {properties: {kind: {type: string}}}]}
    Dog: {allOf: [{$ref: '#/components/schemas/Animal'}, {type: object, required: [name], properties: {name: {type: string}}}]}
    Puppy: {allOf: [{$ref: '#/components/schemas/Dog'}], properties: {weeks: {type: integer}}}
";
    let offer = paths(document).offer();
    assert_eq!(offer.arguments("add"), ["id", "kind", "name", "weeks"]);
    assert_eq!(offer.input("add")["required"], json!(["id", "name"]));
    let arguments = json!({"id": 1, "kind": "dog", "name": "Rex", "weeks": 8});
    let request = sent(document, "add", arguments.clone()).await;
    assert_eq!(request.text(), arguments.to_string());
    let complaint = refused(document, "add", json!({"kind": "dog", "id": 1})).await;
    assert!(
        complaint.contains("argument `name` is missing"),
        "{complaint}"
    );
}

#[tokio::test]
async fn case_03_single_property_of_an_object_body() {
    let document = r"
paths:
  /plain: {post: {operationId: plain, requestBody: {content: {application/json: {schema: {type: object, properties: {name: {type: string}}}}}}}}
  /untyped: {post: {operationId: untyped, requestBody: {content: {application/json: {schema: {properties: {name: {type: string}}}}}}}}
  /composed: {post: {operationId: composed, requestBody: {content: {application/json: {schema: {allOf: [{properties: {name: {type: string}}}]}}}}}}
  /several: {post: {operationId: several, requestBody: {content: {application/json: {schema: {type: [object, 'null'], properties: {name: {type: string}, age: {type: integer}}}}}}}}
";
    for tool in ["plain", "untyped", "composed", "several"] {
        let request = sent(document, tool, json!({"name": "Rex"})).await;
        assert_eq!(request.text(), r#"{"name":"Rex"}"#, "{tool}");
    }
}

#[tokio::test]
async fn case_04_explicit_null() {
    let document = r"
paths:
  /json: {put: {operationId: json, requestBody: {required: true, content: {application/json: {schema: {type: object, properties: {a: {type: [string, 'null']}, b: {type: string}}}}}}}}
  /merge: {patch: {operationId: merge, requestBody: {required: true, content: {application/merge-patch+json: {schema: {type: object, properties: {a: {type: [string, 'null']}}}}}}}}
  /deep: {put: {operationId: deep, requestBody: {required: true, content: {application/json: {schema: {type: object, properties: {o: {type: object}}}}}}}}
  /query: {get: {operationId: query, parameters: [{name: q, in: query, schema: {type: [string, 'null']}}]}}
";
    for (tool, arguments, line, body) in [
        (
            "json",
            json!({"a": null, "b": "x"}),
            "PUT /base/json",
            r#"{"a":null,"b":"x"}"#,
        ),
        (
            "merge",
            json!({"a": null}),
            "PATCH /base/merge",
            r#"{"a":null}"#,
        ),
        (
            "deep",
            json!({"o": {"x": null}}),
            "PUT /base/deep",
            r#"{"o":{"x":null}}"#,
        ),
        // A query has no null: the parameter is left out.
        ("query", json!({"q": null}), "GET /base/query", ""),
    ] {
        let request = sent(document, tool, arguments).await;
        assert_eq!(request.line, line, "{tool}");
        assert_eq!(request.text(), body, "{tool}");
    }
    let request = sent(document, "merge", json!({"a": null})).await;
    let media_type = request.header("content-type");
    assert_eq!(media_type, Some("application/merge-patch+json"));
}

#[tokio::test]
async fn case_10_form_body_with_nested_objects() {
    let document = r"
paths:
  /charges:
    post:
      operationId: charge
      requestBody:
        content:
          application/x-www-form-urlencoded:
            encoding:
              metadata: {style: deepObject, explode: true}
              card: {style: deepObject, explode: true}
              expand: {style: deepObject, explode: true}
              items: {style: deepObject, explode: true}
            schema:
              type: object
              properties:
                amount: {type: integer}
                metadata: {type: object, additionalProperties: {type: string}}
                card: {type: object}
                expand: {type: array, items: {type: string}}
                items: {type: array, items: {type: object}}
                tags: {type: array, items: {type: string}}
                plain: {type: object}
";
    for (arguments, body) in [
        (json!({"amount": 5}), "amount=5"),
        (
            json!({"metadata": {"order id": "6&7"}}),
            "metadata%5Border%20id%5D=6%267",
        ),
        (
            json!({"card": {"owner": {"name": "A"}, "ok": true}}),
            "card%5Bowner%5D%5Bname%5D=A&card%5Bok%5D=true",
        ),
        (
            json!({"expand": ["a", "b"]}),
            "expand%5B%5D=a&expand%5B%5D=b",
        ),
        (
            json!({"items": [{"id": 1}, {"id": 2}]}),
            "items%5B0%5D%5Bid%5D=1&items%5B1%5D%5Bid%5D=2",
        ),
        (json!({"tags": ["a", "b"]}), "tags=a&tags=b"),
        // Without an encoding an object is one JSON value (OpenAPI 3.1 §4.8.15).
        (json!({"plain": {"a": 1}}), "plain=%7B%22a%22%3A1%7D"),
    ] {
        let shown = arguments.to_string();
        let request = sent(document, "charge", arguments).await;
        assert_eq!(request.text(), body, "{shown}");
        let media_type = request.header("content-type");
        assert_eq!(
            media_type,
            Some("application/x-www-form-urlencoded"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn case_11_multipart_body() {
    let document = r"
paths:
  /upload:
    post:
      operationId: upload
      requestBody:
        required: true
        content:
          multipart/form-data:
            encoding:
              photo: {contentType: image/png}
              meta: {contentType: application/json}
            schema:
              type: object
              properties:
                file: {type: string, format: binary}
                files: {type: array, items: {type: string, format: binary}}
                photo: {type: string, contentMediaType: image/png}
                tags: {type: array, items: {type: string}}
                meta: {type: object}
                note: {type: string}
";
    for (arguments, parts) in [
        (
            json!({"file": {"data": "aGVsbG8=", "filename": "a \"b\".txt", "mime_type": "text/plain"}}),
            &[
                "name=\"file\"; filename=\"a %22b%22.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n",
            ][..],
        ),
        (
            json!({"file": "data:image/gif;base64,R0lG"}),
            &["name=\"file\"; filename=\"file\"\r\nContent-Type: image/gif\r\n\r\nGIF\r\n"],
        ),
        (
            json!({"photo": "aGVsbG8="}),
            &["name=\"photo\"; filename=\"photo\"\r\nContent-Type: image/png\r\n\r\nhello\r\n"],
        ),
        (
            json!({"files": ["YQ==", "Yg=="], "tags": ["x", "y"]}),
            &[
                "name=\"files\"; filename=\"files\"\r\nContent-Type: application/octet-stream\r\n\r\na\r\n",
                "name=\"files\"; filename=\"files\"\r\nContent-Type: application/octet-stream\r\n\r\nb\r\n",
                "name=\"tags\"\r\n\r\nx\r\n",
                "name=\"tags\"\r\n\r\ny\r\n",
            ],
        ),
        (
            json!({"meta": {"a": [1, true]}, "note": "n"}),
            &[
                "name=\"meta\"\r\nContent-Type: application/json\r\n\r\n{\"a\":[1,true]}\r\n",
                "name=\"note\"\r\n\r\nn\r\n",
            ],
        ),
    ] {
        let shown = arguments.to_string();
        let request = sent(document, "upload", arguments).await;
        let media_type = request.header("content-type").unwrap();
        let boundary = media_type
            .strip_prefix("multipart/form-data; boundary=")
            .unwrap();
        let expected: Vec<_> = parts
            .iter()
            .map(|part| format!("--{boundary}\r\nContent-Disposition: form-data; {part}"))
            .collect();
        let body = format!("{}--{boundary}--\r\n", expected.concat());
        assert_eq!(request.text(), body, "{shown}");
    }
    let complaint = refused(
        document,
        "upload",
        json!({"file": "/etc/passwd is no base64"}),
    )
    .await;
    assert!(complaint.contains("`file` is not base64"), "{complaint}");
}

#[tokio::test]
async fn case_12_text_xml_and_binary_bodies() {
    let document = r"
paths:
  /text: {post: {operationId: text, requestBody: {required: true, content: {text/plain: {schema: {type: string}}}}}}
  /xml: {post: {operationId: xml, requestBody: {required: true, content: {application/xml: {schema: {type: object, properties: {a: {type: string}}}}}}}}
  /bytes: {post: {operationId: bytes, requestBody: {required: true, content: {application/octet-stream: {schema: {type: string, format: binary}}}}}}
  /image: {post: {operationId: image, requestBody: {required: true, content: {'image/*': {}}}}}
";
    for (tool, body, media_type, expected) in [
        ("text", "a \"b\"\n", "text/plain", &b"a \"b\"\n"[..]),
        (
            "text",
            "caf\u{e9}",
            "text/plain; charset=utf-8",
            "caf\u{e9}".as_bytes(),
        ),
        ("xml", "<a>1</a>", "application/xml", b"<a>1</a>"),
        (
            "bytes",
            "AP/+gA==",
            "application/octet-stream",
            b"\0\xff\xfe\x80",
        ),
        (
            "image",
            "data:image/png;base64,iVBORw==",
            "image/png",
            b"\x89PNG",
        ),
    ] {
        let request = sent(document, tool, json!({ "body": body })).await;
        assert_eq!(
            request.header("content-type"),
            Some(media_type),
            "{tool} {body}"
        );
        assert_eq!(request.body, expected, "{tool} {body}");
    }
    let complaint = refused(document, "bytes", json!({"body": "no base64!"})).await;
    assert!(complaint.contains("`body` is not base64"), "{complaint}");
}

#[tokio::test]
async fn case_13_json_of_other_media_types() {
    let object = "{type: object, properties: {a: {type: integer}}}";
    for (media_type, schema, arguments, body) in [
        (
            "application/json-patch+json",
            "{type: array, items: {type: object}}",
            json!({"body": [{"op": "remove", "path": "/a"}]}),
            r#"[{"op":"remove","path":"/a"}]"#,
        ),
        (
            "application/merge-patch+json",
            object,
            json!({"a": 1}),
            r#"{"a":1}"#,
        ),
        (
            "application/vnd.api+json",
            object,
            json!({"a": 1}),
            r#"{"a":1}"#,
        ),
        (
            "application/vnd.acme.v2+json; profile=\"x\"",
            object,
            json!({"a": 1}),
            r#"{"a":1}"#,
        ),
        ("text/json", object, json!({"a": 1}), r#"{"a":1}"#),
    ] {
        let document = format!(
            "paths: {{/x: {{patch: {{operationId: x, requestBody: {{required: true, content: {{'{media_type}': {{schema: {schema}}}}}}}}}}}}}"
        );
        let request = sent(&document, "x", arguments).await;
        assert_eq!(request.header("content-type"), Some(media_type));
        assert_eq!(request.text(), body, "{media_type}");
    }
}

#[tokio::test]
async fn case_14_several_request_media_types() {
    let document = r"
paths:
  /same:
    post:
      operationId: same
      requestBody:
        required: true
        content:
          application/xml: {schema: {type: object, properties: {a: {type: string}}}}
          application/x-www-form-urlencoded: {schema: {type: object, properties: {a: {type: string}}}}
          text/json: {schema: {type: object, properties: {a: {type: string}}}}
          application/json: {schema: {type: object, properties: {a: {type: string}}}}
  /photo:
    post:
      operationId: photo
      requestBody:
        required: true
        content:
          multipart/form-data: {schema: {type: object, required: [file], properties: {file: {type: string, format: binary}, caption: {type: string}}}}
          application/json: {schema: {type: object, required: [url], properties: {url: {type: string}, caption: {type: string}}}}
  /patch:
    patch:
      operationId: patch
      requestBody:
        required: true
        content:
          application/json-patch+json: {schema: {type: object}}
          application/merge-patch+json: {schema: {type: object}}
          application/strategic-merge-patch+json: {schema: {type: object}}
  /rows:
    post:
      operationId: rows
      requestBody:
        required: true
        content:
          text/csv: {schema: {type: string}}
          application/json: {schema: {type: array, items: {type: object}}}
";
    let offer = paths(document).offer();
    // The same content in another dress is no choice.
    assert_eq!(offer.arguments("same"), ["a"]);
    let request = sent(document, "same", json!({"a": "x"})).await;
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.text(), r#"{"a":"x"}"#);

    // Where the other media type can say what JSON cannot, an argument chooses it.
    let choice = &offer.input("photo")["properties"]["content_type"];
    assert_eq!(
        choice["enum"],
        json!(["application/json", "multipart/form-data"])
    );
    assert_eq!(
        offer.arguments("photo"),
        ["url", "caption", "file", "content_type"]
    );
    for arguments in [
        json!({"url": "u", "caption": "c"}),
        json!({"url": "u", "caption": "c", "content_type": "application/json"}),
    ] {
        let request = sent(document, "photo", arguments).await;
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.text(), r#"{"url":"u","caption":"c"}"#);
    }
    let arguments = json!({"file": "YQ==", "caption": "c", "content_type": "multipart/form-data"});
    let request = sent(document, "photo", arguments).await;
    let media_type = request.header("content-type").unwrap();
    assert!(
        media_type.starts_with("multipart/form-data; boundary="),
        "{media_type}"
    );
    assert!(
        request.text().contains("\r\n\r\na\r\n"),
        "{}",
        request.text()
    );
    assert!(
        request.text().contains("name=\"caption\"\r\n\r\nc\r\n"),
        "{}",
        request.text()
    );

    let rows = json!({"body": [{"a": 1}]});
    assert_eq!(sent(document, "rows", rows).await.text(), r#"[{"a":1}]"#);
    let rows = json!({"body_2": "a\n1\n", "content_type": "text/csv"});
    let request = sent(document, "rows", rows).await;
    assert_eq!(request.header("content-type"), Some("text/csv"));
    assert_eq!(request.text(), "a\n1\n");

    // One schema for several kinds of patch: a JSON patch, which is a list, cannot be meant by it.
    assert_eq!(
        offer.input("patch")["properties"]["content_type"],
        json!({
            "type": "string",
            "description": "What the body is; without it `application/merge-patch+json`.",
            "enum": ["application/merge-patch+json", "application/strategic-merge-patch+json"],
        })
    );
    assert_eq!(offer.input("patch")["required"], json!(["body"]));
    let kind = "application/strategic-merge-patch+json";
    let patch = json!({"body": {"a": null}, "content_type": kind});
    let request = sent(document, "patch", patch).await;
    assert_eq!(request.header("content-type"), Some(kind));
    assert_eq!(request.text(), r#"{"a":null}"#);

    for (arguments, expected) in [
        (json!({}), "argument `url` is missing"),
        (
            json!({"content_type": "multipart/form-data"}),
            "argument `file` is missing",
        ),
        (
            json!({"url": "u", "content_type": "image/png"}),
            "`content_type`",
        ),
        (json!({"url": "u", "file": "YQ=="}), "`file`"),
    ] {
        let shown = arguments.to_string();
        let complaint = refused(document, "photo", arguments).await;
        assert!(complaint.contains(expected), "{shown}: {complaint}");
    }
}

#[tokio::test]
async fn case_15_scalar_json_bodies() {
    for (schema, body, expected) in [
        (
            "{type: string}",
            json!("he said \"hi\""),
            r#""he said \"hi\"""#,
        ),
        ("{type: integer}", json!(5), "5"),
        ("{type: number}", json!(0.5), "0.5"),
        ("{type: boolean}", json!(false), "false"),
        ("{type: [string, 'null']}", json!(null), "null"),
        (
            "{type: array, items: {type: string}}",
            json!(["a"]),
            r#"["a"]"#,
        ),
    ] {
        let document = format!(
            "paths: {{/x: {{put: {{operationId: x, requestBody: {{required: true, content: {{application/json: {{schema: {schema}}}}}}}}}}}}}"
        );
        let request = sent(&document, "x", json!({ "body": body })).await;
        assert_eq!(request.text(), expected, "{schema}");
        assert_eq!(
            request.header("content-type"),
            Some("application/json"),
            "{schema}"
        );
    }
}

#[tokio::test]
async fn bytes_of_any_media_type() {
    for media_type in ["'*/*'", "application/*"] {
        for schema in [
            "{type: string, format: binary}",
            "{type: string, contentMediaType: image/png}",
        ] {
            let document = format!(
                "paths: {{/x: {{put: {{operationId: x, requestBody: {{required: true, content: {{{media_type}: {{schema: {schema}}}}}}}}}}}}}"
            );
            for (body, content_type) in [
                ("AP8K", "application/octet-stream"),
                ("data:image/png;base64,AP8K", "image/png"),
            ] {
                let row = format!("{media_type} {schema} {body}");
                let request = sent(&document, "x", json!({ "body": body })).await;
                assert_eq!(request.body, b"\x00\xff\n", "{row}");
                assert_eq!(request.header("content-type"), Some(content_type), "{row}");
            }
        }
    }
}

/// The schema of a tool cannot say it: the members are optional because the body is.
#[tokio::test]
async fn an_optional_body_is_sent_whole_or_not_at_all() {
    let document = r"
paths:
  /x:
    post:
      operationId: x
      requestBody: {content: {application/json: {schema: {type: object, required: [name, kind], properties: {note: {type: string}, name: {type: string}, kind: {type: string}}}}}}
  /form:
    post:
      operationId: form
      requestBody:
        content:
          application/json: {schema: {type: object, required: [url], properties: {url: {type: string}, note: {type: string}}}}
          multipart/form-data: {schema: {type: object, required: [file], properties: {file: {type: string, format: binary}, note: {type: string}}}}
";
    let offer = paths(document).offer();
    assert_eq!(offer.input("x").get("required"), None);
    assert_eq!(offer.input("form").get("required"), None);
    for tool in ["x", "form"] {
        let request = sent(document, tool, json!({})).await;
        assert_eq!(request.text(), "", "{tool}");
        assert_eq!(request.header("content-type"), None, "{tool}");
    }
    let whole = json!({"name": "n", "kind": "k"});
    assert_eq!(
        sent(document, "x", whole).await.text(),
        r#"{"name":"n","kind":"k"}"#
    );
    let whole = json!({"url": "u", "note": "n"});
    assert_eq!(
        sent(document, "form", whole).await.text(),
        r#"{"url":"u","note":"n"}"#
    );
    for (tool, arguments, expected) in [
        (
            "x",
            json!({"note": "n"}),
            "argument `name` is missing, which goes with `note`",
        ),
        (
            "x",
            json!({"kind": "k"}),
            "argument `name` is missing, which goes with `kind`",
        ),
        (
            "form",
            json!({"note": "n"}),
            "argument `url` is missing, which a body of `application/json`",
        ),
        (
            "form",
            json!({"note": "n", "content_type": "multipart/form-data"}),
            "argument `file` is missing, which a body of `multipart/form-data`",
        ),
    ] {
        let shown = arguments.to_string();
        let complaint = refused(document, tool, arguments).await;
        assert!(complaint.contains(expected), "{tool} {shown}: {complaint}");
    }
}
