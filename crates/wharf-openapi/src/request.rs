//! From a call's arguments to the HTTP request, by the operation's plan.
//!
//! Pure: nothing is sent, nothing is kept, and a request that cannot be made right is not made at all. What the
//! document leaves open is settled here, once:
//!
//! * A `null` parameter is left out, a `null` in a JSON body is sent. Defaults are the upstream's business.
//! * An empty array or object writes nothing (RFC 6570 calls it undefined): the parameter is left out. In a path, where
//!   something has to stand, it is refused.
//! * A value inside a value, where the style knows no such thing, is written as its JSON.
//! * JSON travels as the caller wrote it, byte for byte: no number changes on its way.

mod arguments;
mod body;
mod choice;
mod complaint;
mod file;
mod form;
mod header;
mod multipart;
mod path;
mod percent;
mod value;

#[cfg(test)]
mod tests;

use http::header::{ACCEPT, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderValue};
use wharf_model::{JsonKind, Slice};
use wharf_upstream::Request;

use self::arguments::Arguments;
pub(crate) use self::complaint::Complaint;
use self::form::Pairs;
use crate::plan::{Location, Parameter, Plan};

/// `http` refuses targets of 65,535 bytes, most servers far shorter ones; the rest is room for the base URL.
const TARGET_BYTES_MAX: usize = 60_000;
/// A `Cookie` header longer than this is refused by every server.
const COOKIE_BYTES_MAX: usize = 16_000;

/// The request that a call makes. `arguments` is an object that fits the tool's input schema.
pub(crate) fn build(plan: &Plan, arguments: Slice<'_>) -> Result<Request, Complaint> {
    let mut arguments = Arguments::read(arguments, plan.drops_nulls);
    let values = plan
        .parameters
        .iter()
        .map(|parameter| parameter_value(parameter, &mut arguments))
        .collect::<Result<Vec<_>, _>>()?;
    let target = write_target(plan, &values)?;
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(ACCEPT, accept(&plan.accept)?);
    write_headers(plan, &values, &mut headers)?;
    let body = match (&plan.body, &plan.choice) {
        (Some(body), Some(choice)) => choice::write(body, choice, &mut arguments)?,
        (Some(body), None) => body::write(body, &mut arguments)?,
        (None, _) => None,
    };
    let body = body.map_or_else(Default::default, |(content_type, bytes)| {
        headers.insert(CONTENT_TYPE, content_type);
        bytes
    });
    Ok(Request {
        method: plan.method.clone(),
        target,
        headers,
        body,
    })
}

/// What was given for a parameter; none when it is to be left out.
fn parameter_value<'a>(
    parameter: &Parameter,
    arguments: &mut Arguments<'a>,
) -> Result<Option<Slice<'a>>, Complaint> {
    let value = arguments
        .take(&parameter.argument)
        .filter(|value| value.kind() != JsonKind::Null);
    if value.is_none() && parameter.required {
        return Err(Complaint::Missing(parameter.argument.clone()));
    }
    Ok(value)
}

fn write_target(plan: &Plan, values: &[Option<Slice<'_>>]) -> Result<String, Complaint> {
    let server = plan.server.as_deref().unwrap_or_default();
    let mut target = String::with_capacity(server.len() + 64);
    target.push_str(server);
    path::write(&mut target, plan, values)?;
    // Some documents write a fixed query into the path.
    let opens_with = if memchr::memchr(b'?', &target.as_bytes()[server.len()..]).is_some() {
        "&"
    } else {
        "?"
    };
    let mut query = Pairs::new(&mut target, opens_with, "&", TARGET_BYTES_MAX);
    for (parameter, value) in given(plan, values, Location::Query) {
        form::write_parameter(&mut query, parameter, value)
            .map_err(|excess| excess.complaint(&parameter.argument))?;
    }
    for (parameter, value) in given(plan, values, Location::Querystring) {
        form::write_querystring(&mut target, opens_with, parameter, value)
            .map_err(|excess| excess.complaint(&parameter.argument))?;
    }
    if target.len() > TARGET_BYTES_MAX {
        return Err(Complaint::LongTarget);
    }
    Ok(target)
}

fn write_headers(
    plan: &Plan,
    values: &[Option<Slice<'_>>],
    headers: &mut HeaderMap,
) -> Result<(), Complaint> {
    for (parameter, value) in given(plan, values, Location::Header) {
        header::write(headers, parameter, value)?;
    }
    let mut cookies = String::new();
    let mut pairs = Pairs::new(&mut cookies, "", "; ", COOKIE_BYTES_MAX);
    for (parameter, value) in given(plan, values, Location::Cookie) {
        form::write_parameter(&mut pairs, parameter, value)
            .map_err(|excess| excess.complaint(&parameter.argument))?;
    }
    if !cookies.is_empty() {
        let cookies = HeaderValue::try_from(cookies).expect("percent-encoded pairs are ASCII");
        headers.insert(COOKIE, cookies);
    }
    Ok(())
}

/// The parameters of one location that have a value, in the document's order.
fn given<'p, 'a>(
    plan: &'p Plan,
    values: &'p [Option<Slice<'a>>],
    location: Location,
) -> impl Iterator<Item = (&'p Parameter, Slice<'a>)> {
    plan.parameters
        .iter()
        .zip(values)
        .filter(move |(parameter, _)| parameter.location == location)
        .filter_map(|(parameter, value)| value.map(|value| (parameter, value)))
}

fn accept(media_types: &str) -> Result<HeaderValue, Complaint> {
    match media_types {
        "" => Ok(HeaderValue::from_static("*/*")),
        "application/json" => Ok(HeaderValue::from_static("application/json")),
        media_types => HeaderValue::from_str(media_types)
            .map_err(|_| Complaint::UnusableMediaType(media_types.to_owned())),
    }
}
