//! One connection: its limits, outermost first.
//!
//! 1. [`WriteGuard`]: a client that stops reading is cut off.
//! 2. hyper's head timeout and buffer size: a client that sends nothing, or a byte a second, is cut off; so is an
//!    endless head.
//! 3. [`crate::stall::TimedBody`], in the routes: a body that does not arrive is given up.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;

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
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(
            TokioIo::new(WriteGuard::new(stream, write_timeout)),
            service_fn(move |request| {
                let routes = routes.clone();
                async move { routes.answer(request).await }
            }),
        );
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
