//! Writes an example as YAML, the way a person would.

use std::fmt::Write as _;

use serde_json::Value;

use crate::yaml::{Resolved, resolve};

/// An example of what stands at `path`, with the keys that lead there: `upstreams.<name>` becomes two lines around it.
pub(super) fn yaml_at(path: &str, value: &Value) -> String {
    let mut whole = value.clone();
    for key in path.split('.').rev().filter(|key| !key.is_empty()) {
        let name = key.trim_end_matches("[]");
        for _ in 0..(key.len() - name.len()) / 2 {
            whole = Value::Array(vec![whole]);
        }
        let name = if name == "<name>" { "example" } else { name };
        whole = Value::Object([(name.to_owned(), whole)].into_iter().collect());
    }
    let mut out = String::new();
    block(&whole, 0, &mut out);
    out
}

/// Writes a value that begins on a line of its own.
fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                let _ = write!(out, "{:indent$}{}:", "", scalar(&Value::from(key.as_str())));
                member(value, indent, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut inner = String::new();
                block(item, indent + 2, &mut inner);
                let _ = write!(out, "{:indent$}- {}", "", inner.trim_start_matches(' '));
            }
        }
        other => {
            let _ = writeln!(out, "{:indent$}{}", "", scalar(other));
        }
    }
}

/// Writes a value that follows `key:`.
fn member(value: &Value, indent: usize, out: &mut String) {
    let is_block = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        out.push('\n');
        block(value, indent + 2, out);
    } else {
        let _ = writeln!(out, " {}", scalar(value));
    }
}

/// A scalar or an empty collection. A text stands without quotes where YAML reads the same text back.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else {
        return value.to_string();
    };
    let is_plain = resolve(text) == Resolved::Text
        && text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '$'))
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains(char::is_control);
    if is_plain {
        text.clone()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn examples_read_like_a_file() {
        for (path, value, expected) in [
            ("", json!({"a": 1, "b": {}}), "a: 1\nb: {}\n"),
            (
                "sources[]",
                json!({"url": "http://a/b", "tags": ["x", "8000", "a: b"]}),
                "sources:\n  - url: http://a/b\n    tags:\n      - x\n      - \"8000\"\n      - \"a: b\"\n",
            ),
            (
                "up.<name>",
                json!({"token": "${env:T}"}),
                "up:\n  example:\n    token: ${env:T}\n",
            ),
            ("n", json!([[1], []]), "n:\n  - - 1\n  - []\n"),
        ] {
            let yaml = yaml_at(path, &value);
            assert_eq!(yaml, expected, "{path} {value}");
            crate::plant_unknown_keys(&yaml);
        }
    }
}
