//! Rendering over whole schemas, for every client.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn tool(schema: &Value) -> Tool {
    Tool {
        name: "tool".to_owned(),
        description: Some("Does it.".to_owned()),
        input_schema: Json::from(schema).into(),
        ..Tool::default()
    }
}

fn rendered(client: Client, schema: &Value) -> Tool {
    let tool = tool(schema);
    render(client, &tool).unwrap_or(tool)
}

fn pet() -> Value {
    json!({
        "type": "object",
        "properties": {
            "id": {"type": ["integer", "string"], "description": "Which pet"},
            "pet": {"$ref": "#/$defs/Pet", "description": "The pet as it should be."},
            "fields": {"type": "array", "uniqueItems": true, "items": {"enum": ["name", "tag", null]}},
            "filter": {"oneOf": [
                {"type": "string", "format": "email"},
                {"type": "object", "additionalProperties": {"type": "string"}}]},
            "when": {"type": "string", "format": "date-time", "deprecated": true},
        },
        "required": ["id"],
        "additionalProperties": false,
        "anyOf": [{"required": ["pet"]}, {"required": ["fields"]}],
        "$defs": {
            "Pet": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string", "minLength": 1},
                "parent": {"$ref": "#/$defs/Pet"},
                "age": {"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}]}}},
        },
    })
}

#[test]
fn each_client_gets_what_it_bears() {
    let shown = [
        Client::Claude,
        Client::Openai,
        Client::Gemini,
        Client::Bedrock,
    ]
    .map(|client| {
        let tool = rendered(client, &pet());
        format!(
            "# {}\n{}\n{:#}\n",
            client.name(),
            tool.description.unwrap(),
            tool.input_schema.to_value(),
        )
    });
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_description_keeps_to_its_room_and_the_notes_stay() {
    let mut tool = tool(&pet());
    tool.description = Some("All that can be said. ".repeat(100));
    let rendered = render(Client::Openai, &tool).unwrap();
    let description = rendered.description.unwrap();
    assert!(description.chars().count() <= 1024, "{}", description.len());
    assert!(
        description.ends_with(
            "said. … Give at least one of these sets of arguments: (`pet`), (`fields`)."
        ),
        "{description}"
    );
    let unlimited = render(Client::Claude, &tool).unwrap().description.unwrap();
    assert!(unlimited.len() > 2_000, "{unlimited}");
}

#[test]
fn what_is_within_the_limits_stays() {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    for client in Client::ALL {
        assert!(
            render(client, &tool(&schema)).is_none(),
            "{}",
            client.name()
        );
    }
}

/// What fits the true schema fits the rendered one.
#[test]
fn nothing_that_fits_is_told_not_to() {
    for instance in [
        json!({"id": 1, "pet": {"name": "Rex"}}),
        json!({"id": "a", "fields": ["name", "tag"]}),
        json!({"id": 1, "fields": [], "filter": "a@b.example"}),
        json!({"id": 1, "fields": [], "filter": {"tag": "x"}, "when": "2026-01-01T00:00:00Z"}),
        json!({"id": 1, "pet": {"name": "Rex", "age": 3, "parent": {"name": "Old", "parent": {"name": "Older"}}}}),
    ] {
        assert!(
            jsonschema::draft202012::is_valid(&pet(), &instance),
            "{instance}"
        );
        for client in Client::ALL {
            let schema = rendered(client, &pet()).input_schema.to_value();
            assert!(
                jsonschema::draft202012::is_valid(&schema, &instance),
                "{}: {instance} does not fit {schema:#}",
                client.name()
            );
        }
    }
}

#[test]
fn too_deep_and_too_long_is_cut() {
    let mut deep = json!({"type": "string"});
    for _ in 0..30 {
        deep = json!({"type": "object", "properties": {"x": deep}});
    }
    let values: Vec<usize> = (0..5000).collect();
    let schema = json!({"type": "object", "properties": {"deep": deep, "many": {"enum": values}}});
    let tool = rendered(Client::Openai, &schema);
    assert!(lint::is_within(
        &Client::Openai.limits().dialect,
        &tool.input_schema.to_value()
    ));
    assert!(
        tool.input_schema.as_str().len() < 3_000,
        "{}",
        tool.input_schema.as_str()
    );
}

/// Schemas of every shape, sensible or not.
fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!(true)),
        Just(json!(false)),
        Just(json!({"type": "string", "format": "uuid"})),
        Just(json!({"type": ["integer", "null"], "minimum": 1})),
        Just(json!({"type": ["string", "array", "object"]})),
        Just(json!({"type": "null"})),
        Just(json!({"type": "array"})),
        Just(json!({"enum": ["a", 1, null, ""]})),
        Just(json!({"enum": []})),
        Just(json!({"const": null})),
        Just(json!({"const": {"a": [1]}})),
        Just(json!({"$ref": "#/$defs/A"})),
        Just(
            json!({"$ref": "#/$defs/B", "description": "b", "properties": {"z": {"$ref": "#/$defs/A"}}})
        ),
        Just(json!({"$ref": "#/$defs/gone"})),
        Just(json!({"$ref": "#"})),
        Just(json!({"nullable": true, "exclusiveMaximum": 4, "x-a": 1})),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let many = || prop::collection::vec(inner.clone(), 1..4);
        let named = prop::collection::btree_map("[a-d]", inner.clone(), 0..4);
        prop_oneof![
            (
                named,
                prop::collection::btree_set("[a-e]", 0..3),
                inner.clone()
            )
                .prop_map(|(properties, required, rest)| json!({
                    "type": "object", "properties": properties, "required": required,
                    "additionalProperties": rest})),
            many().prop_map(|list| json!({"anyOf": list, "description": "any"})),
            many().prop_map(|list| json!({"oneOf": list, "type": ["object", "string"]})),
            many().prop_map(|list| json!({"allOf": list, "required": ["a"]})),
            (many(), many()).prop_map(
                |(one, other)| json!({"allOf": one, "anyOf": other, "properties": {"a": {}}})
            ),
            many().prop_map(|list| json!({"type": "array", "prefixItems": list, "items": false})),
            inner
                .clone()
                .prop_map(|items| json!({"items": items, "uniqueItems": true})),
            inner.prop_map(|not| json!({"not": not, "if": true, "patternProperties": {"^x": not}})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_schema_is_rendered_within_the_limits(
        (mut root, a, b) in (any_schema(), any_schema(), any_schema())
    ) {
        if let Value::Object(members) = &mut root {
            members.insert("$defs".to_owned(), json!({"A": a, "B": b}));
        }
        for client in Client::ALL {
            let tool = rendered(client, &root);
            let schema = tool.input_schema.to_value();
            prop_assert!(
                lint::is_within(&client.limits().dialect, &schema),
                "{}: {:?}\n{root}\nbecame\n{schema}",
                client.name(),
                lint::lint(client, "server", &[tool]),
            );
            let compiles = |schema| jsonschema::draft202012::new(schema).is_ok();
            prop_assert!(
                compiles(&schema) || !compiles(&root),
                "{}: {root}\nbecame\n{schema}",
                client.name(),
            );
        }
    }
}
