//! Schemas in the part of OpenAPI 3.0's language that the Gemini API reads: every schema has one type or is a plain
//! `anyOf`, `null` is the word `nullable`, an `enum` holds texts.
//!
//! Works on schemas without references and without conditions at the root; [`super::inline`] and [`super::root`] come
//! before.

use serde_json::{Map, Value, json};

use super::join::{join, types};
use super::note;
use super::root::flatten_object;
use crate::client::{SUBSET, subset_formats};
use crate::schema;

/// Rounds in which `allOf` within `allOf` is joined.
const JOINS_MAX: usize = 16;

/// The schema in that language.
pub(super) fn convert(schema: &Value) -> Value {
    at_depth(schema, 0)
}

fn at_depth(schema: &Value, depth: usize) -> Value {
    let given = match schema {
        Value::Object(members) => members.clone(),
        Value::Bool(false) => return anything(Some("Leave it out.".to_owned()), false),
        _ => return anything(None, false),
    };
    if depth > schema::DEPTH_MAX {
        let description = given.get("description").and_then(Value::as_str);
        return anything(description.map(str::to_owned), false);
    }
    Conversion::new(given).finish(depth)
}

/// Any value. The API has no word for that, so every type is named.
fn anything(description: Option<String>, nullable: bool) -> Value {
    let mut text = Map::from_iter([("type".to_owned(), Value::from("string"))]);
    if let Some(description) = description {
        text.insert("description".to_owned(), Value::from(description));
    }
    if nullable {
        text.insert("nullable".to_owned(), Value::Bool(true));
    }
    json!({ "anyOf": [
        text,
        {"type": "number"},
        {"type": "boolean"},
        {"type": "object"},
        {"type": "array", "items": {"type": "string"}},
    ]})
}

/// One schema on its way.
struct Conversion {
    /// What is left to convert.
    given: Map<String, Value>,
    types: Vec<String>,
    alternatives: Vec<Value>,
    nullable: bool,
    notes: Vec<String>,
}

impl Conversion {
    fn new(mut given: Map<String, Value>) -> Self {
        let mut notes = Vec::new();
        join_all(&mut given);
        if is_object(&given) {
            given = flatten_object(&given, &mut notes);
        }
        let mut nullable = given.shift_remove("nullable") == Some(Value::Bool(true));
        let mut alternatives = Vec::new();
        for keyword in ["anyOf", "oneOf"] {
            match given.shift_remove(keyword) {
                Some(Value::Array(found)) if alternatives.is_empty() => alternatives = found,
                Some(other) => notes.extend(note::of(keyword, &other)),
                None => {}
            }
        }
        let before = alternatives.len();
        alternatives.retain(|alternative| !is_null(alternative));
        nullable |= alternatives.len() < before;
        if let Some(constant) = given.shift_remove("const") {
            given.entry("enum").or_insert_with(|| json!([constant]));
        }
        if let Some(Value::Array(values)) = given.get_mut("enum") {
            let before = values.len();
            values.retain(|value| !value.is_null());
            nullable |= values.len() < before;
            if values.is_empty() {
                given.shift_remove("enum");
            }
        }
        let named = given.shift_remove("type");
        let mut types: Vec<String> = named.iter().flat_map(types).map(str::to_owned).collect();
        types.dedup();
        let before = types.len();
        types.retain(|name| name != "null");
        nullable |= types.len() < before;
        if types.is_empty() {
            types.extend(inferred(&given).map(str::to_owned));
        }
        Self {
            given,
            types,
            alternatives,
            nullable,
            notes,
        }
    }

    fn finish(self, depth: usize) -> Value {
        if !self.alternatives.is_empty() {
            return self.any_of_alternatives(depth);
        }
        match self.types.len() {
            0 => self.untyped(),
            1 => self.of_one_type(depth),
            _ => self.any_of_types(depth),
        }
    }

    fn untyped(mut self) -> Value {
        for (keyword, value) in &self.given {
            if !matches!(
                keyword.as_str(),
                "description" | "title" | "default" | "example"
            ) {
                self.notes.extend(match (keyword.as_str(), value) {
                    ("enum", Value::Array(values)) => Some(note::values("One of", values)),
                    _ => note::of(keyword, value),
                });
            }
        }
        note::describe(&mut self.given, &self.notes);
        let description = self.given.get("description").and_then(Value::as_str);
        anything(description.map(str::to_owned), self.nullable)
    }

    /// Each alternative with what holds for all of them. Texts, which need to be said once, go to the first.
    fn any_of_alternatives(mut self, depth: usize) -> Value {
        note::describe(&mut self.given, &self.notes);
        let mut texts = Map::new();
        for keyword in [
            "description",
            "title",
            "default",
            "example",
            "examples",
            "items",
            "enum",
        ] {
            if let Some(text) = self.given.shift_remove(keyword) {
                texts.insert(keyword.to_owned(), text);
            }
        }
        let is_one = self.alternatives.len() == 1;
        let mut converted: Vec<Value> = Vec::new();
        for (number, alternative) in self.alternatives.iter().enumerate() {
            let mut members = alternative.as_object().cloned().unwrap_or_default();
            let is_bare = ![
                "type",
                "enum",
                "const",
                "anyOf",
                "oneOf",
                "allOf",
                "properties",
                "items",
            ]
            .iter()
            .any(|keyword| members.contains_key(*keyword));
            if is_bare && !self.types.is_empty() {
                members.insert("type".to_owned(), Value::from(self.types.clone()));
            }
            join(&mut members, &self.given);
            if number == 0 {
                let own = members
                    .get("description")
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                join(&mut members, &texts);
                if let (Some(own), Some(Value::String(outer))) = (own, texts.get("description")) {
                    let both = note::append(Some(outer.clone()), &[own]);
                    members.insert("description".to_owned(), Value::from(both));
                }
            }
            if self.nullable {
                members.insert("nullable".to_owned(), Value::Bool(true));
            }
            let value = at_depth(&Value::Object(members), depth + 1);
            if is_one {
                return value;
            }
            let nested = value.get("anyOf").and_then(Value::as_array).cloned();
            for value in nested.unwrap_or_else(|| vec![value]) {
                if !converted.contains(&value) {
                    converted.push(value);
                }
            }
        }
        match converted.len() {
            1 => converted.remove(0),
            _ => json!({ "anyOf": converted }),
        }
    }

    /// `["string", "integer"]` as one schema for each, with the keywords that are about it.
    fn any_of_types(mut self, depth: usize) -> Value {
        note::describe(&mut self.given, &self.notes);
        let mut converted = Vec::new();
        for (number, json_type) in self.types.iter().enumerate() {
            let mut members = self.given.clone();
            if number > 0 {
                for text in ["description", "title", "default", "example", "examples"] {
                    members.shift_remove(text);
                }
            }
            if let Some(Value::Array(values)) = members.get_mut("enum") {
                values.retain(|value| {
                    type_of(value) == json_type || (json_type == "number" && value.is_number())
                });
                if values.is_empty() {
                    continue;
                }
            }
            members.insert("type".to_owned(), Value::from(json_type.as_str()));
            if self.nullable {
                members.insert("nullable".to_owned(), Value::Bool(true));
            }
            converted.push(at_depth(&Value::Object(members), depth + 1));
        }
        match converted.len() {
            0 => self.untyped(),
            1 => converted.remove(0),
            _ => json!({ "anyOf": converted }),
        }
    }

    fn of_one_type(mut self, depth: usize) -> Value {
        let json_type = self.types.remove(0);
        let mut members = Map::from_iter([("type".to_owned(), Value::from(json_type.as_str()))]);
        if self.nullable {
            members.insert("nullable".to_owned(), Value::Bool(true));
        }
        let given = std::mem::take(&mut self.given);
        for (keyword, value) in &given {
            if is_about(keyword).is_some_and(|types| !types.contains(&json_type.as_str())) {
                continue;
            }
            match self.keyword(&json_type, keyword, value, depth) {
                Some(value) => {
                    members.insert(keyword.clone(), value);
                }
                None if SUBSET.contains(&keyword.as_str()) => {}
                None => self.notes.extend(note::of(keyword, value)),
            }
        }
        if json_type == "array" && !members.contains_key("items") {
            members.insert("items".to_owned(), items_of_tuple(&given, depth));
        }
        let properties = members.get("properties").and_then(Value::as_object);
        let listed: Vec<Value> = properties
            .into_iter()
            .flat_map(Map::keys)
            .map(|name| Value::from(name.as_str()))
            .collect();
        if let Some(Value::Array(required)) = members.get_mut("required") {
            required.retain(|name| listed.contains(name));
            if required.is_empty() {
                members.shift_remove("required");
            }
        }
        note::describe(&mut members, &self.notes);
        Value::Object(members)
    }

    /// The keyword's value in the language; none when it has to be said in words or not at all.
    fn keyword(
        &mut self,
        json_type: &str,
        keyword: &str,
        value: &Value,
        depth: usize,
    ) -> Option<Value> {
        match (keyword, value) {
            ("items", Value::Array(_)) => None,
            ("items", value) => Some(at_depth(value, depth + 1)),
            ("properties", Value::Object(properties)) => Some(
                properties
                    .iter()
                    .map(|(name, value)| (name.clone(), at_depth(value, depth + 1)))
                    .collect(),
            ),
            ("enum", Value::Array(values)) => {
                let is_texts = values
                    .iter()
                    .all(|value| value.as_str().is_some_and(|text| !text.is_empty()));
                if json_type == "string" && is_texts {
                    return Some(value.clone());
                }
                self.notes.push(note::values("One of", values));
                None
            }
            ("format", Value::String(format))
                if !subset_formats(json_type).contains(&format.as_str()) =>
            {
                self.notes.extend(note::of(keyword, value));
                None
            }
            (keyword, value) => SUBSET.contains(&keyword).then(|| value.clone()),
        }
    }
}

/// Items of which each place has a schema of its own become items of any of those.
fn items_of_tuple(given: &Map<String, Value>, depth: usize) -> Value {
    let places = given.get("prefixItems").or_else(|| given.get("items"));
    match places.and_then(Value::as_array) {
        Some(places) if !places.is_empty() => at_depth(&json!({ "anyOf": places }), depth + 1),
        _ => anything(None, false),
    }
}

fn join_all(given: &mut Map<String, Value>) {
    for _ in 0..JOINS_MAX {
        let Some(Value::Array(parts)) = given.shift_remove("allOf") else {
            return;
        };
        for part in parts {
            if let Value::Object(part) = part {
                join(given, &part);
            }
        }
    }
    given.shift_remove("allOf");
}

/// Whether it is an object whose alternatives only say more of its members.
fn is_object(given: &Map<String, Value>) -> bool {
    given.contains_key("properties")
}

fn is_null(schema: &Value) -> bool {
    let says = |keyword: &str, value: Value| schema.get(keyword) == Some(&value);
    says("type", json!("null"))
        || says("type", json!(["null"]))
        || says("const", Value::Null) && schema.get("const").is_some()
        || says("enum", json!([null]))
}

/// The type that a schema without one can only mean.
fn inferred(given: &Map<String, Value>) -> Option<&'static str> {
    if let Some(Value::Array(values)) = given.get("enum") {
        let first = type_of(values.first()?);
        return values
            .iter()
            .all(|value| type_of(value) == first)
            .then_some(first);
    }
    // Keywords of one type say nothing of values of another; these are written where only that type is meant.
    let has = |keywords: &[&str]| keywords.iter().any(|keyword| given.contains_key(*keyword));
    if has(&[
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
    ]) {
        Some("object")
    } else if has(&["items", "prefixItems", "minItems", "maxItems"]) {
        Some("array")
    } else if has(&["pattern", "minLength", "maxLength", "contentEncoding"]) {
        Some("string")
    } else if has(&[
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
    ]) {
        Some("number")
    } else {
        None
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The types that a keyword is about; none when it is about all.
fn is_about(keyword: &str) -> Option<&'static [&'static str]> {
    match keyword {
        "minLength" | "maxLength" | "pattern" | "contentEncoding" | "contentMediaType"
        | "contentSchema" => Some(&["string"]),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
            Some(&["number", "integer"])
        }
        "format" => Some(&["string", "number", "integer"]),
        "items" | "prefixItems" | "minItems" | "maxItems" | "uniqueItems" | "contains"
        | "minContains" | "maxContains" | "unevaluatedItems" => Some(&["array"]),
        "properties"
        | "required"
        | "additionalProperties"
        | "patternProperties"
        | "propertyNames"
        | "minProperties"
        | "maxProperties"
        | "dependentRequired"
        | "dependentSchemas"
        | "unevaluatedProperties" => Some(&["object"]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_has_one_type_or_is_a_choice() {
        for (given, expected) in [
            (json!({"type": "string"}), json!({"type": "string"})),
            (
                json!({"type": ["string", "null"], "format": "uuid"}),
                json!({"type": "string", "nullable": true, "description": "Format: uuid."}),
            ),
            (
                json!({"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "How many"}),
                json!({"type": "integer", "nullable": true, "description": "How many"}),
            ),
            (
                json!({"oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 3}], "description": "Which."}),
                json!({"anyOf": [{"type": "integer", "description": "Which."}, {"type": "string", "maxLength": 3}]}),
            ),
            (
                json!({"type": ["string", "integer"], "minimum": 1, "minLength": 2}),
                json!({"anyOf": [{"type": "string", "minLength": 2}, {"type": "integer", "minimum": 1}]}),
            ),
            (
                json!({"enum": [1, 2, null]}),
                json!({"type": "integer", "nullable": true, "description": "One of: 1, 2."}),
            ),
            (
                json!({"const": "a"}),
                json!({"type": "string", "enum": ["a"]}),
            ),
            (
                json!({"type": "object", "properties": {"a": {"exclusiveMinimum": 0}}, "required": ["a", "b"], "additionalProperties": false}),
                json!({"type": "object", "properties": {"a": {"type": "number", "description": "More than 0."}}, "required": ["a"]}),
            ),
            (
                json!({"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}]}),
                json!({"type": "array", "items": {"type": "number"}, "description": "`prefixItems`: [{\"type\":\"number\"},{\"type\":\"number\"}]."}),
            ),
            (
                json!({"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"required": ["a"]}]}),
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
                json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                    "description": "Give at least one of these sets of arguments: (`a`), (`b`)."}),
            ),
        ] {
            assert_eq!(convert(&given), expected, "{given}");
        }
    }
}
