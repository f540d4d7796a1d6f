//! What the crate does, from outside: documents become tools, calls become requests.

mod calls;
mod golden;
mod malformed;
mod mutation;
mod real;

use std::path::PathBuf;

use wharf_model::{Source as _, Tool};
use wharf_openapi::{Config, Document, OpenApi, Report, Whereabouts};

/// A document's tools and report.
fn build(bytes: impl Into<bytes::Bytes>, config: &Config) -> (OpenApi, Report) {
    let document = Document::read(bytes).expect("the document can be read");
    OpenApi::build(document, config, Whereabouts::default()).expect("the document is usable")
}

/// The small documents.
fn documents() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/documents");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("the entry can be read").path())
        .collect();
    files.sort();
    files
}

/// Says what is wrong with a list of tools, whoever reads it: names, schemas, references.
fn check(tools: &[Tool]) {
    let mut names = std::collections::HashSet::new();
    for tool in tools {
        let name = &tool.name;
        assert!(is_name(name), "tool name `{name}`");
        assert!(names.insert(name), "tool name `{name}` stands twice");
        for schema in [Some(&tool.input_schema), tool.output_schema.as_ref()]
            .into_iter()
            .flatten()
        {
            let value: serde_json::Value = serde_json::from_str(schema.as_str())
                .unwrap_or_else(|error| panic!("{name}: {error}: {schema:?}"));
            assert_eq!(value["type"], "object", "{name}: {schema:?}");
            assert!(!schema.as_str().contains('\n'), "{name}: {schema:?}");
            dangling(&value, &value, name);
            let validator = jsonschema::draft202012::new(&value)
                .unwrap_or_else(|error| panic!("{name}: {error}: {schema:?}"));
            for instance in instances(&value) {
                // Either answer will do; what counts is that there is one, whatever the references lead to.
                let _ = validator.is_valid(&instance);
            }
        }
        let properties = tool
            .input_schema
            .slice()
            .get("properties")
            .expect("there are properties");
        for (argument, _) in properties.each_member() {
            assert!(is_name(&argument), "{name}: argument name `{argument}`");
        }
    }
}

/// Values that lead a validator into each property.
fn instances(schema: &serde_json::Value) -> Vec<serde_json::Value> {
    let names = schema["properties"].as_object().into_iter().flatten();
    let all_as = |value: serde_json::Value| {
        let members = names.clone().map(|(name, _)| (name.clone(), value.clone()));
        serde_json::Value::Object(members.collect())
    };
    vec![
        all_as(serde_json::json!("x")),
        all_as(serde_json::json!([{}, []])),
        all_as(serde_json::json!({"": {}})),
    ]
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Refuses references to definitions that are not there.
fn dangling(value: &serde_json::Value, root: &serde_json::Value, name: &str) {
    match value {
        serde_json::Value::Object(members) => {
            if let Some(serde_json::Value::String(reference)) = members.get("$ref")
                && let Some(definition) = reference.strip_prefix("#/$defs/")
            {
                assert!(
                    root["$defs"].get(definition).is_some(),
                    "{name}: {reference}"
                );
            }
            members
                .values()
                .for_each(|member| dangling(member, root, name));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| dangling(item, root, name)),
        _ => {}
    }
}

/// All that a client could see, to compare two lists.
fn shown(source: &OpenApi) -> String {
    format!("{:?}", source.tools())
}
