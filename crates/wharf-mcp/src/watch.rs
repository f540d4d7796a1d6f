//! Telling the observer of operations: what one is when it begins, and how it ended.
//!
//! Nothing here runs where nobody observes.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use wharf_model::{
    Asked, Beginning, Caller, Ending, Json, Slice, TraceContext, Trail, Transport, Watch,
};

use crate::dispatch::{Peer, Step};
use crate::envelope::Request;
use crate::errors::WireError;
use crate::lists::Offering;
use crate::message::{Refusal, Reply, Shared};
use crate::protocol::{Method, Revision};

/// What a method is called that the protocol does not have.
const OTHER: &str = "_OTHER";

/// What a batch is called, in the one line about it.
const BATCH: &str = "batch";

/// The trail of a message that did not come as an HTTP request of its own.
pub(crate) fn trail(
    server: &Shared,
    transport: Transport,
    headers: &HeaderMap,
) -> Option<Arc<Trail>> {
    let observer = server.settings.observer.clone()?;
    Some(Arc::new(observer.begin(transport, headers)))
}

/// The trail that whoever took the HTTP request left with it.
pub(crate) fn trail_of(server: &Shared, head: &mut ::http::request::Parts) -> Option<Arc<Trail>> {
    server.settings.observer.as_ref()?;
    head.extensions.remove()
}

/// Begins to watch a request, where it has a trail.
pub(crate) fn begin(
    offering: &Offering,
    request: &Request<'_>,
    received_bytes: usize,
    peer: &Peer,
    trace: Option<&TraceContext>,
) -> Option<Arc<Watch>> {
    let trail = peer.trail.clone()?;
    let method = Method::parse(&request.method);
    let name = request.params.name.and_then(Slice::text);
    let nothing = Json::empty_object();
    let subject = match (method, &name) {
        (Some(Method::CallTool), Some(name)) => {
            let arguments = request.params.arguments.unwrap_or(nothing.slice());
            offering.catalog.subject(name, arguments)
        }
        _ => None,
    };
    let beginning = Beginning {
        method: method.map_or(OTHER, Method::as_str),
        protocol: peer.revision.as_str(),
        subject,
        caller: &peer.caller,
        context: trace,
        received_bytes,
    };
    Some(Arc::new(Watch::begin(trail, &beginning)))
}

/// Tells of what `dispatch` found for the request `id`; a call ends later.
pub(crate) fn found(watch: Option<&Watch>, step: &Result<Step, WireError>, id: &str) {
    let Some(watch) = watch else { return };
    match step {
        Ok(Step::Call(_)) => {}
        Ok(Step::Done(reply)) => watch.end(Ending::Ok, reply.message.len()),
        Ok(Step::Listen(_)) => watch.end(Ending::Ok, 0),
        // Written a second time when it is sent: refusals are short, and few.
        Err(error) => watch.end(ending(error), error.reply(Some(id)).message.len()),
    }
}

/// Tells of a handshake, whose revision is known only behind it.
pub(crate) fn greeted(
    trail: Option<&Arc<Trail>>,
    revision: Revision,
    caller: &Caller,
    reply: &Reply,
) {
    let Some(trail) = trail else { return };
    let beginning = Beginning {
        method: Method::Initialize.as_str(),
        protocol: revision.as_str(),
        subject: None,
        caller,
        context: None,
        received_bytes: 0,
    };
    Watch::begin(trail.clone(), &beginning).end(Ending::Ok, reply.message.len());
}

/// Says that a message is several operations, of which none stands for it.
pub(crate) fn is_batch(trail: Option<&Arc<Trail>>) {
    if let Some(trail) = trail {
        let _ = trail.asked.set(Asked {
            method: BATCH,
            tool: None,
            trace_id: None,
        });
        let _ = trail.ending.set(Ending::Ok);
    }
}

/// What an error says of the end of an operation.
pub(crate) fn ending(error: &WireError) -> Ending {
    match &error.refusal {
        Some(Refusal::Unauthenticated) => Ending::Unauthenticated,
        Some(Refusal::Forbidden { .. }) => Ending::Forbidden,
        Some(Refusal::Later { .. }) if error.status == StatusCode::TOO_MANY_REQUESTS => {
            Ending::TooManyCalls
        }
        Some(Refusal::Later { .. }) => Ending::Overloaded,
        None => Ending::ProtocolError(error.code),
    }
}
