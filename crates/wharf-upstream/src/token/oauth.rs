//! OAuth 2 client credentials (RFC 6749 §4.4): from any token endpoint, Cognito's among them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::{Serializer, byte_serialize};
use wharf_model::Secret;

use super::{Endpoint, Token, Way, lifetime};
use crate::credentials::{require, secret_value};
use crate::lease::Issued;
use crate::{ClientAuthentication, UpstreamError};

/// A token endpoint and who we are to it. The request is always the same, so it is made once.
pub(crate) struct OAuth {
    pub(super) endpoint: Endpoint,
    headers: HeaderMap,
    body: Secret,
}

/// Who we are to a token endpoint, and what we want.
pub(crate) struct Client<'c> {
    pub(crate) id: &'c str,
    pub(crate) secret: &'c Secret,
    pub(crate) authentication: ClientAuthentication,
    pub(crate) scopes: &'c [String],
    pub(crate) parameters: &'c BTreeMap<String, String>,
}

/// The members of a token response (RFC 6749 §5.1) that are needed.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Value>,
}

impl OAuth {
    pub(crate) fn new(
        token_url: &str,
        way: Way<'_>,
        client: &Client<'_>,
    ) -> Result<Self, UpstreamError> {
        require(!client.id.is_empty(), "client_id", "is empty")?;
        let secret = client.secret.expose();
        require(!secret.is_empty(), "client_secret", "is empty")?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !client.scopes.is_empty() {
            form.append_pair("scope", &client.scopes.join(" "));
        }
        for (name, value) in client.parameters {
            let is_ours = matches!(
                name.as_str(),
                "grant_type" | "scope" | "client_id" | "client_secret"
            );
            require(
                !is_ours,
                "parameters",
                "has a name that has a key of its own",
            )?;
            form.append_pair(name, value);
        }
        match client.authentication {
            ClientAuthentication::Basic => {
                // RFC 6749 §2.3.1: both are encoded as in a form first.
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = STANDARD.encode(format!("{}:{}", encoded(client.id), encoded(secret)));
                let value = secret_value("client_secret", &format!("Basic {pair}"))?;
                headers.insert(AUTHORIZATION, value);
            }
            ClientAuthentication::Post => {
                form.append_pair("client_id", client.id)
                    .append_pair("client_secret", secret);
            }
        }
        Ok(Self {
            endpoint: Endpoint::new(token_url, way)?,
            headers,
            body: Secret::new(form.finish()),
        })
    }

    pub(super) async fn issue(&self) -> Result<Issued<Token>, UpstreamError> {
        let body = self.body.expose().to_owned();
        let answer = self.endpoint.post(self.headers.clone(), body).await?;
        let answer: Answer = self.endpoint.read(&answer)?;
        let kind = answer.token_type.as_deref().unwrap_or("bearer");
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err(self.endpoint.complain("its token is not a bearer token"));
        }
        let token = Token::new(&answer.access_token, None)
            .ok_or_else(|| self.endpoint.complain("its token cannot be sent"))?;
        Ok(Issued {
            good: token,
            lifetime: lifetime(answer.expires_in.as_ref()),
            renew_after: None,
        })
    }
}

/// The token endpoint of a user pool, by its domain's prefix and region, its full domain, or its address.
pub(crate) fn cognito_token_url(
    domain: &str,
    region: Option<&str>,
) -> Result<String, UpstreamError> {
    let domain = domain.trim_end_matches('/');
    require(!domain.is_empty(), "domain", "is empty")?;
    if domain.starts_with("https://") || domain.starts_with("http://") {
        return Ok(format!("{domain}/oauth2/token"));
    }
    if domain.contains('.') {
        return Ok(format!("https://{domain}/oauth2/token"));
    }
    let region = region.unwrap_or_default();
    require(
        !region.is_empty(),
        "region",
        "is needed beside a domain's prefix",
    )?;
    Ok(format!(
        "https://{domain}.auth.{region}.amazoncognito.com/oauth2/token"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_lead_to_token_endpoints() {
        for (domain, region, expected) in [
            (
                "my-shop",
                Some("eu-west-1"),
                Some("https://my-shop.auth.eu-west-1.amazoncognito.com/oauth2/token"),
            ),
            ("my-shop", None, None),
            ("", Some("eu-west-1"), None),
            (
                "auth.example.com",
                None,
                Some("https://auth.example.com/oauth2/token"),
            ),
            (
                "https://auth.example.com/",
                Some("eu-west-1"),
                Some("https://auth.example.com/oauth2/token"),
            ),
        ] {
            let url = cognito_token_url(domain, region).ok();
            assert_eq!(url.as_deref(), expected, "{domain} {region:?}");
        }
    }
}
