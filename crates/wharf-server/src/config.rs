//! The `server` section of the configuration.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// How the server listens, and what it bears.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port to listen on. Only this machine can reach the default; `0.0.0.0:8000` lets everybody in, so put
    /// sign-in in front of it.
    pub http: String,
    /// Path of the MCP endpoint (Streamable HTTP).
    pub path: String,
    /// Host names that clients may use to reach the server, besides those of this machine; `*` allows any. A browser
    /// page that re-points its own name at this machine is refused by this check (DNS rebinding).
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may call the server, such as `https://app.example.com`.
    pub allowed_origins: Vec<String>,
    /// Sessions for clients of the revisions before 2026-07-28. Without them the server keeps nothing between requests,
    /// and cannot ask such clients anything in the middle of a call.
    pub sessions: bool,
    /// The HTTP+SSE transport of 2024-11-05 on `/sse` and `/messages`, for old clients.
    pub sse_transport: bool,
    /// How much the server bears.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http: "127.0.0.1:8000".to_owned(),
            path: "/mcp".to_owned(),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            sessions: true,
            sse_transport: true,
            limits: Limits::default(),
        }
    }
}

/// What the server bears before it says no.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at one time; more wait to be accepted. An idle one costs about 20 KB.
    pub connections_max: usize,
    /// Seconds that a connection may stand without a whole request head having arrived; it is closed after one to two
    /// times as long. Longer than the 60 seconds after which common load balancers drop their own idle connections, so
    /// that they never meet a closed one.
    pub head_timeout_s: u64,
    /// Seconds in which a request body must have arrived.
    pub body_timeout_s: u64,
    /// Seconds without progress after which a client that does not read its answer is cut off.
    pub write_timeout_s: u64,
    /// Size of a request body in bytes. Uploads travel inside of it as base64, which adds a third.
    pub body_bytes_max: usize,
    /// Seconds that one call may take in all.
    pub call_timeout_s: u64,
    /// Seconds that calls in flight have to finish when the server is told to stop.
    pub shutdown_grace_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            head_timeout_s: 75,
            body_timeout_s: 30,
            write_timeout_s: 60,
            body_bytes_max: 8 << 20,
            call_timeout_s: 300,
            shutdown_grace_s: 20,
        }
    }
}

impl Limits {
    pub(crate) fn head_timeout(&self) -> Duration {
        Duration::from_secs(self.head_timeout_s)
    }

    pub(crate) fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout_s)
    }

    pub(crate) fn write_timeout(&self) -> Duration {
        Duration::from_secs(self.write_timeout_s)
    }

    pub(crate) fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_s)
    }
}
