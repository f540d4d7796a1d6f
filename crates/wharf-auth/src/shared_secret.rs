//! A secret that an issuer shares with this server.

use ring::hmac;
use wharf_model::Secret;

use crate::error::TokenError;

/// The only algorithm for it.
pub(crate) const ALGORITHM: &str = "HS256";
/// A shorter secret can be found by trying, by whoever has one token (RFC 7518 §3.2).
pub(crate) const BYTES_MIN: usize = 32;

/// The secret, and the one before it.
#[derive(Debug)]
pub(crate) struct SharedSecret {
    current: hmac::Key,
    previous: Option<hmac::Key>,
}

impl SharedSecret {
    pub(crate) fn new(current: &Secret, previous: Option<&Secret>) -> Self {
        let key = |secret: &Secret| hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        Self {
            current: key(current),
            previous: previous.map(key),
        }
    }

    /// In constant time; the secret before gets one try.
    pub(crate) fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .any(|key| hmac::verify(key, signed, signature).is_ok())
            .then_some(())
            .ok_or(TokenError::Signature)
    }
}
