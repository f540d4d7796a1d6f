//! The seal over state that travels through the client.
//!
//! The client can read the state and must not be able to change it, to use it for another call, for somebody else, or
//! forever. So its tag (HMAC-SHA256) covers the state, when it expires, and a digest of the call and the caller.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use wharf_model::{JsonKind, Slice};

use crate::settings::StateKey;

/// Covered by every tag, so that a tag made for another use or another layout never fits.
const CONTEXT: &[u8] = b"wharf request state 1";
const EXPIRY_BYTES: usize = 8;
const TAG_BYTES: usize = 32;

/// What a state is for: a digest of the caller, the method, the names and the arguments.
#[derive(Clone, Copy)]
pub(crate) struct Purpose([u8; 32]);

impl Purpose {
    /// The arguments count by what they say, not by how they are written: a proxy may write them anew.
    pub(crate) fn new(
        subject: Option<&str>,
        method: &str,
        names: &[&str],
        arguments: Option<Slice<'_>>,
    ) -> Self {
        let mut digest = Sha256::new();
        digest.update([u8::from(subject.is_some())]);
        add_text(&mut digest, subject.unwrap_or_default());
        add_text(&mut digest, method);
        digest.update((names.len() as u64).to_be_bytes());
        for name in names {
            add_text(&mut digest, name);
        }
        add_value(&mut digest, arguments.unwrap_or(Slice::from_checked("{}")));
        Self(digest.finalize().into())
    }
}

fn add_text(digest: &mut Sha256, text: &str) {
    digest.update((text.len() as u64).to_be_bytes());
    digest.update(text);
}

/// As deep as the message, which is bounded.
fn add_value(digest: &mut Sha256, value: Slice<'_>) {
    match value.kind() {
        JsonKind::Object => {
            let mut members = value.members();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            digest.update(b"{");
            digest.update((members.len() as u64).to_be_bytes());
            for (key, value) in members {
                add_text(digest, &key);
                add_value(digest, value);
            }
        }
        JsonKind::Array => {
            let items = value.items();
            digest.update(b"[");
            digest.update((items.len() as u64).to_be_bytes());
            for item in items {
                add_value(digest, item);
            }
        }
        JsonKind::String => {
            digest.update(b"\"");
            // A lone surrogate is no text; then the way it is written counts.
            add_text(digest, value.text().as_deref().unwrap_or(value.as_str()));
        }
        JsonKind::Number | JsonKind::Boolean | JsonKind::Null => {
            digest.update(b"=");
            add_text(digest, value.as_str());
        }
    }
}

/// Seals and opens.
pub(crate) struct Sealer {
    keyed: Hmac<Sha256>,
}

impl Sealer {
    /// With a random key when there is none.
    pub(crate) fn new(key: Option<&StateKey>) -> Self {
        let mut random = [0; TAG_BYTES];
        let key = if let Some(key) = key {
            key.bytes()
        } else {
            getrandom::fill(&mut random).expect("the operating system has randomness");
            &random
        };
        Self {
            keyed: Hmac::new_from_slice(key).expect("HMAC takes keys of any length"),
        }
    }

    fn tag(&self, purpose: &Purpose, expiry_and_state: &[u8]) -> Hmac<Sha256> {
        let mut tag = self.keyed.clone();
        tag.update(CONTEXT);
        tag.update(&purpose.0);
        tag.update(expiry_and_state);
        tag
    }

    pub(crate) fn seal(&self, state: &str, purpose: &Purpose, lifetime: Duration) -> String {
        let expiry = now_s().saturating_add(lifetime.as_secs());
        let mut sealed = expiry.to_be_bytes().to_vec();
        sealed.extend_from_slice(state.as_bytes());
        let tag = self.tag(purpose, &sealed).finalize().into_bytes();
        sealed.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The state, or why it is refused.
    pub(crate) fn open(&self, sealed: &str, purpose: &Purpose) -> Result<String, &'static str> {
        const REFUSED: &str = "`requestState` is not what this server gave out for this call";
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| REFUSED)?;
        let tag_at = bytes.len().checked_sub(TAG_BYTES).ok_or(REFUSED)?;
        let tag = bytes.split_off(tag_at);
        self.tag(purpose, &bytes)
            .verify_slice(&tag)
            .map_err(|_| REFUSED)?;
        let (expiry, state) = bytes.split_first_chunk::<EXPIRY_BYTES>().ok_or(REFUSED)?;
        if u64::from_be_bytes(*expiry) < now_s() {
            return Err("`requestState` has expired; make the call anew, without it");
        }
        String::from_utf8(state.to_vec()).map_err(|_| REFUSED)
    }
}

fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use wharf_model::Secret;

    use super::*;

    const LIFETIME: Duration = Duration::from_secs(60);

    fn key(of: &str) -> StateKey {
        StateKey::new(Secret::new(of.repeat(StateKey::BYTES_MIN))).unwrap()
    }

    fn purpose(subject: Option<&str>, name: &str, arguments: &str) -> Purpose {
        Purpose::new(
            subject,
            "tools/call",
            &[name],
            Some(Slice::parse(arguments).unwrap()),
        )
    }

    #[test]
    fn a_state_is_good_for_its_own_call_only() {
        let sealer = Sealer::new(Some(&key("k")));
        let own = purpose(Some("alice"), "t", r#"{"a":1,"b":["x"]}"#);
        let given = sealer.seal("step 1", &own, LIFETIME);
        for (case, sealer, purpose, ok) in [
            ("the same", &sealer, own, true),
            (
                "written otherwise",
                &Sealer::new(Some(&key("k"))),
                purpose(Some("alice"), "t", "{ \"b\" : [\"\\u0078\"], \"a\":1 }"),
                true,
            ),
            ("another key", &Sealer::new(Some(&key("o"))), own, false),
            ("a random key", &Sealer::new(None), own, false),
            (
                "somebody else",
                &sealer,
                purpose(Some("bob"), "t", r#"{"a":1,"b":["x"]}"#),
                false,
            ),
            (
                "nobody",
                &sealer,
                purpose(None, "t", r#"{"a":1,"b":["x"]}"#),
                false,
            ),
            (
                "another tool",
                &sealer,
                purpose(Some("alice"), "u", r#"{"a":1,"b":["x"]}"#),
                false,
            ),
            (
                "other arguments",
                &sealer,
                purpose(Some("alice"), "t", r#"{"a":2,"b":["x"]}"#),
                false,
            ),
            (
                "a text for a number",
                &sealer,
                purpose(Some("alice"), "t", r#"{"a":"1","b":["x"]}"#),
                false,
            ),
        ] {
            let opened = sealer.open(&given, &purpose);
            assert_eq!(opened.as_deref() == Ok("step 1"), ok, "{case}: {opened:?}");
        }
    }

    #[test]
    fn short_keys_are_refused() {
        for (bytes, ok) in [(0, false), (31, false), (32, true), (64, true)] {
            let key = StateKey::new(Secret::new("k".repeat(bytes)));
            assert_eq!(key.is_ok(), ok, "{bytes}");
        }
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let sealer = Sealer::new(None);
        let own = purpose(None, "t", "{}");
        let given = sealer.seal("state", &own, LIFETIME);
        for at in 0..given.len() {
            let mut changed = given.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(sealer.open(&changed, &own).is_err(), "character {at}");
        }
        for changed in [
            "",
            "A",
            &format!("{given}A"),
            &format!("{given}-TAMPERED"),
            &given[1..],
        ] {
            assert!(sealer.open(changed, &own).is_err(), "{changed}");
        }
    }

    #[test]
    fn states_expire() {
        let sealer = Sealer::new(None);
        let own = purpose(None, "t", "{}");
        let mut old = 1u64.to_be_bytes().to_vec();
        old.extend_from_slice(b"state");
        let tag = sealer.tag(&own, &old).finalize().into_bytes();
        old.extend_from_slice(&tag);
        let error = sealer.open(&URL_SAFE_NO_PAD.encode(old), &own).unwrap_err();
        assert!(error.contains("expired"), "{error}");
    }
}
