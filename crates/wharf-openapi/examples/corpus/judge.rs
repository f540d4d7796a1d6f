//! What must be true of every list, whatever document it is from.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use wharf_model::Tool;
use wharf_openapi::Report;

/// More flaws of one document say nothing new.
const FLAWS_MAX: usize = 20;

/// What a reader of the list would stumble over.
pub(crate) fn flaws(tools: &[Arc<Tool>], report: &Report) -> Vec<String> {
    let mut flaws = Vec::new();
    let lost = report.left_out.len();
    if report.tools != tools.len() || report.operations < report.tools {
        flaws.push(format!(
            "{} tools are reported and {} listed",
            report.tools,
            tools.len()
        ));
    }
    // A path that cannot be read is reported once, and its operations are not counted.
    let whole_paths = report
        .left_out
        .iter()
        .filter(|left_out| left_out.operation.starts_with('/'))
        .count();
    if report.operations != report.tools + lost - whole_paths {
        flaws.push(format!(
            "{} operations, {} tools and {lost} reports do not add up",
            report.operations, report.tools
        ));
    }
    let mut names = HashSet::new();
    for tool in tools {
        if flaws.len() >= FLAWS_MAX {
            break;
        }
        let name = &tool.name;
        if !is_name(name) {
            flaws.push(format!("`{name}` is no name of a tool"));
        }
        if !names.insert(name) {
            flaws.push(format!("`{name}` stands twice"));
        }
        for schema in [Some(&*tool.input_schema), tool.output_schema.as_ref()]
            .into_iter()
            .flatten()
        {
            flaws.extend(schema_flaw(schema.as_str()).map(|flaw| format!("{name}: {flaw}")));
        }
    }
    flaws
}

fn schema_flaw(schema: &str) -> Option<String> {
    let value: Value = match serde_json::from_str(schema) {
        Ok(value) => value,
        Err(error) => return Some(format!("no JSON: {error}")),
    };
    if value["type"] != "object" {
        return Some("the schema is none of an object".to_owned());
    }
    if let Some(reference) = dangling(&value, &value) {
        return Some(format!("`{reference}` leads nowhere"));
    }
    jsonschema::draft202012::new(&value)
        .err()
        .map(|error| error.to_string())
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// The first reference to a definition that is not there.
fn dangling<'v>(value: &'v Value, root: &Value) -> Option<&'v str> {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            let missing = reference.filter(|reference| {
                let definition = reference.strip_prefix("#/$defs/");
                definition.is_some_and(|definition| root["$defs"].get(definition).is_none())
            });
            missing.or_else(|| members.values().find_map(|member| dangling(member, root)))
        }
        Value::Array(items) => items.iter().find_map(|item| dangling(item, root)),
        _ => None,
    }
}
