//! An issuer's public keys (RFC 7517), and what they make of a signature.
//!
//! A key that cannot be used here (another kind, for encryption, too short) is left out. It never spoils the others: an
//! issuer may begin to publish such keys any day.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use wharf_model::Slice;
use wharf_upstream::UpstreamError;

use crate::algorithm::{Algorithm, Family};
use crate::error::TokenError;
use crate::strict;

/// More keys than this are no key set: large providers publish ten.
const KEYS_MAX: usize = 100;
/// Bits of an RSA modulus. Shorter ones are weak, longer ones cost more to check than a call does.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
/// Bytes of an RSA exponent; nearly every one is 65,537.
const EXPONENT_BYTES_MAX: usize = 5;

/// The keys that an issuer publishes.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// The only algorithm that it is for, where it says so.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Debug, PartialEq, Eq)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// Why there are no keys.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeysError {
    /// A document cannot be fetched.
    #[error("cannot fetch `{url}`")]
    Fetch {
        /// Where it should be.
        url: String,
        /// Why.
        source: Box<UpstreamError>,
    },
    /// What came is something else.
    #[error("`{url}` {reason}")]
    Document {
        /// Where it came from.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The last attempt failed a moment ago, and the next one is not due.
    #[error("the last attempt to fetch them failed a moment ago")]
    Lately,
}

impl PartialEq for KeysError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for KeysError {}

impl KeySet {
    /// Reads a set; the error says what is wrong with it.
    pub(crate) fn parse(bytes: Bytes) -> Result<Self, &'static str> {
        let json = strict::object(bytes).ok_or("is no JSON object")?;
        let keys = json.slice().get("keys").ok_or("has no `keys`")?.items();
        if keys.len() > KEYS_MAX {
            return Err("has too many keys");
        }
        let keys: Vec<_> = keys.into_iter().filter_map(Key::read).collect();
        if keys.is_empty() {
            return Err("has no key that a token can be checked with");
        }
        Ok(Self { keys })
    }

    /// Checks a signature by the key that the token names. A token that names none is checked where there is no choice.
    pub(crate) fn verify(
        &self,
        algorithm: Algorithm,
        key_id: Option<&str>,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), TokenError> {
        let family = algorithm.family();
        let mut fitting = self.keys.iter().filter(|key| {
            key.fits(algorithm, &family) && (key_id.is_none() || key.id.as_deref() == key_id)
        });
        let key = fitting.next().ok_or(TokenError::UnknownKey)?;
        if key_id.is_none() && fitting.next().is_some() {
            return Err(TokenError::UnknownKey);
        }
        key.verify(&family, signed, signature)
            .map_err(|_| TokenError::Signature)
    }
}

impl Key {
    /// None for what cannot be used.
    fn read(key: Slice<'_>) -> Option<Self> {
        let text = |name: &str| key.get(name)?.text();
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?.as_bytes()).ok();
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let operations = key.get("key_ops").map(Slice::items);
        let verifies = |operation: &Slice<'_>| operation.text().is_some_and(|it| it == "verify");
        if operations.is_some_and(|operations| !operations.iter().any(verifies)) {
            return None;
        }
        // An uncompressed point (SEC 1 §2.3.3). The coordinates have a fixed length: RFC 7518 §6.2.1.2.
        let point = |length: usize| {
            let point = [vec![4], bytes("x")?, bytes("y")?];
            point[1..]
                .iter()
                .all(|half| half.len() == length)
                .then(|| point.concat())
        };
        let curve = text("crv");
        let material = match (text("kty")?.as_ref(), curve.as_deref()) {
            ("RSA", _) => {
                let (n, e) = (bytes("n")?, bytes("e")?);
                // Some issuers write a leading zero, which RFC 7518 §2 forbids and nobody minds.
                let n = n.strip_prefix(&[0]).unwrap_or(&n).to_vec();
                let fits =
                    RSA_BYTES.contains(&n.len()) && (1..=EXPONENT_BYTES_MAX).contains(&e.len());
                fits.then_some(Material::Rsa { n, e })?
            }
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => {
                Material::Ed25519(bytes("x").filter(|point| point.len() == 32)?)
            }
            _ => return None,
        };
        Some(Self {
            id: text("kid").map(std::borrow::Cow::into_owned),
            algorithm: text("alg").map(std::borrow::Cow::into_owned),
            material,
        })
    }

    fn fits(&self, algorithm: Algorithm, family: &Family) -> bool {
        let is_kind = matches!(
            (&self.material, family),
            (Material::Rsa { .. }, Family::Rsa(_))
                | (Material::P256(_), Family::P256(_))
                | (Material::P384(_), Family::P384(_))
                | (Material::Ed25519(_), Family::Ed25519)
        );
        let own = self.algorithm.as_deref();
        is_kind && own.is_none_or(|own| Algorithm::named(own) == Some(algorithm))
    }

    fn verify(
        &self,
        family: &Family,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), ring::error::Unspecified> {
        match (&self.material, family) {
            (Material::Rsa { n, e }, Family::Rsa(parameters)) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature)
            }
            (Material::P256(point), Family::P256(ecdsa))
            | (Material::P384(point), Family::P384(ecdsa)) => {
                UnparsedPublicKey::new(*ecdsa, point).verify(signed, signature)
            }
            (Material::Ed25519(point), Family::Ed25519) => {
                UnparsedPublicKey::new(&signature::ED25519, point).verify(signed, signature)
            }
            _ => Err(ring::error::Unspecified),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(keys: &str) -> Result<Vec<String>, &'static str> {
        let set = KeySet::parse(Bytes::from(format!("{{\"keys\":[{keys}]}}")))?;
        let ids = set.keys.into_iter().map(|key| key.id.unwrap_or_default());
        Ok(ids.collect())
    }

    #[test]
    fn what_cannot_be_used_is_left_out() {
        let n = URL_SAFE_NO_PAD.encode([0xff; 256]);
        let short = URL_SAFE_NO_PAD.encode([0xff; 128]);
        let long = URL_SAFE_NO_PAD.encode([0xff; 1024]);
        let half = URL_SAFE_NO_PAD.encode([1; 32]);
        let good = format!(r#"{{"kid":"good","kty":"RSA","n":"{n}","e":"AQAB"}}"#);
        for (case, key, taken) in [
            (
                "for signatures",
                format!(
                    r#"{{"kid":"k","kty":"RSA","use":"sig","alg":"RS256","n":"{n}","e":"AQAB"}}"#
                ),
                true,
            ),
            (
                "to verify with",
                format!(r#"{{"kid":"k","kty":"RSA","key_ops":["verify"],"n":"{n}","e":"AQAB"}}"#),
                true,
            ),
            (
                "for encryption",
                format!(r#"{{"kid":"k","kty":"RSA","use":"enc","n":"{n}","e":"AQAB"}}"#),
                false,
            ),
            (
                "to wrap keys with",
                format!(r#"{{"kid":"k","kty":"RSA","key_ops":["wrapKey"],"n":"{n}","e":"AQAB"}}"#),
                false,
            ),
            (
                "too short",
                format!(r#"{{"kid":"k","kty":"RSA","n":"{short}","e":"AQAB"}}"#),
                false,
            ),
            (
                "too long",
                format!(r#"{{"kid":"k","kty":"RSA","n":"{long}","e":"AQAB"}}"#),
                false,
            ),
            (
                "a huge exponent",
                format!(r#"{{"kid":"k","kty":"RSA","n":"{n}","e":"{n}"}}"#),
                false,
            ),
            (
                "no modulus",
                r#"{"kid":"k","kty":"RSA","e":"AQAB"}"#.to_owned(),
                false,
            ),
            (
                "a shared secret",
                r#"{"kid":"k","kty":"oct","k":"c2VjcmV0"}"#.to_owned(),
                false,
            ),
            (
                "a curve",
                format!(r#"{{"kid":"k","kty":"EC","crv":"P-256","x":"{half}","y":"{half}"}}"#),
                true,
            ),
            (
                "another curve",
                format!(r#"{{"kid":"k","kty":"EC","crv":"secp256k1","x":"{half}","y":"{half}"}}"#),
                false,
            ),
            (
                "half a point",
                format!(r#"{{"kid":"k","kty":"EC","crv":"P-256","x":"{half}"}}"#),
                false,
            ),
            (
                "a point of another curve",
                format!(r#"{{"kid":"k","kty":"EC","crv":"P-384","x":"{half}","y":"{half}"}}"#),
                false,
            ),
            (
                "Ed25519",
                format!(r#"{{"kid":"k","kty":"OKP","crv":"Ed25519","x":"{half}"}}"#),
                true,
            ),
            ("no object", "1".to_owned(), false),
        ] {
            let read = kinds(&format!("{key},{good}"));
            let expected: &[&str] = if taken { &["k", "good"] } else { &["good"] };
            assert_eq!(read.unwrap(), expected, "{case}");
        }
        let many = vec![good; KEYS_MAX + 1].join(",");
        assert_eq!(kinds(&many), Err("has too many keys"));
        assert_eq!(
            kinds(r#"{"kty":"oct"}"#),
            Err("has no key that a token can be checked with")
        );
        assert_eq!(
            KeySet::parse(Bytes::from_static(b"{}")).map(drop),
            Err("has no `keys`")
        );
        assert_eq!(
            KeySet::parse(Bytes::from_static(b"<html>")).map(drop),
            Err("is no JSON object")
        );
    }
}
