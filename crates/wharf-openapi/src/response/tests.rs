//! Answers as upstreams give them, and the results they become.

mod refusals;
mod successes;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::plan::PathPiece;

/// A plan for a `GET` that expects JSON and has no output schema.
fn plan() -> Plan {
    Plan {
        method: Method::GET,
        server: None,
        path: vec![PathPiece::Literal("/x".to_owned())],
        parameters: Vec::new(),
        body: None,
        choice: None,
        accept: "application/json, text/plain".to_owned(),
        wraps_result: false,
        has_output_schema: false,
        drops_nulls: false,
        security: Vec::new(),
    }
}

/// The tool lists an output schema for an object.
fn with_schema() -> Plan {
    Plan {
        has_output_schema: true,
        ..plan()
    }
}

/// The tool lists an output schema that wraps its value.
fn wrapping() -> Plan {
    Plan {
        wraps_result: true,
        ..with_schema()
    }
}

fn small() -> Limits {
    Limits {
        text_bytes_max: 40,
        binary_bytes_max: 40,
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: map,
        body: body.into(),
        truncated: false,
    }
}

fn typed(content_type: &str, body: &'static [u8]) -> Response {
    answer(200, &[("content-type", content_type)], body)
}

fn result(plan: &Plan, response: &Response) -> ToolResult {
    read(plan, "getPet", response, &Limits::default())
}

fn texts(result: &ToolResult) -> Vec<&str> {
    result
        .content
        .iter()
        .map(|content| match content {
            Content::Text { text, .. } => &**text,
            other => panic!("no text: {other:?}"),
        })
        .collect()
}

fn structured(result: &ToolResult) -> Option<&str> {
    result.structured.as_ref().map(Json::as_str)
}
