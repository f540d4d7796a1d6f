//! Failures that are not for the model to mend.

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
    /// Not offered by this source.
    #[error("not supported")]
    Unsupported,
    /// The server failed; the text is for the client and holds nothing secret.
    #[error("{0}")]
    Internal(String),
}
