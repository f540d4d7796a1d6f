//! Who is calling.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::Json;

/// Who is calling: somebody unknown, or somebody whose word was checked. Cheap to clone.
///
/// Two callers are equal when they are the same somebody, whatever their tokens permit at the moment.
#[derive(Clone, Default)]
pub struct Caller(Option<Arc<Identity>>);

/// What is known of a caller, all of it from a token or a key that was checked.
#[derive(Clone, Default)]
pub struct Identity {
    /// A stable name, unique among those of one issuer.
    pub subject: String,
    /// Who vouches for it: the issuer of a token; none for a key of our own configuration.
    pub issuer: Option<String>,
    /// The OAuth client that asks on the caller's behalf.
    pub client_id: Option<String>,
    /// What the token permits.
    pub scopes: BTreeSet<String>,
    /// The groups or roles that the issuer put the caller in.
    pub groups: BTreeSet<String>,
    /// Every claim of the token, as an object; the empty one for a key.
    pub claims: Json,
}

impl Caller {
    /// Somebody whose word was checked.
    pub fn known(identity: Identity) -> Self {
        Self(Some(Arc::new(identity)))
    }

    /// What is known of the caller; none for somebody unknown.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.as_deref()
    }

    /// The caller's stable name; none for somebody unknown.
    pub fn subject(&self) -> Option<&str> {
        self.identity().map(|identity| identity.subject.as_str())
    }

    /// Who vouches for the caller.
    pub fn issuer(&self) -> Option<&str> {
        self.identity()?.issuer.as_deref()
    }
}

impl PartialEq for Caller {
    fn eq(&self, other: &Self) -> bool {
        self.subject() == other.subject() && self.issuer() == other.issuer()
    }
}

impl Eq for Caller {}

/// Names nobody: a subject may be an address of a person.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Caller(known)"
        } else {
            "Caller(unknown)"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_a_subject_of_an_issuer() {
        let known = |subject: &str, issuer: Option<&str>| {
            Caller::known(Identity {
                subject: subject.to_owned(),
                issuer: issuer.map(str::to_owned),
                ..Identity::default()
            })
        };
        let ann = known("ann", Some("https://one.example"));
        let with_scope = Caller::known(Identity {
            scopes: BTreeSet::from(["pets:read".to_owned()]),
            ..ann.identity().cloned().unwrap_or_default()
        });
        for (case, other, same) in [
            ("herself", ann.clone(), true),
            ("herself with another token", with_scope, true),
            (
                "another subject",
                known("bob", Some("https://one.example")),
                false,
            ),
            (
                "of another issuer",
                known("ann", Some("https://two.example")),
                false,
            ),
            ("of a key", known("ann", None), false),
            ("nobody", Caller::default(), false),
        ] {
            assert_eq!(ann == other, same, "{case}");
        }
        assert_eq!(Caller::default(), Caller::default(), "unknown is unknown");
        assert!(!format!("{ann:?}").contains("ann"));
    }
}
