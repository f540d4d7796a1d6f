//! Where schemas stand inside of a JSON Schema, for whatever looks through one or changes it.

use serde_json::Value;
use wharf_model::HashSet;

/// Deeper schemas are not looked into; documents are bounded far above what people write.
pub(crate) const DEPTH_MAX: usize = 96;

/// Keywords at the root that can speak of several arguments at once.
pub(crate) const ROOT_CONDITIONS: [&str; 13] = [
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "enum",
    "const",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "propertyNames",
];

/// How a keyword holds schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// It is one schema.
    One,
    /// It is a list of schemas.
    List,
    /// It is an object with schemas as values.
    Named,
}

/// How a keyword of draft 2020-12 (and `items` and `definitions` of those before) holds schemas, if it does.
pub(crate) fn holds(keyword: &str, value: &Value) -> Option<Holds> {
    match keyword {
        "items" if value.is_array() => Some(Holds::List),
        "items"
        | "additionalProperties"
        | "not"
        | "if"
        | "then"
        | "else"
        | "contains"
        | "propertyNames"
        | "unevaluatedProperties"
        | "unevaluatedItems"
        | "contentSchema" => Some(Holds::One),
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Some(Holds::List),
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
            Some(Holds::Named)
        }
        _ => None,
    }
}

/// The schemas directly inside of one, each with its keyword and its pointer from there.
pub(crate) fn children(schema: &Value) -> Vec<(&str, String, &Value)> {
    let mut children = Vec::new();
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        match (holds(keyword, value), value) {
            (Some(Holds::One), value) => {
                children.push((keyword.as_str(), format!("/{keyword}"), value));
            }
            (Some(Holds::List), Value::Array(items)) => {
                for (number, item) in items.iter().enumerate() {
                    children.push((keyword, format!("/{keyword}/{number}"), item));
                }
            }
            (Some(Holds::Named), Value::Object(named)) => {
                for (name, item) in named {
                    children.push((keyword, format!("/{keyword}/{}", token(name)), item));
                }
            }
            _ => {}
        }
    }
    children
}

/// A copy of a schema with each schema directly inside of it replaced.
pub(crate) fn map_children(schema: &Value, mut change: impl FnMut(&str, &Value) -> Value) -> Value {
    let Value::Object(members) = schema else {
        return schema.clone();
    };
    let changed = members.iter().map(|(keyword, value)| {
        let value = match (holds(keyword, value), value) {
            (Some(Holds::One), value) => change(keyword, value),
            (Some(Holds::List), Value::Array(items)) => {
                items.iter().map(|item| change(keyword, item)).collect()
            }
            (Some(Holds::Named), Value::Object(named)) => named
                .iter()
                .map(|(name, item)| (name.clone(), change(keyword, item)))
                .collect(),
            _ => value.clone(),
        };
        (keyword.clone(), value)
    });
    changed.collect()
}

/// A name as RFC 6901 has it in a pointer.
pub(crate) fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The schema that a reference inside of `root` names, with percent signs as a fragment has them.
pub(crate) fn resolve<'r>(root: &'r Value, reference: &str) -> Option<&'r Value> {
    let pointer = reference.strip_prefix('#')?;
    root.pointer(pointer)
        .or_else(|| root.pointer(&percent_decoded(pointer)?))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// The references in a schema and in all schemas inside of it, those of definitions left out.
fn references<'v>(schema: &'v Value, depth: usize, found: &mut Vec<&'v str>) {
    if depth > DEPTH_MAX {
        return;
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        found.push(reference);
    }
    for (keyword, _, child) in children(schema) {
        if !matches!(keyword, "$defs" | "definitions") {
            references(child, depth + 1, found);
        }
    }
}

/// Whether any schema refers to that place or below it.
pub(crate) fn has_reference_into(root: &Value, place: &str) -> bool {
    let mut found = Vec::new();
    references(root, 0, &mut found);
    for keyword in ["$defs", "definitions"] {
        for definition in root
            .get(keyword)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            references(definition.1, 0, &mut found);
        }
    }
    found.iter().any(|reference| {
        reference
            .strip_prefix(place)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Takes out the definitions that nothing refers to any more.
pub(crate) fn prune_definitions(root: &mut Value) {
    for keyword in ["$defs", "definitions"] {
        let Some(definitions) = root.get(keyword).and_then(Value::as_object) else {
            continue;
        };
        let start = format!("#/{keyword}/");
        let mut waiting = Vec::new();
        references(root, 0, &mut waiting);
        let mut used: HashSet<String> = HashSet::default();
        while let Some(reference) = waiting.pop() {
            let Some(rest) = reference.strip_prefix(&start) else {
                continue;
            };
            let raw = rest.split('/').next().unwrap_or_default();
            let decoded = percent_decoded(raw).unwrap_or_else(|| raw.to_owned());
            let name = decoded.replace("~1", "/").replace("~0", "~");
            if let Some(definition) = definitions.get(&name)
                && used.insert(name)
            {
                references(definition, 0, &mut waiting);
            }
        }
        let Some(members) = root.as_object_mut() else {
            return;
        };
        if let Some(Value::Object(definitions)) = members.get_mut(keyword) {
            definitions.retain(|name, _| used.contains(name));
            if definitions.is_empty() {
                members.shift_remove(keyword);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_lead_to_schemas() {
        let root = json!({"$defs": {"a/b": {"x": 1}, "c d": {"x": 2}}});
        for (reference, expected) in [
            ("#/$defs/a~1b", Some(1)),
            ("#/$defs/c%20d", Some(2)),
            ("#/%24defs/c d", Some(2)),
            ("#/$defs/e", None),
            ("other.json#/a", None),
            ("#/$defs/%zz", None),
        ] {
            let found = resolve(&root, reference).map(|schema| schema["x"].as_i64().unwrap());
            assert_eq!(found, expected, "{reference}");
        }
    }

    #[test]
    fn only_definitions_in_use_stay() {
        let mut root = json!({
            "properties": {"a": {"items": {"$ref": "#/$defs/A"}}, "properties": {"$ref": "#/$defs/~0x/properties/y"}},
            "$defs": {
                "A": {"anyOf": [{"$ref": "#/$defs/B"}]},
                "B": {"$ref": "#/$defs/A"},
                "C": {"$ref": "#/$defs/C"},
                "~x": {"properties": {"y": {}}},
            },
        });
        prune_definitions(&mut root);
        let kept: Vec<_> = root["$defs"].as_object().unwrap().keys().collect();
        assert_eq!(kept, ["A", "B", "~x"]);
        root["properties"] = json!({});
        prune_definitions(&mut root);
        assert_eq!(root, json!({"properties": {}}));
    }
}
