//! What a policy takes away of what rules open, and what is said of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wharf_model::{Caller, CompletionReference, CompletionRequest, Context};

use super::{Says, Shops, config, somebody, unknown};
use crate::ToolsMode;
use crate::access::{Policy, Thing};

/// The places of `list`, `get` and `b_pay`, and of the source `bills`.
const LIST: Thing = Thing::Tool(0);
const GET: Thing = Thing::Tool(2);
const PAY: Thing = Thing::Tool(7);
const BILLS: Thing = Thing::Source(1);

fn judged(rules: &str, policy: impl Fn(&Caller, Thing) -> bool + Send + Sync + 'static) -> Shops {
    let policy: Arc<dyn Policy> = Arc::new(Says(policy));
    Shops::judged(&config(rules), ToolsMode::All, Some(policy)).unwrap()
}

fn has_scope(caller: &Caller, scope: &str) -> bool {
    let mut identity = caller.identity().into_iter();
    identity.any(|identity| identity.scopes.contains(scope))
}

#[tokio::test]
async fn rules_and_policy_must_both_agree() {
    const OPEN: &str = r#"{"default":"anyone"}"#;
    const RULES: &str = r#"{"default":"nobody","rules":[
        {"tools":[{"name":"list"}],"callers":[{"anyone":true}]},
        {"tools":[{"name":"get"}],"callers":[{"scopes":["r"]}]},
        {"tools":[{"name":"b_pay"}],"callers":[{"scopes":["p"]}]}]}"#;
    // `list` is for all, `get` for whoever has signed in, `b_pay` for those with two scopes.
    let says = |caller: &Caller, thing: Thing| match thing {
        LIST => true,
        GET => caller.identity().is_some(),
        PAY => has_scope(caller, "p") && has_scope(caller, "q"),
        _ => false,
    };
    for (row, rules, caller, seen, name, expected) in [
        ("open to all", OPEN, unknown(), "list", "list", "was called"),
        (
            "a sign-in might help",
            OPEN,
            unknown(),
            "list",
            "get",
            "Unauthenticated",
        ),
        (
            "or not, which is not told",
            OPEN,
            unknown(),
            "list",
            "order",
            "Unauthenticated",
        ),
        (
            "there is none",
            OPEN,
            unknown(),
            "list",
            "nosuch",
            "Unauthenticated",
        ),
        (
            "signed in",
            OPEN,
            somebody(""),
            "list get",
            "get",
            "was called",
        ),
        (
            "no scope is named by a policy",
            OPEN,
            somebody("scope:p"),
            "list get",
            "b_pay",
            "Unknown",
        ),
        (
            "with both scopes",
            OPEN,
            somebody("scope:p scope:q"),
            "list get b_pay",
            "b_pay",
            "was called",
        ),
        (
            "for nobody",
            OPEN,
            somebody("scope:p"),
            "list get",
            "order",
            "Unknown",
        ),
        (
            "by rules too",
            RULES,
            unknown(),
            "list",
            "list",
            "was called",
        ),
        (
            "a scope would help",
            RULES,
            somebody(""),
            "list",
            "get",
            r#"Forbidden { scopes: ["r"] }"#,
        ),
        (
            "a scope alone would not",
            RULES,
            somebody(""),
            "list",
            "b_pay",
            "Unknown",
        ),
        (
            "a scope is missing",
            RULES,
            somebody("scope:q"),
            "list",
            "b_pay",
            r#"Forbidden { scopes: ["p"] }"#,
        ),
        (
            "none is missing",
            RULES,
            somebody("scope:q scope:p"),
            "list b_pay",
            "b_pay",
            "was called",
        ),
        (
            "closed by rules",
            RULES,
            somebody("scope:q"),
            "list",
            "order",
            "Unknown",
        ),
    ] {
        let shops = judged(rules, says);
        assert_eq!(shops.seen(&caller), seen, "{row}");
        let said = shops.call(&caller, name, "{}").await;
        assert!(said.contains(expected), "{row}: {name}: {said}");
        let called = usize::from(expected == "was called");
        assert_eq!(shops.reached(), called, "{row}: {name}: {said}");
    }
}

#[tokio::test]
async fn prompts_and_resources_are_judged_with_what_they_go_with() {
    let shops = judged(r#"{"default":"anyone"}"#, |_, thing| {
        thing == LIST || thing == BILLS
    });
    let visible = shops.catalog.visible_to(&somebody(""));
    let prompts: Vec<_> = visible
        .prompts()
        .into_iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(prompts, ["pets_first", "b_bills_none"]);
    let resources: Vec<_> = visible
        .resources()
        .into_iter()
        .map(|it| it.uri.as_str())
        .collect();
    assert_eq!(resources, ["bills://one"]);
    let context = Context {
        caller: somebody(""),
        ..Context::default()
    };
    for (uri, is_open) in [("bills://one", true), ("pets://one", false)] {
        let checked = shops.catalog.check_resource(&context.caller, uri);
        assert_eq!(checked.is_ok(), is_open, "{uri}");
        let read = shops.catalog.read(&context, uri).await;
        assert_eq!(read.is_ok(), is_open, "{uri}");
    }
    for (prompt, expected) in [
        ("pets_first", "pets"),
        ("pets_both", ""),
        ("b_bills_none", "bills"),
    ] {
        let checked = shops.catalog.check_prompt(&context.caller, prompt);
        assert_eq!(checked.is_ok(), !expected.is_empty(), "{prompt}");
        let request = CompletionRequest {
            reference: CompletionReference::Prompt(prompt.to_owned()),
            argument: "a".into(),
            value: String::new(),
            context: Vec::new(),
        };
        let completed = shops.catalog.complete(&context, &request).await.unwrap();
        assert_eq!(completed.values.is_empty(), expected.is_empty(), "{prompt}");
    }
}

#[test]
fn a_list_that_a_policy_empties_asks_strangers_to_sign_in() {
    for (row, rules, permits_strangers, asks) in [
        ("nothing", r#"{"default":"anyone"}"#, false, true),
        ("something", r#"{"default":"anyone"}"#, true, false),
        ("nothing by rules", r#"{"default":"nobody"}"#, true, true),
        (
            "calls need a caller",
            r#"{"calls_need_caller":true}"#,
            false,
            false,
        ),
    ] {
        let shops = judged(rules, move |caller, thing| {
            caller.identity().is_some() || (permits_strangers && thing == LIST)
        });
        let asked = shops.catalog.check_list(&unknown());
        assert_eq!(asked.is_err(), asks, "{row}");
        assert!(shops.catalog.check_list(&somebody("")).is_ok(), "{row}");
    }
}

#[tokio::test]
async fn a_connector_that_lists_first_is_shown_what_strangers_are_permitted() {
    let shops = judged(r#"{"calls_need_caller":true}"#, |caller, thing| {
        thing == LIST || caller.identity().is_some()
    });
    assert_eq!(shops.seen(&unknown()), "list");
    let said = shops.call(&unknown(), "list", "{}").await;
    assert!(said.contains("Unauthenticated"), "{said}");
}

#[tokio::test]
async fn a_call_asks_about_one_tool_and_a_list_once_about_all() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let policy: Arc<dyn Policy> = Arc::new(Says(move |_: &Caller, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    }));
    for mode in [ToolsMode::All, ToolsMode::Search] {
        let rules = config(r#"{"default":"anyone"}"#);
        let shops = Shops::judged(&rules, mode, Some(policy.clone())).unwrap();
        let caller = somebody("scope:a");
        let count = || asked.swap(0, Ordering::Relaxed);
        assert_eq!(count(), 10, "strangers");
        // One look before the call, one in it.
        shops.call(&caller, "get", "{}").await;
        assert_eq!(count(), 2, "{mode:?}: a call");
        if mode == ToolsMode::Search {
            shops.call(&caller, "call_tool", r#"{"name":"get"}"#).await;
            assert_eq!(count(), 2, "a call by search mode");
            shops
                .call(&caller, "find_tools", r#"{"query":"pets"}"#)
                .await;
            assert_eq!(count(), 10, "a search");
        } else {
            shops.catalog.visible_to(&caller);
            assert_eq!(count(), 10, "a list");
        }
        shops.catalog.visible_to(&caller).tools();
        shops.catalog.visible_to(&somebody("scope:a")).prompts();
        assert_eq!(count(), 0, "{mode:?}: the same again");
        shops.catalog.visible_to(&somebody("scope:b"));
        assert_eq!(count(), 10, "{mode:?}: somebody else");
    }
}
