//! One connection: its limits, outermost first.
//!
//! 1. [`Pace`]: a client that sends nothing, or its request head a byte a second, is cut off.
//! 2. [`WriteGuard`]: a client that stops reading is cut off.
//! 3. hyper's buffer size: an endless head is refused.
//! 4. [`crate::stall::TimedBody`], in the routes: a body that does not arrive is given up.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;

use crate::pace::{Marked, Pace};
use crate::routes::Routes;
use crate::stall::WriteGuard;

/// Bytes of a request head: room for large tokens and cookies, and for a body that comes with it.
const HEAD_BYTES_MAX: usize = 128 << 10;

pub(crate) async fn serve(
    stream: TcpStream,
    routes: Arc<Routes>,
    head_timeout: Duration,
    write_timeout: Duration,
    watcher: Watcher,
) {
    // Without it an answer of two segments waits for the other side's delayed acknowledgement: 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection was gone before it was served");
        return;
    }
    let pace = Arc::new(Pace::default());
    let idle = pace.clone();
    let connection = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(
            TokioIo::new(WriteGuard::new(stream, write_timeout)),
            service_fn(move |request| {
                let (routes, under_way) = (routes.clone(), pace.begin());
                async move {
                    let answer = routes.answer(request).await?;
                    Ok::<_, Infallible>(answer.map(|body| Marked::new(body, under_way)))
                }
            }),
        );
    match idle.watch(head_timeout, watcher.watch(connection)).await {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, "a connection ended early"),
        None => tracing::debug!("an idle connection was closed"),
    }
}
