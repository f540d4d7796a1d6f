//! Which redirects are followed (RFC 9110 §15.4).

use http::header::LOCATION;
use http::{HeaderMap, Method, StatusCode, Uri};
use url::Url;

use crate::address::{self, Origin};

/// Where an answer leads, for a request that may be repeated there: a GET or HEAD for every redirect, others only
/// where the status promises that method and body stay (307, 308). None when it is not to be followed.
pub(crate) fn location(
    method: &Method,
    from: &Uri,
    status: StatusCode,
    headers: &HeaderMap,
) -> Option<(Url, Origin)> {
    let followed = match status.as_u16() {
        301..=303 => matches!(*method, Method::GET | Method::HEAD),
        307 | 308 => true,
        _ => false,
    };
    if !followed {
        return None;
    }
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let target = Url::parse(&from.to_string()).ok()?.join(location).ok()?;
    // Once more, for its rules on schemes and user information.
    address::parse(target.as_str()).ok()
}

/// The path and query of an address.
pub(crate) fn path_and_query(url: &Url) -> String {
    url[url::Position::BeforePath..url::Position::AfterQuery].to_owned()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn methods_and_statuses_decide() {
        for (method, status, expected) in [
            (Method::GET, 301, true),
            (Method::GET, 302, true),
            (Method::HEAD, 303, true),
            (Method::GET, 307, true),
            (Method::GET, 308, true),
            (Method::POST, 301, false),
            (Method::POST, 302, false),
            (Method::POST, 303, false),
            (Method::POST, 307, true),
            (Method::DELETE, 308, true),
            (Method::GET, 300, false),
            (Method::GET, 304, false),
            (Method::GET, 305, false),
            (Method::GET, 200, false),
        ] {
            let headers = [(LOCATION, HeaderValue::from_static("/x"))]
                .into_iter()
                .collect();
            let from = Uri::from_static("http://a.example/");
            let status = StatusCode::from_u16(status).unwrap();
            let found = location(&method, &from, status, &headers);
            assert_eq!(found.is_some(), expected, "{method} {status}");
        }
    }

    #[test]
    fn locations_are_resolved() {
        for (location_header, expected) in [
            ("/x?y=1#z", Some("http://a.example:81/x?y=1")),
            ("x", Some("http://a.example:81/b/x")),
            ("?y", Some("http://a.example:81/b/c?y")),
            ("//b.example/x", Some("http://b.example/x")),
            ("https://A.example:443/", Some("https://a.example/")),
            ("http://user@a.example:81/", None),
            ("file:///etc/passwd", None),
            ("http://[", None),
        ] {
            let headers = [(LOCATION, HeaderValue::from_static(location_header))]
                .into_iter()
                .collect();
            let from = Uri::from_static("http://a.example:81/b/c?d");
            let found = location(&Method::GET, &from, StatusCode::FOUND, &headers)
                .map(|(url, origin)| format!("{origin}{}", path_and_query(&url)));
            assert_eq!(found.as_deref(), expected, "{location_header}");
        }
    }
}
