//! What must hold whatever is read. The property tests ask this of damaged documents, the fuzz targets of anything.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use wharf_model::{Source as _, Tool};
use wharf_openapi::{
    Config, Descriptions, Document, FoundFile, OpenApi, OutputSchemas, Whereabouts,
};

/// What stands between the files of one input.
pub(crate) const BETWEEN_FILES: &str = "\n%%\n";

/// How many rounds of files are attached.
const ROUNDS_MAX: usize = 4;

/// A document is read or refused, twice in the same way, and what is listed is sound.
pub(crate) fn document(bytes: &[u8], full: bool) {
    twice(full, || Document::read(bytes.to_vec()).ok());
}

/// The same of a document and the files that it refers to: the first part of the input is the document, the others are
/// given to whatever it asks for, in turn.
pub(crate) fn several_files(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    twice(false, || {
        let mut parts = text.split(BETWEEN_FILES);
        let first = parts.next().unwrap_or_default();
        let document = Document::read(first.as_bytes().to_vec()).ok()?;
        let mut document = document.located_at("https://a.example/api/openapi.yaml");
        for _ in 0..ROUNDS_MAX {
            let wanted = document.external_references();
            if wanted.is_empty() {
                break;
            }
            let files: Vec<_> = wanted
                .into_iter()
                .map(|wanted| {
                    let found = parts.next().map(|part| FoundFile {
                        bytes: part.as_bytes().to_vec().into(),
                        address: wanted.clone(),
                    });
                    (wanted, found.ok_or_else(|| "there is no more".to_owned()))
                })
                .collect();
            document.attach(files);
        }
        Some(document)
    });
}

/// JSON is YAML: what is read as the one is read as the same when it is taken for the other, or refused.
pub(crate) fn yaml(bytes: &[u8]) {
    let Ok(as_json) = Document::read(bytes.to_vec()) else {
        return;
    };
    // Without the mark that says YAML, the first character would say JSON.
    let marked = [b"---\n", as_json.as_json().as_bytes()].concat();
    let Ok(as_yaml) = Document::read(marked) else {
        return;
    };
    let value = |document: &Document| serde_json::from_str::<Value>(document.as_json()).ok();
    if let (Some(one), Some(other)) = (value(&as_json), value(&as_yaml)) {
        assert_eq!(one, other);
    }
}

fn twice(full: bool, read: impl Fn() -> Option<Document>) {
    let config = Config {
        output_schemas: if full {
            OutputSchemas::Full
        } else {
            OutputSchemas::Open
        },
        descriptions: if full {
            Descriptions::Full
        } else {
            Descriptions::Brief
        },
        ..Config::default()
    };
    let lists = [(); 2].map(|()| OpenApi::build(read()?, &config, Whereabouts::default()).ok());
    let [one, other] = lists
        .each_ref()
        .map(|list| list.as_ref().map(|(source, _)| shown(source)));
    assert_eq!(one, other);
    if let [Some((source, report)), _] = &lists {
        let tools = source.tools();
        assert_eq!(report.tools, tools.len());
        check(&tools);
    }
}

/// Says what is wrong with a list of tools, whoever reads it: names, schemas, references.
pub(crate) fn check(tools: &[Arc<Tool>]) {
    let mut names = HashSet::new();
    for tool in tools {
        let name = &tool.name;
        assert!(is_name(name), "tool name `{name}`");
        assert!(names.insert(name), "tool name `{name}` stands twice");
        for schema in [Some(&*tool.input_schema), tool.output_schema.as_ref()]
            .into_iter()
            .flatten()
        {
            let value: Value = serde_json::from_str(schema.as_str())
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
fn instances(schema: &Value) -> Vec<Value> {
    let names = schema["properties"].as_object().into_iter().flatten();
    let all_as = |value: Value| {
        let members = names.clone().map(|(name, _)| (name.clone(), value.clone()));
        Value::Object(members.collect())
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
fn dangling(value: &Value, root: &Value, name: &str) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref")
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
        Value::Array(items) => items.iter().for_each(|item| dangling(item, root, name)),
        _ => {}
    }
}

/// All that a client could see, to compare two lists.
pub(crate) fn shown(source: &OpenApi) -> String {
    format!("{:?}", source.tools())
}
