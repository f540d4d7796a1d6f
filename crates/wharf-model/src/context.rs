//! What comes along with a call: who asks, what their client can do, and ways to tell them something meanwhile.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, Method};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{Caller, ExchangeWatch, InputAnswers, Json, Target, TraceContext, Watch};

/// Everything around one call. Owned by the call; nothing in it outlives it.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Who asks.
    pub caller: Caller,
    /// What the client said it can do, for this request.
    pub client: ClientCapabilities,
    /// The inbound HTTP headers; empty on stdio. Never sent on unless a source lists them.
    pub headers: HeaderMap,
    /// The trace that the request belongs to by its own word: in `_meta`, or in the headers.
    pub trace: Option<TraceContext>,
    /// The call as it is observed, where anybody observes.
    pub watch: Option<Arc<Watch>>,
    /// Answers to what an earlier attempt of this call asked.
    pub answers: InputAnswers,
    /// Where progress and log messages go.
    pub outbox: Outbox,
    /// When the call must have ended.
    pub deadline: Option<Instant>,
    /// Fires when the client gives up. Dropping the call's future stops it as well; this is for work that was spawned.
    pub cancelled: CancellationToken,
}

/// What the client can be asked, by MCP's capability names.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent capabilities, not states"
)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientCapabilities {
    /// Forms for the person.
    pub elicitation_form: bool,
    /// Addresses to visit for the person.
    pub elicitation_url: bool,
    /// Its model.
    pub sampling: bool,
    /// Its roots.
    pub roots: bool,
}

/// The way for messages that precede an answer. Silent where the client did not ask for them.
#[derive(Debug, Clone, Default)]
pub struct Outbox {
    events: Option<mpsc::Sender<Event>>,
    progress: bool,
    log: Option<LogLevel>,
}

/// A message that precedes the answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// How far the call is.
    Progress {
        /// Grows from message to message.
        progress: f64,
        /// Where it ends, when that is known.
        total: Option<f64>,
        /// For people.
        message: Option<String>,
    },
    /// Something worth knowing.
    Log {
        /// How grave.
        level: LogLevel,
        /// Which part says it.
        logger: Option<String>,
        /// What it says.
        data: Json,
    },
    /// Let the client come back for the answer instead of holding the line. Where that cannot be, nothing happens.
    Detach,
}

/// RFC 5424 severities, least grave first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names of RFC 5424")]
pub enum LogLevel {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

impl Context {
    /// A request to an upstream begins: puts the trace on its headers, and watches it where anybody observes.
    pub fn exchange<'a>(
        &'a self,
        method: &'a Method,
        target: Target<'a>,
        headers: &mut HeaderMap,
    ) -> Option<ExchangeWatch<'a>> {
        if let Some(watch) = &self.watch {
            return Some(watch.exchange(method, target, headers));
        }
        if let Some(trace) = &self.trace {
            trace.put_on(headers);
        }
        None
    }

    /// The id of the request, where it has one.
    pub fn request_id(&self) -> Option<&str> {
        self.watch.as_ref().map(|watch| &*watch.trail.request_id)
    }
}

impl Outbox {
    /// An outbox that delivers into `events`: progress when `progress`, log messages from `log` upwards.
    pub fn new(events: mpsc::Sender<Event>, progress: bool, log: Option<LogLevel>) -> Self {
        Self {
            events: Some(events),
            progress,
            log,
        }
    }

    /// Whether anybody listens for progress.
    pub fn wants_progress(&self) -> bool {
        self.progress
    }

    /// Says how far the call is. Waits while the client does not keep up.
    pub async fn progress(&self, progress: f64, total: Option<f64>, message: Option<String>) {
        if self.progress {
            self.send(Event::Progress {
                progress,
                total,
                message,
            })
            .await;
        }
    }

    /// Says something worth knowing. Waits while the client does not keep up.
    pub async fn log(&self, level: LogLevel, logger: Option<String>, data: Json) {
        if self.log.is_some_and(|least| level >= least) {
            self.send(Event::Log {
                level,
                logger,
                data,
            })
            .await;
        }
    }

    /// See [`Event::Detach`].
    pub async fn detach(&self) {
        self.send(Event::Detach).await;
    }

    async fn send(&self, event: Event) {
        if let Some(events) = &self.events {
            // The receiver is gone when the client is: then nobody needs the message.
            let _ = events.send(event).await;
        }
    }
}
