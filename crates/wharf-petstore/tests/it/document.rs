//! The document by itself: whole, with examples that fit.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::api::{Api, operations, read_document};

#[test]
fn operations_are_named_and_described() {
    let document = read_document("http://127.0.0.1:1");
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "http://127.0.0.1:1");
    let operations = operations(&document);
    assert!(operations.len() >= 15, "{} operations", operations.len());
    let mut ids = BTreeSet::new();
    let declared: BTreeSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    for (path, method, operation) in operations {
        let id = operation["operationId"].as_str().unwrap().to_owned();
        let is_camel_case = id.starts_with(|c: char| c.is_ascii_lowercase())
            && id.chars().all(|c| c.is_ascii_alphanumeric());
        assert!(is_camel_case, "{id}");
        assert!(ids.insert(id.clone()), "{id} twice");
        assert!(operation["summary"].is_string(), "{id} has no summary");
        for tag in operation["tags"].as_array().unwrap() {
            assert!(declared.contains(tag.as_str().unwrap()), "{id}: {tag}");
        }
        assert!(path.starts_with('/'), "{method} {path}");
    }
}

#[tokio::test]
async fn references_lead_somewhere_and_nothing_is_unused() {
    let api = Api::start().await;
    let mut used = BTreeSet::new();
    walk(&api.document, &mut |value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            api.resolve(value);
            used.insert(reference.to_owned());
        }
    });
    for group in ["parameters", "headers", "responses", "schemas"] {
        for name in api.document["components"][group]
            .as_object()
            .unwrap()
            .keys()
        {
            let reference = format!("#/components/{group}/{name}");
            assert!(used.contains(&reference), "{reference} is unused");
        }
    }
    api.stop().await;
}

#[tokio::test]
async fn examples_and_defaults_fit_their_schemas() {
    let api = Api::start().await;
    let mut checked = 0;
    let mut check = |schema: &Value, example: &Value| {
        let errors = api.errors(schema, example);
        assert!(errors.is_empty(), "{example}: {errors:?}");
        checked += 1;
    };
    walk(&api.document, &mut |value| {
        if let Some(schema) = value.get("schema") {
            if let Some(example) = value.get("example") {
                check(schema, example);
            }
            for named in value["examples"].as_object().into_iter().flatten() {
                check(schema, &named.1["value"]);
            }
        } else {
            for example in value["examples"].as_array().into_iter().flatten() {
                check(value, example);
            }
            let is_schema = value.get("type").is_some() || value.get("$ref").is_some();
            if let Some(default) = value.get("default").filter(|_| is_schema) {
                check(value, default);
            }
        }
    });
    assert!(checked > 25, "only {checked} examples were found");
    api.stop().await;
}

fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Object(members) => members.values().for_each(|member| walk(member, visit)),
        _ => {}
    }
}
