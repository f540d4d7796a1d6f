//! A server on loopback, and a client that sends what no library would.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wharf_catalog::Catalog;
use wharf_mcp::Settings;
use wharf_server::{Config, Door, Listener};

/// Nothing in these tests takes long; whatever does has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server on a port of its own. It ends with this.
pub(crate) struct Bench {
    address: SocketAddr,
    serving: JoinHandle<()>,
    stop: CancellationToken,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Bench {
    pub(crate) async fn start(config: Config) -> Self {
        Self::behind(Door::default(), config).await
    }

    /// One that lets in whom the door does.
    pub(crate) async fn behind(door: Door, config: Config) -> Self {
        let catalog = Catalog::build([]).expect("nothing clashes with nothing");
        Self::offering(catalog, door, config).await
    }

    pub(crate) async fn offering(catalog: Catalog, door: Door, config: Config) -> Self {
        let settings = Settings {
            sse_transport: true,
            allowed_origins: vec!["https://app.example".into()],
            ..Settings::default()
        };
        let mcp = wharf_mcp::Server::new(catalog, settings);
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.address().unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let serving = tokio::spawn(async move {
            wharf_server::serve(mcp, listener, &config, door, stopped.cancelled_owned()).await;
        });
        Self {
            address,
            serving,
            stop,
        }
    }

    /// Tells the server to end.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for the server's end.
    pub(crate) async fn ended(&mut self) {
        tokio::time::timeout(PATIENCE, &mut self.serving)
            .await
            .expect("it ends")
            .expect("it does not panic");
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes and gives what comes, until it holds `until`.
    pub(crate) async fn exchange(&self, request: &str, until: &str) -> String {
        let exchange = async {
            let mut stream = self.connect().await;
            converse(&mut stream, request, until).await
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .unwrap_or_else(|_| panic!("no `{until}` in the answer to {request}"))
    }

    /// Sends these bytes and gives all that comes until the server closes.
    pub(crate) async fn exchange_all(&self, request: &str) -> String {
        let exchange = async {
            let mut stream = self.connect().await;
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .unwrap_or_else(|_| panic!("no end of the answer to {request}"))
    }
}

/// Sends these bytes and gives what comes, until it holds `until`.
pub(crate) async fn converse(stream: &mut TcpStream, request: &str, until: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let mut buffer = [0; 4_096];
    while !answer.contains(until) {
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "the connection ended after: {answer}");
        answer.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    answer
}

/// A list, asked for by a client of 2026-07-28.
pub(crate) fn list() -> String {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let length = body.len();
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/list\r\n\
         content-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}
