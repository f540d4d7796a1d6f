//! Tools as a client bears them: the same meaning, within what [`crate::client`] says of it.
//!
//! Rendering changes what is listed and nothing else: calls are still checked against the true schema. So a rendered
//! schema may say less than the true one, never something else. Every value that the true schema accepts, the rendered
//! one accepts too (`null` by the word `nullable`, where the client has no other), and what it can no longer say in
//! keywords it says in descriptions. A schema that is within the limits stays as it is.

mod inline;
mod join;
mod note;
mod root;
mod subset;

use serde_json::{Map, Value};
use wharf_model::{Json, Tool};

use crate::client::{Client, Dialect, Root};
use crate::lint;
use crate::schema;

/// The tool as that client bears it; none where it is so already.
pub(crate) fn render(client: Client, tool: &Tool) -> Option<Tool> {
    let limits = client.limits();
    let given = tool.input_schema.to_value();
    let room = limits.description_chars_max.unwrap_or(usize::MAX);
    let is_short = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= room);
    let is_within = lint::is_within(&limits.dialect, &given);
    if is_within && is_short(&tool.description) {
        return None;
    }
    let mut tool = tool.clone();
    let mut notes = Vec::new();
    if !is_within {
        let rendered = render_schema(&limits.dialect, given, &mut notes);
        tool.input_schema = Json::from(&rendered).into();
    }
    if !notes.is_empty() || !is_short(&tool.description) {
        // Notes say what the schema no longer can, so the room for them is taken from the description.
        let notes = note::append(None, &notes).unwrap_or_default();
        let notes = note::cut(&notes, room);
        let before = tool.description.as_deref().unwrap_or_default();
        let before = note::cut(before, room.saturating_sub(notes.chars().count() + 2));
        let notes = (!notes.is_empty()).then_some(notes);
        tool.description = note::append(Some(before), notes.as_slice());
    }
    Some(tool)
}

/// `notes` takes what is to be said of all arguments together.
fn render_schema(dialect: &Dialect, mut schema: Value, notes: &mut Vec<String>) -> Value {
    if !dialect.references {
        schema = inline::inline(&schema);
    }
    schema = root::flatten(&schema, notes);
    if dialect.subset {
        schema = subset::convert(&schema);
    }
    schema = trim(dialect, &schema, 0);
    schema::prune_definitions(&mut schema);
    if let Value::Object(members) = &mut schema
        && dialect.root == Root::Plain
    {
        members.retain(|keyword, _| matches!(keyword.as_str(), "type" | "properties" | "required"));
    }
    schema
}

/// Cuts what is too deep or too long, and fills in items. `levels` counts objects and arrays around the schema.
fn trim(dialect: &Dialect, schema: &Value, levels: usize) -> Value {
    let is_nest = ["properties", "items", "additionalProperties"]
        .iter()
        .any(|keyword| schema.get(keyword).is_some());
    if let Some(most) = dialect.depth_max
        && is_nest
        && levels >= most
    {
        return cut(schema);
    }
    let mut trimmed = schema::map_children(schema, |keyword, child| match keyword {
        "properties" | "items" | "additionalProperties" | "patternProperties" | "prefixItems" => {
            trim(dialect, child, levels + 1)
        }
        "$defs" | "definitions" => trim(dialect, child, 0),
        _ => trim(dialect, child, levels),
    });
    let Value::Object(members) = &mut trimmed else {
        return trimmed;
    };
    if dialect.array_items && lint::is_of_type(schema, "array") && !members.contains_key("items") {
        members.insert("items".to_owned(), Value::Object(Map::new()));
    }
    if let Some(most) = dialect.enum_max
        && let Some(Value::Array(values)) = members.get("enum")
        && values.len() > most
    {
        let note = note::values("One of", values);
        members.shift_remove("enum");
        note::describe(members, &[note]);
    }
    trimmed
}

/// A schema without what is inside of it, which its description tells instead.
fn cut(schema: &Value) -> Value {
    let mut members = Map::new();
    // An array would have to say more of its items than there is room for.
    if let Some(Value::String(json_type)) = schema.get("type")
        && json_type != "array"
    {
        members.insert("type".to_owned(), Value::from(json_type.as_str()));
    }
    if let Some(description) = schema.get("description") {
        members.insert("description".to_owned(), description.clone());
    }
    let mut inside = schema.as_object().cloned().unwrap_or_default();
    inside.shift_remove("description");
    note::describe(
        &mut members,
        &[note::keyword("JSON Schema", &Value::Object(inside))],
    );
    Value::Object(members)
}

#[cfg(test)]
mod tests;
