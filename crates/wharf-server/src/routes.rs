//! What is served where. The MCP endpoint first, because it is the hot path; the rest is a table.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use bytes::Bytes;
use http_body_util::{BodyExt, Either, LengthLimitError, Limited};
use hyper::body::Incoming;
use tower_service::Service;
use wharf_auth::{SIGN_IN_BODY_BYTES_MAX, SignIn};
use wharf_mcp::Server;
use wharf_model::Observer;

use crate::drain::{self, Drain};
use crate::observed::{Observed, Seen};
use crate::stall::TimedBody;
use crate::{Config, Door, health, observed};

/// Paths where the server answers something of its own.
pub(crate) const TAKEN: &[&str] = &[
    "/",
    "/health",
    "/health/detailed",
    "/healthz",
    "/ping",
    "/ready",
    "/sse",
    "/messages",
    "/metrics",
];

/// Where MCP is spoken besides the endpoint: these need a caller as well.
const MCP_BESIDE: &[&str] = &["/sse", "/messages"];

/// A body of any route.
pub(crate) type ResponseBody = Either<wharf_mcp::Body, axum::body::Body>;

/// Prometheus' text format.
pub(crate) const EXPOSITION: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Everything that answers requests.
pub(crate) struct Routes {
    mcp: Server,
    path: String,
    body_timeout: Duration,
    door: Door,
    observer: Option<Arc<dyn Observer>>,
    others: axum::Router,
    drain: Arc<Drain>,
}

impl Routes {
    /// Tells that what came over a connection cannot be read.
    pub(crate) fn request_unread(&self, reason: &dyn fmt::Display) {
        if let Some(observer) = &self.observer {
            observer.request_unread(reason);
        }
    }

    pub(crate) fn new(mcp: Server, config: &Config, door: Door, drain: Arc<Drain>) -> Self {
        let mut others = health::routes(mcp.clone(), drain.clone());
        if config.sse_transport {
            let old = axum::Router::new()
                // Every method: the handlers answer browsers that ask beforehand, and refuse the rest with a reason.
                .route("/sse", any(sse))
                .route("/messages", any(message));
            others = others.merge(old.with_state(mcp.clone()));
        }
        let observer = mcp.settings().observer.clone();
        let serves_metrics = |observer: &Arc<dyn Observer>| observer.exposition().is_some();
        if observer.as_ref().is_some_and(serves_metrics) {
            let own = axum::Router::new().route("/metrics", get(metrics));
            others = others.merge(own.with_state(mcp.clone()));
        }
        Self {
            mcp,
            path: config.path.clone(),
            body_timeout: config.limits.body_timeout(),
            door,
            observer,
            others,
            drain,
        }
    }

    pub(crate) async fn answer(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<Observed<ResponseBody>>, Infallible> {
        let seen = self.watch(&mut request);
        let mut answer = observed::end(seen, self.route(request).await?);
        self.drain.mark(&mut answer);
        Ok(answer)
    }

    /// The answer where there is no room for one more connection: health as ever, and everything else some other time.
    pub(crate) async fn turn_away(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<Observed<ResponseBody>>, Infallible> {
        let seen = self.watch(&mut request);
        let answer = if health::PATHS.contains(&request.uri().path()) {
            self.route(request).await?
        } else {
            self.mcp.turn_away().map(Either::Left)
        };
        let mut answer = observed::end(seen, answer);
        drain::make_last(&mut answer);
        Ok(answer)
    }

    /// The request as it is observed, where anybody observes. No future around that of the answer: each would be copied
    /// once more, which costs more than looking.
    fn watch<B>(&self, request: &mut Request<B>) -> Option<Seen> {
        let observer = self.observer.as_ref()?;
        let path = request.uri().path();
        // For counting: a path that nobody serves could be anything.
        let route = if self.is_endpoint(path) {
            Some(self.path.as_str())
        } else {
            let taken = TAKEN.iter().find(|taken| **taken == path).copied();
            taken.or_else(|| self.door.route(path))
        };
        let seen = Seen::begin(observer, request, route);
        request.extensions_mut().insert(seen.trail.clone());
        Some(seen)
    }

    /// Some clients add a slash.
    fn is_endpoint(&self, path: &str) -> bool {
        path == self.path || path.strip_suffix('/') == Some(&self.path)
    }

    /// Taken apart before the future begins, which would hold the request twice otherwise.
    fn route(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Infallible>> + Send {
        let (mut head, body) = request.into_parts();
        let body = TimedBody::new(body, self.body_timeout);
        async move {
            let path = head.uri.path();
            let is_endpoint = self.is_endpoint(path);
            if is_endpoint || MCP_BESIDE.contains(&path) {
                if let Some(refusal) = self.door.turn_away(&self.mcp, &mut head).await {
                    return Ok(refusal.map(Either::Left));
                }
            } else if let Some(answer) = self.door.answer(&head) {
                return Ok(answer.map(Either::Left));
            } else if let Some(sign_in) = self.door.sign_in(path) {
                let request = Request::from_parts(head, body);
                // Apart, since calls would carry its room.
                let signed_in = Box::pin(signed_in(&sign_in, request)).await;
                return Ok(signed_in.map(Either::Left));
            }
            let request = Request::from_parts(head, body);
            if is_endpoint {
                let answer = self.mcp.handle(request).await;
                return Ok(self.door.challenge(answer).map(Either::Left));
            }
            let mut others = self.others.clone();
            let answer = others.call(request.map(axum::body::Body::new)).await;
            answer.map(|response| response.map(Either::Right))
        }
    }
}

/// What was counted. Names of tools are in it, so a page that re-pointed its name here does not get it.
async fn metrics(
    State(mcp): State<Server>,
    request: axum::extract::Request,
) -> Response<ResponseBody> {
    let (head, _) = request.into_parts();
    if let Some(refusal) = mcp.refusal(&head) {
        return refusal.map(Either::Left);
    }
    let observer = mcp.settings().observer.as_ref();
    let text = observer.and_then(|observer| observer.exposition());
    let headers = [(CONTENT_TYPE, EXPOSITION)];
    let response = (headers, text.unwrap_or_default()).into_response();
    response.map(Either::Right)
}

/// One step of a sign-in.
async fn signed_in(
    sign_in: &SignIn,
    request: Request<TimedBody<Incoming>>,
) -> Response<wharf_mcp::Body> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, SIGN_IN_BODY_BYTES_MAX).collect().await;
    let answer = match body {
        Ok(body) => {
            let request = Request::from_parts(head, body.to_bytes());
            sign_in.handle(request).await
        }
        Err(error) => {
            let is_long = error.is::<LengthLimitError>();
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = if is_long {
                StatusCode::PAYLOAD_TOO_LARGE
            } else {
                StatusCode::REQUEST_TIMEOUT
            };
            answer
        }
    };
    answer.map(Into::into)
}

async fn sse(
    State(mcp): State<Server>,
    request: axum::extract::Request,
) -> Response<wharf_mcp::Body> {
    mcp.handle_sse(request).await
}

async fn message(
    State(mcp): State<Server>,
    request: axum::extract::Request,
) -> Response<wharf_mcp::Body> {
    mcp.handle_message(request).await
}
