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

use crate::Limits;
use crate::pace::{Marked, Pace};
use crate::routes::Routes;
use crate::stall::WriteGuard;

/// The few places for those who are turned away must soon be free again.
const TURNED_AWAY_PATIENCE: Duration = Duration::from_secs(5);

/// Whether there was room for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// It is served.
    Enough,
    /// It gets one answer, which for most requests is to come again.
    None,
}

pub(crate) async fn serve(
    stream: TcpStream,
    routes: Arc<Routes>,
    room: Room,
    limits: Arc<Limits>,
    watcher: Watcher,
) {
    // Without it an answer of two segments waits for the other side's delayed acknowledgement: 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection was gone before it was served");
        return;
    }
    let patience = match room {
        Room::Enough => limits.head_timeout(),
        Room::None => limits.head_timeout().min(TURNED_AWAY_PATIENCE),
    };
    let unread = routes.clone();
    let pace = Arc::new(Pace::default());
    let idle = pace.clone();
    let connection = http1::Builder::new()
        .max_buf_size(limits.head_bytes_max)
        .serve_connection(
            TokioIo::new(WriteGuard::new(stream, limits.write_timeout())),
            service_fn(move |request| {
                let (routes, under_way) = (routes.clone(), pace.begin());
                // Apart: most connections are idle most of the time, and would keep its room.
                Box::pin(async move {
                    let answer = match room {
                        Room::Enough => routes.answer(request).await?,
                        Room::None => routes.turn_away(request).await?,
                    };
                    Ok::<_, Infallible>(answer.map(|body| Marked::new(body, under_way)))
                })
            }),
        );
    match idle.watch(patience, watcher.watch(connection)).await {
        Some(Ok(())) => {}
        // hyper has answered it, and nobody else has seen it.
        Some(Err(error)) if error.is_parse() => unread.request_unread(&error),
        Some(Err(error)) => tracing::debug!(%error, "a connection ended early"),
        None => tracing::debug!("an idle connection was closed"),
    }
}
