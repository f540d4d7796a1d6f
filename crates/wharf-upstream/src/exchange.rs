//! One request and one answer over the pooled client, and what can go wrong with either.

use std::error::Error as _;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, PROXY_AUTHORIZATION};
use http::uri::Scheme;
use http::{HeaderMap, Method, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;

use crate::address::Origin;
use crate::clock::{Clock, Expired};
use crate::connect::{ConnectFailure, Connector};
use crate::pool::{AnswerBody, Pool, SendFailure};
use crate::{Network, Response, Stage, TimeLimit, UpstreamError, coding};

const EVENT_STREAM: &str = "text/event-stream";

/// The pool of connections, and what stands between here and the other side.
pub(crate) struct Client {
    pool: Arc<Pool>,
    network: Network,
}

/// The head of an answer, with its body to be read.
pub(crate) type Answer = http::Response<AnswerBody>;

/// A request as it goes over the wire; kept for retries and redirects.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// It goes where credentials may go.
    pub(crate) is_trusted: bool,
}

impl Outgoing {
    /// For messages, so made only then.
    pub(crate) fn origin(&self) -> String {
        Origin::of_uri(&self.uri).map_or_else(String::new, |origin| origin.to_string())
    }

    fn request(&self, network: &Network) -> http::Request<Full<Bytes>> {
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        // A tunnel's proxy was told when the tunnel was made; what goes through it is not for it to see.
        if self.uri.scheme() == Some(&Scheme::HTTP)
            && let Some(value) = network.proxy_authorization(&self.uri)
        {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        request
    }
}

impl Client {
    /// Keeps up to `idle_max` free connections to each origin.
    pub(crate) fn new(connector: Connector, idle_max: usize, network: Network) -> Self {
        let pool = Pool::new(connector, idle_max);
        Self { pool, network }
    }
}

/// Sends a request and waits for the head of its answer.
pub(crate) async fn send(
    client: &Client,
    outgoing: &Outgoing,
    clock: &mut Clock<'_>,
) -> Result<Answer, UpstreamError> {
    let request = || outgoing.request(&client.network);
    clock
        .bound(pin!(client.pool.send(&outgoing.uri, request)))
        .await
        .map_err(|expired| timeout(outgoing, Stage::Answer, expired))?
        .map_err(|error| send_error(outgoing, error))
}

/// Reads the body, up to `bytes_max`.
pub(crate) async fn read(
    answer: Answer,
    outgoing: &Outgoing,
    bytes_max: usize,
    clock: &mut Clock<'_>,
) -> Result<Response, UpstreamError> {
    let (mut head, mut arriving) = answer.into_parts();
    let coding = if arriving.is_end_stream() {
        None
    } else {
        coding::of(&head.headers).map_err(|encoding| UpstreamError::Encoding {
            origin: outgoing.origin(),
            encoding,
        })?
    };
    let is_stream = is_event_stream(&head.headers);
    let (mut body, mut truncated) =
        read_body(&mut arriving, outgoing, bytes_max, is_stream, clock).await?;
    if let Some(coding) = coding {
        (body, truncated) = coding::decode(coding, body, truncated, bytes_max)
            .await
            .map_err(|error| UpstreamError::Decoding {
                origin: outgoing.origin(),
                encoding: coding.name(),
                source: Arc::new(error),
            })?;
        coding::strip(&mut head.headers);
    }
    Ok(Response {
        status: head.status,
        headers: head.headers,
        body,
        truncated,
    })
}

/// Events may come for ever: what came in time is the answer.
fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.get(..EVENT_STREAM.len()))
        .is_some_and(|essence| essence.eq_ignore_ascii_case(EVENT_STREAM))
}

/// Whether a stream is as good as over: nothing more comes, or no time is left.
fn ends_stream(error: &UpstreamError) -> bool {
    matches!(
        error,
        UpstreamError::Timeout { .. } | UpstreamError::Interrupted { .. }
    )
}

async fn read_body(
    body: &mut AnswerBody,
    outgoing: &Outgoing,
    bytes_max: usize,
    is_stream: bool,
    clock: &mut Clock<'_>,
) -> Result<(Bytes, bool), UpstreamError> {
    let announced = body.size_hint().exact();
    let Some(mut first) = next(body, 0, outgoing, clock).await? else {
        return Ok((Bytes::new(), false));
    };
    if first.len() > bytes_max {
        return Ok((first.split_to(bytes_max), true));
    }
    // Most answers are one piece, and are passed on as they lie in the connection's buffer.
    let second = match next(body, first.len(), outgoing, clock).await {
        Ok(Some(second)) => second,
        Ok(None) => return Ok((first, false)),
        Err(error) if is_stream && ends_stream(&error) => return Ok((first, true)),
        Err(error) => return Err(error),
    };

    let expected = announced.map_or(2 * (first.len() + second.len()), |announced| {
        usize::try_from(announced).unwrap_or(bytes_max)
    });
    let mut whole = BytesMut::with_capacity(expected.min(bytes_max));
    whole.extend_from_slice(&first);
    let mut piece = second;
    loop {
        let room = bytes_max - whole.len();
        whole.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() > room {
            return Ok((whole.freeze(), true));
        }
        match next(body, whole.len(), outgoing, clock).await {
            Ok(Some(next)) => piece = next,
            Ok(None) => return Ok((whole.freeze(), false)),
            Err(error) if is_stream && ends_stream(&error) => return Ok((whole.freeze(), true)),
            Err(error) => return Err(error),
        }
    }
}

/// The next piece of a body that is not empty; none at its end.
async fn next(
    body: &mut AnswerBody,
    received: usize,
    outgoing: &Outgoing,
    clock: &mut Clock<'_>,
) -> Result<Option<Bytes>, UpstreamError> {
    while !body.is_end_stream() {
        let frame = clock
            .bound(body.frame())
            .await
            .map_err(|expired| timeout(outgoing, Stage::Body, expired))?;
        clock.heard();
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| body_error(outgoing, received, error))?;
        // Anything else is trailers, which nobody reads.
        if let Ok(piece) = frame.into_data()
            && !piece.is_empty()
        {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}

pub(crate) fn timeout(outgoing: &Outgoing, stage: Stage, expired: Expired) -> UpstreamError {
    UpstreamError::Timeout {
        origin: outgoing.origin(),
        stage,
        limit: expired.limit,
        after: expired.after,
    }
}

fn send_error(outgoing: &Outgoing, failure: SendFailure) -> UpstreamError {
    let origin = outgoing.origin();
    match failure {
        SendFailure::Connect(failure) => connect_error(outgoing, origin, failure),
        SendFailure::Http(error) => {
            let is_gone = error.is_incomplete_message()
                || error.is_canceled()
                || error.is_closed()
                || is_io(&error);
            let source = Arc::new(error);
            if is_gone {
                UpstreamError::Disconnected { origin, source }
            } else {
                UpstreamError::Protocol { origin, source }
            }
        }
    }
}

fn connect_error(outgoing: &Outgoing, origin: String, failure: ConnectFailure) -> UpstreamError {
    let host = || outgoing.uri.host().unwrap_or_default().to_owned();
    match failure {
        ConnectFailure::Refused(refusal) => UpstreamError::Refused {
            host: host(),
            address: refusal.address,
            range: refusal.range,
        },
        ConnectFailure::Resolve(source) => UpstreamError::Resolve {
            host: host(),
            source,
        },
        ConnectFailure::Tcp(source) => UpstreamError::Connect { origin, source },
        ConnectFailure::Tls(source) => UpstreamError::Tls { origin, source },
        ConnectFailure::Timeout(after) => UpstreamError::Timeout {
            origin,
            stage: Stage::Connection,
            limit: TimeLimit::Connect,
            after,
        },
    }
}

fn body_error(outgoing: &Outgoing, received: usize, error: hyper::Error) -> UpstreamError {
    let origin = outgoing.origin();
    let is_gone = error.is_incomplete_message() || is_io(&error);
    let source = Arc::new(error);
    if is_gone {
        UpstreamError::Interrupted {
            origin,
            received,
            source,
        }
    } else {
        UpstreamError::Protocol { origin, source }
    }
}

/// Whether an error comes from the connection. Malformed chunks come as I/O errors too, but of their own kinds.
fn is_io(error: &hyper::Error) -> bool {
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(error) = current.downcast_ref::<io::Error>() {
            return !matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
            );
        }
        cause = current.source();
    }
    false
}
