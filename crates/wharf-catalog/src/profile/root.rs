//! Conditions on all arguments together, told in words.
//!
//! Most APIs take a root that is one object and nothing else. `allOf` becomes one object; alternatives become one object
//! with the arguments of all of them, of which only those are required that every alternative requires.

use serde_json::{Map, Value, json};

use super::join::join;
use super::note;
use crate::schema::{self, ROOT_CONDITIONS};

/// How deep conditions are looked for within conditions.
const DEPTH_MAX: usize = 8;

/// The root as one object; `notes` takes what it can no longer say.
pub(super) fn flatten(root: &Value, notes: &mut Vec<String>) -> Value {
    let mut members = flat(root, root, notes, 0);
    members.insert("type".to_owned(), Value::from("object"));
    members.shift_remove("$ref");
    for keyword in ROOT_CONDITIONS {
        if let Some(condition) = members.shift_remove(keyword) {
            notes.extend(note::of(keyword, &condition));
        }
    }
    Value::Object(members)
}

/// The arguments of an object and of its alternatives as one object.
pub(super) fn flatten_object(
    object: &Map<String, Value>,
    notes: &mut Vec<String>,
) -> Map<String, Value> {
    let object = Value::Object(object.clone());
    flat(&object, &object, notes, 0)
}

fn flat(root: &Value, schema: &Value, notes: &mut Vec<String>, depth: usize) -> Map<String, Value> {
    let mut members = schema.as_object().cloned().unwrap_or_default();
    if depth > DEPTH_MAX {
        return members;
    }
    let target = members.get("$ref").and_then(Value::as_str);
    if let Some(target) = target.and_then(|target| schema::resolve(root, target)) {
        let target = flat(root, target, notes, depth + 1);
        members.shift_remove("$ref");
        join(&mut members, &without_definitions(target));
    }
    if let Some(Value::Array(parts)) = members.shift_remove("allOf") {
        for part in &parts {
            let part = flat(root, part, notes, depth + 1);
            join(&mut members, &without_definitions(part));
        }
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(Value::Array(alternatives)) = members.shift_remove(keyword) {
            let alternatives: Vec<_> = alternatives
                .iter()
                .map(|alternative| flat(root, alternative, notes, depth + 1))
                .collect();
            unite(&mut members, &alternatives, keyword, notes);
        }
    }
    members
}

fn without_definitions(mut members: Map<String, Value>) -> Map<String, Value> {
    members.retain(|keyword, _| !matches!(keyword.as_str(), "$defs" | "definitions"));
    members
}

/// Adds the arguments of all alternatives to the object that has them.
fn unite(
    members: &mut Map<String, Value>,
    alternatives: &[Map<String, Value>],
    keyword: &str,
    notes: &mut Vec<String>,
) {
    let own: Vec<String> = names(members);
    let mut variants: Map<String, Value> = Map::new();
    for alternative in alternatives {
        let properties = alternative.get("properties").and_then(Value::as_object);
        for (name, variant) in properties.into_iter().flatten() {
            if own.contains(name) {
                continue;
            }
            let known = variants.entry(name.clone()).or_insert_with(|| json!([]));
            if let Value::Array(known) = known
                && !known.contains(variant)
            {
                known.push(variant.clone());
            }
        }
    }
    if !variants.is_empty() {
        let properties = members.entry("properties").or_insert_with(|| json!({}));
        for (name, variants) in variants {
            let one = variants
                .get(0)
                .filter(|_| variants.get(1).is_none())
                .cloned();
            if let Value::Object(properties) = properties {
                properties.insert(name, one.unwrap_or_else(|| json!({ "anyOf": variants })));
            }
        }
    }
    let by_all: Vec<Value> = required(alternatives.first())
        .into_iter()
        .filter(|name| {
            alternatives
                .iter()
                .all(|one| required(Some(one)).contains(name))
        })
        .collect();
    if !by_all.is_empty() {
        join(
            members,
            &Map::from_iter([("required".to_owned(), Value::from(by_all))]),
        );
    }
    notes.extend(sets(alternatives, keyword));
}

/// `Give one of these sets of arguments: (`id`), (`name`, `owner`).`
fn sets(alternatives: &[Map<String, Value>], keyword: &str) -> Option<String> {
    let sets: Vec<String> = alternatives
        .iter()
        .map(|alternative| {
            let required: Vec<String> = required(Some(alternative))
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            let names = if required.is_empty() {
                names(alternative)
            } else {
                required
            };
            format!(
                "({})",
                names
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        })
        .filter(|set| set != "()")
        .collect();
    let intro = match keyword {
        "oneOf" => "Give exactly one of these sets of arguments",
        _ => "Give at least one of these sets of arguments",
    };
    (sets.len() > 1).then(|| format!("{intro}: {}.", note::short(&sets.join(", "))))
}

fn names(members: &Map<String, Value>) -> Vec<String> {
    let properties = members.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flat_map(Map::keys)
        .cloned()
        .collect()
}

fn required(members: Option<&Map<String, Value>>) -> Vec<Value> {
    let required = members.and_then(|members| members.get("required")?.as_array());
    required.cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_become_one_object_and_a_note() {
        for (given, expected, notes) in [
            (
                json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}),
                json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}),
                "",
            ),
            (
                json!({"allOf": [
                    {"properties": {"a": {}}, "required": ["a"]},
                    {"$ref": "#/$defs/B"}],
                    "$defs": {"B": {"type": "object", "properties": {"b": {}}}}}),
                json!({"$defs": {"B": {"type": "object", "properties": {"b": {}}}},
                    "properties": {"a": {}, "b": {}}, "required": ["a"], "type": "object"}),
                "",
            ),
            (
                json!({"type": "object", "properties": {"x": {}}, "oneOf": [
                    {"properties": {"id": {"type": "integer"}, "k": {}}, "required": ["id", "k"]},
                    {"properties": {"id": {"type": "string"}, "name": {}}, "required": ["name", "id"]}]}),
                json!({"type": "object", "properties": {
                    "x": {}, "id": {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "k": {}, "name": {}},
                    "required": ["id"]}),
                "Give exactly one of these sets of arguments: (`id`, `k`), (`name`, `id`).",
            ),
            (
                json!({"type": "object", "properties": {"a": {}, "b": {}},
                    "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
                json!({"type": "object", "properties": {"a": {}, "b": {}}}),
                "Give at least one of these sets of arguments: (`a`), (`b`).",
            ),
            (
                json!({"type": "object", "not": {"required": ["a", "b"]}}),
                json!({"type": "object"}),
                "`not`: {\"required\":[\"a\",\"b\"]}.",
            ),
        ] {
            let mut said = Vec::new();
            assert_eq!(flatten(&given, &mut said), expected, "{given}");
            assert_eq!(said.join(" "), notes, "{given}");
        }
    }
}
