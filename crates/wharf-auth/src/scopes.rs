//! Scopes that hold others.

use std::collections::{BTreeMap, BTreeSet};

/// For each scope all that it holds, directly or not. Worked out once, so that circles and chains cost a caller nothing.
#[derive(Debug, Default)]
pub(crate) struct ImpliedScopes(BTreeMap<String, BTreeSet<String>>);

impl ImpliedScopes {
    pub(crate) fn new(direct: &BTreeMap<String, Vec<String>>) -> Self {
        let all_below = |scope: &String| {
            let mut found = BTreeSet::new();
            let mut waiting = vec![scope];
            while let Some(next) = waiting.pop() {
                for below in direct.get(next).into_iter().flatten() {
                    if found.insert(below.clone()) {
                        waiting.push(below);
                    }
                }
            }
            found
        };
        let each = direct.keys().map(|scope| (scope.clone(), all_below(scope)));
        Self(each.collect())
    }

    /// Adds what these scopes hold.
    pub(crate) fn complete(&self, scopes: &mut BTreeSet<String>) {
        let below = scopes.iter().filter_map(|scope| self.0.get(scope));
        let below: Vec<_> = below.flatten().cloned().collect();
        scopes.extend(below);
    }
}

/// Whether this can be a scope at all (RFC 6749 §3.3), which also makes it safe in a header.
pub(crate) fn is_scope(text: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !text.is_empty() && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_scope_holds() {
        let direct = [
            ("admin", vec!["pets:write", "orders:write"]),
            ("pets:write", vec!["pets:read"]),
            ("a", vec!["b"]),
            ("b", vec!["a"]),
        ];
        let direct = direct.map(|(scope, below)| {
            let below = below.into_iter().map(str::to_owned).collect();
            (scope.to_owned(), below)
        });
        let implied = ImpliedScopes::new(&direct.into());
        for (held, expected) in [
            (vec![], vec![]),
            (vec!["pets:read"], vec!["pets:read"]),
            (vec!["pets:write"], vec!["pets:read", "pets:write"]),
            (
                vec!["admin"],
                vec!["admin", "orders:write", "pets:read", "pets:write"],
            ),
            (vec!["Admin"], vec!["Admin"]),
            (vec!["a"], vec!["a", "b"]),
        ] {
            let mut scopes = held.iter().map(|scope| (*scope).to_owned()).collect();
            implied.complete(&mut scopes);
            assert_eq!(scopes.iter().collect::<Vec<_>>(), expected, "{held:?}");
        }
    }

    #[test]
    fn what_can_be_a_scope() {
        for (text, can) in [
            ("pets:read", true),
            ("https://a.example/.default", true),
            ("", false),
            ("a b", false),
            ("a\"", false),
            ("a\\", false),
            ("ä", false),
            ("a\r\nx: y", false),
        ] {
            assert_eq!(is_scope(text), can, "{text:?}");
        }
    }
}
