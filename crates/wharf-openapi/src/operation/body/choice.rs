//! Several media types for one body: which of them are worth a choice, and the arguments that come with it.
//!
//! Most documents list the same body in several dresses, of which JSON is taken. Where another media type can say what
//! the first cannot (a file, raw bytes, a patch of another kind), the tool gets an argument that chooses.

use std::borrow::Cow;
use std::fmt::Write as _;

use wharf_model::Slice;

use super::{BodyRead, Content, Media, Shape, of_media};
use crate::names::ArgumentNames;
use crate::operation::{Argument, ArgumentSchema, Spot};
use crate::plan::{Body, BodyArguments, BodyEncoding, Choice};
use crate::reference::Resolver;
use crate::response::MediaType;
use crate::schema::{Keyword, Keywords};

/// More media types are not offered beside the first.
const OTHERS_MAX: usize = 5;
/// How many arguments of a media type are named where it is chosen.
const NAMED_MAX: usize = 8;

/// The media types that are worth a choice beside `first`, in the document's order.
pub(super) fn others<'d>(
    resolver: &Resolver<'d>,
    first: &BodyRead<'d>,
    offered: Vec<(Cow<'d, str>, Slice<'d>)>,
) -> Vec<BodyRead<'d>> {
    let mut others: Vec<BodyRead<'d>> = Vec::new();
    for (media_type, media) in offered {
        if media_type == first.key || media_type.contains('*') || others.len() == OTHERS_MAX {
            continue;
        }
        let Ok(media) = resolver.read::<Media<'d>>(media) else {
            continue;
        };
        let is_same = same_schema(media.schema, first.schema);
        if is_same && !can_differ(&media_type, &first.media_type) {
            continue;
        }
        let other = of_media(resolver, media_type, &media, None, first.required);
        if matters(resolver, first, &other) {
            others.push(other);
        }
    }
    others
}

fn same_schema(a: Option<Slice<'_>>, b: Option<Slice<'_>>) -> bool {
    a.map(Slice::as_str) == b.map(Slice::as_str)
}

/// Whether two media types can mean different things by one schema.
fn can_differ(a: &str, b: &str) -> bool {
    match (Shape::of(a), Shape::of(b)) {
        (Shape::Multipart, _) | (Shape::Binary, Shape::Binary) | (Shape::Text, Shape::Text) => true,
        // A JSON patch is a list, which no other patch is: what one schema describes cannot be both.
        (Shape::Json, Shape::Json) => (is_patch(a) || is_patch(b)) && !is_list(a) && !is_list(b),
        _ => false,
    }
}

fn matters<'d>(resolver: &Resolver<'d>, first: &BodyRead<'_>, other: &BodyRead<'d>) -> bool {
    match Shape::of(&other.media_type) {
        // What got here says something else, or is a patch of another kind.
        Shape::Json => true,
        Shape::Form | Shape::Multipart => {
            (other.has_files() && !first.has_files()) || other.adds_to(first)
        }
        Shape::Text | Shape::Binary => {
            !other.media_type.contains("xml") && is_plain(resolver, other.schema)
        }
    }
}

fn is_patch(media_type: &str) -> bool {
    media_type.contains("patch")
}

fn is_list(media_type: &str) -> bool {
    MediaType::parse(media_type).essence() == "application/json-patch+json"
}

/// Nothing but text or bytes.
fn is_plain<'d>(resolver: &Resolver<'d>, schema: Option<Slice<'d>>) -> bool {
    let Some(schema) = schema else { return true };
    resolver.read::<Keywords<'d>>(schema).is_ok_and(|schema| {
        let (types, is_odd) = schema.types();
        !is_odd
            && types.iter().all(|name| *name == "string")
            && !schema.has(Keyword::Properties)
            && !schema.has(Keyword::AllOf)
            && !schema.has(Keyword::OneOf)
    })
}

impl BodyRead<'_> {
    fn has_files(&self) -> bool {
        matches!(&self.encoding, BodyEncoding::Multipart(parts) if parts.iter().any(|part| part.file))
    }

    /// Whether it has a member that `first` has no place for.
    fn adds_to(&self, first: &BodyRead<'_>) -> bool {
        match &self.content {
            Content::Members(object) => {
                object.members.iter().any(|member| !first.has(&member.name))
            }
            Content::Whole(..) => false,
        }
    }
}

/// The choice between `first` and the others. What each needs is checked when a call has chosen; of the body's arguments,
/// which begin at `start`, only those that all of them need are required beforehand.
pub(in crate::operation) fn between<'d>(
    first: &mut Body,
    others: Vec<BodyRead<'d>>,
    names: &mut ArgumentNames,
    arguments: &mut Vec<Argument<'d>>,
    start: usize,
) -> Option<Choice> {
    if others.is_empty() {
        return None;
    }
    // One that can be left out has said what it needs already.
    if first.required {
        first.needed = needed(&arguments[start..]);
    }
    let mut bodies = Vec::with_capacity(others.len());
    for other in others {
        let mut fresh = Vec::new();
        let places = (0..other.arguments())
            .map(|place| place.to_string())
            .collect();
        let mut body = other.finish(places, &mut fresh);
        for (place, argument) in fresh.iter_mut().enumerate() {
            let known = arguments[start..]
                .iter()
                .find(|known| known.wire_name == argument.wire_name && same(known, argument));
            argument.name = match known {
                Some(known) => known.name.clone(),
                None => names.take(&argument.wire_name),
            };
            argument.spot = Spot::Nowhere;
            match &mut body.arguments {
                BodyArguments::Whole(name) => name.clone_from(&argument.name),
                BodyArguments::Members { members, .. } => {
                    members[place].0.clone_from(&argument.name);
                }
            }
        }
        if first.required {
            body.needed = needed(&fresh);
        } else {
            body.needed = body
                .needed
                .iter()
                .filter_map(|place| fresh.get(place.parse::<usize>().ok()?))
                .map(|argument| argument.name.clone())
                .collect();
        }
        for argument in fresh {
            if !arguments[start..]
                .iter()
                .any(|known| known.name == argument.name)
            {
                arguments.push(argument);
            }
        }
        bodies.push(body);
    }
    for argument in &mut arguments[start..] {
        let mut all = std::iter::once(&*first).chain(&bodies);
        argument.required = first.required && all.all(|body| body.needed.contains(&argument.name));
    }
    let argument = names.take("content_type");
    let media_types = std::iter::once(&*first)
        .chain(&bodies)
        .map(|body| body.media_type.clone())
        .collect();
    arguments.push(Argument {
        name: argument.clone(),
        wire_name: Cow::Borrowed("content_type"),
        required: false,
        schema: ArgumentSchema::MediaTypes(media_types),
        description: Some(described(first, &bodies).into()),
        deprecated: false,
        wire: None,
        renamed: false,
        spot: Spot::Nowhere,
    });
    Some(Choice { argument, bodies })
}

fn needed(arguments: &[Argument<'_>]) -> Vec<String> {
    arguments
        .iter()
        .filter(|argument| argument.required)
        .map(|argument| argument.name.clone())
        .collect()
}

/// Whether one argument can stand for both.
fn same(a: &Argument<'_>, b: &Argument<'_>) -> bool {
    match (&a.schema, &b.schema) {
        (ArgumentSchema::Document(a), ArgumentSchema::Document(b)) => a
            .iter()
            .map(|one| one.as_str())
            .eq(b.iter().map(|one| one.as_str())),
        (ArgumentSchema::Text(_), ArgumentSchema::Text(_))
        | (ArgumentSchema::Base64(_), ArgumentSchema::Base64(_))
        | (ArgumentSchema::File, ArgumentSchema::File)
        | (ArgumentSchema::Files, ArgumentSchema::Files) => true,
        _ => false,
    }
}

/// What a model must know to choose.
fn described(first: &Body, others: &[Body]) -> String {
    if others
        .iter()
        .all(|other| other.argument_names() == first.argument_names())
    {
        return format!("What the body is; without it `{}`.", first.media_type);
    }
    let mut text = "What the body is, which decides what it is made of.".to_owned();
    for (place, body) in std::iter::once(first).chain(others).enumerate() {
        let default = if place == 0 { " (default)" } else { "" };
        let _ = write!(text, " `{}`{default}: ", body.media_type);
        let names = body.argument_names();
        for (place, name) in names.iter().take(NAMED_MAX).enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            let required = if body.needed.iter().any(|needed| needed == name) {
                " (required)"
            } else {
                ""
            };
            let _ = write!(text, "{comma}`{name}`{required}");
        }
        text.push_str(if names.len() > NAMED_MAX {
            ", …."
        } else {
            "."
        });
    }
    text
}
