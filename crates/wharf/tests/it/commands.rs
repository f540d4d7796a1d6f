//! Every command once, the way the README shows it.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::Value;

use crate::process::{Folder, Running, document, run, text, wharf};

#[test]
fn demo_serves_a_store_that_can_be_called_and_ends_cleanly() {
    for signal in ["TERM", "INT", "HUP"] {
        let mut demo = Running::start(&["demo", "--http", "127.0.0.1:0"]);
        let tools = demo.tool_names();
        assert!(tools.len() >= 15, "{tools:?}");

        let called = run(&["call", "getPet", "petId=1", "--url", &demo.url]);
        assert!(called.status.success(), "{}", text(&called.stderr));
        let pet: Value = serde_json::from_slice(&called.stdout).unwrap();
        assert_eq!(pet["id"], 1, "{pet}");

        let health = format!("http://{}/health", demo.address());
        assert!(run(&["healthcheck", "--url", &health]).status.success());

        demo.signal(signal);
        assert_eq!(demo.exit_code(), Some(0), "{signal}");
        let gone = run(&["healthcheck", "--url", &health]);
        assert_eq!(gone.status.code(), Some(1), "the port is closed");
    }
}

#[test]
fn the_call_line_of_the_demo_works_as_pasted() {
    let demo = Running::start(&["demo", "--http", "127.0.0.1:0"]);
    let line = demo.wait_for_line(" call getPet ");
    let pasted = std::process::Command::new("sh")
        .args(["-c", line.trim()])
        .output()
        .unwrap();
    assert!(pasted.status.success(), "{line}: {}", text(&pasted.stderr));
}

#[test]
fn check_reports_what_is_left_out_and_the_budget() {
    let folder = Folder::new();
    let whole = folder.write("whole.json", &document(&["listPets", "getPet"]));
    let broken = folder.write(
        "broken.json",
        r##"{"openapi":"3.0.3","info":{"title":"T","version":"1"},"paths":{
            "/a":{"get":{"operationId":"a","responses":{}}},
            "/b":{"get":{"operationId":"b","parameters":[{"$ref":"#/components/parameters/none"}],"responses":{}}}}}"##,
    );
    for (file, code, operations, tools, left_out) in [(&whole, 0, 2, 2, 0), (&broken, 1, 2, 1, 1)] {
        let checked = run(&["check", file, "--base-url", "http://127.0.0.1:9", "--json"]);
        assert_eq!(
            checked.status.code(),
            Some(code),
            "{file}: {}",
            text(&checked.stderr)
        );
        let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
        assert_eq!(report["operations"], operations, "{file}");
        assert_eq!(report["tools"], tools, "{file}");
        assert_eq!(
            report["left_out"].as_array().unwrap().len(),
            left_out,
            "{file}"
        );
        assert!(report["tokens"].as_u64().unwrap() > 10, "{report}");
    }
    let report: Value = serde_json::from_slice(
        &run(&[
            "check",
            &broken,
            "--base-url",
            "http://127.0.0.1:9",
            "--json",
        ])
        .stdout,
    )
    .unwrap();
    assert_eq!(report["left_out"][0]["operation"], "GET /b");
    assert_eq!(
        report["left_out"][0]["pointer"],
        "/paths/~1b/get/parameters/0"
    );
    assert!(
        report["left_out"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("#/components/parameters/none"),
        "{report}"
    );

    let table = text(&run(&["check", &broken, "--base-url", "http://127.0.0.1:9"]).stdout);
    assert!(
        table.contains("GET /b") && table.contains("tokens"),
        "{table}"
    );
    assert!(
        !table.contains('\u{1b}'),
        "no colours where there is no terminal"
    );
}

#[test]
fn tools_are_a_table_or_what_a_client_gets() {
    let folder = Folder::new();
    let file = folder.write("api.json", &document(&["listPets", "getPet"]));
    let table = text(&run(&["tools", &file, "--base-url", "http://127.0.0.1:9"]).stdout);
    assert!(
        table.contains("listPets") && table.contains("petId*"),
        "{table}"
    );

    let json = run(&["tools", &file, "--base-url", "http://127.0.0.1:9", "--json"]);
    let tools: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(tools[0]["name"], "listPets", "{tools}");
    assert_eq!(tools[0]["inputSchema"]["required"][0], "petId", "{tools}");
}

#[test]
fn calls_take_text_and_json_arguments() {
    let api = crate::process::Api::answering(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"ok\":true}",
    );
    let folder = Folder::new();
    let file = folder.write("api.json", &document(&["getPet"]));
    for arguments in [
        &["petId=1"][..],
        &["petId:=1"],
        &["--json", r#"{"petId":1}"#],
    ] {
        let line = [
            &["call", "getPet"],
            arguments,
            &["--document", &file, "--base-url", &api.url],
        ]
        .concat();
        let called = run(&line);
        assert!(
            called.status.success(),
            "{arguments:?}: {}",
            text(&called.stderr)
        );
        assert_eq!(
            text(&called.stdout).trim(),
            r#"{"ok":true}"#,
            "{arguments:?}"
        );
    }
    let raw = run(&[
        "call",
        "getPet",
        "petId=1",
        "--raw",
        "--document",
        &file,
        "--base-url",
        &api.url,
    ]);
    let result: Value = serde_json::from_slice(&raw.stdout).unwrap();
    assert_eq!(result["content"][0]["type"], "text", "{result}");
}

#[test]
fn stdio_carries_messages_and_nothing_else() {
    let folder = Folder::new();
    let file = folder.write("api.json", &document(&["listPets"]));
    let mut child = wharf(&[
        "serve",
        &file,
        "--base-url",
        "http://127.0.0.1:9",
        "--stdio",
        "--log",
        "trace",
    ])
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list"}}"#).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let list: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(list["result"]["tools"][0]["name"], "listPets", "{list}");
    drop(input);
    assert!(
        child.wait().unwrap().success(),
        "the end of input is the end"
    );
    assert!(lines.next().is_none());
}

#[test]
fn several_sources_make_one_server() {
    let folder = Folder::new();
    folder.write("a.json", &document(&["list"]));
    folder.write("b.json", &document(&["list"]));
    let upstream = "upstream: {base_url: 'http://127.0.0.1:9'}";
    let config = format!(
        "sources:\n  a:\n    openapi: a.json\n    {upstream}\n  b:\n    openapi: b.json\n    {upstream}\n"
    );
    let clash = folder.write("clash.yaml", &config);
    let refused = run(&["check", "--config", &clash]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(
        said.contains("`list` is offered by `a` and by `b`") && said.contains("prefix"),
        "{said}"
    );

    let mended = folder.write(
        "wharf.yaml",
        &config.replace("openapi: b.json", "openapi: b.json\n    prefix: b_"),
    );
    let tools = text(&run(&["tools", "--config", &mended]).stdout);
    assert!(tools.contains("b_list"), "{tools}");
    // Without a name it is found in the folder where the command runs.
    let found = wharf(&["tools"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(text(&found.stdout), tools);
}

#[test]
fn completions_and_version() {
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&run(&["completions", shell]).stdout);
        assert!(script.contains("healthcheck"), "{shell}");
    }
    assert_eq!(
        text(&run(&["--version"]).stdout).trim(),
        concat!("wharf ", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(run(&["demoo"]).status.code(), Some(2));
}

/// Who writes a list to a file must hear that it is not whole.
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let folder = Folder::new();
    let pets = folder.write("pets.json", &document(&["listPets"]));
    let from = [pets.as_str(), "--base-url", "http://127.0.0.1:9"];
    for arguments in [
        [&["tools"], &from[..]].concat(),
        [&["check", "--json"], &from[..]].concat(),
        vec!["completions", "bash"],
        vec!["config-reference"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let written = wharf(&arguments).stdout(full.unwrap()).output().unwrap();
        assert_eq!(written.status.code(), Some(1), "{arguments:?}");
        assert!(text(&written.stderr).contains("cannot print"));
    }
}
