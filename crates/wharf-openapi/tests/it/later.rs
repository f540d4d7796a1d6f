//! Schemas that are written when somebody looks are those that are written at once.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_model::{Source as _, Tool};
use wharf_openapi::{Config, Document, OpenApi, Report, Whereabouts};

/// Enough operations that a thread pays.
const OPERATIONS: usize = 240;

/// Operations with parameters of their own and shared ones, bodies, definitions that hang together, and one operation
/// that cannot be read.
fn document() -> Value {
    let mut paths = serde_json::Map::new();
    for number in 0..OPERATIONS / 2 {
        let item = json!({
            "parameters": [{"$ref": "#/components/parameters/tenant"}],
            "get": {
                "operationId": format!("get{number}"),
                "summary": format!("Get number {number}"),
                "parameters": [{"name": "filter[x]", "in": "query", "schema": {"$ref": "#/components/schemas/Filter"}}],
                "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}}},
            },
            "post": {
                "operationId": "same",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}},
                "callbacks": {"done": {}},
            },
        });
        paths.insert(format!("/things{number}/{{id}}"), item);
    }
    paths["/things7/{id}"]["get"]["parameters"] = json!([{"in": "query"}]);
    json!({
        "openapi": "3.1.0", "info": {"title": "Things", "version": "1"}, "paths": paths,
        "components": {
            "parameters": {"tenant": {"name": "tenant", "in": "header", "required": true, "schema": {"type": "string"}}},
            "schemas": {
                "Filter": {"type": "object", "properties": {"after": {"type": "string", "format": "date"}}},
                "Tree": {"type": "object", "properties": {
                    "name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
                    "filter": {"$ref": "#/components/schemas/Filter"}}},
            },
        },
    })
}

fn build(document: &Value, schemas_later: bool) -> (OpenApi, Report) {
    let document = Document::read(document.to_string()).expect("it is a document");
    let document = document.located_at("https://things.example/openapi.json");
    let config = Config {
        schemas_later,
        ..Config::default()
    };
    OpenApi::build(document, &config, Whereabouts::default()).expect("it is usable")
}

/// Everything that is listed of a tool.
fn listed(tool: &Tool) -> Value {
    json!({
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "input": tool.input_schema.to_value(),
        "properties": tool.input_schema.properties(),
        "output": tool.output_schema.as_ref().map(wharf_model::Json::to_value),
        "tags": tool.tags,
    })
}

fn is_to_be_written(tool: &Arc<Tool>) -> bool {
    format!("{:?}", tool.input_schema) == "(to be written)"
}

#[test]
fn what_is_written_later_is_what_is_written_at_once() {
    let document = document();
    let (now, report) = build(&document, false);
    let (later, later_report) = build(&document, true);
    assert_eq!(report.left_out.len(), 1);
    assert_eq!(later_report.left_out, report.left_out);
    assert_eq!(later_report.callbacks, report.callbacks);
    let (now, later) = (now.tools(), later.tools());
    assert_eq!(now.len(), OPERATIONS - 1);
    assert!(!now.iter().any(is_to_be_written));
    assert!(later.iter().all(is_to_be_written));
    let listed = |tools: &[Arc<Tool>]| tools.iter().map(|tool| listed(tool)).collect::<Vec<_>>();
    assert_eq!(listed(&later), listed(&now));
}

/// A schema elsewhere makes a tool impossible, which must be known before it is listed.
#[test]
fn a_document_that_refers_elsewhere_is_written_at_once() {
    let mut document = document();
    document["components"]["schemas"]["Filter"]["properties"]["before"] =
        json!({"$ref": "elsewhere.yaml#/Date"});
    let (source, report) = build(&document, true);
    assert!(!report.left_out.is_empty());
    assert!(!source.tools().iter().any(is_to_be_written));
}
