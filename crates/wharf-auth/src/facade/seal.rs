//! Values that travel through others: sealed, so that nobody reads, changes, mixes up or outlives them.
//!
//! A sealed value is `wharf-PURPOSE-` and, in base64url, a key id, a salt and AES-256-GCM over the expiry and the value.
//! Each purpose has keys of its own, derived from the master keys and the server's public address, so that a code can
//! never pass for a token, nor what one server gave at another that has the same master keys. Each value has a key of its
//! own as well, derived from its salt: random nonces under one key would collide within the life of a busy server, salts
//! of 16 bytes do not. The first master key seals and every one opens, so keys are rotated by adding a new one behind on
//! all replicas, then putting it in front, and taking the old one away when what it sealed has ended.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;
use serde::Serialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;
use wharf_model::Secret;

use super::random::fill;
use crate::ConfigMistake;

/// A master key is tried against values that anybody holds, as fast as they like.
const MASTER_BYTES_MIN: usize = 32;
/// More only slows down what cannot be opened.
const MASTERS_MAX: usize = 8;
const KEY_ID_BYTES: usize = 4;
const SALT_BYTES: usize = 16;
const EXPIRY_BYTES: usize = 8;
const TAG_BYTES: usize = 16;
/// The longest sealed text that is looked at: a refresh token around the longest of a provider.
const TEXT_BYTES_MAX: usize = 24 << 10;
const CONTEXT: &[u8] = b"wharf sign-in 1 ";

/// What a value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A registered client: its id.
    Client,
    /// The secret of a registered client.
    ClientSecret,
    /// The question on the consent page.
    Consent,
    /// The `state` that a provider brings back.
    State,
    /// An authorization code.
    Code,
    /// An access token.
    Access,
    /// A refresh token.
    Refresh,
}

impl Purpose {
    const ALL: [Self; 7] = [
        Self::Client,
        Self::ClientSecret,
        Self::Consent,
        Self::State,
        Self::Code,
        Self::Access,
        Self::Refresh,
    ];

    /// In front of each value: for people, and for programs that look for leaked secrets.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Client => "wharf-client-",
            Self::ClientSecret => "wharf-secret-",
            Self::Consent => "wharf-consent-",
            Self::State => "wharf-state-",
            Self::Code => "wharf-code-",
            Self::Access => "wharf-access-",
            Self::Refresh => "wharf-refresh-",
        }
    }
}

/// Why a value is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// It was not sealed here, or with a key that is gone, or was changed.
    Foreign,
    /// Its time is over.
    Expired,
}

/// Seals and opens.
pub(crate) struct Seals(Vec<Master>);

struct Master {
    id: [u8; KEY_ID_BYTES],
    purposes: [hmac::Key; Purpose::ALL.len()],
}

impl Master {
    fn new(secret: &Secret, server: &str) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        let derive = |label: &[u8]| hmac::sign(&root, &[CONTEXT, label].concat());
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&derive(b"key id").as_ref()[..KEY_ID_BYTES]);
        Self {
            id,
            purposes: Purpose::ALL.map(|purpose| {
                let label = [purpose.prefix().as_bytes(), server.as_bytes()].concat();
                let derived = derive(&label);
                hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
            }),
        }
    }

    fn key(&self, purpose: Purpose, salt: &[u8]) -> LessSafeKey {
        let derived = hmac::sign(&self.purposes[purpose as usize], salt);
        let key = UnboundKey::new(&AES_256_GCM, derived.as_ref());
        LessSafeKey::new(key.expect("SHA-256 gives as many bytes as AES-256 takes"))
    }
}

/// Each key seals one value, so its nonce need not differ.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

impl Seals {
    /// For the server with this public address.
    pub(crate) fn new(keys: &[Secret], server: &str) -> Result<Self, ConfigMistake> {
        let refuse = |what: &str, hint: &str| Err(ConfigMistake::new("sign_in.keys", what, hint));
        if keys.is_empty() {
            return refuse(
                "is empty",
                "give one key by reference, such as `${env:SIGN_IN_KEY}`; `openssl rand -hex 32` makes one",
            );
        }
        if keys.len() > MASTERS_MAX {
            return refuse(
                "has more than 8 keys",
                "take away those whose refresh tokens have ended",
            );
        }
        if keys
            .iter()
            .any(|key| key.expose().trim().len() < MASTER_BYTES_MIN)
        {
            return refuse(
                "has a key of fewer than 32 bytes",
                "`openssl rand -hex 32` makes a good one",
            );
        }
        let masters: Vec<Master> = keys.iter().map(|key| Master::new(key, server)).collect();
        for (at, master) in masters.iter().enumerate() {
            if masters[..at].iter().any(|other| other.id == master.id) {
                return refuse("has the same key twice", "take one of them away");
            }
        }
        Ok(Self(masters))
    }

    /// Seals `value` until `expires_at`, in seconds since 1970.
    pub(crate) fn seal<T: Serialize>(
        &self,
        purpose: Purpose,
        value: &T,
        expires_at: u64,
    ) -> String {
        let master = &self.0[0];
        let mut salt = [0; SALT_BYTES];
        fill(&mut salt);
        let mut bytes = expires_at.to_be_bytes().to_vec();
        serde_json::to_writer(&mut bytes, value).expect("our own values are JSON");
        let additional = [purpose.prefix().as_bytes(), &master.id].concat();
        master
            .key(purpose, &salt)
            .seal_in_place_append_tag(nonce(), Aad::from(additional), &mut bytes)
            .expect("no value is near the 64 GiB that AES-GCM takes");
        let whole = [&master.id[..], &salt, &bytes].concat();
        format!("{}{}", purpose.prefix(), URL_SAFE_NO_PAD.encode(whole))
    }

    /// The value, if it was sealed here for this purpose and its time is not over at `now`.
    pub(crate) fn open<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        text: &str,
        now: u64,
    ) -> Result<T, OpenError> {
        let value = self.open_bytes(purpose, text, now)?;
        serde_json::from_slice(&value).map_err(|_| OpenError::Foreign)
    }

    /// The same, as the JSON that was sealed.
    pub(crate) fn open_bytes(
        &self,
        purpose: Purpose,
        text: &str,
        now: u64,
    ) -> Result<Vec<u8>, OpenError> {
        let (expiry, value) = self.decrypt(purpose, text).ok_or(OpenError::Foreign)?;
        if expiry <= now {
            return Err(OpenError::Expired);
        }
        Ok(value)
    }

    fn decrypt(&self, purpose: Purpose, text: &str) -> Option<(u64, Vec<u8>)> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let encoded = text.strip_prefix(purpose.prefix())?;
        let mut bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        if bytes.len() < KEY_ID_BYTES + SALT_BYTES + EXPIRY_BYTES + TAG_BYTES {
            return None;
        }
        let (head, sealed) = bytes.split_at_mut(KEY_ID_BYTES + SALT_BYTES);
        let (id, salt) = head.split_at(KEY_ID_BYTES);
        let master = self.0.iter().find(|master| master.id == id)?;
        let additional = [purpose.prefix().as_bytes(), id].concat();
        let opened = master
            .key(purpose, salt)
            .open_in_place(nonce(), Aad::from(additional), sealed)
            .ok()?;
        let (expiry, value) = opened.split_first_chunk::<EXPIRY_BYTES>()?;
        Some((u64::from_be_bytes(*expiry), value.to_vec()))
    }

    /// The secret of the client with this id.
    pub(crate) fn secret_of(&self, client_id: &str) -> String {
        Self::secret_by(&self.0[0], client_id)
    }

    /// Whether `secret` is the one of the client with this id, in a time that tells nothing.
    pub(crate) fn is_secret_of(&self, client_id: &str, secret: &str) -> bool {
        self.0.iter().fold(false, |found, master| {
            same(&Self::secret_by(master, client_id), secret) | found
        })
    }

    fn secret_by(master: &Master, client_id: &str) -> String {
        let key = &master.purposes[Purpose::ClientSecret as usize];
        let tag = hmac::sign(key, client_id.as_bytes());
        format!(
            "{}{}",
            Purpose::ClientSecret.prefix(),
            URL_SAFE_NO_PAD.encode(tag)
        )
    }
}

/// Whether two texts are the same, in a time that tells nothing but their lengths.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The first 16 bytes of a text's SHA-256: enough to tell one from any other, in few characters.
pub(crate) fn digest(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16])
}

/// Opens whatever it is given, for every purpose; whether that was refused each time. For a fuzzer: nothing that was not
/// sealed opens, and nothing panics.
pub fn probe(text: &str) -> bool {
    let key = Secret::new("k".repeat(MASTER_BYTES_MIN));
    let Ok(seals) = Seals::new(&[key], "https://mcp.example.com") else {
        return false;
    };
    Purpose::ALL.into_iter().all(|purpose| {
        let text = format!("{}{text}", purpose.prefix());
        seals.open::<serde_json::Value>(purpose, &text, 0) == Err(OpenError::Foreign)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "https://mcp.example.com";

    fn seals(keys: &[&str]) -> Seals {
        let keys: Vec<Secret> = keys.iter().map(|key| Secret::new(key.repeat(32))).collect();
        Seals::new(&keys, SERVER).unwrap()
    }

    #[test]
    fn a_value_opens_for_its_purpose_in_its_time_with_its_key() {
        let sealed = seals(&["a"]).seal(Purpose::Code, &"ann", 100);
        for (case, keys, purpose, now, expected) in [
            ("as it should be", &["a"][..], Purpose::Code, 99, Ok("ann")),
            (
                "after a rotation",
                &["b", "a"],
                Purpose::Code,
                99,
                Ok("ann"),
            ),
            (
                "too late",
                &["a"],
                Purpose::Code,
                100,
                Err(OpenError::Expired),
            ),
            (
                "as an access token",
                &["a"],
                Purpose::Access,
                99,
                Err(OpenError::Foreign),
            ),
            (
                "as a state",
                &["a"],
                Purpose::State,
                99,
                Err(OpenError::Foreign),
            ),
            (
                "with its key gone",
                &["b"],
                Purpose::Code,
                99,
                Err(OpenError::Foreign),
            ),
        ] {
            let opened = seals(keys).open::<String>(purpose, &sealed, now);
            assert_eq!(opened.as_deref(), expected.as_deref(), "{case}");
        }
        let renamed = sealed.replace("wharf-code-", "wharf-access-");
        let opened = seals(&["a"]).open::<String>(Purpose::Access, &renamed, 1);
        assert_eq!(opened, Err(OpenError::Foreign), "renamed");
        let other = Seals::new(&[Secret::new("a".repeat(32))], "https://other.example.com");
        let opened = other.unwrap().open::<String>(Purpose::Code, &sealed, 1);
        assert_eq!(opened, Err(OpenError::Foreign), "at another server");
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let seals = seals(&["a"]);
        let sealed = seals.seal(Purpose::Access, &"value", 100);
        assert!(!sealed.contains("value"));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            let opened = seals.open::<String>(Purpose::Access, &changed, 1);
            assert_eq!(opened, Err(OpenError::Foreign), "character {at}");
        }
        for cut in 0..sealed.len() {
            let opened = seals.open::<String>(Purpose::Access, &sealed[..cut], 1);
            assert_eq!(opened, Err(OpenError::Foreign), "cut at {cut}");
        }
        let long = format!("wharf-access-{}", "A".repeat(1 << 20));
        assert_eq!(
            seals.open::<String>(Purpose::Access, &long, 1),
            Err(OpenError::Foreign)
        );
    }

    #[test]
    fn the_same_value_is_never_sealed_the_same() {
        let seals = seals(&["a"]);
        let one = seals.seal(Purpose::State, &"value", 100);
        assert_ne!(one, seals.seal(Purpose::State, &"value", 100));
    }

    #[test]
    fn keys_are_judged_at_the_start() {
        for (keys, complaint) in [
            (vec![], "is empty"),
            (vec!["k".repeat(31)], "fewer than 32"),
            (vec!["a".repeat(32), "a".repeat(32)], "twice"),
            (
                (0..9).map(|n| n.to_string().repeat(40)).collect(),
                "more than 8",
            ),
        ] {
            let keys: Vec<Secret> = keys.into_iter().map(Secret::new).collect();
            let mistake = Seals::new(&keys, SERVER).err().unwrap();
            assert!(mistake.what.contains(complaint), "{mistake:?}");
        }
    }

    #[test]
    fn a_secret_is_for_one_client() {
        let old = seals(&["a"]);
        let secret = old.secret_of("one");
        let rotated = seals(&["b", "a"]);
        assert!(rotated.is_secret_of("one", &secret));
        assert!(!rotated.is_secret_of("two", &secret));
        assert!(!seals(&["b"]).is_secret_of("one", &secret));
    }
}
