//! The process: 54 and 60.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::{Api, Reply};
use crate::process::{Folder, PATIENCE, Running, document};
use crate::stdio::Conversation;

fn call(id: u32) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "op", "arguments": {"petId": 1}}})
}

#[test]
fn case_54_standard_output_belongs_to_the_protocol() {
    let folder = Folder::new();
    let api = Api::new();
    // One operation is left out with a warning, and the log is as loud as it gets.
    let file = folder.write(
        "openapi.json",
        &document(&["op"]).replace(r#""paths":{"#, r#""paths":{"/broken":{"get":5},"#),
    );
    let arguments = [
        "serve",
        &file,
        "--base-url",
        &api.url,
        "--stdio",
        "--log",
        "debug",
    ];
    let mut wharf = Conversation::start(&arguments);
    let mut said = vec![wharf.initialize()];
    for (id, message) in [
        (
            1,
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
        ),
        (2, call(2)),
        (
            3,
            json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "op", "arguments": {}}}),
        ),
        (4, json!({"jsonrpc": "2.0", "id": 4, "method": "nonsense"})),
    ] {
        wharf.say(&message);
        let answer = wharf.hear();
        let parsed: Value =
            serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{e}: {answer}"));
        assert_eq!(parsed["id"], id, "{answer}");
        said.push(answer);
    }
    wharf.close();
    assert_eq!(wharf.child.wait().unwrap().code(), Some(0));
    said.extend(wharf.rest());
    for line in said {
        let parsed: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(parsed["jsonrpc"], "2.0", "{line}");
    }
    let log = wharf.stderr();
    assert!(log.contains("left out"), "the log is on stderr: {log}");

    // What cannot start says why, and nothing where the protocol is.
    let broken = folder.write("broken.yaml", "openapi: [");
    let mut wharf = Conversation::start(&["serve", &broken, "--stdio"]);
    assert_eq!(wharf.child.wait().unwrap().code(), Some(1));
    assert_eq!(wharf.rest(), Vec::<String>::new());
    let said = wharf.stderr();
    assert!(said.contains("broken.yaml"), "{said}");
}

#[test]
fn case_60_sigterm_with_a_call_in_flight() {
    let folder = Folder::new();
    let file = folder.write("openapi.json", &document(&["op"]));

    // Over HTTP the call is finished first.
    let slow = Api::answering([Reply::json(r#"{"done":true}"#).after(Duration::from_millis(700))]);
    let mut wharf = Running::start(&[
        "serve",
        &file,
        "--base-url",
        &slow.url,
        "--http",
        "127.0.0.1:0",
    ]);
    let mut stream = TcpStream::connect(wharf.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "op", "arguments": {"petId": 1}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}}})
    .to_string();
    write!(
        stream,
        "POST /mcp HTTP/1.1\r\nhost: {}\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: op\r\n\
         content-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
        wharf.address(),
        body.len()
    )
    .unwrap();
    slow.wait_for_requests(1);
    wharf.signal("TERM");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains(r#"{"done":true}"#),
        "{answer}"
    );
    assert_eq!(wharf.exit_code(), Some(0));

    // On stdio too. Whoever will not wait says so again, and the call is given up, upstream too.
    let signal = |wharf: &Conversation| {
        let id = wharf.child.id().to_string();
        let kill = std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status();
        assert!(kill.unwrap().success());
    };
    let slow = Api::answering([Reply::json(r#"{"done":true}"#).after(Duration::from_millis(700))]);
    let mut wharf = Conversation::start(&["serve", &file, "--base-url", &slow.url, "--stdio"]);
    wharf.initialize();
    wharf.say(&call(1));
    slow.wait_for_requests(1);
    signal(&wharf);
    assert!(wharf.hear().contains("done"));
    assert_eq!(wharf.child.wait().unwrap().code(), Some(0));

    let silent = Api::answering([Reply::json("").hanging()]);
    let mut wharf = Conversation::start(&["serve", &file, "--base-url", &silent.url, "--stdio"]);
    wharf.initialize();
    wharf.say(&call(1));
    silent.wait_for_requests(1);
    signal(&wharf);
    // Two that come at once are one.
    while wharf.child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(200));
        signal(&wharf);
    }
    assert_eq!(wharf.child.wait().unwrap().code(), Some(1));
    silent.wait_until_given_up();
}
