//! Kinds of callers: what a rule says of them, and whether somebody is one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf_model::{Identity, JsonKind, Slice};

use crate::glob::{self, Whole};

/// Callers by what their token says. Every key that is there must match; `*` and `?` stand for any characters, except in
/// scopes, which clients are told to ask for by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Who {
    /// Whoever asks, signed in or not; stands alone.
    pub anyone: bool,
    /// Whoever has signed in, whatever the token says; stands alone.
    pub signed_in: bool,
    /// Scopes that the token must have, all of them.
    pub scopes: Vec<String>,
    /// A group or role that the caller must be in.
    pub group: Option<String>,
    /// Claims that the token must have, by name. A claim that is a list must hold the value.
    pub claims: BTreeMap<String, String>,
    /// Who vouches for the caller, as the token's `iss` says. With several issuers a group or a subject of one is none of
    /// the other: name the issuer beside it. Empty: nobody does, as for keys.
    pub issuer: Option<String>,
    /// The OAuth client that asks for the caller.
    pub client: Option<String>,
    /// The caller, as the token's `sub` says.
    pub subject: Option<String>,
}

impl Who {
    /// Whether it says anything of a token.
    pub(super) fn names_something(&self) -> bool {
        let nothing = Self {
            anyone: self.anyone,
            signed_in: self.signed_in,
            ..Self::default()
        };
        *self != nothing
    }

    /// Whether everything but the scopes matches.
    pub(super) fn matches_but_for_scopes(&self, identity: &Identity) -> bool {
        let fits = |pattern: &Option<String>, value: Option<&str>| {
            pattern.as_deref().is_none_or(|pattern| {
                value.is_some_and(|value| glob::matches(pattern, value, Whole::Word))
            })
        };
        let is_in = |group: &str| {
            let mut groups = identity.groups.iter();
            groups.any(|own| glob::matches(group, own, Whole::Word))
        };
        fits(&self.subject, Some(&identity.subject))
            && (fits(&self.issuer, identity.issuer.as_deref())
                || self.issuer.as_deref() == Some("") && identity.issuer.is_none())
            && fits(&self.client, identity.client_id.as_deref())
            && self.group.as_deref().is_none_or(is_in)
            && self
                .claims
                .iter()
                .all(|(name, pattern)| has_claim(identity, name, pattern))
    }
}

fn has_claim(identity: &Identity, name: &str, pattern: &str) -> bool {
    let fits = |value: Slice<'_>| match value.kind() {
        JsonKind::String => value
            .text()
            .is_some_and(|text| glob::matches(pattern, &text, Whole::Word)),
        JsonKind::Number | JsonKind::Boolean => glob::matches(pattern, value.as_str(), Whole::Word),
        _ => false,
    };
    identity
        .claims
        .slice()
        .get(name)
        .is_some_and(|claim| match claim.kind() {
            JsonKind::Array => claim.each_item().any(fits),
            _ => fits(claim),
        })
}

/// The scopes of an identity that make up for `scope`: itself, and those that hold it.
pub(super) fn makers(scope: &str, implied: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let mut makers = BTreeSet::from([scope.to_owned()]);
    loop {
        let more: Vec<_> = implied
            .iter()
            .filter(|(holder, held)| {
                !makers.contains(*holder) && held.iter().any(|scope| makers.contains(scope))
            })
            .map(|(holder, _)| holder.clone())
            .collect();
        if more.is_empty() {
            return makers;
        }
        makers.extend(more);
    }
}

/// As a person would say it.
impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.anyone {
            return f.write_str("anyone");
        }
        if self.signed_in {
            return f.write_str("anyone who has signed in");
        }
        let mut said = Vec::new();
        match self.scopes.as_slice() {
            [] => {}
            [scope] => said.push(format!("scope `{scope}`")),
            scopes => said.push(format!("scopes `{}`", scopes.join("`, `"))),
        }
        let named = [
            ("group", &self.group),
            ("issuer", &self.issuer),
            ("client", &self.client),
            ("subject", &self.subject),
        ];
        for (key, pattern) in named {
            said.extend(pattern.iter().map(|pattern| format!("{key} `{pattern}`")));
        }
        for (name, pattern) in &self.claims {
            said.push(format!("claim `{name}` `{pattern}`"));
        }
        f.write_str(&said.join(" and "))
    }
}
