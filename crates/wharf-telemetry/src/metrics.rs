//! What is counted, by names of [`crate::names`].
//!
//! Labels are what the owner's documents and the protocol name: tools that are offered, routes that are served, methods that
//! are known. What clients could choose freely is no label.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use http::Method;
use wharf_model::{Answer, Exchange, HttpRequest, Operation};

use crate::family::{Counted, Family};
use crate::listener::Listener;
use crate::{exposition, names};

/// A number that somebody else knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    /// Its name, with dots.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Its label, where it has one.
    pub label: Option<(&'static str, String)>,
    /// The number.
    pub value: f64,
    /// Whether it only grows.
    pub is_counter: bool,
}

/// Everything that has been counted since the start.
pub struct Metrics {
    pub(crate) operations: Family<5>,
    pub(crate) requests: Family<4>,
    pub(crate) exchanges: Family<7>,
    pub(crate) requests_active: AtomicI64,
    gauges: OnceLock<Box<dyn Fn() -> Vec<Gauge> + Send + Sync>>,
}

/// How requests to an API, or calls of a tool, went.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally<'a> {
    /// The labels' values, in the order of the question.
    pub labels: Vec<&'a str>,
    /// Why they failed; empty where they did not.
    pub error: &'a str,
    /// How many, and how long they took.
    pub counted: Counted,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            operations: Family::new(
                names::OPERATION_DURATION,
                "Seconds that operations of MCP took.",
                [
                    names::MCP_METHOD,
                    names::TOOL,
                    names::SOURCE,
                    names::MCP_PROTOCOL,
                    names::ERROR_TYPE,
                ],
            ),
            requests: Family::new(
                names::REQUEST_DURATION,
                "Seconds that HTTP requests took, to the last byte of the response.",
                [
                    names::HTTP_METHOD,
                    names::HTTP_ROUTE,
                    names::HTTP_STATUS,
                    names::URL_SCHEME,
                ],
            ),
            exchanges: Family::new(
                names::EXCHANGE_DURATION,
                "Seconds that requests to upstreams took, with retries.",
                [
                    names::SOURCE,
                    names::HTTP_METHOD,
                    names::URL_TEMPLATE,
                    names::HTTP_STATUS,
                    names::ERROR_TYPE,
                    names::SERVER_ADDRESS,
                    names::SERVER_PORT,
                ],
            ),
            requests_active: AtomicI64::new(0),
            gauges: OnceLock::new(),
        }
    }
}

impl Metrics {
    /// Asks `gauges` for more numbers whenever somebody reads these. Only the first that asks to be asked is.
    pub fn watch(&self, gauges: impl Fn() -> Vec<Gauge> + Send + Sync + 'static) {
        let _ = self.gauges.set(Box::new(gauges));
    }

    pub(crate) fn operation(&self, operation: &Operation<'_>) {
        let mut code = CodeText::default();
        self.operations.add(
            [
                operation.method,
                operation.tool.unwrap_or_default(),
                operation.source.unwrap_or_default(),
                operation.protocol,
                code.of(operation),
            ],
            operation.took,
        );
    }

    pub(crate) fn request(&self, request: &HttpRequest<'_>) {
        let status = request.status;
        self.requests.add(
            [
                method(request.method),
                request.route.unwrap_or_default(),
                status.as_ref().map_or("", http::StatusCode::as_str),
                names::HTTP,
            ],
            request.took,
        );
    }

    pub(crate) fn exchange(&self, exchange: &Exchange<'_>) {
        let answer = exchange.answer;
        let status = match &answer {
            Answer::Status(status) => status.as_str(),
            _ => "",
        };
        let listener = Listener::of(exchange.target.base_url);
        self.exchanges.add(
            [
                exchange.target.source,
                method(exchange.method),
                exchange.target.template,
                status,
                error_of(&answer),
                listener.address,
                listener.port,
            ],
            exchange.took,
        );
    }

    /// The numbers that others know.
    pub(crate) fn gauges(&self) -> Vec<Gauge> {
        #[expect(clippy::cast_precision_loss, reason = "connections are not so many")]
        let active = self.requests_active.load(Ordering::Relaxed) as f64;
        let mut gauges = vec![Gauge {
            name: names::REQUESTS_ACTIVE,
            help: "HTTP requests under way.",
            label: None,
            value: active,
            is_counter: false,
        }];
        gauges.extend(self.gauges.get().into_iter().flat_map(|gauges| gauges()));
        gauges
    }

    /// Everything, in Prometheus' text format.
    pub fn render(&self) -> String {
        exposition::render(self)
    }

    /// Calls of tools, by the tool.
    pub fn each_call(&self, mut take: impl FnMut(&Tally<'_>)) {
        self.operations.each(|[_, tool, _, _, error], counted| {
            if !tool.is_empty() {
                take(&Tally {
                    labels: vec![&**tool],
                    error,
                    counted,
                });
            }
        });
    }

    /// Requests to upstreams, by method, path and status; the last is empty where there was no answer.
    pub fn each_exchange(&self, mut take: impl FnMut(&Tally<'_>)) {
        self.exchanges
            .each(|[_, method, path, status, error, ..], counted| {
                take(&Tally {
                    labels: vec![&**method, &**path, &**status],
                    error,
                    counted,
                });
            });
    }
}

/// An HTTP method as a label: clients can make up others.
pub(crate) fn method(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "CONNECT" | "OPTIONS" | "TRACE"
        | "PATCH" | "QUERY") => known,
        _ => names::OTHER,
    }
}

/// Why an exchange failed; empty where it did not.
pub(crate) fn error_of(answer: &Answer) -> &str {
    match answer {
        Answer::Status(status) if status.is_client_error() || status.is_server_error() => {
            status.as_str()
        }
        Answer::Status(_) => "",
        Answer::Failed(kind) => kind,
        Answer::Cancelled => names::error::CANCELLED,
    }
}

/// Room for the text of a code, which most operations do not have.
#[derive(Default)]
pub(crate) struct CodeText(Option<String>);

impl CodeText {
    /// Why an operation failed, in the words of the conventions for MCP; empty where it did not.
    pub(crate) fn of(&mut self, operation: &Operation<'_>) -> &str {
        use wharf_model::Ending;
        match operation.ending {
            Ending::Ok => "",
            Ending::ToolError => names::error::TOOL,
            Ending::ProtocolError(code) => self.0.insert(code.to_string()).as_str(),
            other => other.as_str(),
        }
    }
}
