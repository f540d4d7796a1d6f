//! Why the store gave no answer.

use redis::RedisError;

/// Why the store gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address cannot be used. It may hold a password, so it is not repeated.
    #[error("`store.url` is no address of a Redis or Valkey server")]
    Url {
        /// What is wrong with it.
        source: RedisError,
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
        /// Host and port.
        at: String,
        /// The reason.
        source: RedisError,
    },
    /// It did not answer in time.
    #[error("the store at `{at}` did not answer within {timeout_ms} ms")]
    Slow {
        /// Host and port.
        at: String,
        /// How long was waited.
        timeout_ms: u64,
    },
    /// It failed a moment ago and is given time.
    #[error("the store at `{at}` failed a moment ago and was not asked")]
    Resting {
        /// Host and port.
        at: String,
    },
    /// The memory has no room for more.
    #[error("the store in memory is full")]
    Full,
}

impl StoreError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
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
        }
    }
}
