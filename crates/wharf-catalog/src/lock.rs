//! The lock file: what was offered when somebody looked at it last, to compare with what is offered now.
//!
//! It holds a digest of each tool's texts, not the texts: it says that something changed and in which part, and a
//! review of the document says what. The same catalog gives the same bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use wharf_model::Tool;

use crate::Catalog;

/// The shape of the file; another number is another shape.
const VERSION: u32 = 1;

/// What is offered, in digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: u32,
    tools: BTreeMap<String, Entry>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The source that offers it.
    source: String,
    /// Method and path, where it is an API's operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    /// Digest of title and description.
    description: String,
    /// Digest of the input schema.
    input_schema: String,
    /// Digest of the output schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_schema: Option<String>,
}

/// Why a text is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It is not what a lock looks like.
    #[error("this is no lock file")]
    Broken(#[source] serde_json::Error),
    /// It is of another version of Wharf.
    #[error("this lock file has version {0}; version {VERSION} is read")]
    Version(u32),
}

/// How one tool differs from the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The tool's name now, or the one it had when it is gone.
    pub tool: String,
    /// Method and path, where it is an API's operation.
    pub operation: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub kind: DifferenceKind,
}

/// What happened to a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum DifferenceKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// The same operation of the same source has another name.
    Renamed {
        /// The name it had.
        from: String,
    },
    /// It is there, and not as it was.
    Changed {
        /// `source`, `operation`, `description`, `input_schema`, `output_schema`.
        parts: Vec<&'static str>,
    },
}

impl Lock {
    /// What a catalog offers: the true schemas and descriptions, whatever the profile of a client makes of them.
    pub fn of(catalog: &Catalog) -> Self {
        let tools = catalog.unrendered_tools().map(|tool| {
            let source = catalog.source_of(&tool.name).unwrap_or_default();
            (tool.name.clone(), Entry::of(tool, source))
        });
        Self {
            version: VERSION,
            tools: tools.collect(),
        }
    }

    /// Reads a lock file.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        /// The one thing that all versions have.
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let versioned: Versioned = serde_json::from_str(text).map_err(LockError::Broken)?;
        if versioned.version != VERSION {
            return Err(LockError::Version(versioned.version));
        }
        serde_json::from_str(text).map_err(LockError::Broken)
    }

    /// The text of a lock file: sorted, one key a line, so that a review shows each change as a line.
    #[expect(clippy::missing_panics_doc, reason = "a lock has only text as keys")]
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a lock has only text as keys");
        text.push('\n');
        text
    }

    /// How many tools it holds.
    pub fn tool_count(&self) -> usize {
        self.tools.len()
    }

    /// What is different in `now`, by the tools' names.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let is_new = |name: &&String| !self.tools.contains_key(*name);
        let mut gone: BTreeMap<&String, &Entry> = self
            .tools
            .iter()
            .filter(|(name, _)| !now.tools.contains_key(*name))
            .collect();
        let mut differences = Vec::new();
        for name in now.tools.keys().filter(is_new) {
            let entry = &now.tools[name];
            let before = gone
                .iter()
                .find(|(_, before)| before.is_same_operation(entry))
                .map(|(before, _)| *before);
            let kind = match before {
                Some(before) => {
                    gone.remove(before);
                    DifferenceKind::Renamed {
                        from: before.clone(),
                    }
                }
                None => DifferenceKind::Added,
            };
            differences.push(entry.difference(name, kind));
        }
        for (name, entry) in gone {
            differences.push(entry.difference(name, DifferenceKind::Removed));
        }
        for (name, before) in &self.tools {
            let Some(entry) = now.tools.get(name) else {
                continue;
            };
            let parts = before.changed_parts(entry);
            if !parts.is_empty() {
                differences.push(entry.difference(name, DifferenceKind::Changed { parts }));
            }
        }
        differences.sort_by(|one, other| one.tool.cmp(&other.tool));
        differences
    }
}

impl LockError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "write it again with `wharf check --write-lock`"
    }
}

impl Entry {
    fn of(tool: &Tool, source: &str) -> Self {
        let origin = tool.origin.as_ref();
        let texts = serde_json::json!([tool.title, tool.description]);
        Self {
            source: source.to_owned(),
            operation: origin.map(|origin| format!("{} {}", origin.method, origin.path)),
            description: digest(&texts),
            input_schema: digest(&tool.input_schema.to_value()),
            output_schema: tool
                .output_schema
                .as_ref()
                .map(|schema| digest(&schema.to_value())),
        }
    }

    fn is_same_operation(&self, other: &Self) -> bool {
        self.operation.is_some() && self.operation == other.operation && self.source == other.source
    }

    fn difference(&self, name: &str, kind: DifferenceKind) -> Difference {
        Difference {
            tool: name.to_owned(),
            operation: self.operation.clone(),
            kind,
        }
    }

    fn changed_parts(&self, now: &Self) -> Vec<&'static str> {
        [
            ("source", self.source != now.source),
            ("operation", self.operation != now.operation),
            ("description", self.description != now.description),
            ("input_schema", self.input_schema != now.input_schema),
            ("output_schema", self.output_schema != now.output_schema),
        ]
        .into_iter()
        .filter_map(|(part, is_changed)| is_changed.then_some(part))
        .collect()
    }
}

/// A digest that does not depend on the order of members, which means nothing in JSON.
fn digest(value: &Value) -> String {
    let mut text = String::new();
    write_sorted(value, &mut text);
    let mut digest = String::from("sha256:");
    for byte in Sha256::digest(text) {
        // Writing to a text cannot fail.
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}

fn write_sorted(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            out.push('{');
            for (name, value) in sorted {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_sorted(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_sorted(item, out);
                out.push(',');
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wharf_model::{Json, Origin};

    use super::*;

    fn lock(tools: &[(&str, &str, &str, Value)]) -> Lock {
        let entries = tools.iter().map(|(name, operation, description, schema)| {
            let (method, path) = operation.split_once(' ').unwrap();
            let tool = Tool {
                name: (*name).to_owned(),
                description: Some((*description).to_owned()),
                input_schema: Json::of(schema).into(),
                origin: Some(Origin {
                    method: method.to_owned(),
                    path: path.to_owned(),
                    operation_id: None,
                }),
                ..Tool::default()
            };
            ((*name).to_owned(), Entry::of(&tool, "pets"))
        });
        Lock {
            version: VERSION,
            tools: entries.collect(),
        }
    }

    #[test]
    fn differences_are_told_by_tool_and_part() {
        let before = lock(&[
            ("same", "GET /same", "Same.", json!({"a": 1, "b": {"c": 2}})),
            ("gone", "GET /gone", "Gone.", json!({})),
            ("old", "GET /renamed", "Renamed.", json!({})),
            ("words", "GET /words", "Before.", json!({})),
            ("schema", "GET /schema", "Schema.", json!({"required": []})),
        ]);
        let now = lock(&[
            // Members in another order are the same schema.
            ("same", "GET /same", "Same.", json!({"b": {"c": 2}, "a": 1})),
            ("fresh", "GET /fresh", "Fresh.", json!({})),
            ("new", "GET /renamed", "Renamed.", json!({})),
            ("words", "GET /words", "After.", json!({})),
            (
                "schema",
                "PUT /schema",
                "Schema.",
                json!({"required": ["a"]}),
            ),
        ]);
        let told: Vec<String> = before
            .differences(&now)
            .iter()
            .map(|difference| serde_json::to_string(difference).unwrap())
            .collect();
        assert_eq!(
            told,
            [
                r#"{"tool":"fresh","operation":"GET /fresh","difference":"added"}"#,
                r#"{"tool":"gone","operation":"GET /gone","difference":"removed"}"#,
                r#"{"tool":"new","operation":"GET /renamed","difference":"renamed","from":"old"}"#,
                r#"{"tool":"schema","operation":"PUT /schema","difference":"changed","parts":["operation","input_schema"]}"#,
                r#"{"tool":"words","operation":"GET /words","difference":"changed","parts":["description"]}"#,
            ]
        );
        assert!(before.differences(&before).is_empty());
    }

    #[test]
    fn the_text_is_read_back_and_always_the_same() {
        let one = lock(&[
            ("b", "GET /b", "B.", json!({})),
            ("a", "GET /a", "A.", json!({})),
        ]);
        let other = lock(&[
            ("a", "GET /a", "A.", json!({})),
            ("b", "GET /b", "B.", json!({})),
        ]);
        assert_eq!(one.to_text(), other.to_text());
        assert_eq!(Lock::parse(&one.to_text()).unwrap(), one);
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        for (text, expected) in [
            ("", "this is no lock file"),
            ("{}", "this is no lock file"),
            (r#"{"version":1,"tools":{"a":{}}}"#, "this is no lock file"),
            (
                r#"{"version":2,"tools":[]}"#,
                "this lock file has version 2; version 1 is read",
            ),
        ] {
            assert_eq!(
                Lock::parse(text).unwrap_err().to_string(),
                expected,
                "{text}"
            );
        }
    }
}
