//! The schema of a type without its words, written down: what reading needs where nothing is wrong.
//!
//! To derive a large schema takes longer than everything else that a program does at its start, and more code. A program
//! that carries the digest derives only to say what is wrong.

use schemars::JsonSchema;
use serde_json::Value;

use crate::schema;

/// What only people read, or what a value does not depend on.
const WORDS: [&str; 5] = ["$schema", "title", "description", "examples", "default"];

/// The digest of `T`, to be kept in a file beside the type, and compared with this by a test.
pub fn digest<T: JsonSchema>() -> String {
    let mut schema = schema::of_type::<T>();
    drop_words(&mut schema);
    schema.to_string()
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
        let properties = serde_json::from_str::<Value>(&digest).unwrap()["properties"].clone();
        assert_eq!(
            properties["description"],
            serde_json::json!({ "type": "string" })
        );
        assert!(properties["title"].is_object());
    }
}
