//! Whatever the rules and whoever the caller: what is not listed cannot be called.

use std::collections::BTreeSet;

use proptest::prelude::*;
use wharf_model::Caller;

use super::{Shops, somebody, unknown};
use crate::ToolsMode;
use crate::access::{AccessConfig, AccessRule, Everybody, Who};

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

proptest! {
    #[test]
    fn what_is_not_listed_cannot_be_called(config in any_config(), caller in any_caller(), searches in any::<bool>()) {
        let mode = if searches { ToolsMode::Search } else { ToolsMode::All };
        let shops = Shops::with(&config, mode).unwrap();
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
