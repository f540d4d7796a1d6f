//! Credentials, from the document's security schemes to what the upstream receives; and what the tools list.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wharf_model::{Context, Json, Outcome, Source as _, ToolCall};
use wharf_openapi::{Config, Document, OpenApi, Whereabouts};
use wharf_upstream::{Trust, Upstream};

use crate::calls::echo;

const DOCUMENT: &str = r#"{
    "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
    "security": [{"key": []}],
    "components": {"securitySchemes": {
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "token": {"type": "apiKey", "in": "query", "name": "token"},
        "session": {"type": "apiKey", "in": "cookie", "name": "sid"},
        "login": {"type": "oauth2", "flows": {}}
    }},
    "paths": {"/p": {
        "parameters": [
            {"in": "header", "name": "x-key", "schema": {"type": "string"}},
            {"in": "query", "name": "token", "required": true, "schema": {"type": "string"}},
            {"in": "cookie", "name": "sid", "schema": {"type": "string"}},
            {"in": "query", "name": "q", "schema": {"type": "string"}}
        ],
        "get": {"operationId": "byDefault"},
        "put": {"operationId": "byToken", "security": [{"login": []}, {"token": [], "session": []}]},
        "post": {"operationId": "open", "security": []}
    }}
}"#;

/// The source of the document, with these credentials, and where it calls.
async fn source(upstream: Value) -> OpenApi {
    let base = echo().await;
    let document = Document::read(DOCUMENT).expect("it is a document");
    let upstream: wharf_upstream::Config = serde_json::from_value(upstream).expect("it is valid");
    let upstream = upstream
        .completed(&document.security_schemes(), &())
        .expect("the document has these schemes");
    let config = Config {
        supplied: upstream.supplied(),
        ..Config::default()
    };
    let whereabouts = Whereabouts {
        base_url: Some(&base),
        ..Whereabouts::default()
    };
    let (source, _) = OpenApi::build(document, &config, whereabouts).expect("it is usable");
    let upstream = Upstream::new(&upstream, &base, Trust::Operator).expect("it is usable");
    source.with_upstream(upstream)
}

async fn call(source: &OpenApi, tool: &str, arguments: &Value) -> Value {
    let arguments = Json::from(arguments);
    let call = ToolCall {
        name: tool,
        arguments: arguments.slice(),
    };
    match source.call(&Context::default(), call).await {
        Ok(Outcome::Complete(result)) => {
            let mut told = result.structured.expect("the echo is JSON").to_value();
            told.get_mut("result").map(Value::take).unwrap_or(told)
        }
        other => panic!("{tool}: {other:?}"),
    }
}

fn listed(source: &OpenApi) -> BTreeMap<String, Vec<String>> {
    let arguments = |schema: &Json| {
        let properties = schema
            .slice()
            .get("properties")
            .map(wharf_model::Slice::members);
        let names = properties.unwrap_or_default().into_iter();
        names.map(|(name, _)| name.into_owned()).collect()
    };
    source
        .tools()
        .iter()
        .map(|tool| (tool.name.clone(), arguments(&tool.input_schema)))
        .collect()
}

#[tokio::test]
async fn each_operation_carries_what_it_declares_and_lists_the_rest() {
    let by_scheme = json!({"schemes": {
        "key": {"type": "api_key", "value": "k1"},
        "token": {"type": "api_key", "value": "t1"},
        "session": {"type": "api_key", "value": "s1"},
    }});
    let for_all = json!({"credentials": {"type": "bearer", "token": "b1"}});
    let header = json!({"headers": {"X-Key": "fixed"}});
    for (upstream, tool, arguments, expected, line) in [
        (
            &by_scheme,
            "byDefault",
            vec!["token", "sid", "q"],
            json!(["k1", null, null]),
            "GET /base/p?token=mine&q=1",
        ),
        (
            &by_scheme,
            "byToken",
            vec!["x-key", "q"],
            json!(["mine", "sid=s1", null]),
            "PUT /base/p?q=1&token=t1",
        ),
        (
            &by_scheme,
            "open",
            vec!["x-key", "token", "sid", "q"],
            json!(["mine", null, null]),
            "POST /base/p?token=mine&q=1",
        ),
        (
            &for_all,
            "open",
            vec!["x-key", "token", "sid", "q"],
            json!(["mine", null, "Bearer b1"]),
            "POST /base/p?token=mine&q=1",
        ),
        (
            &header,
            "byDefault",
            vec!["token", "sid", "q"],
            json!(["fixed", null, null]),
            "GET /base/p?token=mine&q=1",
        ),
    ] {
        let row = format!("{tool} with {upstream}");
        let source = source(upstream.clone()).await;
        assert_eq!(listed(&source)[tool], arguments, "{row}");
        let given: serde_json::Map<_, _> = arguments
            .iter()
            .filter(|name| **name != "sid")
            .map(|name| {
                let value = if *name == "q" { "1" } else { "mine" };
                ((*name).to_owned(), value.into())
            })
            .collect();
        // Twice: the second call takes what the first one made ready.
        for _ in 0..2 {
            let told = call(&source, tool, &Value::Object(given.clone())).await;
            let seen = json!([told["key"], told["session"], told["authorization"]]);
            assert_eq!(seen, expected, "{row}");
            assert_eq!(told["line"], line, "{row}");
        }
    }
}
