//! What an issuer says about itself: RFC 8414, and the older form of OpenID Connect Discovery.

use url::Url;
use wharf_model::{Json, Slice};
use wharf_upstream::Trust;

use crate::key_source::{Reach, fetch};
use crate::keys::KeysError;
use crate::strict;

/// The metadata of an authorization server, whose `issuer` is the one that was asked for.
#[derive(Debug, Clone)]
pub struct Metadata(Json);

impl Metadata {
    /// Fetches them from `issuer`: where OpenID Connect puts them, or else where RFC 8414 does. A document that names
    /// another issuer is refused: it may be anybody's (RFC 8414 §3.3).
    pub async fn fetch(issuer: &Url, reach: &Reach) -> Result<Self, KeysError> {
        let mut first_failure = None;
        for url in addresses(issuer) {
            match Self::read(&url, issuer, reach).await {
                Ok(metadata) => return Ok(metadata),
                Err(error) => first_failure = first_failure.or(Some(error)),
            }
        }
        Err(first_failure.unwrap_or(KeysError::Lately))
    }

    async fn read(url: &Url, issuer: &Url, reach: &Reach) -> Result<Self, KeysError> {
        let refuse = |reason| KeysError::Document {
            url: wharf_upstream::shown(url.as_str()),
            reason,
        };
        let body = fetch(url, Trust::Operator, reach).await?;
        let metadata = Self(strict::object(body).ok_or(refuse("is no JSON object"))?);
        match metadata.text("issuer") {
            Some(named) if is_same(&named, issuer) => Ok(metadata),
            _ => Err(refuse("names another issuer")),
        }
    }

    /// Whether a member is `true`.
    pub fn is_true(&self, name: &str) -> bool {
        self.0.slice().get(name).and_then(Slice::boolean) == Some(true)
    }

    /// A member that is a text, such as `token_endpoint`.
    pub fn text(&self, name: &str) -> Option<String> {
        let text = self.0.slice().get(name)?.text()?;
        Some(text.into_owned())
    }
}

/// `https://a.example` is also written `https://a.example/`.
fn is_same(named: &str, issuer: &Url) -> bool {
    let without_slash = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
    without_slash(named) == without_slash(issuer.as_str())
}

/// Where the metadata may be, in the order in which they are asked for.
fn addresses(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let mut paths = vec![format!("{path}/.well-known/openid-configuration")];
    paths.push(format!("/.well-known/oauth-authorization-server{path}"));
    if !path.is_empty() {
        paths.push(format!("/.well-known/openid-configuration{path}"));
    }
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    paths.into_iter().map(at).collect()
}

/// Where an issuer's key set is, and who is trusted with that address: on the issuer's own origin it is as good as the
/// operator's word, elsewhere it must not lead into a private network.
pub(crate) async fn key_set_of(issuer: &Url, reach: &Reach) -> Result<(Url, Trust), KeysError> {
    let metadata = Metadata::fetch(issuer, reach).await?;
    let refuse = |reason| KeysError::Document {
        url: wharf_upstream::shown(issuer.as_str()),
        reason,
    };
    let named = metadata.text("jwks_uri");
    let url = named
        .and_then(|text| Url::parse(&text).ok())
        .ok_or(refuse("names no key set (`jwks_uri`) in its metadata"))?;
    if url.origin() == issuer.origin() {
        return Ok((url, Trust::Operator));
    }
    if url.scheme() != "https" {
        return Err(refuse("names a key set elsewhere that is not `https`"));
    }
    Ok((url, Trust::Document))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_metadata_are_looked_for() {
        for (issuer, expected) in [
            (
                "https://a.example",
                &[
                    "https://a.example/.well-known/openid-configuration",
                    "https://a.example/.well-known/oauth-authorization-server",
                ] as &[&str],
            ),
            (
                "https://a.example/pool/1",
                &[
                    "https://a.example/pool/1/.well-known/openid-configuration",
                    "https://a.example/.well-known/oauth-authorization-server/pool/1",
                    "https://a.example/.well-known/openid-configuration/pool/1",
                ],
            ),
            (
                "https://a.example/t/",
                &[
                    "https://a.example/t/.well-known/openid-configuration",
                    "https://a.example/.well-known/oauth-authorization-server/t",
                    "https://a.example/.well-known/openid-configuration/t",
                ],
            ),
        ] {
            let found = addresses(&Url::parse(issuer).unwrap());
            let found: Vec<_> = found.iter().map(Url::as_str).collect();
            assert_eq!(found, expected, "{issuer}");
        }
    }

    #[test]
    fn an_issuer_is_itself_to_the_letter() {
        for (named, issuer, same) in [
            ("https://a.example", "https://a.example", true),
            ("https://a.example/", "https://a.example", true),
            ("https://a.example/x", "https://a.example", false),
            ("https://A.example", "https://a.example", false),
            ("", "https://a.example", false),
        ] {
            assert_eq!(
                is_same(named, &Url::parse(issuer).unwrap()),
                same,
                "{named}"
            );
        }
    }
}
