//! The identity provider, towards which this server is an ordinary client: code flow with PKCE, nonce and a secret.

mod reach;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;
use wharf_model::Secret;
use wharf_upstream::ClientAuthentication;

use self::reach::Endpoints;

use super::attempt::{Attempt, Failure};
use super::presets::Preset;
use super::seal::same;
use super::values::Person;
use super::{SignInConfig, answer, now};
use crate::key_source::Reach;
use crate::{Claims, ConfigMistake, Issuer, IssuerConfig, TokenError, UnverifiedToken};

/// What travels with a token has to fit into a head, of which common proxies take 8 KB.
const PERSON_BYTES_MAX: usize = 3 << 10;
/// Providers' refresh tokens have up to 2 KB.
const REFRESH_BYTES_MAX: usize = 6 << 10;

pub(crate) struct Provider {
    issuer: Issuer,
    issuer_name: String,
    client_id: String,
    client_secret: Option<Secret>,
    authentication: ClientAuthentication,
    scopes: String,
    parameters: Vec<(String, String)>,
    handed_on_claims: Vec<String>,
    callback: String,
    after_logout: String,
    hosted_at: Option<String>,
    reach: Reach,
    allow_http: bool,
    /// Found out with the first sign-in: a server starts without its provider.
    endpoints: OnceCell<Endpoints>,
}

/// What a sign-in or a refresh gave.
pub(crate) struct Tokens {
    /// None where a refresh gave no new ID token.
    pub(crate) person: Option<Person>,
    pub(crate) refresh: Option<String>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: Option<String>,
    refresh_token: Option<String>,
}

/// Why the provider gave nothing.
enum Refused {
    /// It said so, with a code.
    Said(String),
    /// It could not be asked, or not be understood.
    Failed(Failure),
}

impl Provider {
    pub(crate) fn new(config: &SignInConfig, our_issuer: &str) -> Result<Self, ConfigMistake> {
        let preset = Preset::of(&config.provider)?;
        let owned = |texts: &[&str]| {
            texts
                .iter()
                .map(|&text| text.to_owned())
                .collect::<Vec<_>>()
        };
        let mut required_claims = config.required_claims.clone();
        for (claim, text) in preset.required_claims {
            required_claims.insert(claim.to_owned(), text);
        }
        let groups_claims = config.groups_claims.clone();
        let judge = IssuerConfig {
            issuer: Some(preset.issuer.clone()),
            audiences: vec![config.client_id.clone()],
            required_claims,
            subject_claim: config.subject_claim.clone(),
            groups_claims: groups_claims.unwrap_or_else(|| owned(preset.groups_claims)),
            ca_pem: config.ca_pem.clone(),
            allow_http: config.allow_http,
            network: config.network.clone(),
            ..IssuerConfig::default()
        };
        let scopes = config.provider_scopes.clone();
        let scopes = scopes.unwrap_or_else(|| owned(preset.scopes));
        let mut parameters = preset
            .parameters
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .filter(|(name, _)| !config.provider_parameters.contains_key(name))
            .collect::<Vec<_>>();
        parameters.extend(config.provider_parameters.clone());
        if let Some((name, _)) = parameters
            .iter()
            .find(|(name, _)| OURS.contains(&name.as_str()))
        {
            return Err(ConfigMistake::new(
                "sign_in.provider_parameters",
                format!("has `{name}`, which is this server's own to set"),
                "take it away",
            ));
        }
        Ok(Self {
            issuer: Issuer::new(&judge, None, "sign_in.provider")?,
            issuer_name: preset.issuer,
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            authentication: config.client_authentication,
            scopes: scopes.join(" "),
            parameters,
            handed_on_claims: config.handed_on_claims.clone(),
            callback: format!("{our_issuer}/callback"),
            after_logout: format!("{our_issuer}/logout?done=1"),
            hosted_at: preset.hosted_at,
            reach: Reach {
                ca_pem: config.ca_pem.clone(),
                network: config.network.clone(),
            },
            allow_http: config.allow_http,
            endpoints: OnceCell::new(),
        })
    }

    /// Where the browser goes to sign in.
    pub(crate) async fn sign_in_address(
        &self,
        state: &str,
        nonce: &str,
        verifier: &str,
        attempt: &Attempt,
    ) -> Result<String, Failure> {
        let endpoints = self.endpoints(attempt).await?;
        let challenge = challenge(verifier);
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.callback),
            ("scope", &self.scopes),
            ("state", state),
            ("nonce", nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let more = self.parameters.iter();
        parameters.extend(more.map(|(name, value)| (name.as_str(), value.as_str())));
        Ok(answer::with_parameters(
            endpoints.authorize.as_str(),
            &parameters,
        ))
    }

    /// Whether an answer that says it is from `issuer`, or nothing, is the provider's: an answer of one provider must not be
    /// taken for another's (RFC 9207 §2.4).
    pub(crate) async fn is_from(
        &self,
        issuer: Option<&str>,
        attempt: &Attempt,
    ) -> Result<bool, Failure> {
        Ok(match issuer {
            Some(issuer) => issuer == self.issuer_name,
            None => !self.endpoints(attempt).await?.names_itself,
        })
    }

    /// Redeems a code of the provider.
    pub(crate) async fn redeem(
        &self,
        code: &str,
        verifier: &str,
        nonce: &str,
        attempt: &Attempt,
    ) -> Result<Tokens, Failure> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.callback.as_str()),
            ("code_verifier", verifier),
        ];
        let answer = self.ask_for_tokens(&form, attempt).await.map_err(|refused| match refused {
            Refused::Failed(failure) => failure,
            Refused::Said(code) if code == "invalid_client" || code == "unauthorized_client" => {
                Failure::configuration(
                    "server_error",
                    format!("the provider refuses this server's own client id or secret ({code})"),
                    "check `sign_in.client_id`, `client_secret` and `client_authentication`, and what the provider permits that client",
                )
            }
            Refused::Said(code) => Failure::provider(
                "server_error",
                format!("the provider does not redeem its code ({code})"),
                "begin the sign-in anew; if that does not help, look into the provider's log",
            ),
        })?;
        let token = answer.id_token.as_deref().ok_or_else(|| {
            Failure::configuration(
                "server_error",
                "the provider gave no ID token",
                "have `openid` among `sign_in.provider_scopes`",
            )
        })?;
        let claims = self.verified(token, attempt).await?;
        if !claims.text("nonce").is_some_and(|told| same(&told, nonce)) {
            return Err(Failure::provider(
                "server_error",
                "the provider's ID token is of another sign-in",
                "begin the sign-in anew; if it happens again, somebody stands between",
            ));
        }
        Ok(Tokens {
            person: Some(self.person(&claims)?),
            refresh: usable(answer.refresh_token, attempt),
        })
    }

    /// Asks whether a person is still welcome, by the provider's own refresh token.
    pub(crate) async fn refresh(
        &self,
        refresh: &str,
        subject: &str,
        attempt: &Attempt,
    ) -> Result<Tokens, Failure> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let answer = self.ask_for_tokens(&form, attempt).await.map_err(
            |refused| match refused {
                Refused::Failed(failure) => failure,
                Refused::Said(code)
                    if code == "invalid_client" || code == "unauthorized_client" =>
                {
                    Failure::configuration(
                        "server_error",
                        format!(
                            "the provider refuses this server's own client id or secret ({code})"
                        ),
                        "check `sign_in.client_id`, `client_secret` and `client_authentication`",
                    )
                }
                Refused::Said(code) => Failure::person(
                    "invalid_grant",
                    format!("the provider has ended the sign-in ({code})"),
                    "sign in again",
                ),
            },
        )?;
        let person = if let Some(token) = &answer.id_token {
            Some(self.person(&self.verified(token, attempt).await?)?)
        } else {
            // OpenID Connect Core §12.2 lets it.
            attempt.note(
                "provider",
                "it gives no ID token at a refresh; groups and claims stay as they were",
            );
            None
        };
        if person
            .as_ref()
            .is_some_and(|person| person.subject != subject)
        {
            return Err(Failure::provider(
                "invalid_grant",
                "the provider speaks of somebody else than before",
                "sign in again",
            ));
        }
        Ok(Tokens {
            person,
            refresh: usable(answer.refresh_token, attempt),
        })
    }

    /// Takes the provider's refresh token back, where the provider has a place for it.
    pub(crate) async fn revoke(&self, refresh: &str, attempt: &Attempt) -> Result<(), Failure> {
        let Some(revoke) = &self.endpoints(attempt).await?.revoke else {
            return Ok(());
        };
        let form = [("token", refresh), ("token_type_hint", "refresh_token")];
        self.post(revoke, &form, attempt)
            .await
            .map(drop)
            .map_err(|refused| match refused {
                Refused::Failed(failure) => failure,
                Refused::Said(code) => Failure::provider(
                    "server_error",
                    format!("the provider does not take its token back ({code})"),
                    "it ends by itself; look into the provider's log",
                ),
            })
    }

    /// Where the browser goes to sign out, if the provider has such a place.
    pub(crate) async fn sign_out_address(
        &self,
        attempt: &Attempt,
    ) -> Result<Option<String>, Failure> {
        let endpoints = self.endpoints(attempt).await?;
        Ok(endpoints.logout.as_ref().map(|logout| {
            let parameters = [
                ("client_id", self.client_id.as_str()),
                (logout.way_back, self.after_logout.as_str()),
            ];
            answer::with_parameters(logout.at.as_str(), &parameters)
        }))
    }

    async fn verified(&self, token: &str, attempt: &Attempt) -> Result<Claims, Failure> {
        let verified = async {
            let token = UnverifiedToken::parse(token)?;
            self.issuer.verify(token, now()).await
        };
        let claims = verified.await.map_err(|error| {
            attempt.cause("id token", &error);
            match error {
                TokenError::NoKeys(_) => Failure::provider(
                    "temporarily_unavailable",
                    "the provider's keys cannot be had",
                    "try again in a moment",
                ),
                TokenError::Claim(claim) => Failure::person(
                    "access_denied",
                    format!("this account may not sign in here (claim {claim})"),
                    "sign in with another account; the owner decides by `sign_in.required_claims`",
                ),
                error => Failure::provider(
                    "server_error",
                    format!("the provider's ID token is not good ({})", error.code()),
                    "check that `sign_in.provider` names the issuer that its tokens have, and this machine's clock",
                ),
            }
        })?;
        // Given to another client, and for ours as well (OpenID Connect Core §3.1.3.7).
        if claims
            .text("azp")
            .is_some_and(|party| party != self.client_id)
        {
            return Err(Failure::provider(
                "server_error",
                "the provider's ID token was given to another client",
                "check `sign_in.client_id`",
            ));
        }
        Ok(claims)
    }

    fn person(&self, claims: &Claims) -> Result<Person, Failure> {
        let handed_on = self.handed_on_claims.iter().filter_map(|name| {
            let value = serde_json::from_str(claims.get(name)?.as_str()).ok()?;
            Some((name.clone(), value))
        });
        let handed_on = handed_on.collect::<Map<String, Value>>();
        let identity = self.issuer.identity(claims);
        let person = Person {
            subject: identity.subject,
            groups: identity.groups.into_iter().collect(),
            claims: handed_on,
        };
        let bytes = serde_json::to_vec(&person).map_or(usize::MAX, |bytes| bytes.len());
        if bytes > PERSON_BYTES_MAX {
            return Err(Failure::configuration(
                "server_error",
                "the provider tells more groups or claims of this person than a token can hold",
                "have the provider send only the groups that matter, or choose with `sign_in.groups_claims`",
            ));
        }
        Ok(person)
    }

    async fn ask_for_tokens(
        &self,
        form: &[(&str, &str)],
        attempt: &Attempt,
    ) -> Result<TokenAnswer, Refused> {
        let endpoints = self.endpoints(attempt).await.map_err(Refused::Failed)?;
        let body = self.post(&endpoints.token, form, attempt).await?;
        // The library's own message may quote the answer.
        serde_json::from_slice(&body).map_err(|_| {
            Refused::Failed(Failure::provider(
                "server_error",
                "the provider's answer cannot be read",
                "check that `sign_in.provider` names an OpenID provider",
            ))
        })
    }
}

/// Parameters that nobody else may set.
const OURS: [&str; 9] = [
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
];

/// RFC 7636 §4.2, the only method there is.
pub(crate) fn challenge(verifier: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

/// A refresh token of the provider, if it can travel inside of ours.
fn usable(refresh: Option<String>, attempt: &Attempt) -> Option<String> {
    let refresh = refresh?;
    if refresh.len() > REFRESH_BYTES_MAX {
        attempt.note(
            "provider",
            "its refresh token is too long to be carried; clients have to sign in again",
        );
        return None;
    }
    Some(refresh)
}
