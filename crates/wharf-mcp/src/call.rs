//! One call on the catalog: from the request's parts to the answer's bytes.
//!
//! A [`Call`] owns everything it needs, sharing the request's bytes, so that it can outlive its connection. Most calls
//! are awaited in place. Only one that has something to say before its answer gets a channel.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::OptionFuture;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use wharf_model::{
    CallError, CompletionReference, CompletionRequest, Context, Ending, Event, InputAnswers,
    InputRequired, Json, LogLevel, Outbox, Outcome,
};

use crate::encode::{self, Frame, notifications};
use crate::errors::WireError;
use crate::lists::Offering;
use crate::message::{Id, Message, Reply, Shared};
use crate::mrtr::{self, Line, Purpose, Way};
use crate::protocol::Revision;
use crate::session::InFlight;
use crate::sse::Running;
use crate::watch;

/// How many events may wait for a slow client; beyond that the source waits too.
const EVENTS_WAITING_MAX: usize = 32;
/// When another try makes sense after a call that could not have been recorded: somebody may have made room on a disk.
const UNRECORDED_RETRY: Duration = Duration::from_secs(10);
/// How often a call may ask a legacy client before it must answer.
const ROUNDS_MAX: usize = 16;

/// A call that is ready to run.
pub(crate) struct Call {
    pub(crate) server: Shared,
    pub(crate) offering: Arc<Offering>,
    pub(crate) id: Id,
    pub(crate) revision: Revision,
    pub(crate) target: Target,
    pub(crate) context: Context,
    /// How to ask a legacy client; without one it cannot be asked.
    pub(crate) line: Option<Line>,
    /// Where the client can cancel the call by a message.
    pub(crate) in_flight: Option<InFlight>,
    pub(crate) wishes: Wishes,
}

/// What is called.
pub(crate) enum Target {
    Tool { name: Id, arguments: Json },
    Prompt { name: Id, arguments: Json },
    Resource { uri: Id },
    Completion(CompletionRequest),
}

/// What the client wants to hear before the answer.
#[derive(Default)]
pub(crate) struct Wishes {
    pub(crate) progress_token: Option<Json>,
    pub(crate) log_level: Option<LogLevel>,
    /// The client can be sent away and come back.
    pub(crate) polls: bool,
}

/// The events of a running call.
pub(crate) struct Events {
    incoming: mpsc::Receiver<Event>,
    progress_token: Option<Json>,
    has_progress_message: bool,
    polls: bool,
}

/// However a call ends, and also when its client goes before it began, it is no longer in flight.
impl Drop for Call {
    fn drop(&mut self) {
        self.server.tally.end();
    }
}

impl Call {
    /// Opens the way for events, when the client wants any.
    pub(crate) fn listen(&mut self) -> Option<Events> {
        let Wishes {
            progress_token,
            log_level,
            polls,
        } = std::mem::take(&mut self.wishes);
        if progress_token.is_none() && log_level.is_none() && !polls {
            return None;
        }
        let (sender, incoming) = mpsc::channel(EVENTS_WAITING_MAX);
        self.context.outbox = Outbox::new(sender, progress_token.is_some(), log_level);
        Some(Events {
            incoming,
            progress_token,
            has_progress_message: self.revision > Revision::November2024,
            polls,
        })
    }

    /// Runs to the answer; none when the client cancelled.
    pub(crate) async fn run(mut self: Box<Self>) -> Option<Reply> {
        // Tells work that the source spawned when this future is dropped half way.
        let gone = self.context.cancelled.clone().drop_guard();
        let in_flight = self.in_flight.as_ref();
        let cancelled = in_flight.map(|in_flight| in_flight.token.clone());
        let cancelled = OptionFuture::from(cancelled.map(CancellationToken::cancelled_owned));
        let limit = self.server.settings.limits.call_timeout;
        let answer = tokio::select! {
            biased;
            Some(()) = cancelled => return None,
            answer = tokio::time::timeout(limit, self.answer()) => answer,
        };
        gone.disarm();
        let is_late = answer.is_err();
        let answer = answer.unwrap_or_else(|_| {
            Err(WireError::internal(format!(
                "the call took longer than {} seconds",
                limit.as_secs()
            )))
        });
        let Some(watch) = &self.context.watch else {
            return Some(self.reply(answer));
        };
        let ending = match &answer {
            _ if is_late => Ending::TimedOut,
            Ok(_) => Ending::Ok,
            Err(error) => watch::ending(error),
        };
        let answer = answer.map_err(|error| error.of_request(&watch.trail.request_id));
        let reply = self.reply(answer);
        watch.end(ending, reply.message.len());
        Some(reply)
    }

    fn reply(&self, answer: Result<Vec<u8>, WireError>) -> Reply {
        match answer {
            Ok(message) => Reply::ok(message),
            Err(error) => error.reply(Some(&self.id)),
        }
    }

    async fn answer(&mut self) -> Result<Vec<u8>, WireError> {
        if let Some(watch) = &self.context.watch
            && !watch.admit()
        {
            tracing::error!(
                request_id = self.context.request_id(),
                "a call is refused because the audit log cannot be written"
            );
            return Err(self.refused(CallError::Overloaded {
                retry_after: UNRECORDED_RETRY,
            }));
        }
        for _ in 0..ROUNDS_MAX {
            let asked = match self.attempt().await {
                Ok(Outcome::Complete(message)) => return Ok(message),
                Ok(Outcome::InputRequired(asked)) => asked,
                Err(error) => return Err(self.refused(error)),
            };
            let modern = self.revision.is_modern();
            if !modern && !asked.requests.is_empty() && self.line.is_none() {
                return Err(WireError::internal(
                    "this call has to ask the client, and cannot: use a session, or protocol revision 2026-07-28",
                ));
            }
            mrtr::check_capabilities(&asked.requests, self.context.client)
                .map_err(|error| self.refused(error))?;
            if modern {
                return Ok(mrtr::ask(
                    &self.server,
                    self.frame(),
                    &asked,
                    &self.purpose(),
                ));
            }
            // Apart, since few calls ask and all would carry its room.
            self.context.answers = Box::pin(self.play(asked)).await?;
        }
        Err(WireError::internal(format!(
            "the call asked more than {ROUNDS_MAX} times"
        )))
    }

    /// One try; a call that asked comes here again with the answers.
    async fn attempt(&self) -> Result<Outcome<Vec<u8>>, CallError> {
        let (context, frame) = (&self.context, self.frame());
        let catalog = &self.offering.catalog;
        Ok(match &self.target {
            Target::Tool { name, arguments } => {
                match catalog.call_tool(context, name, arguments.slice()).await? {
                    Outcome::Complete(result) => {
                        if result.is_error
                            && let Some(watch) = &context.watch
                        {
                            watch.tool_failed();
                        }
                        Outcome::Complete(encode::tool_answer(frame, &result))
                    }
                    Outcome::InputRequired(asked) => Outcome::InputRequired(asked),
                }
            }
            Target::Prompt { name, arguments } => {
                match catalog.prompt(context, name, arguments.slice()).await? {
                    Outcome::Complete(prompt) => {
                        Outcome::Complete(encode::prompt_result(frame, &prompt))
                    }
                    Outcome::InputRequired(asked) => Outcome::InputRequired(asked),
                }
            }
            Target::Resource { uri } => match catalog.read(context, uri).await? {
                Outcome::Complete(contents) => {
                    Outcome::Complete(encode::resource_result(frame, &contents))
                }
                Outcome::InputRequired(asked) => Outcome::InputRequired(asked),
            },
            Target::Completion(request) => {
                let completion = catalog.complete(context, request).await?;
                Outcome::Complete(encode::completion_result(frame, &completion))
            }
        })
    }

    /// Asks a legacy client and gives the answers. Where there is only a state, the source just wants to be called again.
    async fn play(&self, asked: InputRequired) -> Result<InputAnswers, WireError> {
        let responses = match &self.line {
            Some(line) => mrtr::play(&self.server, line, self.revision, &asked.requests)
                .await
                .map_err(|error| self.refused(error))?,
            None => Vec::new(),
        };
        Ok(InputAnswers {
            responses,
            state: asked.state,
        })
    }

    fn refused(&self, error: CallError) -> WireError {
        WireError::of_call(error, self.revision)
    }

    fn frame(&self) -> Frame<'_> {
        self.server.frame(&self.id, self.revision)
    }

    fn purpose(&self) -> Purpose {
        self.target.purpose(self.context.caller.subject())
    }
}

impl Target {
    /// What a sealed state of this call is good for.
    pub(crate) fn purpose(&self, subject: Option<&str>) -> Purpose {
        match self {
            Self::Tool { name, arguments } => {
                Purpose::new(subject, "tools/call", &[name], Some(arguments.slice()))
            }
            Self::Prompt { name, arguments } => {
                Purpose::new(subject, "prompts/get", &[name], Some(arguments.slice()))
            }
            Self::Resource { uri } => Purpose::new(subject, "resources/read", &[uri], None),
            Self::Completion(request) => {
                let (kind, reference) = match &request.reference {
                    CompletionReference::Prompt(name) => ("ref/prompt", name),
                    CompletionReference::Resource(uri) => ("ref/resource", uri),
                };
                let names = [kind, reference, &request.argument];
                Purpose::new(subject, "completion/complete", &names, None)
            }
        }
    }
}

/// Runs a call and sends what it says before its answer.
pub(crate) async fn drive(mut running: Running, events: Option<Events>, way: Way) -> Option<Reply> {
    let Some(mut events) = events else {
        return running.await;
    };
    loop {
        tokio::select! {
            // Events first: what was said before the answer must arrive before it.
            biased;
            Some(event) = events.incoming.recv() => events.deliver(event, &way).await,
            reply = &mut running => {
                while let Ok(event) = events.incoming.try_recv() {
                    events.deliver(event, &way).await;
                }
                return reply;
            }
        }
    }
}

impl Events {
    async fn deliver(&self, event: Event, way: &Way) {
        let message: Message = match event {
            Event::Progress {
                progress,
                total,
                message,
            } => {
                let Some(token) = &self.progress_token else {
                    return;
                };
                let message = message.filter(|_| self.has_progress_message);
                notifications::progress(token.as_str(), progress, total, message.as_deref()).into()
            }
            Event::Log {
                level,
                logger,
                data,
            } => notifications::log(level, logger.as_deref(), data.as_str()).into(),
            Event::Detach => {
                if self.polls
                    && let Way::Log(log) = way
                {
                    log.detach();
                }
                return;
            }
            _ => return,
        };
        way.send(message).await;
    }
}

/// A legacy call, which goes on when its connection is lost: what is dropped half way becomes a task.
pub(crate) struct KeptRunning {
    running: Option<Running>,
    server: Shared,
}

impl KeptRunning {
    pub(crate) fn new(running: Running, server: &Shared) -> Self {
        Self {
            running: Some(running),
            server: server.clone(),
        }
    }

    /// Runs to the answer. When the client is `gone` before, this goes on only where there is a place for it; without
    /// one, or when the client cancels, there is no answer.
    pub(crate) async fn unless_crowded(mut self, gone: impl Future<Output = ()>) -> Option<Reply> {
        // Whoever drops this wants its end.
        let mut running = self.running.take()?;
        tokio::select! {
            biased;
            reply = &mut running => return reply,
            () = gone => {}
        }
        let _place = place(&self.server)?;
        running.await
    }
}

impl Future for KeptRunning {
    type Output = Option<Reply>;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let Some(running) = &mut self.running else {
            return Poll::Pending;
        };
        let polled = running.as_mut().poll(context);
        if polled.is_ready() {
            self.running = None;
        }
        polled
    }
}

impl Drop for KeptRunning {
    fn drop(&mut self) {
        // Outside of a runtime there is nobody to go on for.
        if let Some(running) = self.running.take()
            && let Ok(runtime) = Handle::try_current()
            && let Some(place) = place(&self.server)
        {
            let tasks = &self.server.tasks;
            tasks.spawn_on(running.map(|_| drop(place)), &runtime);
        }
    }
}

/// A place among the calls that go on without their client. Without a limit a client that hangs up at once could start
/// any number of them.
fn place(server: &Shared) -> Option<OwnedSemaphorePermit> {
    let place = server.abandoned.clone().try_acquire_owned().ok();
    if place.is_none() {
        tracing::debug!("too many calls have lost their client; one is cancelled");
    }
    place
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::mrtr::Sealer;

    #[test]
    fn a_completion_s_state_is_for_its_reference_and_argument() {
        let purpose = |reference: CompletionReference, argument: &str| {
            let request = CompletionRequest {
                reference,
                argument: argument.to_owned(),
                value: String::new(),
                context: Vec::new(),
            };
            Target::Completion(request).purpose(None)
        };
        let prompt = |name: &str| CompletionReference::Prompt(name.to_owned());
        let sealer = Sealer::new(None);
        let given = sealer.seal("s", &purpose(prompt("p"), "a"), Duration::from_secs(60));
        for (case, reference, argument, ok) in [
            ("the same", prompt("p"), "a", true),
            ("another prompt", prompt("q"), "a", false),
            ("another argument", prompt("p"), "b", false),
            ("cut elsewhere", prompt("pa"), "", false),
            (
                "a resource",
                CompletionReference::Resource("p".into()),
                "a",
                false,
            ),
        ] {
            let opened = sealer.open(&given, &purpose(reference, argument));
            assert_eq!(opened.is_ok(), ok, "{case}");
        }
    }
}
