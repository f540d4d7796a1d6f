//! Running a call to its response: one JSON body, or an event stream when something precedes the answer.

use std::sync::Arc;
use std::time::Duration;

use ::http::Response;
use tokio_util::sync::CancellationToken;

use super::maybe_json;
use crate::body::Body;
use crate::call::{Call, KeptRunning, drive};
use crate::message::{Reply, Shared};
use crate::mrtr::{Line, Way};
use crate::session::Session;
use crate::sse::{Log, Reading, Running};

/// Dropping the response, or this future, cancels the call.
pub(super) async fn modern(
    server: &Shared,
    mut call: Box<Call>,
    wants_stream: bool,
) -> Response<Body> {
    let events = call.listen();
    if events.is_none() && !wants_stream {
        return maybe_json(call.run().await);
    }
    let log = Log::new(None, &server.settings.limits, &server.streams);
    let mut running: Running = Box::pin(drive(Box::pin(call.run()), events, Way::Log(log.clone())));
    match race(&mut running, &log, wants_stream).await {
        First::Answer(reply) => maybe_json(reply),
        First::Event => Reading {
            running: (!log.is_finished()).then_some(running),
            ..Reading::whole(log, server)
        }
        .response(),
    }
}

/// The call goes on when the connection is lost.
pub(super) async fn legacy(
    server: &Shared,
    mut call: Box<Call>,
    session: Option<Arc<Session>>,
    wants_stream: bool,
) -> Response<Body> {
    let revision = call.revision;
    let events = call.listen();
    if session.is_none() && events.is_none() && !wants_stream {
        return maybe_json(KeptRunning::new(Box::pin(call.run()), server).await);
    }
    let stream = session
        .as_ref()
        .filter(|_| revision.has_resuming())
        .map(|session| session.next_number());
    let log = Log::new(stream, &server.settings.limits, &server.streams);
    let way = Way::Log(log.clone());
    call.line = session.as_ref().map(|session| Line {
        session: session.clone(),
        way: way.clone(),
    });
    let mut running = KeptRunning::new(Box::pin(drive(Box::pin(call.run()), events, way)), server);
    if let First::Answer(reply) = race(&mut running, &log, wants_stream).await {
        return maybe_json(reply);
    }
    let mut reading = Reading::whole(log.clone(), server);
    if let Some(session) = session {
        if stream.is_some() {
            session.keep_stream(&log);
        }
        reading.primed = revision.has_polling();
        reading.ended = session.ended.clone();
    }
    server.tasks.spawn(see_off(
        running,
        log,
        server.settings.limits.kept_after_end,
        [reading.ended.clone(), server.closing.clone()],
    ));
    reading.response()
}

/// Brings a call to its end, and its stream to oblivion.
async fn see_off(
    running: KeptRunning,
    log: Arc<Log>,
    kept_after_end: Duration,
    over: [CancellationToken; 2],
) {
    if !log.is_finished() {
        let reply = running.unless_crowded(log.left()).await;
        log.finish(reply.map(|reply| reply.message));
    }
    if log.stream().is_none() {
        return;
    }
    let [session_ended, closing] = over;
    let forgetting = async {
        loop {
            tokio::time::sleep(kept_after_end).await;
            // A slow reader may have the answer before it yet; how slow it can be is bounded elsewhere.
            if !log.is_read() {
                return log.forget();
            }
        }
    };
    tokio::select! {
        () = forgetting => {}
        () = session_ended.cancelled() => {}
        () = closing.cancelled() => {}
    }
}

/// What a client is to get first.
enum First {
    /// Nothing precedes the answer; there is none when the client cancelled.
    Answer(Option<Reply>),
    /// The log holds something already, or the client wants a stream.
    Event,
}

async fn race(
    running: &mut (impl Future<Output = Option<Reply>> + Unpin),
    log: &Arc<Log>,
    wants_stream: bool,
) -> First {
    if wants_stream {
        return First::Event;
    }
    tokio::select! {
        biased;
        reply = running => {
            if !log.has_events() {
                return First::Answer(reply);
            }
            // All in one go: events and answer belong together on the stream.
            log.finish(reply.map(|reply| reply.message));
            First::Event
        }
        () = log.opened() => First::Event,
    }
}
