//! Attributes that policies ask for and that nothing can have.
//!
//! Cedar refuses to read an attribute that the schema does not have, but takes `has` for a question that is answered
//! with no, and what stands behind it for something that is never reached. A misspelt name would make a `forbid` that
//! forbids nothing.

use std::collections::BTreeMap;

use cedar_policy::PolicySet;
use serde_json::Value;
use wharf_catalog::ClaimKind;

use crate::mistake::Mistake;
use crate::policies::{Text, place};

/// What is known of callers, as the schema says.
const OF_CALLERS: [&str; 5] = ["subject", "issuer", "client", "scopes", "claims"];

/// What is known of tools.
const OF_TOOLS: [&str; 10] = [
    "name",
    "source",
    "tags",
    "path",
    "method",
    "operation_id",
    "read_only",
    "destructive",
    "idempotent",
    "open_world",
];

/// Each attribute that is asked for with `has` and that there is not.
pub(crate) fn unknown(
    set: &PolicySet,
    file: &Text,
    claims: &BTreeMap<String, ClaimKind>,
) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for policy in set.policies() {
        // What is no JSON was no policy, which was said before.
        let Ok(tree) = policy.to_json() else { continue };
        let mut asked = Vec::new();
        questions(&tree, &mut asked);
        for (of, name) in asked {
            let (kind, known): (_, Vec<&str>) = match of {
                Of::Principal => ("attribute of callers", OF_CALLERS.to_vec()),
                Of::Resource => ("attribute of tools", OF_TOOLS.to_vec()),
                Of::Claims => ("claim", claims.keys().map(String::as_str).collect()),
            };
            if !known.contains(&name) {
                mistakes.push(Mistake::Unknown {
                    place: place(policy, file),
                    kind,
                    name: name.to_owned(),
                    candidates: known.into_iter().map(str::to_owned).collect(),
                });
            }
        }
    }
    mistakes
}

/// What is asked whether it has something.
#[derive(Clone, Copy)]
enum Of {
    Principal,
    Resource,
    Claims,
}

/// Every `has` of a policy, in Cedar's JSON format for policies.
fn questions<'t>(tree: &'t Value, asked: &mut Vec<(Of, &'t str)>) {
    match tree {
        Value::Array(items) => {
            for item in items {
                questions(item, asked);
            }
        }
        Value::Object(members) => {
            if let Some(question) = members.get("has")
                && let Some(of) = subject(&question["left"])
                && let Some(name) = question["attr"].as_str()
            {
                asked.push((of, name));
            }
            for member in members.values() {
                questions(member, asked);
            }
        }
        _ => {}
    }
}

fn subject(left: &Value) -> Option<Of> {
    let is_principal = |value: &Value| value["Var"] == "principal";
    if is_principal(left) {
        Some(Of::Principal)
    } else if left["Var"] == "resource" {
        Some(Of::Resource)
    } else if is_principal(&left["."]["left"]) && left["."]["attr"] == "claims" {
        Some(Of::Claims)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_these_and_no_others() {
        let schema = include_str!("wharf.cedarschema");
        let declared = schema.lines().filter_map(|line| {
            let (name, _) = line.strip_prefix("    ")?.split_once(": ")?;
            Some(name.trim_end_matches('?'))
        });
        let known: Vec<_> = OF_CALLERS.into_iter().chain(OF_TOOLS).collect();
        assert_eq!(declared.collect::<Vec<_>>(), known);
    }
}
