//! Failures that are not for the model to mend.

use std::time::Duration;

use crate::Json;

/// A protocol error: the client program did something wrong, or the server cannot go on.
///
/// What a model can mend (bad arguments, an upstream that says no) is a [`crate::ToolResult`] with `is_error` instead.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No tool or prompt of that name is offered.
    #[error("unknown {kind} `{name}`")]
    Unknown {
        /// `tool` or `prompt`.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
    },
    /// No resource has that address.
    #[error("no resource `{uri}`")]
    ResourceNotFound {
        /// The address that was asked for.
        uri: String,
    },
    /// The request's parameters do not make sense.
    #[error("{0}")]
    InvalidParams(String),
    /// The call needs something that this client did not say it can do.
    #[error("the client does not declare a capability that this call needs: {capabilities:?}")]
    MissingCapability {
        /// As a capabilities object, such as `{"sampling":{}}`.
        capabilities: Json,
    },
    /// Nobody may do this without proving who they are.
    #[error("this needs a caller who has signed in")]
    Unauthenticated,
    /// The caller may not do this.
    #[error("the caller may not do this")]
    Forbidden {
        /// The scopes that would permit it, all of them; empty where no scope would.
        scopes: Vec<String>,
    },
    /// This caller has asked for too much lately.
    #[error("too many calls; try again in {} s", whole_seconds(*retry_after))]
    TooManyCalls {
        /// When another try makes sense.
        retry_after: Duration,
    },
    /// The server, or what it depends on, has more to do than it can.
    #[error("overloaded; try again in {} s", whole_seconds(*retry_after))]
    Overloaded {
        /// When another try makes sense.
        retry_after: Duration,
    },
    /// Not offered by this source.
    #[error("not supported")]
    Unsupported,
    /// The server failed; the text is for the client and holds nothing secret.
    #[error("{0}")]
    Internal(String),
}

/// Seconds as `Retry-After` counts them: rounded up, so that nobody comes back too early.
pub fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
