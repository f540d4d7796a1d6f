//! Event streams: the log of one stream, and the bodies that read it.
//!
//! Whatever precedes an answer goes into a [`Log`], and the answer too. The connection is only a reader of the log, so
//! it can be left and, where the revision knows how, joined again with the id of the last event seen.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::header::{self, HeaderValue};
use ::http::{HeaderName, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::body::{Body, Chunks};
use crate::message::{Message, Reply};
use crate::server::Inner;
use crate::settings::Limits;

/// What a quiet stream sends so that no proxy takes it for dead.
pub(crate) const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");
/// When a client that was sent away comes back, in milliseconds: long enough to be worth leaving.
const RETRY_MS: u32 = 500;

/// A call that runs on its own: the answer, or none when it was cancelled.
pub(crate) type Running = Pin<Box<dyn Future<Output = Option<Reply>> + Send>>;

/// The messages of one stream in their order, the oldest given up first.
pub(crate) struct Log {
    /// The stream's number in its session; part of every event's id.
    pub(crate) stream: u64,
    state: Mutex<State>,
    news: Notify,
    kept_events_max: usize,
    kept_bytes_max: usize,
}

#[derive(Default)]
struct State {
    kept: VecDeque<(u64, Message)>,
    kept_bytes: usize,
    last: u64,
    is_finished: bool,
    /// How often the readers were sent away.
    departures: u32,
}

impl Log {
    pub(crate) fn new(stream: u64, limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            stream,
            state: Mutex::default(),
            news: Notify::new(),
            kept_events_max: limits.kept_events_max,
            kept_bytes_max: limits.kept_bytes_max,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, message: Message) {
        let mut state = self.state();
        state.last += 1;
        state.kept_bytes += message.len();
        let numbered = (state.last, message);
        state.kept.push_back(numbered);
        while state.kept.len() > 1
            && (state.kept.len() > self.kept_events_max || state.kept_bytes > self.kept_bytes_max)
        {
            if let Some((_, given_up)) = state.kept.pop_front() {
                state.kept_bytes -= given_up.len();
            }
        }
        drop(state);
        self.news.notify_waiters();
    }

    /// The answer, or none; nothing comes after it.
    pub(crate) fn finish(&self, answer: Option<Message>) {
        if let Some(answer) = answer {
            self.push(answer);
        }
        self.state().is_finished = true;
        self.news.notify_waiters();
    }

    /// Sends the readers away; they come back for the rest.
    pub(crate) fn detach(&self) {
        self.state().departures += 1;
        self.news.notify_waiters();
    }

    /// Whether there is anything that only a stream can hold.
    pub(crate) fn has_events(&self) -> bool {
        self.state().last > 0
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.state().is_finished
    }

    /// Waits until there is a reason to answer with a stream.
    pub(crate) async fn opened(&self) {
        loop {
            let mut news = pin!(self.news.notified());
            news.as_mut().enable();
            {
                let state = self.state();
                if state.last > 0 || state.departures > 0 || state.is_finished {
                    return;
                }
            }
            news.await;
        }
    }
}

/// How a stream is read.
pub(crate) struct Reading {
    pub(crate) log: Arc<Log>,
    /// The last event that the client has.
    pub(crate) after: u64,
    /// Events carry ids.
    pub(crate) numbered: bool,
    /// The first event holds nothing but an id, so that a client that loses the line at once can come back.
    pub(crate) primed: bool,
    /// The call that this stream is the answer to, when it shall end with the stream.
    pub(crate) running: Option<Running>,
    /// Ends the stream early.
    pub(crate) ended: CancellationToken,
    pub(crate) keep_alive: Duration,
}

impl Reading {
    /// From the first event to the last, for a client that cannot come back.
    pub(crate) fn whole(log: Arc<Log>, server: &Inner) -> Self {
        Self {
            log,
            after: 0,
            numbered: false,
            primed: false,
            running: None,
            ended: CancellationToken::new(),
            keep_alive: server.settings.limits.keep_alive,
        }
    }

    /// The response that sends the events as they come.
    pub(crate) fn response(self) -> Response<Body> {
        let departures = if self.primed {
            0
        } else {
            self.log.state().departures
        };
        let reader = Reader {
            departures,
            how: self,
        };
        response(Box::pin(stream::unfold(reader, Reader::next)))
    }
}

struct Reader {
    how: Reading,
    departures: u32,
}

impl Reader {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let log = self.how.log.clone();
        let ended = self.how.ended.clone();
        loop {
            let mut news = pin!(log.news.notified());
            // Before looking: what is pushed after the look then wakes this up.
            news.as_mut().enable();
            if let Some(bytes) = self.unread() {
                return Some((bytes, self));
            }
            if self.is_over() || ended.is_cancelled() {
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

    fn unread(&mut self) -> Option<Bytes> {
        let how = &mut self.how;
        let mut out = Vec::new();
        if std::mem::take(&mut how.primed) {
            let id = format!("id: {}-0\nretry: {RETRY_MS}\ndata: \n\n", how.log.stream);
            out.extend_from_slice(id.as_bytes());
        }
        let mut state = how.log.state();
        for (number, message) in state.kept.iter().filter(|(number, _)| *number > how.after) {
            let id = how.numbered.then_some((how.log.stream, *number));
            event(&mut out, id, message);
        }
        how.after = how.after.max(state.last);
        if !how.numbered {
            // Nobody can come back for it.
            state.kept.clear();
            state.kept_bytes = 0;
        }
        drop(state);
        (!out.is_empty()).then(|| out.into())
    }

    fn is_over(&self) -> bool {
        let state = self.how.log.state();
        state.is_finished || state.departures > self.departures
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

/// A response whose body is an event stream.
pub(crate) fn response(chunks: Chunks) -> Response<Body> {
    let mut response = Response::new(Body::stream(chunks));
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

    fn reading(log: &Arc<Log>, after: u64, primed: bool) -> Reading {
        Reading {
            log: log.clone(),
            after,
            numbered: true,
            primed,
            running: None,
            ended: CancellationToken::new(),
            keep_alive: Duration::from_secs(60),
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
        let log = Log::new(7, &Limits::default());
        log.push(message("1"));
        log.detach();
        assert_eq!(
            text(reading(&log, 0, true)).await,
            "id: 7-0\nretry: 500\ndata: \n\nid: 7-1\nevent: message\ndata: 1\n\n"
        );
        log.push(message("2"));
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
            kept_bytes_max: 4,
            ..Limits::default()
        };
        for (pushed, expected) in [
            (vec!["1", "2", "3"], vec!["2", "3"]),
            (vec!["123", "45"], vec!["45"]),
            (vec!["1", "23456789"], vec!["23456789"]),
        ] {
            let log = Log::new(0, &limits);
            for one in &pushed {
                log.push(message(one));
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
