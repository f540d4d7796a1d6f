//! Starting the binary with exactly these variables, speaking with it, and an API that tells what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio as Pipe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::process::{Folder, PATIENCE};

/// A document with what the other server's users have: ids with dashes, tags, enums, defaults, an operation without id.
const DOCUMENT: &str = r#"{
  "openapi": "3.0.3",
  "info": {"title": "Pet shop", "version": "1"},
  "security": [{"key": []}],
  "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
  "paths": {
    "/pets": {
      "get": {"operationId": "listPets", "summary": "List pets", "tags": ["read", "pets"],
        "parameters": [
          {"name": "limit", "in": "query", "description": "How many.", "schema": {"type": "integer", "default": 20}},
          {"name": "kind", "in": "query", "schema": {"type": "string", "enum": ["cat", "dog"]}}],
        "responses": {"200": {"description": "Pets", "content": {"application/json": {"schema": {"type": "array", "items": {"type": "integer"}}}}}}},
      "post": {"operationId": "create-pet", "tags": ["write", "pets"],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["name"],
          "properties": {"name": {"type": "string"}, "kind": {"type": "string"}}}}}},
        "responses": {"201": {"description": "Made", "content": {"application/json": {"schema": {"type": "object"}}}}}}},
    "/pets/{petId}": {
      "get": {"operationId": "getPet", "summary": "One pet", "tags": ["read", "pets"],
        "parameters": [{"name": "petId", "in": "path", "required": true, "description": "Whose.", "schema": {"type": "integer"}}],
        "responses": {
          "200": {"description": "One pet", "content": {"application/json": {"schema": {"type": "object"}}}},
          "404": {"description": "No such pet"}}},
      "put": {"operationId": "updatePet", "tags": ["write", "pets"],
        "parameters": [{"name": "petId", "in": "path", "required": true, "schema": {"type": "integer"}}],
        "responses": {"204": {"description": "Done"}}}},
    "/pets/search": {
      "get": {"operationId": "findPets", "tags": ["read", "pets"], "responses": {"200": {"description": "Pets", "content": {"application/json": {"schema": {"type": "object", "required": ["never"], "properties": {"never": {"type": "integer"}}}}}}}}},
    "/toys/{toyId}": {
      "delete": {"tags": ["toys"],
        "parameters": [{"name": "toyId", "in": "path", "required": true, "schema": {"type": "string"}}],
        "responses": {"204": {"description": "Gone"}}}}
  }
}"#;

/// The document as a file.
pub(super) fn written(folder: &Folder) -> String {
    folder.write("petshop.json", DOCUMENT)
}

/// The binary with these arguments and no variables but these.
pub(super) fn started(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    command
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Pipe::null());
    command
}

/// Everything that is said on stderr.
struct Said {
    lines: mpsc::Receiver<String>,
    seen: String,
}

impl Said {
    fn of(child: &mut Child) -> Self {
        let (lines, received) = mpsc::channel();
        let stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        Self {
            lines: received,
            seen: String::new(),
        }
    }

    fn wait_for(&mut self, part: &str) -> String {
        if let Some(line) = self.seen.lines().find(|line| line.contains(part)) {
            return line.to_owned();
        }
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(part) {
                return line;
            }
        }
        panic!("`{part}` was never said; what was: {}", self.seen);
    }
}

/// A server on stdio with a client of an older revision, which has said hello.
pub(super) struct Stdio {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    said: Said,
    id: u32,
    /// The result of `initialize`.
    pub(super) greeting: Value,
}

impl Stdio {
    pub(super) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = started(arguments, variables)
            .stdin(Pipe::piped())
            .stdout(Pipe::piped())
            .stderr(Pipe::piped())
            .spawn()
            .unwrap();
        let mut server = Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            said: Said::of(&mut child),
            child,
            id: 0,
            greeting: Value::Null,
        };
        server.greeting = server.ask(
            "initialize",
            &json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}),
        );
        server.write(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        server
    }

    fn write(&mut self, message: &Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    /// The whole answer to a request.
    pub(super) fn answer(&mut self, method: &str, params: &Value) -> Value {
        self.id += 1;
        let id = self.id;
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let mut line = String::new();
        loop {
            line.clear();
            if self.stdout.read_line(&mut line).unwrap() == 0 {
                self.said.wait_for("there is no line that says this");
            }
            let message: Value =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if message["id"] == id {
                return message;
            }
        }
    }

    /// The result of a request.
    pub(super) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let mut answer = self.answer(method, params);
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].take()
    }

    pub(super) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let mut result = self.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
        if result["isError"].is_null() {
            result["isError"] = json!(false);
        }
        result
    }

    /// The names of all `tools` or `prompts`; none where the server has none of the kind.
    pub(super) fn names(&mut self, kind: &str) -> Vec<String> {
        let answer = self.answer(&format!("{kind}/list"), &json!({}));
        let items = answer["result"][kind]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let names = items
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned());
        names.collect()
    }

    pub(super) fn wait_for(&mut self, part: &str) -> String {
        self.said.wait_for(part)
    }

    /// Everything that it says until it ends, which is now.
    pub(super) fn stderr(&mut self) -> String {
        self.stdin = None;
        while let Ok(line) = self.said.lines.recv_timeout(PATIENCE) {
            self.said.seen.push_str(&line);
            self.said.seen.push('\n');
        }
        self.said.seen.clone()
    }

    /// Closes its input and gives the exit code.
    pub(super) fn end(&mut self) -> Option<i32> {
        self.stdin = None;
        ended(&mut self.child)
    }
}

impl Drop for Stdio {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server on HTTP.
pub(super) struct Http {
    child: Child,
    pub(super) url: String,
}

impl Http {
    pub(super) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = started(arguments, variables)
            .stderr(Pipe::piped())
            .spawn()
            .unwrap();
        let mut said = Said::of(&mut child);
        let line = said.wait_for("tools at http://");
        let url = line.split(" at ").nth(1).unwrap();
        let url = url.split(['"', ' ']).next().unwrap().trim().to_owned();
        Self { child, url }
    }

    fn address(&self) -> &str {
        self.url
            .trim_start_matches("http://")
            .split('/')
            .next()
            .unwrap()
    }

    pub(super) fn get(&self, path: &str) -> String {
        get(self.address(), path)
    }

    /// The result of a request of the newest revision, which needs no greeting.
    pub(super) fn ask(&self, method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let body =
            json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let path = self.url.split_once(self.address()).unwrap().1;
        let answer = exchange(
            self.address(),
            &format!(
                "POST {path} HTTP/1.1\r\nhost: {}\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: {method}\r\n\
                 content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
                 connection: close\r\ncontent-length: {}\r\n\r\n{body}",
                self.address(),
                body.len(),
            ),
        );
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let mut answer: Value =
            serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].take()
    }

    pub(super) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success(), "kill -{name}");
    }

    pub(super) fn exit_code(&mut self) -> Option<i32> {
        ended(&mut self.child)
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ended(child: &mut Child) -> Option<i32> {
    for _ in 0..PATIENCE.as_millis() / 20 {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it does not end");
}

/// The whole answer to a GET.
pub(super) fn get(address: &str, path: &str) -> String {
    exchange(
        address,
        &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"),
    )
}

fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// An API that answers with what it was sent: method, target, headers, body. `/pets` lists, and three pets are ill.
pub(super) struct Echo {
    pub(super) url: String,
    count: Arc<AtomicUsize>,
}

impl Echo {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let count = Arc::<AtomicUsize>::default();
        let counted = count.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let counted = counted.clone();
                std::thread::spawn(move || serve(stream, &counted));
            }
        });
        Self { url, count }
    }

    /// How many requests came.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

fn serve(stream: TcpStream, count: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    count.fetch_add(1, Ordering::SeqCst);
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let mut headers = Map::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), Value::from(value.trim()));
    }
    let length = headers.get("content-length").and_then(Value::as_str);
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let (status, kind, answer) = match target.split('?').next().unwrap() {
        "/openapi.json" if headers.get("authorization") == Some(&json!("Bearer t")) => {
            ("200 OK", "application/json", DOCUMENT.to_owned())
        }
        "/openapi.json" => ("401 Who?", "text/plain", String::new()),
        "/pets/404" => (
            "404 Gone Away",
            "application/json",
            "{\"detail\":null}".to_owned(),
        ),
        "/pets/500" => ("500 Oh", "text/html", "<b>no</b>".to_owned()),
        "/pets/503" => ("503 Later\r\nretry-after: 7", "text/plain", String::new()),
        path if path.ends_with("/pets") && method == "GET" => {
            ("200 OK", "application/json", "[1, 2]".to_owned())
        }
        _ => {
            let seen = json!({"method": method, "target": target, "headers": headers, "body": String::from_utf8_lossy(&body)});
            ("200 OK", "application/json", seen.to_string())
        }
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    );
}
