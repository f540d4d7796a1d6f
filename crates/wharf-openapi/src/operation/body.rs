//! Request bodies: which media type, which arguments.

pub(super) mod choice;

use std::borrow::Cow;

use wharf_model::{HashMap, JsonKind, Slice};

use super::members::{Member, ObjectMembers, Openness};
use super::parameters::style_of;
use super::{Argument, ArgumentSchema, Fault, Spot, text};
use crate::names::ArgumentNames;
use crate::plan::{Body, BodyArguments, BodyEncoding, PartEncoding};
use crate::reference::{Referring, Resolver};
use crate::response::{Kind, MediaType};
use crate::schema::{Keyword, Keywords, Place};

/// A body as it is read.
#[derive(Debug)]
pub(super) struct BodyRead<'d> {
    pub(super) description: Option<Cow<'d, str>>,
    media_type: String,
    required: bool,
    encoding: BodyEncoding,
    content: Content<'d>,
    /// The key of its media type in the document.
    pub(super) key: Cow<'d, str>,
    schema: Option<Slice<'d>>,
    /// Other media types that a call can choose.
    pub(super) others: Vec<BodyRead<'d>>,
}

/// The members of a Request Body Object.
#[derive(Default)]
struct Members<'d> {
    reference: Option<Slice<'d>>,
    description: Option<Cow<'d, str>>,
    content: Option<Slice<'d>>,
    required: bool,
}

impl<'d> Referring<'d> for Members<'d> {
    fn of(body: Slice<'d>) -> Self {
        let mut members = Self::default();
        for (key, value) in body.each_member() {
            match &*key {
                "$ref" => members.reference = Some(value),
                "description" => members.description = text(value),
                "content" => members.content = Some(value),
                "required" => members.required = value.boolean() == Some(true),
                _ => {}
            }
        }
        members
    }

    fn reference(&self) -> Option<Slice<'d>> {
        self.reference
    }
}

/// The members of a Media Type Object.
#[derive(Default)]
pub(super) struct Media<'d> {
    reference: Option<Slice<'d>>,
    pub(super) schema: Option<Slice<'d>>,
    encoding: Option<Slice<'d>>,
}

impl<'d> Referring<'d> for Media<'d> {
    fn of(media: Slice<'d>) -> Self {
        let mut members = Self::default();
        for (key, value) in media.each_member() {
            match &*key {
                "$ref" => members.reference = Some(value),
                "schema" => members.schema = Some(value),
                "encoding" => members.encoding = Some(value),
                _ => {}
            }
        }
        members
    }

    fn reference(&self) -> Option<Slice<'d>> {
        self.reference
    }
}

/// What a body is made of.
#[derive(Debug)]
enum Content<'d> {
    Members(ObjectMembers<'d>),
    /// One argument, with the name to give it.
    Whole(String, ArgumentSchema<'d>),
}

/// Reads a Request Body Object; none when it offers no media type.
pub(super) fn read<'d>(
    resolver: &Resolver<'d>,
    body: Slice<'d>,
    operation: &Place<'_>,
) -> Result<Option<BodyRead<'d>>, Fault> {
    let place = operation.down("requestBody");
    if body.kind() == JsonKind::Null {
        return Ok(None);
    }
    let body: Members<'d> = resolver
        .read(body)
        .map_err(|unresolved| Fault::new(&place, unresolved))?;
    let media_types = body.content.map(Slice::members).unwrap_or_default();
    let offered = media_types.clone();
    let Some((media_type, media)) = preferred(media_types) else {
        return Ok(None);
    };
    let content_place = place.down("content");
    let media_place = content_place.down(&media_type);
    let media: Media<'d> = resolver
        .read(media)
        .map_err(|unresolved| Fault::new(&media_place, unresolved))?;
    let mut read = of_media(
        resolver,
        media_type,
        &media,
        body.description,
        body.required,
    );
    if offered.len() > 1 {
        read.others = choice::others(resolver, &read, offered);
    }
    Ok(Some(read))
}

/// The body of a Swagger 2.0 parameter: `schema` in one of the media types, JSON when there are none.
pub(super) fn whole<'d>(
    resolver: &Resolver<'d>,
    media_types: Vec<Cow<'d, str>>,
    schema: Option<Slice<'d>>,
    description: Option<Cow<'d, str>>,
    required: bool,
) -> BodyRead<'d> {
    let offered = media_types
        .into_iter()
        .map(|media_type| (media_type, ()))
        .collect();
    let (media_type, ()) = preferred(offered).unwrap_or((Cow::Borrowed("application/json"), ()));
    let media = Media {
        schema,
        ..Media::default()
    };
    of_media(resolver, media_type, &media, description, required)
}

/// The body of Swagger 2.0's form parameters.
pub(super) fn form<'d>(
    media_type: Cow<'d, str>,
    parts: Vec<PartEncoding>,
    members: ObjectMembers<'d>,
) -> BodyRead<'d> {
    let encoding = match Shape::of(&media_type) {
        Shape::Multipart => BodyEncoding::Multipart(parts),
        _ => BodyEncoding::Form(parts),
    };
    BodyRead {
        description: None,
        media_type: media_type.clone().into_owned(),
        required: members.members.iter().any(|member| member.required),
        encoding,
        content: Content::Members(members),
        key: media_type,
        schema: None,
        others: Vec::new(),
    }
}

fn of_media<'d>(
    resolver: &Resolver<'d>,
    media_type: Cow<'d, str>,
    media: &Media<'d>,
    description: Option<Cow<'d, str>>,
    required: bool,
) -> BodyRead<'d> {
    let (encoding, content) = content(resolver, &media_type, media);
    let key = media_type.clone();
    // A range of everything says nothing about a body: JSON it is, but for bytes. Those and a narrower range are made
    // concrete with the body.
    let media_type = if media_type.contains('*') && matches!(encoding, BodyEncoding::Json) {
        "application/json".to_owned()
    } else {
        media_type.into_owned()
    };
    BodyRead {
        description,
        media_type,
        required,
        encoding,
        content,
        key,
        schema: media.schema,
        others: Vec::new(),
    }
}

/// The media type to send: JSON before forms before the rest, and of equals the first.
fn preferred<T>(media_types: Vec<(Cow<'_, str>, T)>) -> Option<(Cow<'_, str>, T)> {
    media_types
        .into_iter()
        .min_by_key(|(media_type, _)| match Shape::of(media_type) {
            Shape::Json => match MediaType::parse(media_type).essence() {
                "application/json" => 0,
                // A patch of operations is harder to write than one that looks like the thing itself.
                "application/json-patch+json" => 2,
                _ => 1,
            },
            Shape::Form => 3,
            Shape::Multipart => 4,
            Shape::Text => 5,
            Shape::Binary => 6,
        })
}

/// The ways to write a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Json,
    Form,
    Multipart,
    Text,
    Binary,
}

impl Shape {
    fn of(media_type: &str) -> Self {
        let parsed = MediaType::parse(media_type);
        match parsed.essence() {
            "application/x-www-form-urlencoded" => Self::Form,
            "*/*" | "application/*" => Self::Json,
            "text/*" => Self::Text,
            essence if essence.starts_with("multipart/") => Self::Multipart,
            _ => match parsed.kind() {
                Kind::Json => Self::Json,
                Kind::Text => Self::Text,
                _ => Self::Binary,
            },
        }
    }
}

fn content<'d>(
    resolver: &Resolver<'d>,
    media_type: &str,
    media: &Media<'d>,
) -> (BodyEncoding, Content<'d>) {
    let schema = media.schema;
    let shape = match Shape::of(media_type) {
        // A range of everything leaves it to the schema, which may say that these are bytes.
        Shape::Json if media_type.contains('*') && is_bytes(resolver, schema) => Shape::Binary,
        shape => shape,
    };
    let members = schema.and_then(|schema| ObjectMembers::of(resolver, schema));
    let encoding = match shape {
        Shape::Json => BodyEncoding::Json,
        Shape::Form | Shape::Multipart => {
            let parts = parts(resolver, media, members.as_ref(), shape);
            match shape {
                Shape::Form => BodyEncoding::Form(parts),
                _ => BodyEncoding::Multipart(parts),
            }
        }
        Shape::Text => {
            let whole = ArgumentSchema::Text(media_type.to_owned());
            return (BodyEncoding::Text, Content::Whole("body".to_owned(), whole));
        }
        Shape::Binary => {
            let whole = ArgumentSchema::Base64(media_type.to_owned());
            return (
                BodyEncoding::Binary,
                Content::Whole("body".to_owned(), whole),
            );
        }
    };
    let content = match members {
        Some(members) => Content::Members(members),
        None => Content::Whole(
            whole_name(resolver, schema),
            ArgumentSchema::Document(schema.into_iter().collect()),
        ),
    };
    (encoding, content)
}

/// What existing deployments call an argument that is a whole body: the schema's title, or `body`.
fn whole_name<'d>(resolver: &Resolver<'d>, schema: Option<Slice<'d>>) -> String {
    let title = schema
        .and_then(|schema| resolver.read::<Keywords<'d>>(schema).ok())
        .and_then(|schema| schema.text(Keyword::Title));
    let Some(title) = title else {
        return "body".to_owned();
    };
    let name: String = title
        .to_lowercase()
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '_'
            }
        })
        .collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        "body_data".to_owned()
    } else if name.trim_matches('_').is_empty() {
        "body".to_owned()
    } else {
        name
    }
}

fn parts<'d>(
    resolver: &Resolver<'d>,
    media: &Media<'d>,
    members: Option<&ObjectMembers<'d>>,
    shape: Shape,
) -> Vec<PartEncoding> {
    let encodings: HashMap<_, _> = media
        .encoding
        .into_iter()
        .flat_map(Slice::each_member)
        .collect();
    let members = members.map_or(&[][..], |members| &members.members);
    members
        .iter()
        .filter_map(|member| {
            let given = encodings.get(&*member.name);
            let content_type = given
                .and_then(|given| given.get("contentType"))
                .and_then(text)
                .map(Cow::into_owned);
            let style = given
                .and_then(|given| given.get("style"))
                .and_then(Slice::text)
                .and_then(|name| style_of(&name));
            let explode = given
                .and_then(|given| given.get("explode"))
                .and_then(Slice::boolean);
            let style = (style.is_some() || explode.is_some()).then(|| {
                let style = style.unwrap_or(crate::plan::Style::Form);
                (style, explode.unwrap_or(style == crate::plan::Style::Form))
            });
            let file = shape == Shape::Multipart
                && file_shape(resolver, member, content_type.as_deref()).is_some();
            let allow_reserved = given
                .and_then(|given| given.get("allowReserved"))
                .and_then(Slice::boolean)
                == Some(true);
            let says_something =
                file || content_type.is_some() || style.is_some() || allow_reserved;
            says_something.then(|| PartEncoding {
                property: member.name.clone().into_owned(),
                content_type,
                style,
                allow_reserved,
                file,
            })
        })
        .collect()
}

/// A file or a list of files; none when the property is neither.
fn file_shape<'d>(
    resolver: &Resolver<'d>,
    member: &Member<'d>,
    content_type: Option<&str>,
) -> Option<ArgumentSchema<'d>> {
    let schema = match member.schemas[..] {
        [] => None,
        [schema, ..] => Some(resolver.read::<Keywords<'d>>(schema).ok()?),
    };
    let binary_part = content_type.is_some_and(|listed| {
        listed
            .split(',')
            .all(|one| Shape::of(one.trim()) == Shape::Binary)
    });
    let Some(schema) = schema else {
        return binary_part.then_some(ArgumentSchema::File);
    };
    if holds_bytes(&schema, binary_part) {
        return Some(ArgumentSchema::File);
    }
    let items = schema.get(Keyword::Items)?;
    let items: Keywords<'d> = resolver.read(items).ok()?;
    (schema.types().0.contains(&"array") && holds_bytes(&items, binary_part))
        .then_some(ArgumentSchema::Files)
}

fn is_bytes<'d>(resolver: &Resolver<'d>, schema: Option<Slice<'d>>) -> bool {
    schema
        .and_then(|schema| resolver.read::<Keywords<'d>>(schema).ok())
        .is_some_and(|schema| holds_bytes(&schema, false))
}

/// Bytes as 3.0 says it (`format: binary`), as 3.1 does (`contentMediaType`), or by the part's own media type.
fn holds_bytes(schema: &Keywords<'_>, binary_part: bool) -> bool {
    let (types, _) = schema.types();
    let texts = types.is_empty() || types.contains(&"string");
    let format = schema.text(Keyword::Format);
    let declared = schema.text(Keyword::ContentMediaType);
    let encoded = schema.has(Keyword::ContentEncoding);
    let by_itself = format.as_deref() == Some("binary")
        || (declared.is_some_and(|declared| Shape::of(&declared) == Shape::Binary) && !encoded);
    texts && (by_itself || (binary_part && !encoded && format.as_deref() != Some("byte")))
}

impl<'d> BodyRead<'d> {
    /// Whether the body has an argument of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        match &self.content {
            Content::Members(members) => members.members.iter().any(|member| member.name == name),
            Content::Whole(whole, _) => whole == name,
        }
    }

    /// Takes names for the body's arguments. First of all arguments, since in a clash the body keeps its names.
    pub(super) fn name(&self, names: &mut ArgumentNames) -> Vec<String> {
        match &self.content {
            Content::Members(members) => members
                .members
                .iter()
                .map(|member| names.take(&member.name))
                .collect(),
            Content::Whole(name, _) => vec![names.take(name)],
        }
    }

    /// How many arguments it has.
    fn arguments(&self) -> usize {
        match &self.content {
            Content::Members(members) => members.members.len(),
            Content::Whole(..) => 1,
        }
    }

    pub(super) fn openness(&self) -> Openness<'d> {
        match &self.content {
            Content::Members(members) => members.rest,
            Content::Whole(..) => Openness::Closed,
        }
    }

    /// What the body has to be as a whole, which its arguments do not say.
    pub(super) fn condition(&self) -> Option<Keyword> {
        match &self.content {
            Content::Members(members) => members.condition,
            Content::Whole(..) => None,
        }
    }

    /// The body's plan; its arguments go behind the others.
    pub(super) fn finish(self, names: Vec<String>, arguments: &mut Vec<Argument<'d>>) -> Body {
        let Self {
            description,
            media_type,
            required,
            encoding,
            content,
            ..
        } = self;
        let files = match &encoding {
            BodyEncoding::Multipart(parts) => parts
                .iter()
                .filter(|part| part.file)
                .map(|part| part.property.clone())
                .collect(),
            _ => Vec::new(),
        };
        let mut needed = Vec::new();
        let body_arguments = match content {
            Content::Members(object) => {
                let open = !matches!(object.rest, Openness::Closed);
                if !required {
                    let members = names.iter().zip(&object.members);
                    needed = members
                        .filter(|(_, member)| member.required)
                        .map(|(name, _)| name.clone())
                        .collect();
                }
                let mut pairs = Vec::with_capacity(names.len());
                for (name, member) in names.into_iter().zip(object.members) {
                    pairs.push((name.clone(), member.name.clone().into_owned()));
                    let is_file = files.iter().any(|file| *file == member.name);
                    arguments.push(Argument {
                        name,
                        required: required && member.required,
                        description: is_file.then(|| own_description(&member)).flatten(),
                        schema: if is_file {
                            file_schema(&member)
                        } else {
                            ArgumentSchema::Document(member.schemas)
                        },
                        deprecated: false,
                        wire: None,
                        renamed: false,
                        spot: Spot::Member,
                        wire_name: member.name,
                    });
                }
                BodyArguments::Members {
                    members: pairs,
                    open,
                }
            }
            Content::Whole(wire_name, schema) => {
                let name = names.into_iter().next().unwrap_or_default();
                arguments.push(Argument {
                    name: name.clone(),
                    wire_name: Cow::Owned(wire_name),
                    required,
                    schema,
                    description,
                    deprecated: false,
                    wire: None,
                    renamed: false,
                    spot: Spot::Body,
                });
                BodyArguments::Whole(name)
            }
        };
        Body {
            media_type,
            encoding,
            arguments: body_arguments,
            required,
            needed,
        }
    }
}

fn own_description<'d>(member: &Member<'d>) -> Option<Cow<'d, str>> {
    member
        .schemas
        .iter()
        .find_map(|schema| Keywords::of(*schema).text(Keyword::Description))
}

fn file_schema<'d>(member: &Member<'d>) -> ArgumentSchema<'d> {
    let is_list = member
        .schemas
        .iter()
        .any(|schema| Keywords::of(*schema).types().0.contains(&"array"));
    if is_list {
        ArgumentSchema::Files
    } else {
        ArgumentSchema::File
    }
}
