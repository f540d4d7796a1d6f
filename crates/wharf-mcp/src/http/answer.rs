//! Running a call to its response: one JSON body, or an event stream when something precedes the answer.

use std::sync::Arc;

use ::http::Response;

use super::maybe_json;
use crate::body::Body;
use crate::call::{Call, KeptRunning, drive};
use crate::message::{Reply, Shared};
use crate::mrtr::{Line, Way};
use crate::session::Session;
use crate::sse::{Log, Reading, Running};

/// Dropping the response, or this future, cancels the call.
pub(super) async fn modern(server: &Shared, mut call: Call, wants_stream: bool) -> Response<Body> {
    let events = call.listen();
    if events.is_none() && !wants_stream {
        return maybe_json(call.run().await);
    }
    let log = Log::new(0, &server.settings.limits);
    let mut running: Running = Box::pin(drive(call.run(), events, Way::Log(log.clone())));
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
    mut call: Call,
    session: Option<Arc<Session>>,
    wants_stream: bool,
) -> Response<Body> {
    let revision = call.revision;
    let events = call.listen();
    if session.is_none() && events.is_none() && !wants_stream {
        return maybe_json(KeptRunning::new(Box::pin(call.run()), &server.tasks).await);
    }
    let stream = session.as_ref().map_or(0, |session| session.next_number());
    let log = Log::new(stream, &server.settings.limits);
    let way = Way::Log(log.clone());
    call.line = session.as_ref().map(|session| Line {
        session: session.clone(),
        way: way.clone(),
    });
    let mut running = KeptRunning::new(Box::pin(drive(call.run(), events, way)), &server.tasks);
    if let First::Answer(reply) = race(&mut running, &log, wants_stream).await {
        return maybe_json(reply);
    }
    let mut reading = Reading::whole(log.clone(), server);
    if let Some(session) = session {
        session.keep_stream(&log);
        reading.numbered = true;
        reading.primed = revision.has_polling();
        reading.ended = session.ended.clone();
    }
    if !log.is_finished() {
        server.tasks.spawn(async move {
            let reply = running.await;
            log.finish(reply.map(|reply| reply.message));
        });
    }
    reading.response()
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
    log: &Log,
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
