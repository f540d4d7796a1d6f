//! The Streamable HTTP endpoint: from a request to a response, for both eras.
//!
//! An answer is one JSON body unless something must reach the client before it; at that moment it becomes an event
//! stream. A modern call lives and dies with its response. A legacy one goes on when the connection is lost, and in a
//! session its stream can be joined again.

use std::error::Error;
use std::sync::Arc;

use ::http::header::{self, HeaderMap, HeaderValue};
use ::http::request::Parts;
use ::http::{Method as Verb, Request as HttpRequest, Response, StatusCode};
use bytes::Bytes;
use bytestring::ByteString;
use wharf_model::{Caller, ClientCapabilities, Slice};

use crate::body::{self, Body};
use crate::call::{Call, KeptRunning, drive};
use crate::dispatch::{Peer, Step, dispatch};
use crate::envelope::{self, Incoming, Request};
use crate::errors::{self, WireError};
use crate::handshake;
use crate::headers;
use crate::message::{Reply, Shared};
use crate::mrtr::{Line, Way};
use crate::protocol::{Method, Revision, names_modern_revision};
use crate::session::Session;
use crate::sse::{self, Log, Reading, Running};
use crate::subscriptions::LegacyNews;
use crate::{admission, batch};

const METHODS: &str = "GET, POST, DELETE, OPTIONS";

/// Answers one request to the endpoint.
pub(crate) async fn handle<B>(server: &Shared, request: HttpRequest<B>) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let origin = match admission::check(&server.settings, &head) {
        Ok(origin) => origin,
        Err(error) => return refuse(&error, None),
    };
    let response = match head.method {
        Verb::POST => post(server, head, body).await,
        Verb::GET => get(server, &head),
        Verb::DELETE => delete(server, &head),
        Verb::OPTIONS => admission::preflight(server, METHODS, &head.headers),
        _ => not_allowed(),
    };
    admission::admit(response, origin)
}

async fn post<B>(server: &Shared, head: Parts, body: B) -> Response<Body>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if let Err(error) = check_content_type(&head.headers) {
        return refuse(&error, None);
    }
    let text = match body::read(body, &server.settings.limits).await {
        Ok(text) => text,
        Err(error) => return refuse(&error, None),
    };
    if batch::is_batch(&text) {
        return post_batch(server, head, text)
            .await
            .unwrap_or_else(|error| refuse(&error, None));
    }
    match envelope::parse(&text) {
        Err(fault) => refuse(&fault.error, fault.id),
        Ok(Incoming::Request(request)) => {
            let id = request.id;
            let step = if server.is_closed() {
                Err(shutting_down())
            } else {
                headers::refuse_duplicates(&head.headers)
                    .and_then(|()| prepare(server, head, &request, &text))
            };
            match step {
                Ok(prepared) => {
                    // The slices end here; what goes on owns its part of the text.
                    drop(request);
                    answer(server, prepared).await
                }
                Err(error) => refuse(&error, Some(id)),
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
    }
}

/// A request whose answer is known or about to be found.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every one is a call; a box would be an allocation for each"
)]
enum Prepared {
    Done(Response<Body>),
    Call {
        call: Call,
        session: Option<Arc<Session>>,
        wants_stream: bool,
    },
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
    let peer = match era(&head.headers, request)? {
        Era::Modern => modern_peer(server, head.headers, caller, request)?,
        Era::Legacy(_) if Method::parse(&request.method) == Some(Method::Initialize) => {
            return initialize(server, caller, request).map(Prepared::Done);
        }
        Era::Legacy(revision) => legacy_peer(server, head.headers, caller, revision)?,
    };
    let session = peer.session.clone();
    Ok(match dispatch(server, request, text, peer)? {
        Step::Done(reply) => Prepared::Done(json(reply)),
        Step::Listen(listen) => Prepared::Done(sse::response(listen.into_chunks())),
        Step::Call(call) => Prepared::Call {
            call,
            session,
            wants_stream,
        },
    })
}

enum Era {
    Modern,
    /// The revision of the header; a session knows better.
    Legacy(Revision),
}

/// The era of a request, by its signs. A modern one with half of the signs is malformed, not legacy.
fn era(headers: &HeaderMap, request: &Request<'_>) -> Result<Era, WireError> {
    if request.meta.version.is_some() {
        return Ok(Era::Modern);
    }
    let method = Method::parse(&request.method);
    if method == Some(Method::Initialize) {
        return Ok(Era::Legacy(Revision::WITHOUT_HEADER));
    }
    let version = headers::single(headers, headers::PROTOCOL_VERSION);
    if method == Some(Method::Discover) || version.is_some_and(names_modern_revision) {
        // Says which part of `_meta` is missing.
        headers::check_metadata(request)?;
    }
    legacy_revision(headers).map(Era::Legacy)
}

fn legacy_revision(headers: &HeaderMap) -> Result<Revision, WireError> {
    if !headers.contains_key(headers::PROTOCOL_VERSION) {
        return Ok(Revision::WITHOUT_HEADER);
    }
    headers::single(headers, headers::PROTOCOL_VERSION)
        .and_then(Revision::parse)
        .ok_or_else(|| {
            let known: Vec<_> = Revision::ALL
                .iter()
                .map(|revision| revision.as_str())
                .collect();
            WireError::invalid_request(format!(
                "`MCP-Protocol-Version` must be one of {}",
                known.join(", ")
            ))
        })
}

fn modern_peer(
    server: &Shared,
    headers: HeaderMap,
    caller: Caller,
    request: &Request<'_>,
) -> Result<Peer, WireError> {
    headers::check(&headers, request)?;
    if Method::parse(&request.method) == Some(Method::CallTool)
        && let Some(name) = request.params.name.and_then(Slice::text)
    {
        let offering = server.offering.load();
        headers::check_params(
            &headers,
            offering.header_params(&name),
            request.params.arguments,
        )?;
    }
    Ok(Peer {
        revision: Revision::July2026,
        client: handshake::client_capabilities(request.meta.capabilities),
        caller,
        headers,
        session: None,
        can_poll: false,
    })
}

fn legacy_peer(
    server: &Shared,
    headers: HeaderMap,
    caller: Caller,
    revision: Revision,
) -> Result<Peer, WireError> {
    let session = session(server, &headers, &caller)?;
    if server.settings.sessions && session.is_none() {
        return Err(WireError::invalid_request(
            "header `Mcp-Session-Id` is missing; begin with `initialize`",
        ));
    }
    let greeting = session.as_ref().map(|session| session.greeting());
    Ok(Peer {
        revision: greeting.map_or(revision, |greeting| greeting.revision),
        client: greeting.map_or_else(ClientCapabilities::default, |greeting| greeting.client),
        caller,
        headers,
        session,
        can_poll: true,
    })
}

/// The session that a request names; an error when there is none of that name.
fn session(
    server: &Shared,
    headers: &HeaderMap,
    caller: &Caller,
) -> Result<Option<Arc<Session>>, WireError> {
    let Some(id) = headers
        .get(headers::SESSION_ID)
        .filter(|_| server.settings.sessions)
    else {
        return Ok(None);
    };
    id.to_str()
        .ok()
        .and_then(|id| server.sessions.find(id, caller))
        .map(Some)
        .ok_or_else(|| {
            WireError::new(
                StatusCode::NOT_FOUND,
                errors::INVALID_REQUEST,
                "there is no such session (any more); begin anew with `initialize`",
            )
        })
}

fn initialize(
    server: &Shared,
    caller: Caller,
    request: &Request<'_>,
) -> Result<Response<Body>, WireError> {
    let has_sessions = server.settings.sessions;
    let (greeting, answer) = handshake::initialize(server, request, has_sessions)?;
    let mut response = json(Reply::ok(answer));
    if has_sessions {
        let session = Session::new(caller, greeting, &server.settings.limits);
        server.sessions.add(&session);
        let id = HeaderValue::try_from(session.id.to_string())
            .expect("hexadecimal digits are a header value");
        response.headers_mut().insert(headers::SESSION_ID, id);
    }
    Ok(response)
}

async fn answer(server: &Shared, prepared: Prepared) -> Response<Body> {
    match prepared {
        Prepared::Done(response) => response,
        Prepared::Call {
            call, wants_stream, ..
        } if call.revision.is_modern() => answer_modern(server, call, wants_stream).await,
        Prepared::Call {
            call,
            session,
            wants_stream,
        } => answer_legacy(server, call, session, wants_stream).await,
    }
}

/// Dropping the response, or this future, cancels the call.
async fn answer_modern(server: &Shared, mut call: Call, wants_stream: bool) -> Response<Body> {
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
async fn answer_legacy(
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

async fn post_batch(
    server: &Shared,
    mut head: Parts,
    text: ByteString,
) -> Result<Response<Body>, WireError> {
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
    let peer = legacy_peer(server, head.headers, caller, revision)?;
    let running = KeptRunning::new(batch::start(server, &text, &peer)?, &server.tasks);
    Ok(maybe_json(running.await))
}

/// Takes what has no answer.
fn accept(
    server: &Shared,
    mut head: Parts,
    take: impl FnOnce(Option<&Arc<Session>>) -> Result<(), WireError>,
) -> Response<Body> {
    let caller = caller(&mut head);
    let is_modern = headers::single(&head.headers, headers::PROTOCOL_VERSION)
        .is_some_and(names_modern_revision);
    let taken = if is_modern {
        // No modern notification over HTTP means anything to a server, and a session is none of its business.
        take(None)
    } else {
        legacy_revision(&head.headers)
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
    let left = headers::single(&head.headers, headers::LAST_EVENT_ID)
        .and_then(sse::parse_event_id)
        .and_then(|(stream, after)| Some((session.stream(stream)?, after)));
    match left {
        Some((log, after)) => Reading {
            after,
            numbered: true,
            ended: session.ended.clone(),
            ..Reading::whole(log, server)
        }
        .response(),
        None => sse::response(LegacyNews::new(server, &session).into_chunks()),
    }
}

/// The session of a request that has no body; none where the method is not for this client.
fn stream_session(server: &Shared, head: &Parts) -> Result<Option<Arc<Session>>, WireError> {
    headers::refuse_duplicates(&head.headers)?;
    if server.is_closed() {
        return Err(shutting_down());
    }
    if headers::single(&head.headers, headers::PROTOCOL_VERSION).is_some_and(names_modern_revision)
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
    let Some(found) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
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
    has(b"text/event-stream") && !has(b"application/json") && !has(b"*/*") && !has(b"application/*")
}

pub(crate) fn shutting_down() -> WireError {
    WireError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        errors::INTERNAL,
        "the server is shutting down",
    )
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
    response
}

/// A call that its client cancelled has no answer, and an HTTP request must have a response.
fn maybe_json(reply: Option<Reply>) -> Response<Body> {
    reply.map_or_else(|| status(StatusCode::ACCEPTED), json)
}
