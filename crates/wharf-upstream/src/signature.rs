//! AWS Signature Version 4: a request is signed by the keys of an AWS identity, right before it is sent.
//!
//! The signature covers the method, the address, a few headers and a hash of the body. The keys are the operator's, or
//! those of the role this program has, which are asked for when they are first needed and renewed before they expire.
//! The signature itself is computed by AWS's own crate; figures of botocore hold both to the truth.

mod keys;

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode,
};
use aws_sigv4::sign::v4::SigningParams;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use wharf_model::Secret;

use self::keys::KeyIssuer;
use crate::credentials::{require, secret_value};
use crate::exchange::Outgoing;
use crate::lease::{Held, Lease};
use crate::{AwsSurroundings, Network, UpstreamError};

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const CONTENT_HASH: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const SESSION_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
/// Where keys are from is something only the crate's own messages say, which nobody sees.
const PROVIDER: &str = "wharf";

/// Signs requests for one service in one region.
pub(crate) struct Signer {
    service: String,
    region: String,
    source: KeySource,
}

/// The keys of an AWS identity.
pub(crate) struct Keys(Credentials);

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
    /// The way to who gives the keys.
    pub(crate) network: &'c Network,
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
        let source = match (id, key, signing.surroundings) {
            (Some(id), Some(key), _) => {
                KeySource::Fixed(Keys::new(id, key, signing.session_token)?)
            }
            (
                _,
                _,
                AwsSurroundings::Keys {
                    access_key_id,
                    secret_access_key,
                    session_token,
                },
            ) => KeySource::Fixed(Keys::new(
                access_key_id,
                secret_access_key,
                session_token.as_ref(),
            )?),
            (_, _, elsewhere) => {
                KeySource::Leased(Lease::new(KeyIssuer::new(elsewhere, signing.network)?))
            }
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
    pub(crate) fn sign(
        &self,
        keys: &KeysInUse<'_>,
        outgoing: &mut Outgoing,
        now: SystemTime,
    ) -> Result<(), UpstreamError> {
        let Keys(keys) = match keys {
            KeysInUse::Fixed(keys) => keys,
            KeysInUse::Leased(held) => &held.good,
        };
        for name in [AUTHORIZATION, DATE, CONTENT_HASH, SESSION_TOKEN] {
            outgoing.headers.remove(name);
        }
        let identity = keys.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(now)
            .settings(settings(&self.service))
            .build()
            .expect("every part is given");
        let request = SignableRequest::new(
            outgoing.method.as_str(),
            outgoing.uri.to_string(),
            signed_headers(outgoing),
            SignableBody::Bytes(&outgoing.body),
        );
        let signed = request
            .and_then(|request| aws_sigv4::http_request::sign(request, &params.into()))
            .map_err(|_| unsignable())?;
        let (instructions, _) = signed.into_parts();
        for (name, value) in instructions.headers() {
            let name = HeaderName::try_from(name).map_err(|_| unsignable())?;
            let mut value = HeaderValue::try_from(value).map_err(|_| unsignable())?;
            value.set_sensitive(true);
            outgoing.headers.insert(name, value);
        }
        Ok(())
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
        if let Some(token) = session_token {
            secret_value("session_token", token.expose())?;
        }
        let session_token = session_token.map(|token| token.expose().to_owned());
        Ok(Self(Credentials::new(
            id,
            secret.expose(),
            session_token,
            None,
            PROVIDER,
        )))
    }
}

/// What S3 wants otherwise than all others: the path as it is. Some services ask for the body's hash as a header, and
/// none minds it.
fn settings(service: &str) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    settings
}

/// The headers that the signature covers, besides the host: only what no proxy changes.
fn signed_headers(outgoing: &Outgoing) -> impl Iterator<Item = (&str, &str)> {
    let is_covered =
        |name: &HeaderName| *name == CONTENT_TYPE || name.as_str().starts_with("x-amz-");
    let covered = outgoing
        .headers
        .iter()
        .filter(move |(name, _)| is_covered(name));
    covered.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
}

fn unsignable() -> UpstreamError {
    UpstreamError::Credentials {
        part: "sigv4",
        reason: "cannot sign this request",
    }
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
            network: &Network::default(),
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
            signer.sign(&keys, &mut outgoing, now).unwrap();
            signer.sign(&keys, &mut outgoing, now).unwrap();
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
                network: &Network::default(),
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
