//! YAML's traps: what looks like one thing and is another.

use serde_json::{Value, json};
use wharf_model::Source as _;
use wharf_openapi::{Config, Document};

use crate::build;

/// A document whose one path item is `item`, with `rest` behind it.
fn yaml(item: &str, rest: &str) -> String {
    format!("openapi: 3.0.3\ninfo: {{title: t, version: '1'}}\npaths:\n  /a: {item}\n{rest}")
}

fn value(text: impl Into<bytes::Bytes>) -> Value {
    let document = Document::read(text).expect("the document can be read");
    serde_json::from_str(document.as_json()).expect("it is JSON")
}

#[test]
fn status_keys_may_be_numbers() {
    let item = "{get: {operationId: a, responses: {200: {description: '', content: {application/json: {schema: {type: object}}}}}}}";
    let (source, _) = build(yaml(item, ""), &Config::default());
    assert!(source.tools()[0].output_schema.is_some());
}

/// Ids, tags, names of parameters and values of texts that look like numbers or truths.
#[test]
fn texts_need_no_quotes() {
    let item = "{get: {operationId: 123, tags: [2023, true], parameters: [\
        {name: 5, in: query, schema: {type: string, enum: [1, 1.5, true, no]}},\
        {name: n, in: query, schema: {type: integer, enum: [1]}},\
        {name: c, in: query, schema: {type: string, const: 7}}], responses: {}}}";
    let (source, report) = build(yaml(item, ""), &Config::default());
    assert_eq!(report.left_out, []);
    let tool = &source.tools()[0];
    assert_eq!(tool.name, "123");
    assert_eq!(tool.tags, ["2023", "true"]);
    let schema = tool.input_schema.to_value();
    for (pointer, expected) in [
        ("/properties/5/enum", json!(["1", "1.5", "true", "no"])),
        ("/properties/n/enum", json!([1])),
        ("/properties/c/const", json!("7")),
    ] {
        assert_eq!(schema.pointer(pointer), Some(&expected), "{pointer}");
    }
}

#[test]
fn versions_may_be_numbers() {
    for (version, expected) in [
        ("3.0", true),
        ("3.1", true),
        ("3.2", true),
        ("3", false),
        ("3.9", false),
    ] {
        let text = format!("openapi: {version}\ninfo: {{title: t, version: 1.10}}\npaths: {{}}");
        assert_eq!(Document::read(text).is_ok(), expected, "{version}");
    }
    // The literal counts: 1.10 is not 1.1.
    let (_, report) = build(
        "openapi: 3.1\ninfo: {title: 2, version: 1.10}\npaths: {}",
        &Config::default(),
    );
    assert_eq!(
        (report.title.as_deref(), report.version.as_deref()),
        (Some("2"), Some("1.10"))
    );
    let (_, report) = build(
        "swagger: 2.0\ninfo: {title: t, version: 2024-01-31}\npaths: {}",
        &Config::default(),
    );
    assert_eq!(report.version.as_deref(), Some("2024-01-31"));
}

#[test]
fn scalars_are_what_the_core_schema_says() {
    let rest = "x:\n  - 2024-01-31\n  - 12:30:45\n  - no\n  - 0o17\n  - 012\n  - 1_000\n  - !!str 1\n  - ~\n  - '5'\n  - 9007199254740993\n";
    assert_eq!(
        value(yaml("{}", rest))["x"],
        json!([
            "2024-01-31",
            "12:30:45",
            "no",
            15,
            12,
            "1_000",
            "1",
            null,
            "5",
            9_007_199_254_740_993_u64
        ])
    );
}

#[test]
fn a_mark_at_the_beginning_is_no_text() {
    for text in [yaml("{}", ""), value(yaml("{}", "")).to_string()] {
        let marked = format!("\u{feff}{text}");
        assert_eq!(value(marked), value(text.clone()), "{text}");
    }
    assert_eq!(
        value(format!("%YAML 1.2\n---\n{}...\n", yaml("{}", ""))),
        value(yaml("{}", ""))
    );
}

#[test]
fn anchors_and_merges_are_written_out() {
    let rest = "x-base: &base {a: 1, b: 2}\nx-more: &more {b: 3, c: 4}\nx:\n  alias: *base\n  merged: {<<: *base, b: 5}\n  list: {<<: [*base, *more]}\n";
    assert_eq!(
        value(yaml("{}", rest))["x"],
        json!({"alias": {"a": 1, "b": 2}, "merged": {"a": 1, "b": 5}, "list": {"a": 1, "b": 2, "c": 4}})
    );
}

#[test]
fn of_equal_keys_the_last_counts() {
    let yaml_text = yaml("{get: {operationId: first}, get: {operationId: last}}", "");
    let json_text = r#"{"openapi":"3.0.3","info":{},"paths":{"/a":{"get":{"operationId":"first"}},
        "/a":{"get":{"operationId":"first"},"get":{"operationId":"last"}}}}"#;
    for text in [yaml_text.as_str(), json_text] {
        let (source, report) = build(text.to_owned(), &Config::default());
        assert_eq!(report.operations, 1, "{text}");
        assert_eq!(source.tools()[0].name, "last", "{text}");
    }
}

#[test]
fn windows_lines_and_tabs_behind_values_are_white_space() {
    let text =
        yaml("{get: {operationId: a, description: \"one\\ttwo\"}}", "").replace('\n', " \t\r\n");
    let (source, _) = build(text, &Config::default());
    assert_eq!(source.tools()[0].description.as_deref(), Some("one\ttwo"));
}
