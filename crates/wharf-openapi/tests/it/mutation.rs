//! Documents with damage: whatever stands where, they are read or refused, twice in the same way, and what is listed
//! is sound.

use proptest::prelude::*;
use serde_json::Value;
use wharf_openapi::Document;

use crate::{documents, judge};

/// What is put in the place of something else.
const DAMAGE: [&str; 24] = [
    "null",
    "true",
    "false",
    "0",
    "-1.5",
    "1e400",
    "\"\"",
    "\"x\"",
    "\"object\"",
    "\"\\u0000é/~\"",
    "[]",
    "[[]]",
    "[null]",
    "[\"a\",\"a\"]",
    "{}",
    "{\"\":{}}",
    "{\"$ref\":\"#\"}",
    "{\"$ref\":\"#/components/schemas/Tree\"}",
    "{\"$ref\":\"x.yaml\"}",
    "{\"$ref\":7}",
    "{\"allOf\":[{\"$ref\":\"#/components/schemas/Circle\"}]}",
    "{\"type\":\"object\",\"properties\":{\"a b\":{}}}",
    "{\"type\":[\"null\",\"array\"]}",
    "{\"oneOf\":[{},true,5]}",
];

/// What is found where a document refers to.
const FILES: [&str; 8] = [
    "a: {type: string}",
    "a: {$ref: other.yaml}",
    "a: {$ref: 'parts.yaml#/a'}",
    "a: {$ref: 'openapi.yaml#/components'}\nb: 1",
    "{\"a\":{\"name\":\"x\",\"in\":\"query\"}}",
    "a: {get: {parameters: [{$ref: '#/b'}]}}\nb: {name: y, in: query, schema: {$ref: '#/c'}}",
    "[",
    "<html>",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn damaged_documents_are_read_or_refused(
        document in 0..documents().len(),
        wounds in prop::collection::vec((any::<prop::sample::Index>(), 0..DAMAGE.len()), 1..6),
        full: bool,
    ) {
        let bytes = std::fs::read(&documents()[document]).expect("the file can be read");
        let mut value = as_json(&bytes);
        let mut text = value.to_string();
        for (place, damage) in wounds {
            let mut nodes = count(&value);
            let mut at = place.index(nodes);
            // `1e400` is no number to a tree, so the damage goes in as a text that is replaced at the end.
            replace(&mut value, &mut at, &Value::String(format!("damage {damage}")));
            nodes = count(&value);
            prop_assert!(nodes > 0);
            text = value.to_string();
        }
        for (number, damage) in DAMAGE.iter().enumerate() {
            text = text.replace(&format!("\"damage {number}\""), damage);
        }
        judge::document(text.as_bytes(), full);
        judge::yaml(text.as_bytes());
    }

    #[test]
    fn damaged_files_are_read_or_refused(
        document in 0..documents().len(),
        place: prop::sample::Index,
        files in prop::collection::vec(0..FILES.len(), 0..4),
    ) {
        let bytes = std::fs::read(&documents()[document]).expect("the file can be read");
        let mut value = as_json(&bytes);
        let mut at = place.index(count(&value));
        replace(&mut value, &mut at, &serde_json::json!({"$ref": "parts.yaml#/a"}));
        let parts = std::iter::once(value.to_string()).chain(files.iter().map(|file| FILES[*file].to_owned()));
        let input = parts.collect::<Vec<_>>().join(judge::BETWEEN_FILES);
        judge::several_files(input.as_bytes());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(openapi|info|paths|[a-z]|[-:{}\\[\\]\"',&*!|>#%@`?~ \n\t0-9.]){0,60}") {
        judge::document(text.as_bytes(), false);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        judge::document(&bytes, false);
        judge::several_files(&bytes);
    }

    #[test]
    fn cut_documents_are_read_or_refused(document in 0..documents().len(), at: prop::sample::Index) {
        let bytes = std::fs::read(&documents()[document]).expect("the file can be read");
        judge::document(&bytes[..at.index(bytes.len())], false);
    }
}

/// Our documents are YAML; as a tree they can be damaged in any place.
fn as_json(yaml: &[u8]) -> Value {
    let document = Document::read(yaml.to_vec()).expect("the document can be read");
    serde_json::from_str(document.as_json()).expect("the document is JSON")
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Replaces the node that is `at` nodes away.
fn replace(value: &mut Value, at: &mut usize, damage: &Value) -> bool {
    if *at == 0 {
        *value = damage.clone();
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, at, damage)),
        Value::Object(members) => members
            .values_mut()
            .any(|member| replace(member, at, damage)),
        _ => false,
    }
}
