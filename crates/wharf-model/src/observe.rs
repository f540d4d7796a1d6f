//! The seam for whoever wants to know what happens: logs, an audit trail, metrics, traces.
//!
//! Where nobody observes there is no [`Observer`], and a request costs the test that there is none. Where there is one,
//! each request gets a [`Trail`] and each thing within it that takes time an end that is told, also when it is dropped
//! half way. What is told names methods, tools and sources, never an argument, a body or a token.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode};

use crate::{Caller, TraceContext};

/// Who is told of what happens. No method may block.
pub trait Observer: Send + Sync + 'static {
    /// A message has come over a transport: gives it an id, and a span under the one that its headers name.
    fn begin(self: Arc<Self>, transport: Transport, headers: &HeaderMap) -> Trail;

    /// A span under `parent`, or the first of a trace.
    fn span(&self, parent: Option<&TraceContext>) -> Span;

    /// Whether a call may begin; not where nobody could say afterwards that it happened. The end of each that may is told
    /// with [`Operation::is_admitted`].
    fn admits(&self) -> bool;

    /// An operation of the protocol has ended.
    fn operation_ended(&self, operation: &Operation<'_>);

    /// An HTTP request has ended, with the last byte of its response.
    fn request_ended(&self, request: &HttpRequest<'_>);

    /// What came over a connection is no HTTP request, or one with too long a head; the connection ends.
    fn request_unread(&self, reason: &dyn fmt::Display);

    /// A request to an upstream has ended.
    fn exchange_ended(&self, exchange: &Exchange<'_>);

    /// What a request to an upstream says of the trace that it belongs to.
    fn put_on(&self, context: &TraceContext, headers: &mut HeaderMap);

    /// What Prometheus is told on the port of the clients; none where it has another port, or none.
    fn exposition(&self) -> Option<String>;
}

/// How a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A request to an HTTP server, which ends with a response.
    Http,
    /// A message of the old HTTP+SSE transport, whose answer comes on a stream.
    Sse,
    /// A line of standard input.
    Stdio,
}

/// Something that takes time, in a trace where there is one.
#[derive(Debug, Clone)]
pub struct Span {
    /// What those below it refer to.
    pub context: Option<TraceContext>,
    /// The span above it.
    pub parent_id: Option<u64>,
    /// Whether it is told to a collector.
    pub is_recorded: bool,
    /// When it began.
    pub started: Instant,
}

/// One message of a client, from its first byte to the last of its answer.
pub struct Trail {
    /// Who is told.
    pub observer: Arc<dyn Observer>,
    /// Told to the client, and in everything that is written about the message.
    pub request_id: Box<str>,
    /// The message's own span.
    pub span: Span,
    /// How it came.
    pub transport: Transport,
    /// What it asks for, as soon as that is known.
    pub asked: OnceLock<Asked>,
    /// How that ended.
    pub ending: OnceLock<Ending>,
    /// Why it was refused before anybody looked at what it asks for, in words of ours.
    pub reason: OnceLock<Cow<'static, str>>,
}

/// What a message asked for, in short.
#[derive(Debug, Clone)]
pub struct Asked {
    /// As [`Operation::method`].
    pub method: &'static str,
    /// As [`Operation::tool`].
    pub tool: Option<Box<str>>,
    /// The trace that it is in.
    pub trace_id: Option<u128>,
}

/// An operation under way, which tells its end. Dropped before, it was cancelled.
pub struct Watch {
    /// The message that asks for it.
    pub trail: Arc<Trail>,
    /// Its own span.
    pub span: Span,
    method: &'static str,
    protocol: &'static str,
    /// Tool and source.
    subject: Option<(Box<str>, Box<str>)>,
    caller: Caller,
    received_bytes: usize,
    is_admitted: AtomicBool,
    tool_failed: AtomicBool,
    is_forbidden: AtomicBool,
    is_told: AtomicBool,
}

/// An operation of the protocol that has ended.
#[derive(Debug)]
pub struct Operation<'a> {
    /// The message that asked for it.
    pub trail: &'a Trail,
    /// Its own span.
    pub span: &'a Span,
    /// MCP's name of the method; `_OTHER` for one that is not known.
    pub method: &'static str,
    /// The revision of the protocol.
    pub protocol: &'static str,
    /// The tool that was called. One that is not offered has no name here: clients could choose any.
    pub tool: Option<&'a str>,
    /// The source that offers it.
    pub source: Option<&'a str>,
    /// Who asked.
    pub caller: &'a Caller,
    /// How it ended.
    pub ending: Ending,
    /// Whether [`Observer::admits`] was asked, and said yes.
    pub is_admitted: bool,
    /// The size of the message that asked for it.
    pub received_bytes: usize,
    /// The size of the answer.
    pub sent_bytes: usize,
    /// From its beginning to its end.
    pub took: Duration,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Ok,
    /// With a result that tells the model of an error.
    ToolError,
    /// With a protocol error of this code.
    ProtocolError(i32),
    /// The caller has to prove who they are.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// The caller has asked for too much lately.
    TooManyCalls,
    /// There was more to do than could be done.
    Overloaded,
    /// It took too long.
    TimedOut,
    /// The client gave up.
    Cancelled,
}

/// An HTTP request that has ended.
#[derive(Debug)]
pub struct HttpRequest<'a> {
    /// The message that it was.
    pub trail: &'a Trail,
    /// Its method.
    pub method: &'a Method,
    /// The route that answered; none where there was none.
    pub route: Option<&'a str>,
    /// The status of the response; none when the client was gone before there was one.
    pub status: Option<StatusCode>,
    /// The size of the response's body, as far as it was sent.
    pub sent_bytes: u64,
    /// Whether the response was sent to its end.
    pub is_whole: bool,
    /// From the request's head to the last byte of the response.
    pub took: Duration,
}

/// A request to an upstream under way, which tells its end. Dropped before, it was cancelled.
pub struct ExchangeWatch<'a> {
    watch: &'a Watch,
    span: Span,
    method: &'a Method,
    target: Target<'a>,
    is_told: bool,
}

/// Where a request to an upstream goes.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The source that asks.
    pub source: &'a str,
    /// The path as the document writes it, without the arguments' values.
    pub template: &'a str,
    /// The base address.
    pub base_url: &'a str,
}

/// A request to an upstream that has ended, with whatever retries and redirects it took.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// The message on whose behalf it was made.
    pub trail: &'a Trail,
    /// Its own span.
    pub span: &'a Span,
    /// Its method.
    pub method: &'a Method,
    /// Where it went.
    pub target: Target<'a>,
    /// What came back.
    pub answer: Answer,
    /// From sending to the end of the answer.
    pub took: Duration,
}

/// What an upstream answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// An answer with this status.
    Status(StatusCode),
    /// None, for a reason of this kind.
    Failed(&'static str),
    /// Nobody waited for it.
    Cancelled,
}

impl Ending {
    /// One word for logs: what was decided, and what came of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::ProtocolError(_) => "protocol_error",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::TooManyCalls => "too_many_calls",
            Self::Overloaded => "overloaded",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What is known of an operation when it begins.
#[derive(Debug)]
pub struct Beginning<'a> {
    /// As [`Operation::method`].
    pub method: &'static str,
    /// As [`Operation::protocol`].
    pub protocol: &'static str,
    /// The tool and its source, where there is such a tool.
    pub subject: Option<(&'a str, &'a str)>,
    /// Who asks.
    pub caller: &'a Caller,
    /// The context that the message itself carries, beside that of its transport.
    pub context: Option<&'a TraceContext>,
    /// As [`Operation::received_bytes`].
    pub received_bytes: usize,
}

impl Watch {
    /// An operation begins. The message's own context comes before that of its transport, as the protocol has it.
    pub fn begin(trail: Arc<Trail>, beginning: &Beginning<'_>) -> Self {
        let parent = beginning.context.or(trail.span.context.as_ref());
        let span = trail.observer.span(parent);
        // A message of several operations is described already.
        let _ = trail.asked.set(Asked {
            method: beginning.method,
            tool: beginning.subject.map(|(tool, _)| tool.into()),
            trace_id: span.context.as_ref().map(|context| context.trace_id),
        });
        Self {
            span,
            method: beginning.method,
            protocol: beginning.protocol,
            subject: beginning
                .subject
                .map(|(tool, source)| (tool.into(), source.into())),
            caller: beginning.caller.clone(),
            received_bytes: beginning.received_bytes,
            is_admitted: AtomicBool::new(false),
            tool_failed: AtomicBool::new(false),
            is_forbidden: AtomicBool::new(false),
            is_told: AtomicBool::new(false),
            trail,
        }
    }

    /// Whether it may begin.
    pub fn admit(&self) -> bool {
        let may = self.trail.observer.admits();
        self.is_admitted.store(may, Ordering::Relaxed);
        may
    }

    /// The result tells the model of an error.
    pub fn tool_failed(&self) {
        self.tool_failed.store(true, Ordering::Relaxed);
    }

    /// The caller may not do this, whatever the client is told: most are told that there is no such thing.
    pub fn forbid(&self) {
        self.is_forbidden.store(true, Ordering::Relaxed);
    }

    /// It has ended. Only the first word of an end counts.
    pub fn end(&self, ending: Ending, sent_bytes: usize) {
        if self.is_told.swap(true, Ordering::Relaxed) {
            return;
        }
        let ending = match ending {
            Ending::Ok | Ending::ProtocolError(_) if self.is_forbidden.load(Ordering::Relaxed) => {
                Ending::Forbidden
            }
            Ending::Ok if self.tool_failed.load(Ordering::Relaxed) => Ending::ToolError,
            ending => ending,
        };
        let subject = self.subject.as_ref();
        let tool = subject.map(|(tool, _)| &**tool);
        let source = subject.map(|(_, source)| &**source);
        let _ = self.trail.ending.set(ending);
        self.trail.observer.operation_ended(&Operation {
            trail: &self.trail,
            span: &self.span,
            method: self.method,
            protocol: self.protocol,
            tool,
            source,
            caller: &self.caller,
            ending,
            is_admitted: self.is_admitted.load(Ordering::Relaxed),
            received_bytes: self.received_bytes,
            sent_bytes,
            took: self.span.started.elapsed(),
        });
    }

    /// A request to an upstream begins, which is told of the trace.
    pub fn exchange<'a>(
        &'a self,
        method: &'a Method,
        target: Target<'a>,
        headers: &mut HeaderMap,
    ) -> ExchangeWatch<'a> {
        let observer = &self.trail.observer;
        let span = observer.span(self.span.context.as_ref());
        if let Some(context) = &span.context {
            observer.put_on(context, headers);
        }
        ExchangeWatch {
            watch: self,
            span,
            method,
            target,
            is_told: false,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end(Ending::Cancelled, 0);
    }
}

impl ExchangeWatch<'_> {
    /// It has ended.
    pub fn end(mut self, answer: Answer) {
        self.tell(answer);
    }

    fn tell(&mut self, answer: Answer) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        let trail = &self.watch.trail;
        trail.observer.exchange_ended(&Exchange {
            trail,
            span: &self.span,
            method: self.method,
            target: self.target,
            answer,
            took: self.span.started.elapsed(),
        });
    }
}

impl Drop for ExchangeWatch<'_> {
    fn drop(&mut self) {
        self.tell(Answer::Cancelled);
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail")
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("method", &self.method)
            .field("trail", &self.trail)
            .finish_non_exhaustive()
    }
}
