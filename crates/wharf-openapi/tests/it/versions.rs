//! What Swagger 2.0 and OpenAPI 3.2 say otherwise than 3.0 and 3.1, as the upstream receives it.

use serde_json::{Value, json};

use crate::calls::call;

#[tokio::test]
async fn swagger_calls_reach_the_wire() {
    let document = include_str!("documents/swagger-2.0.yaml");
    for (tool, given, line, media_type, body) in [
        (
            "listPets",
            json!({"tags": ["a", "b c"], "ids": [1, 2], "limit": 3}),
            "GET /base/pets?tags=a&tags=b%20c&ids=1%092&limit=3",
            Value::Null,
            "",
        ),
        (
            "createPet",
            json!({"name": "Rex", "owner": null}),
            "POST /base/pets",
            json!("application/json"),
            r#"{"name":"Rex","owner":null}"#,
        ),
        (
            "changePet",
            json!({"petId": 7, "name": "a&b", "colours": ["red", "blue"]}),
            "POST /base/pets/7",
            json!("application/x-www-form-urlencoded"),
            "name=a%26b&colours=red,blue",
        ),
        (
            "rawPet",
            json!({"petId": 7, "body": "as it is"}),
            "PATCH /base/pets/7",
            json!("text/plain"),
            "as it is",
        ),
    ] {
        let told = call(document, tool, &given).await;
        assert_eq!(told["line"], line, "{tool}");
        assert_eq!(told["type"], media_type, "{tool}");
        assert_eq!(told["body"], body, "{tool}");
    }
}

#[tokio::test]
async fn swagger_lists_in_headers_have_their_separator() {
    let document = include_str!("documents/swagger-2.0.yaml");
    let told = call(document, "listPets", &json!({"id": ["a", "b"]})).await;
    assert_eq!(told["id"], "a|b");
}

#[tokio::test]
async fn swagger_files_are_parts() {
    let document = include_str!("documents/swagger-2.0.yaml");
    let given = json!({"petId": 7, "picture": "aGk=", "sizes": [1, 2], "note": "x"});
    let told = call(document, "putPicture", &given).await;
    assert_eq!(told["line"], "PUT /base/pets/7");
    let media_type = told["type"].as_str().expect("there is a body");
    assert!(
        media_type.starts_with("multipart/form-data; boundary="),
        "{media_type}"
    );
    let body = told["body"].as_str().expect("it is text");
    for part in [
        "name=\"picture\"",
        "\r\n\r\nhi\r\n",
        "name=\"note\"\r\n\r\nx\r\n",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
}

#[tokio::test]
async fn new_methods_and_whole_queries_reach_the_wire() {
    let document = include_str!("documents/openapi-3.2.yaml");
    for (tool, given, line, body) in [
        (
            "queryBooks",
            json!({"title": "x"}),
            "QUERY /base/books",
            r#"{"title":"x"}"#,
        ),
        (
            "searchBooks",
            json!({"filter": {"title": "a&b", "tags": ["x", "y"]}}),
            "GET /base/books?title=a%26b&tags=x&tags=y",
            "",
        ),
        ("searchBooks", json!({"filter": {}}), "GET /base/books", ""),
        (
            "jsonBooks",
            json!({"filter": {"a": [1]}}),
            "GET /base/json?%7B%22a%22%3A%5B1%5D%7D",
            "",
        ),
        ("linkBooks", json!({}), "LINK /base/books", ""),
    ] {
        let told = call(document, tool, &given).await;
        assert_eq!(told["line"], line, "{tool} {given}");
        assert_eq!(told["body"], body, "{tool} {given}");
    }
}

/// A tag that is nested in another one stands for both.
#[test]
fn nested_tags_bring_their_parents() {
    use wharf_model::Source as _;
    let text = include_str!("documents/openapi-3.2.yaml");
    let (source, _) = crate::build(text.as_bytes(), &wharf_openapi::Config::default());
    let tags = |name: &str| {
        let mut tools = source.tools().into_iter();
        let tool = tools.find(|tool| tool.name == name);
        tool.map(|tool| tool.tags.clone()).unwrap_or_default()
    };
    assert_eq!(tags("queryBooks"), ["baking", "cooking", "books"]);
    assert_eq!(tags("searchBooks"), ["loop", "pool"]);
}
