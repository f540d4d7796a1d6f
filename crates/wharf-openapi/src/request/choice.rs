//! The body that a call chooses, where the operation offers several.

use bytes::Bytes;
use http::HeaderValue;
use wharf_model::Slice;

use super::arguments::Arguments;
use super::body;
use super::complaint::Complaint;
use crate::plan::{Body, BodyArguments, Choice};

/// The chosen body and its content type; none when there is nothing to send.
///
/// The tool's schema allows the arguments of all bodies and requires none, so both are checked here.
pub(super) fn write<'a>(
    first: &'a Body,
    choice: &'a Choice,
    arguments: &mut Arguments<'a>,
) -> Result<Option<(HeaderValue, Bytes)>, Complaint> {
    let chosen = arguments.take(&choice.argument).and_then(Slice::text);
    let body = chosen
        .and_then(|chosen| choice.bodies.iter().find(|body| body.media_type == chosen))
        .unwrap_or(first);
    let is_foreign = |name: &str| {
        let mut others = std::iter::once(first).chain(&choice.bodies);
        !body.argument_names().contains(&name)
            && !is_open(body)
            && others.any(|other| other.argument_names().contains(&name) || is_open(other))
    };
    if let Some((name, _)) = arguments.rest().find(|(name, _)| is_foreign(name)) {
        return Err(Complaint::NotOfMediaType {
            argument: name.clone().into_owned(),
            choice: choice.argument.clone(),
            media_type: body.media_type.clone(),
        });
    }
    let is_given = |name: &str| arguments.rest().any(|(given, _)| given == name);
    let is_sent = body.required || body.argument_names().into_iter().any(is_given);
    if is_sent && let Some(missing) = body.needed.iter().find(|name| !is_given(name)) {
        return Err(Complaint::MissingFor {
            argument: missing.clone(),
            choice: choice.argument.clone(),
            media_type: body.media_type.clone(),
        });
    }
    body::write(body, arguments)
}

fn is_open(body: &Body) -> bool {
    matches!(body.arguments, BodyArguments::Members { open: true, .. })
}
