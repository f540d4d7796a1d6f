//! The cells of the manual's tables.

use serde_json::Value;

use crate::schema::{View, views};

/// A longer default is left to the section that it belongs to.
const SHOWN_DEFAULT_CHARS_MAX: usize = 60;
/// Lists of lists of lists say no more than "list".
const KIND_DEPTH_MAX: usize = 4;

/// The type in words, as in "whole number, 0–65535" or "list of text".
pub(super) fn kind(root: &Value, schema: &Value) -> String {
    escaped(&kind_within(root, schema, 0))
}

fn kind_within(root: &Value, schema: &Value, depth: usize) -> String {
    let views = views(root, schema);
    let names: Vec<String> = views
        .iter()
        .filter_map(View::literals)
        .flatten()
        .filter(|literal| !literal.is_null())
        .map(|literal| format!("`{}`", shown(literal)))
        .collect();
    let mut kinds = Vec::new();
    if !names.is_empty() {
        kinds.push(names.join(", "));
    }
    for view in views.iter().filter(|view| view.literals().is_none()) {
        for kind in kinds_of(root, view, depth) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
    }
    kinds.join(" or ")
}

fn kinds_of(root: &Value, view: &View<'_>, depth: usize) -> Vec<String> {
    if view.is_anything() {
        return vec!["anything".to_owned()];
    }
    let inner = |keyword| {
        view.keyword(keyword)
            .filter(|schema| schema.is_object() && depth < KIND_DEPTH_MAX)
            .map(|schema| kind_within(root, schema, depth + 1))
            .filter(|kind| kind != "anything")
    };
    let mut kinds = Vec::new();
    if view.accepts("string") {
        let kind = match (view.flag("writeOnly"), view.text("format")) {
            (true, _) => "secret text",
            (_, Some("uri" | "url")) => "URL",
            _ => "text",
        };
        kinds.push(kind.to_owned());
    }
    if view.accepts("integer") {
        let word = if view.accepts("number") {
            "number"
        } else {
            "whole number"
        };
        kinds.push(format!("{word}{}", range(view)));
    }
    if view.accepts("boolean") {
        kinds.push("`true` or `false`".to_owned());
    }
    if view.accepts("array") {
        kinds.push(inner("items").map_or_else(
            || "list".to_owned(),
            |items| match items.as_str() {
                "table" => "list of tables".to_owned(),
                _ => format!("list of {items}"),
            },
        ));
    }
    if view.accepts("object") {
        let values = inner("additionalProperties").filter(|_| view.properties().is_empty());
        kinds.push(values.map_or_else(
            || "table".to_owned(),
            |values| match values.as_str() {
                "table" => "tables by name".to_owned(),
                _ => format!("{values} by name"),
            },
        ));
    }
    kinds
}

fn range(view: &View<'_>) -> String {
    match (view.keyword("minimum"), view.keyword("maximum")) {
        (Some(least), Some(most)) => format!(", {least}–{most}"),
        // Unsigned numbers say that they start at zero; nobody would think otherwise.
        (Some(least), None) if least.as_f64() != Some(0.0) => format!(", from {least}"),
        (None, Some(most)) => format!(", up to {most}"),
        _ => String::new(),
    }
}

/// The default, or that there is none.
pub(super) fn default(outline: &View<'_>, is_required: bool) -> String {
    match outline.keyword("default") {
        _ if is_required => "required".to_owned(),
        None | Some(Value::Null) => "none".to_owned(),
        Some(value) => {
            let text = shown(value);
            match value {
                Value::Object(members) if members.is_empty() => "empty".to_owned(),
                Value::Array(items) if items.is_empty() => "empty".to_owned(),
                Value::String(text) if text.is_empty() => "empty".to_owned(),
                Value::Object(_) => "see its keys".to_owned(),
                _ if text.chars().count() > SHOWN_DEFAULT_CHARS_MAX => "see below".to_owned(),
                _ => escaped(&format!("`{text}`")),
            }
        }
    }
}

/// What the key is for, with what each of its names means.
pub(super) fn purpose(outline: &View<'_>, alternatives: &[View<'_>]) -> String {
    let mut text = String::new();
    if outline.flag("deprecated") {
        text.push_str("**Deprecated.** ");
    }
    let description = outline.text("description").unwrap_or_default().trim();
    text.push_str(&description.replace("\n\n", "<br>").replace('\n', " "));
    for view in alternatives {
        let (Some(literals), Some(meaning)) = (view.literals(), view.own_description()) else {
            continue;
        };
        for literal in literals {
            let line = format!(
                "`{}`: {}",
                shown(literal),
                meaning.trim().replace('\n', " ")
            );
            if !text.is_empty() {
                text.push_str("<br>");
            }
            text.push_str(&line);
        }
    }
    escaped(&text)
}

/// A value as it would be written in the file, on one line.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A bar would end the cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
