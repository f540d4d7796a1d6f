//! Event streams: the log of one stream, and the bodies that read it.
//!
//! Whatever precedes an answer goes into a [`Log`], and the answer too. The connection is only a reader of the log, so
//! it can be left and, where the revision knows how, joined again with the id of the last event seen.

mod budget;
mod log;

pub(crate) use budget::Budget;
pub(crate) use log::Log;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::header::{self, HeaderValue};
use ::http::{HeaderName, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use tokio_util::sync::CancellationToken;

use crate::body::{Body, Chunks};
use crate::message::{Message, Reply};
use crate::server::Inner;

/// What a quiet stream sends so that no proxy takes it for dead.
pub(crate) const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");
/// When a client that was sent away comes back, in milliseconds: long enough to be worth leaving.
const RETRY_MS: u32 = 500;

/// A call that runs on its own: the answer, or none when it was cancelled.
pub(crate) type Running = Pin<Box<dyn Future<Output = Option<Reply>> + Send>>;

/// How a stream is read.
pub(crate) struct Reading {
    pub(crate) log: Arc<Log>,
    /// The last event that the client has.
    pub(crate) after: u64,
    /// The first event holds nothing but an id, so that a client that loses the line at once can come back.
    pub(crate) primed: bool,
    /// The call that this stream is the answer to, when it shall end with the stream.
    pub(crate) running: Option<Running>,
    /// Ends the stream early.
    pub(crate) ended: CancellationToken,
    pub(crate) keep_alive: Duration,
    /// Where it is counted while it is open.
    pub(crate) open_streams: Arc<AtomicUsize>,
}

impl Reading {
    /// From the first event to the last.
    pub(crate) fn whole(log: Arc<Log>, server: &Inner) -> Self {
        Self {
            log,
            after: 0,
            primed: false,
            running: None,
            ended: CancellationToken::new(),
            keep_alive: server.settings.limits.keep_alive,
            open_streams: server.open_streams.clone(),
        }
    }

    /// The response that sends the events as they come.
    pub(crate) fn response(self) -> Response<Body> {
        let departures = if self.primed {
            0
        } else {
            self.log.departures()
        };
        let open_streams = self.open_streams.clone();
        let reader = Reader {
            number: self.log.begin_reading(),
            departures,
            how: self,
        };
        response(
            &open_streams,
            Box::pin(stream::unfold(reader, Reader::next)),
        )
    }
}

/// The one reader of a log. A newer one ends it, so a client gains nothing by joining a stream many times.
struct Reader {
    how: Reading,
    number: u64,
    departures: u32,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.how.log.end_reading(self.number);
    }
}

impl Reader {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let log = self.how.log.clone();
        let ended = self.how.ended.clone();
        loop {
            let mut news = pin!(log.news());
            // Before looking: what is pushed after the look then wakes this up.
            news.as_mut().enable();
            if let Some(bytes) = self.unread() {
                return Some((bytes, self));
            }
            if log.is_over_for(self.number, self.departures) || ended.is_cancelled() {
                return None;
            }
            let keep_alive = self.how.keep_alive;
            tokio::select! {
                biased;
                reply = run(&mut self.how.running) => {
                    self.how.running = None;
                    log.finish(reply.map(|reply| reply.message));
                }
                () = news => {}
                () = ended.cancelled() => {}
                () = tokio::time::sleep(keep_alive) => return Some((KEEP_ALIVE, self)),
            }
        }
    }

    /// One event at a time: however much a stream holds, only the event on its way is held by its reader.
    fn unread(&mut self) -> Option<Bytes> {
        let how = &mut self.how;
        if let Some(stream) = how.log.stream().filter(|_| std::mem::take(&mut how.primed)) {
            return Some(format!("id: {stream}-0\nretry: {RETRY_MS}\ndata: \n\n").into());
        }
        let (number, event) = how.log.next_after(self.number, how.after)?;
        how.after = number;
        Some(event)
    }
}

/// The call's answer, or never where there is no call.
async fn run(running: &mut Option<Running>) -> Option<Reply> {
    match running {
        Some(running) => running.await,
        None => std::future::pending().await,
    }
}

/// Appends one event. A message has no line break, so it is one line of data.
pub(crate) fn event(out: &mut Vec<u8>, id: Option<(u64, u64)>, message: &Message) {
    out.reserve(message.len() + 64);
    if let Some((stream, number)) = id {
        out.extend_from_slice(format!("id: {stream}-{number}\n").as_bytes());
    }
    out.extend_from_slice(b"event: message\ndata: ");
    message.append_to(out);
    out.extend_from_slice(b"\n\n");
}

/// The stream and the number of an event's id.
pub(crate) fn parse_event_id(id: &str) -> Option<(u64, u64)> {
    let (stream, number) = id.split_once('-')?;
    Some((stream.parse().ok()?, number.parse().ok()?))
}

/// A stream that is counted while it is open.
struct Open {
    chunks: Chunks,
    count: Arc<AtomicUsize>,
}

impl Stream for Open {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.chunks.as_mut().poll_next(context)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A response whose body is an event stream.
pub(crate) fn response(open_streams: &Arc<AtomicUsize>, chunks: Chunks) -> Response<Body> {
    open_streams.fetch_add(1, Ordering::Relaxed);
    let count = open_streams.clone();
    let mut response = Response::new(Body::stream(Box::pin(Open { chunks, count })));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Some proxies collect a response until it is complete unless they are told not to.
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::settings::Limits;

    fn reading(log: &Arc<Log>, after: u64, primed: bool) -> Reading {
        Reading {
            log: log.clone(),
            after,
            primed,
            running: None,
            ended: CancellationToken::new(),
            keep_alive: Duration::from_secs(60),
            open_streams: Arc::default(),
        }
    }

    async fn text(reading: Reading) -> String {
        let body = reading.response().into_body();
        let bytes = tokio::time::timeout(Duration::from_secs(5), body.collect())
            .await
            .expect("the stream ends")
            .unwrap()
            .to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn message(text: &str) -> Message {
        text.as_bytes().to_vec().into()
    }

    #[tokio::test]
    async fn a_stream_that_was_left_goes_on_where_it_was() {
        let log = Log::new(Some(7), &Limits::default(), &Budget::new(1_000));
        log.push(message("1")).await;
        log.detach();
        assert_eq!(
            text(reading(&log, 0, true)).await,
            "id: 7-0\nretry: 500\ndata: \n\nid: 7-1\nevent: message\ndata: 1\n\n"
        );
        log.push(message("2")).await;
        log.finish(Some(message("3")));
        assert_eq!(
            text(reading(&log, 1, false)).await,
            "id: 7-2\nevent: message\ndata: 2\n\nid: 7-3\nevent: message\ndata: 3\n\n"
        );
        assert_eq!(text(reading(&log, 3, false)).await, "");
    }

    #[tokio::test]
    async fn the_oldest_events_are_given_up_first_and_the_last_never() {
        let limits = Limits {
            kept_events_max: 2,
            kept_bytes_max: 70,
            ..Limits::default()
        };
        let whopper = "a message of more than forty bytes, whatever it says";
        for (pushed, expected) in [
            (vec!["1", "2", "3"], vec!["2", "3"]),
            (vec![whopper, "45"], vec!["45"]),
            (vec!["1", whopper], vec![whopper]),
        ] {
            let log = Log::new(Some(0), &limits, &Budget::new(1_000));
            for one in &pushed {
                log.push(message(one)).await;
            }
            log.finish(None);
            let read = text(reading(&log, 0, false)).await;
            let read: Vec<_> = read
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
                .collect();
            assert_eq!(read, expected, "{pushed:?}");
        }
    }

    #[tokio::test]
    async fn a_newer_reader_ends_the_older() {
        let log = Log::new(Some(7), &Limits::default(), &Budget::new(1_000));
        log.push(message("1")).await;
        let mut older = reading(&log, 0, false).response().into_body();
        assert!(older.frame().await.is_some());
        let newer = reading(&log, 0, false);
        let newer = newer.response().into_body();
        let end = tokio::time::timeout(Duration::from_secs(5), older.frame()).await;
        assert!(end.expect("the older one ends").is_none());
        drop(older);
        assert!(log.is_read(), "the newer one reads on");
        drop(newer);
        assert!(!log.is_read());
    }

    #[test]
    fn event_ids() {
        for (id, expected) in [
            ("7-12", Some((7, 12))),
            ("7", None),
            ("a-1", None),
            ("7--1", None),
            ("", None),
        ] {
            assert_eq!(parse_event_id(id), expected, "{id}");
        }
    }
}
