//! What policies permit, through a catalog.

use std::io;
use std::sync::{Arc, Mutex};

use wharf_catalog::{Policy, Thing};
use wharf_model::{CallError, Context, Slice};

use super::{read, restricted, seen, somebody};

const ALL: &str = "list create delete peek bills pay pets://one bills://one";

#[test]
fn policies_permit_and_forbid() {
    const CALL: &str = r#"action == Wharf::Action::"call_tool""#;
    for (row, policies, caller, expected) in [
        ("nothing is permitted by itself", "", "scope:a", ""),
        (
            "everything",
            "permit(principal, action, resource);",
            "-",
            ALL,
        ),
        (
            "forbid wins",
            r#"permit(principal, action, resource); forbid(principal, action, resource in Wharf::Tag::"admin");"#,
            "",
            "list peek bills pay pets://one bills://one",
        ),
        (
            "whatever the order",
            r#"forbid(principal, action, resource in Wharf::Tag::"admin"); permit(principal, action, resource);"#,
            "",
            "list peek bills pay pets://one bills://one",
        ),
        (
            "tools alone",
            "permit(principal, {CALL}, resource);",
            "",
            "list create delete peek bills pay",
        ),
        (
            "the rest of a source alone",
            r#"permit(principal, action == Wharf::Action::"read_source", resource);"#,
            "",
            "pets://one bills://one",
        ),
        (
            "a whole source",
            r#"permit(principal, action, resource in Wharf::Source::"bills");"#,
            "",
            "bills pay bills://one",
        ),
        (
            "one tool",
            r#"permit(principal, action, resource == Wharf::Tool::"pay");"#,
            "",
            "pay",
        ),
        (
            "strangers",
            "permit(principal is Wharf::Stranger, {CALL}, resource);",
            "-",
            "list create delete peek bills pay",
        ),
        (
            "strangers are nobody else",
            "permit(principal is Wharf::Stranger, {CALL}, resource);",
            "subject:stranger",
            "",
        ),
        (
            "callers are no strangers",
            "permit(principal is Wharf::Caller, {CALL}, resource);",
            "-",
            "",
        ),
        (
            "what a hint says",
            "permit(principal, {CALL}, resource) when { resource has read_only && resource.read_only };",
            "",
            "list bills",
        ),
        (
            "a hint that is not given is neither",
            "permit(principal, {CALL}, resource) when { resource has read_only && !resource.read_only };",
            "",
            "create delete pay",
        ),
        (
            "operations",
            r#"permit(principal, {CALL}, resource) when { resource has path && resource.path like "/pets/*" };
            permit(principal, {CALL}, resource) when { resource has method && resource.method == "HEAD" };
            permit(principal, {CALL}, resource) when { resource has operation_id && resource.operation_id == "op/pay" };"#,
            "",
            "delete peek pay",
        ),
        (
            "names, sources and tags as values",
            r#"permit(principal, {CALL}, resource) when { resource.name like "p*" && resource.source == "bills" };
            permit(principal, {CALL}, resource) when { resource.tags.containsAll(["pets", "admin"]) };"#,
            "",
            "create pay",
        ),
        (
            "a subject",
            r#"permit(principal is Wharf::Caller, {CALL}, resource == Wharf::Tool::"pay") when { principal.subject == "ann" };"#,
            "issuer:i",
            "pay",
        ),
        (
            "an id is of an issuer",
            r#"permit(principal == Wharf::Caller::"https://i.example#ann", {CALL}, resource == Wharf::Tool::"pay");"#,
            "issuer:https://i.example",
            "pay",
        ),
        (
            "and of no other",
            r#"permit(principal == Wharf::Caller::"https://i.example#ann", {CALL}, resource == Wharf::Tool::"pay");"#,
            "issuer:https://j.example",
            "",
        ),
        (
            "nor of none",
            r#"permit(principal == Wharf::Caller::"https://i.example#ann", {CALL}, resource == Wharf::Tool::"pay");"#,
            "subject:https://i.example#ann",
            "",
        ),
        (
            "a key has its name",
            r#"permit(principal == Wharf::Caller::"bot", {CALL}, resource == Wharf::Tool::"pay");"#,
            "subject:bot",
            "pay",
        ),
        (
            "a group",
            r#"permit(principal in Wharf::Group::"g", {CALL}, resource == Wharf::Tool::"pay");"#,
            "group:f group:g",
            "pay",
        ),
        (
            "a group of one issuer",
            r#"permit(principal is Wharf::Caller in Wharf::Group::"g", {CALL}, resource == Wharf::Tool::"pay") when { principal has issuer && principal.issuer == "i" };"#,
            "group:g issuer:j",
            "",
        ),
        (
            "all scopes",
            r#"permit(principal is Wharf::Caller, {CALL}, resource == Wharf::Tool::"pay") when { principal.scopes.containsAll(["a", "b"]) };"#,
            "scope:a scope:b",
            "pay",
        ),
        (
            "one of the scopes",
            r#"permit(principal is Wharf::Caller, {CALL}, resource == Wharf::Tool::"pay") when { principal.scopes.containsAll(["a", "b"]) };"#,
            "scope:a",
            "",
        ),
        (
            "a client",
            r#"permit(principal is Wharf::Caller, {CALL}, resource == Wharf::Tool::"pay") when { principal has client && principal.client == "c" };"#,
            "client:c",
            "pay",
        ),
        (
            "claims",
            r#"permit(principal is Wharf::Caller, {CALL}, resource == Wharf::Tool::"pay") when {
                principal.claims has office && principal.claims.office == "zurich" &&
                principal.claims has level && principal.claims.level >= 3 &&
                principal.claims has staff && principal.claims.staff &&
                principal.claims has roles && principal.claims.roles.contains("payer") };"#,
            r#"claim:office="zurich" claim:level=3 claim:staff=true claim:roles=["payer",1]"#,
            "pay",
        ),
        (
            "a claim of another type is missing",
            r#"permit(principal is Wharf::Caller, {CALL}, resource == Wharf::Tool::"pay") unless { principal.claims has level };"#,
            r#"claim:level="3""#,
            "pay",
        ),
        (
            "a claim can be what it wants",
            r#"permit(principal is Wharf::Caller, {CALL}, resource == Wharf::Tool::"pay") when { principal.claims has office && principal.claims.office == "a\"} \\ b" };"#,
            r#"claim:office="a\"}\u0020\\\u0020b""#,
            "pay",
        ),
        (
            "what cannot be judged counts as not there",
            r#"permit(principal, {CALL}, resource == Wharf::Tool::"pay");
            forbid(principal is Wharf::Caller, {CALL}, resource) when { principal.claims has level && principal.claims.level + 1 > 3 };"#,
            "claim:level=9223372036854775807",
            "pay",
        ),
    ] {
        let policies = policies.replace("{CALL}", CALL);
        let catalog = restricted(&policies, "");
        assert_eq!(
            seen(&catalog, &somebody(caller)),
            expected,
            "{row}: {policies}"
        );
    }
}

#[test]
fn a_file_says_what_is_in_what() {
    const ENTITIES: &str = r#"[
        {"uid":{"type":"Wharf::Group","id":"north"},"attrs":{},"parents":[{"type":"Wharf::Group","id":"sales"}]},
        {"uid":{"type":"Wharf::Group","id":"sales"},"attrs":{},"parents":[{"type":"Wharf::Group","id":"staff"}]},
        {"uid":{"type":"Wharf::Caller","id":"i#ann"},"attrs":{},"parents":[{"type":"Wharf::Group","id":"north"}]},
        {"uid":{"type":"Wharf::Tool","id":"pay"},"attrs":{},"parents":[{"type":"Wharf::Tag","id":"grave"}]},
        {"uid":{"type":"Wharf::Tag","id":"admin"},"attrs":{},"parents":[{"type":"Wharf::Tag","id":"grave"}]}]"#;
    const STAFF: &str =
        r#"permit(principal in Wharf::Group::"staff", action, resource in Wharf::Tag::"grave");"#;
    for (row, caller, expected) in [
        ("by the token's group", "group:north", "create delete pay"),
        ("by the group itself", "group:staff", "create delete pay"),
        ("by name", "issuer:i", "create delete pay"),
        ("another of that name", "issuer:j", ""),
        ("in none", "group:south", ""),
        ("a stranger", "-", ""),
    ] {
        let catalog = restricted(STAFF, ENTITIES);
        assert_eq!(seen(&catalog, &somebody(caller)), expected, "{row}");
    }
}

#[tokio::test]
async fn a_call_is_judged_as_the_list_is() {
    const POLICIES: &str = r#"
        permit(principal is Wharf::Caller, action, resource) when { principal.scopes.contains("all") };
        permit(principal, action, resource == Wharf::Tool::"list");"#;
    let catalog = restricted(POLICIES, "");
    for (row, caller, name, expected) in [
        ("open to all", "-", "list", ""),
        ("hidden from a stranger", "-", "pay", "Unauthenticated"),
        ("unknown to a stranger", "-", "nosuch", "Unauthenticated"),
        ("hidden", "", "pay", "Unknown"),
        ("unknown", "", "nosuch", "Unknown"),
        ("permitted", "scope:all", "pay", ""),
    ] {
        let context = Context {
            caller: somebody(caller),
            ..Context::default()
        };
        let arguments = Slice::parse("{}").unwrap();
        let checked = catalog.check_tool(&context.caller, name, arguments);
        let called = catalog.call_tool(&context, name, arguments).await;
        for told in [checked, called.map(drop)] {
            let told = told.as_ref().map_or_else(kind, |()| "");
            assert_eq!(told, expected, "{row}");
        }
    }
}

fn kind(error: &CallError) -> &'static str {
    match error {
        CallError::Unauthenticated => "Unauthenticated",
        CallError::Unknown { .. } => "Unknown",
        _ => "another",
    }
}

/// What is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_cannot_be_judged_is_told_once_and_without_values() {
    const POLICIES: &str = "permit(principal, action, resource);
forbid(principal is Wharf::Caller, action, resource)
when { principal.claims has level && principal.claims.level * 7 > 3 };";
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let policies = read(POLICIES, "").unwrap();
        for level in [9_223_372_036_854_775_807_i64, 9_000_000_000_000_000_000, 0] {
            let caller = somebody(&format!("claim:level={level}"));
            let things = [Thing::Tool(0), Thing::Tool(1), Thing::Source(0)];
            assert_eq!(policies.permits(&caller, &things), [true; 3], "{level}");
        }
    });
    let told = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    for part in ["WARN", "p.cedar:2:1", "a number becomes too large"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(
        !told.contains("922337") && !told.contains("900000"),
        "{told}"
    );
}

#[test]
fn what_is_not_there_is_not_permitted() {
    let policies = read("permit(principal, action, resource);", "").unwrap();
    let things = [
        Thing::Tool(5),
        Thing::Tool(6),
        Thing::Source(1),
        Thing::Source(2),
    ];
    let permitted = policies.permits(&somebody("-"), &things);
    assert_eq!(permitted, [true, false, true, false]);
    assert!(policies.permits(&somebody(""), &[]).is_empty());
}
