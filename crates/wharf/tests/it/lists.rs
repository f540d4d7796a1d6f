//! Lists and results that fit a model: search mode, and filters over results.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::Value;

use crate::process::{Folder, Running, document, run, text};

/// An API on loopback that answers every request with one JSON, for as long as the test lasts.
fn api(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    url
}

#[test]
fn a_long_list_is_searched_and_a_short_one_shown() {
    let folder = Folder::new();
    folder.write("pets.json", &document(&["listPets", "getPet"]));
    let source = "sources:\n  pets:\n    openapi: pets.json\n    upstream: {base_url: \"http://127.0.0.1:9\"}\n";
    let three = vec!["find_tools", "describe_tools", "call_tool"];
    for (settings, listed, reason) in [
        (
            "",
            vec!["listPets", "getPet"],
            "the whole list costs a model about",
        ),
        (
            "tools_tokens_max: 10\n",
            three.clone(),
            "more than 10 tokens",
        ),
        ("tools_mode: search\n", three, "`tools_mode` is `search`"),
        (
            "tools_mode: all\ntools_tokens_max: 10\n",
            vec!["listPets", "getPet"],
            "`tools_mode` is `all`",
        ),
    ] {
        let file = folder.write("wharf.yaml", &format!("{settings}{source}"));
        let checked = run(&["check", "--config", &file]);
        let said = text(&checked.stdout);
        assert!(said.contains(reason), "{settings}: {said}");
        let checked = run(&["check", "--config", &file, "--json"]);
        let said: Value = serde_json::from_slice(&checked.stdout).unwrap();
        assert_eq!(said["tools"], 2, "{settings}");
        assert_eq!(
            said["listed"]["search"],
            listed.len() == 3,
            "{settings}: {said}"
        );
        let served = Running::start(&["serve", "--config", &file, "--http", "127.0.0.1:0"]);
        assert_eq!(served.tool_names(), listed, "{settings}");
    }
}

#[test]
fn results_are_filtered_and_cut_as_configured() {
    let url = api(r#"{"items":[{"id":1,"note":"long and of no use"},{"id":2,"note":"the same"}]}"#);
    let folder = Folder::new();
    folder.write("pets.json", &document(&["listPets", "getPet"]));
    let config = |results: &str| {
        format!(
            "sources:\n  pets:\n    openapi: pets.json\n    upstream: {{base_url: \"{url}\"}}\n    results: {results}\n    tools: {{result_bytes_max: 60}}\n"
        )
    };
    for (results, arguments, fails, expected) in [
        (
            "{project: {listPets: \"[.items[].id]\"}}",
            vec!["petId=1"],
            false,
            "[1,2]",
        ),
        (
            "{allow_projection: true}",
            vec!["petId=1", "_jq=.items[1].note"],
            false,
            "the same",
        ),
        (
            "{allow_projection: true}",
            vec!["petId=1", "_jq=.items["],
            true,
            "The call was not made",
        ),
        (
            "{allow_projection: true}",
            vec!["petId=1"],
            false,
            "bytes are shown; call again with `_jq`",
        ),
        ("{}", vec!["petId=1"], false, "ask for less"),
        (
            "{project: {listPet: \".\"}}",
            vec!["petId=1"],
            true,
            "did you mean `listPets`?",
        ),
        (
            "{project: {listPets: \".[\"}}",
            vec!["petId=1"],
            true,
            "the filter is no jq",
        ),
    ] {
        let file = folder.write("wharf.yaml", &config(results));
        let mut line = vec!["call", "listPets", "--config", &file];
        line.extend(&arguments);
        let called = run(&line);
        let said = format!("{}{}", text(&called.stdout), text(&called.stderr));
        assert_eq!(
            !called.status.success(),
            fails,
            "{results} {arguments:?}: {said}"
        );
        // What is printed for people has line breaks of its own.
        let said: String = said
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace("[ ", "[")
            .replace(" ]", "]")
            .replace(", 2", ",2");
        assert!(said.contains(expected), "{results} {arguments:?}: {said}");
    }
}

/// What is not listed is called all the same, and a name that nothing has is answered with the nearest.
#[test]
fn a_server_in_search_mode_is_called_by_the_tools_own_names() {
    let url = api("[1,2]");
    let folder = Folder::new();
    folder.write("pets.json", &document(&["listPets", "getPet"]));
    let file = folder.write(
        "wharf.yaml",
        &format!("tools_mode: search\nsources:\n  pets:\n    openapi: pets.json\n    upstream: {{base_url: \"{url}\"}}\n"),
    );
    let served = Running::start(&["serve", "--config", &file, "--http", "127.0.0.1:0"]);
    for (tool, code, expected) in [
        ("listPets", Some(0), "[1,2]"),
        ("listPet", Some(3), "Did you mean `listPets`"),
    ] {
        let called = run(&["call", tool, "petId=1", "--url", &served.url]);
        let said = format!("{}{}", text(&called.stdout), text(&called.stderr));
        assert!(said.contains(expected), "{tool}: {said}");
        assert_eq!(called.status.code(), code, "{tool}");
    }
}
