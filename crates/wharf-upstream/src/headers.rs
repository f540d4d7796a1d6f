//! Which headers travel on.
//!
//! Headers of the connection belong to one hop (RFC 9110 §7.6.1), and `host` and `content-length` decide where a
//! request ends and who reads it: a call that could set them could smuggle a second request. What a call, the operator
//! or the client say about those is never sent.

use http::header::{ACCEPT_ENCODING, CONNECTION};
use http::{HeaderMap, HeaderName, HeaderValue};
use wharf_model::Secret;

use crate::{Config, UpstreamError};

/// The operator's choice of headers, parsed once.
pub(crate) struct HeaderRules {
    fixed: Vec<(HeaderName, HeaderValue)>,
    forwarded: Vec<HeaderName>,
}

impl HeaderRules {
    pub(crate) fn new(config: &Config) -> Result<Self, UpstreamError> {
        let fixed = config
            .headers
            .iter()
            .map(|(name, value)| {
                fixed(name, value).map_err(UpstreamError::of_setting(["headers", name]))
            })
            .collect::<Result<_, _>>()?;
        let forwarded = config
            .forward_headers
            .iter()
            .enumerate()
            .map(|(place, name)| {
                let keys = ["forward_headers", &place.to_string()];
                forwardable(name).map_err(UpstreamError::of_setting(keys))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { fixed, forwarded })
    }

    /// Puts the client's headers and then the operator's on a request. Each replaces what was there: a model fills in
    /// a call's own headers, and must not speak for the client or the operator.
    pub(crate) fn apply(&self, inbound: &HeaderMap, headers: &mut HeaderMap) {
        for name in &self.forwarded {
            let mut values = inbound.get_all(name).iter();
            let Some(first) = values.next() else { continue };
            if is_nominated(inbound, name) {
                continue;
            }
            headers.insert(name, first.clone());
            for more in values {
                headers.append(name, more.clone());
            }
        }
        for (name, value) in &self.fixed {
            headers.insert(name, value.clone());
        }
    }
}

fn fixed(name: &str, value: &Secret) -> Result<(HeaderName, HeaderValue), UpstreamError> {
    let mut value = HeaderValue::from_str(value.expose())
        .map_err(|_| complaint(name, "has a value that no header can hold"))?;
    // It may well be a key.
    value.set_sensitive(true);
    Ok((settable(name)?, value))
}

fn forwardable(name: &str) -> Result<HeaderName, UpstreamError> {
    match settable(name)? {
        parsed if parsed.as_str().starts_with("content-") => Err(complaint(
            name,
            "describes the client's own body, which is not passed on",
        )),
        ACCEPT_ENCODING => Err(complaint(
            name,
            "says what the client decodes, which this server does not",
        )),
        parsed => Ok(parsed),
    }
}

/// Drops what a call must not say.
pub(crate) fn drop_reserved(headers: &mut HeaderMap) {
    // A compressed answer would not be read.
    let is_dropped = |name: &HeaderName| is_reserved(name) || name == ACCEPT_ENCODING;
    if headers.keys().any(is_dropped) {
        let reserved: Vec<_> = headers
            .keys()
            .filter(|name| is_dropped(name))
            .cloned()
            .collect();
        for name in reserved {
            headers.remove(name);
        }
    }
}

/// A header name that configuration may use.
pub(crate) fn settable(name: &str) -> Result<HeaderName, UpstreamError> {
    let parsed =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| complaint(name, "is no valid name"))?;
    if is_reserved(&parsed) {
        return Err(complaint(
            name,
            "belongs to the connection and cannot be set",
        ));
    }
    Ok(parsed)
}

fn is_reserved(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "host"
            | "connection"
            | "content-length"
            | "transfer-encoding"
            | "te"
            | "trailer"
            | "upgrade"
            | "expect"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
    )
}

/// Whether the client's `Connection` header makes `name` one of the connection.
fn is_nominated(inbound: &HeaderMap, name: &HeaderName) -> bool {
    inbound.get_all(CONNECTION).iter().any(|options| {
        options
            .to_str()
            .is_ok_and(|options| options.split(',').any(|option| name == option.trim()))
    })
}

fn complaint(name: &str, reason: &'static str) -> UpstreamError {
    UpstreamError::Header {
        name: name.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    #[test]
    fn only_listed_headers_are_forwarded_and_the_operator_has_the_last_word() {
        let rules = HeaderRules::new(&Config {
            headers: [("X-Tenant".to_owned(), Secret::new("blue"))].into(),
            forward_headers: vec!["Authorization".into(), "x-many".into(), "X-Tenant".into()],
            ..Config::default()
        })
        .unwrap();
        for (inbound, given, expected) in [
            (
                map(&[
                    ("authorization", "client"),
                    ("cookie", "c"),
                    ("x-other", "o"),
                ]),
                map(&[("authorization", "model"), ("accept", "a")]),
                map(&[
                    ("authorization", "client"),
                    ("accept", "a"),
                    ("x-tenant", "blue"),
                ]),
            ),
            (
                map(&[("x-many", "1"), ("x-many", "2"), ("x-tenant", "red")]),
                map(&[("x-many", "0"), ("x-tenant", "green")]),
                map(&[("x-many", "1"), ("x-many", "2"), ("x-tenant", "blue")]),
            ),
            (
                map(&[("connection", "close, X-Many"), ("x-many", "1")]),
                map(&[]),
                map(&[("x-tenant", "blue")]),
            ),
        ] {
            let mut headers = given.clone();
            rules.apply(&inbound, &mut headers);
            assert_eq!(headers, expected, "{inbound:?} {given:?}");
        }
    }

    #[test]
    fn headers_of_the_connection_are_dropped() {
        let mut headers = map(&[
            ("host", "evil"),
            ("accept", "a"),
            ("transfer-encoding", "chunked"),
            ("content-length", "0"),
            ("content-length", "1"),
            ("connection", "x"),
            ("accept-encoding", "gzip"),
            ("content-type", "text/plain"),
        ]);
        drop_reserved(&mut headers);
        assert_eq!(
            headers,
            map(&[("accept", "a"), ("content-type", "text/plain")])
        );
    }

    #[test]
    fn reserved_names_are_refused_in_configuration() {
        for (fixed, forwarded, complaint) in [
            (Some("Host"), None, "`Host` belongs to the connection"),
            (Some("content-length"), None, "belongs to the connection"),
            (Some("a b"), None, "`a b` is no valid name"),
            (None, Some("Transfer-Encoding"), "belongs to the connection"),
            (None, Some("Content-Type"), "the client's own body"),
            (None, Some("Accept-Encoding"), "what the client decodes"),
            (None, Some(""), "is no valid name"),
        ] {
            let result = HeaderRules::new(&Config {
                headers: fixed
                    .map(|name| (name.to_owned(), Secret::new("v")))
                    .into_iter()
                    .collect(),
                forward_headers: forwarded.map(str::to_owned).into_iter().collect(),
                ..Config::default()
            });
            let Err(error) = result else {
                panic!("{fixed:?} {forwarded:?} passed")
            };
            let cause = error.source().unwrap().to_string();
            assert!(cause.contains(complaint), "{complaint}: {cause}");
        }
    }
}
