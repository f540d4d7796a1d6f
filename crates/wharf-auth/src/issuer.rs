//! Judging tokens by the rules of the issuer that they name.

use url::{Host, Url};
use wharf_model::Identity;

use crate::algorithm::Algorithm;
use crate::claims::Claims;
use crate::config::{CLOCK_SKEW_S_MAX, ConfigMistake, IssuerConfig};
use crate::error::TokenError;
use crate::key_source::{KeySource, Pace, Place, Reach};
use crate::shared_secret::{self, SharedSecret};
use crate::token::UnverifiedToken;

/// An issuer whose tokens are taken.
pub struct Issuer {
    name: Option<String>,
    proof: Proof,
    config: IssuerConfig,
    algorithms: Vec<Algorithm>,
    audiences: Vec<String>,
}

/// How its signatures are checked.
enum Proof {
    Keys(KeySource),
    Secret(Box<SharedSecret>),
}

impl Issuer {
    /// `resource` is what its tokens are for where the configuration names no audience: the MCP endpoint's public
    /// address. `at` is where the configuration stands, for mistakes.
    pub fn new(
        config: &IssuerConfig,
        resource: Option<&str>,
        at: &str,
    ) -> Result<Self, ConfigMistake> {
        if config.clock_skew_s > CLOCK_SKEW_S_MAX {
            return Err(ConfigMistake::new(
                format!("{at}.clock_skew_s"),
                format!("is more than {CLOCK_SKEW_S_MAX}"),
                "synchronize the clocks instead",
            ));
        }
        Ok(Self {
            name: config.issuer.clone(),
            proof: proof(config, at)?,
            algorithms: if config.algorithms.is_empty() {
                Algorithm::USUAL.to_vec()
            } else {
                config.algorithms.clone()
            },
            audiences: audiences(config, resource, at)?,
            config: config.clone(),
        })
    }

    /// As its tokens have it in `iss`.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whom its tokens are for; empty where that does not matter.
    pub(crate) fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// Whether clients can ask it for tokens.
    pub(crate) fn is_authorization_server(&self) -> bool {
        matches!(self.proof, Proof::Keys(_))
    }

    /// Checks the signature, and whether the token is good at `now` (seconds since 1970) and for this server.
    pub async fn verify(&self, token: UnverifiedToken<'_>, now: u64) -> Result<Claims, TokenError> {
        if token.unverified_issuer() != self.name() {
            return Err(TokenError::UnknownIssuer);
        }
        self.check_signature(&token).await?;
        let claims = token.into_claims();
        self.check_claims(&claims, now)?;
        Ok(claims)
    }

    pub(crate) async fn check_signature(
        &self,
        token: &UnverifiedToken<'_>,
    ) -> Result<(), TokenError> {
        let source = match &self.proof {
            Proof::Secret(secret) => {
                if token.header.algorithm != shared_secret::ALGORITHM {
                    return Err(TokenError::Algorithm);
                }
                return secret.verify(token.signed, &token.signature).await;
            }
            Proof::Keys(source) => source,
        };
        let algorithm = Algorithm::named(&token.header.algorithm)
            .filter(|named| self.algorithms.contains(named))
            .ok_or(TokenError::Algorithm)?;
        let key_id = token.header.key_id.as_deref();
        let keys = source.keys().await?;
        match keys.verify(algorithm, key_id, token.signed, &token.signature) {
            Err(TokenError::UnknownKey) => {}
            outcome => return outcome,
        }
        // The issuer may have new keys.
        let keys = source
            .newer_than(&keys)
            .await
            .ok_or(TokenError::UnknownKey)?;
        keys.verify(algorithm, key_id, token.signed, &token.signature)
    }

    fn check_claims(&self, claims: &Claims, now: u64) -> Result<(), TokenError> {
        let skew = u64::from(self.config.clock_skew_s);
        let expires_at = claims.expires_at().ok_or(TokenError::Endless)?;
        if now >= expires_at.saturating_add(skew) {
            return Err(TokenError::Expired);
        }
        if claims
            .not_before()
            .is_some_and(|begin| begin > now.saturating_add(skew))
        {
            return Err(TokenError::Early);
        }
        let is_for_us = |audience: &String| self.audiences.contains(audience);
        if !self.audiences.is_empty() && !claims.audiences().iter().any(is_for_us) {
            return Err(TokenError::Audience);
        }
        self.check_client(claims)?;
        for (name, expected) in &self.config.required_claims {
            if !claims.has(name, expected) {
                return Err(TokenError::Claim(name.clone()));
            }
        }
        match self.subject(claims) {
            Some(subject) if !subject.is_empty() => Ok(()),
            _ => Err(TokenError::Subject),
        }
    }

    fn check_client(&self, claims: &Claims) -> Result<(), TokenError> {
        let permitted = &self.config.client_ids;
        if permitted.is_empty() {
            return Ok(());
        }
        if !claims
            .client_id()
            .is_some_and(|client| permitted.contains(&client))
        {
            return Err(TokenError::Client);
        }
        // Without an audience nothing else tells an access token from an ID token, which is for the client alone.
        let says_use = self.config.required_claims.contains_key(TOKEN_USE);
        if self.audiences.is_empty()
            && !says_use
            && claims.get(TOKEN_USE).is_some()
            && !claims.has(TOKEN_USE, "access")
        {
            return Err(TokenError::Claim(TOKEN_USE.to_owned()));
        }
        Ok(())
    }

    fn subject(&self, claims: &Claims) -> Option<String> {
        claims.text(&self.config.subject_claim)
    }

    /// Who the claims, which it has checked, are about.
    pub(crate) fn identity(&self, claims: &Claims) -> Identity {
        Identity {
            subject: self.subject(claims).unwrap_or_default(),
            issuer: self.name.clone(),
            client_id: claims.client_id(),
            scopes: claims.scopes(),
            groups: claims.all_of(&self.config.groups_claims),
            claims: claims.json().clone(),
        }
    }
}

/// What Amazon Cognito calls the purpose of a token: `access` or `id`.
const TOKEN_USE: &str = "token_use";

fn proof(config: &IssuerConfig, at: &str) -> Result<Proof, ConfigMistake> {
    if let Some(secret) = &config.secret {
        let previous = config.previous_secret.as_ref();
        for (key, secret) in [("secret", Some(secret)), ("previous_secret", previous)] {
            if secret.is_some_and(|secret| secret.expose().len() < shared_secret::BYTES_MIN) {
                return Err(ConfigMistake::new(
                    format!("{at}.{key}"),
                    format!("has fewer than {} bytes", shared_secret::BYTES_MIN),
                    "`openssl rand -hex 32` makes a good one",
                ));
            }
        }
        if config.jwks_url.is_some() || !config.algorithms.is_empty() {
            return Err(ConfigMistake::new(
                at,
                "has a `secret`, and `jwks_url` or `algorithms` as well",
                "a secret is for HS256 alone; an issuer with keys has no `secret`",
            ));
        }
        let shared = match &config.rotating {
            Some(rotating) => SharedSecret::rotating(rotating.clone(), previous),
            None => SharedSecret::new(secret, previous),
        };
        return Ok(Proof::Secret(Box::new(shared)));
    }
    if config.previous_secret.is_some() {
        return Err(ConfigMistake::new(
            format!("{at}.previous_secret"),
            "is there without `secret`",
            "give the present secret as well",
        ));
    }
    let issuer = config.issuer.as_deref().ok_or_else(|| {
        ConfigMistake::new(
            format!("{at}.issuer"),
            "is missing",
            "it is what the tokens have in `iss`, such as `https://login.example.com`",
        )
    })?;
    let place = match &config.jwks_url {
        Some(url) => Place::Keys(address(url, config.allow_http, &format!("{at}.jwks_url"))?),
        None => Place::Issuer(address(issuer, config.allow_http, &format!("{at}.issuer"))?),
    };
    Ok(Proof::Keys(KeySource::new(
        place,
        Reach {
            ca_pem: config.ca_pem.clone(),
            network: config.network.clone(),
        },
        Pace::USUAL,
    )))
}

fn audiences(
    config: &IssuerConfig,
    resource: Option<&str>,
    at: &str,
) -> Result<Vec<String>, ConfigMistake> {
    // A secret is shared with this server alone.
    if !config.audiences.is_empty() || !config.client_ids.is_empty() || config.secret.is_some() {
        return Ok(config.audiences.clone());
    }
    resource.map(|resource| vec![resource.to_owned()]).ok_or_else(|| {
        ConfigMistake::new(
            at,
            "does not say whom its tokens are for, so that those for any other service would be taken",
            "give `audiences` or `client_ids`, or `server.public_url`, which is the audience otherwise",
        )
    })
}

/// An address of an issuer; plain HTTP only where nobody stands between, or the owner permits it.
fn address(text: &str, allow_http: bool, at: &str) -> Result<Url, ConfigMistake> {
    let refuse = |what: &str, hint: &str| ConfigMistake::new(at, what, hint);
    let looks_like = "it looks like `https://login.example.com`";
    let url = Url::parse(text).map_err(|_| refuse("is no URL", looks_like))?;
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("has more than an address", looks_like));
    }
    let is_near = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_near || allow_http => Ok(url),
        "http" => Err(refuse(
            "is `http`, and whoever can change the keys on their way can write tokens",
            "use `https`, or permit it with `allow_http: true` where the way is safe",
        )),
        _ => Err(refuse("is no `https` URL", looks_like)),
    }
}
