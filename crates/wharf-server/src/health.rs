//! Whether the server is well, in the words of whoever asks: people, load balancers, the platforms that host it.
//!
//! Nothing here needs a token, waits for a call or asks an upstream: a slow API must not get a healthy server killed, and
//! whoever asks every second must not cost more than a few microseconds.
//!
//! | path | for | says |
//! |---|---|---|
//! | `/`, `/health`, `/healthz` | liveness; the Quilt server's body | that the process lives; `/` also how many tools it offers |
//! | `/ready` | load balancers | whether new work is welcome: 503 from the moment the server is told to stop |
//! | `/ping` | Amazon Bedrock `AgentCore` | whether calls are in flight, and since when |
//! | `/health/detailed` | people | what is offered |

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::http::{StatusCode, request::Parts};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::{Value, json};
use wharf_mcp::{Calls, Server};
use wharf_model::calendar::rfc3339;

use crate::drain::Drain;

/// An answer from before is worse than none.
const NOT_CACHED: HeaderValue = HeaderValue::from_static("no-cache, no-store, must-revalidate");

/// The paths of this module.
pub(crate) const PATHS: &[&str] = &[
    "/",
    "/health",
    "/health/detailed",
    "/healthz",
    "/ping",
    "/ready",
];

/// What answers there.
pub(crate) fn routes(mcp: Server, drain: Arc<Drain>) -> Router {
    Router::new()
        .route("/", get(alive))
        .route("/health", get(alive))
        .route("/healthz", get(alive))
        .route("/health/detailed", get(detailed))
        .route("/ping", get(ping))
        .route("/ready", get(ready))
        .with_state(Arc::new(Health {
            mcp,
            drain,
            started: Instant::now(),
            work: Mutex::default(),
        }))
}

struct Health {
    mcp: Server,
    drain: Arc<Drain>,
    started: Instant,
    /// Only those who ask wait for each other here.
    work: Mutex<Work>,
}

/// What was known of the calls when somebody last asked.
#[derive(Debug, Default)]
struct Work {
    begun: u64,
    busy: bool,
    changed: Option<SystemTime>,
}

impl Work {
    /// When it last changed whether calls are in flight, to the second in which somebody asked. A server that was never
    /// called has the time of the first question, and not that of its start: a platform may have started it long ago and
    /// put it aside.
    fn changed(&mut self, calls: Calls, now: SystemTime) -> SystemTime {
        let busy = calls.in_flight > 0;
        // Calls that came and went unseen changed it twice.
        let has_passed = calls.begun != self.begun && !(self.busy && busy);
        self.begun = calls.begun;
        if has_passed || busy != self.busy {
            self.busy = busy;
            self.changed = Some(now);
        }
        *self.changed.get_or_insert(now)
    }
}

/// The process lives.
async fn alive(State(health): State<Arc<Health>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let mut body = json!({
        "status": "ok",
        "timestamp": rfc3339(SystemTime::now()),
        "route": head.uri.path(),
    });
    // A page that re-pointed its name here could read from the rest what runs on this machine. Whoever asks whether we
    // live, by whatever name, is still told so.
    if health.knows(&head) {
        let settings = health.mcp.settings();
        body["server"] = json!({
            "name": settings.name,
            "version": settings.version,
            "transport": "streamable-http",
        });
        if head.uri.path() == "/" {
            body["tools"] = health.mcp.catalog().tools().len().into();
        }
    }
    answer(StatusCode::OK, body)
}

/// The same with what is offered.
async fn detailed(State(health): State<Arc<Health>>) -> Response {
    let catalog = health.mcp.catalog();
    let body = json!({
        "status": "ok",
        "name": health.mcp.settings().name,
        "version": health.mcp.settings().version,
        "uptime_s": health.started.elapsed().as_secs(),
        "stopping": health.is_stopping(),
        "sources": catalog.sources().len(),
        "tools": catalog.tools().len(),
        "prompts": catalog.prompts().len(),
        "resources": catalog.resources().len(),
    });
    answer(StatusCode::OK, body)
}

/// `AgentCore`'s question: a session that is busy is not ended for being idle.
async fn ping(State(health): State<Arc<Health>>) -> Response {
    let calls = health.mcp.calls();
    let changed = health
        .work
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .changed(calls, SystemTime::now());
    let seconds = changed
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let status = if calls.in_flight > 0 {
        "HealthyBusy"
    } else {
        "Healthy"
    };
    answer(
        StatusCode::OK,
        json!({"status": status, "time_of_last_update": seconds}),
    )
}

/// Whether new work is welcome.
async fn ready(State(health): State<Arc<Health>>) -> Response {
    if health.is_stopping() {
        answer(
            StatusCode::SERVICE_UNAVAILABLE,
            json!({"status": "stopping"}),
        )
    } else {
        answer(StatusCode::OK, json!({"status": "ready"}))
    }
}

impl Health {
    fn is_stopping(&self) -> bool {
        self.drain.has_begun()
    }

    /// Whether the request came by a name, and from a page, that this server serves.
    fn knows(&self, head: &Parts) -> bool {
        self.mcp.refusal(head).is_none()
    }
}

fn answer(status: StatusCode, body: Value) -> Response {
    (status, [(CACHE_CONTROL, NOT_CACHED)], Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_time_is_that_of_a_change() {
        let mut work = Work::default();
        for (second, begun, in_flight, expected) in [
            (10, 0, 0, 10), // the first question
            (20, 0, 0, 10),
            (30, 1, 1, 30), // busy
            (40, 1, 1, 30),
            (50, 7, 2, 30), // busy all along, as far as anybody can tell
            (60, 7, 0, 60), // done
            (70, 7, 0, 60),
            (80, 9, 0, 80), // two came and went
            (90, 9, 0, 80),
        ] {
            let calls = Calls { begun, in_flight };
            let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            assert_eq!(work.changed(calls, at(second)), at(expected), "{second}");
        }
    }
}
