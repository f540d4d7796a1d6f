//! Checks a call's arguments against the tool's schema, and mends what is plainly meant.
//!
//! Models write `"[1,2]"` where an array is wanted, and `"5"` for 5. A text is taken for the JSON it holds where the
//! schema refuses the text and accepts that JSON; never where the text itself fits.

use std::borrow::Cow;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;
use wharf_model::{Json, JsonKind, Slice};

/// How many mistakes one answer names.
const COMPLAINTS_MAX: usize = 5;
/// How often mending starts over; each round mends every text that stands in the way.
const MENDING_ROUNDS_MAX: usize = 3;
/// A value longer than this is not repeated in a complaint.
const SHOWN_VALUE_CHARS_MAX: usize = 80;

/// A tool's input schema, ready to check with.
pub(crate) struct Checker {
    /// None when the schema does not compile: then the upstream is the judge.
    validator: Option<Validator>,
    properties: Vec<String>,
}

impl Checker {
    pub(crate) fn new(schema: &Json) -> Self {
        let validator = jsonschema::draft202012::new(&schema.to_value())
            .inspect_err(|error| tracing::warn!(%error, "a tool's input schema does not compile; arguments pass unchecked"))
            .ok();
        let properties = schema
            .slice()
            .get("properties")
            .map(Slice::members)
            .unwrap_or_default();
        Self {
            validator,
            properties: properties
                .into_iter()
                .map(|(name, _)| name.into_owned())
                .collect(),
        }
    }
}

/// Arguments that fit: as they came, or mended.
pub(crate) enum Checked<'a> {
    AsGiven(Slice<'a>),
    Mended(Json),
}

impl Checked<'_> {
    pub(crate) fn slice(&self) -> Slice<'_> {
        match self {
            Self::AsGiven(slice) => *slice,
            Self::Mended(json) => json.slice(),
        }
    }
}

/// The arguments as they may be sent on, or what is wrong with them, for the model.
pub(crate) fn check<'a>(checker: &Checker, arguments: Slice<'a>) -> Result<Checked<'a>, String> {
    if arguments.kind() != JsonKind::Object {
        return Err("the arguments must be a JSON object".to_owned());
    }
    let Some(validator) = &checker.validator else {
        return Ok(Checked::AsGiven(arguments));
    };
    let mut text = Cow::Borrowed(arguments.as_str());
    for _ in 0..MENDING_ROUNDS_MAX {
        let value = Slice::parse(&text)
            .map_err(|error| error.to_string())?
            .to_value();
        if validator.is_valid(&value) {
            return match text {
                Cow::Borrowed(_) => Ok(Checked::AsGiven(arguments)),
                Cow::Owned(text) => Ok(Checked::Mended(
                    Slice::parse(&text)
                        .map_err(|error| error.to_string())?
                        .to_json(),
                )),
            };
        }
        match mend(validator, &text, &value) {
            Some(mended) => text = Cow::Owned(mended),
            None => break,
        }
    }
    // Complain of what the client wrote, not of what mending made of it.
    Err(complain(checker, validator, &arguments.to_value()))
}

/// Replaces each text that stands where something else is wanted by the JSON it holds; none when there is no such text.
fn mend(validator: &Validator, text: &str, value: &Value) -> Option<String> {
    let whole = Slice::parse(text).ok()?;
    let mut places: Vec<(usize, usize, String)> = Vec::new();
    for error in validator.iter_errors(value) {
        let Some(slice) = whole.pointer(error.instance_path().as_str()) else {
            continue;
        };
        let Some(meant) = slice.text().and_then(|inner| meant_by(&inner)) else {
            continue;
        };
        // A slice of `text`, so the distance of the two starts is its place.
        let start = slice.as_str().as_ptr() as usize - text.as_ptr() as usize;
        if !places.iter().any(|(at, ..)| *at == start) {
            places.push((start, slice.as_str().len(), meant));
        }
    }
    if places.is_empty() {
        return None;
    }
    places.sort_unstable_by_key(|(start, ..)| std::cmp::Reverse(*start));
    let mut mended = text.to_owned();
    for (start, length, meant) in places {
        mended.replace_range(start..start + length, &meant);
    }
    Some(mended)
}

/// The JSON that a text holds, when it is anything but a text again.
fn meant_by(text: &str) -> Option<String> {
    let slice = Slice::parse(text.trim()).ok()?;
    (slice.kind() != JsonKind::String).then(|| slice.as_str().to_owned())
}

fn complain(checker: &Checker, validator: &Validator, value: &Value) -> String {
    let mut complaints: Vec<String> = Vec::new();
    let mut more = false;
    for error in validator.iter_errors(value) {
        if complaints.len() == COMPLAINTS_MAX {
            more = true;
            break;
        }
        let complaint = complaint(checker, &error);
        if !complaints.contains(&complaint) {
            complaints.push(complaint);
        }
    }
    let mut text = format!(
        "The call was not made, its arguments do not fit the tool's input schema:\n- {}",
        complaints.join("\n- ")
    );
    if more {
        text.push_str("\n- and more");
    }
    text
}

fn complaint(checker: &Checker, error: &ValidationError<'_>) -> String {
    let path = error.instance_path().as_str();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            if path.is_empty() {
                format!("argument `{name}` is missing")
            } else {
                format!("argument {}: `{name}` is missing", place(path))
            }
        }
        ValidationErrorKind::AdditionalProperties { unexpected } if path.is_empty() => {
            let known = checker.properties.join("`, `");
            format!(
                "there is no argument `{}`; the tool takes `{known}`",
                unexpected.join("`, `")
            )
        }
        _ if error.instance().to_string().len() > SHOWN_VALUE_CHARS_MAX => {
            format!(
                "argument {}: {}",
                place(path),
                error.masked_with("the value")
            )
        }
        _ => format!("argument {}: {error}", place(path)),
    }
}

/// `/pet/tags/0` as `pet.tags[0]`, in backticks.
fn place(pointer: &str) -> String {
    let mut place = String::new();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        if token.bytes().all(|byte| byte.is_ascii_digit()) && !place.is_empty() {
            place = format!("{place}[{token}]");
        } else if place.is_empty() {
            place = token;
        } else {
            place = format!("{place}.{token}");
        }
    }
    format!("`{place}`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checker() -> Checker {
        Checker::new(&Json::of(&json!({
            "type": "object",
            "properties": {
                "id": {"type": "integer"},
                "status": {"enum": ["available", "sold"]},
                "tags": {"type": "array", "items": {"type": "string"}},
                "pet": {"type": "object", "properties": {"age": {"type": ["integer", "null"]}}, "required": ["age"]},
                "note": {"type": "string"},
            },
            "required": ["id"],
            "additionalProperties": false,
        })))
    }

    #[test]
    fn texts_that_hold_json_are_mended() {
        for (given, expected) in [
            (r#"{"id":1}"#, r#"{"id":1}"#),
            (
                r#"{"id":"12345678901234567890"}"#,
                r#"{"id":12345678901234567890}"#,
            ),
            (
                r#"{"id":1,"tags":"[\"a\",\"b\"]"}"#,
                r#"{"id":1,"tags":["a","b"]}"#,
            ),
            (
                r#"{"id":1,"pet":"{\"age\":\"3\"}"}"#,
                r#"{"id":1,"pet":{"age":3}}"#,
            ),
            (
                r#"{"id":1,"pet":{"age":"null"}}"#,
                r#"{"id":1,"pet":{"age":null}}"#,
            ),
            // The text itself fits, so it stays a text.
            (r#"{"id":1,"note":"[1]"}"#, r#"{"id":1,"note":"[1]"}"#),
        ] {
            let checked = check(&checker(), Slice::parse(given).unwrap())
                .unwrap_or_else(|error| panic!("{given}: {error}"));
            assert_eq!(checked.slice().as_str(), expected, "{given}");
        }
    }

    #[test]
    fn complaints_name_the_argument() {
        for (given, expected) in [
            ("{}", "argument `id` is missing"),
            (
                r#"{"id":"one"}"#,
                "argument `id`: \"one\" is not of type \"integer\"",
            ),
            (
                r#"{"id":1,"status":"lost"}"#,
                "argument `status`: \"lost\" is not one of",
            ),
            (
                r#"{"id":1,"tags":["a",{}]}"#,
                "argument `tags[1]`: {} is not of type \"string\"",
            ),
            (r#"{"id":1,"pet":{}}"#, "argument `pet`: `age` is missing"),
            (
                r#"{"id":1,"stauts":"sold"}"#,
                "there is no argument `stauts`; the tool takes `id`, `status`",
            ),
            ("[1]", "the arguments must be a JSON object"),
        ] {
            let Err(complaint) = check(&checker(), Slice::parse(given).unwrap()) else {
                panic!("{given} passed")
            };
            assert!(complaint.contains(expected), "{given}: {complaint}");
        }
    }
}
