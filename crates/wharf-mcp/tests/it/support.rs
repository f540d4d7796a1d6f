//! A server around a watchable source on loopback, and a client that can misbehave.

mod probe;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use wharf_catalog::Catalog;
use wharf_mcp::{Server, Settings};
use wharf_model::{Caller, Change, Identity};

pub(crate) use probe::{Probe, Watch};

/// Nothing in these tests takes long; whatever does has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) const MODERN: &str = "2026-07-28";

/// A server on a port of its own. Its tasks end with it.
pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) watch: Arc<Watch>,
    pub(crate) changes: broadcast::Sender<Change>,
    accepting: JoinHandle<()>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Bench {
    pub(crate) async fn start(settings: Settings) -> Self {
        Self::over(Probe::catalog, settings).await
    }

    /// Over a catalog of the probe.
    pub(crate) async fn over(catalog: impl FnOnce(Probe) -> Catalog, settings: Settings) -> Self {
        let probe = Probe::new();
        let (watch, changes) = (probe.watch.clone(), probe.changes.clone());
        let server = Server::new(catalog(probe), settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(accept(listener, server.clone()));
        Self {
            server,
            address,
            watch,
            changes,
            accepting,
        }
    }

    /// With the default settings.
    pub(crate) async fn plain() -> Self {
        Self::start(Settings::default()).await
    }

    pub(crate) async fn without_sessions() -> Self {
        Self::start(Settings {
            sessions: false,
            ..Settings::default()
        })
        .await
    }

    /// One request, on a connection of its own.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Response {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        let connection = tokio::spawn(async move {
            // Ends with an error when a test cuts it.
            let _ = connection.await;
        });
        let response = tokio::time::timeout(PATIENCE, sender.send_request(request))
            .await
            .expect("the server answers")
            .unwrap();
        Response {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.into_body(),
            text: String::new(),
            connection,
        }
    }

    /// A message to the endpoint, with these headers besides the usual ones.
    pub(crate) async fn post(&self, message: &Value, headers: &[(&str, &str)]) -> Response {
        self.send(post("/mcp", message.to_string(), headers)).await
    }

    /// A modern request with everything it needs.
    pub(crate) async fn modern(&self, method: &str, params: Value) -> Response {
        let (message, headers) = modern(method, params);
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.post(&message, &headers).await
    }

    /// A message to a legacy session, or to none.
    pub(crate) async fn legacy(&self, session: &str, method: &str, params: Value) -> Response {
        let message = request(1, method, params);
        self.post(
            &message,
            &[
                ("mcp-session-id", session),
                ("mcp-protocol-version", "2025-11-25"),
            ],
        )
        .await
    }

    /// The id of a new session.
    pub(crate) async fn session(&self, version: &str, capabilities: Value) -> String {
        let response = self.post(&initialize(version, capabilities), &[]).await;
        assert_eq!(response.status, StatusCode::OK);
        response.headers["mcp-session-id"]
            .to_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::get(path).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::default()).unwrap()).await
    }
}

async fn accept(listener: TcpListener, server: Server) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let server = server.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let server = server.clone();
            async move {
                // What an authentication in front would do.
                if let Some(described) = request.headers_mut().remove("x-test-caller") {
                    let caller = caller(described.to_str().unwrap());
                    request.extensions_mut().insert(caller);
                }
                Ok::<_, std::convert::Infallible>(match request.uri().path() {
                    "/sse" => server.handle_sse(request).await,
                    "/messages" => server.handle_message(request).await,
                    _ => server.handle(request).await,
                })
            }
        });
        tokio::spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// `ann scope:a scope:b group:c`
pub(crate) fn caller(described: &str) -> Caller {
    let mut words = described.split_whitespace();
    let mut identity = Identity {
        subject: words.next().unwrap_or_default().to_owned(),
        ..Identity::default()
    };
    for word in words {
        match word.split_once(':').unwrap() {
            ("scope", scope) => identity.scopes.insert(scope.to_owned()),
            ("group", group) => identity.groups.insert(group.to_owned()),
            (other, _) => panic!("{other}"),
        };
    }
    Caller::known(identity)
}

pub(crate) fn post(
    path: &str,
    body: impl Into<Bytes>,
    headers: &[(&str, &str)],
) -> Request<Full<Bytes>> {
    let mut request = Request::post(path);
    let usual = [
        ("host", "localhost"),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    for (name, value) in usual {
        if !headers.iter().any(|(own, _)| *own == name) {
            request = request.header(name, value);
        }
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body.into())).unwrap()
}

pub(crate) fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}

pub(crate) fn initialize(version: &str, capabilities: Value) -> Value {
    request(
        0,
        "initialize",
        json!({"protocolVersion": version, "capabilities": capabilities, "clientInfo": {"name": "t", "version": "1"}}),
    )
}

/// A modern message and its headers.
pub(crate) fn modern(method: &str, mut params: Value) -> (Value, Vec<(&'static str, String)>) {
    let name = params.get("name").or_else(|| params.get("uri"));
    let mut headers = vec![
        ("mcp-protocol-version", MODERN.to_owned()),
        ("mcp-method", method.to_owned()),
    ];
    headers.extend(
        name.and_then(Value::as_str)
            .map(|name| ("mcp-name", name.to_owned())),
    );
    let mut meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    if let Some(own) = params.get("_meta").and_then(Value::as_object) {
        meta.as_object_mut().unwrap().extend(own.clone());
    }
    params["_meta"] = meta;
    (request(1, method, params), headers)
}

pub(crate) fn call(name: &str, arguments: Value) -> Value {
    json!({"name": name, "arguments": arguments})
}

/// A response whose body is read as far as a test needs it.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    text: String,
    connection: JoinHandle<()>,
}

impl Response {
    /// The whole body.
    pub(crate) async fn text(mut self) -> String {
        let body = tokio::time::timeout(PATIENCE, (&mut self.body).collect())
            .await
            .expect("the body ends")
            .unwrap();
        std::mem::take(&mut self.text) + std::str::from_utf8(&body.to_bytes()).unwrap()
    }

    pub(crate) async fn json(self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.headers
            .get("content-type")
            .is_some_and(|kind| kind == "text/event-stream")
    }

    /// The next event that is no comment, as it stands on the wire; none at the end.
    pub(crate) async fn event(&mut self) -> Option<String> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if !event.starts_with(':') {
                    return Some(event);
                }
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame())
                .await
                .expect("an event or the end");
            let data = frame?.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    /// The first bytes that come, whatever they are.
    pub(crate) async fn first_frame(mut self) -> String {
        let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await;
        let frame = frame.expect("bytes or the end");
        frame.map_or_else(String::new, |frame| {
            String::from_utf8(frame.unwrap().into_data().unwrap().into()).unwrap()
        })
    }

    /// The JSON of the next event.
    pub(crate) async fn message(&mut self) -> Option<Value> {
        loop {
            let event = self.event().await?;
            let data = event
                .lines()
                .find_map(|line| line.strip_prefix("data: "))
                .unwrap_or_default();
            // The event that opens a stream holds nothing but its id.
            if !data.is_empty() {
                return Some(
                    serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {event}")),
                );
            }
        }
    }

    /// Cuts the connection, as a client that goes away does.
    pub(crate) fn cut(self) {
        self.connection.abort();
    }
}

/// The code of an error message.
pub(crate) fn code(message: &Value) -> i64 {
    message["error"]["code"]
        .as_i64()
        .unwrap_or_else(|| panic!("an error: {message}"))
}
