//! A help for tests: does a configuration refuse unknown keys everywhere?

use crate::error::Report;
use crate::yaml::{self, Content, Node, Resolved};

/// The key that [`plant_unknown_keys`] plants.
pub const PLANTED_KEY: &str = "a_key_that_nobody_knows";
/// Fits no setting: a map of texts refuses it as much as a section refuses the key.
const PLANTED_VALUE: &str = "[[{}]]";

/// The configuration `full` once for each of its sections, with a key planted there that no section knows.
///
/// A test expects each to be refused: so no section of a type lacks `deny_unknown_fields`.
///
/// # Panics
/// When `full` is no YAML: a mistake of the test.
pub fn plant_unknown_keys(full: &str) -> Vec<String> {
    let mut report = Report::new("full configuration");
    let root = yaml::read(full, &mut report);
    if let Err(errors) = report.finish() {
        panic!("{errors}");
    }
    let root = root.expect("a full configuration is not empty");
    (0..mappings_len(&root))
        .map(|target| {
            let mut text = String::new();
            write(&root, target, &mut 0, &mut text);
            text
        })
        .collect()
}

fn mappings_len(node: &Node) -> usize {
    match &node.content {
        Content::Scalar(_) => 0,
        Content::Sequence(items) => items.iter().map(mappings_len).sum(),
        Content::Mapping(entries) => {
            1 + entries
                .iter()
                .map(|entry| mappings_len(&entry.value))
                .sum::<usize>()
        }
    }
}

/// Writes a node in YAML's JSON-like style, with the planted key in the mapping number `target`.
fn write(node: &Node, target: usize, mappings: &mut usize, out: &mut String) {
    match &node.content {
        // Without quotes where that says something: a number, a switch, nothing.
        Content::Scalar(scalar) if scalar.resolved() == Resolved::Text => {
            out.push_str(&quoted(&scalar.text));
        }
        Content::Scalar(scalar) if scalar.text.is_empty() => out.push_str("null"),
        Content::Scalar(scalar) => out.push_str(&scalar.text),
        Content::Sequence(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                write(item, target, mappings, out);
            }
            out.push(']');
        }
        Content::Mapping(entries) => {
            let is_target = *mappings == target;
            *mappings += 1;
            out.push('{');
            for (at, entry) in entries.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                out.push_str(&quoted(&entry.key));
                out.push_str(": ");
                write(&entry.value, target, mappings, out);
            }
            if is_target {
                let comma = if entries.is_empty() { "" } else { ", " };
                out.push_str(comma);
                out.push_str(PLANTED_KEY);
                out.push_str(": ");
                out.push_str(PLANTED_VALUE);
            }
            out.push('}');
        }
    }
}

/// As JSON writes a text: YAML reads it alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_section_gets_the_key_once() {
        let planted = plant_unknown_keys("a: 1\nb:\n  - c: \"2\"\n    d: ~\n  - {}\n");
        assert_eq!(
            planted,
            [
                r#"{"a": 1, "b": [{"c": "2", "d": ~}, {}], a_key_that_nobody_knows: [[{}]]}"#,
                r#"{"a": 1, "b": [{"c": "2", "d": ~, a_key_that_nobody_knows: [[{}]]}, {}]}"#,
                r#"{"a": 1, "b": [{"c": "2", "d": ~}, {a_key_that_nobody_knows: [[{}]]}]}"#,
            ]
        );
    }
}
