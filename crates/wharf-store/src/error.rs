//! Why the store gave no answer.

use std::borrow::Cow;

use redis::{ErrorKind, RedisError};
use wharf_aws::AwsError;

/// Why the store gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address cannot be used. It may hold a password, so it is not repeated.
    #[error("`store.url` is no address of a Redis or Valkey server")]
    Url {
        /// What is wrong with it.
        source: RedisError,
    },
    /// DynamoDB cannot be called.
    #[error("the table of `store` cannot be used")]
    Aws {
        /// Why not.
        source: AwsError,
    },
    /// A value that cannot work.
    #[error("`store.{key}` {reason}")]
    Value {
        /// Where.
        key: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// It cannot be reached, or refuses.
    #[error("the store at `{at}` does not do its work")]
    Down {
        /// Host and port, or the table.
        at: String,
        /// The reason.
        source: Outage,
    },
    /// It did not answer in time.
    #[error("the store at `{at}` did not answer within {timeout_ms} ms")]
    Slow {
        /// Host and port, or the table.
        at: String,
        /// How long was waited.
        timeout_ms: u64,
    },
    /// It failed a moment ago and is given time.
    #[error("the store at `{at}` failed a moment ago and was not asked")]
    Resting {
        /// Host and port, or the table.
        at: String,
    },
    /// The memory has no room for more.
    #[error("the store in memory is full")]
    Full,
}

/// Why a store does not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Outage {
    /// What Redis or Valkey says, or the connection to it.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// What AWS says, or the connection to it.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl Outage {
    /// Whether nothing came back, which a caller may wait long for; an answer that is a refusal comes at once.
    fn is_silence(&self) -> bool {
        match self {
            Self::Redis(error) => !matches!(
                error.kind(),
                ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::UnexpectedReturnType
            ),
            Self::Aws(error) => match error {
                AwsError::Refused { status, .. } => *status >= 500,
                AwsError::Contended { .. } | AwsError::Answer { .. } => false,
                _ => true,
            },
        }
    }
}

impl StoreError {
    /// Whether the store said nothing at all.
    pub(crate) fn is_silence(&self) -> bool {
        match self {
            Self::Down { source, .. } => source.is_silence(),
            Self::Slow { .. } => true,
            _ => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Cow<'static, str> {
        let hint = match self {
            Self::Aws { source }
            | Self::Down {
                source: Outage::Aws(source),
                ..
            } => {
                return source.hint().unwrap_or_else(|| {
                    "check the table, the region and what the role of this server may do".into()
                });
            }
            Self::Url { .. } => {
                "write it like `redis://user:password@host:6379/0`, or `rediss://…` for TLS"
            }
            Self::Value { .. } => "leave it out for the default",
            Self::Down { .. } => {
                "check that the server runs, that this machine may reach it, and its user and password"
            }
            Self::Slow { .. } | Self::Resting { .. } => {
                "check the load of the server and the network to it, or raise `store.timeout_ms`"
            }
            Self::Full => "share the work among several replicas with a Redis or Valkey store",
        };
        hint.into()
    }
}
