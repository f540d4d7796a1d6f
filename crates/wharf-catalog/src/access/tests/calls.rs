//! What somebody may reach, and what they are told of the rest.

use std::collections::BTreeSet;

use wharf_model::{Caller, CompletionReference, CompletionRequest, Context, Slice};

use super::{Shops, config, somebody, unknown};
use crate::ToolsMode;

const MIXTURE: &str = r#"{"default":"nobody","rules":[
    {"tools":[{"name":"list"}],"callers":[{"anyone":true}]},
    {"tools":[{"name":"get"}],"callers":[{"signed_in":true}]},
    {"tools":[{"name":"create"}],"callers":[{"scopes":["w","x","y"]},{"scopes":["w","z"]}]},
    {"tools":[{"name":"delete"}],"callers":[{"group":"admins","scopes":["d"]}]},
    {"tools":[{"source":"bills"}],"callers":[{"group":"bank"}]}]}"#;

#[tokio::test]
async fn a_refusal_says_what_would_help_and_nothing_else() {
    for (row, caller, name, arguments, expected) in [
        ("open", unknown(), "list", "{}", "was called"),
        (
            "for whoever signs in",
            unknown(),
            "get",
            "{}",
            "Unauthenticated",
        ),
        ("in a group", unknown(), "b_pay", "{}", "Unauthenticated"),
        (
            "for nobody, which is not told",
            unknown(),
            "order",
            "{}",
            "Unauthenticated",
        ),
        (
            "there is none, which is not told",
            unknown(),
            "nosuch",
            "{}",
            "Unauthenticated",
        ),
        ("signed in", somebody(""), "get", "{}", "was called"),
        (
            "the nearest scopes, all of them",
            somebody("scope:w"),
            "create",
            "{}",
            r#"Forbidden { scopes: ["w", "z"] }"#,
        ),
        (
            "the first of those as near",
            somebody("scope:x scope:z"),
            "create",
            "{}",
            r#"Forbidden { scopes: ["w", "z"] }"#,
        ),
        (
            "without any",
            somebody(""),
            "create",
            "{}",
            r#"Forbidden { scopes: ["w", "z"] }"#,
        ),
        (
            "no scope helps without the group",
            somebody("scope:d"),
            "delete",
            "{}",
            r#"Unknown { kind: "tool""#,
        ),
        (
            "a scope helps with the group",
            somebody("group:admins"),
            "delete",
            "{}",
            r#"Forbidden { scopes: ["d"] }"#,
        ),
        (
            "a group cannot be asked for",
            somebody(""),
            "b_pay",
            "{}",
            r#"Unknown { kind: "tool""#,
        ),
        (
            "for nobody",
            somebody("scope:w group:admins"),
            "order",
            "{}",
            r#"Unknown { kind: "tool""#,
        ),
        (
            "there is none",
            somebody(""),
            "nosuch",
            "{}",
            r#"Unknown { kind: "tool""#,
        ),
        (
            "another case",
            somebody(""),
            "GET",
            "{}",
            r#"Unknown { kind: "tool""#,
        ),
        (
            "with a blank",
            somebody(""),
            "get ",
            "{}",
            r#"Unknown { kind: "tool""#,
        ),
        (
            "without the prefix",
            somebody("group:bank"),
            "pay",
            "{}",
            r#"Unknown { kind: "tool""#,
        ),
        (
            "with the prefix of another",
            somebody(""),
            "b_get",
            "{}",
            r#"Unknown { kind: "tool""#,
        ),
        (
            "search mode is off",
            somebody(""),
            "call_tool",
            r#"{"name":"get"}"#,
            r#"Unknown { kind: "tool""#,
        ),
    ] {
        let shops = Shops::of(MIXTURE);
        let said = shops.call(&caller, name, arguments).await;
        assert!(said.contains(expected), "{row}: {name}: {said}");
        let called = usize::from(expected == "was called");
        assert_eq!(shops.reached(), called, "{row}: {name}: {said}");
    }
}

#[tokio::test]
async fn search_mode_finds_describes_and_calls_what_is_open() {
    let shops = Shops::with(&config(MIXTURE), ToolsMode::Search).unwrap();
    for (row, caller, name, arguments, expected, absent) in [
        (
            "find",
            unknown(),
            "find_tools",
            r#"{"query":"list pets"}"#,
            "1 of 1 tools",
            "b_list",
        ),
        (
            "find, of a group",
            somebody("group:bank"),
            "find_tools",
            r#"{"query":"bills"}"#,
            "b_pay",
            "create",
        ),
        (
            "find what is hidden",
            somebody(""),
            "find_tools",
            r#"{"query":"bills"}"#,
            "None of the 2 tools",
            "pay",
        ),
        (
            "describe",
            somebody(""),
            "describe_tools",
            r#"{"names":["get"]}"#,
            "# get",
            "delete",
        ),
        (
            "describe what is hidden",
            somebody(""),
            "describe_tools",
            r#"{"names":["delete"]}"#,
            "There is no tool `delete`",
            "Arguments",
        ),
        (
            "one hidden among others",
            somebody(""),
            "describe_tools",
            r#"{"names":["get","b_pay"]}"#,
            "There is no tool `b_pay`",
            "# b_pay",
        ),
        (
            "the others of one that is hidden",
            somebody(""),
            "describe_tools",
            r#"{"names":["get","b_pay"]}"#,
            "# get",
            "# b_pay",
        ),
        (
            "hidden names are not suggested",
            somebody(""),
            "call_tool",
            r#"{"name":"b_pai"}"#,
            "There is no tool `b_pai`",
            "b_pay",
        ),
        (
            "call",
            somebody(""),
            "call_tool",
            r#"{"name":"get"}"#,
            "get was called",
            "There is no",
        ),
        (
            "call what is hidden",
            somebody(""),
            "call_tool",
            r#"{"name":"b_pay"}"#,
            "There is no tool `b_pay`",
            "was called",
        ),
        (
            "a name that stands twice",
            somebody(""),
            "call_tool",
            r#"{"name":"get","name":"b_pay"}"#,
            "stands twice",
            "was called",
        ),
        (
            "call what needs a scope",
            somebody(""),
            "call_tool",
            r#"{"name":"create"}"#,
            "Forbidden",
            "was called",
        ),
        (
            "call what needs a caller",
            unknown(),
            "call_tool",
            r#"{"name":"get"}"#,
            "Unauthenticated",
            "was called",
        ),
        (
            "call in a call",
            unknown(),
            "call_tool",
            r#"{"name":"call_tool","arguments":{"name":"get"}}"#,
            "Unauthenticated",
            "was called",
        ),
        (
            "call without a name",
            unknown(),
            "call_tool",
            "{}",
            "`name`",
            "was called",
        ),
        (
            "by its own name",
            somebody(""),
            "b_pay",
            "{}",
            "Unknown",
            "was called",
        ),
    ] {
        let said = shops.call(&caller, name, arguments).await;
        assert!(said.contains(expected), "{row}: {said}");
        assert!(!said.contains(absent), "{row}: {said}");
    }
    for (caller, expected) in [(unknown(), 3), (somebody(""), 3)] {
        assert_eq!(
            shops.catalog.visible_to(&caller).listed_tools().len(),
            expected
        );
    }
    let closed = Shops::with(&config(r#"{"default":"nobody"}"#), ToolsMode::Search).unwrap();
    assert!(
        closed
            .catalog
            .visible_to(&somebody(""))
            .listed_tools()
            .is_empty()
    );
}

#[tokio::test]
async fn prompts_go_with_their_tools_and_resources_with_their_source() {
    const PARTS: &str = r#"{"default":"nobody","rules":[
        {"tools":[{"name":"list"}],"callers":[{"scopes":["l"]}]},
        {"tools":[{"name":"order"}],"callers":[{"scopes":["o"]}]},
        {"tools":[{"source":"bills"}],"callers":[{"group":"bank"},{"scopes":["b"]}]}]}"#;
    for (caller, prompts, resources) in [
        (somebody("scope:l"), "pets_first", ""),
        (somebody("scope:o"), "", ""),
        (somebody("scope:l scope:o"), "pets_first pets_both", ""),
        (
            somebody("group:bank"),
            "bills_first bills_both bills_none",
            "bills://one",
        ),
    ] {
        let shops = Shops::of(PARTS);
        let visible = shops.catalog.visible_to(&caller);
        let names: Vec<_> = visible
            .prompts()
            .iter()
            .map(|prompt| &*prompt.name)
            .collect();
        let seen: BTreeSet<_> = names
            .iter()
            .map(|name| name.trim_start_matches("b_"))
            .collect();
        assert_eq!(seen, prompts.split_whitespace().collect(), "{prompts}");
        let uris: Vec<_> = visible.resources().iter().map(|one| &*one.uri).collect();
        assert_eq!(uris.join(" "), resources);

        let context = Context {
            caller: caller.clone(),
            ..Context::default()
        };
        for prompt in shops.catalog.prompts() {
            let before = shops.reached();
            let is_seen = names.contains(&&*prompt.name);
            let nothing = Slice::parse("{}").unwrap();
            let filled = shops.catalog.prompt(&context, &prompt.name, nothing).await;
            assert_eq!(filled.is_ok(), is_seen, "{}: {filled:?}", prompt.name);
            assert_eq!(
                shops.catalog.check_prompt(&caller, &prompt.name).is_ok(),
                is_seen
            );
            let request = CompletionRequest {
                reference: CompletionReference::Prompt(prompt.name.clone()),
                argument: "a".into(),
                value: String::new(),
                context: Vec::new(),
            };
            let completed = shops.catalog.complete(&context, &request).await.unwrap();
            assert_eq!(completed.values.is_empty(), !is_seen, "{}", prompt.name);
            assert_eq!(
                shops.reached() - before,
                if is_seen { 2 } else { 0 },
                "{}",
                prompt.name
            );
        }
        for uri in [
            "pets://one",
            "bills://one",
            "bills://other",
            "nowhere://one",
        ] {
            let read = shops.catalog.read(&context, uri).await;
            let is_open = resources == "bills://one" && uri.starts_with("bills");
            assert_eq!(read.is_ok(), is_open, "{uri}: {read:?}");
        }
    }
    let shops = Shops::of(PARTS);
    let told = |caller: &Caller, uri| format!("{:?}", shops.catalog.check_resource(caller, uri));
    assert!(told(&unknown(), "bills://one").contains("Unauthenticated"));
    assert!(told(&unknown(), "nowhere://one").contains("Unauthenticated"));
    assert!(told(&somebody(""), "bills://one").contains(r#"Forbidden { scopes: ["b"] }"#));
    assert!(told(&somebody(""), "pets://one").contains("ResourceNotFound"));
}

#[test]
fn an_empty_list_asks_to_sign_in_where_that_helps() {
    for (config, caller, asks) in [
        ("{}", unknown(), true),
        ("{}", somebody(""), false),
        (r#"{"default":"nobody"}"#, unknown(), false),
        (r#"{"default":"anyone"}"#, unknown(), false),
        (r#"{"calls_need_caller":true}"#, unknown(), false),
        (MIXTURE, unknown(), false),
    ] {
        let asked = Shops::of(config).catalog.check_list(&caller);
        assert_eq!(asked.is_err(), asks, "{config}");
    }
}
