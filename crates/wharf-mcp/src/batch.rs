//! JSON-RPC batches, which one old revision makes a duty.
//!
//! The calls of a batch run side by side and are answered together, in their order. They report no progress and ask
//! nothing: both would need the stream that the one answer is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytestring::ByteString;
use futures_util::future::{self, Either};
use wharf_model::Slice;

use crate::call::Wishes;
use crate::connection;
use crate::dispatch::{Peer, Step, dispatch};
use crate::envelope::{self, Incoming};
use crate::errors::WireError;
use crate::message::{Id, Reply, Shared};
use crate::protocol::Method;
use crate::sse::Running;
use crate::watch;

pub(crate) fn is_batch(text: &str) -> bool {
    text.trim_ascii_start().starts_with('[')
}

/// A revision without batches.
pub(crate) fn unknown() -> WireError {
    WireError::invalid_request(
        "this protocol revision has no batches; send the messages one by one",
    )
}

/// Begins everything in a batch. There is no answer where there is no request.
pub(crate) fn start(server: &Shared, text: &ByteString, peer: &Peer) -> Result<Running, WireError> {
    let max = server.settings.limits.batch_max;
    let whole = Slice::parse(text.trim_ascii()).map_err(|_| {
        WireError::new(
            ::http::StatusCode::BAD_REQUEST,
            crate::errors::PARSE,
            "the message is not JSON",
        )
    })?;
    let items = whole.items();
    // Counted before anything begins.
    if items.is_empty() {
        return Err(WireError::invalid_request("the batch is empty"));
    }
    if items.len() > max {
        return Err(WireError::invalid_request(format!(
            "the batch holds more than {max} messages"
        )));
    }
    watch::is_batch(peer.trail.as_ref());
    let room = Arc::new(Room::new(server.settings.limits.batch_answer_bytes_max));
    let running: Vec<_> = items
        .into_iter()
        .filter_map(|item| start_one(server, text, item, peer, room.clone()))
        .collect();
    Ok(Box::pin(async move {
        let replies: Vec<Reply> = future::join_all(running)
            .await
            .into_iter()
            .flatten()
            .collect();
        if replies.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(
            replies
                .iter()
                .map(|reply| reply.message.len() + 1)
                .sum::<usize>()
                + 1,
        );
        for (at, reply) in replies.iter().enumerate() {
            out.push(if at == 0 { b'[' } else { b',' });
            reply.message.append_to(&mut out);
        }
        out.push(b']');
        Some(Reply::ok(out))
    }))
}

/// The bytes that the answers to one batch may have together. The rest is too large, not too late: it is told so.
struct Room {
    bytes_max: usize,
    bytes: AtomicUsize,
}

impl Room {
    fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: AtomicUsize::new(0),
        }
    }

    fn admit(&self, reply: Reply, id: &Id) -> Reply {
        let bytes = reply.message.len();
        let fits = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        let held = self
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        if held.is_ok() {
            return reply;
        }
        WireError::internal(format!(
            "the answers to this batch have more than {} bytes together; send the calls one by one",
            self.bytes_max
        ))
        .reply(Some(id))
    }
}

/// What becomes the answer to one message, where it wants one.
fn start_one(
    server: &Shared,
    text: &ByteString,
    item: Slice<'_>,
    peer: &Peer,
    room: Arc<Room>,
) -> Option<impl Future<Output = Option<Reply>> + Send + use<>> {
    let done = |reply| Some(Either::Left(future::ready(Some(reply))));
    let request = match envelope::parse(item.as_str()) {
        Err(fault) => return done(fault.error.reply(fault.id)),
        Ok(Incoming::Notification(notification)) => {
            connection::notice(peer.session.as_ref(), &notification);
            return None;
        }
        Ok(Incoming::Response(response)) => {
            if let Some(session) = &peer.session {
                session.answer(
                    response.id,
                    response.outcome.map(Slice::to_json).map_err(Slice::to_json),
                );
            }
            return None;
        }
        Ok(Incoming::Request(request)) => request,
    };
    if request.meta.version.is_some() || Method::parse(&request.method) == Some(Method::Initialize)
    {
        let error = WireError::invalid_request("this request must not stand in a batch");
        return done(error.reply(Some(request.id)));
    }
    let peer = Peer {
        revision: peer.revision,
        client: peer.client,
        caller: peer.caller.clone(),
        headers: peer.headers.clone(),
        session: peer.session.clone(),
        can_poll: false,
        trail: peer.trail.clone(),
    };
    match dispatch(server, &request, text, peer) {
        Err(error) => done(error.reply(Some(request.id))),
        Ok(Step::Done(reply)) => done(room.admit(reply, &request.id.into())),
        Ok(Step::Call(mut call)) => {
            call.wishes = Wishes::default();
            let id = call.id.clone();
            let answer = async move { call.run().await.map(|reply| room.admit(reply, &id)) };
            Some(Either::Right(answer))
        }
        // Only modern requests listen, and those were refused.
        Ok(Step::Listen(_)) => None,
    }
}
