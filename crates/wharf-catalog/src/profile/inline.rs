//! References replaced by what they refer to.
//!
//! Definitions that tie a whole API together, and those that hold themselves, would never end: each reference is opened
//! once on the way down, and a schema has so many places and no more. What is not opened is named in a description.

use serde_json::{Map, Value};

use super::join::join;
use super::note;
use crate::schema;

/// How many schemas one tool's may hold after inlining. A list of such tools is large, and still one that a model reads.
const SCHEMAS_MAX: usize = 600;
/// How deep references are opened within references.
const OPEN_MAX: usize = 12;
/// How deep schemas stand within schemas; two levels of JSON each, of the 128 that readers of JSON take.
const DEPTH_MAX: usize = 40;

/// The schema without references and definitions.
pub(super) fn inline(root: &Value) -> Value {
    let mut inliner = Inliner {
        root,
        left: SCHEMAS_MAX,
        open: Vec::new(),
    };
    inliner.schema(root, 0)
}

struct Inliner<'r> {
    root: &'r Value,
    left: usize,
    /// The references that are being replaced, outermost first.
    open: Vec<String>,
}

impl Inliner<'_> {
    fn schema(&mut self, schema: &Value, depth: usize) -> Value {
        let Value::Object(members) = schema else {
            return schema.clone();
        };
        if let Some(reference) = reference(members) {
            return self.reference(reference, members, depth);
        }
        if depth > DEPTH_MAX || self.left == 0 {
            return Value::Object(outline(schema, "its parts are not listed here"));
        }
        self.left -= 1;
        let mut inlined = schema::map_children(schema, |keyword, child| match keyword {
            "$defs" | "definitions" => Value::Null,
            _ => self.schema(child, depth + 1),
        });
        if let Value::Object(members) = &mut inlined {
            members.shift_remove("$defs");
            members.shift_remove("definitions");
        }
        inlined
    }

    fn reference(&mut self, reference: &str, members: &Map<String, Value>, depth: usize) -> Value {
        let target = self.target(reference, depth);
        // What stands beside a reference holds as well, and its description is the nearer one.
        let mut beside = members.clone();
        beside.shift_remove("$ref");
        beside.shift_remove("$dynamicRef");
        if beside.is_empty() {
            return target;
        }
        let mut joined = self.schema(&Value::Object(beside), depth + 1);
        if let (Value::Object(joined), Value::Object(target)) = (&mut joined, &target) {
            join(joined, target);
        }
        joined
    }

    fn target(&mut self, reference: &str, depth: usize) -> Value {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        let Some(target) = schema::resolve(self.root, reference) else {
            return Value::Object(outline(&Value::Null, &format!("see `{name}`")));
        };
        if reference == "#" || self.open.iter().any(|open| open == reference) {
            let what = format!("a `{name}` again, like the one that holds it");
            return Value::Object(outline(target, &what));
        }
        if self.open.len() >= OPEN_MAX {
            let what = format!("a `{name}`; its parts are not listed here");
            return Value::Object(outline(target, &what));
        }
        self.open.push(reference.to_owned());
        let inlined = self.schema(target, depth + 1);
        self.open.pop();
        inlined
    }
}

fn reference(members: &Map<String, Value>) -> Option<&str> {
    ["$ref", "$dynamicRef"]
        .into_iter()
        .find_map(|keyword| members.get(keyword)?.as_str())
}

/// A schema's type and description, and what is to be said of the rest.
fn outline(schema: &Value, rest: &str) -> Map<String, Value> {
    let mut members = Map::new();
    let json_type = match schema.get("type") {
        Some(json_type) => Some(json_type.clone()),
        None if schema.get("properties").is_some() => Some(Value::from("object")),
        None => None,
    };
    if let Some(json_type) = json_type {
        members.insert("type".to_owned(), json_type);
    }
    if let Some(Value::String(description)) = schema.get("description") {
        members.insert(
            "description".to_owned(),
            Value::from(note::short(description)),
        );
    }
    note::describe(&mut members, &[format!("({rest})")]);
    members
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_opened_once_on_the_way_down() {
        let root = json!({
            "type": "object",
            "properties": {
                "node": {"$ref": "#/$defs/Node", "description": "The first."},
                "plain": {"$ref": "#/$defs/Alias"},
                "gone": {"$ref": "#/$defs/Gone"},
            },
            "$defs": {
                "Node": {"type": "object", "description": "A node.", "properties": {
                    "next": {"$ref": "#/$defs/Node"}, "name": {"$ref": "#/$defs/Name"}}},
                "Name": {"type": "string"},
                "Alias": {"$ref": "#/$defs/Name"},
            },
        });
        assert_eq!(
            inline(&root),
            json!({
                "type": "object",
                "properties": {
                    "node": {"description": "The first.", "type": "object", "properties": {
                        "next": {"type": "object", "description": "A node. (a `Node` again, like the one that holds it)"},
                        "name": {"type": "string"}}},
                    "plain": {"type": "string"},
                    "gone": {"description": "(see `Gone`)"},
                },
            })
        );
    }

    #[test]
    fn what_would_never_end_ends() {
        // Each definition holds the next one twice: two to the power of sixty places.
        let mut definitions = Map::new();
        for number in 0..60 {
            let next = format!("#/$defs/D{}", number + 1);
            definitions.insert(
                format!("D{number}"),
                json!({"type": "object", "properties": {"a": {"$ref": next}, "b": {"$ref": next}}}),
            );
        }
        definitions.insert("D60".to_owned(), json!({"$ref": "#/$defs/D60"}));
        let root = json!({"properties": {"x": {"$ref": "#/$defs/D0"}}, "$defs": definitions});
        let text = inline(&root).to_string();
        assert!(!text.contains("$ref"), "every reference is replaced");
        assert!(text.len() < 200_000, "{} bytes", text.len());
    }
}
