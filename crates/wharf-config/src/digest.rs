//! The schema of a type without its words, written down: what reading needs where nothing is wrong.
//!
//! To derive a large schema took a quarter of a small server's start, and 2 MB of code and memory. A program that carries
//! the digest derives only to say what is wrong.

use std::cell::OnceCell;
use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::schema::{self, Root};

/// What only people read, or what a value does not depend on.
const WORDS: [&str; 5] = ["$schema", "title", "description", "examples", "default"];

/// The digest of `T`, to be kept in a file beside the type, and compared with this by a test.
pub fn digest<T: JsonSchema>() -> String {
    let mut schema = schema::of_type::<T>();
    drop_words(&mut schema);
    let definitions = schema
        .as_object_mut()
        .and_then(|members| members.shift_remove("$defs"));
    json!({ "schema": schema, "definitions": definitions.unwrap_or_else(|| json!({})) }).to_string()
}

/// A digest, of which only what a configuration uses is read.
pub(crate) struct Digest {
    schema: Value,
    definitions: HashMap<&'static str, (&'static RawValue, OnceCell<Value>)>,
}

/// As it is written.
#[derive(Deserialize)]
struct Written {
    schema: Value,
    #[serde(borrow)]
    definitions: HashMap<&'static str, &'static RawValue>,
}

impl Digest {
    /// None when the text is none.
    pub(crate) fn read(text: &'static str) -> Option<Self> {
        let Written {
            schema,
            definitions,
        } = serde_json::from_str(text).ok()?;
        let definitions = definitions.into_iter();
        Some(Self {
            schema,
            definitions: definitions
                .map(|(name, text)| (name, (text, OnceCell::new())))
                .collect(),
        })
    }
}

impl Root for Digest {
    fn schema(&self) -> &Value {
        &self.schema
    }

    fn target(&self, reference: &str) -> Option<&Value> {
        let name = reference.strip_prefix("#/$defs/")?;
        let (text, read) = self.definitions.get(name)?;
        Some(read.get_or_init(|| serde_json::from_str(text.get()).unwrap_or_default()))
    }
}

/// Drops them from a schema and from those in it, but not where they are names.
fn drop_words(schema: &mut Value) {
    let Value::Object(members) = schema else {
        return;
    };
    members.retain(|keyword, _| !WORDS.contains(&keyword.as_str()));
    schema::parts_mut(members).for_each(drop_words);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Config {
        /// It has the name of a keyword.
        description: String,
        /// So has it.
        title: Option<Vec<u16>>,
    }

    #[test]
    fn words_go_and_names_stay() {
        let digest = digest::<Config>();
        assert!(!digest.contains("keyword"), "{digest}");
        let properties =
            serde_json::from_str::<Value>(&digest).unwrap()["schema"]["properties"].clone();
        assert_eq!(
            properties["description"],
            serde_json::json!({ "type": "string" })
        );
        assert!(properties["title"].is_object());
    }
}
