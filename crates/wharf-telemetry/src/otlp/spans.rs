//! Spans as `opentelemetry.proto.trace.v1.Span`, by OpenTelemetry's conventions for HTTP and MCP.
//!
//! A request of a client is a span, the operation in it another, and each request to an upstream a third.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wharf_model::{Answer, Exchange, HttpRequest, Operation, Span, TraceContext, Transport};

use super::protobuf::Message;
use crate::listener::Listener;
use crate::metrics::{CodeText, error_of, method};
use crate::names;

/// The field `attributes`.
const ATTRIBUTES: u64 = 9;

#[derive(Clone, Copy)]
enum Kind {
    Server = 2,
    Client = 3,
}

/// An operation of MCP.
pub(crate) fn of_operation(operation: &Operation<'_>) -> Vec<u8> {
    let name = match operation.tool {
        Some(tool) => format!("{} {tool}", operation.method),
        None => operation.method.to_owned(),
    };
    let mut code = CodeText::default();
    let error = code.of(operation);
    let mut span = begin(operation.span, &name, Kind::Server, operation.took);
    span.attribute(ATTRIBUTES, names::MCP_METHOD, operation.method);
    span.attribute(ATTRIBUTES, names::MCP_PROTOCOL, operation.protocol);
    if let Some(tool) = operation.tool {
        span.attribute(ATTRIBUTES, names::TOOL, tool);
        span.attribute(ATTRIBUTES, names::GEN_AI_OPERATION, "execute_tool");
    }
    span.attribute(
        ATTRIBUTES,
        names::SOURCE,
        operation.source.unwrap_or_default(),
    );
    let transport = match operation.trail.transport {
        Transport::Stdio => "pipe",
        Transport::Http | Transport::Sse => "tcp",
    };
    span.attribute(ATTRIBUTES, names::NETWORK_TRANSPORT, transport);
    span.attribute(ATTRIBUTES, names::REQUEST_ID, &operation.trail.request_id);
    if let wharf_model::Ending::ProtocolError(code) = operation.ending {
        span.attribute(ATTRIBUTES, names::RPC_STATUS, &code.to_string());
    }
    // The message's own context may lead into another trace than its transport's.
    let carrier = operation.trail.span.context.as_ref();
    if let (Some(own), Some(carrier)) = (&operation.span.context, carrier)
        && operation.trail.span.is_recorded
        && own.trace_id != carrier.trace_id
    {
        span.message(13, |link| ids(link, carrier));
    }
    end(span, error)
}

/// A request of a client.
pub(crate) fn of_request(request: &HttpRequest<'_>) -> Vec<u8> {
    let verb = method(request.method);
    let name = match request.route {
        Some(route) => format!("{verb} {route}"),
        None => verb.to_owned(),
    };
    let trail = request.trail;
    let mut span = begin(&trail.span, &name, Kind::Server, request.took);
    span.attribute(ATTRIBUTES, names::HTTP_METHOD, verb);
    span.attribute(ATTRIBUTES, names::URL_SCHEME, names::HTTP);
    span.attribute(
        ATTRIBUTES,
        names::HTTP_ROUTE,
        request.route.unwrap_or_default(),
    );
    if let Some(status) = request.status {
        span.whole(ATTRIBUTES, names::HTTP_STATUS, status.as_u16().into());
    }
    span.whole(ATTRIBUTES, names::HTTP_RESPONSE_BYTES, request.sent_bytes);
    span.attribute(ATTRIBUTES, names::REQUEST_ID, &trail.request_id);
    // What the client did wrong is no error of the server's (conventions for HTTP, "Status").
    let error = match &request.status {
        Some(status) if status.is_server_error() => status.as_str(),
        Some(_) if request.is_whole => "",
        _ => names::error::CANCELLED,
    };
    end(span, error)
}

/// A request to an upstream.
pub(crate) fn of_exchange(exchange: &Exchange<'_>) -> Vec<u8> {
    let verb = method(exchange.method);
    let target = exchange.target;
    let name = format!("{verb} {}", target.template);
    let mut span = begin(exchange.span, &name, Kind::Client, exchange.took);
    span.attribute(ATTRIBUTES, names::HTTP_METHOD, verb);
    span.attribute(ATTRIBUTES, names::URL_TEMPLATE, target.template);
    span.attribute(ATTRIBUTES, names::SOURCE, target.source);
    let listener = Listener::of(target.base_url);
    span.attribute(ATTRIBUTES, names::SERVER_ADDRESS, listener.address);
    if let Ok(port) = listener.port.parse() {
        span.whole(ATTRIBUTES, names::SERVER_PORT, port);
    }
    if let Answer::Status(status) = exchange.answer {
        span.whole(ATTRIBUTES, names::HTTP_STATUS, status.as_u16().into());
    }
    end(span, error_of(&exchange.answer))
}

fn begin(span: &Span, name: &str, kind: Kind, took: Duration) -> Message {
    let mut message = Message::default();
    if let Some(context) = &span.context {
        ids(&mut message, context);
        if let Some(state) = &context.state {
            message.text(3, state);
        }
        message.fixed32(16, context.flags.into());
    }
    if let Some(parent) = span.parent_id {
        message.bytes(4, &parent.to_be_bytes());
    }
    message.text(5, name);
    message.number(6, kind as u64);
    let ended = SystemTime::now();
    message.fixed64(7, nanos(ended.checked_sub(took).unwrap_or(ended)));
    message.fixed64(8, nanos(ended));
    message
}

/// The two fields that a span and a link begin with.
fn ids(message: &mut Message, context: &TraceContext) {
    message.bytes(1, &context.trace_id.to_be_bytes());
    message.bytes(2, &context.span_id.to_be_bytes());
}

fn end(mut span: Message, error: &str) -> Vec<u8> {
    if !error.is_empty() {
        span.attribute(ATTRIBUTES, names::ERROR_TYPE, error);
        span.message(15, |status| status.number(3, 2));
    }
    span.into_bytes()
}

pub(super) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
