//! A policy in the language Cedar, as an owner meets it; and a binary that does not know the language.

use crate::process::{Folder, run, text};

fn project(file: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    std::fs::read_to_string(format!("{root}{file}")).unwrap()
}

fn example() -> (Folder, String) {
    let folder = Folder::new();
    for file in ["shop.yaml", "shop.cedar", "groups.json"] {
        folder.write(file, &project(&format!("docs/examples/{file}")));
    }
    let config = folder.write("wharf.yaml", &project("docs/examples/cedar.yaml"));
    (folder, config)
}

#[test]
fn the_page_shows_the_examples_and_the_schema() {
    let page = project("docs/access.md");
    let config = project("docs/examples/cedar.yaml");
    let (_, section) = config.split_at(config.find("access:").unwrap());
    for shown in [
        section,
        &project("docs/examples/shop.cedar"),
        &project("docs/examples/groups.json"),
        &project("crates/wharf-cedar/src/wharf.cedarschema"),
    ] {
        assert!(page.contains(shown), "docs/access.md has no\n{shown}");
    }
}

#[test]
fn the_example_refuses_unknown_keys() {
    let (folder, _config) = example();
    let planted = wharf_config::plant_unknown_keys(&project("docs/examples/cedar.yaml"));
    for text_with_bogus_key in planted {
        let config = folder.write("planted.yaml", &text_with_bogus_key);
        let checked = run(&["check", "--config", &config]);
        let said = text(&checked.stderr);
        assert_eq!(checked.status.code(), Some(1), "{text_with_bogus_key}");
        let is_told = said.contains("unknown key") || said.contains("expected");
        assert!(is_told, "{text_with_bogus_key}\n{said}");
    }
}

#[cfg(not(feature = "cedar"))]
#[test]
fn without_the_feature_nothing_is_served() {
    let (_folder, config) = example();
    for command in ["check", "tools", "serve"] {
        let checked = run(&[command, "--config", &config]);
        assert_eq!(checked.status.code(), Some(1), "{command}");
        let said = text(&checked.stderr);
        for part in ["wharf.yaml:10:", "`access.cedar`", "--features cedar"] {
            assert!(said.contains(part), "{command}: {part}: {said}");
        }
    }
}

#[cfg(feature = "cedar")]
mod with_the_feature {
    use serde_json::{Value, json};

    use super::{example, project};
    use crate::process::{Running, run, text};

    fn names(config: &str, who: &[&str]) -> String {
        let listed = run(&[&["tools", "--json", "--config", config], who].concat());
        assert!(listed.status.success(), "{}", text(&listed.stderr));
        let tools: Value = serde_json::from_slice(&listed.stdout).unwrap();
        let tools = tools.as_array().unwrap().iter();
        let names: Vec<_> = tools.map(|tool| tool["name"].as_str().unwrap()).collect();
        names.join(" ")
    }

    #[test]
    fn the_example_of_the_page_shows_each_caller_what_is_theirs() {
        let (_folder, config) = example();
        let login = "issuer=https://login.example.com";
        for (who, expected) in [
            ("unknown".to_owned(), "getStatus"),
            ("scope=other".to_owned(), "getStatus"),
            (
                "scope=shop:read".to_owned(),
                "listOrders listStaff getStatus",
            ),
            (
                "scope=shop:read,claim.office=zurich".to_owned(),
                "listOrders listStaff listReports getStatus",
            ),
            ("group=sales".to_owned(), "getStatus"),
            (
                format!("group=sales,{login}"),
                "listOrders listStaff getStatus",
            ),
            (
                format!("group=sales-north,{login}"),
                "listOrders listStaff getStatus",
            ),
            (format!("group=sales-south,{login}"), "getStatus"),
        ] {
            assert_eq!(names(&config, &["--as", &who]), expected, "{who}");
        }
    }

    #[test]
    fn check_mentions_the_policy() {
        let (_folder, config) = example();
        let checked = run(&["check", "--config", &config, "--as", "unknown"]);
        let said = text(&checked.stdout);
        for part in [
            "the policies of `shop.cedar`",
            "which are 4",
            "would see 1 of 4",
        ] {
            assert!(said.contains(part), "{part} is missing in {said}");
        }
        let checked = run(&["check", "--config", &config, "--json", "--as", "unknown"]);
        let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
        let access = &report["access"];
        assert_eq!(access["visible"], json!(["getStatus"]), "{report:#}");
        let cedar = json!({"file": "shop.cedar", "policies": 4});
        assert_eq!(access["cedar"], cedar, "{report:#}");
    }

    #[test]
    fn mistakes_lead_to_their_place() {
        for (file, right, wrong, expected) in [
            (
                "shop.cedar",
                "principal.scopes.contains",
                "principal.scops.contains",
                &["shop.cedar:14:8: ", "did you mean `scopes`?"][..],
            ),
            (
                "shop.cedar",
                "getStatus",
                "getStaus",
                &["shop.cedar:2:1: ", "did you mean `getStatus`?"],
            ),
            (
                "shop.cedar",
                ");",
                ")",
                &["shop.cedar:9:8: ", "expected `{`"],
            ),
            (
                "wharf.yaml",
                "office: String",
                "ofice: String",
                &[
                    "shop.cedar:25:1: there is no claim `office`",
                    "did you mean `ofice`?",
                ],
            ),
            (
                "wharf.yaml",
                "office: String",
                "office: Text",
                &["wharf.yaml:14:", "expected"],
            ),
            (
                "wharf.yaml",
                "policies: shop.cedar",
                "policies: shp.cedar",
                &["wharf.yaml:11:", "shp.cedar", "No such file"],
            ),
            (
                "groups.json",
                "Wharf::Group",
                "Wharf::Grop",
                &["groups.json: "],
            ),
            (
                "groups.json",
                "\"parents\"",
                "parents",
                &["groups.json: ", "line 5"],
            ),
        ] {
            let (folder, config) = example();
            let example = match file {
                "wharf.yaml" => project("docs/examples/cedar.yaml"),
                _ => project(&format!("docs/examples/{file}")),
            };
            assert!(example.contains(right), "{right}");
            folder.write(file, &example.replace(right, wrong));
            let checked = run(&["check", "--config", &config]);
            let said = text(&checked.stderr);
            assert_eq!(checked.status.code(), Some(1), "{wrong}: {said}");
            for part in expected {
                assert!(
                    said.contains(part),
                    "{wrong}: `{part}` is missing in {said}"
                );
            }
        }
    }

    #[test]
    fn policies_are_read_again_when_they_change() {
        let (folder, config) = example();
        let server = Running::start(&[
            "serve",
            "--config",
            &config,
            "--http",
            "127.0.0.1:0",
            "--watch",
        ]);
        assert_eq!(server.tool_names(), ["getStatus"]);
        let changed = project("docs/examples/shop.cedar").replace("getStatus", "listStaff");
        folder.write("shop.cedar", &changed);
        server.wait_for_line("serving the new state");
        assert_eq!(server.tool_names(), ["listStaff"]);
        folder.write("shop.cedar", "permit");
        server.wait_for_line("the old state keeps serving");
        assert_eq!(server.tool_names(), ["listStaff"]);
    }
}
