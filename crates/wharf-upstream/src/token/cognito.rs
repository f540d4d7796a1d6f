//! Tokens for a user of an Amazon Cognito user pool, by name and password (`USER_PASSWORD_AUTH`).
//!
//! App clients that do not allow this are signed in to by a request of an administrator's, where the pool is named.
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

use super::{Endpoint, Token, Way, lifetime, plain_code};
use crate::credentials::require;
use crate::lease::{Held, Issued};
use crate::{AwsSurroundings, CognitoToken, Credentials, UpstreamError};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// What Cognito answers where the app client does not allow a flow.
const NOT_ALLOWED: &str = "`InvalidParameterException`";

/// A user pool's app client, and a user.
pub(crate) struct Cognito {
    pub(super) endpoint: Endpoint,
    client_id: String,
    username: String,
    password: Secret,
    /// Proves to know the client's secret, where it has one.
    secret_hash: Option<Secret>,
    token: CognitoToken,
    administrator: Option<Administrator>,
}

/// Who may sign in a user whatever the app client allows to others.
struct Administrator {
    /// The same as for everybody, with signed requests.
    endpoint: Endpoint,
    user_pool_id: String,
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
    pub(crate) user_pool_id: Option<&'c str>,
    pub(crate) surroundings: &'c AwsSurroundings,
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
    pub(crate) fn new(sign_in: &SignIn<'_>, way: Way<'_>) -> Result<Self, UpstreamError> {
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
        let administrator = |user_pool_id: &str| -> Result<Administrator, UpstreamError> {
            let signed = Credentials::SigV4 {
                service: "cognito-idp".to_owned(),
                region: Some(sign_in.region.to_owned()),
                access_key_id: None,
                secret_access_key: None,
                session_token: None,
                surroundings: sign_in.surroundings.clone(),
            };
            Ok(Administrator {
                endpoint: Endpoint::with_credentials(&url, way, signed)?,
                user_pool_id: user_pool_id.to_owned(),
            })
        };
        // Without any keys of AWS there is the usual way alone.
        let named = sign_in.user_pool_id.filter(|id| !id.is_empty());
        let named = named.filter(|_| *sign_in.surroundings != AwsSurroundings::Nowhere);
        Ok(Self {
            administrator: named.map(administrator).transpose()?,
            endpoint: Endpoint::new(&url, way)?,
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
        let tokens = match self
            .initiate("USER_PASSWORD_AUTH", parameters.clone())
            .await
        {
            Err(UpstreamError::Token { reason, .. })
                if self.administrator.is_some() && reason.contains(NOT_ALLOWED) =>
            {
                self.initiate("ADMIN_USER_PASSWORD_AUTH", parameters).await
            }
            tokens => tokens,
        };
        self.token(tokens?, None)
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
        let mut body = json!({
            "AuthFlow": flow,
            "ClientId": self.client_id,
            "AuthParameters": parameters,
        });
        let administrator = self.administrator.as_ref();
        let (endpoint, target) = match administrator.filter(|_| flow.starts_with("ADMIN_")) {
            Some(administrator) => {
                body["UserPoolId"] = administrator.user_pool_id.as_str().into();
                (
                    &administrator.endpoint,
                    "AWSCognitoIdentityProviderService.AdminInitiateAuth",
                )
            }
            None => (
                &self.endpoint,
                "AWSCognitoIdentityProviderService.InitiateAuth",
            ),
        };
        headers.insert(TARGET, HeaderValue::from_static(target));
        let answer = endpoint.post(headers, body.to_string()).await?;
        let answer: Answer = endpoint.read(&answer)?;
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
