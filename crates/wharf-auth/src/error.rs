//! Why a token is refused.

use crate::keys::KeysError;

/// Why a token is refused. The texts go to whoever sent it, so they repeat nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No key is that one, and no issuer makes such tokens.
    #[error("neither a key nor a token that is known here was sent")]
    UnknownCredential,
    /// It cannot be read as a token.
    #[error("the token cannot be read: {0}")]
    Malformed(&'static str),
    /// Nobody here trusts whoever issued it.
    #[error("the token's issuer is not trusted here")]
    UnknownIssuer,
    /// It is signed in a way that is not taken from its issuer, or not at all.
    #[error("the token is not signed by an algorithm that is taken from its issuer")]
    Algorithm,
    /// The issuer has no such key.
    #[error("the token is signed by a key that its issuer does not publish")]
    UnknownKey,
    /// The signature is not what the key makes.
    #[error("the token's signature is wrong")]
    Signature,
    /// It has ended.
    #[error("the token has expired")]
    Expired,
    /// It does not say when it ends.
    #[error("the token does not say when it expires")]
    Endless,
    /// It is for later.
    #[error("the token is not valid yet")]
    Early,
    /// It is for somebody else.
    #[error("the token is not for this server: its audience is another")]
    Audience,
    /// It was given to a client that is not permitted.
    #[error("the token was given to a client that is not permitted here")]
    Client,
    /// It does not say whom it is about.
    #[error("the token does not say whom it is about")]
    Subject,
    /// A claim that has to be there is not, or is another.
    #[error("the token's claim `{0}` is not what is required here")]
    Claim(String),
    /// The issuer's keys cannot be had at the moment, so nothing can be said.
    #[error("the keys of the token's issuer cannot be had at the moment; try again")]
    NoKeys(#[from] KeysError),
    /// The secret that is shared with the issuer cannot be had at the moment.
    #[error("the secret of the token's issuer cannot be had at the moment; try again")]
    NoSecret,
}

impl TokenError {
    /// A word for the log, the same for all tokens of a kind.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownCredential => "unknown_credential",
            Self::Malformed(_) => "malformed",
            Self::UnknownIssuer => "unknown_issuer",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::Endless => "endless",
            Self::Early => "early",
            Self::Audience => "audience",
            Self::Client => "client",
            Self::Subject => "subject",
            Self::Claim(_) => "claim",
            Self::NoKeys(_) => "no_keys",
            Self::NoSecret => "no_secret",
        }
    }
}
