//! AWS Signature Version 4: a request is signed by the keys of an AWS identity, right before it is sent.
//!
//! The signature covers the method, the address, a few headers and a hash of the body. The keys are the operator's, or
//! those of the role this program has, which are asked for when they are first needed and renewed before they expire.
//!
//! It is computed here, by the hashes that are in the binary anyway: the SDK's own crate for it brings ten others, and
//! needs a newer compiler than the rest of this workspace. Figures of botocore hold it to the truth.

mod keys;
mod time;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use percent_encoding::{percent_decode_str, percent_encode};
use sha2::{Digest, Sha256};
use wharf_model::Secret;

use self::keys::KeyIssuer;
use crate::credentials::{ENCODED, require, secret_value};
use crate::exchange::Outgoing;
use crate::lease::{Held, Lease};
use crate::{AwsSurroundings, UpstreamError};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const CONTENT_HASH: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const SESSION_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Signs requests for one service in one region.
pub(crate) struct Signer {
    service: String,
    region: String,
    source: KeySource,
}

/// The keys of an AWS identity.
pub(crate) struct Keys {
    id: String,
    secret: Secret,
    session_token: Option<HeaderValue>,
}

/// Where the keys are from.
enum KeySource {
    Fixed(Keys),
    Leased(Lease<KeyIssuer>),
}

/// Keys as a request was signed with them.
pub(crate) enum KeysInUse<'s> {
    Fixed(&'s Keys),
    Leased(Arc<Held<Keys>>),
}

/// The parts of [`crate::Credentials::SigV4`].
pub(crate) struct Signing<'c> {
    pub(crate) service: &'c str,
    pub(crate) region: Option<&'c str>,
    pub(crate) access_key_id: Option<&'c str>,
    pub(crate) secret_access_key: Option<&'c Secret>,
    pub(crate) session_token: Option<&'c Secret>,
    pub(crate) surroundings: &'c AwsSurroundings,
}

impl Signer {
    pub(crate) fn new(signing: &Signing<'_>) -> Result<Self, UpstreamError> {
        let region = signing.region.unwrap_or_default();
        for (part, text) in [("service", signing.service), ("region", region)] {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            require(!text.is_empty(), part, "is not given")?;
            require(text.bytes().all(is_plain), part, "is no name that AWS uses")?;
        }
        let (id, key) = (signing.access_key_id, signing.secret_access_key);
        require(
            id.is_some() || key.is_none(),
            "access_key_id",
            "is not given",
        )?;
        require(
            key.is_some() || id.is_none(),
            "secret_access_key",
            "is not given",
        )?;
        let source = if let (Some(id), Some(key)) = (id, key) {
            KeySource::Fixed(Keys::new(id, key, signing.session_token)?)
        } else {
            KeySource::Leased(Lease::new(KeyIssuer::new(signing.surroundings)?))
        };
        Ok(Self {
            service: signing.service.to_owned(),
            region: region.to_owned(),
            source,
        })
    }

    /// The keys to sign with; waits where they have to be asked for.
    pub(crate) async fn keys(&self) -> Result<KeysInUse<'_>, UpstreamError> {
        Ok(match &self.source {
            KeySource::Fixed(keys) => KeysInUse::Fixed(keys),
            KeySource::Leased(lease) => KeysInUse::Leased(lease.get().await?),
        })
    }

    /// Puts a signature of `now` on a request.
    pub(crate) fn sign(&self, keys: &KeysInUse<'_>, outgoing: &mut Outgoing, now: SystemTime) {
        let keys = match keys {
            KeysInUse::Fixed(keys) => keys,
            KeysInUse::Leased(held) => &held.good,
        };
        for name in [AUTHORIZATION, DATE, CONTENT_HASH, SESSION_TOKEN] {
            outgoing.headers.remove(name);
        }
        let time = time::stamp(now);
        let hash = hex(&Sha256::digest(&outgoing.body));
        outgoing.headers.insert(DATE, ascii(&time));
        // Some services ask for the hash as a header, none minds it.
        outgoing.headers.insert(CONTENT_HASH, ascii(&hash));
        if let Some(token) = &keys.session_token {
            outgoing.headers.insert(SESSION_TOKEN, token.clone());
        }
        let (names, lines) = signed_headers(outgoing);
        let path = match self.service.as_str() {
            "s3" => Cow::Borrowed(outgoing.uri.path()),
            _ => Cow::Owned(encoded_once_more(outgoing.uri.path())),
        };
        let query = canonical_query(outgoing.uri.query().unwrap_or_default());
        let method = &outgoing.method;
        let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{hash}");
        let date = &time[..time::DATE_CHARS];
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let canonical = hex(&Sha256::digest(canonical));
        let text = format!("{ALGORITHM}\n{time}\n{scope}\n{canonical}");
        let secret = format!("AWS4{}", keys.secret.expose());
        let key = [date, &self.region, &self.service, "aws4_request"]
            .iter()
            .fold(secret.into_bytes(), |key, part| mac(&key, part));
        let signature = hex(&mac(&key, &text));
        let id = &keys.id;
        outgoing.headers.insert(
            AUTHORIZATION,
            ascii(&format!(
                "{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
            )),
        );
    }
}

impl Keys {
    /// Checks that they can stand in headers.
    fn new(
        id: &str,
        secret: &Secret,
        session_token: Option<&Secret>,
    ) -> Result<Self, UpstreamError> {
        let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        require(is_plain, "access_key_id", "is not letters and digits")?;
        require(!secret.expose().is_empty(), "secret_access_key", "is empty")?;
        let header = |token: &Secret| secret_value("session_token", token.expose());
        Ok(Self {
            id: id.to_owned(),
            secret: secret.clone(),
            session_token: session_token.map(header).transpose()?,
        })
    }
}

/// The names of the headers that the signature covers, and their lines. Only what no proxy changes is covered.
fn signed_headers(outgoing: &Outgoing) -> (String, String) {
    let mut lines = BTreeMap::<&str, String>::new();
    if let Some(authority) = outgoing.uri.authority() {
        lines.insert("host", authority.to_string());
    }
    for (name, value) in &outgoing.headers {
        let is_covered = *name == CONTENT_TYPE || name.as_str().starts_with("x-amz-");
        if let Ok(value) = value.to_str()
            && is_covered
        {
            let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            lines
                .entry(name.as_str())
                .and_modify(|line| *line = format!("{line},{value}"))
                .or_insert(value);
        }
    }
    let names: Vec<_> = lines.keys().copied().collect();
    let lines = lines
        .iter()
        .flat_map(|(name, value)| [*name, ":", value, "\n"]);
    (names.join(";"), lines.collect())
}

/// Each segment percent-encoded again, as all services but S3 want it, and no empty ones.
fn encoded_once_more(path: &str) -> String {
    let mut encoded: String = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .flat_map(|segment| ["/".to_owned(), encode(segment.as_bytes())])
        .collect();
    if encoded.is_empty() || path.ends_with('/') {
        encoded.push('/');
    }
    encoded
}

/// The pairs, each encoded in the one right way, in the order of their names and values.
fn canonical_query(query: &str) -> String {
    let encode = |text: &str| encode(&percent_decode_str(text).collect::<Vec<_>>());
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(name), encode(value))
        })
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, ENCODED).to_string()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn ascii(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(text).expect("made of checked names, digits and letters");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, Method};

    use super::*;

    fn signer(service: &str, session_token: Option<&Secret>) -> Signer {
        Signer::new(&Signing {
            service,
            region: Some("us-east-1"),
            access_key_id: Some("AKIDEXAMPLE"),
            secret_access_key: Some(&Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")),
            session_token,
            surroundings: &AwsSurroundings::Nowhere,
        })
        .unwrap()
    }

    /// The keys and the time are those of AWS's own test suite; the signatures are botocore's.
    #[tokio::test]
    async fn signatures_are_the_known_ones() {
        let session = Secret::new("SESSIONTOKEN");
        let json: &[(&str, &str)] = &[("content-type", "application/json")];
        let text: &[(&str, &str)] = &[
            ("content-type", "text/plain; charset=utf-8"),
            ("x-amz-meta", "a   b"),
        ];
        let plain = "host;x-amz-content-sha256;x-amz-date";
        for (service, method, target, headers, body, token, names, signature) in [
            (
                "service",
                Method::GET,
                "/",
                &[][..],
                "",
                None,
                plain,
                "726c5c4879a6b4ccbbd3b24edbd6b8826d34f87450fbbf4e85546fc7ba9c1642",
            ),
            (
                "service",
                Method::GET,
                "/?b=2&a=1&a=0",
                &[],
                "",
                None,
                plain,
                "c3ec34f7cb9d9c619e091a22f9a32c6c5c9bde23aa4372e378688da91073ed5c",
            ),
            (
                "service",
                Method::POST,
                "/",
                json,
                r#"{"a":1}"#,
                None,
                "content-type;host;x-amz-content-sha256;x-amz-date",
                "d0f384dc0b17248aceadcfb6b4089b55dddff35d78cdd40ca481c9a92cc59440",
            ),
            (
                "execute-api",
                Method::GET,
                "/v1/pets/a%20b/%C3%A4?q=x%20y%2Fz",
                &[],
                "",
                None,
                plain,
                "bd8fd5b422bff9f60500d6f079f6fa715836269b1ca6e875f8c1739eedcb0152",
            ),
            (
                "execute-api",
                Method::PUT,
                "/v1/pets/",
                text,
                "x",
                Some(&session),
                "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta;x-amz-security-token",
                "86f055636568cae07541a533ba4293a798ba427e29356e0f02c6486a0a6b56ba",
            ),
            (
                "s3",
                Method::GET,
                "/a%20b/c//d",
                &[],
                "",
                None,
                plain,
                "a8f469e1bb47b39452e26077dc821b8626d748c8a580d9e9a8dfed82db8864ac",
            ),
        ] {
            let mut outgoing = Outgoing {
                method,
                uri: format!("https://example.amazonaws.com{target}")
                    .parse()
                    .unwrap(),
                headers: HeaderMap::new(),
                body: body.into(),
                is_trusted: true,
            };
            // What a call says itself counts for nothing.
            let own = [
                ("authorization", "mine"),
                ("x-amz-date", "mine"),
                ("accept", "*/*"),
            ];
            for (name, value) in headers.iter().chain(&own) {
                outgoing
                    .headers
                    .insert(*name, HeaderValue::from_static(value));
            }
            let signer = signer(service, token);
            let keys = signer.keys().await.unwrap();
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
            // Twice is as good as once: a retry is signed anew.
            signer.sign(&keys, &mut outgoing, now);
            signer.sign(&keys, &mut outgoing, now);
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, SignedHeaders={names}, Signature={signature}"
            );
            assert_eq!(
                outgoing.headers[AUTHORIZATION], expected,
                "{service} {target}"
            );
            assert_eq!(
                outgoing.headers.contains_key(SESSION_TOKEN),
                token.is_some()
            );
        }
    }

    #[test]
    fn unusable_keys_are_refused_at_start() {
        let secret = Secret::new("hush");
        let bad_token = Secret::new("hush\0");
        for (service, region, id, key, token, complaint) in [
            ("", Some("r"), Some("AK"), Some(&secret), None, "`service`"),
            ("s", None, Some("AK"), Some(&secret), None, "`region`"),
            (
                "s",
                Some("eu/west"),
                Some("AK"),
                Some(&secret),
                None,
                "`region`",
            ),
            ("s", Some("r"), None, Some(&secret), None, "`access_key_id`"),
            (
                "s",
                Some("r"),
                Some("A K"),
                Some(&secret),
                None,
                "`access_key_id`",
            ),
            (
                "s",
                Some("r"),
                Some("AK"),
                None,
                None,
                "`secret_access_key`",
            ),
            (
                "s",
                Some("r"),
                Some("AK"),
                Some(&secret),
                Some(&bad_token),
                "`session_token`",
            ),
            ("s", Some("r"), None, None, None, "nor in the environment"),
        ] {
            let made = Signer::new(&Signing {
                service,
                region,
                access_key_id: id,
                secret_access_key: key,
                session_token: token,
                surroundings: &AwsSurroundings::Nowhere,
            });
            let Err(error) = made else {
                panic!("{complaint}: no error")
            };
            assert!(
                error.to_string().contains(complaint),
                "{complaint}: {error}"
            );
            assert!(!format!("{error:?}").contains("hush"), "{error:?}");
        }
    }
}
