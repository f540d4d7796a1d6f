//! The request body: JSON, forms, multipart, text and bytes.
//!
//! No argument, no body, unless the document requires one: then an object body is the empty object. One argument of an
//! optional body makes the body's own required members required. JSON is put together from the caller's own text.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderValue;
use wharf_model::{JsonKind, Slice};

use super::arguments::Arguments;
use super::complaint::Complaint;
use super::form::{self, Pairs};
use super::{file, multipart, value};
use crate::plan::{Body, BodyArguments, BodyEncoding, PartEncoding};

/// A form or multipart body repeats names for every item, so a small argument can make a huge body.
pub(super) const BODY_BYTES_MAX: usize = 64 << 20;

/// What a body is made of.
enum Content<'a> {
    Whole { argument: &'a str, value: Slice<'a> },
    Members(Vec<Field<'a>>),
}

/// One member of a body.
pub(super) struct Field<'a> {
    /// Where the caller gave it, for complaints.
    pub(super) argument: Cow<'a, str>,
    pub(super) property: Cow<'a, str>,
    pub(super) value: Slice<'a>,
}

/// The body and its content type; none when there is nothing to send.
pub(super) fn write<'a>(
    body: &'a Body,
    arguments: &mut Arguments<'a>,
) -> Result<Option<(HeaderValue, Bytes)>, Complaint> {
    let Some(content) = content(body, arguments)? else {
        return Ok(None);
    };
    let media_type = &body.media_type;
    let (content_type, bytes) = match &body.encoding {
        BodyEncoding::Json => (
            content_type(media_type, "application/json")?,
            json(&content).into(),
        ),
        BodyEncoding::Text => text(media_type, &content)?,
        BodyEncoding::Binary => binary(media_type, &content)?,
        BodyEncoding::Form(encodings) => (
            content_type(media_type, "application/x-www-form-urlencoded")?,
            form(&content.fields()?, encodings)?.into(),
        ),
        BodyEncoding::Multipart(encodings) => {
            let (content_type, bytes) =
                multipart::write(media_type, &content.fields()?, encodings)?;
            (header_value(&content_type)?, bytes.into())
        }
    };
    Ok(Some((content_type, bytes)))
}

fn content<'a>(
    body: &'a Body,
    arguments: &mut Arguments<'a>,
) -> Result<Option<Content<'a>>, Complaint> {
    match &body.arguments {
        BodyArguments::Whole(argument) => {
            let is_json = matches!(body.encoding, BodyEncoding::Json);
            let value = arguments
                .take(argument)
                .filter(|value| is_json || value.kind() != JsonKind::Null);
            match value {
                Some(value) => Ok(Some(Content::Whole { argument, value })),
                None if body.required => Err(Complaint::Missing(argument.clone())),
                None => Ok(None),
            }
        }
        BodyArguments::Members { members, open } => {
            let mut fields = Vec::with_capacity(members.len());
            for (argument, property) in members {
                if let Some(value) = arguments.take(argument) {
                    fields.push(Field {
                        argument: argument.into(),
                        property: property.into(),
                        value,
                    });
                }
            }
            if *open {
                fields.extend(arguments.rest().map(|(name, value)| Field {
                    argument: name.clone(),
                    property: name.clone(),
                    value,
                }));
            }
            if body.required {
                return Ok(Some(Content::Members(fields)));
            }
            let Some(first) = fields.first() else {
                return Ok(None);
            };
            let is_given = |name: &String| fields.iter().any(|field| field.argument == *name);
            match body.needed.iter().find(|name| !is_given(name)) {
                Some(missing) => Err(Complaint::MissingBeside {
                    argument: missing.clone(),
                    given: first.argument.clone().into_owned(),
                }),
                None => Ok(Some(Content::Members(fields))),
            }
        }
    }
}

impl<'a> Content<'a> {
    /// The named fields of a form or multipart body.
    fn fields(self) -> Result<Vec<Field<'a>>, Complaint> {
        match self {
            Self::Members(fields) => Ok(fields),
            Self::Whole { argument, value } if value.kind() == JsonKind::Object => Ok(value
                .each_member()
                .map(|(property, value)| Field {
                    argument: format!("{argument}.{property}").into(),
                    property,
                    value,
                })
                .collect()),
            Self::Whole { argument, .. } => Err(Complaint::NotObject(argument.to_owned())),
        }
    }
}

fn json(content: &Content<'_>) -> String {
    let fields = match content {
        Content::Whole { value, .. } => return value.as_str().to_owned(),
        Content::Members(fields) => fields,
    };
    let length: usize = fields
        .iter()
        .map(|field| field.property.len() + field.value.as_str().len() + 4)
        .sum();
    let mut out = String::with_capacity(length + 2);
    out.push('{');
    for (place, field) in fields.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        push_quoted(&mut out, &field.property);
        out.push(':');
        out.push_str(field.value.as_str());
    }
    out.push('}');
    out
}

fn push_quoted(out: &mut String, text: &str) {
    if text
        .bytes()
        .any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\'))
    {
        out.push_str(&serde_json::to_string(text).expect("a text is JSON"));
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

fn text(media_type: &str, content: &Content<'_>) -> Result<(HeaderValue, Bytes), Complaint> {
    let text = match content {
        Content::Whole { value, .. } => value::text(*value).into_owned(),
        Content::Members(_) => json(content),
    };
    // Without a charset many servers take text for Latin-1; text that is ASCII means the same in all of them.
    let content_type = if text.is_ascii() || names_charset(media_type) || !is_text(media_type) {
        content_type(media_type, "text/plain")?
    } else {
        header_value(&format!(
            "{}; charset=utf-8",
            concrete(media_type, "text/plain")
        ))?
    };
    Ok((content_type, text.into()))
}

fn is_text(media_type: &str) -> bool {
    media_type
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("text/"))
}

fn names_charset(media_type: &str) -> bool {
    media_type.split(';').skip(1).any(|parameter| {
        parameter
            .split('=')
            .next()
            .is_some_and(|name| name.trim().eq_ignore_ascii_case("charset"))
    })
}

fn binary(media_type: &str, content: &Content<'_>) -> Result<(HeaderValue, Bytes), Complaint> {
    let (argument, value) = match content {
        Content::Whole { argument, value } => (*argument, *value),
        // Bytes have no members; a plan that says so means an object.
        Content::Members(_) => {
            return Ok((
                content_type(media_type, "application/json")?,
                json(content).into(),
            ));
        }
    };
    let file = file::read(argument, value)?;
    let fallback = file.mime_type.as_deref();
    let content_type = content_type(media_type, fallback.unwrap_or("application/octet-stream"))?;
    Ok((content_type, file.data.into()))
}

/// Fields without a style go by OpenAPI's defaults: one pair for each item, objects as JSON.
fn form(fields: &[Field<'_>], encodings: &[PartEncoding]) -> Result<String, Complaint> {
    let mut out = String::new();
    let mut pairs = Pairs::new(&mut out, "", "&", BODY_BYTES_MAX);
    for field in fields {
        let encoding = encoding_of(field, encodings);
        let keep = form::keep(encoding.is_some_and(|encoding| encoding.allow_reserved));
        let outcome = if let Some(style) = encoding.and_then(|encoding| encoding.style) {
            form::write_styled(&mut pairs, &field.property, field.value, style, keep)
        } else {
            let media_type = encoding.and_then(|encoding| encoding.content_type.as_deref());
            each(field.value).into_iter().try_for_each(|value| {
                let text = value::text_as(media_type.unwrap_or_default(), value);
                pairs.push(&field.property, &text, keep)
            })
        };
        outcome.map_err(|excess| excess.complaint(&field.argument))?;
    }
    Ok(out)
}

pub(super) fn encoding_of<'e>(
    field: &Field<'_>,
    encodings: &'e [PartEncoding],
) -> Option<&'e PartEncoding> {
    encodings
        .iter()
        .find(|encoding| encoding.property == field.property)
}

/// The values that a field sends: each item of an array (OpenAPI 3.2 §4.15), anything else itself, nothing for `null`.
pub(super) fn each(value: Slice<'_>) -> Vec<Slice<'_>> {
    match value.kind() {
        JsonKind::Array => value::present(value).collect(),
        JsonKind::Null => Vec::new(),
        _ => vec![value],
    }
}

fn content_type(media_type: &str, fallback: &str) -> Result<HeaderValue, Complaint> {
    match concrete(media_type, fallback) {
        "application/json" => Ok(HeaderValue::from_static("application/json")),
        media_type => header_value(media_type),
    }
}

/// `media_type`, or `fallback` where it is a range such as `image/*`.
fn concrete<'a>(media_type: &'a str, fallback: &'a str) -> &'a str {
    if media_type.is_empty() || media_type.contains('*') {
        fallback
    } else {
        media_type
    }
}

fn header_value(media_type: &str) -> Result<HeaderValue, Complaint> {
    HeaderValue::from_str(media_type)
        .map_err(|_| Complaint::UnusableMediaType(media_type.to_owned()))
}
