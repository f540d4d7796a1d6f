//! The `store` section of the configuration.

use schemars::JsonSchema;
use serde::Deserialize;
use wharf_model::Secret;

/// Where replicas keep what they must know together: used sign-in codes, and what callers do under shared limits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Config {
    /// In the memory of the process: enough for one replica; two would not know of each other. What is kept is lost with
    /// the process.
    Memory {},
    /// In a Redis or Valkey server that every replica reaches. A cluster needs one address that answers for all of it. A user
    /// of its own needs the commands `select`, `set`, `pttl`, `incr`, `multi` and `exec`, and for shared limits on calls in flight
    /// `eval`, `time`, `pexpire`, `zadd`, `zcard`, `zrem` and `zremrangebyscore`.
    Redis {
        /// Its address: `redis://user:password@host:6379/0`, or `rediss://…` over TLS.
        url: Secret,
        /// Put before every key, so that several servers can share one store. Default: `wharf:`.
        #[serde(default = "default_key_prefix")]
        key_prefix: String,
        /// The longest wait for one answer, connecting included, in milliseconds. Default: 1000; a store in the same
        /// network answers in one or two, and a sign-in or a call waits for it.
        #[serde(default = "default_timeout_ms")]
        #[schemars(range(min = 1, max = 60_000))]
        timeout_ms: u64,
        /// Certificates of the authorities to trust instead of the public ones, in PEM form, for `rediss://`.
        #[serde(default)]
        ca_pem: Option<String>,
    },
    /// In a table of Amazon DynamoDB, with the partition key `id` (a text) and, so that it does not grow, time to live on
    /// `expires_at`. The role of the server needs `dynamodb:PutItem`, `dynamodb:GetItem` and `dynamodb:UpdateItem` on it.
    /// Each mark and each call that is counted is one write, and each call under `calls_in_flight_max` is two.
    #[serde(rename = "dynamodb")]
    DynamoDb {
        /// The table's name.
        table: String,
        /// Its region. Default: the region of the surroundings (`AWS_REGION`).
        #[serde(default)]
        region: Option<String>,
        /// Put before every key, so that several servers can share one table. Default: `wharf:`.
        #[serde(default = "default_key_prefix")]
        key_prefix: String,
        /// The longest wait for one answer, connecting and signing included, in milliseconds. Default: 1000; a table in
        /// the same region answers in about ten.
        #[serde(default = "default_timeout_ms")]
        #[schemars(range(min = 1, max = 60_000))]
        timeout_ms: u64,
    },
}

/// What is done while the store gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenDown {
    /// What cannot be checked is refused.
    Refuse,
    /// What cannot be checked is let through.
    Allow,
}

impl Default for Config {
    fn default() -> Self {
        Self::Memory {}
    }
}

fn default_key_prefix() -> String {
    "wharf:".to_owned()
}

fn default_timeout_ms() -> u64 {
    1_000
}
