//! A small MCP client over Streamable HTTP: lists and calls the tools of a running server.
//!
//! It asks in the stateless way of 2026-07-28 first and falls back to a handshake, as the specification's rules for
//! backward compatibility say. It declares no capabilities, so a server cannot ask it anything back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use url::Url;
use wharf_model::{Json, Slice};
use wharf_upstream::{Config, Network, Request, Response, Seconds, Trust, Upstream, UpstreamError};

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";
/// Pages of one list; a server that never ends is cut off.
const PAGES_MAX: usize = 1_000;
/// A tool list of ten thousand operations stays below this.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// A server that has been greeted.
#[derive(Debug)]
pub struct Client {
    upstream: Upstream,
    target: String,
    /// What goes along with every request: the person's own headers, the protocol version, the session.
    headers: HeaderMap,
    era: Era,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Era {
    Modern,
    Legacy,
}

/// Why a server cannot be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address is none.
    #[error("`{url}` is not an http or https URL")]
    Url {
        /// As it was given.
        url: String,
    },
    /// The server does not answer.
    #[error("cannot reach the MCP server")]
    Unreachable {
        /// Why.
        source: UpstreamError,
    },
    /// The server answers, but not as an MCP server does.
    #[error("the server answered HTTP {status} instead of an MCP message: {excerpt}")]
    NotMcp {
        /// Its status.
        status: StatusCode,
        /// The start of its body.
        excerpt: String,
    },
    /// The server wants to know who asks.
    #[error("the server wants a sign-in (HTTP {status})")]
    Unauthorized {
        /// 401 or 403.
        status: StatusCode,
    },
    /// The server refuses the request.
    #[error("{message} (JSON-RPC error {code})")]
    Refused {
        /// The JSON-RPC code.
        code: i64,
        /// The server's words.
        message: String,
    },
}

impl ClientError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Url { .. } => "it looks like `http://127.0.0.1:8000/mcp`",
            Self::Unreachable { .. } => "start it with `wharf serve`, or correct the URL",
            Self::NotMcp { .. } => {
                "the URL has to be that of the MCP endpoint, often ending in `/mcp`"
            }
            Self::Unauthorized { .. } => "give a token with `--bearer` or a header with `--header`",
            Self::Refused { .. } => "",
        }
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    result: Option<&'a serde_json::value::RawValue>,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    code: i64,
    message: String,
}

impl Client {
    /// Greets the server at `url`; `headers` go along with every request.
    pub async fn connect(
        url: &str,
        headers: HeaderMap,
        timeout: Seconds,
        network: Network,
    ) -> Result<Self, ClientError> {
        let parsed = Url::parse(url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| ClientError::Url {
                url: url.to_owned(),
            })?;
        let target = parsed[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
        let base = &parsed[..url::Position::BeforePath];
        let config = Config {
            timeout_s: timeout,
            read_timeout_s: timeout,
            response_bytes_max: ANSWER_BYTES_MAX,
            network,
            ..Config::default()
        };
        let upstream = Upstream::new(&config, base, Trust::Operator)
            .map_err(|source| ClientError::Unreachable { source })?;
        let mut client = Self {
            upstream,
            target,
            headers,
            era: Era::Modern,
        };
        match client.request("server/discover", None, json!({})).await {
            Ok(_) => Ok(client),
            Err(error @ (ClientError::Unreachable { .. } | ClientError::Unauthorized { .. })) => {
                Err(error)
            }
            Err(_) => {
                client.initialize().await?;
                Ok(client)
            }
        }
    }

    /// The handshake of the revisions before 2026-07-28.
    async fn initialize(&mut self) -> Result<(), ClientError> {
        self.era = Era::Legacy;
        let params =
            json!({"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client_info()});
        let (response, answer) = self.exchange("initialize", None, params).await?;
        if let Some(session) = response.headers.get("mcp-session-id") {
            self.headers.insert("mcp-session-id", session.clone());
        }
        let version = answer
            .slice()
            .get("protocolVersion")
            .and_then(Slice::text)
            .unwrap_or(LEGACY.into())
            .into_owned();
        if let Ok(version) = HeaderValue::from_str(&version) {
            self.headers.insert("mcp-protocol-version", version);
        }
        let body = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.post(HeaderMap::new(), &body).await.map(|_| ())
    }

    /// All tools, each as the server describes it.
    pub async fn tools(&self) -> Result<Vec<Json>, ClientError> {
        let mut tools = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let params = cursor.map_or_else(|| json!({}), |cursor| json!({"cursor": cursor}));
            let page = self.request("tools/list", None, params).await?;
            let page = page.slice();
            tools.extend(
                page.get("tools")
                    .map(Slice::items)
                    .unwrap_or_default()
                    .into_iter()
                    .map(Slice::to_json),
            );
            cursor = page.get("nextCursor").and_then(Slice::text).map(Into::into);
            if cursor.is_none() {
                break;
            }
        }
        Ok(tools)
    }

    /// Calls a tool with an object of arguments. Gives MCP's result as the server sent it.
    pub async fn call(&self, name: &str, arguments: &Json) -> Result<Json, ClientError> {
        self.request(
            "tools/call",
            Some(name),
            json!({"name": name, "arguments": arguments}),
        )
        .await
    }

    async fn request(
        &self,
        method: &str,
        name: Option<&str>,
        params: serde_json::Value,
    ) -> Result<Json, ClientError> {
        self.exchange(method, name, params)
            .await
            .map(|(_, answer)| answer)
    }

    async fn exchange(
        &self,
        method: &str,
        name: Option<&str>,
        mut params: serde_json::Value,
    ) -> Result<(Response, Json), ClientError> {
        let mut headers = HeaderMap::new();
        if self.era == Era::Modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": client_info(),
            });
            headers.insert("mcp-protocol-version", HeaderValue::from_static(MODERN));
            for (key, value) in [("mcp-method", Some(method)), ("mcp-name", name)] {
                if let Some(value) = value {
                    headers.insert(HeaderName::from_static(key), header_value(value));
                }
            }
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let response = self.post(headers, &body).await?;
        let answer = read_answer(&response)?;
        Ok((response, answer))
    }

    async fn post(
        &self,
        mut headers: HeaderMap,
        body: &serde_json::Value,
    ) -> Result<Response, ClientError> {
        headers.insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(
            http::header::ACCEPT,
            HeaderValue::from_static("application/json, text/event-stream"),
        );
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        let request = Request {
            method: Method::POST,
            target: self.target.clone(),
            headers,
            body: Bytes::from(body.to_string()),
        };
        let sent = self.upstream.send(request, &HeaderMap::new(), None).await;
        sent.map_err(|source| ClientError::Unreachable { source })
    }
}

fn client_info() -> serde_json::Value {
    json!({"name": "wharf", "version": env!("CARGO_PKG_VERSION")})
}

/// Names that are no plain header text travel as base64 (Streamable HTTP, Case Sensitivity and Encoding).
fn header_value(text: &str) -> HeaderValue {
    let plain = text.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) && !text.starts_with("=?");
    let value = if plain {
        text.to_owned()
    } else {
        format!("=?base64?{}?=", STANDARD.encode(text))
    };
    HeaderValue::try_from(value).expect("only printable ASCII is left")
}

/// The result in a response that is one JSON message or a stream of events.
fn read_answer(response: &Response) -> Result<Json, ClientError> {
    let is_stream = response
        .headers
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let text = String::from_utf8_lossy(&response.body);
    let messages: Vec<String> = if is_stream {
        event_data(&text)
    } else {
        vec![text.clone().into_owned()]
    };
    for message in &messages {
        let Ok(answer) = serde_json::from_str::<Answer<'_>>(message) else {
            continue;
        };
        if let Some(error) = answer.error {
            return Err(ClientError::Refused {
                code: error.code,
                message: error.message,
            });
        }
        if let Some(result) = answer
            .result
            .and_then(|result| Slice::parse(result.get()).ok())
        {
            return Ok(result.to_json());
        }
    }
    match response.status {
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            Err(ClientError::Unauthorized { status })
        }
        status => Err(ClientError::NotMcp {
            status,
            excerpt: text.chars().take(200).collect(),
        }),
    }
}

/// The data of each event (WHATWG HTML §9.2.6, as far as MCP needs it).
fn event_data(stream: &str) -> Vec<String> {
    let mut events = Vec::new();
    let mut data: Vec<&str> = Vec::new();
    for line in stream.lines().chain([""]) {
        if let Some(value) = line.strip_prefix("data:") {
            data.push(value.strip_prefix(' ').unwrap_or(value));
        } else if line.is_empty() && !data.is_empty() {
            events.push(std::mem::take(&mut data).join("\n"));
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_split_at_empty_lines() {
        for (stream, expected) in [
            ("data: {}\n\n", vec!["{}"]),
            (
                ": hello\r\n\r\nid: 1\r\ndata: a\r\ndata:b\r\n\r\ndata: c",
                vec!["a\nb", "c"],
            ),
            ("", vec![]),
        ] {
            assert_eq!(event_data(stream), expected, "{stream:?}");
        }
    }
}
