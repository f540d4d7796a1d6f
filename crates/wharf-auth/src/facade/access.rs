//! Our own access tokens, judged on every call: one HMAC and one decryption, and nobody to ask.

use bytes::Bytes;
use wharf_model::{Identity, Json};

use super::SignIn;
use super::seal::{OpenError, Purpose};
use crate::Claims;

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// It is not ours, or was changed, or its key is gone.
    #[error("the token is not one of this server's")]
    Foreign,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It is for another server with the same keys.
    #[error("the token is not for this server: its audience is another")]
    Audience,
}

impl SignIn {
    /// Whether a token looks like one of ours, so that nobody else needs to judge it.
    pub fn is_ours(token: &str) -> bool {
        token.starts_with("wharf-access-")
    }

    /// Who holds a token that is good at `now`, and when it ends (seconds since 1970).
    pub fn identity(&self, token: &str, now: u64) -> Result<(Identity, u64), AccessError> {
        let facade = &*self.0;
        let opened = facade.seals.open_bytes(Purpose::Access, token, now);
        let bytes = opened.map_err(|error| match error {
            OpenError::Foreign => AccessError::Foreign,
            OpenError::Expired => AccessError::Expired,
        })?;
        let json = Json::parse(Bytes::from(bytes)).map_err(|_| AccessError::Foreign)?;
        let claims = Claims::read(json).map_err(|_| AccessError::Foreign)?;
        if claims.issuer() != Some(facade.issuer.as_str()) {
            return Err(AccessError::Foreign);
        }
        if !claims.audiences().contains(&facade.resource) {
            return Err(AccessError::Audience);
        }
        let identity = Identity {
            subject: claims.text("sub").ok_or(AccessError::Foreign)?,
            issuer: Some(facade.issuer.clone()),
            client_id: claims.client_id(),
            scopes: claims.scopes(),
            groups: claims.all_of(&["groups".to_owned()]),
            claims: claims.json().clone(),
        };
        Ok((identity, claims.expires_at().unwrap_or_default()))
    }
}
