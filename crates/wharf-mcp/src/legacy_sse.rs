//! The old HTTP+SSE transport: one stream for all answers, and a second address for messages.
//!
//! Clients of it exist still. They begin with a `GET` that stays open; its first event names the address to post
//! messages to. Both must reach the same process, and the session ends with the stream.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use ::http::request::Parts;
use ::http::{Method as Verb, Request, Response, StatusCode};
use bytes::Bytes;
use futures_util::stream;
use std::collections::HashMap;
use tokio::sync::mpsc;

use crate::body::{self, Body};
use crate::connection::Connection;
use crate::errors::{self, WireError};
use crate::http::{caller, check_content_type, not_allowed, refuse, shutting_down, status};
use crate::message::{Message, Shared};
use crate::session::Open;
use crate::{admission, sse};

const METHODS: &str = "GET, POST, OPTIONS";
/// The name of the session in the address for messages.
const SESSION_PARAMETER: &str = "session_id=";

/// The connections that are open, by the id of their session.
#[derive(Default)]
pub(crate) struct Connections(Mutex<HashMap<String, Arc<Connection>>>);

impl Connections {
    fn insert(&self, id: String, connection: Arc<Connection>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id, connection);
    }

    fn remove(&self, id: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(id);
    }

    fn find(&self, id: &str) -> Option<Arc<Connection>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(id).cloned()
    }
}

/// Opens the stream.
pub(crate) fn handle_stream<B>(server: &Shared, request: Request<B>) -> Response<Body> {
    let (mut head, _) = request.into_parts();
    let origin = match admission::check(&server.settings, &head) {
        Ok(origin) => origin,
        Err(error) => return refuse(&error, None),
    };
    let response = match head.method {
        Verb::GET if server.settings.sse_transport => {
            admission::refuse_foreign_page(&head, origin.as_ref())
                .and_then(|()| open(server, &mut head))
                .unwrap_or_else(|error| refuse(&error, None))
        }
        Verb::OPTIONS => admission::preflight(server, METHODS, &head.headers),
        _ => not_allowed(),
    };
    admission::admit(response, origin)
}

/// Takes a message; its answer goes out on the stream.
pub(crate) async fn handle_message<B>(server: &Shared, request: Request<B>) -> Response<Body>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (mut head, body) = request.into_parts();
    let origin = match admission::check(&server.settings, &head) {
        Ok(origin) => origin,
        Err(error) => return refuse(&error, None),
    };
    let response = match head.method {
        Verb::POST if server.settings.sse_transport => {
            message(server, &mut head, body).await.map_or_else(
                |error| refuse(&error, None),
                |()| status(StatusCode::ACCEPTED),
            )
        }
        Verb::OPTIONS => admission::preflight(server, METHODS, &head.headers),
        _ => not_allowed(),
    };
    admission::admit(response, origin)
}

fn open(server: &Shared, head: &mut Parts) -> Result<Response<Body>, WireError> {
    if server.is_closed() {
        return Err(shutting_down());
    }
    let (connection, queue) = Connection::new(server, caller(head), false);
    let connection = Arc::new(connection);
    let id = connection.session.id.to_string();
    // An absolute path: some clients put it behind their server's address without resolving it.
    let path = head.uri.path().trim_end_matches('/');
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let first = format!("event: endpoint\ndata: {parent}/messages?{SESSION_PARAMETER}{id}\n\n");
    server.sessions.add(&connection.session);
    server.connections.insert(id, connection.clone());
    let line = Stream {
        _open: connection.session.open(),
        server: server.clone(),
        connection,
        queue,
        first: Some(first.into()),
        is_closing: false,
    };
    let chunks = Box::pin(stream::unfold(line, Stream::next));
    Ok(sse::response(&server.open_streams, chunks))
}

/// The open stream. Its end is the end of the session.
struct Stream {
    server: Shared,
    connection: Arc<Connection>,
    queue: mpsc::Receiver<Message>,
    first: Option<Bytes>,
    is_closing: bool,
    _open: Open,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.server
            .connections
            .remove(&self.connection.session.id.to_string());
        self.server.sessions.remove(&self.connection.session);
    }
}

impl Stream {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if let Some(first) = self.first.take() {
            return Some((first, self));
        }
        let session = self.connection.session.clone();
        let server = self.server.clone();
        let tasks = self.connection.tasks.clone();
        loop {
            tokio::select! {
                biased;
                message = self.queue.recv() => {
                    let mut out = Vec::new();
                    sse::event(&mut out, None, &message?);
                    return Some((out.into(), self));
                }
                () = session.ended.cancelled() => return None,
                // Calls in flight may still answer; each is bounded in time.
                () = tasks.wait(), if self.is_closing => {
                    if self.queue.is_empty() {
                        return None;
                    }
                }
                () = server.closing.cancelled(), if !self.is_closing => {
                    self.is_closing = true;
                    tasks.close();
                }
                () = tokio::time::sleep(server.settings.limits.keep_alive) => return Some((sse::KEEP_ALIVE, self)),
            }
        }
    }
}

async fn message<B>(server: &Shared, head: &mut Parts, body: B) -> Result<(), WireError>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    check_content_type(&head.headers)?;
    let caller = caller(head);
    let id = head
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .find_map(|parameter| parameter.strip_prefix(SESSION_PARAMETER))
        .unwrap_or_default();
    let connection = server
        .sessions
        .find(id, &caller)
        .and_then(|_| server.connections.find(id))
        .ok_or_else(|| {
            WireError::new(
                StatusCode::NOT_FOUND,
                errors::INVALID_REQUEST,
                "there is no such session (any more); open the stream anew",
            )
        })?;
    let text = body::read(body, &server.settings.limits).await?;
    connection
        .accept(&text, caller, std::mem::take(&mut head.headers))
        .await;
    Ok(())
}
