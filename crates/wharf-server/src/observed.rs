//! Telling the observer of HTTP requests: each when the last byte of its response has gone, or its client has.
//!
//! A body goes out in pieces that the connection's buffer holds a few of, so that the end of the last one tells nearly when
//! the last byte went, and a client that takes no more is noticed. Where nobody observes, a response pays for one empty
//! field.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use wharf_model::{HttpRequest, Observer, Trail, Transport};

/// Where a request's id is read and told.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Less than a connection takes in before it writes, unless `head_bytes_max` is small.
const PIECE_BYTES: usize = 64 << 10;

/// A request under way; its end is told when this is dropped.
pub(crate) struct Seen {
    pub(crate) trail: Arc<Trail>,
    method: Method,
    route: Option<Box<str>>,
    status: Option<StatusCode>,
    sent_bytes: u64,
    is_whole: bool,
    /// What is left of a part of the body that is longer than a piece.
    rest: Bytes,
}

impl Seen {
    pub(crate) fn begin<B>(
        observer: &Arc<dyn Observer>,
        request: &Request<B>,
        route: Option<&str>,
    ) -> Self {
        Self {
            trail: Arc::new(observer.clone().begin(Transport::Http, request.headers())),
            method: request.method().clone(),
            route: route.map(Into::into),
            status: None,
            sent_bytes: 0,
            is_whole: false,
            rest: Bytes::new(),
        }
    }

    /// The response, which tells its end.
    fn on<B: Body>(mut self, response: Response<B>) -> Response<Observed<B>> {
        self.status = Some(response.status());
        self.is_whole = response.body().is_end_stream();
        let id = HeaderValue::from_str(&self.trail.request_id);
        let mut response = response.map(|body| Observed {
            body,
            seen: Some(Box::new(self)),
        });
        if let Ok(id) = id {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.trail.observer.request_ended(&HttpRequest {
            trail: &self.trail,
            method: &self.method,
            route: self.route.as_deref(),
            status: self.status,
            sent_bytes: self.sent_bytes,
            is_whole: self.is_whole,
            took: self.trail.span.started.elapsed(),
        });
    }
}

/// A response body whose end is told, where anybody observes.
pub(crate) struct Observed<B> {
    body: B,
    seen: Option<Box<Seen>>,
}

/// The response of a request that may be observed.
pub(crate) fn end<B: Body>(seen: Option<Seen>, response: Response<B>) -> Response<Observed<B>> {
    match seen {
        Some(seen) => seen.on(response),
        None => response.map(|body| Observed { body, seen: None }),
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Observed<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self { body, seen } = &mut *self;
        let Some(seen) = seen else {
            return Pin::new(body).poll_frame(cx);
        };
        if seen.rest.is_empty() {
            match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => seen.rest = data,
                    Err(trailers) => {
                        seen.is_whole = body.is_end_stream();
                        return Poll::Ready(Some(Ok(trailers)));
                    }
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    seen.is_whole = true;
                    return Poll::Ready(None);
                }
            }
        }
        let piece = seen.rest.split_to(seen.rest.len().min(PIECE_BYTES));
        seen.sent_bytes += piece.len() as u64;
        // hyper asks no further where the length was announced.
        seen.is_whole = seen.rest.is_empty() && body.is_end_stream();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest_len() == 0 && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (self.body.size_hint(), self.rest_len());
        let mut hint = SizeHint::new();
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(body.lower() + rest);
        hint
    }
}

impl<B> Observed<B> {
    fn rest_len(&self) -> u64 {
        self.seen.as_ref().map_or(0, |seen| seen.rest.len() as u64)
    }
}
