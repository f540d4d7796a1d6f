//! Header parameters: style simple, not percent-encoded (OpenAPI 3.1.1 §4.8.12.4 leaves headers as they are).
//!
//! Text beyond ASCII is sent as UTF-8, which is what most servers read. Control characters are refused. Headers that
//! frame the message or belong to the connection are the client's own: it drops them.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use wharf_model::Slice;

use super::complaint::Complaint;
use super::value::{self, Shape};
use crate::plan::{Parameter, Serialization};
use crate::response::MediaType;

/// Adds the header of one parameter.
pub(super) fn write(
    headers: &mut HeaderMap,
    parameter: &Parameter,
    value: Slice<'_>,
) -> Result<(), Complaint> {
    let name = HeaderName::from_bytes(parameter.name.as_bytes())
        .map_err(|_| Complaint::UnusableHeader(parameter.name.clone()))?;
    let Some(text) = text(parameter, value) else {
        return Ok(());
    };
    let value = HeaderValue::from_maybe_shared(Bytes::from(text))
        .map_err(|_| Complaint::ControlCharacter(parameter.argument.clone()))?;
    headers.insert(name, value);
    Ok(())
}

fn text(parameter: &Parameter, value: Slice<'_>) -> Option<String> {
    let (style, explode) = match &parameter.serialization {
        Serialization::Style { style, explode, .. } => (*style, *explode),
        // White space between tokens may hold line breaks; inside of strings JSON has none.
        Serialization::Content(media_type) if MediaType::parse(media_type).is_json() => {
            return Some(value.to_json().as_str().to_owned());
        }
        Serialization::Content(_) => return Some(value::text(value).into_owned()),
    };
    match Shape::of(value) {
        Shape::Absent => None,
        Shape::Primitive(text) => Some(text.into_owned()),
        Shape::List(items) => Some(items.join(style.separator())),
        Shape::Pairs(members) => {
            let between = if explode { '=' } else { ',' };
            let mut text = String::new();
            for (name, value) in &members {
                if !text.is_empty() {
                    text.push(',');
                }
                text.push_str(name);
                text.push(between);
                text.push_str(value);
            }
            Some(text)
        }
    }
}
