//! Whatever the rules and whoever the caller: what is not listed cannot be called.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use wharf_model::Caller;

use super::{Says, Shops, somebody, unknown};
use crate::ToolsMode;
use crate::access::{AccessConfig, AccessRule, Everybody, Policy, Thing, Who};

fn any_who() -> impl Strategy<Value = Who> {
    prop_oneof![
        Just(r#"{"anyone":true}"#),
        Just(r#"{"signed_in":true}"#),
        Just(r#"{"scopes":["a"]}"#),
        Just(r#"{"scopes":["a","b"]}"#),
        Just(r#"{"group":"g*"}"#),
        Just(r#"{"group":"h","scopes":["b"]}"#),
        Just(r#"{"claims":{"team":"x"}}"#),
    ]
    .prop_map(|text| serde_json::from_str(text).unwrap())
}

fn any_rule() -> impl Strategy<Value = AccessRule> {
    let pattern = prop_oneof![
        Just(r#"{"tag":"pets"}"#),
        Just(r#"{"read_only":false}"#),
        Just(r#"{"name":"b_*"}"#),
        Just(r#"{"source":"bills"}"#),
        Just(r#"{"name":"delete"}"#),
        Just(r#"{"method":"get"}"#),
    ];
    (
        prop::collection::vec(pattern, 1..3),
        prop::collection::vec(any_who(), 0..3),
    )
        .prop_map(|(patterns, callers)| AccessRule {
            tools: patterns
                .into_iter()
                .map(|text| serde_json::from_str(text).unwrap())
                .collect(),
            callers,
        })
}

fn any_config() -> impl Strategy<Value = AccessConfig> {
    (
        prop::sample::select(vec![
            Everybody::Anyone,
            Everybody::SignedIn,
            Everybody::Nobody,
        ]),
        any::<bool>(),
        prop::collection::vec(any_rule(), 0..4),
        any::<bool>(),
    )
        .prop_map(
            |(default, calls_need_caller, rules, implies)| AccessConfig {
                default,
                calls_need_caller,
                rules,
                implied_scopes: implies
                    .then(|| ("a".to_owned(), vec!["b".to_owned()]))
                    .into_iter()
                    .collect(),
                document_scopes: false,
                cedar: None,
            },
        )
}

fn any_caller() -> impl Strategy<Value = Caller> {
    prop_oneof![
        Just(unknown()),
        Just(somebody("")),
        Just(somebody("scope:a")),
        Just(somebody("scope:b group:h")),
        Just(somebody("scope:a scope:b group:gh")),
        Just(somebody(r#"claim:team="x""#)),
    ]
}

/// A bit for each tool, for strangers and for others, where there is a policy at all.
fn any_policy() -> impl Strategy<Value = Option<(u8, u8)>> {
    prop::option::of(any::<(u8, u8)>())
}

fn permits((strangers, others): (u8, u8), caller: &Caller, thing: Thing) -> bool {
    let bits = if caller.identity().is_some() {
        others
    } else {
        strangers
    };
    matches!(thing, Thing::Tool(index) if bits >> index & 1 == 1)
}

proptest! {
    #[test]
    fn what_is_not_listed_cannot_be_called(
        config in any_config(),
        policy in any_policy(),
        caller in any_caller(),
        searches in any::<bool>(),
    ) {
        let mode = if searches { ToolsMode::Search } else { ToolsMode::All };
        let judge = policy.map(|bits| {
            let says = move |caller: &Caller, thing| permits(bits, caller, thing);
            Arc::new(Says(says)) as Arc<dyn Policy>
        });
        let shops = Shops::judged(&config, mode, judge).unwrap();
        let by_rules = Shops::with(&config, mode).unwrap().seen(&caller);
        let tools = shops.catalog.tools().iter().enumerate();
        let permitted = tools.filter(|(index, tool)| {
            by_rules.split_whitespace().any(|name| name == tool.name)
                && policy.is_none_or(|bits| permits(bits, &caller, Thing::Tool(*index)))
        });
        let permitted: Vec<_> = permitted.map(|(_, tool)| tool.name.as_str()).collect();
        prop_assert_eq!(shops.seen(&caller), permitted.join(" "));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let seen = shops.seen(&caller);
        let seen: BTreeSet<&str> = seen.split_whitespace().collect();
        for tool in shops.catalog.tools() {
            let may_call = seen.contains(&*tool.name)
                && !(config.calls_need_caller && caller.identity().is_none());
            let mut ways = vec![(tool.name.clone(), "{}".to_owned())];
            if searches {
                ways.push(("call_tool".to_owned(), format!(r#"{{"name":"{}"}}"#, tool.name)));
                ways.push(("call_tool".to_owned(), format!(r#"{{"name":"{}","arguments":"{{}}"}}"#, tool.name)));
            }
            for (name, arguments) in ways {
                let before = shops.reached();
                let said = runtime.block_on(shops.call(&caller, &name, &arguments));
                let reached = shops.reached() - before;
                prop_assert_eq!(reached, usize::from(may_call), "{} {}: {}", name, arguments, said);
            }
        }
    }
}
