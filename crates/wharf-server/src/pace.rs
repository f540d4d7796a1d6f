//! Whether a connection is used: one that stands idle too long, or never completes a request head, is closed.
//!
//! hyper has a timeout for this, and pays for it with a timer at every request. Here one timer a connection looks from
//! time to time whether anything happened since it last looked, and a request costs two additions. So a connection is
//! closed after one to two times the limit.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};

/// Counts the beginnings and the ends of requests: odd while one is under way, since HTTP/1.1 has one at a time.
#[derive(Debug, Default)]
pub(crate) struct Pace(AtomicUsize);

impl Pace {
    /// A request's head has arrived. The request is under way until the mark is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.0.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// Runs a connection to its end, or until it has stood idle for at least `limit`; then `None`.
    pub(crate) async fn watch<T>(
        &self,
        limit: Duration,
        connection: impl Future<Output = T>,
    ) -> Option<T> {
        let mut connection = pin!(connection);
        let mut before = self.0.load(Ordering::Relaxed);
        loop {
            tokio::select! {
                biased;
                done = &mut connection => return Some(done),
                () = tokio::time::sleep(limit) => {
                    let now = self.0.load(Ordering::Relaxed);
                    let is_under_way = now % 2 == 1;
                    if now == before && !is_under_way {
                        return None;
                    }
                    before = now;
                }
            }
        }
    }
}

/// A mark that a request is under way.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Pace>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A response body whose request is under way until it has been sent.
#[derive(Debug)]
pub(crate) struct Marked<B> {
    body: B,
    _under_way: UnderWay,
}

impl<B> Marked<B> {
    pub(crate) fn new(body: B, under_way: UnderWay) -> Self {
        Self {
            body,
            _under_way: under_way,
        }
    }
}

impl<B: Body + Unpin> Body for Marked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_ends_and_a_used_one_does_not() {
        const LIMIT: Duration = Duration::from_secs(10);
        let never = std::future::pending::<()>;

        let pace = Arc::new(Pace::default());
        assert_eq!(
            pace.watch(LIMIT, never()).await,
            None,
            "it never said anything"
        );

        let under_way = pace.begin();
        let watched = tokio::time::timeout(LIMIT * 10, pace.watch(LIMIT, never())).await;
        assert!(
            watched.is_err(),
            "an answer that takes long is under way, not idle"
        );

        drop(under_way);
        let start = tokio::time::Instant::now();
        assert_eq!(pace.watch(LIMIT, never()).await, None);
        assert!(start.elapsed() >= LIMIT);

        let busy = async {
            for _ in 0..10 {
                drop(pace.begin());
                tokio::time::sleep(LIMIT / 2).await;
            }
            "served"
        };
        assert_eq!(pace.watch(LIMIT, busy).await, Some("served"));
    }
}
