//! The page of the cases and the cases are the same sixty.

use std::collections::BTreeMap;

/// The tests' own texts.
const SOURCES: [&str; 9] = [
    include_str!("arguments.rs"),
    include_str!("bodies.rs"),
    include_str!("credentials.rs"),
    include_str!("documents.rs"),
    include_str!("lists.rs"),
    include_str!("parameters.rs"),
    include_str!("processes.rs"),
    include_str!("results.rs"),
    include_str!("schemas.rs"),
];
const UPSTREAMS: &str = include_str!("upstreams.rs");
const CASES: usize = 60;

/// The number and the rest of a name such as `case_07_deep_objects`.
fn number(name: &str) -> usize {
    let digits = name.strip_prefix("case_").and_then(|rest| rest.get(..2));
    digits
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn every_case_has_a_test_and_a_row() {
    let mut tests = BTreeMap::new();
    for source in SOURCES.into_iter().chain([UPSTREAMS]) {
        let lines: Vec<_> = source.lines().collect();
        for pair in lines.windows(2) {
            let name = pair[1]
                .trim_start_matches("async ")
                .strip_prefix("fn case_");
            let Some(name) = name.and_then(|rest| rest.split('(').next()) else {
                continue;
            };
            let name = format!("case_{name}");
            assert!(
                matches!(pair[0], "#[test]" | "#[tokio::test]"),
                "{name} is no test"
            );
            let earlier = tests.insert(number(&name), name.clone());
            assert_eq!(earlier, None, "{name}");
        }
    }
    assert!(tests.keys().copied().eq(1..=CASES), "{:?}", tests.keys());

    let page = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/openapi.md"
    ))
    .unwrap();
    let mut rows = BTreeMap::new();
    for line in page
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("`case_"))
    {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [shown, case, behaviour, test] = cells[..] else {
            panic!("a row has four cells: {line}")
        };
        let name = test.trim_matches('`').to_owned();
        assert_eq!(shown, number(&name).to_string(), "{line}");
        assert!(!case.is_empty() && !behaviour.is_empty(), "{line}");
        assert_eq!(rows.insert(number(&name), name), None, "{line}");
    }
    assert_eq!(rows, tests);
}
