//! Multipart bodies (RFC 7578): one part for each value, each item of an array a part of its own.
//!
//! Plain values are bare text parts, objects are JSON parts, files have a filename and a content type. Nothing of the
//! caller's can end a header or a part: names are escaped as browsers do it, and the boundary is random and does not
//! occur in any part.

use std::borrow::Cow;
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher, RandomState};

use memchr::memmem;
use wharf_model::{JsonKind, Slice};

use super::body::{BODY_BYTES_MAX, Field, each, encoding_of};
use super::complaint::Complaint;
use super::form::Excess;
use super::{file, value};
use crate::plan::PartEncoding;

/// Each part has headers far longer than the shortest value.
const PARTS_MAX: usize = 10_000;

struct Part<'a> {
    name: &'a str,
    filename: Option<Cow<'a, str>>,
    content_type: Option<Cow<'a, str>>,
    data: Cow<'a, [u8]>,
}

/// The content type with its boundary, and the body.
pub(super) fn write(
    media_type: &str,
    fields: &[Field<'_>],
    encodings: &[PartEncoding],
) -> Result<(String, Vec<u8>), Complaint> {
    let mut parts = Vec::with_capacity(fields.len());
    let mut length = 0;
    for field in fields {
        let encoding = encoding_of(field, encodings);
        for value in each(field.value) {
            let part = part(field, encoding, value)?;
            length += part.name.len() + part.data.len() + 256;
            if length > BODY_BYTES_MAX {
                return Err(Excess::Bytes(BODY_BYTES_MAX).complaint(&field.argument));
            }
            if parts.len() == PARTS_MAX {
                return Err(Complaint::TooManyParts {
                    argument: field.argument.clone().into_owned(),
                    parts_max: PARTS_MAX,
                });
            }
            parts.push(part);
        }
    }
    let boundary = boundary(&parts);
    let mut body = Vec::with_capacity(length + boundary.len() + 8);
    for part in &parts {
        part.write(&mut body, &boundary);
    }
    body.extend_from_slice(b"--");
    body.extend_from_slice(boundary.as_bytes());
    body.extend_from_slice(b"--\r\n");
    // A boundary that the document wrote down is only an example of one.
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let essence = if essence.is_empty() || essence.contains('*') {
        "multipart/form-data"
    } else {
        essence
    };
    Ok((format!("{essence}; boundary={boundary}"), body))
}

fn part<'a>(
    field: &'a Field<'_>,
    encoding: Option<&'a PartEncoding>,
    value: Slice<'a>,
) -> Result<Part<'a>, Complaint> {
    let declared = encoding
        .and_then(|encoding| encoding.content_type.as_deref())
        .and_then(first_concrete);
    if encoding.is_some_and(|encoding| encoding.file) {
        let file = file::read(&field.argument, value)?;
        let content_type = file
            .mime_type
            .or(declared.map(Cow::Borrowed))
            .unwrap_or(Cow::Borrowed("application/octet-stream"));
        return Ok(Part {
            name: &field.property,
            // Without a filename most servers take the part for a text field.
            filename: Some(file.filename.unwrap_or(Cow::Borrowed(&field.property))),
            content_type: Some(content_type),
            data: file.data.into(),
        });
    }
    let default = match value.kind() {
        JsonKind::Array | JsonKind::Object => Some("application/json"),
        _ => None,
    };
    let data = match value::text_as(declared.unwrap_or_default(), value) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    };
    Ok(Part {
        name: &field.property,
        filename: None,
        content_type: declared.or(default).map(Cow::Borrowed),
        data,
    })
}

impl Part<'_> {
    fn write(&self, out: &mut Vec<u8>, boundary: &str) {
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"");
        push_escaped(&mut head, self.name);
        head.push('"');
        if let Some(filename) = &self.filename {
            head.push_str("; filename=\"");
            push_escaped(&mut head, filename);
            head.push('"');
        }
        if let Some(content_type) = &self.content_type {
            head.push_str("\r\nContent-Type: ");
            // The caller's are checked; this is for the document's.
            head.extend(content_type.chars().filter(|c| !c.is_control()));
        }
        head.push_str("\r\n\r\n");
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&self.data);
        out.extend_from_slice(b"\r\n");
    }
}

/// As HTML's form submission escapes names, by percent-encoding quotes and line breaks. Here also other control
/// characters, and the backslash, with which some parsers would take the closing quote for an escaped one.
fn push_escaped(out: &mut String, name: &str) {
    for c in name.chars() {
        if matches!(c, '"' | '\\') || c.is_ascii_control() {
            write!(out, "%{:02X}", u32::from(c)).expect("writing to a text cannot fail");
        } else {
            out.push(c);
        }
    }
}

/// The first of a comma-separated list that is no range.
fn first_concrete(media_types: &str) -> Option<&str> {
    media_types
        .split(',')
        .map(str::trim)
        .find(|media_type| !media_type.is_empty() && !media_type.contains('*'))
}

/// Random, and not in any part: neither by chance nor because a caller guessed it.
fn boundary(parts: &[Part<'_>]) -> String {
    loop {
        let random = || RandomState::new().build_hasher().finish();
        let boundary = format!("wharf-{:016x}{:016x}", random(), random());
        let finder = memmem::Finder::new(boundary.as_bytes());
        if parts.iter().all(|part| finder.find(&part.data).is_none()) {
            return boundary;
        }
    }
}
