//! The headers of a modern request, which must repeat what its body says.
//!
//! Gateways route by these headers without reading the body, so a difference between the two is an attack or a bug and
//! is refused. Legacy requests may carry the same headers; there they mean nothing.

use std::borrow::Cow;

use ::http::{HeaderMap, HeaderName, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wharf_model::{Json, JsonKind, Slice, Tool};

use crate::envelope::Request;
use crate::errors::{self, WireError};
use crate::protocol::{Method, Revision};

// As names and not as texts: to look up a text means to read it as a name first.
pub(crate) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) const NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// What precedes the name of a mirrored parameter.
pub(crate) const PARAM_PREFIX: &str = "mcp-param-";

/// A tool parameter that clients repeat in a header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HeaderParam {
    /// The whole header name, in lower case.
    pub(crate) header: String,
    /// The keys that lead to the value in the arguments.
    path: Vec<String>,
}

/// A header's text, when it is there once and is text.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Refuses a protocol header that stands twice: two readers could take two different ones for true.
pub(crate) fn refuse_duplicates(headers: &HeaderMap) -> Result<(), WireError> {
    // A map with as many values as keys has no key twice, which is nearly every request.
    if headers.len() == headers.keys_len() {
        return Ok(());
    }
    for name in headers.keys() {
        let is_ours = name.as_str().starts_with("mcp-") || name == LAST_EVENT_ID;
        if is_ours && headers.get_all(name).iter().nth(1).is_some() {
            return Err(WireError::header_mismatch(format!(
                "header `{name}` stands more than once"
            )));
        }
    }
    Ok(())
}

/// The metadata that every modern request carries, over HTTP and stdio alike.
pub(crate) fn check_metadata(request: &Request<'_>) -> Result<(), WireError> {
    let Some(version) = request.meta.version.and_then(Slice::text) else {
        return Err(WireError::malformed(
            "`_meta` must hold `io.modelcontextprotocol/protocolVersion`, a string",
        ));
    };
    if request.meta.capabilities.map(Slice::kind) != Some(JsonKind::Object) {
        return Err(WireError::malformed(
            "`_meta` must hold `io.modelcontextprotocol/clientCapabilities`, an object",
        ));
    }
    if version != Revision::July2026.as_str() {
        return Err(unsupported_version(&version));
    }
    Ok(())
}

fn unsupported_version(requested: &str) -> WireError {
    WireError::new(
        StatusCode::BAD_REQUEST,
        errors::UNSUPPORTED_VERSION,
        format!(
            "protocol version `{}` is not served this way",
            errors::shown(requested)
        ),
    )
    .with_data(|data| {
        crate::encode::json::array(data.key("supported"), &Revision::ALL, |out, revision| {
            crate::encode::json::text(out, revision.as_str());
        });
        data.text("requested", errors::shown(requested));
    })
}

/// Compares the headers of a modern request with its body.
pub(crate) fn check(headers: &HeaderMap, request: &Request<'_>) -> Result<(), WireError> {
    let version = request.meta.version.and_then(Slice::text);
    if version.is_none() {
        // Nothing to compare with: the body is wrong by itself, whatever the header says.
        check_metadata(request)?;
    }
    compare(headers, &PROTOCOL_VERSION, version.as_deref())?;
    check_metadata(request)?;
    compare(headers, &METHOD, Some(&request.method))?;
    let named = match Method::parse(&request.method) {
        Some(Method::CallTool | Method::GetPrompt) => request.params.name,
        Some(Method::ReadResource) => request.params.uri,
        _ => return Ok(()),
    };
    match named.and_then(Slice::text) {
        Some(name) => compare_encoded(headers, &NAME, &name),
        // The body is wrong by itself; its own check says so.
        None => Ok(()),
    }
}

fn compare(
    headers: &HeaderMap,
    name: &HeaderName,
    expected: Option<&str>,
) -> Result<(), WireError> {
    let Some(found) = headers.get(name) else {
        return Err(WireError::header_mismatch(format!(
            "header `{name}` is missing"
        )));
    };
    if expected.is_some() && found.to_str().ok().map(str::trim) == expected {
        return Ok(());
    }
    Err(differs(name.as_str()))
}

fn compare_encoded(
    headers: &HeaderMap,
    name: &HeaderName,
    expected: &str,
) -> Result<(), WireError> {
    let Some(found) = headers.get(name) else {
        return Err(WireError::header_mismatch(format!(
            "header `{name}` is missing"
        )));
    };
    match found.to_str().ok().and_then(|text| decode(text.trim())) {
        Some(text) if text == expected => Ok(()),
        _ => Err(differs(name.as_str())),
    }
}

fn differs(name: &str) -> WireError {
    WireError::header_mismatch(format!("header `{name}` differs from the body"))
}

/// Undoes `=?base64?…?=`, by which clients send what a header cannot hold.
fn decode(value: &str) -> Option<Cow<'_, str>> {
    let Some(encoded) = value
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="))
    else {
        return Some(Cow::Borrowed(value));
    };
    String::from_utf8(STANDARD.decode(encoded).ok()?)
        .ok()
        .map(Cow::Owned)
}

/// Compares the mirrored parameters of a tool with the arguments.
pub(crate) fn check_params(
    headers: &HeaderMap,
    params: &[HeaderParam],
    arguments: Option<Slice<'_>>,
) -> Result<(), WireError> {
    for param in params {
        let value = arguments
            .and_then(|arguments| param.value_in(arguments))
            .filter(|value| value.kind() != JsonKind::Null);
        match (value, headers.get(&param.header)) {
            (None, None) => {}
            (None, Some(_)) => return Err(differs(&param.header)),
            (Some(_), None) => {
                return Err(WireError::header_mismatch(format!(
                    "header `{}` is missing",
                    param.header
                )));
            }
            (Some(value), Some(header)) => {
                let header = header.to_str().ok().and_then(|text| decode(text.trim()));
                if !header.is_some_and(|header| is_same(value, &header)) {
                    return Err(differs(&param.header));
                }
            }
        }
    }
    Ok(())
}

fn is_same(value: Slice<'_>, header: &str) -> bool {
    match value.kind() {
        JsonKind::String => value.text().as_deref() == Some(header),
        JsonKind::Boolean => value.as_str() == header,
        JsonKind::Number => is_same_number(value.as_str(), header),
        // The arguments do not fit the schema; the tool's own check says so, to the model.
        _ => true,
    }
}

fn is_same_number(one: &str, other: &str) -> bool {
    match (one.parse::<i128>(), other.parse::<i128>()) {
        (Ok(one), Ok(other)) => one == other,
        // `4.2e1` is an integer as well; nobody writes large ones like that, so a float is exact enough.
        _ => match (one.parse::<f64>(), other.parse::<f64>()) {
            (Ok(one), Ok(other)) => one.total_cmp(&other).is_eq(),
            _ => false,
        },
    }
}

impl HeaderParam {
    /// The parameters of a tool that name a header, in the order of its schema.
    pub(crate) fn of(tool: &Tool) -> Vec<Self> {
        // Hardly any schema has one, and reading all of every schema would cost a large catalog its quick start.
        if memchr::memmem::find(tool.input_schema.as_str().as_bytes(), b"\"x-mcp-header\"")
            .is_none()
        {
            return Vec::new();
        }
        let mut found = Vec::new();
        Self::collect(&tool.input_schema, &mut found);
        let mut names: Vec<&str> = found.iter().map(|param| param.header.as_str()).collect();
        names.sort_unstable();
        let is_unique = names.windows(2).all(|pair| pair[0] != pair[1]);
        let is_token = |param: &Self| {
            let name = &param.header[PARAM_PREFIX.len()..];
            !name.is_empty() && name.bytes().all(is_token_byte)
        };
        if !is_unique || !found.iter().all(is_token) {
            tracing::warn!(
                tool = tool.name,
                "an `x-mcp-header` is no header name or stands twice; clients will drop the tool"
            );
            return Vec::new();
        }
        found
    }

    fn collect(schema: &Json, found: &mut Vec<Self>) {
        // By a list and not by recursion: schemas come from outside and may be deep.
        let mut open = vec![(Vec::new(), schema.slice())];
        while let Some((path, schema)) = open.pop() {
            let properties = schema
                .get("properties")
                .map(Slice::members)
                .unwrap_or_default();
            for (key, property) in properties {
                let mut path: Vec<String> = path.clone();
                path.push(key.into_owned());
                let kind = property.get("type").and_then(Slice::text);
                let mirrored = property.get("x-mcp-header").and_then(Slice::text);
                if let (Some(name), Some("string" | "integer" | "boolean")) =
                    (mirrored, kind.as_deref())
                {
                    found.push(Self {
                        header: format!("{PARAM_PREFIX}{}", name.to_ascii_lowercase()),
                        path,
                    });
                } else {
                    open.push((path, property));
                }
            }
        }
    }

    fn value_in<'a>(&self, arguments: Slice<'a>) -> Option<Slice<'a>> {
        self.path
            .iter()
            .try_fold(arguments, |value, key| value.get(key))
    }
}

/// RFC 9110, `tchar`.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(schema: &str) -> Tool {
        Tool {
            name: "t".into(),
            input_schema: Slice::parse(schema).unwrap().to_json().into(),
            ..Tool::default()
        }
    }

    #[test]
    fn mirrored_parameters_are_found_through_properties_only() {
        let params = HeaderParam::of(&tool(
            r#"{"type":"object","properties":{
                "region":{"type":"string","x-mcp-header":"Region"},
                "deep":{"type":"object","properties":{"id":{"type":"integer","x-mcp-header":"Id"}}},
                "list":{"type":"array","items":{"type":"string","x-mcp-header":"Never"}},
                "ratio":{"type":"number","x-mcp-header":"Ratio"}}}"#,
        ));
        let mut headers: Vec<_> = params.iter().map(|param| param.header.as_str()).collect();
        headers.sort_unstable();
        assert_eq!(headers, ["mcp-param-id", "mcp-param-region"]);
        for schema in [
            r#"{"properties":{"a":{"type":"string","x-mcp-header":"A b"}}}"#,
            r#"{"properties":{"a":{"type":"string","x-mcp-header":""}}}"#,
            r#"{"properties":{"a":{"type":"string","x-mcp-header":"X"},"b":{"type":"string","x-mcp-header":"x"}}}"#,
        ] {
            assert_eq!(HeaderParam::of(&tool(schema)), [], "{schema}");
        }
    }

    #[test]
    fn headers_and_arguments_must_agree() {
        let params = HeaderParam::of(&tool(
            r#"{"properties":{"s":{"type":"string","x-mcp-header":"S"},"o":{"type":"object","properties":{"i":{"type":"integer","x-mcp-header":"I"}}}}}"#,
        ));
        for (arguments, s, i, ok) in [
            (r"{}", None, None, true),
            (r#"{"s":null}"#, None, None, true),
            (r#"{"s":"a"}"#, Some("a"), None, true),
            (r#"{"s":"a"}"#, Some(" a "), None, true),
            (r#"{"s":"a"}"#, Some("A"), None, false),
            (r#"{"s":"a"}"#, None, None, false),
            (r"{}", Some("a"), None, false),
            (r#"{"s":" ü"}"#, Some("=?base64?IMO8?="), None, true),
            (r#"{"s":" ü"}"#, Some("=?base64?IMO?="), None, false),
            (r#"{"s":" ü"}"#, Some("=?BASE64?IMO8?="), None, false),
            (r#"{"o":{"i":42}}"#, None, Some("42"), true),
            (r#"{"o":{"i":42}}"#, None, Some("042"), true),
            (r#"{"o":{"i":4.2e1}}"#, None, Some("42"), true),
            (
                r#"{"o":{"i":12345678901234567890}}"#,
                None,
                Some("12345678901234567891"),
                false,
            ),
            (r#"{"o":{"i":42}}"#, None, Some("x"), false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("mcp-param-s", s), ("mcp-param-i", i)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            let result = check_params(&headers, &params, Some(Slice::parse(arguments).unwrap()));
            assert_eq!(result.is_ok(), ok, "{arguments} {s:?} {i:?}: {result:?}");
        }
    }
}
