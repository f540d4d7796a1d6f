//! Keys that hold for a time, from where AWS offers them.
//!
//! Containers (ECS, EKS, Lambda's snapshots) have an address of their own for it, named by the environment; instances
//! have their metadata service, which wants a token first (`IMDSv2`). Whoever has other keys, or a token in a file, gets
//! a role's keys from AWS's Security Token Service.

mod sts;

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use serde::Deserialize;
use url::Host;
use wharf_model::Secret;

use super::Keys;
use crate::credentials::secret_value;
use crate::lease::{Held, Issue, Issued, Issuing};
use crate::token::{Endpoint, Way};
use crate::{AwsSurroundings, Network, UpstreamError, address};

const ROLE_PATH: &str = "/latest/meta-data/iam/security-credentials/";
const TOKEN_PATH: &str = "/latest/api/token";
const TOKEN_LIFE: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
/// A role's name is no longer (IAM allows 64); anything else is no name.
const ROLE_CHARS_MAX: usize = 128;
/// Where the answer does not say how long its keys hold, they are asked for again after this.
const LIFETIME_UNKNOWN: Duration = Duration::from_secs(15 * 60);

/// Where ECS and EKS answer their containers.
const AWS_NEAR: [[u8; 4]; 2] = [[169, 254, 170, 2], [169, 254, 170, 23]];
const AWS_NEAR_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);

/// Who gives this program the keys of its role.
pub(super) enum KeyIssuer {
    Container {
        endpoint: Endpoint,
        token: Option<HeaderValue>,
        token_file: Option<String>,
    },
    Instance(Endpoint),
    Role(sts::Role),
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
    pub(super) fn new(
        surroundings: &AwsSurroundings,
        network: &Network,
    ) -> Result<Self, UpstreamError> {
        let way = Way {
            ca_pem: None,
            network,
        };
        match surroundings {
            AwsSurroundings::Keys { .. } => unreachable!("fixed keys are not asked for"),
            AwsSurroundings::Nowhere => Err(UpstreamError::Credentials {
                part: "access_key_id",
                reason: "is not given, neither here nor in the environment",
            }),
            AwsSurroundings::Role { role, keys } => {
                sts::Role::assumed(role, keys, way).map(Self::Role)
            }
            AwsSurroundings::WebIdentity { role, token_file } => {
                sts::Role::of_token(role, token_file, way).map(Self::Role)
            }
            AwsSurroundings::Instance { url } => Endpoint::near(url).map(Self::Instance),
            AwsSurroundings::Container {
                url,
                token,
                token_file,
            } => Ok(Self::Container {
                endpoint: container(url)?,
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
            Self::Role(role) => role.endpoint(),
        }
    }

    async fn ask(&self) -> Result<Answer, UpstreamError> {
        let answer = match self {
            Self::Role(role) => return role.ask().await,
            Self::Container {
                endpoint,
                token,
                token_file,
            } => {
                let token = match token_file {
                    Some(file) => Some(authorization(&read_token(file, endpoint).await?)?),
                    None => token.clone(),
                };
                let headers = token
                    .map(|token| (AUTHORIZATION, token))
                    .into_iter()
                    .collect();
                endpoint.get(headers).await
            }
            Self::Instance(endpoint) => ask_instance(endpoint).await,
        }?;
        self.endpoint().read(&answer)
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

/// A container's address for keys. What proves that it is this container is sent there: over TLS, or no further than this
/// machine and the addresses that AWS gives to it.
fn container(url: &str) -> Result<Endpoint, UpstreamError> {
    let (parsed, _) = address::parse(url)?;
    let is_near = match parsed.host() {
        Some(Host::Ipv4(address)) => {
            address.is_loopback() || AWS_NEAR.iter().any(|near| address.octets() == *near)
        }
        Some(Host::Ipv6(address)) => address.is_loopback() || address == AWS_NEAR_V6,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if parsed.scheme() != "https" && !is_near {
        return Err(UpstreamError::Url {
            url: address::shown(url),
            reason: "is not `https`, and no container is given its keys there",
        });
    }
    Endpoint::near(url)
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
async fn read_token(file: &str, endpoint: &Endpoint) -> Result<String, UpstreamError> {
    let text = tokio::fs::read_to_string(file)
        .await
        .map_err(|_| endpoint.complain(format!("the token file `{file}` cannot be read")))?;
    Ok(text.trim().to_owned())
}

fn authorization(token: &str) -> Result<HeaderValue, UpstreamError> {
    secret_value("container token", token)
}

/// How long keys hold that expire at a time such as `2026-01-02T03:04:05Z`.
fn lifetime(expiration: Option<&str>, now: SystemTime) -> Duration {
    expiration
        .and_then(|text| DateTime::from_str(text, Format::DateTimeWithOffset).ok())
        .and_then(|end| SystemTime::try_from(end).ok())
        .map_or(LIFETIME_UNKNOWN, |end| {
            end.duration_since(now).unwrap_or_default()
        })
}
