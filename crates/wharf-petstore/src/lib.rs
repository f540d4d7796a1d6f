//! The demo API: a pet shop that really serves, and the OpenAPI document that describes it.
//!
//! It exists so that `wharf demo` can show a tool answering without any account, and so that there is one API of which
//! document and service are known to agree: each way of passing arguments and each kind of answer that the rest of Wharf
//! must handle occurs here once. The state lives in memory, is bounded, and is gone when the process ends. It knows
//! nothing of MCP or of Wharf, and it is not meant to stand on a network.
//!
//! Its dates, names and prices are made up; `demo-key` is a key for show.

use std::future::Future;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

mod document;

mod routes;

mod body;
mod problem;
mod query;

mod order;
mod pet;

mod picture;
mod samples;
mod store;

pub use document::document;
pub use routes::API_KEY;

/// The service with a fresh set of sample pets.
pub fn router() -> Router {
    routes::router(store::Shop::new(samples::store()))
}

/// Serves a fresh shop until `shutdown` is ready, then finishes what is under way.
pub async fn serve(
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    // Answers are small and complete: waiting to fill a packet only delays them. A socket that refuses still works.
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    axum::serve(listener, router())
        .with_graceful_shutdown(shutdown)
        .await
}
