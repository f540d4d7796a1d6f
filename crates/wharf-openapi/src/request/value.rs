//! A value as the styles see it: one text, a list of texts, or pairs of texts.

use std::borrow::Cow;

use wharf_model::{JsonKind, Slice};

use crate::plan::Serialization;
use crate::response::MediaType;

/// What a style writes. Absent items and members are already left out.
pub(super) enum Shape<'a> {
    /// Nothing is to be written.
    Absent,
    /// Text, a number or a boolean.
    Primitive(Cow<'a, str>),
    /// At least one item.
    List(Vec<Cow<'a, str>>),
    /// At least one member.
    Pairs(Vec<(Cow<'a, str>, Cow<'a, str>)>),
}

impl<'a> Shape<'a> {
    pub(super) fn of(value: Slice<'a>) -> Self {
        match value.kind() {
            JsonKind::Null => Self::Absent,
            JsonKind::Array => {
                let items: Vec<_> = present(value).map(text).collect();
                if items.is_empty() {
                    Self::Absent
                } else {
                    Self::List(items)
                }
            }
            JsonKind::Object => {
                let members: Vec<_> = value
                    .each_member()
                    .filter(|(_, value)| value.kind() != JsonKind::Null)
                    .map(|(name, value)| (name, text(value)))
                    .collect();
                if members.is_empty() {
                    Self::Absent
                } else {
                    Self::Pairs(members)
                }
            }
            JsonKind::Boolean | JsonKind::Number | JsonKind::String => Self::Primitive(text(value)),
        }
    }
}

/// The items that are not `null`.
pub(super) fn present(array: Slice<'_>) -> impl Iterator<Item = Slice<'_>> {
    array
        .each_item()
        .filter(|item| item.kind() != JsonKind::Null)
}

/// A string's own text, anything else as the caller wrote it.
pub(super) fn text(value: Slice<'_>) -> Cow<'_, str> {
    match value.kind() {
        // Half of a surrogate pair is valid JSON but no text: then the escapes are what can be sent.
        JsonKind::String => value
            .text()
            .unwrap_or_else(|| Cow::Borrowed(value.as_str().trim_matches('"'))),
        _ => Cow::Borrowed(value.as_str()),
    }
}

/// The one text of a `content` parameter; none when it goes by style.
pub(super) fn content<'a>(serialization: &Serialization, value: Slice<'a>) -> Option<Cow<'a, str>> {
    let Serialization::Content(media_type) = serialization else {
        return None;
    };
    Some(text_as(media_type, value))
}

/// A value as one text of a media type: JSON where it is JSON, otherwise a string is the text itself.
pub(super) fn text_as<'a>(media_type: &str, value: Slice<'a>) -> Cow<'a, str> {
    if MediaType::parse(media_type).is_json() {
        Cow::Borrowed(value.as_str())
    } else {
        text(value)
    }
}
