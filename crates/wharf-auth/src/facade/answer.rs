//! Answers for programs: JSON, errors as RFC 6749 words them, and what browsers want to hear beforehand.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_TYPE,
    LOCATION, PRAGMA, WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::attempt::Failure;

/// JSON that anybody may read from any page: it answers only what the asker proves in the request itself, never by a
/// cookie.
pub(crate) fn json(status: StatusCode, value: &Value, cache: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(value.to_string()));
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, "application/json");
    set(&mut response, CACHE_CONTROL, cache);
    if cache == NO_STORE {
        set(&mut response, PRAGMA, "no-cache");
    }
    set(&mut response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(
        &mut response,
        ACCESS_CONTROL_EXPOSE_HEADERS,
        "www-authenticate",
    );
    response
}

pub(crate) const NO_STORE: &str = "no-store";

/// RFC 6749 §5.2.
pub(crate) fn refuse(failure: &Failure, attempt: &str) -> Response<Bytes> {
    let status = match failure.code {
        "invalid_client" => StatusCode::UNAUTHORIZED,
        "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
        "server_error" => StatusCode::BAD_GATEWAY,
        _ => StatusCode::BAD_REQUEST,
    };
    let error = json!({
        "error": failure.code,
        "error_description": description(failure, attempt),
    });
    let mut response = json(status, &error, NO_STORE);
    if status == StatusCode::UNAUTHORIZED {
        set(&mut response, WWW_AUTHENTICATE, "Basic realm=\"wharf\"");
    }
    response
}

/// What a client may show: without the characters that RFC 6749 does not permit there.
pub(crate) fn description(failure: &Failure, attempt: &str) -> String {
    let text = format!("{} (sign-in {attempt})", failure.what);
    let permitted = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    text.chars().filter(permitted).collect()
}

/// To another address, which was checked, with parameters added to those that it has.
pub(crate) fn redirect(to: &str, parameters: &[(&str, &str)]) -> Response<Bytes> {
    let mut response = status(StatusCode::SEE_OTHER);
    let location = HeaderValue::from_str(&with_parameters(to, parameters));
    let Ok(location) = location else {
        return status(StatusCode::INTERNAL_SERVER_ERROR);
    };
    response.headers_mut().insert(LOCATION, location);
    set(&mut response, CACHE_CONTROL, NO_STORE);
    set(
        &mut response,
        HeaderName::from_static("referrer-policy"),
        "no-referrer",
    );
    response
}

/// Adds to a query without touching what is there: `redirect_uri` must stay as it was registered.
pub(crate) fn with_parameters(to: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let query = query.finish();
    let between = match to.rfind('?') {
        _ if query.is_empty() => "",
        None => "?",
        Some(at) if at + 1 == to.len() => "",
        Some(_) if to.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{to}{between}{query}")
}

pub(crate) fn status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

pub(crate) fn method_not_allowed(methods: &'static str) -> Response<Bytes> {
    let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
    set(&mut response, ALLOW, methods);
    response
}

pub(crate) fn preflight(methods: &'static str) -> Response<Bytes> {
    let mut response = status(StatusCode::NO_CONTENT);
    set(&mut response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(&mut response, ACCESS_CONTROL_ALLOW_METHODS, methods);
    set(
        &mut response,
        ACCESS_CONTROL_ALLOW_HEADERS,
        "authorization, content-type, mcp-protocol-version",
    );
    set(&mut response, ACCESS_CONTROL_MAX_AGE, "3600");
    response
}

pub(crate) fn set(response: &mut Response<Bytes>, name: HeaderName, value: &'static str) {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_added_to_a_query() {
        for (to, expected) in [
            ("http://a/b", "http://a/b?x=1+2"),
            ("http://a/b?", "http://a/b?x=1+2"),
            ("http://a/b?c=%20", "http://a/b?c=%20&x=1+2"),
            ("app://a/b?c=d&", "app://a/b?c=d&x=1+2"),
        ] {
            assert_eq!(with_parameters(to, &[("x", "1 2")]), expected, "{to}");
        }
    }
}
