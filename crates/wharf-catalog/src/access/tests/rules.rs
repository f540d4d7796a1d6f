//! What rules come to, and which are none.

use std::sync::Arc;

use wharf_model::Source;

use super::{Shop, Shops, config, somebody, unknown};
use crate::access::{AccessConfig, AccessRule, Who};
use crate::select::tests::tools;
use crate::{Catalog, Offer, RuleMistake, ToolPattern, ToolsMode};

const ALL: &str = "list create get photo delete order b_list b_pay";

#[test]
fn rules_open_tools_to_callers() {
    const READERS: &str = r#"{"default":"nobody","rules":[{"tools":[{"read_only":true,"source":"pets"}],"callers":[{"scopes":["pets:read"]}]},
        {"tools":[{"tag":"admin"}],"callers":[{"group":"adm*"},{"scopes":["pets:write","pets:all"]}]}]}"#;
    const KEYS: &str = r#"{"default":"nobody","rules":[{"tools":[{"read_only":true,"source":"pets"}],"callers":[{"issuer":""}]},
        {"tools":[{"tag":"admin"}],"callers":[{"issuer":"*","group":"a"}]}]}"#;
    for (row, config, caller, expected) in [
        ("by default nothing is open to all", "{}", unknown(), ""),
        ("whoever signs in sees all", "{}", somebody(""), ALL),
        ("open by default", r#"{"default":"anyone"}"#, unknown(), ALL),
        (
            "closed by default",
            r#"{"default":"nobody"}"#,
            somebody("scope:a group:b"),
            "",
        ),
        (
            "a scope",
            READERS,
            somebody("scope:pets:read"),
            "list get photo",
        ),
        (
            "half a scope's name",
            READERS,
            somebody("scope:pets:rea"),
            "",
        ),
        ("another case", READERS, somebody("scope:Pets:Read"), ""),
        (
            "more than a scope's name",
            READERS,
            somebody("scope:pets:read2"),
            "",
        ),
        (
            "a group",
            READERS,
            somebody("group:admins"),
            "create delete",
        ),
        (
            "a scope is no group",
            READERS,
            somebody("scope:admins group:pets:read"),
            "",
        ),
        (
            "one of two scopes",
            READERS,
            somebody("scope:pets:write"),
            "",
        ),
        (
            "two scopes",
            READERS,
            somebody("scope:pets:write scope:pets:all"),
            "create delete",
        ),
        (
            "rules add up",
            READERS,
            somebody("scope:pets:read group:adm"),
            "list create get photo delete",
        ),
        ("a key", KEYS, somebody(""), "list get photo"),
        ("of an issuer", KEYS, somebody("issuer:https://i"), ""),
        (
            "an empty list of callers closes",
            r#"{"default":"anyone","rules":[{"tools":[{"name":"*e*"}],"callers":[]}]}"#,
            somebody(""),
            "list photo b_list b_pay",
        ),
        (
            "but for whom another rule opens it",
            r#"{"default":"nobody","rules":[{"tools":[{"tag":"pets"}],"callers":[]},{"tools":[{"name":"get"}],"callers":[{"anyone":true}]}]}"#,
            unknown(),
            "get",
        ),
        (
            "names are those that clients see",
            r#"{"default":"nobody","rules":[{"tools":[{"name":"b_*"}],"callers":[{"signed_in":true}]}]}"#,
            somebody(""),
            "b_list b_pay",
        ),
        (
            "what is not known to destroy is not known to be harmless",
            r#"{"default":"nobody","rules":[{"tools":[{"read_only":false}],"callers":[{"anyone":true}]}]}"#,
            unknown(),
            "create delete order b_pay",
        ),
        (
            "a claim",
            r#"{"default":"nobody","rules":[{"tools":[{"source":"bills"}],"callers":[{"claims":{"team":"fin*","level":"3"},"issuer":"https://a"}]}]}"#,
            somebody(r#"claim:team="finance" claim:level=3 issuer:https://a"#),
            "b_list b_pay",
        ),
        (
            "a claim in a list",
            r#"{"default":"nobody","rules":[{"tools":[{"source":"bills"}],"callers":[{"claims":{"team":"finance"}}]}]}"#,
            somebody(r#"claim:team=["sales","finance"]"#),
            "b_list b_pay",
        ),
        (
            "a claim that is an object",
            r#"{"default":"nobody","rules":[{"tools":[{"source":"bills"}],"callers":[{"claims":{"team":"*"}}]}]}"#,
            somebody(r#"claim:team={"finance":true}"#),
            "",
        ),
        (
            "of another issuer",
            r#"{"default":"nobody","rules":[{"tools":[{"source":"bills"}],"callers":[{"group":"admins","issuer":"https://a"}]}]}"#,
            somebody("group:admins issuer:https://b"),
            "",
        ),
        (
            "of no issuer",
            r#"{"default":"nobody","rules":[{"tools":[{"source":"bills"}],"callers":[{"group":"admins","issuer":"*"}]}]}"#,
            somebody("group:admins"),
            "",
        ),
        (
            "a scope that holds another",
            r#"{"default":"nobody","implied_scopes":{"root":["admin"],"admin":["pets:read"],"loop":["loop"]},"rules":[{"tools":[{"name":"list"}],"callers":[{"scopes":["pets:read"]}]}]}"#,
            somebody("scope:root"),
            "list",
        ),
        (
            "and not the other way about",
            r#"{"default":"nobody","implied_scopes":{"admin":["pets:read"]},"rules":[{"tools":[{"name":"list"}],"callers":[{"scopes":["admin"]}]}]}"#,
            somebody("scope:pets:read"),
            "",
        ),
        (
            "mixed: all is shown that anybody may call",
            r#"{"calls_need_caller":true,"rules":[{"tools":[{"tag":"store"}],"callers":[]},{"tools":[{"tag":"admin"}],"callers":[{"group":"a"}]}]}"#,
            unknown(),
            "list create get photo delete b_list b_pay",
        ),
        (
            "mixed: who has signed in sees what is theirs",
            r#"{"calls_need_caller":true,"rules":[{"tools":[{"tag":"admin"}],"callers":[{"group":"a"}]}]}"#,
            somebody(""),
            "list get photo order b_list b_pay",
        ),
    ] {
        assert_eq!(Shops::of(config).seen(&caller), expected, "{row}: {config}");
    }
}

#[test]
fn scopes_of_the_document_hold_where_no_rule_does() {
    let mut tools = tools();
    tools[0].scopes = vec![vec!["read".into()], vec!["write".into(), "more".into()]];
    tools[1].scopes = vec![vec!["write".into()]];
    tools[2].scopes = vec![vec!["no token can have this".into()]];
    let source = Arc::new(Shop {
        name: "pets",
        tools,
        ..Shop::default()
    });
    let config = config(
        r#"{"document_scopes":true,"rules":[{"tools":[{"name":"create"}],"callers":[{"group":"a"}]}]}"#,
    );
    let catalog = Catalog::build([Offer::from(source as Arc<dyn Source>)])
        .unwrap()
        .restricted(&config, None)
        .unwrap();
    for (caller, expected) in [
        (somebody(""), "photo delete order"),
        (somebody("scope:read"), "list photo delete order"),
        (somebody("scope:write"), "photo delete order"),
        (
            somebody("scope:write scope:more"),
            "list photo delete order",
        ),
        (somebody("scope:write group:a"), "create photo delete order"),
    ] {
        let tools = catalog.visible_to(&caller).tools();
        let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(
            names.join(" "),
            expected,
            "{:?}",
            caller.identity().map(|i| &i.scopes)
        );
    }
}

#[test]
fn rules_that_mean_nothing_are_mistakes() {
    for (given, expected) in [
        (
            r#"{"rules":[{"tools":[],"callers":[]}]}"#,
            "`access.rules[0]` names no tools",
        ),
        (
            r#"{"rules":[{"tools":[{"name":"*"}],"callers":[]},{"tools":[{}],"callers":[]}]}"#,
            "`access.rules[1].tools[0]`: a pattern without a key",
        ),
        (
            r#"{"rules":[{"tools":[{"name":"list"},{"tag":"pest"}],"callers":[]}]}"#,
            "`access.rules[0].tools[1].tag`: nothing matches `pest`",
        ),
        (
            r#"{"rules":[{"tools":[{"source":"bill"}],"callers":[]}]}"#,
            "`access.rules[0].tools[0].source`: nothing matches `bill`",
        ),
        (
            r#"{"rules":[{"tools":[{"destructive":true}],"callers":[]}]}"#,
            "`access.rules[0].tools[0].destructive`: nothing matches `true`",
        ),
        (
            r#"{"rules":[{"tools":[{"tag":"store","read_only":true}],"callers":[]}]}"#,
            "`access.rules[0].tools[0]`: each key matches something, but no tool matches all of them",
        ),
        (
            r#"{"rules":[{"tools":[{"name":"list"}],"callers":[{}]}]}"#,
            "`access.rules[0].callers[0]` says nothing of the callers",
        ),
        (
            r#"{"rules":[{"tools":[{"name":"list"}],"callers":[{"anyone":true,"group":"a"}]}]}"#,
            "`access.rules[0].callers[0]`: `anyone` and `signed_in` stand alone",
        ),
        (
            r#"{"rules":[{"tools":[{"name":"list"}],"callers":[{"anyone":true,"signed_in":true}]}]}"#,
            "`access.rules[0].callers[0]`: `anyone` and `signed_in` stand alone",
        ),
        (
            r#"{"rules":[{"tools":[{"name":"list"}],"callers":[{"scopes":["a b"]}]}]}"#,
            "`access.rules[0].callers[0].scopes`: `a b` cannot be a scope",
        ),
    ] {
        let Err(mistakes) = Shops::with(&config(given), ToolsMode::All) else {
            panic!("{given} is no mistake")
        };
        let said: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(said.join("; "), expected, "{given}");
    }
    let kinds = (0..200).map(|number| Who {
        group: Some(format!("g{number}")),
        ..Who::default()
    });
    let many = AccessConfig {
        rules: vec![AccessRule {
            tools: vec![ToolPattern {
                name: Some("*".into()),
                ..ToolPattern::default()
            }],
            callers: kinds.collect(),
        }],
        ..AccessConfig::default()
    };
    let mistakes = Shops::with(&many, ToolsMode::All).err().unwrap();
    assert_eq!(mistakes, [RuleMistake::TooManyKinds]);
}
