//! Clients that do nothing, or very little.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::process::{Folder, PATIENCE, Running, document};

fn start(folder: &Folder, limits: &str) -> Running {
    folder.write("api.json", &document(&["listPets"]));
    let config = folder.write(
        "wharf.yaml",
        &format!("server: {{limits: {limits}}}\nsources:\n  api:\n    openapi: api.json\n    upstream: {{base_url: 'http://127.0.0.1:9'}}\n"),
    );
    Running::start(&["serve", "--config", &config, "--http", "127.0.0.1:0"])
}

/// Whether the other side closes the connection in time. What it says before that does not matter.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn silent_and_dripping_clients_are_closed() {
    let folder = Folder::new();
    let server = start(&folder, "{head_timeout_s: 1, body_timeout_s: 1}");
    let connect = || TcpStream::connect(server.address()).unwrap();

    let mut silent = connect();
    assert!(is_closed(&mut silent), "one that sends nothing");

    let mut dripping = connect();
    let start = Instant::now();
    let mut closed = false;
    // A byte at a time; a write fails some time after the other side has closed.
    while start.elapsed() < PATIENCE && !closed {
        closed = dripping.write_all(b"G").is_err();
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(closed, "one that sends its head a byte at a time");

    let mut half = connect();
    write!(half, "POST /mcp HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{", server.address()).unwrap();
    assert!(is_closed(&mut half), "one that sends half a body");
    assert_eq!(server.tool_names(), ["listPets"]);
}

#[test]
fn a_thousand_idle_connections_cost_only_memory() {
    let folder = Folder::new();
    let server = start(&folder, "{head_timeout_s: 120}");
    let resident = || {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<usize>()
            .unwrap()
    };
    let before = resident();
    let idle: Vec<_> = (0..1000)
        .map(|_| TcpStream::connect(server.address()).unwrap())
        .collect();
    assert_eq!(server.tool_names(), ["listPets"], "it still answers");
    let grown = resident().saturating_sub(before);
    assert!(
        grown < 64 << 10,
        "{grown} KB for a thousand idle connections"
    );
    drop(idle);
}
