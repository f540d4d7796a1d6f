//! Who may see what, as an owner meets it: the example of the page, `--as`, mistakes, and a running server.

use serde_json::{Value, json};

use crate::process::{Folder, run, text};

fn project(file: &str) -> String {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/");
    std::fs::read_to_string(format!("{docs}{file}")).unwrap()
}

fn example() -> (Folder, String) {
    let folder = Folder::new();
    folder.write("shop.yaml", &project("examples/shop.yaml"));
    let config = folder.write("wharf.yaml", &project("examples/access.yaml"));
    (folder, config)
}

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
    assert!(
        project("access.md").contains(&project("examples/access.yaml")),
        "docs/access.md shows another example"
    );
    let (_folder, config) = example();
    assert_eq!(
        names(&config, &[]),
        "listOrders listStaff listReports getStatus"
    );
    for (who, expected) in [
        ("unknown", "getStatus"),
        ("scope=other", "getStatus"),
        ("scope=orders:read", "listOrders getStatus"),
        ("scope=orders:all", "listOrders getStatus"),
        ("group=sales-north", "getStatus"),
        (
            "group=sales-north,issuer=https://login.example.com",
            "listOrders getStatus",
        ),
        ("group=finance", "getStatus"),
        ("group=finance,claim.office=zurich", "listReports getStatus"),
    ] {
        assert_eq!(names(&config, &["--as", who]), expected, "{who}");
    }
}

#[test]
fn check_says_who_may_call_how_many() {
    let (_folder, config) = example();
    let checked = run(&["check", "--config", &config, "--as", "scope=orders:read"]);
    let said = text(&checked.stdout);
    for part in [
        "Who may call how many tools",
        "scope `orders:read`",
        "group `finance` and claim `office` `zurich`",
        "That caller would see",
    ] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
    let checked = run(&["check", "--config", &config, "--json", "--as", "unknown"]);
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(
        report["access"]["visible"],
        json!(["getStatus"]),
        "{report:#}"
    );
    assert_eq!(
        report["access"]["kinds"][0],
        json!({"who": "anyone", "tools": 1})
    );
}

#[test]
fn the_example_refuses_unknown_keys() {
    let (folder, _config) = example();
    let planted = wharf_config::plant_unknown_keys(&project("examples/access.yaml"));
    assert!(planted.len() > 12, "{planted:#?}");
    for text_with_bogus_key in planted {
        let config = folder.write("planted.yaml", &text_with_bogus_key);
        let checked = run(&["check", "--config", &config]);
        let said = text(&checked.stderr);
        assert_eq!(
            checked.status.code(),
            Some(1),
            "{text_with_bogus_key}\n{said}"
        );
        let is_told = ["unknown key", "expected"]
            .iter()
            .any(|part| said.contains(part));
        assert!(is_told, "{text_with_bogus_key}\n{said}");
    }
}

#[test]
fn mistakes_name_what_was_meant() {
    let (folder, _config) = example();
    for (right, wrong, expected) in [
        (
            "name: getStatus",
            "name: getStaus",
            &[
                "wrong.yaml:14: `access.rules[0].tools[0].name`: nothing matches `getStaus`",
                "did you mean `getStatus`?",
            ][..],
        ),
        (
            "anyone: true",
            "anyonee: true",
            &["unknown key", "did you mean `anyone`?"],
        ),
        (
            "default: nobody",
            "default: nobdy",
            &["did you mean `nobody`?"],
        ),
        (
            "calls_max: 120",
            "calls_max: 0",
            &["limits.rules[0].calls_max"],
        ),
        ("per: tool", "per: tol", &["did you mean `tool`?"]),
    ] {
        let example = project("examples/access.yaml");
        assert!(example.contains(right), "{right}");
        let config = folder.write("wrong.yaml", &example.replace(right, wrong));
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
fn a_call_from_here_says_as_whom() {
    let (_folder, config) = example();
    for (who, expected) in [
        (&[][..], "--as scope"),
        (&["--as", "unknown"], "signed in"),
        (&["--as", "scope=other"], "`orders:read`"),
    ] {
        let called = run(&[&["call", "listOrders", "--config", &config], who].concat());
        assert_eq!(called.status.code(), Some(1), "{who:?}");
        let said = text(&called.stderr);
        assert!(said.contains(expected), "{who:?}: {said}");
    }
}
