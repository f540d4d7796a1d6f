//! What is no document is refused with a message that says what, where and what next.

use serde_json::{Value, json};
use wharf_openapi::{Config, Document, DocumentError, OpenApi, Whereabouts};

fn refusal(bytes: &[u8]) -> DocumentError {
    match Document::read(bytes.to_vec()) {
        Ok(_) => panic!("{} was read", String::from_utf8_lossy(bytes)),
        Err(error) => error,
    }
}

#[test]
fn what_is_no_document_is_told_why() {
    for (text, message, hint) in [
        ("", "the document is empty", "leads to the document itself"),
        (
            " \n\t",
            "the document is empty",
            "leads to the document itself",
        ),
        (
            "<!DOCTYPE html><html>",
            "this is a web page",
            "not to a page about it",
        ),
        (
            "{\n  \"openapi\": \"3.0.0\",\n  \"info\": {,}\n}",
            "line 3, column 12: not valid JSON",
            "mend the document",
        ),
        (
            "{\"openapi\":\"3.0.0\",\"info\":{},\"paths\":{}} x",
            "line 1, column 42: not valid JSON",
            "mend",
        ),
        (
            "openapi: 3.0.0\ninfo:\n\ttitle: x",
            "line 3, column",
            "mend the document",
        ),
        (
            "openapi: 3.0.0\ninfo: [",
            "not valid YAML",
            "mend the document",
        ),
        (
            "swagger: '1.2'\ninfo: {}\npaths: {}",
            "this is a Swagger 1.2 document",
            "convert it to OpenAPI 3 first",
        ),
        ("{\"swagger\":\"2.1\"}", "Swagger 2.1", "convert it"),
        (
            "swagger: 2\ninfo: {}",
            "the document has no `paths`",
            "make the smallest document",
        ),
        (
            "openapi: 3.3.0\ninfo: {}\npaths: {}",
            "version `3.3.0`; Swagger 2.0 and OpenAPI 3.0 to 3.2 are read",
            "begins like",
        ),
        (
            "[]",
            "no `openapi` member",
            "an OpenAPI document begins like",
        ),
        ("\"openapi\"", "no `openapi` member", "begins like"),
        ("just words", "no `openapi` member", "begins like"),
        ("a: 1", "no `openapi` member", "begins like"),
        (
            "openapi: 4.0.0\ninfo: {}\npaths: {}",
            "version `4.0.0`",
            "begins like",
        ),
        (
            "openapi: [3]\ninfo: {}\npaths: {}",
            "version `[3]`",
            "begins like",
        ),
        (
            "openapi: 3.0.0\npaths: {}",
            "no `info`",
            "the smallest document",
        ),
        (
            "openapi: 3.0.0\ninfo: x\npaths: {}",
            "`/info` is not an object",
            "the smallest document",
        ),
        (
            "openapi: 3.0.0\ninfo: {}",
            "no `paths`",
            "the smallest document",
        ),
        (
            "openapi: 3.0.0\ninfo: {}\npaths: []",
            "`/paths` is not an object",
            "the smallest document",
        ),
        (
            "openapi: 3.0.0\ninfo: {}\npaths: *x",
            "line 3, column 8: not valid YAML",
            "mend",
        ),
    ] {
        let error = refusal(text.as_bytes());
        assert!(error.to_string().contains(message), "{text:?}: {error}");
        assert!(error.hint().contains(hint), "{text:?}: {}", error.hint());
    }
    let error = refusal(b"\x1f\x8b\x08\x00openapi");
    assert!(error.to_string().contains("gzip"), "{error}");
    let error = refusal(b"openapi: \xff");
    assert!(
        error.to_string().contains("not UTF-8 text (byte 9)"),
        "{error}"
    );
    let deep = format!(
        "{{\"openapi\":\"3.0.0\",\"x\":{}{}}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    let error = refusal(deep.as_bytes());
    assert!(
        error.to_string().contains("nested deeper than 128 levels"),
        "{error}"
    );
}

#[test]
fn sloppy_documents_are_read_all_the_same() {
    for (text, title, version) in [
        (
            "openapi: 3.1\ninfo: {title: T, version: 1.0}\npaths: {}",
            "T",
            "1.0",
        ),
        (
            "\u{feff}openapi: 3.0.0\ninfo: {title: T, version: 2024-01-01}\npaths: {}",
            "T",
            "2024-01-01",
        ),
        (
            "\u{feff}\n {\"openapi\":\"3.0.0\",\"info\":{\"title\":\"T\",\"version\":2},\"paths\":{}}\n",
            "T",
            "2",
        ),
        // JSON with a comment and a comma too many is YAML.
        (
            "{\"openapi\":\"3.0.0\", # new\n \"info\":{\"title\":\"T\",\"version\":\"3\",},\"paths\":{}}",
            "T",
            "3",
        ),
        (
            "openapi: 3.2.0\ninfo: {title: T, version: x}\nwebhooks: {}",
            "T",
            "x",
        ),
        (
            "openapi: 3.0.0\nopenapi: 3.1.0\ninfo: {title: T, version: last}\npaths: {}",
            "T",
            "last",
        ),
    ] {
        let document = Document::read(text.as_bytes().to_vec())
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let (_, report) =
            OpenApi::build(document, &Config::default(), Whereabouts::default()).expect(text);
        assert_eq!(report.title.as_deref(), Some(title), "{text}");
        assert_eq!(report.version.as_deref(), Some(version), "{text}");
        assert!(report.left_out.is_empty(), "{text}");
    }
}

#[test]
fn a_base_url_must_be_an_address() {
    for url in ["", "api.example.com", "/v1", "ftp://example.com", "http://"] {
        let document =
            Document::read(&b"openapi: 3.0.0\ninfo: {}\npaths: {}"[..]).expect("it is a document");
        let whereabouts = Whereabouts {
            base_url: Some(url),
            ..Whereabouts::default()
        };
        let Err(error) = OpenApi::build(document, &Config::default(), whereabouts) else {
            panic!("`{url}` was taken")
        };
        assert!(
            error.to_string().contains(&format!("`{url}`")),
            "{url}: {error}"
        );
    }
}

#[test]
fn unknown_keys_are_refused() {
    let error = serde_json::from_str::<Config>(r#"{"output_schema":"full"}"#)
        .expect_err("the key is unknown");
    assert!(
        error.to_string().contains("unknown field `output_schema`"),
        "{error}"
    );
    let config: Config =
        serde_json::from_str(r#"{"output_schemas":"full","descriptions":"brief"}"#)
            .expect("it is right");
    assert_eq!(config.result_bytes_max, Config::default().result_bytes_max);
}

#[test]
fn deep_schemas_end_in_anything() {
    let mut schema = r#"{"type":"string","nullable":true}"#.to_owned();
    for _ in 0..55 {
        schema = format!(r#"{{"nullable":true,"oneOf":[{schema}]}}"#);
    }
    let text = format!(
        r#"{{"openapi":"3.0.0","info":{{}},"paths":{{"/x":{{"get":{{"parameters":[{{"name":"a","in":"query","schema":{schema}}}]}}}}}}}}"#
    );
    let (source, report) = crate::build(text, &Config::default());
    crate::check(&wharf_model::Source::tools(&source));
    assert!(
        report.notes[0].text.contains("nested too deeply"),
        "{:?}",
        report.notes
    );
}

#[test]
fn chains_of_compositions_end() {
    let schemas: Vec<_> = (0..3000)
        .map(|number| format!(r##""S{number}":{{"allOf":[{{"$ref":"#/components/schemas/S{}"}},{{"type":"object"}}]}}"##, number + 1))
        .collect();
    let text = format!(
        r##"{{"openapi":"3.1.0","info":{{}},"paths":{{"/x":{{"get":{{"parameters":[{{"name":"a","in":"query","schema":{{"$ref":"#/components/schemas/S0"}}}}]}}}}}},"components":{{"schemas":{{{},"S3000":{{}}}}}}}}"##,
        schemas.join(",")
    );
    let (source, report) = crate::build(text, &Config::default());
    crate::check(&wharf_model::Source::tools(&source));
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.text.contains("without end")),
        "{:?}",
        report.notes
    );
}

#[test]
fn schemas_that_tie_everything_together_stay_small() {
    let schemas: Vec<_> = (0..400)
        .map(|number| {
            let properties: Vec<_> = (0..40)
                .map(|other| {
                    format!(
                        r##""p{other}":{{"$ref":"#/components/schemas/S{}"}}"##,
                        (number * 7 + other * 11) % 400
                    )
                })
                .collect();
            format!(
                r#""S{number}":{{"type":"object","properties":{{{}}}}}"#,
                properties.join(",")
            )
        })
        .collect();
    let paths: Vec<_> = (0..400)
        .map(|number| {
            format!(r##""/p{number}":{{"put":{{"requestBody":{{"content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/S{number}"}}}}}}}}}}}}"##)
        })
        .collect();
    let text = format!(
        r#"{{"openapi":"3.0.0","info":{{}},"paths":{{{}}},"components":{{"schemas":{{{}}}}}}}"#,
        paths.join(","),
        schemas.join(",")
    );
    let config = Config {
        schema_bytes_max: 10_000,
        ..Config::default()
    };
    let (source, report) = crate::build(text, &config);
    assert_eq!(report.tools, 400);
    let tools = wharf_model::Source::tools(&source);
    crate::check(&tools[..20]);
    for tool in &tools {
        let bytes = tool.input_schema.as_str().len();
        assert!(bytes < 25_000, "{}: {bytes}", tool.name);
    }
}

/// Members that only a pattern describes are for the upstream to judge.
#[test]
fn members_by_pattern_are_accepted() {
    use wharf_model::Source as _;

    for closing in ["additionalProperties", "unevaluatedProperties"] {
        let text = format!(
            r#"{{"openapi":"3.1.0","info":{{}},"paths":{{"/a":{{"post":{{"operationId":"a","requestBody":{{"content":{{"application/json":{{"schema":{{
                "type":"object","properties":{{"n":{{}}}},"patternProperties":{{"^x-":{{}}}},"{closing}":false}}}}}}}}}}}}}}}}"#
        );
        let (source, _) = crate::build(text, &Config::default());
        let schema = source.tools()[0].input_schema.to_value();
        assert_eq!(schema["additionalProperties"], true, "{closing}: {schema}");
    }
}

/// Two threads read a large document; what they note is what one would have noted.
#[test]
fn the_first_notes_are_kept() {
    let paths: serde_json::Map<String, Value> = (0..1_000)
        .map(|number| {
            let parameter =
                json!({"name": "q", "in": "query", "schema": {"type": "string", "pattern": "("}});
            let operation = json!({"parameters": [parameter], "responses": {}});
            (format!("/p{number}"), json!({"get": operation}))
        })
        .collect();
    let document = json!({"openapi": "3.0.0", "info": {}, "paths": paths}).to_string();
    let (_, report) = crate::build(document.into_bytes(), &Config::default());
    let told: Vec<_> = report.notes.iter().map(|note| &note.pointer).collect();
    assert_eq!(told.len(), 200);
    for (number, pointer) in told.into_iter().enumerate() {
        assert!(
            pointer.starts_with(&format!("/paths/~1p{number}/")),
            "{pointer}"
        );
    }
}
