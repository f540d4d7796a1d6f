//! Bad input gets a clear error: what, where, what next; and an exit code.

use std::net::TcpListener;

use crate::process::{Api, Folder, document, run, text};

#[test]
fn start_errors_say_what_where_and_what_next() {
    let folder = Folder::new();
    let good = folder.write("good.json", &document(&["getPet"]));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let file = |name: &str, text: &str| folder.write(name, text);
    let base = ["--base-url", "http://127.0.0.1:9"];

    let rows: Vec<(&str, Vec<String>, Vec<&str>)> = vec![
        (
            "port in use",
            vec![
                "serve".into(),
                good.clone(),
                base[0].into(),
                base[1].into(),
                "--http".into(),
                taken,
            ],
            vec!["cannot listen on", "--http"],
        ),
        (
            "no address",
            vec![
                "serve".into(),
                good.clone(),
                base[0].into(),
                base[1].into(),
                "--http".into(),
                "8000".into(),
            ],
            vec!["cannot listen on `8000`", "127.0.0.1:8000"],
        ),
        (
            "missing file",
            vec!["check".into(), "nowhere.json".into()],
            vec!["cannot read `nowhere.json`"],
        ),
        (
            "unreachable URL",
            vec!["check".into(), format!("http://{closed}/openapi.json")],
            vec!["connect", "hint:"],
        ),
        (
            "JSON error",
            vec![
                "check".into(),
                file(
                    "json.json",
                    "{\n \"openapi\": \"3.1.0\",\n \"info\": {\"title\" \"x\"}\n}",
                ),
            ],
            vec!["json.json", "line 3"],
        ),
        (
            "YAML error",
            vec![
                "check".into(),
                file("yaml.yaml", "openapi: 3.1.0\ninfo: {title: [\n"),
            ],
            vec!["yaml.yaml", "line "],
        ),
        (
            "no OpenAPI",
            vec!["check".into(), file("other.json", "{\"a\": 1}")],
            vec!["other.json", "OpenAPI"],
        ),
        (
            "a page",
            vec![
                "check".into(),
                file("page.html", "<!DOCTYPE html><html></html>"),
            ],
            vec!["page.html", "web page"],
        ),
        (
            "no operations",
            vec![
                "tools".into(),
                file("empty.json", &document(&[])),
                base[0].into(),
                base[1].into(),
            ],
            vec!["no tool to offer", "no operations"],
        ),
        (
            "no server",
            vec!["check".into(), good.clone()],
            vec!["does not say where its API is", "--base-url"],
        ),
        (
            "unknown key",
            vec![
                "check".into(),
                "--config".into(),
                file(
                    "key.yaml",
                    "sources:\n  pets:\n    openapi: good.json\n    upstream:\n      timout_s: 3\n",
                ),
            ],
            vec![
                "key.yaml:5",
                "sources.pets.upstream.timout_s",
                "did you mean `timeout_s`",
            ],
        ),
        (
            "wrong type",
            vec![
                "check".into(),
                "--config".into(),
                file(
                    "type.yaml",
                    "sources:\n  pets:\n    openapi: good.json\n    upstream:\n      timeout_s: soon\n",
                ),
            ],
            vec!["type.yaml:5", "timeout_s"],
        ),
        (
            "unset secret",
            vec![
                "check".into(),
                "--config".into(),
                file(
                    "secret.yaml",
                    "sources:\n  pets:\n    openapi: good.json\n    upstream:\n      base_url: http://127.0.0.1:9\n      credentials:\n        type: bearer\n        token: ${env:WHARF_TEST_UNSET}\n",
                ),
            ],
            vec!["secret.yaml:8", "WHARF_TEST_UNSET"],
        ),
        (
            "YAML error in the configuration",
            vec![
                "check".into(),
                "--config".into(),
                file("broken.yaml", "sources:\n  pets: [\n"),
            ],
            vec!["broken.yaml:"],
        ),
        (
            "no configuration",
            vec!["check".into(), "--config".into(), "nowhere.yaml".into()],
            vec!["nowhere.yaml"],
        ),
        (
            "private address in a document",
            vec![
                "check".into(),
                file(
                    "private.json",
                    &document(&["a"]).replace(
                        "\"paths\"",
                        "\"servers\":[{\"url\":\"http://169.254.169.254/\"}],\"paths\"",
                    ),
                ),
            ],
            vec!["169.254.169.254", "--base-url"],
        ),
    ];
    for (name, arguments, expected) in rows {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = run(&arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        // A server writes for programs where no terminal is.
        let word = match arguments[0] {
            "serve" => "\"level\":\"ERROR\"",
            _ => "error: ",
        };
        assert!(said.contains(word), "{name}: {said}");
        assert!(output.stdout.is_empty(), "{name}: {}", text(&output.stdout));
        for part in expected {
            assert!(
                said.contains(part),
                "{name}: `{part}` is missing in: {said}"
            );
        }
    }
}

/// What is well-formed and cannot be used is found after reading, and has its line all the same.
#[test]
fn settings_that_cannot_be_used_are_named_with_their_line() {
    let folder = Folder::new();
    folder.write("api.json", &document(&["getPet"]));
    let source = |below: &str| {
        format!(
            "sources:\n  pets:\n    openapi: api.json\n    upstream:\n      base_url: http://127.0.0.1:9\n{below}"
        )
    };
    for (config, line, expected) in [
        (
            "sources:\n  pets:\n    openapi: api.json\n    upstream:\n      base_url: ftp://a.example\n".to_owned(),
            5,
            "`base_url` is `ftp://a.example`",
        ),
        (
            "sources:\n  pets:\n    openapi: ftp://a.example/api.json\n".to_owned(),
            3,
            "cannot read",
        ),
        (
            "sources:\n  pets:\n    openapi: api.json\n    upstream:\n      base_url: http://user:hush@127.0.0.1:9\n".to_owned(),
            5,
            "`base_url` cannot be used: address `http://127.0.0.1:9",
        ),
        (
            source("      headers:\n        x-a: b\n        Host: c\n"),
            8,
            "header `Host` belongs to the connection",
        ),
        (
            source("      forward_headers:\n        - x-a\n        - content-type\n"),
            8,
            "header `content-type` describes the client's own body",
        ),
        (
            source("      credential_origins: [https://a.example,\n        nowhere]\n"),
            7,
            "address `nowhere`",
        ),
        (
            source("      ca_pem: none\n"),
            6,
            "`ca_pem` holds no usable certificate",
        ),
        (
            source("      client_certificate:\n        certificate_pem: none\n        key_pem: none\n"),
            7,
            "`client_certificate.certificate_pem`",
        ),
        (
            source("      credentials:\n        type: bearer\n        token: ''\n"),
            8,
            "the credentials' `token` is empty",
        ),
        (
            source("      schemes:\n        petKy: {type: bearer, token: t}\n"),
            7,
            "the document has no security scheme of that name",
        ),
        (
            source("    tools:\n      include:\n        - tag: pest\n"),
            8,
            "`tools.include[0].tag`: nothing matches `pest`",
        ),
        (
            source("    tools:\n      edit:\n        getPet:\n          arguments:\n            pet: {hidden: true}\n"),
            10,
            "has no argument `pet`",
        ),
        (
            source("    results:\n      project:\n        getPet: '.['\n"),
            8,
            "`results.project.getPet`",
        ),
        (
            format!("server:\n  path: mcp\n{}", source("")),
            2,
            "`server.path` is `mcp`",
        ),
        (
            format!("limits:\n  rules:\n    - per: tool\n{}", source("")),
            3,
            "`limits.rules[0]` limits nothing",
        ),
        (
            format!("auth:\n  issuers:\n    - issuer: https://a.example\n{}", source("")),
            3,
            "`auth.issuers[0]` does not say whom its tokens are for",
        ),
        (
            format!("server:\n  limits:\n    head_bytes_max: 4096\n{}", source("")),
            3,
            "`server.limits.head_bytes_max` is 4096",
        ),
    ] {
        let file = folder.write("wharf.yaml", &config);
        let output = run(&["check", "--config", &file]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{config}{said}");
        assert!(said.contains(expected), "{config}{said}");
        let place = format!("error: {file}:{line}: ");
        assert!(said.contains(&place), "{config}{said}");
    }
}

#[test]
fn call_errors_are_results_that_a_model_can_mend() {
    let folder = Folder::new();
    let file = folder.write("api.json", &document(&["getPet"]));
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let closed = format!("http://{closed}");
    let garbage = Api::answering(b"\x00\x01 this is no HTTP\r\n\r\n");
    let broken = Api::answering(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 6\r\nconnection: close\r\n\r\n{\"a\": ");
    let missing = Api::answering(b"HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\ncontent-length: 20\r\nconnection: close\r\n\r\n{\"title\":\"no such\"} ");
    for (name, api, argument, code, expected) in [
        (
            "missing argument",
            garbage.url.as_str(),
            "--json={}",
            3,
            "`petId` is missing",
        ),
        (
            "wrong argument",
            garbage.url.as_str(),
            "petId=one",
            3,
            "`petId`",
        ),
        (
            "misspelt argument",
            garbage.url.as_str(),
            "--json={\"petId\":1,\"petid\":2}",
            3,
            "there is no argument `petid`",
        ),
        (
            "upstream down",
            closed.as_str(),
            "petId=1",
            3,
            "cannot be reached",
        ),
        (
            "upstream answers garbage",
            garbage.url.as_str(),
            "petId=1",
            3,
            "",
        ),
        (
            "upstream answers broken JSON",
            broken.url.as_str(),
            "petId=1",
            0,
            "{\"a\":",
        ),
        (
            "upstream says no",
            missing.url.as_str(),
            "petId=1",
            3,
            "404",
        ),
    ] {
        let output = run(&[
            "call",
            "getPet",
            argument,
            "--document",
            &file,
            "--base-url",
            api,
        ]);
        let said = text(&output.stdout);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{name}: {said}{}",
            text(&output.stderr)
        );
        assert!(said.contains(expected), "{name}: {said}");
        assert!(
            !said.contains(api),
            "{name}: the upstream's address is not for clients: {said}"
        );
    }
    let unknown = run(&[
        "call",
        "getPett",
        "--document",
        &file,
        "--base-url",
        &closed,
    ]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        text(&unknown.stderr).contains("did you mean `getPet`"),
        "{}",
        text(&unknown.stderr)
    );
}

#[test]
fn a_slow_upstream_ends_with_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let folder = Folder::new();
    folder.write("api.json", &document(&["getPet"]));
    let config = folder.write(
        "wharf.yaml",
        &format!("sources:\n  pets:\n    openapi: api.json\n    upstream: {{base_url: '{silent}', timeout_s: 1}}\n"),
    );
    let output = run(&["call", "getPet", "petId=1", "--config", &config]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains("1 s"),
        "{}",
        text(&output.stdout)
    );
    drop(listener);
}

#[test]
fn a_check_reports_even_when_nothing_is_left() {
    let folder = Folder::new();
    let document = document(&["a"]).replace(
        "\"schema\":{\"type\":\"integer\"}",
        "\"$ref\":\"#/nowhere\"",
    );
    let file = folder.write("broken.json", &document);
    let checked = run(&["check", &file, "--base-url", "http://127.0.0.1:9", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(1), "{report}");
    assert_eq!(report["left_out"].as_array().unwrap().len(), 1, "{report}");
    assert!(text(&checked.stderr).contains("there is no tool to offer"));
}

#[test]
fn a_check_tells_what_was_read_loosely_and_what_is_no_tool() {
    let folder = Folder::new();
    let document = r##"{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "webhooks": {"w": {}}, "paths": {"/a": {"post": {
        "operationId": "a", "callbacks": {"done": {}}, "parameters": [
            {"name": "x", "in": "query", "schema": {"type": "strng"}},
            {"name": "y", "in": "query", "schema": {"$ref": "#/components/schemas/None"}}], "responses": {}}}}}"##;
    let file = folder.write("loose.json", document);
    let arguments = ["check", &file, "--base-url", "http://127.0.0.1:9"];
    let checked = run(&arguments);
    let told = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{told}");
    for part in [
        "none of JSON Schema's types",
        "/paths/~1a/post",
        "1 webhooks and 1 callbacks",
    ] {
        assert!(told.contains(part), "`{part}` is missing in {told}");
    }
    let report = run(&[&arguments[..], &["--json"]].concat()).stdout;
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["notes"].as_array().unwrap().len(), 2, "{report:#}");
    assert_eq!(report["sources"][0]["webhooks"], 1, "{report:#}");
}

#[test]
fn an_address_stands_beside_a_document_and_not_beside_a_configuration() {
    let folder = Folder::new();
    folder.write("api.json", &document(&["a"]));
    let config = folder.write("wharf.yaml", "sources: {api: {openapi: api.json}}\n");
    for command in [&["check"][..], &["tools"], &["serve"], &["call", "a"]] {
        let address = ["--config", &config, "--base-url", "http://127.0.0.1:9"];
        let refused = run(&[command, &address].concat());
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{command:?}: {said}");
        assert!(said.contains("cannot be used with"), "{command:?}: {said}");
    }
}
