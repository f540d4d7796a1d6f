//! Running `wharf`, and an HTTP API for it to call.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// No step of a test takes longer on the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The binary, not yet started.
pub(crate) fn wharf(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    command
        .args(arguments)
        .env_remove("WHARF_LOG")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null());
    command
}

/// Runs to the end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    wharf(arguments).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running server; ended when it goes out of scope.
pub(crate) struct Running {
    pub(crate) child: Child,
    /// The MCP endpoint's URL.
    pub(crate) url: String,
    stderr: mpsc::Receiver<String>,
    /// What was said until then.
    pub(crate) seen: Vec<String>,
}

impl Running {
    /// Starts `wharf` with `arguments` and waits until it says its address, on stdout or stderr.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    /// The same, with variables.
    pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = wharf(arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines, stderr) = mpsc::channel();
        for stream in [
            Box::new(child.stdout.take().unwrap()) as Box<dyn Read + Send>,
            Box::new(child.stderr.take().unwrap()),
        ] {
            let lines = lines.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = lines.send(line);
                }
            });
        }
        let mut running = Self {
            child,
            url: String::new(),
            stderr,
            seen: Vec::new(),
        };
        let line = loop {
            let line = running.stderr.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no address in {:#?}", running.seen));
            running.seen.push(line.clone());
            if line.contains("/mcp") {
                break line;
            }
        };
        let start = line
            .find("http://")
            .unwrap_or_else(|| panic!("no address in {line:?}"));
        let end = |letter: char| letter.is_whitespace() || letter == '"';
        let url = line[start..].split(end).next().unwrap();
        url.clone_into(&mut running.url);
        running
    }

    /// The first line from here on that holds `part`.
    pub(crate) fn wait_for_line(&self, part: &str) -> String {
        let mut seen = Vec::new();
        while let Ok(line) = self.stderr.recv_timeout(PATIENCE) {
            if line.contains(part) {
                return line;
            }
            seen.push(line);
        }
        panic!("`{part}` was never said; what was: {seen:#?}");
    }

    /// Everything that is said from here on to its end.
    pub(crate) fn rest(&self) -> String {
        let mut said = Vec::new();
        loop {
            match self.stderr.recv_timeout(PATIENCE) {
                Ok(line) => said.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => return said.join("\n"),
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it does not end: {said:#?}"),
            }
        }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.url
            .trim_start_matches("http://")
            .split('/')
            .next()
            .unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success(), "kill -{name}");
    }

    /// The exit code once it has ended.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        for _ in 0..PATIENCE.as_millis() / 20 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }

    /// The names of the tools it lists.
    pub(crate) fn tool_names(&self) -> Vec<String> {
        let body = self.post(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{
                "io.modelcontextprotocol/protocolVersion":"2026-07-28",
                "io.modelcontextprotocol/clientCapabilities":{}}}}"#,
        );
        let list: serde_json::Value =
            serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
        let tools = list["result"]["tools"]
            .as_array()
            .unwrap_or_else(|| panic!("{body}"));
        tools
            .iter()
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect()
    }

    fn post(&self, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nmcp-protocol-version: 2026-07-28\r\n\
             mcp-method: tools/list\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            self.address(),
            body.len(),
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An API that answers every request with the same bytes, whatever they are.
pub(crate) struct Api {
    pub(crate) url: String,
}

impl Api {
    pub(crate) fn answering(answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || {
                    let mut stream = stream;
                    let mut head = [0; 4096];
                    let _ = stream.read(&mut head);
                    let _ = stream.write_all(answer);
                });
            }
        });
        Self { url }
    }
}

/// A folder of a test's own; removed when it goes out of scope.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wharf-test-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file and gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A document with one operation for each name.
pub(crate) fn document(operations: &[&str]) -> String {
    let paths: serde_json::Map<String, serde_json::Value> = operations
        .iter()
        .map(|name| {
            let operation = serde_json::json!({"get": {
                "operationId": name,
                "parameters": [{"name": "petId", "in": "query", "required": true, "schema": {"type": "integer"}}],
                "responses": {"200": {"description": "OK"}},
            }});
            (format!("/{name}"), operation)
        })
        .collect();
    serde_json::json!({"openapi": "3.1.0", "info": {"title": "Test", "version": "1"}, "paths": paths}).to_string()
}
