//! Keywords that hold values, numbers and texts.

use std::borrow::Cow;

use serde_json::Value;
use wharf_model::{HashSet, JsonKind, Slice};

use super::Converter;
use crate::schema::keywords::{Keyword, Keywords};
use crate::schema::{Fragment, Place};
use crate::writer::{Writer, depth_of};

impl<'d> Converter<'_, '_, 'd> {
    /// `enum` and `const`.
    pub(super) fn values(
        &mut self,
        fragment: &mut Fragment,
        schema: &Keywords<'d>,
        place: &Place<'_>,
        nullable: bool,
    ) {
        let types = schema.types().0;
        let is_text =
            types.contains(&"string") && types.iter().all(|it| matches!(*it, "string" | "null"));
        if let Some(values) = schema.get(Keyword::Enum) {
            let mut seen = HashSet::default();
            let mut texts: Vec<Cow<'d, str>> = values
                .each_item()
                .filter(|value| sound(*value, fragment.writer.depth_left()))
                .map(|value| as_meant(value, is_text))
                .filter(|text| seen.insert(text.clone()))
                .collect();
            if nullable && !texts.is_empty() && !seen.contains("null") {
                texts.push(Cow::Borrowed("null"));
            }
            if texts.is_empty() {
                self.schemas
                    .note(place, "`enum` lists no values, so it is left out");
            } else {
                fragment.writer.key("enum");
                fragment.writer.open_array();
                for text in texts {
                    fragment.writer.raw(&text);
                }
                fragment.writer.close_array();
            }
        }
        if let Some(value) = schema.get(Keyword::Const)
            && sound(value, fragment.writer.depth_left())
        {
            fragment.writer.key("const");
            fragment.writer.raw(&as_meant(value, is_text));
        }
    }

    /// Keywords with a number or a text.
    pub(super) fn bounds(
        &mut self,
        fragment: &mut Fragment,
        schema: &Keywords<'d>,
        place: &Place<'_>,
    ) {
        for (keyword, exclusive) in [
            (Keyword::Maximum, Keyword::ExclusiveMaximum),
            (Keyword::Minimum, Keyword::ExclusiveMinimum),
        ] {
            let inclusive = schema.get(keyword).filter(|value| number(*value).is_some());
            match schema.get(exclusive) {
                // 3.0: a flag beside the bound. From 3.1 on it is a bound of its own.
                Some(flag) if flag.boolean() == Some(true) => {
                    if let Some(bound) = inclusive {
                        fragment.writer.key(exclusive.name());
                        fragment.writer.value(bound);
                    }
                    continue;
                }
                Some(bound) if number(bound).is_some() => {
                    fragment.writer.key(exclusive.name());
                    fragment.writer.value(bound);
                }
                _ => {}
            }
            if let Some(bound) = inclusive {
                fragment.writer.key(keyword.name());
                fragment.writer.value(bound);
            }
        }
        if let Some(step) = schema.get(Keyword::MultipleOf)
            && number(step).is_some_and(|step| step > 0.0)
        {
            fragment.writer.key(Keyword::MultipleOf.name());
            fragment.writer.value(step);
        }
        for keyword in [
            Keyword::MinLength,
            Keyword::MaxLength,
            Keyword::MinItems,
            Keyword::MaxItems,
            Keyword::MinContains,
            Keyword::MaxContains,
            Keyword::MinProperties,
            Keyword::MaxProperties,
        ] {
            if let Some(count) = schema.get(keyword).and_then(count) {
                fragment.writer.key(keyword.name());
                fragment.writer.raw(&count.to_string());
            }
        }
        if schema.is_true(Keyword::UniqueItems) {
            fragment.writer.key(Keyword::UniqueItems.name());
            fragment.writer.raw("true");
        }
        for keyword in [
            Keyword::Format,
            Keyword::ContentEncoding,
            Keyword::ContentMediaType,
        ] {
            if let Some(text) = schema.text(keyword) {
                fragment.writer.member(keyword.name(), &text);
            }
        }
        if let Some(pattern) = schema.text(Keyword::Pattern) {
            if self.schemas.patterns.valid(&pattern) {
                fragment.writer.member(Keyword::Pattern.name(), &pattern);
            } else {
                let text =
                    "`pattern` is no regular expression that is understood, so it is left out";
                self.schemas.note(place, text);
            }
        }
    }
}

/// Whether a value can be taken over as it is: some JSON (lone surrogates, `1e999`) is refused by common readers.
pub(in crate::schema) fn sound(value: Slice<'_>, depth_left: usize) -> bool {
    match value.kind() {
        JsonKind::Null | JsonKind::Boolean => true,
        JsonKind::Number => number(value).is_some(),
        // One byte is found sooner than two, and hardly any text has it.
        JsonKind::String => {
            let text = value.as_str();
            !text.contains('\\') || !text.contains("\\u") || value.text().is_some()
        }
        JsonKind::Array | JsonKind::Object => {
            depth_of(value) + 2 < depth_left && value.read::<Value>().is_some()
        }
    }
}

/// A value of a schema, without white space. Where only texts are values, what YAML took for a number or a truth is one
/// too: `enum: [1, 2]` in front of `type: string` has no quotes because YAML needs none.
fn as_meant(value: Slice<'_>, is_text: bool) -> Cow<'_, str> {
    match value.kind() {
        JsonKind::Number | JsonKind::Boolean if is_text => {
            Cow::Owned(format!("\"{}\"", value.as_str()))
        }
        _ => compact(value),
    }
}

/// A value without its white space.
fn compact(value: Slice<'_>) -> Cow<'_, str> {
    match value.kind() {
        JsonKind::Array | JsonKind::Object => {
            let mut writer = Writer::default();
            writer.value(value);
            Cow::Owned(writer.into_string())
        }
        _ => Cow::Borrowed(value.as_str()),
    }
}

/// A number that is finite.
fn number(value: Slice<'_>) -> Option<f64> {
    if value.kind() != JsonKind::Number {
        return None;
    }
    value
        .as_str()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// A count, also where it is written `10.0`.
fn count(value: Slice<'_>) -> Option<u64> {
    let literal = value.as_str();
    let whole = literal
        .split_once('.')
        .map_or(literal, |(whole, fraction)| {
            if fraction.bytes().all(|digit| digit == b'0') {
                whole
            } else {
                literal
            }
        });
    whole.parse().ok()
}
