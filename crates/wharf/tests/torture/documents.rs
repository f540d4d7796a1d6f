//! Documents as they are in the wild: 41–44 and 46.

use serde_json::json;

use crate::api::{Api, Reply};
use crate::offer::{paths, whole};
use crate::process::{Folder, run, text};

#[tokio::test]
async fn case_41_other_versions() {
    let swagger = r"
swagger: '2.0'
info: {title: Old, version: '1'}
host: api.example
basePath: /v1
schemes: [https]
consumes: [application/json]
paths:
  /pets/{id}:
    put:
      operationId: put
      parameters:
        - {name: id, in: path, required: true, type: integer}
        - {name: tags, in: query, type: array, items: {type: string}, collectionFormat: csv}
        - {name: pet, in: body, required: true, schema: {$ref: '#/definitions/Pet'}}
      responses: {'200': {description: OK, schema: {$ref: '#/definitions/Pet'}}}
definitions: {Pet: {type: object, properties: {name: {type: string}}}}
";
    let newer = r"
openapi: 3.1.0
info: {title: New, version: '1'}
paths:
  /pets/{id}:
    put:
      operationId: put
      parameters:
        - {name: id, in: path, required: true, schema: {type: [integer, 'null'], exclusiveMinimum: 0}}
        - {name: tags, in: query, explode: false, schema: {type: array, prefixItems: [{const: a}], items: {type: string}}}
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Pet', description: Beside a reference.}}}}
      responses: {'200': {description: OK, content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}}
components: {schemas: {Pet: {type: object, properties: {name: {$ref: '#/components/schemas/Pet/$defs/name'}}, $defs: {name: {type: string}}}}}
webhooks: {adopted: {post: {operationId: adopted}}}
";
    let newest = newer.replace("3.1.0", "3.2.0");
    for document in [swagger, newer, &newest] {
        let version = document.trim_start().lines().next().unwrap();
        let offer = whole(document)
            .answering([Reply::json(r#"{"name":"Rex"}"#)])
            .offer();
        assert_eq!(offer.names(), ["put"], "{version}");
        let answer = offer
            .call("put", json!({"id": 7, "tags": ["a", "b"], "name": "Rex"}))
            .await;
        assert_eq!(answer.text(), r#"{"name":"Rex"}"#, "{version}");
        let request = offer.api.request();
        assert_eq!(request.line, "PUT /base/pets/7?tags=a,b", "{version}");
        assert_eq!(request.text(), r#"{"name":"Rex"}"#, "{version}");
        let complaint = offer.call("put", json!({"id": "x", "name": 1})).await;
        assert!(
            complaint.is_error && complaint.text().contains("`id`"),
            "{version}: {complaint:?}"
        );
    }
}

#[tokio::test]
async fn case_42_yaml_that_means_something_else() {
    let document = "\u{feff}
openapi: 3.1
info: {title: 2024-01-01, version: 1.0}
x-shared: &shared {name: limit, in: query, schema: {type: integer, default: 010}}
x-ok: &ok {description: OK, content: {application/json: {schema: {type: object}}}}
paths:
  /x:
    get:
      operationId: x
      parameters:
        - *shared
        - {<<: *shared, name: since}
        - {name: day, in: query, schema: {type: string, enum: [2024-01-01, no, 1e3]}}
      responses:
        200: *ok
        404: {description: No}
";
    let offer = whole(document).offer();
    assert_eq!(offer.report.version.as_deref(), Some("1.0"));
    assert_eq!(offer.report.title.as_deref(), Some("2024-01-01"));
    assert!(offer.output("x").is_some(), "the integer status is read");
    assert_eq!(offer.arguments("x"), ["limit", "since", "day"]);
    let answer = offer
        .call("x", json!({"limit": 1, "since": 2, "day": "2024-01-01"}))
        .await;
    assert!(!answer.is_error, "{}", answer.text());
    assert_eq!(
        offer.api.request().line,
        "GET /base/x?limit=1&since=2&day=2024-01-01"
    );
}

#[tokio::test]
async fn case_43_one_broken_operation() {
    let document = r"
paths:
  /good: {get: {operationId: good}}
  /no-object: {get: 5}
  /bad-parameter: {get: {operationId: bad_parameter, parameters: [{name: x, in: nowhere}]}}
  /dangling: {get: {operationId: dangling, parameters: [{$ref: '#/components/parameters/Gone'}]}}
  /no-responses: {get: {operationId: no_responses}}
  /bogus-type: {get: {operationId: bogus_type, parameters: [{name: x, in: query, schema: {type: strnig}}]}}
";
    let offer = paths(document).offer();
    assert_eq!(offer.names(), ["good", "no_responses", "bogus_type"]);
    let left_out: Vec<_> = offer
        .report
        .left_out
        .iter()
        .map(|left| &*left.operation)
        .collect();
    assert_eq!(
        left_out,
        ["GET /no-object", "GET /bad-parameter", "GET /dangling"]
    );
    for left_out in &offer.report.left_out {
        assert!(
            left_out.pointer.starts_with("/paths/~1") && !left_out.reason.is_empty(),
            "{left_out:?}"
        );
    }
    assert!(
        offer
            .report
            .notes
            .iter()
            .any(|note| note.text.contains("none of JSON Schema's types")),
        "{:?}",
        offer.report.notes
    );
    for tool in ["good", "no_responses", "bogus_type"] {
        assert!(!offer.call(tool, json!({})).await.is_error, "{tool}");
    }
}

#[tokio::test]
async fn case_44_what_only_looks_like_a_reference() {
    let document = r"
x-top: {$ref: 'https://elsewhere.example/x.yaml'}
paths:
  x-extension: {$ref: 'https://elsewhere.example/paths.yaml'}
  /x:
    x-extension: {$ref: '#/nowhere'}
    post:
      operationId: x
      x-samples: [{$ref: '../secrets.yaml'}]
      requestBody:
        content:
          application/json:
            example: {$ref: 'https://elsewhere.example/example.json'}
            schema:
              type: object
              example: {$ref: '#/nowhere'}
              properties:
                $ref: {type: string}
                kind: {type: string, default: a, example: {$ref: 'x.yaml'}}
      responses: {'200': {description: OK, content: {application/json: {examples: {a: {value: {$ref: 'y.yaml'}}}}}}}
";
    let offer = paths(document).offer();
    assert_eq!(offer.report.left_out, []);
    assert_eq!(offer.arguments("x"), ["ref", "kind"]);
    let answer = offer.call("x", json!({"ref": "r", "kind": "k"})).await;
    assert!(!answer.is_error, "{}", answer.text());
    assert_eq!(offer.api.request().text(), r#"{"$ref":"r","kind":"k"}"#);
}

#[test]
fn case_46_a_document_behind_credentials_or_a_redirect() {
    let document = crate::process::document(&["op"]);
    let moved = Api::answering([
        Reply::empty(302).with("location", "/v2/openapi.json"),
        Reply::json(&document),
    ]);
    let url = format!("{}/openapi.json", moved.url);
    let checked = run(&["tools", &url, "--base-url", "http://127.0.0.1:9", "--json"]);
    assert!(
        text(&checked.stdout).contains("\"op\""),
        "{}",
        text(&checked.stderr)
    );
    let lines: Vec<_> = moved
        .requests()
        .into_iter()
        .map(|request| request.line)
        .collect();
    assert_eq!(lines, ["GET /openapi.json", "GET /v2/openapi.json"]);

    let api = Api::answering([Reply::json(&document)]);
    let folder = Folder::new();
    let config = folder.write(
        "wharf.yaml",
        &format!(
            "sources:\n  api:\n    openapi: {}/openapi.json\n    document_credentials: {{type: bearer, token: for-the-document}}\n    upstream: {{base_url: 'http://127.0.0.1:9', credentials: {{type: bearer, token: for-the-api}}}}\n",
            api.url
        ),
    );
    let listed = run(&["tools", "--config", &config, "--json"]);
    assert!(
        text(&listed.stdout).contains("\"op\""),
        "{}",
        text(&listed.stderr)
    );
    let request = api.request();
    assert_eq!(
        request.header("authorization"),
        Some("Bearer for-the-document")
    );
}
