//! Two schemas that both hold, as one.
//!
//! Where one keyword cannot say what both say, the first one's stays: the joined schema then accepts more than both
//! together, which a rendered schema may.

use serde_json::{Map, Value};

/// Adds what `other` says to `base`.
pub(super) fn join(base: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (keyword, theirs) in other {
        let Some(ours) = base.get_mut(keyword) else {
            base.insert(keyword.clone(), theirs.clone());
            continue;
        };
        match (keyword.as_str(), ours, theirs) {
            ("required", Value::Array(ours), Value::Array(theirs)) => {
                for name in theirs {
                    if !ours.contains(name) {
                        ours.push(name.clone());
                    }
                }
            }
            ("properties", Value::Object(ours), Value::Object(theirs)) => {
                for (name, theirs) in theirs {
                    match ours.get_mut(name) {
                        None => {
                            ours.insert(name.clone(), theirs.clone());
                        }
                        Some(Value::Object(ours)) => {
                            if let Value::Object(theirs) = theirs {
                                join(ours, theirs);
                            }
                        }
                        Some(anything) => *anything = theirs.clone(),
                    }
                }
            }
            ("allOf", Value::Array(ours), Value::Array(theirs)) => ours.extend(theirs.clone()),
            ("enum", Value::Array(ours), Value::Array(theirs))
                if ours.iter().any(|value| theirs.contains(value)) =>
            {
                ours.retain(|value| theirs.contains(value));
            }
            ("type", ours, theirs) => {
                if let Some(both) = common_types(ours, theirs) {
                    *ours = both;
                }
            }
            _ => {}
        }
    }
}

/// The types that both allow; none when there are none.
fn common_types(ours: &Value, theirs: &Value) -> Option<Value> {
    let theirs = types(theirs);
    let mut both: Vec<&str> = Vec::new();
    for json_type in types(ours) {
        let common = match json_type {
            name if theirs.contains(&name) => name,
            "number" if theirs.contains(&"integer") => "integer",
            "integer" if theirs.contains(&"number") => "integer",
            _ => continue,
        };
        if !both.contains(&common) {
            both.push(common);
        }
    }
    match both[..] {
        [] => None,
        [one] => Some(Value::from(one)),
        _ => Some(Value::from(both)),
    }
}

/// The names that a `type` has.
pub(super) fn types(value: &Value) -> Vec<&str> {
    match value {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_hold() {
        for (ours, theirs, expected) in [
            (
                json!({"required": ["a"], "properties": {"a": {}}}),
                json!({"required": ["a", "b"], "properties": {"a": {"type": "string"}, "b": true}}),
                json!({"required": ["a", "b"], "properties": {"a": {"type": "string"}, "b": true}}),
            ),
            (
                json!({"type": ["number", "null"]}),
                json!({"type": "integer"}),
                json!({"type": "integer"}),
            ),
            (
                json!({"type": "string"}),
                json!({"type": "array"}),
                json!({"type": "string"}),
            ),
            (
                json!({"enum": [1, 2]}),
                json!({"enum": [2, 3]}),
                json!({"enum": [2]}),
            ),
            (
                json!({"enum": [1]}),
                json!({"enum": [3]}),
                json!({"enum": [1]}),
            ),
            (
                json!({"minimum": 1}),
                json!({"minimum": 2, "maximum": 9}),
                json!({"minimum": 1, "maximum": 9}),
            ),
            (
                json!({"description": "A."}),
                json!({"description": "B."}),
                json!({"description": "A."}),
            ),
        ] {
            let Value::Object(mut joined) = ours.clone() else {
                unreachable!()
            };
            join(&mut joined, theirs.as_object().unwrap());
            assert_eq!(Value::Object(joined), expected, "{ours} and {theirs}");
        }
    }
}
