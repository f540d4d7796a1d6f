//! Tokens for a user of an Amazon Cognito user pool, by name and password (`USER_PASSWORD_AUTH`).
//!
//! The first sign-in gives a refresh token, which gets the next ones; when that is refused, the password does. What asks
//! for a person, such as a second factor, cannot be done here and is an error that names the challenge.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use wharf_model::Secret;

use super::{Endpoint, Token, lifetime, plain_code};
use crate::credentials::require;
use crate::lease::{Held, Issued};
use crate::{CognitoToken, UpstreamError};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// A user pool's app client, and a user.
pub(crate) struct Cognito {
    pub(super) endpoint: Endpoint,
    client_id: String,
    username: String,
    password: Secret,
    /// Proves to know the client's secret, where it has one.
    secret_hash: Option<Secret>,
    token: CognitoToken,
}

/// The parts of [`crate::Credentials::CognitoPassword`].
pub(crate) struct SignIn<'c> {
    pub(crate) region: &'c str,
    pub(crate) endpoint: Option<&'c str>,
    pub(crate) client_id: &'c str,
    pub(crate) client_secret: Option<&'c Secret>,
    pub(crate) username: &'c str,
    pub(crate) password: &'c Secret,
    pub(crate) token: CognitoToken,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    authentication_result: Option<Tokens>,
    challenge_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tokens {
    access_token: Option<String>,
    id_token: Option<String>,
    refresh_token: Option<Secret>,
    expires_in: Option<Value>,
}

impl Cognito {
    pub(crate) fn new(sign_in: &SignIn<'_>, ca_pem: Option<&str>) -> Result<Self, UpstreamError> {
        for (part, text) in [
            ("region", sign_in.region),
            ("client_id", sign_in.client_id),
            ("username", sign_in.username),
            ("password", sign_in.password.expose()),
        ] {
            require(!text.is_empty(), part, "is empty")?;
        }
        let url = match sign_in.endpoint {
            Some(url) => url.to_owned(),
            None => format!("https://cognito-idp.{}.amazonaws.com/", sign_in.region),
        };
        let hash = |secret| secret_hash(secret, sign_in.username, sign_in.client_id);
        Ok(Self {
            endpoint: Endpoint::new(&url, ca_pem)?,
            client_id: sign_in.client_id.to_owned(),
            username: sign_in.username.to_owned(),
            password: sign_in.password.clone(),
            secret_hash: sign_in.client_secret.map(hash),
            token: sign_in.token,
        })
    }

    pub(super) async fn issue(
        &self,
        earlier: Option<&Held<Token>>,
    ) -> Result<Issued<Token>, UpstreamError> {
        if let Some(refresh) = earlier.and_then(|earlier| earlier.good.refresh.as_ref()) {
            let parameters = json!({"REFRESH_TOKEN": refresh.expose()});
            match self.initiate("REFRESH_TOKEN_AUTH", parameters).await {
                // It lasts as long as it lasts, and is not sent again.
                Ok(tokens) => return self.token(tokens, Some(refresh)),
                Err(UpstreamError::Token { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let parameters = json!({"USERNAME": self.username, "PASSWORD": self.password.expose()});
        let tokens = self.initiate("USER_PASSWORD_AUTH", parameters).await?;
        self.token(tokens, None)
    }

    async fn initiate(&self, flow: &str, mut parameters: Value) -> Result<Tokens, UpstreamError> {
        if let Some(hash) = &self.secret_hash {
            parameters["SECRET_HASH"] = hash.expose().into();
        }
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-amz-json-1.1"),
        );
        headers.insert(
            TARGET,
            HeaderValue::from_static("AWSCognitoIdentityProviderService.InitiateAuth"),
        );
        let body = json!({
            "AuthFlow": flow,
            "ClientId": self.client_id,
            "AuthParameters": parameters,
        });
        let answer = self.endpoint.post(headers, body.to_string()).await?;
        let answer: Answer = self.endpoint.read(&answer)?;
        answer.authentication_result.ok_or_else(|| {
            let challenge = answer.challenge_name.as_deref().and_then(plain_code);
            self.endpoint.complain(match challenge {
                Some(challenge) => {
                    format!("it asks for `{challenge}`, which a person has to answer")
                }
                None => "its answer has no token".to_owned(),
            })
        })
    }

    fn token(
        &self,
        tokens: Tokens,
        refresh: Option<&Secret>,
    ) -> Result<Issued<Token>, UpstreamError> {
        let text = match self.token {
            CognitoToken::Id => tokens.id_token,
            CognitoToken::Access => tokens.access_token,
        };
        let refresh = tokens.refresh_token.or_else(|| refresh.cloned());
        let token = text.and_then(|text| Token::new(&text, refresh));
        Ok(Issued {
            good: token.ok_or_else(|| self.endpoint.complain("its answer has no token"))?,
            lifetime: lifetime(tokens.expires_in.as_ref()),
            renew_after: None,
        })
    }
}

/// What Cognito calls the secret hash: an HMAC of name and client by the client's secret.
fn secret_hash(client_secret: &Secret, username: &str, client_id: &str) -> Secret {
    let mut mac = Hmac::<Sha256>::new_from_slice(client_secret.expose().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(username.as_bytes());
    mac.update(client_id.as_bytes());
    Secret::new(STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures of Python's `hmac` over the same words.
    #[test]
    fn the_secret_hash_is_the_known_one() {
        let hash = secret_hash(&Secret::new("hush"), "ann", "client1");
        assert_eq!(
            hash.expose(),
            "TnLdSlSpBa9ceV3ujigu9DdkXY6fsxpH73juUa8ZKAc="
        );
    }
}
