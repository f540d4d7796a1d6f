//! The calls: what a client sends, and what the API answers.

use std::fmt::Write as _;
use std::net::SocketAddr;

use bytes::Bytes;
use clap::ValueEnum;

/// One kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Call {
    /// A small object: what most calls answer.
    Get,
    /// An array of 4 KB.
    List,
    /// An object of 97 KB: copying and escaping dominate.
    Report,
    /// A body in and a small object out.
    Post,
}

const LIST_PETS: usize = 20;
const REPORT_PETS: usize = 485;

/// The revision that the calls are made in: stateless, so that each stands alone.
pub const REVISION: &str = "2026-07-28";

/// How many digits an id has in a [`Request`]; as many as a benchmark can count.
pub(crate) const ID_DIGITS: usize = 9;

/// A request that can be sent again and again, each time with another id.
#[derive(Debug, Clone)]
pub struct Request {
    /// Head and body as they go on the wire.
    pub bytes: Vec<u8>,
    /// Where the [`ID_DIGITS`] digits of the id begin; a plain HTTP request has none.
    id_at: Option<usize>,
}

impl Call {
    /// The name of the tool.
    pub fn tool(self) -> &'static str {
        match self {
            Self::Get => "getPet",
            Self::List => "listPets",
            Self::Report => "getReport",
            Self::Post => "addPet",
        }
    }

    /// The tool's arguments, as JSON.
    pub fn arguments(self) -> &'static str {
        match self {
            Self::Get => r#"{"petId":7}"#,
            Self::List => r#"{"status":"available"}"#,
            Self::Report => "{}",
            Self::Post => r#"{"name":"Rex","tag":"dog"}"#,
        }
    }

    /// Method, target and body of the API's request for it.
    pub fn upstream_request(self) -> (http::Method, &'static str, &'static str) {
        match self {
            Self::Get => (http::Method::GET, "/pets/7", ""),
            Self::List => (http::Method::GET, "/pets?status=available", ""),
            Self::Report => (http::Method::GET, "/report", ""),
            Self::Post => (http::Method::POST, "/pets", self.arguments()),
        }
    }

    /// What the API answers.
    pub fn answer(self) -> Bytes {
        match self {
            Self::Get | Self::Post => pet(7),
            Self::List => array(LIST_PETS),
            Self::Report => format!(
                r#"{{"title":"All \"pets\"","pets":{}}}"#,
                array(REPORT_PETS)
            ),
        }
        .into()
    }

    /// The API's request for it, to measure what the way through a server adds.
    pub fn direct(self, address: SocketAddr) -> Request {
        let (method, target, body) = self.upstream_request();
        let mut bytes = format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\n");
        if !body.is_empty() {
            let _ = write!(
                bytes,
                "content-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            );
        }
        bytes.push_str("\r\n");
        bytes.push_str(body);
        Request {
            bytes: bytes.into(),
            id_at: None,
        }
    }

    /// The JSON-RPC message for it, as a modern client sends it.
    pub fn message(self) -> String {
        message(
            "tools/call",
            &format!(
                r#""name":"{}","arguments":{},"#,
                self.tool(),
                self.arguments()
            ),
        )
    }

    /// The MCP request for it.
    pub fn mcp(self, address: SocketAddr) -> Request {
        Request::mcp(address, "tools/call", Some(self.tool()), &self.message())
    }
}

const BEFORE_ID: &str = r#"{"jsonrpc":"2.0","id":"#;

/// A request of a modern client; `params` are members, each with a comma behind it.
pub fn message(method: &str, params: &str) -> String {
    format!(
        r#"{BEFORE_ID}{:0<ID_DIGITS$},"method":"{method}","params":{{{params}"_meta":{{"io.modelcontextprotocol/protocolVersion":"{REVISION}","io.modelcontextprotocol/clientInfo":{{"name":"bench","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#,
        1
    )
}

impl Request {
    /// A plain GET.
    pub fn get(address: SocketAddr, target: &str) -> Self {
        Self {
            bytes: format!("GET {target} HTTP/1.1\r\nhost: {address}\r\n\r\n").into(),
            id_at: None,
        }
    }

    /// A message of a modern client to an MCP endpoint; `name` is what it calls.
    pub fn mcp(address: SocketAddr, method: &str, name: Option<&str>, message: &str) -> Self {
        let name = name.map_or_else(String::new, |name| format!("mcp-name: {name}\r\n"));
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: {REVISION}\r\n\
             mcp-method: {method}\r\n{name}content-length: {}\r\n\r\n",
            message.len()
        );
        Self {
            id_at: Some(head.len() + BEFORE_ID.len()),
            bytes: (head + message).into(),
        }
    }

    /// The same with a header more.
    #[must_use]
    pub fn with(mut self, header: &str, value: &str) -> Self {
        let line = format!("{header}: {value}\r\n");
        let first = self.bytes.iter().position(|byte| *byte == b'\n');
        let at = first.map_or(0, |end| end + 1);
        self.bytes.splice(at..at, line.bytes());
        self.id_at = self.id_at.map(|id_at| id_at + line.len());
        self
    }

    /// Writes another id into the request.
    pub(crate) fn number(&mut self, id: u32) {
        let Some(id_at) = self.id_at else { return };
        let mut rest = id;
        for digit in self.bytes[id_at..id_at + ID_DIGITS].iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).expect("a digit is small");
            rest /= 10;
        }
        // A JSON number must not begin with a zero.
        self.bytes[id_at] = b'1';
    }
}

fn pet(id: usize) -> String {
    format!(
        r#"{{"id":{id},"name":"Rex {id}","status":"available","tag":"dog","price":129.90,"born":"2024-03-0{}","notes":"Likes \"walks\" and naps; afraid of thunder. Vaccinated, chipped, two years old.","photos":["a.png","b.png"]}}"#,
        id % 9 + 1
    )
}

fn array(pets: usize) -> String {
    let pets: Vec<_> = (1..=pets).map(pet).collect();
    format!("[{}]", pets.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_sizes_that_the_reports_speak_of() {
        for (call, bytes) in [
            (Call::Get, 180..240),
            (Call::List, 3_600..4_600),
            (Call::Report, 90_000..105_000),
            (Call::Post, 180..240),
        ] {
            let length = call.answer().len();
            assert!(bytes.contains(&length), "{call:?} answers {length} bytes");
            serde_json::from_slice::<serde_json::Value>(&call.answer()).unwrap();
        }
    }

    #[test]
    fn every_id_makes_another_valid_request() {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        for (id, expected) in [
            (0, 100_000_000),
            (7, 100_000_007),
            (12_345_678, 112_345_678),
        ] {
            let mut request = Call::Post.mcp(address).with("authorization", "Bearer x");
            request.number(id);
            let text = String::from_utf8(request.bytes).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let body_value: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body_value["id"], expected, "{id}");
            assert!(
                head.contains(&format!("content-length: {}", body.len())),
                "{head}"
            );
        }
    }
}
