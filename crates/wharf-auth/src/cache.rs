//! Tokens that were good a moment ago.
//!
//! Checking a signature takes longer than all the rest of a small call, and a client sends the same token with each. A
//! token is known by its SHA-256 and has one place, which it takes from whichever was there: nothing grows, nothing is
//! locked, and made-up tokens, which are never kept, push nobody out.

use arc_swap::ArcSwapOption;
use wharf_model::Caller;

use crate::api_keys::Digest;

/// Places; a power of two. One token takes as much memory as its claims, so a thousand large ones take a few megabytes.
const PLACES: usize = 1_024;
/// Seconds that a token is believed without being checked again; so long at most a key lives that its issuer took back
/// and that is known to be gone.
const KEPT_S: u64 = 60;

pub(crate) struct Cache(Box<[ArcSwapOption<Entry>]>);

struct Entry {
    digest: Digest,
    until: u64,
    caller: Caller,
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self((0..PLACES).map(|_| ArcSwapOption::empty()).collect())
    }

    pub(crate) fn find(&self, digest: &Digest, now: u64) -> Option<Caller> {
        let entry = self.place(digest).load();
        let entry = entry.as_ref()?;
        // Not in constant time: whoever can send a token with a certain hash has the token.
        (entry.digest == *digest && now < entry.until).then(|| entry.caller.clone())
    }

    /// Keeps what was found out at `now`, but not beyond the token's own end.
    pub(crate) fn keep(&self, digest: Digest, caller: Caller, now: u64, expires_at: u64) {
        let until = expires_at.min(now.saturating_add(KEPT_S));
        let entry = Entry {
            digest,
            until,
            caller,
        };
        self.place(&digest).store(Some(entry.into()));
    }

    fn place(&self, digest: &Digest) -> &ArcSwapOption<Entry> {
        let number = usize::from(u16::from_le_bytes([digest[0], digest[1]]));
        &self.0[number % PLACES]
    }
}

#[cfg(test)]
mod tests {
    use wharf_model::Identity;

    use super::*;

    #[test]
    fn what_is_kept_and_how_long() {
        let caller = |subject: &str| {
            Caller::known(Identity {
                subject: subject.to_owned(),
                ..Identity::default()
            })
        };
        let cache = Cache::new();
        let (first, mut same_place, other) = ([1; 32], [1; 32], [2; 32]);
        same_place[31] = 9;
        cache.keep(first, caller("ann"), 1_000, 1_030);
        cache.keep(other, caller("bob"), 1_000, 9_000);
        for (case, digest, now, subject) in [
            ("at once", first, 1_000, Some("ann")),
            ("just before its end", first, 1_029, Some("ann")),
            ("at its end", first, 1_030, None),
            ("a long life, checked lately", other, 1_059, Some("bob")),
            ("a long life, checked long ago", other, 1_060, None),
            ("another in the same place", same_place, 1_000, None),
        ] {
            let found = cache.find(&digest, now);
            assert_eq!(found.as_ref().and_then(Caller::subject), subject, "{case}");
        }
        cache.keep(same_place, caller("cem"), 1_000, 9_000);
        assert!(cache.find(&first, 1_000).is_none(), "its place was taken");
    }
}
