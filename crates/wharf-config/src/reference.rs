//! The reference manual and the schema for editors, both made from the type.
//!
//! The manual is one Markdown page: a section for every table of keys, in the order of the type's fields, each key with
//! its type, its default and the doc comment of its field. A part of the type that stands at several places is described
//! once and linked from the others, so that recursion ends.

use std::collections::HashMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::schema::{self, View, common_tag, outline, views};

mod cells;
mod example;

/// The JSON Schema of `T`, for editors that complete and check while somebody writes.
///
/// Where a number or a switch is wanted a text with a reference fits as well, as it does when the file is read.
pub fn json_schema<T: JsonSchema>() -> Value {
    let mut schema = schema::of_type::<T>();
    allow_references(&mut schema);
    schema
}

/// The manual of `T` as one page of Markdown.
pub fn reference_page<T: JsonSchema>(title: &str) -> String {
    let root = schema::of_type::<T>();
    let mut page = Page {
        root: &root,
        out: format!("# {title}\n"),
        described: HashMap::new(),
    };
    page.section(&root, "", 1);
    page.out
}

struct Page<'s> {
    root: &'s Value,
    out: String,
    /// Where the parts of the type have their section, by the reference to them.
    described: HashMap<&'s str, String>,
}

/// A table that a key leads to: where it stands and what it looks like.
struct Below<'s> {
    path: String,
    schema: &'s Value,
}

impl<'s> Page<'s> {
    /// Describes everything that can stand at `path`: its text, its keys or its variants, its examples, what is below.
    fn section(&mut self, schema: &'s Value, path: &str, level: usize) {
        let outline = outline(self.root, schema);
        if let Some(text) = outline.text("description") {
            let _ = write!(self.out, "\n{}\n", text.trim());
        }
        self.examples(&outline, path);
        let views = object_views(self.root, schema);
        let views: Vec<&View<'s>> = views.iter().collect();
        let mut below = Vec::new();
        match views.as_slice() {
            [] => {}
            [view] => self.table(view, path, None, &mut below),
            several => self.variants(several, path, level, &mut below),
        }
        for Below { path, schema } in below {
            self.subsection(schema, &path, level + 1);
        }
    }

    fn subsection(&mut self, schema: &'s Value, path: &str, level: usize) {
        let hashes = "#".repeat(level.min(6));
        let _ = write!(
            self.out,
            "\n<a id=\"{}\"></a>\n\n{hashes} `{path}`\n",
            anchor(path)
        );
        self.section(schema, path, level);
    }

    /// Plans sections for tables that have none yet, and gives the anchor of the first.
    fn plan(&mut self, found: Vec<Below<'s>>, below: &mut Vec<Below<'s>>) -> Option<String> {
        let mut first = None;
        for table in found {
            let known = reference_of(table.schema)
                .and_then(|reference| self.described.get(reference))
                .cloned();
            first = first.or_else(|| Some(anchor(known.as_ref().unwrap_or(&table.path))));
            if known.is_none() {
                if let Some(reference) = reference_of(table.schema) {
                    self.described.insert(reference, table.path.clone());
                }
                below.push(table);
            }
        }
        first
    }

    /// The table of one object's keys. `tag` is the key that tells a variant, with its value.
    fn table(
        &mut self,
        view: &View<'s>,
        path: &str,
        tag: Option<(&str, &str)>,
        below: &mut Vec<Below<'s>>,
    ) {
        let required = view.required();
        let mut rows = String::new();
        for (key, schema) in view.properties() {
            if let Some((tag, value)) = tag
                && tag == key
            {
                let _ = writeln!(rows, "| `{key}` | `{value}` | required | |");
                continue;
            }
            let place = join(path, key);
            let found = tables_below(self.root, schema, &place);
            let name = self.plan(found, below).map_or_else(
                || format!("`{key}`"),
                |anchor| format!("[`{key}`](#{anchor})"),
            );
            let outline = outline(self.root, schema);
            let _ = writeln!(
                rows,
                "| {name} | {} | {} | {} |",
                cells::kind(self.root, schema),
                cells::default(&outline, required.contains(&key)),
                cells::purpose(&outline, &views(self.root, schema)),
            );
        }
        if let Some(schema) = view.free_keys().filter(|schema| schema.is_object()) {
            let place = join(path, "<name>");
            let found = tables_below(self.root, schema, &place);
            let name = self.plan(found, below).map_or_else(
                || "any name".to_owned(),
                |anchor| format!("[any name](#{anchor})"),
            );
            let outline = outline(self.root, schema);
            let _ = writeln!(
                rows,
                "| {name} | {} | | {} |",
                cells::kind(self.root, schema),
                cells::purpose(&outline, &views(self.root, schema)),
            );
        }
        if rows.is_empty() {
            self.out.push_str("\nNothing can be set here.\n");
        } else {
            self.out
                .push_str("\n| key | type | default | what it is for |\n|---|---|---|---|\n");
            self.out.push_str(&rows);
        }
    }

    /// The variants of an enum, each with its own keys.
    fn variants(
        &mut self,
        views: &[&View<'s>],
        path: &str,
        level: usize,
        below: &mut Vec<Below<'s>>,
    ) {
        let tag = common_tag(views);
        let hashes = "#".repeat((level + 1).min(6));
        for (number, view) in views.iter().enumerate() {
            let value = tag.and_then(|tag| view.tag(tag));
            let title = match (tag, value, view.sole_key()) {
                (Some(tag), Some(value), _) => format!("`{path}` with `{tag}: {value}`"),
                (_, _, Some(key)) => format!("`{path}` with `{key}`"),
                _ => format!("`{path}`, form {}", number + 1),
            };
            let _ = write!(self.out, "\n{hashes} {title}\n");
            // The innermost text is the variant's own; the enum's stands above already.
            if let Some(text) = view.own_description() {
                let _ = write!(self.out, "\n{}\n", text.trim());
            }
            self.table(view, path, tag.zip(value), below);
        }
    }

    fn examples(&mut self, outline: &View<'s>, path: &str) {
        let examples = outline
            .keyword("examples")
            .and_then(Value::as_array)
            .map_or([].as_slice(), Vec::as_slice);
        for value in examples
            .iter()
            .filter(|value| value.is_object() || value.is_array())
        {
            let yaml = example::yaml_at(path, value);
            let _ = write!(self.out, "\n```yaml\n{yaml}```\n");
        }
    }
}

/// The alternatives of `schema` that are tables with known or free keys.
fn object_views<'s>(root: &'s Value, schema: &'s Value) -> Vec<View<'s>> {
    views(root, schema)
        .into_iter()
        .filter(|view| view.accepts("object") && !view.is_anything() && view.literals().is_none())
        .collect()
}

/// The tables that a key leads to: the value itself, the items of its list, the values of its map.
fn tables_below<'s>(root: &'s Value, schema: &'s Value, path: &str) -> Vec<Below<'s>> {
    let mut found = Vec::new();
    let objects = object_views(root, schema);
    let has_properties = objects.iter().any(|view| !view.properties().is_empty());
    if has_properties || objects.len() > 1 {
        found.push(Below {
            path: path.to_owned(),
            schema,
        });
        return found;
    }
    for view in views(root, schema) {
        let inner = if view.accepts("array") && !view.is_anything() {
            view.keyword("items")
                .map(|items| (format!("{path}[]"), items))
        } else if view.accepts("object") && !view.is_anything() {
            view.free_keys()
                .map(|values| (join(path, "<name>"), values))
        } else {
            None
        };
        // Only tables are worth a section, so this ends: lists of lists of texts have none.
        if let Some((path, schema)) = inner.filter(|(path, schema)| {
            schema.is_object() && path.matches(['[', '<']).count() <= NESTING_MAX
        }) {
            found.extend(tables_below(root, schema, &path));
        }
    }
    found
}

/// Lists of lists of maps go no deeper than this in the manual.
const NESTING_MAX: usize = 8;

/// The reference to the part of the type that `schema` stands for, through an `Option`.
fn reference_of(schema: &Value) -> Option<&str> {
    if let Some(reference) = schema.get("$ref") {
        return reference.as_str();
    }
    let alternatives = schema.get("anyOf")?.as_array()?;
    alternatives
        .iter()
        .find_map(|alternative| alternative.get("$ref")?.as_str())
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// A path as an anchor: letters, digits and hyphens.
fn anchor(path: &str) -> String {
    path.replace("[]", "-items")
        .replace("<name>", "name")
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-")
        .to_lowercase()
}

/// Lets a reference stand wherever no text is wanted, in every schema below.
fn allow_references(schema: &mut Value) {
    let Value::Object(members) = schema else {
        return;
    };
    schema::parts_mut(members).for_each(allow_references);
    let is_scalar = |name: &Value| name == "integer" || name == "number" || name == "boolean";
    let wants_scalar = match members.get("type") {
        Some(Value::Array(types)) => {
            types.iter().any(is_scalar) && !types.iter().any(|name| name == "string")
        }
        Some(one) => is_scalar(one),
        None => false,
    };
    if wants_scalar {
        let (about, rules): (Map<String, Value>, Map<String, Value>) = std::mem::take(members)
            .into_iter()
            .partition(|(keyword, _)| {
                matches!(
                    keyword.as_str(),
                    "title" | "description" | "default" | "examples" | "deprecated"
                )
            });
        *members = about;
        members.insert(
            "anyOf".to_owned(),
            json!([rules, { "type": "string", "pattern": "\\$\\{(env|file|ssm|secretsmanager):[^}]+\\}" }]),
        );
    }
}

#[cfg(test)]
mod tests;
