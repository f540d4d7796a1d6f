//! The Streamable HTTP endpoint: from a request to a response, for both eras.
//!
//! An answer is one JSON body unless something must reach the client before it; at that moment it becomes an event
//! stream. A modern call lives and dies with its response. A legacy one goes on when the connection is lost, and in a
//! session its stream can be joined again.

mod answer;
mod era;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::{self, HeaderMap, HeaderValue};
use ::http::request::Parts;
use ::http::{Method as Verb, Request as HttpRequest, Response, StatusCode};
use bytes::Bytes;
use bytestring::ByteString;
use wharf_model::{Caller, Slice, Trail, whole_seconds};

use crate::body::{self, Body};
use crate::call::{Call, KeptRunning};
use crate::dispatch::{Step, dispatch};
use crate::envelope::{self, Incoming, Request};
use crate::errors::{self, WireError};
use crate::handshake;
use crate::headers;
use crate::message::{Refusal, Reply, Shared};
use crate::protocol::{Method, names_modern_revision};
use crate::session::Session;
use crate::sse::{self, Reading};
use crate::subscriptions::LegacyNews;
use crate::{admission, batch, watch};
use era::{Era, era, legacy_peer, legacy_revision, modern_peer, session};

/// When whoever is turned away finds another server, or room in this one.
const COME_BACK: Duration = Duration::from_secs(1);

const METHODS: &str = "GET, POST, DELETE, OPTIONS";

/// Answers one request to the endpoint.
///
/// The head is taken apart before the future begins, which would hold it twice otherwise: as what it was given, and as
/// what became of it.
pub(crate) fn handle<B>(
    server: &Shared,
    request: HttpRequest<B>,
) -> impl Future<Output = Response<Body>> + Send
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let origin = admission::check(&server.settings, &head);
    async move {
        let origin = match origin {
            Ok(origin) => origin,
            Err(error) => return refuse(&error, None),
        };
        let prepared = match head.method {
            Verb::POST => match read(server, &head.headers, body).await {
                Ok(text) if batch::is_batch(&text) => take_batch(server, head, &text),
                Ok(text) => take(server, head, &text),
                Err(error) => Prepared::Done(refuse(&error, None)),
            },
            Verb::GET => Prepared::Done(
                admission::refuse_foreign_page(&head, origin.as_ref())
                    .map_or_else(|error| refuse(&error, None), |()| get(server, &head)),
            ),
            Verb::DELETE => Prepared::Done(delete(server, &head)),
            Verb::OPTIONS => Prepared::Done(admission::preflight(server, METHODS, &head.headers)),
            _ => Prepared::Done(not_allowed()),
        };
        let response = match prepared {
            Prepared::Done(response) => response,
            Prepared::Batch(running) => maybe_json(running.await),
            Prepared::Call {
                call, wants_stream, ..
            } if call.revision.is_modern() => answer::modern(server, call, wants_stream).await,
            Prepared::Call {
                call,
                session,
                wants_stream,
            } => answer::legacy(server, call, session, wants_stream).await,
        };
        admission::admit(response, origin)
    }
}

/// The text of a message.
async fn read<B>(server: &Shared, headers: &HeaderMap, body: B) -> Result<ByteString, WireError>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    check_content_type(headers)?;
    body::read(body, &server.settings.limits).await
}

/// A request whose answer is known or about to be found. It owns its part of the text.
enum Prepared {
    Done(Response<Body>),
    Batch(KeptRunning),
    Call {
        call: Box<Call>,
        session: Option<Arc<Session>>,
        wants_stream: bool,
    },
}

/// Reads a message, and does all that needs no waiting.
fn take(server: &Shared, head: Parts, text: &ByteString) -> Prepared {
    Prepared::Done(match envelope::parse(text) {
        Err(fault) => refuse(&fault.error, fault.id),
        Ok(Incoming::Request(request)) => {
            let prepared = if server.is_closed() {
                Err(shutting_down())
            } else {
                headers::refuse_duplicates(&head.headers)
                    .and_then(|()| prepare(server, head, &request, text))
            };
            match prepared {
                Ok(prepared) => return prepared,
                Err(error) => refuse(&error, Some(request.id)),
            }
        }
        Ok(Incoming::Notification(notification)) => accept(server, head, |session| {
            crate::connection::notice(session, &notification);
            Ok(())
        }),
        Ok(Incoming::Response(response)) => accept(server, head, |session| {
            let Some(session) = session else {
                return Err(WireError::invalid_request(
                    "a response needs the session that asked",
                ));
            };
            session.answer(
                response.id,
                response.outcome.map(Slice::to_json).map_err(Slice::to_json),
            );
            Ok(())
        }),
    })
}

/// Chooses the era by what the request carries, and finds what answers it.
fn prepare(
    server: &Shared,
    mut head: Parts,
    request: &Request<'_>,
    text: &ByteString,
) -> Result<Prepared, WireError> {
    let wants_stream = wants_only_stream(&head.headers);
    let caller = caller(&mut head);
    let trail = watch::trail_of(server, &mut head);
    let mut peer = match era(&head.headers, request)? {
        Era::Modern => modern_peer(server, head.headers, caller, request)?,
        Era::Legacy(_) if Method::parse(&request.method) == Some(Method::Initialize) => {
            return initialize(server, caller, request, trail.as_ref()).map(Prepared::Done);
        }
        Era::Legacy(revision) => legacy_peer(server, head.headers, caller, revision)?,
    };
    peer.trail = trail;
    let session = peer.session.clone();
    Ok(match dispatch(server, request, text, peer)? {
        Step::Done(reply) => Prepared::Done(json(reply)),
        Step::Listen(listen) => {
            Prepared::Done(sse::response(&server.open_streams, listen.into_chunks()))
        }
        Step::Call(call) => Prepared::Call {
            call,
            session,
            wants_stream,
        },
    })
}

fn initialize(
    server: &Shared,
    caller: Caller,
    request: &Request<'_>,
    trail: Option<&Arc<Trail>>,
) -> Result<Response<Body>, WireError> {
    let has_sessions = server.settings.sessions;
    let (greeting, answer) = handshake::initialize(server, request, has_sessions)?;
    let reply = Reply::ok(answer);
    watch::greeted(trail, greeting.revision, &caller, &reply);
    let mut response = json(reply);
    if has_sessions {
        let session = Session::new(caller, greeting, &server.settings.limits);
        server.sessions.add(&session);
        let id = HeaderValue::try_from(session.id.to_string())
            .expect("hexadecimal digits are a header value");
        response.headers_mut().insert(headers::SESSION_ID, id);
    }
    Ok(response)
}

/// Reads several messages at once, and begins what they ask for.
fn take_batch(server: &Shared, head: Parts, text: &ByteString) -> Prepared {
    start_batch(server, head, text).map_or_else(
        |error| Prepared::Done(refuse(&error, None)),
        Prepared::Batch,
    )
}

fn start_batch(
    server: &Shared,
    mut head: Parts,
    text: &ByteString,
) -> Result<KeptRunning, WireError> {
    headers::refuse_duplicates(&head.headers)?;
    if server.is_closed() {
        return Err(shutting_down());
    }
    let caller = caller(&mut head);
    let revision = legacy_revision(&head.headers)?;
    let session = session(server, &head.headers, &caller)?;
    let revision = session
        .as_ref()
        .map_or(revision, |session| session.greeting().revision);
    // Before the session: a client of a revision without batches must hear of that, not of a session.
    if !revision.has_batches() {
        return Err(batch::unknown());
    }
    let trail = watch::trail_of(server, &mut head);
    let mut peer = legacy_peer(server, head.headers, caller, revision)?;
    peer.trail = trail;
    Ok(KeptRunning::new(batch::start(server, text, &peer)?, server))
}

/// Takes what has no answer.
fn accept(
    server: &Shared,
    mut head: Parts,
    take: impl FnOnce(Option<&Arc<Session>>) -> Result<(), WireError>,
) -> Response<Body> {
    let caller = caller(&mut head);
    let is_modern = headers::single(&head.headers, &headers::PROTOCOL_VERSION)
        .is_some_and(names_modern_revision);
    let taken = if is_modern {
        // No modern notification over HTTP means anything to a server, and a session is none of its business.
        take(None)
    } else {
        headers::refuse_duplicates(&head.headers)
            .and_then(|()| legacy_revision(&head.headers))
            .and_then(|_| session(server, &head.headers, &caller))
            .and_then(|session| take(session.as_ref()))
    };
    match taken {
        Ok(()) => status(StatusCode::ACCEPTED),
        Err(error) => refuse(&error, None),
    }
}

/// The stream on which the server speaks of itself, or one that was left.
fn get(server: &Shared, head: &Parts) -> Response<Body> {
    let session = match stream_session(server, head) {
        Ok(Some(session)) => session,
        Ok(None) => return not_allowed(),
        Err(error) => return refuse(&error, None),
    };
    let left = headers::single(&head.headers, &headers::LAST_EVENT_ID)
        .and_then(sse::parse_event_id)
        .and_then(|(stream, after)| Some((session.stream(stream)?, after)));
    match left {
        Some((log, after)) => Reading {
            after,
            ended: session.ended.clone(),
            ..Reading::whole(log, server)
        }
        .response(),
        None => sse::response(
            &server.open_streams,
            LegacyNews::new(server, &session).into_chunks(),
        ),
    }
}

/// The session of a request that has no body; none where the method is not for this client.
fn stream_session(server: &Shared, head: &Parts) -> Result<Option<Arc<Session>>, WireError> {
    headers::refuse_duplicates(&head.headers)?;
    if server.is_closed() {
        return Err(shutting_down());
    }
    if headers::single(&head.headers, &headers::PROTOCOL_VERSION).is_some_and(names_modern_revision)
    {
        return Ok(None);
    }
    let caller = head.extensions.get::<Caller>().cloned().unwrap_or_default();
    session(server, &head.headers, &caller)
}

fn delete(server: &Shared, head: &Parts) -> Response<Body> {
    match stream_session(server, head) {
        Ok(Some(session)) => {
            server.sessions.remove(&session);
            status(StatusCode::NO_CONTENT)
        }
        Ok(None) => not_allowed(),
        Err(error) => refuse(&error, None),
    }
}

/// Whoever authenticated put the caller there.
pub(crate) fn caller(head: &mut Parts) -> Caller {
    head.extensions.remove::<Caller>().unwrap_or_default()
}

/// JSON, or nothing said. A page of another origin can send other types without asking first.
pub(crate) fn check_content_type(headers: &HeaderMap) -> Result<(), WireError> {
    let mut all = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(found) = all.next() else {
        return Ok(());
    };
    if all.next().is_some() {
        return Err(WireError::invalid_request(
            "header `content-type` stands more than once",
        ));
    }
    let essence = found.to_str().unwrap_or_default();
    let essence = essence.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(WireError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        errors::INVALID_REQUEST,
        "`Content-Type` must be `application/json`",
    ))
}

/// Clients promise to take both forms; one that takes only streams gets one.
fn wants_only_stream(headers: &HeaderMap) -> bool {
    let Some(accept) = headers.get(header::ACCEPT) else {
        return false;
    };
    let accept = accept.as_bytes();
    let has = |needle: &[u8]| memchr::memmem::find(accept, needle).is_some();
    // Nearly everybody takes JSON, and one look is enough to see it.
    !has(b"application/json") && has(b"text/event-stream") && !has(b"*/*") && !has(b"application/*")
}

pub(crate) fn shutting_down() -> WireError {
    WireError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        errors::INTERNAL,
        "the server is shutting down",
    )
    .with_refusal(Refusal::Later {
        retry_after: COME_BACK,
    })
}

pub(crate) fn no_room() -> WireError {
    WireError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        errors::INTERNAL,
        "the server has too many connections",
    )
    .with_refusal(Refusal::Later {
        retry_after: COME_BACK,
    })
}

pub(crate) fn not_allowed() -> Response<Body> {
    let error = WireError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        errors::INVALID_REQUEST,
        "only `POST` is served here; `GET` and `DELETE` need a session",
    );
    let mut response = refuse(&error, None);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(METHODS));
    response
}

pub(crate) fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// An error that travels alone.
pub(crate) fn refuse(error: &WireError, id: Option<&str>) -> Response<Body> {
    tracing::debug!(
        status = error.status.as_u16(),
        code = error.code,
        "a request was refused"
    );
    json(error.reply(id))
}

pub(crate) fn json(reply: Reply) -> Response<Body> {
    let mut response = Response::new(Body::from(reply.message));
    *response.status_mut() = reply.status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(refusal) = reply.refusal {
        if let Refusal::Later { retry_after } = &refusal {
            let seconds = HeaderValue::from(whole_seconds(*retry_after));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(refusal);
    }
    response
}

/// A call that its client cancelled has no answer, and an HTTP request must have a response.
fn maybe_json(reply: Option<Reply>) -> Response<Body> {
    reply.map_or_else(|| status(StatusCode::ACCEPTED), json)
}
