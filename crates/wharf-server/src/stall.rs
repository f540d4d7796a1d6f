//! Time limits on bytes: a body that does not arrive, and an answer that nobody reads.
//!
//! Both arm a timer only when they have to wait, so a request that arrives whole and is read at once costs none.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A timer that exists only while something waits.
#[derive(Debug)]
struct Patience {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, timer: None }
    }

    /// Ready when the wait has been too long.
    fn poll_exhausted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.limit;
        self.timer
            .get_or_insert_with(|| Box::pin(sleep(limit)))
            .as_mut()
            .poll(cx)
    }
}

/// A request body that has to have arrived within a time, counted from the first wait.
#[derive(Debug)]
pub(crate) struct TimedBody<B> {
    body: B,
    patience: Patience,
}

impl<B> TimedBody<B> {
    pub(crate) fn new(body: B, limit: Duration) -> Self {
        Self {
            body,
            patience: Patience::new(limit),
        }
    }
}

impl<B> Body for TimedBody<B>
where
    B: Body + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = B::Data;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(self.patience.poll_exhausted(cx));
        // The kind is what whoever reads the body goes by.
        let late = io::Error::new(
            io::ErrorKind::TimedOut,
            "the request body did not arrive in time",
        );
        Poll::Ready(Some(Err(late.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What a client must take in the time of one limit, while there is more for it. Anything less is a client that holds a
/// connection and an answer for ever by reading a byte now and then; a slow phone takes a hundred times as much.
const PROGRESS_BYTES_MIN: usize = 1 << 10;

/// A connection whose writes fail when the other side takes next to nothing for a time.
#[derive(Debug)]
pub(crate) struct WriteGuard<S> {
    stream: S,
    patience: Patience,
    /// What was taken since the timer runs.
    taken: usize,
}

impl<S> WriteGuard<S> {
    pub(crate) fn new(stream: S, limit: Duration) -> Self {
        Self {
            stream,
            patience: Patience::new(limit),
            taken: 0,
        }
    }

    fn relax(&mut self) {
        self.patience.timer = None;
        self.taken = 0;
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_pending() {
            ready!(self.patience.poll_exhausted(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        done
    }

    fn watch_write(
        &mut self,
        cx: &mut Context<'_>,
        wrote: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &wrote
            && self.patience.timer.is_some()
        {
            self.taken += bytes;
            if self.taken >= PROGRESS_BYTES_MIN {
                self.relax();
            }
        }
        self.watch(cx, wrote)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteGuard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch_write(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch_write(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if flushed.is_ready() {
            // There is nothing more to write, so nobody is slow.
            self.relax();
        }
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_trickling_reader_is_cut_off_and_a_slow_one_is_not() {
        for (case, bytes, pause, ok) in [
            ("a byte a second", 1, Duration::from_secs(1), false),
            ("a byte before each limit", 1, LIMIT * 9 / 10, false),
            ("nothing", 1, LIMIT * 2, false),
            ("just enough", 128, Duration::from_secs(1), true),
            ("at once", 4_096, Duration::ZERO, true),
        ] {
            // Room for one read, so that every byte has to be taken.
            let (near, mut far) = tokio::io::duplex(bytes);
            let mut guard = WriteGuard::new(near, LIMIT);
            let reading = tokio::spawn(async move {
                let mut buffer = vec![0; bytes];
                loop {
                    tokio::time::sleep(pause).await;
                    if !matches!(far.read(&mut buffer).await, Ok(1..)) {
                        return;
                    }
                }
            });
            let wrote = guard.write_all(&[0; 8_192]).await;
            assert_eq!(wrote.is_ok(), ok, "{case}: {wrote:?}");
            drop(guard);
            reading.await.expect("the reader ends with the connection");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_out_starts_anew() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut guard = WriteGuard::new(near, LIMIT);
        let mut buffer = [0; 100];
        for round in 0..3 {
            let writing = async {
                guard.write_all(&[0; 100]).await.expect("taken in time");
                guard.flush().await.expect("flushed");
            };
            let reading = async {
                tokio::time::sleep(LIMIT / 2).await;
                far.read_exact(&mut buffer).await.expect("open");
            };
            tokio::join!(writing, reading);
            tokio::time::sleep(LIMIT * 2).await;
            assert_eq!(guard.taken, 0, "round {round}");
        }
    }
}
