//! Telling the observer of HTTP requests: each when the last byte of its response has gone, or its client has.
//!
//! Where nobody observes, a response pays for one empty field.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use http::header::HeaderName;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use wharf_model::{HttpRequest, Observer, Trail, Transport};

/// Where a request's id is read and told.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request under way; its end is told when this is dropped.
pub(crate) struct Seen {
    pub(crate) trail: Arc<Trail>,
    method: Method,
    route: Option<Box<str>>,
    status: Option<StatusCode>,
    sent_bytes: u64,
    is_whole: bool,
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

impl<B: Body + Unpin> Body for Observed<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let this = &mut *self;
        if let Some(seen) = &mut this.seen
            && let Poll::Ready(frame) = &polled
        {
            match frame {
                Some(Ok(frame)) => {
                    let bytes = frame.data_ref().map_or(0, Buf::remaining);
                    seen.sent_bytes += bytes as u64;
                    // hyper asks no further where the length was announced.
                    seen.is_whole = this.body.is_end_stream();
                }
                Some(Err(_)) => {}
                None => seen.is_whole = true,
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
