//! What is wrong with files, in words that lead to the place.

use super::read;
use crate::{Mistake, Policies};

/// A row, and everything that is told of it.
fn told(row: &str, read: Result<Policies, Vec<Mistake>>) -> String {
    let found = read.err().unwrap_or_default();
    let told = found
        .iter()
        .map(|mistake| format!("  error: {mistake}\n  hint: {}\n", mistake.hint()));
    format!("{row}:\n{}", told.collect::<String>())
}

#[test]
fn policies_that_are_none_are_mistakes() {
    let told = [
        ("no Cedar", "permit(principal, action, resource)"),
        (
            "a stop",
            "permit(principal, action, resource);\n\npermitt(principal, action, resource);"),
        (
            "an attribute",
            "permit(principal is Wharf::Caller, action, resource)\nwhen { principal.scops.contains(\"a\") };"),
        (
            "of a stranger",
            "permit(principal, action, resource) when { principal.scopes.contains(\"a\") };"),
        (
            "of a source",
            "permit(principal, action, resource) when { resource.name == \"a\" };"),
        (
            "may be missing",
            "permit(principal, action == Wharf::Action::\"call_tool\", resource) when { resource.read_only };"),
        (
            "a claim",
            "permit(principal is Wharf::Caller, action, resource) when { principal.claims.ofice == \"a\" };"),
        (
            "types",
            "permit(principal is Wharf::Caller, action, resource) when { principal.subject == 1 };"),
        (
            "a type",
            "permit(principal is Wharf::Calle, action, resource);"),
        (
            "an action",
            "permit(principal, action == Wharf::Action::\"call\", resource);"),
        (
            "a stranger",
            "permit(principal == Wharf::Stranger::\"bob\", action, resource);"),
        (
            "a tool",
            "forbid(principal, action, resource == Wharf::Tool::\"delet\");"),
        (
            "a tool in a list",
            "forbid(principal, action == Wharf::Action::\"call_tool\", resource) when { [Wharf::Tool::\"list\", Wharf::Tool::\"x\"].contains(resource) };"),
        (
            "a source",
            "forbid(principal, action, resource in Wharf::Source::\"pet\");"),
        (
            "a tag",
            "\n  forbid(principal, action, resource in Wharf::Tag::\"admins\");"),
        (
            "a template",
            "permit(principal == ?principal, action, resource);"),
        (
            "a look further",
            "permit(principal, action, resource) when { Wharf::Tool::\"list\".name == \"list\" };"),
        (
            "a question about an attribute",
            "forbid(principal is Wharf::Caller, action, resource) when { principal has clint && principal.clint == \"a\" };",
        ),
        (
            "about a claim",
            "permit(principal, action, resource) unless { principal is Wharf::Caller && principal.claims has ofice && principal.claims.ofice == \"a\" };",
        ),
        (
            "about a tool",
            "forbid(principal, action, resource) when { resource has readonly && resource.readonly };",
        ),
        (
            "two at once",
            "permit(principal is Wharf::Caller, action, resource) when { principal.subjct == \"a\" };\npermit(principal is Wharf::Caller, action, resource) when { principal.issur == \"a\" };"),
    ]
    .map(|(row, policies)| told(row, read(policies, "")));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn entities_that_are_none_are_mistakes() {
    let told = [
        ("no JSON", "["),
        ("no list", "{}"),
        ("no entity", r#"[{"id":"a"}]"#),
        (
            "attributes",
            r#"[{"uid":{"type":"Wharf::Group","id":"a"},"attrs":{"b":1},"parents":[]}]"#),
        (
            "tags",
            r#"[{"uid":{"type":"Wharf::Group","id":"a"},"attrs":{},"parents":[],"tags":{"a":"b"}}]"#),
        (
            "another type",
            r#"[{"uid":{"type":"User","id":"a"},"attrs":{},"parents":[]}]"#),
        (
            "a stranger",
            r#"[{"uid":{"type":"Wharf::Stranger","id":"stranger"},"attrs":{},"parents":[{"type":"Wharf::Group","id":"a"}]}]"#),
        (
            "a source",
            r#"[{"uid":{"type":"Wharf::Source","id":"pets"},"attrs":{},"parents":[]}]"#),
        (
            "in what it cannot be",
            r#"[{"uid":{"type":"Wharf::Tool","id":"list"},"attrs":{},"parents":[{"type":"Wharf::Group","id":"a"}]}]"#),
        (
            "a tool",
            r#"[{"uid":{"type":"Wharf::Tool","id":"lst"},"attrs":{},"parents":[]}]"#),
        (
            "twice",
            r#"[{"uid":{"type":"Wharf::Group","id":"a"},"attrs":{},"parents":[]},{"uid":{"type":"Wharf::Group","id":"a"},"attrs":{},"parents":[{"type":"Wharf::Group","id":"b"}]}]"#),
    ]
    .map(|(row, entities)| told(row, read("", entities)));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn nothing_is_in_itself() {
    const RING: &str = r#"[{"uid":{"type":"Wharf::Group","id":"a"},"attrs":{},"parents":[{"type":"Wharf::Group","id":"b"}]},{"uid":{"type":"Wharf::Group","id":"b"},"attrs":{},"parents":[{"type":"Wharf::Group","id":"a"}]}]"#;
    let found = read("", RING).err().unwrap();
    // Which of the two is named is chance.
    assert!(found[0].to_string().contains("cycle"), "{found:?}");
    assert!(found[0].hint().contains("itself"), "{found:?}");
}
