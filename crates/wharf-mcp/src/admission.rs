//! Who may ask at all: the checks of `Host` and `Origin`, and the answer to browsers.
//!
//! A web page can make its own name resolve to this machine and then talk to a local server with the person's browser.
//! It cannot forge these two headers, so they are compared with what the owner allowed. An address in `Host` needs no
//! permission: nobody re-pointed a name. That is no authentication.

use std::sync::Arc;

use ::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use ::http::request::Parts;
use ::http::{Response, StatusCode};
use wharf_model::Trail;

use crate::body::Body;
use crate::errors::{self, WireError};
use crate::server::Inner;
use crate::settings::Settings;

/// What a browser may send; `Mcp-Param-*` names come on top.
const REQUEST_HEADERS: &str = "authorization, content-type, accept, mcp-protocol-version, mcp-method, mcp-name, \
     mcp-session-id, last-event-id";
/// What a browser's script may read.
const RESPONSE_HEADERS: HeaderValue =
    HeaderValue::from_static("mcp-session-id, www-authenticate, x-request-id");
/// How long a browser may remember the answer, in seconds: an hour, as changes of the tool list add header names.
const PREFLIGHT_MAX_AGE: HeaderValue = HeaderValue::from_static("3600");

/// Refuses a foreign `Host` and a foreign `Origin`; otherwise gives the origin to let read the response.
pub(crate) fn check(settings: &Settings, head: &Parts) -> Result<Option<HeaderValue>, WireError> {
    judge(settings, head).inspect_err(|error| tell(head, error))
}

/// Has the line of the request say why it was refused.
fn tell(head: &Parts, error: &WireError) {
    if let Some(trail) = head.extensions.get::<Arc<Trail>>() {
        let _ = trail.reason.set(error.message.clone());
    }
}

fn judge(settings: &Settings, head: &Parts) -> Result<Option<HeaderValue>, WireError> {
    refuse_ambiguity(head)?;
    let host = match head.headers.get(header::HOST) {
        Some(host) => Some(host.to_str().map_err(|_| forbidden("host"))?),
        None => head.uri.authority().map(::http::uri::Authority::as_str),
    };
    // Without a host nobody was rebound: a browser always sends one.
    let host = host.map(|host| judge_host(settings, host)).transpose()?;
    let Some(origin) = head.headers.get(header::ORIGIN) else {
        return Ok(None);
    };
    let text = origin.to_str().map_err(|_| forbidden("origin"))?;
    if is_origin_allowed(settings, text, host.as_ref()) {
        Ok(Some(origin.clone()))
    } else {
        Err(forbidden("origin"))
    }
}

/// Refuses two values for one thing: a proxy in front could have judged the other one.
fn refuse_ambiguity(head: &Parts) -> Result<(), WireError> {
    let headers = &head.headers;
    // A map with as many values as keys has no key twice, which is nearly every request.
    if headers.len() != headers.keys_len() {
        for name in [header::HOST, header::ORIGIN] {
            if headers.get_all(&name).iter().nth(1).is_some() {
                return Err(WireError::invalid_request(format!(
                    "header `{name}` stands more than once"
                )));
            }
        }
    }
    let (Some(target), Some(host)) = (head.uri.authority(), headers.get(header::HOST)) else {
        return Ok(());
    };
    if target
        .as_str()
        .as_bytes()
        .eq_ignore_ascii_case(host.as_bytes())
    {
        return Ok(());
    }
    Err(WireError::invalid_request(
        "header `host` differs from the request's target",
    ))
}

/// Refuses to open a stream for a page of another site that did not say which: `no-cors` requests, such as those of an
/// image, carry no `Origin`. The page could not read the stream, but would hold it open.
pub(crate) fn refuse_foreign_page(
    head: &Parts,
    origin: Option<&HeaderValue>,
) -> Result<(), WireError> {
    let is_foreign = head
        .headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "cross-site");
    if is_foreign && origin.is_none() {
        let error = WireError::new(
            StatusCode::FORBIDDEN,
            errors::INVALID_REQUEST,
            "a page of another site must say its `origin`, and the server's owner must allow it (`server.allowed_origins`)",
        );
        tell(head, &error);
        return Err(error);
    }
    Ok(())
}

fn forbidden(header: &str) -> WireError {
    let setting = if header == "host" {
        "allowed_hosts"
    } else {
        "allowed_origins"
    };
    WireError::new(
        StatusCode::FORBIDDEN,
        errors::INVALID_REQUEST,
        format!(
            "this server does not serve the request's `{header}`; its owner can allow it (`server.{setting}`)"
        ),
    )
}

/// A host that passed, and how.
struct Host<'a> {
    text: &'a str,
    is_loopback: bool,
    /// Allowed by its name, not by a wildcard: then a page of the same host is the owner's.
    is_named: bool,
}

fn judge_host<'a>(settings: &Settings, host: &'a str) -> Result<Host<'a>, WireError> {
    let name = without_port(host);
    let is_loopback = is_loopback(name);
    let is_named = settings
        .allowed_hosts
        .iter()
        .any(|allowed| allowed.eq_ignore_ascii_case(host) || allowed.eq_ignore_ascii_case(name));
    let is_allowed = is_loopback
        || is_named
        || is_address(name)
        || settings.allowed_hosts.iter().any(|allowed| allowed == "*");
    if !is_allowed {
        return Err(forbidden("host"));
    }
    Ok(Host {
        text: host,
        is_loopback,
        is_named,
    })
}

fn is_origin_allowed(settings: &Settings, origin: &str, host: Option<&Host<'_>>) -> bool {
    if settings
        .allowed_origins
        .iter()
        .any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
    {
        return true;
    }
    let (Some((_, of_origin)), Some(host)) = (origin.split_once("://"), host) else {
        return false;
    };
    (host.is_loopback && is_loopback(without_port(of_origin)))
        || (host.is_named && of_origin.eq_ignore_ascii_case(host.text))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // Not inside the brackets of an IPv6 address.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_address(name: &str) -> bool {
    let name = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    name.parse::<std::net::IpAddr>().is_ok()
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name == "[::1]"
        || name
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Lets the page of `origin`, where there is one, read the response.
pub(crate) fn admit(mut response: Response<Body>, origin: Option<HeaderValue>) -> Response<Body> {
    let Some(origin) = origin else {
        return response;
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    response
}

/// The answer to `OPTIONS`: what a browser may send here.
pub(crate) fn preflight(
    server: &Inner,
    methods: &'static str,
    asked: &HeaderMap,
) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(methods));
    if asked.contains_key(header::ORIGIN) {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static(methods),
        );
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            request_headers(server),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE);
    }
    response
}

fn request_headers(server: &Inner) -> HeaderValue {
    let offering = server.offering.load();
    let mut names = REQUEST_HEADERS.to_owned();
    for name in offering.header_names() {
        if HeaderName::from_bytes(name.as_bytes()).is_ok() {
            names.push_str(", ");
            names.push_str(name);
        }
    }
    HeaderValue::try_from(names).unwrap_or(HeaderValue::from_static(REQUEST_HEADERS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_origins() {
        let plain = Settings::default();
        let public = Settings {
            allowed_hosts: vec!["mcp.example".into(), "exact.example:8443".into()],
            allowed_origins: vec!["https://app.example".into()],
            ..Settings::default()
        };
        let open = Settings {
            allowed_hosts: vec!["*".into()],
            ..Settings::default()
        };
        for (settings, host, origin, ok) in [
            (&plain, "localhost:8000", None, true),
            (&plain, "LOCALHOST", None, true),
            (&plain, "127.0.0.1:1", None, true),
            (&plain, "127.9.9.9", None, true),
            (&plain, "[::1]:8000", None, true),
            (&plain, "[::1]", None, true),
            (&plain, "evil.example", None, false),
            (&plain, "localhost.evil.example", None, false),
            (&plain, "127.0.0.1.evil.example", None, false),
            (&plain, "10.0.0.1", None, true),
            (&plain, "localhost", Some("http://localhost:3000"), true),
            (&plain, "localhost", Some("http://[::1]"), true),
            (&plain, "localhost", Some("https://evil.example"), false),
            (
                &plain,
                "localhost",
                Some("http://localhost.evil.example"),
                false,
            ),
            (&plain, "localhost", Some("null"), false),
            (&plain, "localhost", Some(""), false),
            (&public, "mcp.example", None, true),
            (&public, "mcp.example:444", None, true),
            (&public, "exact.example:8443", None, true),
            (&public, "exact.example", None, false),
            (&public, "mcp.example", Some("https://mcp.example"), true),
            (&public, "mcp.example", Some("https://app.example"), true),
            (&public, "mcp.example", Some("https://other.example"), false),
            (&public, "mcp.example", Some("http://localhost"), false),
            (&open, "evil.example", None, true),
            // A page that rebinds its own name has the same host in both headers.
            (&open, "evil.example", Some("http://evil.example"), false),
        ] {
            let mut request = ::http::Request::builder().header("host", host);
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(check(settings, &head).is_ok(), ok, "{host} {origin:?}");
        }
    }
}
