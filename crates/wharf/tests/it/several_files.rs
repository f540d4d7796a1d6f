//! Documents in several files: from a folder, from a server, and nothing from outside of either.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::Value;

use crate::process::{Folder, Running, run};

const ROOT: &str = "openapi: 3.1.0
info: {title: Parts, version: '1'}
servers: [{url: 'http://127.0.0.1:9'}]
paths:
  /pets: {$ref: parts/pets.yaml}
  /gone:
    get:
      operationId: gone
      parameters: [{$ref: parts/gone.yaml}]
      responses: {}
  /secret:
    get:
      operationId: secret
      parameters: [{name: a, in: query, schema: {$ref: '../outside.yaml'}}]
      responses: {}
  /plain:
    get: {operationId: plain, responses: {}}
";
const PETS: &str = "get:
  operationId: listPets
  parameters:
    - {name: kind, in: query, schema: {$ref: 'models.json#/Kind'}}
  responses: {}
";
const MODELS: &str = r#"{"Kind":{"enum":["cat","dog"]}}"#;

fn checked(document: &str) -> Value {
    let arguments = [
        "check",
        document,
        "--base-url",
        "http://127.0.0.1:9",
        "--json",
    ];
    serde_json::from_slice(&run(&arguments).stdout).unwrap()
}

/// What is left out, by operation.
fn left_out(report: &Value) -> HashMap<String, String> {
    let all = report["left_out"].as_array().unwrap().iter();
    all.map(|left_out| {
        let text = |name: &str| left_out[name].as_str().unwrap().to_owned();
        (text("operation"), text("reason"))
    })
    .collect()
}

fn parts() -> (Folder, String) {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path().join("inside/parts")).unwrap();
    folder.write("outside.yaml", "type: string");
    folder.write("inside/parts/pets.yaml", PETS);
    folder.write("inside/parts/models.json", MODELS);
    let document = folder.write("inside/openapi.yaml", ROOT);
    (folder, document)
}

#[test]
fn files_of_the_folder_belong_to_the_document() {
    let (_folder, document) = parts();
    let report = checked(&document);
    assert_eq!(report["tools"], 2, "{report:#}");
    let left_out = left_out(&report);
    assert_eq!(left_out.len(), 2, "{report:#}");
    for (operation, expected) in [
        ("GET /gone", "outside of the document: cannot read it"),
        ("GET /secret", "it is not in the document's folder"),
    ] {
        let reason = &left_out[operation];
        assert!(reason.contains(expected), "{operation}: {reason}");
    }
    let tools = run(&[
        "tools",
        &document,
        "--base-url",
        "http://127.0.0.1:9",
        "--json",
    ]);
    let listed = String::from_utf8(tools.stdout).unwrap();
    assert!(listed.contains("\"dog\""), "{listed}");
}

#[test]
fn a_file_that_is_referred_to_is_watched() {
    let (folder, document) = parts();
    let server = Running::start(&[
        "serve",
        &document,
        "--base-url",
        "http://127.0.0.1:9",
        "--http",
        "127.0.0.1:0",
        "--watch",
    ]);
    assert_eq!(server.tool_names(), ["listPets", "plain"]);
    folder.write(
        "inside/parts/pets.yaml",
        &PETS.replace("listPets", "allPets"),
    );
    server.wait_for_line("serving the new state");
    assert_eq!(server.tool_names(), ["allPets", "plain"]);
    // One that was missing may come.
    folder.write("inside/parts/gone.yaml", "{name: a, in: query}");
    server.wait_for_line("serving the new state");
    assert_eq!(server.tool_names(), ["allPets", "gone", "plain"]);
}

/// An editor that empties a file before it writes it is no wish to offer less.
#[test]
fn a_file_that_cannot_be_read_any_more_changes_nothing() {
    let (folder, document) = parts();
    let address = ["--base-url", "http://127.0.0.1:9", "--http", "127.0.0.1:0"];
    let server = Running::start(&[&["serve", &document][..], &address].concat());
    assert_eq!(server.tool_names(), ["listPets", "plain"]);
    folder.write("inside/parts/pets.yaml", "{ broken");
    server.signal("HUP");
    server.wait_for_line("a file of a document cannot be read");
    server.wait_for_line("the old state keeps serving");
    assert_eq!(server.tool_names(), ["listPets", "plain"]);
    folder.write(
        "inside/parts/pets.yaml",
        &PETS.replace("listPets", "listAll"),
    );
    server.signal("HUP");
    server.wait_for_line("serving the new state");
    assert_eq!(server.tool_names(), ["listAll", "plain"]);
}

#[test]
fn files_of_the_server_belong_to_the_document() {
    let elsewhere = serve(HashMap::new());
    let root = ROOT.replace("../outside.yaml", &format!("{elsewhere}/outside.yaml"));
    let files = [
        ("/api/openapi.yaml", root.clone()),
        ("/api/parts/pets.yaml", PETS.to_owned()),
        ("/api/parts/models.json", MODELS.to_owned()),
    ];
    let server = serve(files.map(|(path, text)| (path.to_owned(), text)).into());
    let report = checked(&format!("{server}/api/openapi.yaml"));
    assert_eq!(report["tools"], 2, "{report:#}");
    let left_out = left_out(&report);
    for (operation, expected) in [
        ("GET /gone", "404"),
        ("GET /secret", "on another server than the document"),
    ] {
        let reason = &left_out[operation];
        assert!(reason.contains(expected), "{operation}: {reason}");
    }
}

/// A server of fixed files; gives its address.
fn serve(files: HashMap<String, String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 4096];
            let length = stream.read(&mut head).unwrap_or_default();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let (status, body) = match files.get(path) {
                Some(body) => ("200 OK", body.as_str()),
                None => ("404 Not Found", ""),
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    address
}
