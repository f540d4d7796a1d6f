//! What the requests of one operation carry to prove who sends them.
//!
//! Most credentials are texts that never change: made ready once, put on when a request is prepared ([`Proof`]). Tokens
//! and signatures are put on right before a request goes out, since they hold for a time only.

use std::sync::Arc;
use std::time::SystemTime;

use http::header::AUTHORIZATION;

use crate::credentials::Proof;
use crate::exchange::Outgoing;
use crate::lease::{Held, Lease};
use crate::signature::{Signer, Signing};
use crate::token::{Client, Cognito, OAuth, SignIn, Token, TokenIssuer, Way, cognito_token_url};
use crate::{ClientAuthentication, Credentials, UpstreamError};

/// One set of credentials, ready for use. Clones share tokens.
#[derive(Clone)]
pub(crate) enum Means {
    None,
    Fixed(Arc<Proof>),
    Live(Live),
}

/// What has to be put on each time a request goes out.
#[derive(Clone)]
pub(crate) enum Live {
    Token(Arc<Lease<TokenIssuer>>),
    Signature(Arc<Signer>),
}

/// All that the requests of an operation carry.
#[derive(Default)]
pub(crate) struct Access {
    pub(crate) fixed: Vec<Arc<Proof>>,
    live: Vec<Live>,
}

/// The tokens that a request went out with.
#[derive(Default)]
pub(crate) struct Lent<'a>(Vec<(&'a Lease<TokenIssuer>, Arc<Held<Token>>)>);

impl Means {
    /// Checks the credentials; nothing is asked for yet.
    pub(crate) fn new(credentials: &Credentials, way: Way<'_>) -> Result<Self, UpstreamError> {
        let token = |issuer| Self::Live(Live::Token(Arc::new(Lease::new(issuer))));
        Ok(match credentials {
            Credentials::None {} => Self::None,
            Credentials::Bearer { .. } | Credentials::Basic { .. } | Credentials::ApiKey { .. } => {
                Self::Fixed(Arc::new(Proof::new(credentials)?))
            }
            Credentials::OauthClientCredentials {
                token_url,
                client_id,
                client_secret,
                client_authentication,
                scopes,
                parameters,
            } => {
                let client = Client {
                    id: client_id,
                    secret: client_secret,
                    authentication: *client_authentication,
                    scopes,
                    parameters,
                };
                token(TokenIssuer::OAuth(OAuth::new(token_url, way, &client)?))
            }
            Credentials::CognitoClientCredentials {
                domain,
                region,
                client_id,
                client_secret,
                scopes,
            } => {
                let client = Client {
                    id: client_id,
                    secret: client_secret,
                    authentication: ClientAuthentication::Basic,
                    scopes,
                    parameters: &std::collections::BTreeMap::new(),
                };
                let url = cognito_token_url(domain, region.as_deref())?;
                token(TokenIssuer::OAuth(OAuth::new(&url, way, &client)?))
            }
            Credentials::CognitoPassword {
                region,
                client_id,
                client_secret,
                username,
                password,
                token: kind,
                endpoint,
                user_pool_id,
                surroundings,
            } => {
                let sign_in = SignIn {
                    region,
                    endpoint: endpoint.as_deref(),
                    client_id,
                    client_secret: client_secret.as_ref(),
                    username,
                    password,
                    token: *kind,
                    user_pool_id: user_pool_id.as_deref(),
                    surroundings,
                };
                token(TokenIssuer::Cognito(Cognito::new(&sign_in, way)?))
            }
            Credentials::SigV4 {
                service,
                region,
                access_key_id,
                secret_access_key,
                session_token,
                surroundings,
            } => {
                let signing = Signing {
                    service,
                    region: region.as_deref(),
                    access_key_id: access_key_id.as_deref(),
                    secret_access_key: secret_access_key.as_ref(),
                    session_token: session_token.as_ref(),
                    surroundings,
                    network: way.network,
                };
                Self::Live(Live::Signature(Arc::new(Signer::new(&signing)?)))
            }
        })
    }
}

impl Access {
    /// All of these together.
    pub(crate) fn of<'m>(all: impl IntoIterator<Item = &'m Means>) -> Self {
        let mut access = Self::default();
        for means in all {
            match means {
                Means::None => {}
                Means::Fixed(proof) => access.fixed.push(proof.clone()),
                Means::Live(live) => access.live.push(live.clone()),
            }
        }
        // A signature covers what the others put on.
        access
            .live
            .sort_by_key(|live| matches!(live, Live::Signature(_)));
        access
    }

    /// Whether anything has to be put on right before a request goes out.
    pub(crate) fn is_live(&self) -> bool {
        !self.live.is_empty()
    }

    /// Puts tokens and signatures on a request; waits where they have to be asked for.
    pub(crate) async fn put_on(&self, outgoing: &mut Outgoing) -> Result<Lent<'_>, UpstreamError> {
        let mut lent = Vec::new();
        for live in &self.live {
            match live {
                Live::Token(lease) => {
                    let held = lease.get().await?;
                    let token = held.good.authorization.clone();
                    outgoing.headers.insert(AUTHORIZATION, token);
                    lent.push((&**lease, held));
                }
                Live::Signature(signer) => {
                    let keys = signer.keys().await?;
                    signer.sign(&keys, outgoing, SystemTime::now())?;
                }
            }
        }
        Ok(Lent(lent))
    }
}

impl Lent<'_> {
    /// The API refused the request. Whether other tokens may be had for a second try.
    pub(crate) fn refuse(&self) -> bool {
        // All of them are told, not only the first.
        self.0
            .iter()
            .fold(false, |any, (lease, held)| lease.refuse(held) | any)
    }
}
