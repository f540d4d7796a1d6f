//! The keys of the role that a container or an instance has, from where AWS offers them.
//!
//! Containers (ECS, EKS, Lambda's snapshots) have an address of their own for it, named by the environment; instances
//! have their metadata service, which wants a token first (`IMDSv2`).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use serde::Deserialize;
use wharf_model::Secret;

use super::{Keys, time};
use crate::credentials::secret_value;
use crate::lease::{Held, Issue, Issued, Issuing};
use crate::token::Endpoint;
use crate::{AwsSurroundings, UpstreamError};

const ROLE_PATH: &str = "/latest/meta-data/iam/security-credentials/";
const TOKEN_PATH: &str = "/latest/api/token";
const TOKEN_LIFE: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
/// A role's name is no longer (IAM allows 64); anything else is no name.
const ROLE_CHARS_MAX: usize = 128;
/// Where the answer does not say how long its keys hold, they are asked for again after this.
const LIFETIME_UNKNOWN: Duration = Duration::from_secs(15 * 60);

/// Who gives this program the keys of its role.
pub(super) enum KeyIssuer {
    Container {
        endpoint: Endpoint,
        token: Option<HeaderValue>,
        token_file: Option<String>,
    },
    Instance(Endpoint),
}

/// The members that both answers share.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: Secret,
    token: Option<Secret>,
    expiration: Option<String>,
}

impl KeyIssuer {
    pub(super) fn new(surroundings: &AwsSurroundings) -> Result<Self, UpstreamError> {
        match surroundings {
            AwsSurroundings::Nowhere => Err(UpstreamError::Credentials {
                part: "access_key_id",
                reason: "is not given, neither here nor in the environment",
            }),
            AwsSurroundings::Instance { url } => Endpoint::new(url, None).map(Self::Instance),
            AwsSurroundings::Container {
                url,
                token,
                token_file,
            } => Ok(Self::Container {
                endpoint: Endpoint::new(url, None)?,
                token: token
                    .as_ref()
                    .map(|token| authorization(token.expose()))
                    .transpose()?,
                token_file: token_file.clone(),
            }),
        }
    }

    fn endpoint(&self) -> &Endpoint {
        match self {
            Self::Container { endpoint, .. } | Self::Instance(endpoint) => endpoint,
        }
    }

    async fn ask(&self) -> Result<Bytes, UpstreamError> {
        match self {
            Self::Container {
                endpoint,
                token,
                token_file,
            } => {
                let token = match token_file {
                    Some(file) => Some(read_token(file, endpoint).await?),
                    None => token.clone(),
                };
                let headers = token
                    .map(|token| (AUTHORIZATION, token))
                    .into_iter()
                    .collect();
                endpoint.get(headers).await
            }
            Self::Instance(endpoint) => ask_instance(endpoint).await,
        }
    }
}

impl Issue for KeyIssuer {
    type Good = Keys;
    type Error = UpstreamError;

    fn issuer(&self) -> String {
        self.endpoint().issuer()
    }

    fn issue(self: Arc<Self>, _: Option<Arc<Held<Keys>>>) -> Issuing<Keys, UpstreamError> {
        Box::pin(async move {
            let answer = self.ask().await?;
            let answer: Answer = self.endpoint().read(&answer)?;
            let keys = Keys::new(
                &answer.access_key_id,
                &answer.secret_access_key,
                answer.token.as_ref(),
            );
            Ok(Issued {
                good: keys.map_err(|_| self.endpoint().complain("its keys cannot be used"))?,
                lifetime: Some(lifetime(answer.expiration.as_deref(), SystemTime::now())),
                renew_after: None,
            })
        })
    }

    fn given_up(&self) -> UpstreamError {
        UpstreamError::given_up(self.issuer())
    }
}

/// A session's token, the name of the instance's role, the role's keys.
async fn ask_instance(endpoint: &Endpoint) -> Result<Bytes, UpstreamError> {
    let life = [(TOKEN_LIFE, HeaderValue::from_static("60"))];
    let token = endpoint
        .ask(
            Method::PUT,
            TOKEN_PATH,
            life.into_iter().collect(),
            Bytes::new(),
        )
        .await?;
    let token = HeaderValue::from_maybe_shared(token)
        .map_err(|_| endpoint.complain("its answer cannot be read"))?;
    let headers: HeaderMap = [(TOKEN, token)].into_iter().collect();
    let role = endpoint
        .ask(Method::GET, ROLE_PATH, headers.clone(), Bytes::new())
        .await?;
    let role = role_name(&role).ok_or_else(|| endpoint.complain("the instance has no role"))?;
    let path = format!("{ROLE_PATH}{role}");
    endpoint
        .ask(Method::GET, &path, headers, Bytes::new())
        .await
}

/// The first line, when it is a role's name (IAM: letters, digits and `+=,.@_-`).
fn role_name(answer: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(answer).ok()?.lines().next()?.trim();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    (!name.is_empty() && name.len() <= ROLE_CHARS_MAX && name.bytes().all(fits)).then_some(name)
}

/// The file changes with time, so it is read each time.
async fn read_token(file: &str, endpoint: &Endpoint) -> Result<HeaderValue, UpstreamError> {
    let text = tokio::fs::read_to_string(file)
        .await
        .map_err(|_| endpoint.complain(format!("the token file `{file}` cannot be read")))?;
    authorization(text.trim())
}

fn authorization(token: &str) -> Result<HeaderValue, UpstreamError> {
    secret_value("container token", token)
}

/// How long keys hold that expire at a time such as `2026-01-02T03:04:05Z`.
fn lifetime(expiration: Option<&str>, now: SystemTime) -> Duration {
    expiration
        .and_then(time::read)
        .map_or(LIFETIME_UNKNOWN, |end| {
            end.duration_since(now).unwrap_or_default()
        })
}
