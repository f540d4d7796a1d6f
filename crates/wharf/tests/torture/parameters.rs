//! Parameters on the wire: 5–9, 16, 17 and 20.

use serde_json::{Value, json};

use crate::offer::{paths, refused, sent};

/// An operation `x` at `path` with these parameters.
fn operation(path: &str, parameters: &str) -> String {
    format!("paths: {{'{path}': {{get: {{operationId: x, parameters: [{parameters}]}}}}}}")
}

/// Checks what requests of `x` begin with; a row is a parameter, its value, and the rest of the line.
async fn lines(path: &str, rows: &[(&str, Value, &str)]) {
    for (parameter, value, expected) in rows {
        let document = operation(path, parameter);
        let request = sent(&document, "x", json!({ "p": value })).await;
        assert_eq!(
            request.line,
            format!("GET /base{expected}"),
            "{parameter} {value}"
        );
    }
}

#[tokio::test]
async fn case_05_headers_that_are_no_text() {
    for (schema, value, expected) in [
        ("{type: integer}", json!(5), "5"),
        ("{type: number}", json!(1.5), "1.5"),
        ("{type: boolean}", json!(true), "true"),
        (
            "{type: array, items: {type: integer}}",
            json!([1, 2]),
            "1,2",
        ),
        ("{type: object}", json!({"a": 1, "b": 2}), "a,1,b,2"),
        ("{type: string}", json!("caf\u{e9}"), "caf\u{e9}"),
    ] {
        let document = operation(
            "/x",
            &format!("{{name: X-P, in: header, schema: {schema}}}"),
        );
        let request = sent(&document, "x", json!({ "X-P": value })).await;
        assert_eq!(request.header("x-p"), Some(expected), "{schema}");
    }
    let exploded = operation(
        "/x",
        "{name: X-P, in: header, explode: true, schema: {type: object}}",
    );
    let request = sent(&exploded, "x", json!({"X-P": {"a": 1, "b": 2}})).await;
    assert_eq!(request.header("x-p"), Some("a=1,b=2"));
}

#[tokio::test]
async fn case_06_arrays_and_objects_in_a_path() {
    let (list, object) = (json!([3, "a/b"]), json!({"R": 100, "G": 200}));
    lines(
        "/x/{p}",
        &[
            ("{name: p, in: path, required: true, schema: {type: array}}", list.clone(), "/x/3,a%2Fb"),
            ("{name: p, in: path, required: true, schema: {type: object}}", object.clone(), "/x/R,100,G,200"),
            ("{name: p, in: path, required: true, explode: true, schema: {type: object}}", object.clone(), "/x/R=100,G=200"),
            ("{name: p, in: path, required: true, style: label, schema: {type: string}}", json!("blue"), "/x/.blue"),
            ("{name: p, in: path, required: true, style: label, schema: {type: array}}", list.clone(), "/x/.3,a%2Fb"),
            ("{name: p, in: path, required: true, style: label, explode: true, schema: {type: array}}", list.clone(), "/x/.3.a%2Fb"),
            ("{name: p, in: path, required: true, style: label, explode: true, schema: {type: object}}", object.clone(), "/x/.R=100.G=200"),
            ("{name: p, in: path, required: true, style: matrix, schema: {type: string}}", json!("blue"), "/x/;p=blue"),
            ("{name: p, in: path, required: true, style: matrix, schema: {type: array}}", list.clone(), "/x/;p=3,a%2Fb"),
            ("{name: p, in: path, required: true, style: matrix, explode: true, schema: {type: array}}", list, "/x/;p=3;p=a%2Fb"),
            ("{name: p, in: path, required: true, style: matrix, schema: {type: object}}", object.clone(), "/x/;p=R,100,G,200"),
            ("{name: p, in: path, required: true, style: matrix, explode: true, schema: {type: object}}", object, "/x/;R=100;G=200"),
        ],
    )
    .await;
}

#[tokio::test]
async fn case_07_deep_objects_in_a_query() {
    let parameter =
        "{name: p, in: query, style: deepObject, explode: true, schema: {type: object}}";
    lines(
        "/x",
        &[
            (
                parameter,
                json!({"a": 1, "b": "x y"}),
                "/x?p%5Ba%5D=1&p%5Bb%5D=x%20y",
            ),
            (
                parameter,
                json!({"a": {"b": {"c": true}}}),
                "/x?p%5Ba%5D%5Bb%5D%5Bc%5D=true",
            ),
            (
                parameter,
                json!({"a": ["x", "y"]}),
                "/x?p%5Ba%5D%5B%5D=x&p%5Ba%5D%5B%5D=y",
            ),
            (
                parameter,
                json!({"a": [{"b": 1}, {"b": 2}]}),
                "/x?p%5Ba%5D%5B0%5D%5Bb%5D=1&p%5Ba%5D%5B1%5D%5Bb%5D=2",
            ),
            (parameter, json!({"a": null, "b": 1}), "/x?p%5Bb%5D=1"),
        ],
    )
    .await;
}

#[tokio::test]
async fn case_08_delimited_arrays_in_a_query() {
    let list = json!(["a b", "c", "d|e,f"]);
    lines(
        "/x",
        &[
            ("{name: p, in: query, schema: {type: array}}", list.clone(), "/x?p=a%20b&p=c&p=d%7Ce%2Cf"),
            ("{name: p, in: query, explode: false, schema: {type: array}}", list.clone(), "/x?p=a%20b,c,d%7Ce%2Cf"),
            ("{name: p, in: query, style: spaceDelimited, explode: false, schema: {type: array}}", list.clone(), "/x?p=a%20b%20c%20d%7Ce%2Cf"),
            ("{name: p, in: query, style: pipeDelimited, explode: false, schema: {type: array}}", list, "/x?p=a%20b%7Cc%7Cd%7Ce%2Cf"),
            ("{name: p, in: query, explode: false, schema: {type: object}}", json!({"R": 1, "G": 2}), "/x?p=R,1,G,2"),
            ("{name: p, in: query, schema: {type: object}}", json!({"R": 1, "G": 2}), "/x?R=1&G=2"),
            ("{name: p, in: query, schema: {type: array}}", json!([]), "/x"),
        ],
    )
    .await;
}

#[tokio::test]
async fn case_09_json_in_a_query_parameter() {
    let parameter = "{name: p, in: query, content: {application/json: {schema: {type: object}}}}";
    lines(
        "/x",
        &[
            (
                parameter,
                json!({"a": [1, "é"], "b": null}),
                "/x?p=%7B%22a%22%3A%5B1%2C%22%C3%A9%22%5D%2C%22b%22%3Anull%7D",
            ),
            (parameter, json!({}), "/x?p=%7B%7D"),
        ],
    )
    .await;
}

#[tokio::test]
async fn case_16_one_name_in_every_place() {
    let document = r"
paths:
  /x/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    post:
      operationId: x
      parameters:
        - {name: id, in: query, schema: {type: integer}}
        - {name: id, in: header, schema: {type: boolean}}
        - {name: id, in: cookie, schema: {type: string}}
      requestBody: {content: {application/json: {schema: {type: object, properties: {id: {type: string}}}}}}
";
    let offer = paths(document).offer();
    let mut arguments = offer.arguments("x");
    arguments.sort();
    assert_eq!(
        arguments,
        ["id", "id__cookie", "id__header", "id__path", "id__query"]
    );
    let request = sent(
        document,
        "x",
        json!({"id__path": "p", "id__query": 5, "id__header": true, "id__cookie": "c", "id": "b"}),
    )
    .await;
    assert_eq!(request.line, "POST /base/x/p?id=5");
    assert_eq!(request.header("id"), Some("true"));
    assert_eq!(request.header("cookie"), Some("id=c"));
    assert_eq!(request.text(), r#"{"id":"b"}"#);
}

#[tokio::test]
async fn case_17_parameter_names_that_providers_refuse() {
    let document = r"
paths:
  /x:
    post:
      operationId: x
      parameters:
        - {name: 'filter[x]', in: query, schema: {type: string}}
        - {name: $top, in: query, schema: {type: integer}}
        - {name: a.b-c, in: query, schema: {type: string}}
        - {name: with space, in: query, schema: {type: string}}
        - {name: 名前, in: query, schema: {type: string}}
      requestBody: {content: {application/json: {schema: {type: object, properties: {'@type': {type: string}, '日付': {type: string}}}}}}
";
    let offer = paths(document).offer();
    let arguments = offer.arguments("x");
    assert_eq!(arguments.len(), 7, "{arguments:?}");
    for argument in &arguments {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        assert!(
            (1..=64).contains(&argument.len()) && argument.bytes().all(fits),
            "{argument}"
        );
    }
    let request = sent(
        document,
        "x",
        json!({"filter_x": "1", "top": 2, "a.b-c": "3", "with_space": "4", "type": "5"}),
    )
    .await;
    assert_eq!(
        request.line,
        "POST /base/x?filter%5Bx%5D=1&%24top=2&a.b-c=3&with%20space=4"
    );
    assert_eq!(request.text(), r#"{"@type":"5"}"#);
}

#[tokio::test]
async fn case_20_values_that_break_out() {
    let path = operation(
        "/files/{p}/raw",
        "{name: p, in: path, required: true, schema: {type: string}}",
    );
    for (value, expected) in [
        ("src/main.rs", "/files/src%2Fmain.rs/raw"),
        ("a?b#c", "/files/a%3Fb%23c/raw"),
        ("a%2Fb", "/files/a%252Fb/raw"),
        ("..hidden", "/files/..hidden/raw"),
        ("a\r\nHost: evil", "/files/a%0D%0AHost%3A%20evil/raw"),
        ("名", "/files/%E5%90%8D/raw"),
    ] {
        let request = sent(&path, "x", json!({ "p": value })).await;
        assert_eq!(request.line, format!("GET /base{expected}"), "{value:?}");
        assert!(
            request.header("host").unwrap().starts_with("127.0.0.1:"),
            "{value:?}"
        );
    }
    for value in [
        "..",
        ".",
        "../../admin",
        "%2e%2e",
        "a/../../b",
        "..%2f..",
        "..\\..",
        "",
    ] {
        let complaint = refused(&path, "x", json!({ "p": value })).await;
        assert!(complaint.contains("`p`"), "{value:?}: {complaint}");
    }
    let header = operation("/x", "{name: X-P, in: header, schema: {type: string}}");
    for value in ["a\r\nX-Evil: 1", "a\nb", "a\0b"] {
        let complaint = refused(&header, "x", json!({ "X-P": value })).await;
        assert!(complaint.contains("`X-P`"), "{value:?}: {complaint}");
    }
    let query = operation("/x", "{name: p, in: query, schema: {type: string}}");
    let request = sent(&query, "x", json!({"p": "1&admin=true#\r\n"})).await;
    assert_eq!(request.line, "GET /base/x?p=1%26admin%3Dtrue%23%0D%0A");
    let cookie = operation("/x", "{name: p, in: cookie, schema: {type: string}}");
    let request = sent(&cookie, "x", json!({"p": "1; admin=true"})).await;
    assert_eq!(request.header("cookie"), Some("p=1%3B%20admin%3Dtrue"));
}
