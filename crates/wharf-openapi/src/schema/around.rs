//! What the place of a schema adds to it: names, descriptions, surroundings.

use std::borrow::Cow;

use super::convert::sound;
use super::keywords::{Keyword, Keywords};
use crate::writer::Writer;

/// What the place of a schema adds to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Around<'a> {
    /// The property that the schema describes; a title that only repeats it is dropped.
    pub(super) name: &'a str,
    /// Stands in for the schema's own description.
    pub(super) description: Option<Cow<'a, str>>,
    /// Put behind the description.
    pub(super) addition: Option<&'a str>,
    /// Said of the place itself.
    pub(super) deprecated: bool,
    /// The schema applies to the same value as the definition that contains it.
    pub(super) in_place: bool,
    /// Properties that do not exist in this direction, by a schema around this one.
    pub(super) absent: &'a [String],
}

impl<'a> Around<'a> {
    /// The surroundings of a definition's own schema.
    pub(super) fn definition() -> Self {
        Self {
            in_place: true,
            ..Self::default()
        }
    }

    /// The surroundings of an argument's schema: what the parameter says that the schema may leave unsaid.
    pub(crate) fn argument(
        name: &'a str,
        description: Option<Cow<'a, str>>,
        addition: Option<&'a str>,
        deprecated: bool,
    ) -> Self {
        Self {
            name,
            description,
            addition,
            deprecated,
            ..Self::default()
        }
    }

    /// Writes what the place says where there is no schema to say it with.
    pub(crate) fn write(&self, writer: &mut Writer) {
        annotations(writer, &Keywords::default(), self);
    }
}

/// The surroundings of a schema for the same value.
pub(super) fn beside<'a>(around: &Around<'_>, absent: &'a [String]) -> Around<'a> {
    Around {
        in_place: around.in_place,
        absent,
        ..Around::default()
    }
}

/// Title, description and their like.
pub(super) fn annotations(writer: &mut Writer, schema: &Keywords<'_>, around: &Around<'_>) {
    if let Some(title) = schema.text(Keyword::Title)
        && !repeats(&title, around.name)
    {
        writer.member("title", &title);
    }
    let own = schema.text(Keyword::Description);
    let description = own.as_ref().or(around.description.as_ref());
    match (description, around.addition) {
        (Some(description), Some(addition)) => {
            writer.member("description", &format!("{description} {addition}"));
        }
        (Some(text), None) => writer.member("description", text),
        (None, Some(text)) => writer.member("description", text),
        (None, None) => {}
    }
    if let Some(value) = schema.get(Keyword::Default)
        && sound(value, writer.depth_left())
    {
        writer.key("default");
        writer.value(value);
    }
    if around.deprecated || schema.is_true(Keyword::Deprecated) {
        writer.key("deprecated");
        writer.raw("true");
    }
}

/// Whether a title says no more than the property's name: `Pet Id` of `pet_id`.
fn repeats(title: &str, name: &str) -> bool {
    !name.is_empty() && letters(title).eq(letters(name))
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
}
