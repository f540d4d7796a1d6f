//! Checks a call's arguments against the tool's schema, and mends what is plainly meant.
//!
//! Models write `"[1,2]"` where an array is wanted, and `"5"` for 5. A text is taken for the JSON it holds where the
//! schema refuses the text and accepts that JSON; never where the text itself fits. They also write `null` for an
//! argument that they do not mean to give: where `null` does not fit and nothing requires the argument, it is left out.
//!
//! Arguments come from outside, so the check has to end soon whatever they are: what a schema makes too costly to check
//! passes unchecked, mistakes are looked at up to a number, and nothing is repeated at length.

use std::borrow::Cow;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;
use wharf_model::{Effort, Json, JsonKind, Slice};

/// How many mistakes one answer names.
const COMPLAINTS_MAX: usize = 5;
/// How often mending starts over; each round mends what the one before uncovered.
const MENDING_ROUNDS_MAX: usize = 3;
/// How many mistakes one round mends: a model that gets more wrong should read a complaint.
const MENDED_MAX: usize = 64;
/// How many unknown names a complaint repeats, and how much of each.
const SHOWN_NAMES_MAX: usize = 5;
const SHOWN_NAME_CHARS_MAX: usize = 64;
/// A value longer than this is not repeated in a complaint.
const SHOWN_VALUE_CHARS_MAX: usize = 80;

/// A tool's input schema, ready to check with.
pub(crate) struct Checker {
    /// None when the schema does not compile: then the upstream is the judge.
    validator: Option<Validator>,
    effort: Effort,
    properties: Vec<String>,
    required: Vec<String>,
}

impl Checker {
    pub(crate) fn new(schema: &Json) -> Self {
        let tree = schema.to_value();
        let validator = jsonschema::draft202012::new(&tree)
            .inspect_err(|error| tracing::warn!(%error, "a tool's input schema does not compile; arguments pass unchecked"))
            .ok();
        let properties = schema
            .slice()
            .get("properties")
            .map(Slice::members)
            .unwrap_or_default();
        Self {
            validator,
            effort: Effort::of(&tree),
            properties: properties
                .into_iter()
                .map(|(name, _)| name.into_owned())
                .collect(),
            required: schema
                .slice()
                .get("required")
                .into_iter()
                .flat_map(Slice::each_item)
                .filter_map(Slice::text)
                .map(Cow::into_owned)
                .collect(),
        }
    }

    /// The name of the argument at a pointer, when a call can do without it.
    fn optional(&self, pointer: &str) -> Option<String> {
        let name = pointer.strip_prefix('/')?;
        if name.contains('/') {
            return None;
        }
        let name = name.replace("~1", "/").replace("~0", "~");
        let is_optional = self.properties.contains(&name) && !self.required.contains(&name);
        is_optional.then_some(name)
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

/// Arguments for a tool elsewhere: mended where that makes them fit its schema, otherwise as they are.
pub fn fit(schema: &Json, arguments: &Json) -> Json {
    match check(&Checker::new(schema), arguments.slice()) {
        Ok(Checked::Mended(mended)) => mended,
        Ok(Checked::AsGiven(_)) | Err(_) => arguments.clone(),
    }
}

/// The arguments as they may be sent on, or what is wrong with them, for the model.
pub(crate) fn check<'a>(checker: &Checker, arguments: Slice<'a>) -> Result<Checked<'a>, String> {
    if arguments.kind() != JsonKind::Object {
        return Err("the arguments must be a JSON object".to_owned());
    }
    if let Some(name) = duplicate(arguments) {
        return Err(format!(
            "`{name}` stands twice in one object of the arguments; give it once"
        ));
    }
    let Some(validator) = &checker.validator else {
        return Ok(Checked::AsGiven(arguments));
    };
    if !checker.effort.bears(|| depth(arguments)) {
        tracing::debug!(
            "arguments are nested too deep for their schema to be checked; the upstream is the judge"
        );
        return Ok(Checked::AsGiven(arguments));
    }
    let mut text = Cow::Borrowed(arguments.as_str());
    let mut value = tree(&text)?;
    for _ in 0..MENDING_ROUNDS_MAX {
        if validator.is_valid(&value) {
            break;
        }
        match mend(checker, validator, &text, &value) {
            Some(mended) => {
                value = tree(&mended)?;
                text = Cow::Owned(mended);
            }
            None => break,
        }
    }
    if !validator.is_valid(&value) {
        // What mending could help is no mistake to complain of.
        return Err(complain(checker, validator, &value));
    }
    match text {
        Cow::Borrowed(_) => Ok(Checked::AsGiven(arguments)),
        Cow::Owned(text) => Slice::parse(&text)
            .map(|slice| Checked::Mended(slice.to_json()))
            .map_err(|error| error.to_string()),
    }
}

/// A tree to check. Some JSON has none: half of a surrogate pair, a number beyond all bounds.
fn tree(text: &str) -> Result<Value, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("the arguments hold a value that cannot be passed on: {error}"))
}

/// How deep a value is nested; a plain value has depth 0.
fn depth(slice: Slice<'_>) -> usize {
    let below = match slice.kind() {
        JsonKind::Object => slice.each_member().map(|(_, value)| depth(value) + 1).max(),
        JsonKind::Array => slice.each_item().map(|value| depth(value) + 1).max(),
        _ => return 0,
    };
    below.unwrap_or(1)
}

/// A name that stands twice in one object. Readers differ in which one counts, so the one that was checked need not be
/// the one that an upstream takes.
fn duplicate(slice: Slice<'_>) -> Option<String> {
    match slice.kind() {
        JsonKind::Object => {
            let members = slice.members();
            let mut names: Vec<_> = members.iter().map(|(name, _)| &**name).collect();
            names.sort_unstable();
            let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
            twice
                .map(|pair| cut(pair[0]))
                .or_else(|| members.iter().find_map(|(_, value)| duplicate(*value)))
        }
        JsonKind::Array => slice.each_item().find_map(duplicate),
        _ => None,
    }
}

/// A name from outside, short enough to repeat.
fn cut(name: &str) -> String {
    name.chars().take(SHOWN_NAME_CHARS_MAX).collect()
}

/// Replaces each text that stands where something else is wanted by the JSON it holds, and leaves out each optional
/// argument whose `null` does not fit; none when there is neither.
fn mend(checker: &Checker, validator: &Validator, text: &str, value: &Value) -> Option<String> {
    let whole = Slice::parse(text).ok()?;
    let mut places: Vec<(usize, usize, String)> = Vec::new();
    let mut absent: Vec<String> = Vec::new();
    for error in validator.iter_errors(value).take(MENDED_MAX) {
        let Some(slice) = whole.pointer(error.instance_path().as_str()) else {
            continue;
        };
        if slice.kind() == JsonKind::Null {
            absent.extend(checker.optional(error.instance_path().as_str()));
            continue;
        }
        let Some(meant) = slice.text().and_then(|inner| meant_by(&inner)) else {
            continue;
        };
        // A slice of `text`, so the distance of the two starts is its place.
        let start = slice.as_str().as_ptr() as usize - text.as_ptr() as usize;
        if !places.iter().any(|(at, ..)| *at == start) {
            places.push((start, slice.as_str().len(), meant));
        }
    }
    if places.is_empty() && absent.is_empty() {
        return None;
    }
    places.sort_unstable_by_key(|(start, ..)| *start);
    let mut mended = String::with_capacity(text.len());
    let mut at = 0;
    for (start, length, meant) in places {
        mended.push_str(&text[at..start]);
        mended.push_str(&meant);
        at = start + length;
    }
    mended.push_str(&text[at..]);
    if !absent.is_empty() {
        mended = without(&mended, &absent)?;
    }
    Some(mended)
}

/// The object without these members.
fn without(object: &str, absent: &[String]) -> Option<String> {
    let object = Slice::parse(object).ok()?;
    let members: Vec<_> = object
        .each_member()
        .filter(|(name, _)| !absent.iter().any(|absent| absent == name))
        .map(|(name, value)| format!("{}:{}", Value::from(name), value.as_str()))
        .collect();
    Some(format!("{{{}}}", members.join(",")))
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
            let unexpected: Vec<_> = unexpected
                .iter()
                .take(SHOWN_NAMES_MAX)
                .map(|name| cut(name))
                .collect();
            let takes = match checker.properties.as_slice() {
                [] => "the tool takes none".to_owned(),
                known => format!("the tool takes `{}`", known.join("`, `")),
            };
            format!(
                "there is no argument `{}`; {takes}",
                unexpected.join("`, `"),
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
            // An argument that is not given is written as `null`.
            (r#"{"note":null,"id":1,"tags":null}"#, r#"{"id":1}"#),
            (r#"{"id":"2","status":null}"#, r#"{"id":2}"#),
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
            (r#"{"id":null}"#, "argument `id`: null is not of type"),
            (
                r#"{"id":1,"tags":[null]}"#,
                "argument `tags[0]`: null is not of type",
            ),
            (
                r#"{"id":1,"stauts":"sold"}"#,
                "there is no argument `stauts`; the tool takes `id`, `status`",
            ),
            ("[1]", "the arguments must be a JSON object"),
            // What was mended is no mistake.
            (
                r#"{"id":"1","status":"lost"}"#,
                "schema:\n- argument `status`: \"lost\" is not one of",
            ),
            (
                r#"{"id":1e999}"#,
                "cannot be passed on: number out of range",
            ),
            (r#"{"id":1,"note":"\ud800"}"#, "cannot be passed on"),
            (r#"{"id":1,"id":2}"#, "`id` stands twice"),
            (r#"{"id":1,"pet":{"age":1,"age":2}}"#, "`age` stands twice"),
        ] {
            let Err(complaint) = check(&checker(), Slice::parse(given).unwrap()) else {
                panic!("{given} passed")
            };
            assert!(complaint.contains(expected), "{given}: {complaint}");
        }
    }

    #[test]
    fn no_arguments_make_the_check_take_long() {
        let filter = Checker::new(&Json::of(&json!({
            "type": "object",
            "properties": {"filter": {"$ref": "#/$defs/Filter"}},
            "$defs": {"Filter": {"anyOf": [
                {"type": "object", "properties": {"and": {"type": "array", "items": {"$ref": "#/$defs/Filter"}}}, "required": ["and"]},
                {"type": "object", "properties": {"or": {"type": "array", "items": {"$ref": "#/$defs/Filter"}}}, "required": ["or"]},
                {"type": "object", "properties": {"equals": {"type": "string"}}, "required": ["equals"], "additionalProperties": false},
            ]}},
        })));
        // Without a limit a level multiplies the work: this would take hours.
        let deep = format!(
            "{}{{}}{}",
            r#"{"filter":"#.to_owned() + &r#"{"and":["#.repeat(30),
            "]}".repeat(30) + "}"
        );
        assert!(
            check(&filter, Slice::parse(&deep).unwrap()).is_ok(),
            "too deep to check"
        );
        let flat = r#"{"filter":{"and":[{"equals":1}]}}"#;
        assert!(check(&filter, Slice::parse(flat).unwrap()).is_err());

        // Each mistake used to cost a walk over the whole: this would take minutes.
        let tags = vec!["1"; 100_000].join(",");
        let many = format!(r#"{{"id":1,"tags":[{tags}]}}"#);
        assert!(check(&checker(), Slice::parse(&many).unwrap()).is_err());
        let names: Vec<_> = (0..100_000)
            .map(|name| format!(r#""unknown{name}":1"#))
            .collect();
        let unknown = format!(r#"{{"id":1,{}}}"#, names.join(","));
        let Err(complaint) = check(&checker(), Slice::parse(&unknown).unwrap()) else {
            panic!("it passed")
        };
        assert!(complaint.len() < 1_000, "{} bytes", complaint.len());
    }
}
