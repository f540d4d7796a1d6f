//! Swagger 2.0: what it says elsewhere or otherwise than OpenAPI 3.
//!
//! The rest of the reader knows one model, OpenAPI 3's. Here are the places where an older document is read into it:
//! a body that is a parameter (or several), media types that stand at the operation or the document, and an address in
//! three parts. Schemas, references and names are read as everywhere.

use std::borrow::Cow;

use wharf_model::{JsonKind, Slice};

use super::body::{BodyRead, form, whole};
use super::members::{Member, ObjectMembers, Openness};
use super::parameters::{Members, list_style};
use super::{Fault, text};
use crate::document::Document;
use crate::plan::{PartEncoding, Serialization, Style};
use crate::reference::Resolver;
use crate::response::MediaType;
use crate::schema::{Keyword, Keywords, Place};

/// More parts of one body are refused.
const PARTS_MAX: usize = 512;

/// The media types under `consumes` or `produces`: the operation's, or the document's.
pub(super) fn media_types<'d>(
    document: &'d Document,
    own: Option<Slice<'d>>,
    name: &str,
) -> Vec<Cow<'d, str>> {
    own.filter(|own| own.kind() == JsonKind::Array)
        .or_else(|| document.member(name))
        .into_iter()
        .flat_map(Slice::each_item)
        .filter_map(text)
        .collect()
}

/// The body that an operation's parameters describe; its own count before those of its path.
pub(super) fn body<'d>(
    resolver: &Resolver<'d>,
    own: Option<Slice<'d>>,
    shared: Option<Slice<'d>>,
    consumes: Vec<Cow<'d, str>>,
    place: &Place<'_>,
) -> Result<Option<BodyRead<'d>>, Fault> {
    let mut parts: Vec<Members<'d>> = Vec::new();
    let mut body: Option<Members<'d>> = None;
    for parameter in [own, shared]
        .into_iter()
        .flatten()
        .flat_map(Slice::each_item)
    {
        // What cannot be read was refused when the other parameters were.
        let Ok(members) = resolver.read::<Members<'d>>(parameter) else {
            continue;
        };
        match members.location.as_deref() {
            Some("body") if body.is_none() => body = Some(members),
            Some("formData" | "form") => {
                let is_new = parts.iter().all(|part| part.name != members.name);
                if is_new && members.name.is_some() {
                    parts.push(members);
                }
                if parts.len() > PARTS_MAX {
                    let reason = format!("the form has more than {PARTS_MAX} parts");
                    return Err(Fault::new(place, reason));
                }
            }
            _ => {}
        }
    }
    Ok(match (body, parts.is_empty()) {
        (Some(body), _) => Some(whole(
            resolver,
            consumes,
            body.schema,
            body.description,
            body.required,
        )),
        (None, false) => Some(of_parts(parts, &consumes)),
        (None, true) => None,
    })
}

/// A body of `formData` parameters.
fn of_parts<'d>(parts: Vec<Members<'d>>, consumes: &[Cow<'d, str>]) -> BodyRead<'d> {
    let is_file = |part: &Members<'_>| {
        let keywords = Keywords::of(part.whole);
        let named = keywords.text(Keyword::Type);
        named.is_some_and(|name| name.eq_ignore_ascii_case("file"))
    };
    let has_file = parts.iter().any(is_file);
    let essence = |media_type: &Cow<'d, str>| MediaType::parse(media_type).essence().to_owned();
    let multipart = consumes
        .iter()
        .find(|media_type| essence(media_type).starts_with("multipart/"));
    let urlencoded = consumes
        .iter()
        .find(|media_type| essence(media_type) == "application/x-www-form-urlencoded");
    // Only a multipart body can hold a file; of the two, fields alone are shorter without parts.
    let media_type = match (has_file, multipart, urlencoded) {
        (true, Some(multipart), _) | (false, Some(multipart), None) => multipart.clone(),
        (true, None, _) => Cow::Borrowed("multipart/form-data"),
        (false, _, Some(urlencoded)) => urlencoded.clone(),
        (false, None, None) => Cow::Borrowed("application/x-www-form-urlencoded"),
    };
    let mut encodings = Vec::new();
    let mut members = Vec::with_capacity(parts.len());
    for part in parts {
        let name = part.name.clone().unwrap_or_default();
        let is_list = Keywords::of(part.whole).types().0 == ["array"];
        let file = is_file(&part);
        let style = is_list.then(|| list_style(part.collection_format.as_deref(), Style::Form));
        if file || style.is_some() {
            encodings.push(PartEncoding {
                property: name.clone().into_owned(),
                content_type: None,
                style,
                allow_reserved: false,
                file,
            });
        }
        members.push(Member {
            name,
            schemas: vec![part.schema.unwrap_or(part.whole)],
            required: part.required,
        });
    }
    form(
        media_type,
        encodings,
        ObjectMembers {
            members,
            rest: Openness::Closed,
            condition: None,
        },
    )
}

/// How a parameter's value is written: by its `collectionFormat`.
pub(super) fn serialization(format: Option<&str>, single: Style) -> Serialization {
    let (style, explode) = list_style(format, single);
    Serialization::Style {
        style,
        explode,
        allow_reserved: false,
    }
}

/// `schemes`, `host` and `basePath` as one address, which may be relative to the document's.
pub(super) fn server(document: &Document, document_scheme: Option<&str>) -> Option<String> {
    let said = |name| document.member(name).map(crate::document::words);
    let base_path = said("basePath").unwrap_or_default();
    let Some(host) = said("host").filter(|host| !host.is_empty()) else {
        return Some(if base_path.starts_with('/') {
            base_path
        } else {
            format!("/{base_path}")
        });
    };
    // Nobody knows what to fill in.
    if host.contains('{') {
        return None;
    }
    let scheme = match document.member("schemes") {
        Some(schemes) if schemes.each_item().next().is_some() => scheme(schemes)?,
        _ => document_scheme.unwrap_or("https").to_owned(),
    };
    // Some write the scheme here, or the slash at the host's end.
    let host = host.rsplit("://").next().unwrap_or(&host);
    Some(format!(
        "{scheme}://{}/{}",
        host.trim_end_matches('/'),
        base_path.trim_start_matches('/')
    ))
}

/// The scheme to use of those that are offered; none when none of them is HTTP.
pub(super) fn scheme(schemes: Slice<'_>) -> Option<String> {
    let offered: Vec<_> = schemes
        .each_item()
        .filter_map(Slice::text)
        .map(|scheme| scheme.to_ascii_lowercase())
        .collect();
    ["https", "http"]
        .into_iter()
        .find(|scheme| offered.iter().any(|offered| offered == scheme))
        .map(str::to_owned)
}
