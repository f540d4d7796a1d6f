//! Whatever the policies and whoever the caller: what is permitted is what the parts of the policies say.

use proptest::prelude::*;
use wharf_catalog::{Policy, Thing};
use wharf_model::Caller;

use super::{catalog, read, somebody};

/// A part of a policy's text, and what it means.
type Part<T> = (&'static str, fn(T) -> bool);

/// Who: the scope's part, and whether a caller is meant by it.
fn any_who() -> impl Strategy<Value = Part<&'static str>> {
    prop::sample::select(vec![
        ("principal", (|_| true) as fn(&'static str) -> bool),
        ("principal is Wharf::Caller", |who| who != "-"),
        ("principal is Wharf::Stranger", |who| who == "-"),
        (r#"principal in Wharf::Group::"g""#, |who| {
            who.contains("group:g")
        }),
        (r#"principal == Wharf::Caller::"i#ann""#, |who| {
            who.contains("issuer:i")
        }),
    ])
}

/// What: an action and a resource, and whether a thing is meant by them.
fn any_what() -> impl Strategy<Value = Part<Thing>> {
    prop::sample::select(vec![
        ("action, resource", (|_| true) as fn(Thing) -> bool),
        (
            r#"action == Wharf::Action::"call_tool", resource"#,
            |thing| matches!(thing, Thing::Tool(_)),
        ),
        (
            r#"action == Wharf::Action::"read_source", resource"#,
            |thing| matches!(thing, Thing::Source(_)),
        ),
        (r#"action, resource in Wharf::Source::"bills""#, |thing| {
            matches!(thing, Thing::Tool(4 | 5) | Thing::Source(1))
        }),
        (r#"action, resource in Wharf::Tag::"admin""#, |thing| {
            matches!(thing, Thing::Tool(1 | 2))
        }),
        (r#"action, resource == Wharf::Tool::"list""#, |thing| {
            thing == Thing::Tool(0)
        }),
    ])
}

fn any_condition() -> impl Strategy<Value = Part<&'static str>> {
    prop::sample::select(vec![
        ("", (|_| true) as fn(&'static str) -> bool),
        (
            r#"when { principal is Wharf::Caller && principal.scopes.contains("a") }"#,
            |who| who.contains("scope:a"),
        ),
        (
            "unless { principal is Wharf::Caller && principal.claims has level && principal.claims.level > 2 }",
            |who| !who.contains("claim:level=3"),
        ),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn some_permit_and_no_forbid(
        policies in prop::collection::vec((any::<bool>(), any_who(), any_what(), any_condition()), 0..6),
        who in prop::sample::select(vec![
            "-", "", "group:g", "issuer:i", "scope:a", "claim:level=3", "claim:level=2",
            "group:g issuer:i scope:a claim:level=3",
        ]),
    ) {
        let lines = policies.iter().map(|(permits, who, what, when)| {
            let effect = if *permits { "permit" } else { "forbid" };
            format!("{effect}({}, {}) {};\n", who.0, what.0, when.0)
        });
        let text = lines.collect::<Vec<_>>().concat();
        let read = read(&text, "");
        prop_assert!(read.is_ok(), "{}: {:?}", text, read.err());
        let judge = read.unwrap();
        let caller: Caller = somebody(who);
        let catalog = catalog();
        let things: Vec<_> = (0..catalog.tools().len())
            .map(Thing::Tool)
            .chain((0..2).map(Thing::Source))
            .collect();
        let together = judge.permits(&caller, &things);
        for (thing, permitted) in things.iter().zip(together) {
            let says = |effect: bool| {
                policies.iter().any(|(permits, whom, what, when)| {
                    *permits == effect && whom.1(who) && what.1(*thing) && when.1(who)
                })
            };
            prop_assert_eq!(permitted, says(true) && !says(false), "{}{:?}", text, thing);
            prop_assert_eq!(judge.permits(&caller, &[*thing]), [permitted], "{}{:?}", text, thing);
        }
    }
}
