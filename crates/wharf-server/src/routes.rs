//! What is served where. The MCP endpoint first, because it is the hot path; the rest is a table.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use axum::response::{IntoResponse, Json};
use axum::routing::{any, get};
use http_body_util::Either;
use hyper::body::Incoming;
use serde_json::json;
use tower_service::Service;
use wharf_mcp::Server;

use crate::Config;
use crate::stall::TimedBody;

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

/// A body of any route.
pub(crate) type ResponseBody = Either<wharf_mcp::Body, axum::body::Body>;

/// Everything that answers requests.
pub(crate) struct Routes {
    mcp: Server,
    path: String,
    body_timeout: Duration,
    others: axum::Router,
}

#[derive(Clone)]
struct Shared {
    mcp: Server,
    stopping: Arc<AtomicBool>,
    started: Instant,
}

impl Routes {
    pub(crate) fn new(mcp: Server, config: &Config, stopping: Arc<AtomicBool>) -> Self {
        let mut others = axum::Router::new()
            .route("/", get(about))
            .route("/health", get(healthy))
            .route("/health/detailed", get(detailed))
            .route("/healthz", get(healthy))
            .route("/ping", get(healthy))
            .route("/ready", get(ready));
        if config.sse_transport {
            others = others
                // Every method: the handlers answer browsers that ask beforehand, and refuse the rest with a reason.
                .route("/sse", any(sse))
                .route("/messages", any(message));
        }
        let others = others.with_state(Shared {
            mcp: mcp.clone(),
            stopping,
            started: Instant::now(),
        });
        Self {
            mcp,
            path: config.path.clone(),
            body_timeout: config.limits.body_timeout(),
            others,
        }
    }

    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let request = request.map(|body| TimedBody::new(body, self.body_timeout));
        // Some clients add a slash.
        let path = request.uri().path();
        if path == self.path || path.strip_suffix('/') == Some(&self.path) {
            return Ok(self.mcp.handle(request).await.map(Either::Left));
        }
        let answer = self
            .others
            .clone()
            .call(request.map(axum::body::Body::new))
            .await;
        answer.map(|response| response.map(Either::Right))
    }
}

/// Not for a page that re-pointed its name here: it could read from it what runs on this machine.
async fn about(
    State(shared): State<Shared>,
    request: axum::extract::Request,
) -> Response<ResponseBody> {
    let (head, _) = request.into_parts();
    if let Some(refusal) = shared.mcp.refusal(&head) {
        return refusal.map(Either::Left);
    }
    let catalog = shared.mcp.catalog();
    let about = Json(json!({
        "name": shared.mcp.settings().name,
        "version": shared.mcp.settings().version,
        "tools": catalog.tools().len(),
    }));
    about.into_response().map(Either::Right)
}

/// The process lives; asks nothing else, so that a slow upstream never gets a healthy server killed.
async fn healthy() -> impl IntoResponse {
    Json(json!({"status": "ok"}))
}

/// The same with what is offered; upstreams are not asked here either.
async fn detailed(State(shared): State<Shared>) -> impl IntoResponse {
    let catalog = shared.mcp.catalog();
    Json(json!({
        "status": "ok",
        "name": shared.mcp.settings().name,
        "version": shared.mcp.settings().version,
        "uptime_s": shared.started.elapsed().as_secs(),
        "stopping": shared.stopping.load(Ordering::Relaxed),
        "sources": catalog.sources().len(),
        "tools": catalog.tools().len(),
        "prompts": catalog.prompts().len(),
        "resources": catalog.resources().len(),
    }))
}

/// Whether new work is welcome.
async fn ready(State(shared): State<Shared>) -> impl IntoResponse {
    if shared.stopping.load(Ordering::Relaxed) {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({"status": "stopping"})),
        );
    }
    (StatusCode::OK, Json(json!({"status": "ready"})))
}

async fn sse(
    State(shared): State<Shared>,
    request: axum::extract::Request,
) -> Response<wharf_mcp::Body> {
    shared.mcp.handle_sse(request).await
}

async fn message(
    State(shared): State<Shared>,
    request: axum::extract::Request,
) -> Response<wharf_mcp::Body> {
    shared.mcp.handle_message(request).await
}
