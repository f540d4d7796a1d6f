//! API keys: whoever has one is the caller that it stands for.
//!
//! Only hashes are kept. A key that is long and random, as all of these must be, cannot be found from its SHA-256, so no
//! slow hash is needed.

use ring::digest::SHA256;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use wharf_model::{Caller, Identity};

use crate::config::{ConfigMistake, KeyConfig};
use crate::scopes::ImpliedScopes;

/// All are compared each time, so the time of a request grows with their number.
const KEYS_MAX: usize = 1_000;
/// A shorter key can be found by trying.
const KEY_BYTES_MIN: usize = 20;
const HINT: &str = "`openssl rand -hex 32` makes a key, `printf %s KEY | sha256sum` its hash";

/// A SHA-256.
pub(crate) type Digest = [u8; 32];

/// The hash of what somebody sent.
pub(crate) fn digest_of(text: &str) -> Digest {
    let hash = ring::digest::digest(&SHA256, text.as_bytes());
    hash.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// The keys, and whom they stand for.
#[derive(Debug, Default)]
pub(crate) struct ApiKeys {
    digests: Vec<Digest>,
    callers: Vec<Caller>,
}

impl ApiKeys {
    pub(crate) fn new(
        keys: &[KeyConfig],
        implied: &ImpliedScopes,
    ) -> Result<Self, Vec<ConfigMistake>> {
        let mut mistakes = Vec::new();
        let mut all = Self::default();
        if keys.len() > KEYS_MAX {
            return Err(vec![ConfigMistake::new(
                "auth.keys",
                format!("has more than {KEYS_MAX} keys"),
                "so many callers are better known by tokens of an issuer",
            )]);
        }
        for (number, key) in keys.iter().enumerate() {
            let at = |name: &str| format!("auth.keys[{number}]{name}");
            match read(key) {
                Ok(digest) if all.digests.contains(&digest) => mistakes.push(ConfigMistake::new(
                    at(""),
                    "has the key of another caller",
                    HINT,
                )),
                Ok(digest) => all.digests.push(digest),
                Err((name, what)) => mistakes.push(ConfigMistake::new(at(name), what, HINT)),
            }
            if key.subject.is_empty() {
                mistakes.push(ConfigMistake::new(
                    at(".subject"),
                    "is empty",
                    "give the caller a name: it stands in logs, and tells callers apart",
                ));
            }
            let mut scopes = key.scopes.iter().cloned().collect();
            implied.complete(&mut scopes);
            all.callers.push(Caller::known(Identity {
                subject: key.subject.clone(),
                scopes,
                groups: key.groups.iter().cloned().collect(),
                ..Identity::default()
            }));
        }
        if mistakes.is_empty() {
            Ok(all)
        } else {
            Err(mistakes)
        }
    }

    /// Whose key has this hash. Takes as long for a good one as for any other.
    pub(crate) fn find(&self, sent: &Digest) -> Option<&Caller> {
        let mut place = u32::MAX;
        for (number, digest) in (0..).zip(&self.digests) {
            place.conditional_assign(&number, digest.ct_eq(sent));
        }
        self.callers.get(place as usize)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }
}

/// The hash that the configuration means, or which of its keys is wrong and how.
fn read(config: &KeyConfig) -> Result<Digest, (&'static str, String)> {
    match (&config.key, &config.sha256) {
        (Some(key), None) if key.expose().len() < KEY_BYTES_MIN => {
            Err((".key", format!("has fewer than {KEY_BYTES_MIN} bytes")))
        }
        (Some(key), None) => Ok(digest_of(key.expose())),
        (None, Some(digits)) => digest(digits)
            .ok_or_else(|| (".sha256", "has other than 64 hexadecimal digits".to_owned())),
        _ => Err(("", "needs one of `key` and `sha256`".to_owned())),
    }
}

fn digest(digits: &str) -> Option<Digest> {
    let mut digest = Digest::default();
    let is_hash =
        digits.len() == 2 * digest.len() && digits.bytes().all(|it| it.is_ascii_hexdigit());
    if !is_hash {
        return None;
    }
    for (byte, place) in digest.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&digits[place..place + 2], 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use wharf_model::Secret;

    use super::*;

    fn key(key: &str, subject: &str) -> KeyConfig {
        KeyConfig {
            key: Some(Secret::new(key)),
            subject: subject.to_owned(),
            ..KeyConfig::default()
        }
    }

    fn hashed(digits: &str, subject: &str) -> KeyConfig {
        KeyConfig {
            sha256: Some(digits.to_owned()),
            subject: subject.to_owned(),
            ..KeyConfig::default()
        }
    }

    #[test]
    fn a_key_finds_its_caller() {
        // As sha256sum has it, in either case.
        let hash = "3C469E9D6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0";
        let keys = [
            hashed(hash, "ann"),
            key("a-key-that-is-long-enough", "bob"),
            key("another-key-long-enough!", "cem"),
        ];
        let keys = ApiKeys::new(&keys, &ImpliedScopes::default()).unwrap();
        for (sent, subject) in [
            ("token", Some("ann")),
            ("a-key-that-is-long-enough", Some("bob")),
            ("another-key-long-enough!", Some("cem")),
            ("a-key-that-is-long-enougH", None),
            ("a-key-that-is-long-enough ", None),
            (hash, None),
            ("", None),
        ] {
            let found = keys.find(&digest_of(sent));
            assert_eq!(found.and_then(Caller::subject), subject, "{sent}");
        }
        let none = ApiKeys::default();
        assert!(none.find(&digest_of("")).is_none());
        assert!(none.find(&Digest::default()).is_none());
    }

    #[test]
    fn mistakes_are_told_all_at_once() {
        let same = "a-key-that-is-long-enough";
        let both = KeyConfig {
            key: Some(Secret::new(same)),
            ..hashed(&"0".repeat(64), "e")
        };
        let neither = KeyConfig {
            subject: "f".to_owned(),
            ..KeyConfig::default()
        };
        let keys = [
            key("short", "a"),
            hashed("12", "b"),
            hashed(&"g".repeat(64), "c"),
            key(same, ""),
            key(same, "d"),
            both,
            neither,
        ];
        let mistakes = ApiKeys::new(&keys, &ImpliedScopes::default()).unwrap_err();
        let told: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "`auth.keys[0].key` has fewer than 20 bytes",
                "`auth.keys[1].sha256` has other than 64 hexadecimal digits",
                "`auth.keys[2].sha256` has other than 64 hexadecimal digits",
                "`auth.keys[3].subject` is empty",
                "`auth.keys[4]` has the key of another caller",
                "`auth.keys[5]` needs one of `key` and `sha256`",
                "`auth.keys[6]` needs one of `key` and `sha256`",
            ]
        );
    }
}
