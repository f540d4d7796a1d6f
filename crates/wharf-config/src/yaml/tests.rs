use std::fmt::Write as _;

use super::*;

/// Reads a text that must be right, or gives its mistakes.
fn read_all(text: &str) -> Result<Option<Node>, String> {
    let mut report = Report::new("w.yaml");
    let node = read(text, &mut report);
    match report.finish() {
        Ok(_) => Ok(node),
        Err(errors) => Err(errors.to_string()),
    }
}

#[test]
fn everything_knows_its_line() {
    let root = read_all("# comment\na: 1\nlist:\n  - x\n  - {b: 2}\n")
        .unwrap()
        .unwrap();
    let Content::Mapping(entries) = &root.content else {
        panic!("{root:?}")
    };
    assert_eq!(
        entries
            .iter()
            .map(|entry| (entry.key.as_str(), entry.mark.line))
            .collect::<Vec<_>>(),
        [("a", 2), ("list", 3)]
    );
    let Content::Sequence(items) = &entries[1].value.content else {
        panic!("{root:?}")
    };
    assert_eq!(
        items
            .iter()
            .map(|item| (item.mark.line, item.mark.column))
            .collect::<Vec<_>>(),
        [(4, 5), (5, 5)]
    );
}

#[test]
fn mistakes_in_the_yaml_name_their_place() {
    for (text, expected) in [
        (
            "a: [1, 2\nb: 3\n",
            "error: w.yaml:2:2: the YAML cannot be read: illegal placement of ':' indicator",
        ),
        (
            "a: 1\na: 2\n",
            "error: w.yaml:2: key `a` is given twice\nhint: remove one; the first is on line 1",
        ),
        (
            "s:\n - x: 1\n   y: 2\n   x: 3\n",
            "error: w.yaml:4: key `s[0].x` is given twice\nhint: remove one; the first is on line 2",
        ),
        ("{a: 1, a: 2}", "error: w.yaml:1: key `a` is given twice"),
        (
            "a: 1\n---\nb: 2\n",
            "error: w.yaml:2:1: a second YAML document begins here",
        ),
        (
            "a: !secret x",
            "error: w.yaml:1:4: the tag `secret` has no meaning here",
        ),
        ("a: *b", "error: w.yaml:1:4: the YAML cannot be read"),
        ("{a: 1}: 2", "error: w.yaml:1:1: a key must be a text"),
        (
            "a: &x [*x]",
            "error: w.yaml:1:8: an alias stands inside of what it repeats",
        ),
        (
            "a:\n  b: 1\n\tc: 1",
            "error: w.yaml:2:6: the YAML cannot be read: while scanning a plain scalar, found a tab\nhint: indent with spaces",
        ),
        (
            "a: [${env:B}]",
            "error: w.yaml:1:6: the YAML cannot be read: while parsing a flow sequence, expected ',' or ']'\nhint: between `[` and `]`",
        ),
        (
            "a: b: c",
            "error: w.yaml:1:5: the YAML cannot be read: mapping values are not allowed in this context\nhint: a text that holds `: ` stands in quotes",
        ),
    ] {
        let error = read_all(text).expect_err(text);
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn nothing_grows_without_bound() {
    let deep = "[".repeat(DEPTH_MAX + 1);
    assert!(read_all(&deep).unwrap_err().contains("64 levels"));

    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        let _ = writeln!(laughs, "a{level}: &a{level} [{before}]");
    }
    assert!(read_all(&laughs).unwrap_err().contains("too much"));

    let mut tower = String::from("a0: &a0 [x]\n");
    for level in 1..=DEPTH_MAX {
        let _ = writeln!(tower, "a{level}: &a{level} [*a{}]", level - 1);
    }
    assert!(read_all(&tower).unwrap_err().contains("64 levels"));
}

#[test]
fn aliases_repeat_what_they_name() {
    let root = read_all("a: &a {x: 1}\nb: *a\n").unwrap().unwrap();
    let Content::Mapping(entries) = &root.content else {
        panic!("{root:?}")
    };
    assert!(matches!(&entries[1].value.content, Content::Mapping(inner) if inner[0].key == "x"));
    assert_eq!(entries[1].value.mark.line, 2);
}

#[test]
fn nothing_is_nothing() {
    for text in ["", "# only a comment\n", "---\n", "\u{feff}"] {
        let root = read_all(text).unwrap();
        assert!(root.is_none_or(|root| root.is_null()), "{text:?}");
    }
}
