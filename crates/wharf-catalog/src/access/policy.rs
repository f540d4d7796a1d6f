//! What a policy says besides the rules: a call asks it about one thing, a list about all of them.
//!
//! A policy is told who somebody is and nothing else, so what it says of all things is kept for whoever is the same in
//! every respect. Calls do not look there: they would have to take a lock, and judging one thing is cheap.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use wharf_model::{Caller, Identity};

/// For how many identities the verdict on all things is kept, and the most bytes they may take together is this times
/// one for each thing. Where there are more, all are judged anew, so that nobody can fill the memory or push in for good.
const VERDICTS_KEPT_MAX: usize = 1024;

/// What is open to somebody or not, by its place in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Thing {
    /// A tool.
    Tool(usize),
    /// What a source has besides tools: resources, and prompts that belong to no tool.
    Source(usize),
}

/// What else must permit what rules open, in a language of its own.
pub trait Policy: Send + Sync {
    /// Whether it permits each of these to a caller. The same caller gets the same answer every time.
    fn permits(&self, caller: &Caller, things: &[Thing]) -> Vec<bool>;
}

/// A policy, and what it said.
pub(super) struct Judge {
    policy: Arc<dyn Policy>,
    /// Tools, then sources, each in their order.
    things: Vec<Thing>,
    tools: usize,
    /// All strangers are one.
    stranger: Arc<Verdict>,
    kept: Mutex<HashMap<Digested, Arc<Verdict>>>,
}

/// What a policy says of everything, to somebody.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Verdict {
    /// Tools, then sources.
    permitted: Vec<bool>,
    tools: usize,
}

/// An identity as a number of fixed size, since a token can be long. Nobody finds two that have the same.
type Digested = [u8; 32];

impl Judge {
    pub(super) fn new(policy: Arc<dyn Policy>, tools: usize, sources: usize) -> Self {
        let things: Vec<_> = (0..tools)
            .map(Thing::Tool)
            .chain((0..sources).map(Thing::Source))
            .collect();
        let stranger = Verdict {
            permitted: policy.permits(&Caller::default(), &things),
            tools,
        };
        Self {
            policy,
            things,
            tools,
            stranger: Arc::new(stranger),
            kept: Mutex::default(),
        }
    }

    /// Whether somebody may have one thing.
    pub(super) fn permits(&self, caller: &Caller, thing: Thing) -> bool {
        if caller.identity().is_none() {
            return self.stranger.permits(thing);
        }
        self.policy.permits(caller, &[thing]) == [true]
    }

    /// What somebody may have of everything.
    pub(super) fn verdict(&self, caller: &Caller) -> Arc<Verdict> {
        let Some(identity) = caller.identity() else {
            return self.stranger.clone();
        };
        let digested = digest(identity);
        // Only whole verdicts are ever put in, so a panic elsewhere has left nothing half done.
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept().get(&digested) {
            return known.clone();
        }
        // Without the lock: two who ask at the same time are both judged, and nobody waits for another's verdict.
        let verdict = Arc::new(Verdict {
            permitted: self.policy.permits(caller, &self.things),
            tools: self.tools,
        });
        let mut kept = kept();
        if kept.len() >= VERDICTS_KEPT_MAX {
            kept.clear();
        }
        kept.insert(digested, verdict.clone());
        verdict
    }
}

impl Verdict {
    pub(super) fn permits(&self, thing: Thing) -> bool {
        let at = match thing {
            Thing::Tool(index) => index,
            Thing::Source(index) => self.tools + index,
        };
        self.permitted.get(at) == Some(&true)
    }
}

/// Who is permitted what may be personal.
impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let permitted = self.permitted.iter().filter(|is_so| **is_so).count();
        write!(f, "Verdict({permitted} of {})", self.permitted.len())
    }
}

/// Everything of an identity, each part behind its length, so that no two identities are written alike.
fn digest(identity: &Identity) -> Digested {
    let Identity {
        subject,
        issuer,
        client_id,
        scopes,
        groups,
        claims,
    } = identity;
    let mut digest = Sha256::new();
    let mut add = |part: Option<&str>| {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        digest.update(length.to_be_bytes());
        digest.update(part.unwrap_or_default());
    };
    add(Some(subject));
    add(issuer.as_deref());
    add(client_id.as_deref());
    for set in [scopes, groups] {
        for part in set {
            add(Some(part));
        }
        add(None);
    }
    add(Some(claims.as_str()));
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use wharf_model::Json;

    use super::*;

    /// Permits whatever has an even place to whoever has a name, and counts what it is asked.
    #[derive(Default)]
    struct Even {
        asked: AtomicUsize,
    }

    impl Policy for Even {
        fn permits(&self, caller: &Caller, things: &[Thing]) -> Vec<bool> {
            self.asked.fetch_add(things.len(), Ordering::Relaxed);
            let is_even = |thing: &Thing| match thing {
                Thing::Tool(index) | Thing::Source(index) => index % 2 == 0,
            };
            let is_named = caller.subject().is_some();
            things.iter().map(|it| is_named && is_even(it)).collect()
        }
    }

    fn identities() -> Vec<(&'static str, Identity)> {
        let set = |parts: &[&str]| {
            parts
                .iter()
                .map(ToString::to_string)
                .collect::<BTreeSet<_>>()
        };
        let ann = || Identity {
            subject: "ann".to_owned(),
            claims: Json::empty_object(),
            ..Identity::default()
        };
        vec![
            ("ann", ann()),
            (
                "of an issuer",
                Identity {
                    issuer: Some("i".into()),
                    ..ann()
                },
            ),
            (
                "of a nameless issuer",
                Identity {
                    issuer: Some(String::new()),
                    ..ann()
                },
            ),
            (
                "by a client",
                Identity {
                    client_id: Some("i".into()),
                    ..ann()
                },
            ),
            (
                "with a scope",
                Identity {
                    scopes: set(&["a"]),
                    ..ann()
                },
            ),
            (
                "with two",
                Identity {
                    scopes: set(&["a", "b"]),
                    ..ann()
                },
            ),
            (
                "with one of both names",
                Identity {
                    scopes: set(&["ab"]),
                    ..ann()
                },
            ),
            (
                "in a group",
                Identity {
                    groups: set(&["a"]),
                    ..ann()
                },
            ),
            (
                "with a claim",
                Identity {
                    claims: Json::of(&["a"]),
                    ..ann()
                },
            ),
            (
                "another",
                Identity {
                    subject: "anna".into(),
                    ..ann()
                },
            ),
        ]
    }

    #[test]
    fn each_identity_is_judged_once_and_a_call_about_one_thing() {
        let policy = Arc::new(Even::default());
        let judge = Judge::new(policy.clone(), 5, 2);
        let asked = || policy.asked.swap(0, Ordering::Relaxed);
        assert_eq!(asked(), 7, "a stranger is judged at once");
        let stranger = Caller::default();
        assert!(!judge.permits(&stranger, Thing::Tool(0)));
        assert_eq!(judge.verdict(&stranger).permitted, [false; 7]);
        assert_eq!(asked(), 0, "and never again");
        for (row, identity) in identities() {
            let caller = Caller::known(identity);
            for (round, expected) in [("first", 7), ("second", 0)] {
                let verdict = judge.verdict(&caller);
                assert_eq!(asked(), expected, "{row}: {round}");
                for (thing, is_permitted) in [
                    (Thing::Tool(4), true),
                    (Thing::Tool(3), false),
                    (Thing::Tool(7), false),
                    (Thing::Source(0), true),
                    (Thing::Source(1), false),
                    (Thing::Source(2), false),
                ] {
                    assert_eq!(verdict.permits(thing), is_permitted, "{row}: {thing:?}");
                }
            }
            assert!(judge.permits(&caller, Thing::Source(0)), "{row}");
            assert_eq!(asked(), 1, "{row}");
        }
    }

    #[test]
    fn verdicts_are_kept_for_so_many_and_no_more() {
        let judge = Judge::new(Arc::new(Even::default()), 1, 0);
        for number in 0..=VERDICTS_KEPT_MAX * 2 {
            judge.verdict(&Caller::known(Identity {
                subject: number.to_string(),
                ..Identity::default()
            }));
            assert!(judge.kept.lock().unwrap().len() <= VERDICTS_KEPT_MAX);
        }
        assert_eq!(judge.kept.lock().unwrap().len(), 1);
    }
}
