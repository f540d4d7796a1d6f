//! A secret that an issuer shares with this server.

use ring::hmac;
use wharf_aws::RotatingSecret;
use wharf_model::{Secret, with_causes};

use crate::error::TokenError;

/// The only algorithm for it.
pub(crate) const ALGORITHM: &str = "HS256";
/// A shorter secret can be found by trying, by whoever has one token (RFC 7518 §3.2).
pub(crate) const BYTES_MIN: usize = 32;

/// The secret, and the one before it.
#[derive(Debug)]
pub(crate) struct SharedSecret {
    current: Current,
    previous: Option<hmac::Key>,
}

#[derive(Debug)]
enum Current {
    Fixed(hmac::Key),
    /// Somebody changes it while it is in use, and knows the one before.
    Rotating(RotatingSecret),
}

impl SharedSecret {
    pub(crate) fn new(current: &Secret, previous: Option<&Secret>) -> Self {
        Self {
            current: Current::Fixed(key(current)),
            previous: previous.map(key),
        }
    }

    pub(crate) fn rotating(current: RotatingSecret, previous: Option<&Secret>) -> Self {
        Self {
            current: Current::Rotating(current),
            previous: previous.map(key),
        }
    }

    /// In constant time; the secret before gets one try.
    pub(crate) async fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        let fits = |key: &hmac::Key| hmac::verify(key, signed, signature).is_ok();
        let fits = match &self.current {
            Current::Fixed(current) => fits(current) || self.previous.as_ref().is_some_and(fits),
            Current::Rotating(secret) => {
                let current = secret.current().await.map_err(|error| {
                    tracing::warn!(
                        error = %with_causes(&error),
                        "tokens cannot be checked"
                    );
                    TokenError::NoSecret
                })?;
                let previous = || {
                    let seen = secret.previous().filter(is_long).as_ref().map(key);
                    seen.as_ref().or(self.previous.as_ref()).is_some_and(fits)
                };
                // Whoever changes it may make it too short.
                let fits_long = |secret: &Secret| is_long(secret) && fits(&key(secret));
                fits_long(&current)
                    || previous()
                    || secret.renewed().await.as_ref().is_some_and(fits_long)
            }
        };
        fits.then_some(()).ok_or(TokenError::Signature)
    }
}

fn key(secret: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes())
}

fn is_long(secret: &Secret) -> bool {
    secret.expose().len() >= BYTES_MIN
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;

    const SIGNED: &[u8] = b"header.claims";

    fn secret(letter: char) -> Secret {
        Secret::new(letter.to_string().repeat(BYTES_MIN))
    }

    fn signature(letter: char) -> Vec<u8> {
        hmac::sign(&key(&secret(letter)), SIGNED).as_ref().to_vec()
    }

    /// The store answers with these, one after another; then it is down.
    fn store(answers: &[Secret]) -> RotatingSecret {
        let answers = Arc::new(Mutex::new(VecDeque::from(answers.to_vec())));
        RotatingSecret::new("the key", Some(secret('a')), move || {
            let next = answers.lock().unwrap().pop_front();
            Box::pin(async move { next.ok_or_else(|| io::Error::other("down")) })
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_that_changes_is_followed_and_the_one_before_is_tried() {
        let shared = SharedSecret::rotating(store(&[secret('b')]), None);
        assert!(shared.verify(SIGNED, &signature('a')).await.is_ok());
        assert_eq!(
            shared.verify(SIGNED, &signature('b')).await,
            Err(TokenError::Signature),
            "nobody has looked yet"
        );
        tokio::time::advance(Duration::from_secs(301)).await;
        assert!(
            shared.verify(SIGNED, &signature('b')).await.is_ok(),
            "the new one, which is just being fetched"
        );
        assert!(
            shared.verify(SIGNED, &signature('a')).await.is_ok(),
            "the one before"
        );
        assert_eq!(
            shared.verify(SIGNED, &signature('c')).await,
            Err(TokenError::Signature)
        );
        // The store is down: what there is serves for an hour.
        tokio::time::advance(Duration::from_secs(3000)).await;
        assert!(shared.verify(SIGNED, &signature('b')).await.is_ok());
        tokio::time::advance(Duration::from_secs(3601)).await;
        assert_eq!(
            shared.verify(SIGNED, &signature('b')).await,
            Err(TokenError::NoSecret)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_that_became_too_short_checks_nothing() {
        let shared = SharedSecret::rotating(store(&[Secret::new("x")]), None);
        tokio::time::advance(Duration::from_secs(301)).await;
        let short = hmac::sign(&key(&Secret::new("x")), SIGNED);
        for _ in 0..5 {
            assert!(shared.verify(SIGNED, short.as_ref()).await.is_err());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(
            shared.verify(SIGNED, &signature('a')).await.is_ok(),
            "the one before"
        );
    }
}
