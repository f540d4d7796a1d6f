//! What keywords can no longer say, said in words.

use serde_json::{Map, Value};

/// A longer value is cut: a description is no place for a whole schema.
const VALUE_CHARS_MAX: usize = 300;
/// So many values tell what the others look like.
const VALUES_MAX: usize = 50;

/// `` `not`: {"type":"null"}. ``
pub(super) fn keyword(keyword: &str, value: &Value) -> String {
    format!("`{keyword}`: {}.", short(&value.to_string()))
}

/// `One of: 1, 2, 3.`
pub(super) fn values(intro: &str, values: &[Value]) -> String {
    let shown: Vec<String> = values
        .iter()
        .take(VALUES_MAX)
        .map(|value| short(&value.to_string()))
        .collect();
    let more = if values.len() > VALUES_MAX {
        format!(" and {} more", values.len() - VALUES_MAX)
    } else {
        String::new()
    };
    format!("{intro}: {}{more}.", shown.join(", "))
}

/// What a keyword says, for one that a client does not understand; none where a model need not know.
pub(super) fn of(name: &str, value: &Value) -> Option<String> {
    let text = match (name, value) {
        (
            "additionalProperties"
            | "unevaluatedProperties"
            | "unevaluatedItems"
            | "deprecated"
            | "uniqueItems"
            | "readOnly"
            | "writeOnly"
            | "nullable",
            Value::Bool(false),
        ) => return None,
        (
            "$schema" | "$id" | "$comment" | "$anchor" | "$dynamicAnchor" | "$vocabulary" | "$defs"
            | "definitions" | "id" | "readOnly" | "writeOnly" | "nullable" | "discriminator"
            | "xml" | "externalDocs",
            _,
        )
        | (
            "additionalProperties" | "unevaluatedProperties" | "unevaluatedItems",
            Value::Bool(true),
        ) => {
            return None;
        }
        (extension, _) if extension.starts_with("x-") => return None,
        ("deprecated", _) => "Deprecated.".to_owned(),
        ("uniqueItems", _) => "No item twice.".to_owned(),
        ("exclusiveMinimum", value) => format!("More than {value}."),
        ("exclusiveMaximum", value) => format!("Less than {value}."),
        ("multipleOf", value) => format!("A multiple of {value}."),
        ("format", Value::String(format)) => format!("Format: {}.", short(format)),
        ("contentEncoding", Value::String(encoding)) => format!("Encoded as {}.", short(encoding)),
        ("examples", Value::Array(examples)) if !examples.is_empty() => values("Such as", examples),
        ("examples", _) => return None,
        ("additionalProperties", value) => keyword("further members", value),
        (name, value) => keyword(name, value),
    };
    Some(text)
}

/// Adds sentences to a schema's description.
pub(super) fn describe(members: &mut Map<String, Value>, notes: &[String]) {
    let given = members
        .get("description")
        .and_then(Value::as_str)
        .map(str::to_owned);
    if let Some(description) = append(given, notes) {
        members.insert("description".to_owned(), Value::from(description));
    }
}

/// A description with sentences added.
pub(super) fn append(description: Option<String>, notes: &[String]) -> Option<String> {
    if notes.is_empty() {
        return description;
    }
    let mut text = description.unwrap_or_default();
    for note in notes {
        if text.contains(note.as_str()) {
            continue;
        }
        let trimmed = text.trim_end();
        if !trimmed.is_empty() {
            let ends = trimmed.ends_with(['.', '!', '?', ':', ')', '…']);
            text.truncate(trimmed.len());
            text.push_str(if ends { " " } else { ". " });
        }
        text.push_str(note);
    }
    Some(text)
}

/// The text, or its beginning up to the end of a sentence or a word, with a mark that there is more.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let end = text
        .char_indices()
        .nth(chars_max.saturating_sub(2))
        .map_or(0, |(end, _)| end);
    let kept = &text[..end];
    // A sentence is worth a few words more or less, not half of the room.
    let sentence = kept
        .rfind(". ")
        .map(|end| end + 1)
        .filter(|end| *end > kept.len() / 2);
    let word = kept.rfind(char::is_whitespace);
    let kept = kept[..sentence.or(word).unwrap_or(kept.len())].trim_end();
    format!("{kept} …")
}

/// The text, or its beginning.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keywords_become_sentences() {
        for (name, value, expected) in [
            ("format", json!("uuid"), Some("Format: uuid.")),
            ("exclusiveMinimum", json!(0), Some("More than 0.")),
            ("uniqueItems", json!(true), Some("No item twice.")),
            ("uniqueItems", json!(false), None),
            ("examples", json!([1, "a"]), Some("Such as: 1, \"a\".")),
            ("additionalProperties", json!(false), None),
            (
                "additionalProperties",
                json!({"type": "string"}),
                Some("`further members`: {\"type\":\"string\"}."),
            ),
            ("not", json!({"const": 1}), Some("`not`: {\"const\":1}.")),
            ("x-internal", json!(1), None),
        ] {
            assert_eq!(of(name, &value).as_deref(), expected, "{name} {value}");
        }
        let long = of("not", &json!("x".repeat(1000))).unwrap();
        assert!(long.len() < 400, "{long}");
    }

    #[test]
    fn a_text_is_cut_where_it_reads_best() {
        for (given, most, expected) in [
            ("Short.", 6, "Short."),
            ("One sentence. Another one.", 20, "One sentence. …"),
            ("A. Then many more words", 15, "A. Then many …"),
            ("Unbreakable", 6, "Unbr …"),
            ("Grüße aus Köln", 12, "Grüße aus …"),
            ("x", 0, " …"),
        ] {
            let text = cut(given, most);
            assert_eq!(text, expected, "{given} {most}");
            assert!(text.chars().count() <= most.max(2), "{given} {most}");
        }
    }

    #[test]
    fn notes_follow_the_description() {
        for (given, expected) in [
            (None, "Note."),
            (Some("A pet"), "A pet. Note."),
            (Some("A pet. "), "A pet. Note."),
            (Some("Note."), "Note."),
        ] {
            let text = append(given.map(str::to_owned), &["Note.".to_owned()]);
            assert_eq!(text.as_deref(), Some(expected), "{given:?}");
        }
    }
}
