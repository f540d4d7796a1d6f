//! Addresses as they are written and as they are compared: origins (RFC 6454), base addresses, and how an address is
//! shown in messages.

use std::fmt;
use std::net::IpAddr;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use url::Url;

use crate::UpstreamError;
use crate::guard;

/// A message does not repeat more of an address than this.
const SHOWN_CHARS_MAX: usize = 200;

/// A scheme, a host and a port. The `url` crate has normalised them: lower case, no default port, and every spelling
/// of an IPv4 address (decimal, octal, hexadecimal, shortened) as four decimal numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: Scheme,
    authority: Authority,
}

/// Where an upstream is: an origin, and the path that stands before every target.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) origin: Origin,
    /// Empty, or beginning with a slash and not ending with one.
    pub(crate) path: String,
    /// Both as text, so `https://api.example.com/v1`.
    text: String,
    origin_len: usize,
}

impl Origin {
    /// Refuses an origin that is a private address by its very text: that can be told before anybody calls. A name is
    /// looked at when it is resolved.
    pub(crate) fn refuse_literal(&self) -> Result<(), UpstreamError> {
        let host = self.authority.host();
        let literal = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        let refused = literal
            .ok()
            .and_then(|address| Some((address, guard::refused_range(address)?)));
        refused.map_or(Ok(()), |(address, range)| {
            Err(UpstreamError::Refused {
                host: host.to_owned(),
                address,
                range,
            })
        })
    }

    /// The origin of an address without user information.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let scheme = match url.scheme() {
            "http" => Scheme::HTTP,
            "https" => Scheme::HTTPS,
            _ => return None,
        };
        let host = url.host_str()?;
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Some(Self {
            scheme,
            authority: authority.try_into().ok()?,
        })
    }

    /// The origin of an address that was built by [`Origin::uri`].
    pub(crate) fn of_uri(uri: &Uri) -> Option<Self> {
        Some(Self {
            scheme: uri.scheme()?.clone(),
            authority: uri.authority()?.clone(),
        })
    }

    /// An address at this origin. Nothing but the path and query is parsed, and those only once.
    pub(crate) fn uri(&self, path_and_query: String) -> Result<Uri, &'static str> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(
            PathAndQuery::from_maybe_shared(bytes::Bytes::from(path_and_query))
                .map_err(|_| "is no valid path and query")?,
        );
        Uri::from_parts(parts).map_err(|_| "is no valid path and query")
    }

    /// `host` or `host:port`, as the `Host` header has it (RFC 9110 §7.2).
    pub(crate) fn host_header(&self) -> HeaderValue {
        HeaderValue::from_str(self.authority.as_str()).expect("an authority is visible ASCII")
    }

    /// Whether going from `self` to `other` only adds TLS: the same host, each at its scheme's own port.
    pub(crate) fn is_upgraded_by(&self, other: &Self) -> bool {
        self.scheme == Scheme::HTTP
            && other.scheme == Scheme::HTTPS
            && self.authority == other.authority
            && self.authority.port().is_none()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl Base {
    pub(crate) fn parse(text: &str) -> Result<Self, UpstreamError> {
        let (url, origin) = parse(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(UpstreamError::Url {
                url: shown(text),
                reason: "has a query or fragment, which a base address cannot have",
            });
        }
        let path = url.path().trim_end_matches('/').to_owned();
        let origin_text = origin.to_string();
        Ok(Self {
            origin,
            text: format!("{origin_text}{path}"),
            path,
            origin_len: origin_text.len(),
        })
    }

    /// The origin alone, where nothing else was written.
    pub(crate) fn into_origin(self) -> Result<Origin, UpstreamError> {
        if self.path.is_empty() {
            return Ok(self.origin);
        }
        Err(UpstreamError::Url {
            url: self.text,
            reason: "has a path, which an origin has not",
        })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// `target` without this origin, where it plainly begins with it; so the common whole address needs no parser.
    pub(crate) fn strip<'a>(&self, target: &'a str) -> Option<&'a str> {
        target
            .strip_prefix(&self.text[..self.origin_len])
            .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    }
}

/// Reads an `http` or `https` address.
pub(crate) fn parse(text: &str) -> Result<(Url, Origin), UpstreamError> {
    let complain = |reason| UpstreamError::Url {
        url: shown(text),
        reason,
    };
    let url = Url::parse(text).map_err(|error| {
        complain(match error {
            url::ParseError::RelativeUrlWithoutBase => {
                "does not begin with `https://` or `http://`"
            }
            url::ParseError::EmptyHost => "names no host",
            url::ParseError::InvalidPort => "has a port that is no number up to 65535",
            url::ParseError::InvalidIpv4Address | url::ParseError::InvalidIpv6Address => {
                "has a malformed IP address for a host"
            }
            url::ParseError::InvalidDomainCharacter | url::ParseError::IdnaError => {
                "has a host with characters that no host has"
            }
            _ => "is malformed",
        })
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(complain("does not begin with `https://` or `http://`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(complain(
            "holds a user name or password; those belong into `credentials`",
        ));
    }
    let origin = Origin::of(&url).ok_or_else(|| complain("has a host that cannot be reached"))?;
    Ok((url, origin))
}

/// An address for messages: without user information, query and fragment, since those can be secret.
pub fn shown(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let plain = &text[..end];
    // A password may hold anything, slashes too, where its author forgot to encode it.
    let plain = match plain.rfind('@') {
        None => plain.to_owned(),
        Some(at) => {
            let scheme = plain.find("://").map_or("", |end| &plain[..end + 3]);
            format!("{scheme}{}", &plain[at + 1..])
        }
    };
    plain
        .chars()
        .filter(|char| !char.is_control())
        .take(SHOWN_CHARS_MAX)
        .collect()
}

/// Whether a path has a segment `.` or `..`, in any of the spellings that a server may resolve: encoded, or set off by
/// backslashes (URL Standard §4.4).
///
/// A call's argument must not lead out of the base path that the operator chose.
pub(crate) fn has_dot_segments(path: &str) -> bool {
    path.split(['/', '\\']).any(|segment| {
        let segment = segment.as_bytes();
        match segment.first() {
            Some(b'.' | b'%') if segment.len() <= "%2e%2e".len() => is_dots(segment),
            _ => false,
        }
    })
}

fn is_dots(mut segment: &[u8]) -> bool {
    let mut dots = 0;
    while !segment.is_empty() {
        segment = match segment {
            [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => rest,
            _ => return false,
        };
        dots += 1;
    }
    dots == 1 || dots == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_addresses_are_normalised() {
        for (given, expected) in [
            ("https://api.example.com", "https://api.example.com"),
            ("HTTPS://API.Example.com:443/", "https://api.example.com"),
            (
                "http://api.example.com:80/v1//",
                "http://api.example.com/v1",
            ),
            (
                "http://api.example.com:8080/v1/",
                "http://api.example.com:8080/v1",
            ),
            ("http://2130706433/", "http://127.0.0.1"),
            ("http://0x7f.1/a", "http://127.0.0.1/a"),
            ("http://[::FFFF:127.0.0.1]:81/", "http://[::ffff:7f00:1]:81"),
            (
                "https://bücher.example/ä",
                "https://xn--bcher-kva.example/%C3%A4",
            ),
        ] {
            assert_eq!(Base::parse(given).unwrap().text(), expected, "{given}");
        }
    }

    #[test]
    fn unusable_addresses_are_refused_without_repeating_secrets() {
        for (given, complaint) in [
            ("api.example.com", "begin with"),
            ("ftp://api.example.com", "begin with"),
            ("file:///etc/passwd", "begin with"),
            ("https://", "names no host"),
            ("https://api.example.com:99999", "port"),
            (
                "https://ann:hush@api.example.com",
                "belong into `credentials`",
            ),
            ("https://hush@api.example.com", "belong into `credentials`"),
            ("https://api.example.com?key=hush", "has a query"),
            ("https://api.example.com#hush", "has a query"),
            ("https://ann:hush/hush@[::1]", "port"),
        ] {
            let error = Base::parse(given).expect_err(given);
            assert!(error.to_string().contains(complaint), "{given}: {error}");
            assert!(!format!("{error:?}").contains("hush"), "{given}: {error:?}");
        }
    }

    #[test]
    fn dot_segments_are_seen_in_every_spelling() {
        for (path, expected) in [
            ("/a/b", false),
            ("/a.b/..c/...", false),
            ("/.well-known/x", false),
            ("/%2e%2e%2e", false),
            ("/%2f..", false),
            ("/..", true),
            ("/a/../b", true),
            ("/a/./b", true),
            ("/a/%2E%2e", true),
            ("/a/.%2e/b", true),
            ("/%2e", true),
            ("/..\\", true),
            ("/a\\%2e.\\b", true),
            ("/a%5C..", false),
        ] {
            assert_eq!(has_dot_segments(path), expected, "{path}");
        }
    }

    #[test]
    fn only_tls_at_the_usual_ports_is_an_upgrade() {
        for (from, to, expected) in [
            ("http://a.example/x", "https://a.example/y", true),
            ("http://a.example:80", "https://a.example:443", true),
            ("https://a.example", "http://a.example", false),
            ("http://a.example", "https://b.example", false),
            ("http://a.example:8080", "https://a.example:8080", false),
            ("http://a.example", "https://a.example:8443", false),
        ] {
            let (from_origin, to_origin) = (parse(from).unwrap().1, parse(to).unwrap().1);
            assert_eq!(
                from_origin.is_upgraded_by(&to_origin),
                expected,
                "{from} {to}"
            );
        }
    }
}
