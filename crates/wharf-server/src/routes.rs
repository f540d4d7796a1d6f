//! What is served where. The MCP endpoint first, because it is the hot path; the rest is a table.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{Request, Response};
use axum::routing::any;
use http_body_util::Either;
use hyper::body::Incoming;
use tower_service::Service;
use wharf_mcp::Server;

use crate::drain::{self, Drain};
use crate::stall::TimedBody;
use crate::{Config, Door, health};

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

/// Everything that answers requests.
pub(crate) struct Routes {
    mcp: Server,
    path: String,
    body_timeout: Duration,
    door: Door,
    others: axum::Router,
    drain: Arc<Drain>,
}

impl Routes {
    pub(crate) fn new(mcp: Server, config: &Config, door: Door, drain: Arc<Drain>) -> Self {
        let mut others = health::routes(mcp.clone(), drain.clone());
        if config.sse_transport {
            let old = axum::Router::new()
                // Every method: the handlers answer browsers that ask beforehand, and refuse the rest with a reason.
                .route("/sse", any(sse))
                .route("/messages", any(message));
            others = others.merge(old.with_state(mcp.clone()));
        }
        Self {
            mcp,
            path: config.path.clone(),
            body_timeout: config.limits.body_timeout(),
            door,
            others,
            drain,
        }
    }

    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let mut answer = self.route(request).await?;
        self.drain.mark(&mut answer);
        Ok(answer)
    }

    /// The answer where there is no room for one more connection: health as ever, and everything else some other time.
    pub(crate) async fn turn_away(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let mut answer = if health::PATHS.contains(&request.uri().path()) {
            self.route(request).await?
        } else {
            self.mcp.turn_away().map(Either::Left)
        };
        drain::make_last(&mut answer);
        Ok(answer)
    }

    async fn route(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let (mut head, body) = request.into_parts();
        let body = TimedBody::new(body, self.body_timeout);
        // Some clients add a slash.
        let path = head.uri.path();
        let is_endpoint = path == self.path || path.strip_suffix('/') == Some(&self.path);
        if is_endpoint || MCP_BESIDE.contains(&path) {
            if let Some(refusal) = self.door.turn_away(&self.mcp, &mut head).await {
                return Ok(refusal.map(Either::Left));
            }
        } else if let Some(answer) = self.door.answer(&head) {
            return Ok(answer.map(Either::Left));
        }
        let request = Request::from_parts(head, body);
        if is_endpoint {
            let answer = self.mcp.handle(request).await;
            return Ok(self.door.challenge(answer).map(Either::Left));
        }
        let answer = self
            .others
            .clone()
            .call(request.map(axum::body::Body::new))
            .await;
        answer.map(|response| response.map(Either::Right))
    }
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
