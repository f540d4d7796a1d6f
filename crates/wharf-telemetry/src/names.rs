//! The names of fields, metrics and attributes: OpenTelemetry's where it has one.
//!
//! <https://opentelemetry.io/docs/specs/semconv/>: `http`, `mcp`, `gen_ai`. Prometheus has the same names with underscores and
//! the unit at the end.

/// The target of the lines about requests, for filters.
pub const REQUESTS: &str = "wharf::request";

/// The id of a request, ours or the client's.
pub const REQUEST_ID: &str = "request_id";
/// The trace that a request belongs to.
pub const TRACE_ID: &str = "trace_id";
/// How an operation ended, in a word.
pub const OUTCOME: &str = "outcome";
/// Why a request was refused before anybody looked at what it asks for.
pub const REASON: &str = "reason";
/// How long something took, in milliseconds.
pub const DURATION_MS: &str = "duration_ms";
/// The source that offers a tool.
pub const SOURCE: &str = "wharf.source";

/// The method of an HTTP request.
pub const HTTP_METHOD: &str = "http.request.method";
/// The route that answered an HTTP request.
pub const HTTP_ROUTE: &str = "http.route";
/// The status of an HTTP response.
pub const HTTP_STATUS: &str = "http.response.status_code";
/// The size of the body of an HTTP response.
pub const HTTP_RESPONSE_BYTES: &str = "http.response.body.size";
/// The path of a request to an upstream, without values.
pub const URL_TEMPLATE: &str = "url.template";
/// The scheme of a request to this server.
pub const URL_SCHEME: &str = "url.scheme";
/// The host of an upstream.
pub const SERVER_ADDRESS: &str = "server.address";
/// The port of an upstream.
pub const SERVER_PORT: &str = "server.port";

/// The method of an operation of MCP.
pub const MCP_METHOD: &str = "mcp.method.name";
/// The revision of MCP.
pub const MCP_PROTOCOL: &str = "mcp.protocol.version";
/// The name of a tool.
pub const TOOL: &str = "gen_ai.tool.name";
/// What was done to a tool.
pub const GEN_AI_OPERATION: &str = "gen_ai.operation.name";
/// The code of a JSON-RPC error.
pub const RPC_STATUS: &str = "rpc.response.status_code";
/// How messages travel: `tcp` or `pipe`.
pub const NETWORK_TRANSPORT: &str = "network.transport";
/// Why something failed; absent where it did not.
pub const ERROR_TYPE: &str = "error.type";

/// The only scheme that this server speaks; for others something stands in front.
pub const HTTP: &str = "http";

/// What an HTTP method is called that few people use.
pub const OTHER: &str = "_OTHER";

/// Seconds that operations of MCP took.
pub const OPERATION_DURATION: &str = "mcp.server.operation.duration";
/// Seconds that HTTP requests took.
pub const REQUEST_DURATION: &str = "http.server.request.duration";
/// HTTP requests under way.
pub const REQUESTS_ACTIVE: &str = "http.server.active_requests";
/// Seconds that requests to upstreams took.
pub const EXCHANGE_DURATION: &str = "http.client.request.duration";
/// Calls under way.
pub const CALLS_ACTIVE: &str = "wharf.mcp.active_calls";
/// Sessions that are kept.
pub const SESSIONS: &str = "wharf.mcp.sessions";
/// Event streams that are open.
pub const STREAMS: &str = "wharf.mcp.streams";
/// Tools that are offered.
pub const TOOLS: &str = "wharf.tools";
/// Requests to an upstream under way.
pub const UPSTREAM_ACTIVE: &str = "wharf.upstream.active_requests";
/// Requests to an upstream that wait for their turn.
pub const UPSTREAM_WAITING: &str = "wharf.upstream.waiting_requests";
/// What the circuit breaker of an upstream lets through.
pub const UPSTREAM_BREAKER: &str = "wharf.upstream.breaker";
/// Records that could not be kept.
pub const DROPPED: &str = "wharf.telemetry.dropped";

/// Words for errors that are no status and no code.
pub mod error {
    /// A result that tells the model of an error: MCP's convention.
    pub const TOOL: &str = "tool_error";
    /// Somebody gave up.
    pub const CANCELLED: &str = "cancelled";
    /// An HTTP request that no operation could be read from, or that asks for what is not served.
    pub const REFUSED: &str = "refused";
    /// The server, or what it asked, could not do it.
    pub const FAILED: &str = "failed";
}
