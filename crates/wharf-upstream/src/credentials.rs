//! Outbound credentials that never change, made ready once: a header's value, or a pair to put into queries or
//! cookies.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, COOKIE, Entry};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use wharf_model::Secret;

use crate::{ApiKeyPlace, Credentials, UpstreamError, headers};

/// Everything but the unreserved characters of RFC 3986 §2.3.
pub(crate) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What proves who sends a request, ready to be put on it. It prints nothing.
pub(crate) enum Proof {
    Header(HeaderName, HeaderValue),
    Query(Pair),
    Cookie(Pair),
}

/// A name and a value, as `name=value`.
pub(crate) struct Pair {
    /// As it was configured, decoded.
    name: String,
    /// Encoded for its place.
    text: Secret,
}

/// A key shorter than this is not looked for in answers.
const HIDDEN_BYTES_MIN: usize = 4;

impl Proof {
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, UpstreamError> {
        match credentials {
            Credentials::Bearer { token } => {
                require(!token.expose().is_empty(), "token", "is empty")?;
                let value = secret_value("token", &format!("Bearer {}", token.expose()))?;
                Ok(Self::Header(AUTHORIZATION, value))
            }
            Credentials::Basic { username, password } => {
                // RFC 7617 §2: the first colon ends the name.
                require(!username.contains(':'), "username", "contains a colon")?;
                let pair = STANDARD.encode(format!("{username}:{}", password.expose()));
                let value = secret_value("password", &format!("Basic {pair}"))?;
                Ok(Self::Header(AUTHORIZATION, value))
            }
            Credentials::ApiKey { name, place, value } => {
                let name = name.as_deref().ok_or(missing("name"))?;
                api_key(name, place.ok_or(missing("in"))?, value.expose())
            }
            _ => unreachable!("only credentials that never change are proofs"),
        }
    }

    /// Puts a key into the query; whatever stands there under its name is dropped.
    pub(crate) fn add_to_query(&self, path_and_query: &mut String) {
        let Self::Query(pair) = self else { return };
        if let Some(start) = path_and_query.find('?') {
            let query = &path_and_query[start + 1..];
            if query.split('&').any(|given| pair.is_named_by(given)) {
                let kept: Vec<_> = query
                    .split('&')
                    .filter(|given| !pair.is_named_by(given))
                    .collect();
                let kept = kept.join("&");
                path_and_query.truncate(start + 1);
                path_and_query.push_str(&kept);
            }
            if !path_and_query.ends_with(['?', '&']) {
                path_and_query.push('&');
            }
        } else {
            path_and_query.push('?');
        }
        path_and_query.push_str(pair.text.expose());
    }

    /// Hides a key of the query wherever the answer's headers repeat it: upstreams build the addresses in `Link` and
    /// `Location` from the one that was asked, and those reach whoever called.
    pub(crate) fn hide_in(&self, headers: &mut HeaderMap) {
        let Self::Query(pair) = self else { return };
        let (_, encoded) = pair.text.expose().split_once('=').unwrap_or_default();
        let plain = percent_encoding::percent_decode_str(encoded).decode_utf8_lossy();
        for value in headers.values_mut() {
            let Ok(text) = value.to_str() else { continue };
            let mut hidden = Cow::Borrowed(text);
            for key in [encoded, &plain] {
                // Less than that is no secret, and would be found in the middle of words.
                if key.len() >= HIDDEN_BYTES_MIN && hidden.contains(key) {
                    hidden = Cow::Owned(hidden.replace(key, "***"));
                }
            }
            if let Cow::Owned(hidden) = hidden
                && let Ok(hidden) = HeaderValue::try_from(hidden)
            {
                *value = hidden;
            }
        }
    }

    /// Puts a header or a cookie on the request; a header or cookie of that name is replaced.
    pub(crate) fn add_to_headers(&self, headers: &mut HeaderMap) {
        match self {
            Self::Query(_) => {}
            Self::Header(name, value) => {
                headers.insert(name, value.clone());
            }
            Self::Cookie(pair) => add_cookie(pair, headers),
        }
    }
}

impl Pair {
    /// Whether `given`, a pair of a query, has this name once decoded.
    fn is_named_by(&self, given: &str) -> bool {
        let name = given.split('=').next().unwrap_or_default();
        name == self.name || percent_decode_str(&name.replace('+', " ")).eq(self.name.bytes())
    }
}

fn api_key(name: &str, place: ApiKeyPlace, value: &str) -> Result<Proof, UpstreamError> {
    require(!name.is_empty(), "name", "is empty")?;
    require(!value.is_empty(), "value", "is empty")?;
    match place {
        ApiKeyPlace::Header => {
            let name = headers::settable(name)?;
            Ok(Proof::Header(name, secret_value("value", value)?))
        }
        ApiKeyPlace::Query => {
            let encode = |text| utf8_percent_encode(text, ENCODED);
            Ok(Proof::Query(Pair {
                text: Secret::new(format!("{}={}", encode(name), encode(value))),
                name: name.to_owned(),
            }))
        }
        ApiKeyPlace::Cookie => {
            // RFC 6265 §4.1.1: a name is a token, as a header's is, and a value has no separators.
            require(
                name.parse::<HeaderName>().is_ok(),
                "name",
                "cannot name a cookie",
            )?;
            let fits =
                |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\');
            require(
                value.bytes().all(fits),
                "value",
                "has characters that no cookie can hold",
            )?;
            Ok(Proof::Cookie(Pair {
                text: Secret::new(format!("{name}={value}")),
                name: name.to_owned(),
            }))
        }
    }
}

/// RFC 6265 §5.4: a request has one `Cookie` header with all pairs.
fn add_cookie(pair: &Pair, headers: &mut HeaderMap) {
    let mut cookies = String::new();
    if let Entry::Occupied(given) = headers.entry(COOKIE) {
        let (_, values) = given.remove_entry_mult();
        for value in values {
            for cookie in value.to_str().unwrap_or_default().split(';') {
                let cookie = cookie.trim();
                let name = cookie.split('=').next().unwrap_or_default();
                if !cookie.is_empty() && name.trim() != pair.name {
                    cookies.push_str(cookie);
                    cookies.push_str("; ");
                }
            }
        }
    }
    cookies.push_str(pair.text.expose());
    let mut value =
        HeaderValue::try_from(cookies).expect("made of header values and a checked cookie");
    value.set_sensitive(true);
    headers.insert(COOKIE, value);
}

pub(crate) fn secret_value(part: &'static str, text: &str) -> Result<HeaderValue, UpstreamError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| UpstreamError::Credentials {
        part,
        reason: "has characters that no header can hold",
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn missing(part: &'static str) -> UpstreamError {
    UpstreamError::Credentials {
        part,
        reason: "is not given, and no security scheme says it",
    }
}

pub(crate) fn require(
    holds: bool,
    part: &'static str,
    reason: &'static str,
) -> Result<(), UpstreamError> {
    holds
        .then_some(())
        .ok_or(UpstreamError::Credentials { part, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, place: ApiKeyPlace, value: &str) -> Credentials {
        Credentials::ApiKey {
            name: Some(name.to_owned()),
            place: Some(place),
            value: Secret::new(value),
        }
    }

    #[test]
    fn a_key_of_the_query_is_hidden_in_answers() {
        let credentials = Credentials::ApiKey {
            name: Some("api_key".to_owned()),
            place: Some(ApiKeyPlace::Query),
            value: Secret::new("hush hush"),
        };
        let proof = Proof::new(&credentials).unwrap();
        for (given, expected) in [
            (
                "<https://a/b?api_key=hush%20hush&page=2>; rel=\"next\"",
                "<https://a/b?api_key=***&page=2>; rel=\"next\"",
            ),
            ("https://a/b?key=hush hush", "https://a/b?key=***"),
            ("https://a/b?page=2", "https://a/b?page=2"),
        ] {
            let mut headers =
                HeaderMap::from_iter([(http::header::LINK, HeaderValue::from_str(given).unwrap())]);
            proof.hide_in(&mut headers);
            assert_eq!(headers[http::header::LINK], expected, "{given}");
        }
    }

    #[test]
    fn query_keys_replace_what_a_call_says() {
        let proof = Proof::new(&key("api key", ApiKeyPlace::Query, "a+b/ä&c")).unwrap();
        for (given, expected) in [
            ("/", "/?api%20key=a%2Bb%2F%C3%A4%26c"),
            ("/?", "/?api%20key=a%2Bb%2F%C3%A4%26c"),
            ("/?x=1", "/?x=1&api%20key=a%2Bb%2F%C3%A4%26c"),
            ("/?x=1&", "/?x=1&api%20key=a%2Bb%2F%C3%A4%26c"),
            ("/?api+key=mine", "/?api%20key=a%2Bb%2F%C3%A4%26c"),
            (
                "/?a&%61pi%20key=mine&b=&api%20key",
                "/?a&b=&api%20key=a%2Bb%2F%C3%A4%26c",
            ),
        ] {
            let mut target = given.to_owned();
            proof.add_to_query(&mut target);
            assert_eq!(target, expected, "{given}");
        }
    }

    #[test]
    fn cookies_are_merged() {
        let proof = Proof::new(&key("sid", ApiKeyPlace::Cookie, "s3=")).unwrap();
        for (given, expected) in [
            (vec![], "sid=s3="),
            (vec!["a=1"], "a=1; sid=s3="),
            (vec!["a=1; sid=mine; b=2"], "a=1; b=2; sid=s3="),
            (vec!["a=1;", "sid=mine", "c=3"], "a=1; c=3; sid=s3="),
        ] {
            let mut headers = HeaderMap::new();
            for value in &given {
                headers.append(COOKIE, HeaderValue::from_static(value));
            }
            proof.add_to_headers(&mut headers);
            let cookies: Vec<_> = headers.get_all(COOKIE).iter().collect();
            assert_eq!(cookies, [expected], "{given:?}");
            assert!(!format!("{headers:?}").contains("s3"), "{headers:?}");
        }
    }

    #[test]
    fn headers_carry_the_schemes_of_their_specifications() {
        for (credentials, name, expected) in [
            (
                Credentials::Bearer {
                    token: Secret::new("t0"),
                },
                "authorization",
                "Bearer t0",
            ),
            (
                Credentials::Basic {
                    username: "Aladdin".to_owned(),
                    password: Secret::new("open sesame"),
                },
                "authorization",
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            ),
            (key("X-Key", ApiKeyPlace::Header, "k"), "x-key", "k"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static("mine"),
            );
            Proof::new(&credentials)
                .unwrap()
                .add_to_headers(&mut headers);
            assert_eq!(headers[name], expected, "{credentials:?}");
            assert!(headers[name].is_sensitive(), "{credentials:?}");
        }
    }

    #[test]
    fn unusable_credentials_are_refused_without_repeating_them() {
        for (credentials, complaint) in [
            (
                Credentials::Bearer {
                    token: Secret::new("hush\n"),
                },
                "`token` has characters",
            ),
            (
                Credentials::Bearer {
                    token: Secret::new(""),
                },
                "`token` is empty",
            ),
            (
                Credentials::Basic {
                    username: "a:b".to_owned(),
                    password: Secret::new("hush"),
                },
                "`username` contains a colon",
            ),
            (key("", ApiKeyPlace::Query, "hush"), "`name` is empty"),
            (key("k", ApiKeyPlace::Query, ""), "`value` is empty"),
            (key("a b", ApiKeyPlace::Header, "hush"), "header `a b`"),
            (key("Host", ApiKeyPlace::Header, "hush"), "header `Host`"),
            (key("k", ApiKeyPlace::Header, "hush\0"), "`value` has"),
            (key("a;b", ApiKeyPlace::Cookie, "hush"), "`name` cannot"),
            (key("k", ApiKeyPlace::Cookie, "hush;x"), "`value` has"),
        ] {
            let Err(error) = Proof::new(&credentials) else {
                panic!("{credentials:?} passed")
            };
            assert!(
                error.to_string().contains(complaint),
                "{complaint}: {error}"
            );
            assert!(!format!("{error:?}").contains("hush"), "{error:?}");
        }
    }
}
