//! Every rule, for a client that has it and one that has not.

use serde_json::json;
use wharf_model::Json;

use super::*;
use Client::{Bedrock, Claude, Cursor, Gemini, Openai, Vscode};

fn tool(name: &str, schema: &Value) -> Tool {
    Tool {
        name: name.to_owned(),
        input_schema: Json::from(schema).into(),
        ..Tool::default()
    }
}

/// Rules by client, with the place where each is broken.
#[test]
fn each_client_has_its_limits() {
    let conditional = json!({"type": "object", "anyOf": [{"required": ["a"]}]});
    let closed = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let property = |schema: Value| json!({"type": "object", "properties": {"a": schema}});
    let deep = (0..11).fold(
        json!({"type": "string"}),
        |inner, _| json!({"type": "object", "properties": {"x": inner}}),
    );
    for (client, name, schema, expected) in [
        (Claude, "get", closed.clone(), ""),
        (Claude, "get", conditional.clone(), "root-keyword /anyOf"),
        (Claude, "get.pet", closed.clone(), "name-alphabet"),
        (
            Gemini,
            "get.pet",
            json!({"type": "object", "properties": {}}),
            "",
        ),
        (
            Gemini,
            "2get",
            json!({"type": "object", "properties": {}}),
            "name-alphabet",
        ),
        (Gemini, "get", closed.clone(), "keyword "),
        (
            Claude,
            "get",
            json!({"type": "object", "properties": {"filter[x]": {}}}),
            "argument-name /properties/filter[x]",
        ),
        (
            Openai,
            "get",
            json!({"type": "object", "properties": {"filter[x]": {}}}),
            "",
        ),
        (
            Openai,
            "get",
            property(json!({"type": "array"})),
            "array-items /properties/a",
        ),
        (Claude, "get", property(json!({"type": "array"})), ""),
        (
            Openai,
            "get",
            deep,
            "depth /properties/x/properties/x/properties/x/properties/x/properties/x/properties/x/properties/x/properties/x/properties/x/properties/x",
        ),
        (Openai, "get", json!({"properties": {}}), "root-type "),
        (
            Bedrock,
            "get",
            closed.clone(),
            "root-keyword /additionalProperties",
        ),
        (
            Bedrock,
            "get",
            property(json!({"$ref": "#/$defs/A"})),
            "reference /properties/a",
        ),
        (
            Gemini,
            "get",
            property(json!({"type": ["string", "null"]})),
            "type /properties/a",
        ),
        (
            Gemini,
            "get",
            property(json!({"type": "integer", "enum": [1]})),
            "enum /properties/a",
        ),
        (
            Gemini,
            "get",
            property(json!({"type": "string", "format": "uuid"})),
            "format /properties/a",
        ),
        (Gemini, "get", property(json!(true)), "type /properties/a"),
        (
            Gemini,
            "get",
            json!({"type": "object", "properties": {}, "required": ["a"]}),
            "required ",
        ),
        (Cursor, &"g".repeat(55), closed.clone(), "name-length"),
        (Cursor, &"g".repeat(52), closed.clone(), ""),
        (Vscode, &"g".repeat(58), closed.clone(), "name-length"),
    ] {
        let found = lint(client, "server", &[tool(name, &schema)]);
        let told: Vec<String> = found
            .iter()
            .map(|finding| match &finding.pointer {
                Some(pointer) => format!("{} {pointer}", finding.rule.name()),
                None => finding.rule.name().to_owned(),
            })
            .collect();
        assert_eq!(
            told.join("; "),
            expected,
            "{} {name} {schema}",
            client.name()
        );
    }
}

#[test]
fn a_list_can_be_too_long_and_a_description_too() {
    let schema = json!({"type": "object", "properties": {}});
    let mut tools: Vec<Tool> = (0..129).map(|n| tool(&format!("t{n}"), &schema)).collect();
    let count = |client, tools: &[Tool]| lint(client, "s", tools).len();
    assert_eq!(count(Client::Openai, &tools), 1);
    assert_eq!(count(Client::Openai, &tools[..128]), 0);
    assert_eq!(count(Client::Gemini, &tools), 0);
    assert_eq!(count(Client::Claude, &tools), 0);
    for tool in &mut tools {
        tool.description = Some("word ".repeat(300));
    }
    assert_eq!(lint(Client::Claude, "s", &tools)[0].rule, Rule::ListSize);
    assert_eq!(count(Client::Openai, &tools[..1]), 1);
}

#[test]
fn names_in_tables_and_json_are_the_same() {
    for rule in [
        Rule::ToolCount,
        Rule::ListSize,
        Rule::RootKeyword,
        Rule::ArrayItems,
        Rule::Depth,
    ] {
        assert_eq!(serde_json::to_value(rule).unwrap(), rule.name());
    }
}
