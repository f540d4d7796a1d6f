//! Which redirects are followed (RFC 9110 §15.4).

use http::header::LOCATION;
use http::{HeaderMap, Method, StatusCode, Uri};
use url::Url;

use crate::address::{self, Origin};

/// The method to go on with where an answer leads; none when it is not to be followed.
///
/// A 307 or 308 promises that method and body stay. A 303 leads to something to be read, and 301 and 302 after a POST are
/// taken for the same, as browsers do (Fetch §4.4); after another method that changes something they could mean either.
fn method_after(method: &Method, status: StatusCode) -> Option<Method> {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    match status.as_u16() {
        301..=303 if is_read => Some(method.clone()),
        301 | 302 if *method == Method::POST => Some(Method::GET),
        303 => Some(Method::GET),
        307 | 308 => Some(method.clone()),
        _ => None,
    }
}

/// Where an answer leads, and the method to ask there with; none when it is not to be followed.
pub(crate) fn location(
    method: &Method,
    from: &Uri,
    status: StatusCode,
    headers: &HeaderMap,
) -> Option<(Method, Url, Origin)> {
    let method = method_after(method, status)?;
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let target = Url::parse(&from.to_string()).ok()?.join(location).ok()?;
    // Once more, for its rules on schemes and user information.
    let (url, origin) = address::parse(target.as_str()).ok()?;
    Some((method, url, origin))
}

/// Drops the headers that describe a body which is no longer sent (RFC 9110 §8).
pub(crate) fn drop_body_headers(headers: &mut HeaderMap) {
    let described: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("content-"))
        .cloned()
        .collect();
    for name in described {
        headers.remove(name);
    }
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
        use Method as M;
        for (method, status, expected) in [
            (M::GET, 301, Some(M::GET)),
            (M::GET, 302, Some(M::GET)),
            (M::HEAD, 303, Some(M::HEAD)),
            (M::GET, 307, Some(M::GET)),
            (M::GET, 308, Some(M::GET)),
            (M::POST, 301, Some(M::GET)),
            (M::POST, 302, Some(M::GET)),
            (M::POST, 303, Some(M::GET)),
            (M::POST, 307, Some(M::POST)),
            (M::PUT, 301, None),
            (M::DELETE, 302, None),
            (M::DELETE, 303, Some(M::GET)),
            (M::DELETE, 308, Some(M::DELETE)),
            (M::GET, 300, None),
            (M::GET, 304, None),
            (M::GET, 305, None),
            (M::GET, 200, None),
        ] {
            let headers = [(LOCATION, HeaderValue::from_static("/x"))]
                .into_iter()
                .collect();
            let from = Uri::from_static("http://a.example/");
            let code = StatusCode::from_u16(status).unwrap();
            let found = location(&method, &from, code, &headers);
            assert_eq!(
                found.map(|(method, ..)| method),
                expected,
                "{method} {status}"
            );
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
                .map(|(_, url, origin)| format!("{origin}{}", path_and_query(&url)));
            assert_eq!(found.as_deref(), expected, "{location_header}");
        }
    }
}
