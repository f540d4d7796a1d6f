//! A port of its own for metrics, so that they need not be where clients are.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

use crate::listen::Listener;
use crate::routes::EXPOSITION;
use crate::stall::WriteGuard;

/// Whoever reads metrics comes every few seconds, and there are few of them.
const CONNECTIONS_MAX: usize = 16;

/// For a request head, and for a reader that does not read.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers `/metrics` with what `render` says. Never returns; whoever spawns it ends it.
pub async fn serve_metrics(
    listener: Listener,
    render: impl Fn() -> String + Send + Sync + 'static,
) {
    let render = Arc::new(render);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // The semaphore is never closed, so a place always comes.
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection for metrics");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let render = render.clone();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(
                TokioIo::new(WriteGuard::new(stream, PATIENCE)),
                service_fn(move |request| {
                    let answer = answer(&request, &*render);
                    async move { Ok::<_, Infallible>(answer) }
                }),
            );
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection for metrics ended early");
            }
            drop(place);
        });
    }
}

fn answer<B>(request: &http::Request<B>, render: &dyn Fn() -> String) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    let mut response = Response::new(Full::from(render()));
    response.headers_mut().insert(CONTENT_TYPE, EXPOSITION);
    response
}
