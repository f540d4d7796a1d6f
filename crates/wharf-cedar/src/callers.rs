//! Callers as entities.
//!
//! A subject is unique only among those of its issuer, and an entity is nothing but its type and id; so an id says both,
//! as `issuer#subject`. What is before the `#` holds none, and what no issuer vouches for has none at all: nobody can
//! choose a subject that makes them somebody else.

use std::collections::{BTreeMap, HashMap};

use cedar_policy::{Entity, EntityUid, RestrictedExpression};
use wharf_catalog::ClaimKind;
use wharf_model::{Caller, Identity, JsonKind, Slice};

use crate::hierarchy::Hierarchy;
use crate::names::{self, Names};

/// A caller as policies see them.
pub(crate) struct Principal {
    pub(crate) id: EntityUid,
    /// What is known of them; nothing of a stranger.
    pub(crate) entity: Option<Entity>,
}

/// What makes principals of callers.
pub(crate) struct Callers {
    pub(crate) claims: BTreeMap<String, ClaimKind>,
}

impl Callers {
    /// None for somebody who cannot be written in Cedar, who is nobody by all we know; nothing is permitted then.
    pub(crate) fn principal(
        &self,
        caller: &Caller,
        names: &Names,
        hierarchy: &Hierarchy,
    ) -> Option<Principal> {
        let Some(identity) = caller.identity() else {
            return Some(Principal {
                id: names.stranger.clone(),
                entity: None,
            });
        };
        let id = names::entity(&names.caller, &id(identity));
        let groups = identity.groups.iter();
        let groups = groups.map(|group| names::entity(&names.group, group));
        let above = hierarchy.above(&id, groups);
        let entity = Entity::new(id.clone(), self.attributes(identity), above).ok()?;
        Some(Principal {
            id,
            entity: Some(entity),
        })
    }

    fn attributes(&self, identity: &Identity) -> HashMap<String, RestrictedExpression> {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let given = [
            ("subject", Some(text(&identity.subject))),
            ("issuer", identity.issuer.as_deref().map(text)),
            ("client", identity.client_id.as_deref().map(text)),
            ("scopes", Some(texts(identity.scopes.iter()))),
            ("claims", self.claims(identity)),
        ];
        let known = given
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        known.collect()
    }

    /// The claims that are declared, as far as they are what they are declared to be.
    fn claims(&self, identity: &Identity) -> Option<RestrictedExpression> {
        let claims = identity.claims.slice();
        let known = self.claims.iter().filter_map(|(name, kind)| {
            let value = claims.get(name)?;
            Some((name.clone(), claim(value, *kind)?))
        });
        RestrictedExpression::new_record(known).ok()
    }
}

/// A claim for Cedar; none where it is of another type.
fn claim(value: Slice<'_>, kind: ClaimKind) -> Option<RestrictedExpression> {
    match kind {
        ClaimKind::String => {
            let text = value.text()?;
            Some(RestrictedExpression::new_string(text.into_owned()))
        }
        ClaimKind::Long => value.read().map(RestrictedExpression::new_long),
        ClaimKind::Bool => value.boolean().map(RestrictedExpression::new_bool),
        ClaimKind::Texts if value.kind() == JsonKind::Array => {
            Some(texts(value.each_item().filter_map(Slice::text)))
        }
        ClaimKind::Texts => Some(texts([value.text()?])),
    }
}

pub(crate) fn texts(texts: impl IntoIterator<Item = impl AsRef<str>>) -> RestrictedExpression {
    let texts = texts.into_iter();
    RestrictedExpression::new_set(
        texts.map(|text| RestrictedExpression::new_string(text.as_ref().to_owned())),
    )
}

/// The id of a caller.
fn id(identity: &Identity) -> String {
    let plain = |text: &str| text.replace('%', "%25").replace('#', "%23");
    match &identity.issuer {
        Some(issuer) => format!("{}#{}", plain(issuer), identity.subject),
        None => plain(&identity.subject),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_the_id_of_another() {
        let mut known = HashMap::new();
        for (issuer, subject, expected) in [
            (None, "ann", "ann"),
            (Some("https://a.example"), "ann", "https://a.example#ann"),
            (Some("https://b.example"), "ann", "https://b.example#ann"),
            (None, "https://a.example#ann", "https://a.example%23ann"),
            (None, "https://a.example%23ann", "https://a.example%2523ann"),
            (Some("a#b"), "c", "a%23b#c"),
            (Some("a"), "b#c", "a#b#c"),
            (Some("a%23b"), "c", "a%2523b#c"),
            (Some(""), "ann", "#ann"),
            (None, "#ann", "%23ann"),
            (Some(""), "", "#"),
            (None, "", ""),
        ] {
            let id = id(&Identity {
                issuer: issuer.map(str::to_owned),
                subject: subject.to_owned(),
                ..Identity::default()
            });
            assert_eq!(id, expected, "{issuer:?} {subject:?}");
            let other = known.insert(id, (issuer, subject));
            assert_eq!(other, None, "{issuer:?} {subject:?}");
        }
    }

    #[test]
    fn a_claim_is_what_it_is_declared_to_be_or_missing() {
        use ClaimKind::{Bool, Long, String, Texts};
        for (kind, value, expected) in [
            (String, r#""zu\u0072ich""#, Some(r#""zurich""#)),
            (String, "1", None),
            (String, r#"["zurich"]"#, None),
            (Long, "-3", Some("-3")),
            (Long, "9223372036854775807", Some("9223372036854775807")),
            (Long, "9223372036854775808", None),
            (Long, "1.5", None),
            (Long, r#""1""#, None),
            (Bool, "true", Some("true")),
            (Bool, "1", None),
            (Texts, r#"["a",1,null,"a",["b"]]"#, Some(r#"["a", "a"]"#)),
            (Texts, r#""a b""#, Some(r#"["a b"]"#)),
            (Texts, "[]", Some("[]")),
            (Texts, "1", None),
            (Texts, r#"{"a":"b"}"#, None),
        ] {
            let told = claim(Slice::parse(value).unwrap(), kind).map(|claim| format!("{claim:?}"));
            let expected = expected.map(|text| {
                let parsed: RestrictedExpression = text.parse().unwrap();
                format!("{parsed:?}")
            });
            assert_eq!(told.is_some(), expected.is_some(), "{kind:?} {value}");
        }
    }
}
