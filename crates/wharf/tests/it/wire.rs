//! A client that takes HTTP at its word: it keeps its connection until it is told otherwise, and tries nothing twice.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::PATIENCE;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (given, value) = line.split_once(':')?;
            given.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}

/// Which revision a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    Modern,
    Legacy,
}

/// A client of one server.
pub(crate) struct Client {
    address: SocketAddr,
    connection: Option<TcpStream>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            connection: None,
        }
    }

    /// Sends a request on the connection that there is, or a new one, and gives what comes.
    pub(crate) async fn send(&mut self, head: &str, body: &str) -> io::Result<Answer> {
        let exchange = async {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => TcpStream::connect(self.address).await?,
            };
            let length = body.len();
            let request = format!(
                "{head}\r\nhost: {}\r\ncontent-length: {length}\r\n\r\n{body}",
                self.address
            );
            connection.write_all(request.as_bytes()).await?;
            let answer = read(&mut connection).await?;
            if !answer.closes() {
                self.connection = Some(connection);
            }
            Ok(answer)
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    pub(crate) async fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send(&format!("GET {path} HTTP/1.1"), "").await
    }

    /// Calls a tool without a session.
    pub(crate) async fn call(
        &mut self,
        era: Era,
        tool: &str,
        arguments: &Value,
    ) -> io::Result<Answer> {
        let (head, meta) = match era {
            Era::Modern => (
                format!(
                    "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {tool}"
                ),
                json!({
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {},
                }),
            ),
            Era::Legacy => ("mcp-protocol-version: 2025-06-18".to_owned(), json!({})),
        };
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": meta},
        });
        let head = format!(
            "POST /mcp HTTP/1.1\r\n{head}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream"
        );
        self.send(&head, &body.to_string()).await
    }
}

/// A head and the body whose length it announces.
pub(crate) async fn read(connection: &mut TcpStream) -> io::Result<Answer> {
    let mut got = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&got).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let mut answer = Answer {
                status: head
                    .split(' ')
                    .nth(1)
                    .and_then(|status| status.parse().ok())
                    .ok_or(io::ErrorKind::InvalidData)?,
                head: head.to_owned(),
                body: got.split_off(head.len() + 4),
            };
            let length = answer.header("content-length");
            let length: usize = length
                .and_then(|length| length.parse().ok())
                .ok_or(io::ErrorKind::InvalidData)?;
            let missing = length.saturating_sub(answer.body.len());
            let start = answer.body.len();
            answer.body.resize(start + missing, 0);
            connection.read_exact(&mut answer.body[start..]).await?;
            return Ok(answer);
        }
        let mut buffer = [0; 4_096];
        match connection.read(&mut buffer).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => got.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Asks again until `done` says that it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}
