//! The events of one stream, each written for the wire once and shared by whoever reads it.
//!
//! A stream that can be joined again gives up its oldest events when there are too many: whoever comes back late misses
//! some. One that cannot be joined again loses nothing; whoever writes waits for its only reader.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::budget::Budget;
use super::event;
use crate::message::Message;
use crate::settings::Limits;

/// The events of one stream in their order.
pub(crate) struct Log {
    /// The stream's number in its session, part of every event's id. None where nobody can come back for an event.
    stream: Option<u64>,
    state: Mutex<State>,
    /// Wakes readers.
    news: Notify,
    /// Wakes those who wait for a reader: to read, or to go.
    reading: Notify,
    kept_events_max: usize,
    kept_bytes_max: usize,
    budget: Arc<Budget>,
}

#[derive(Default)]
struct State {
    kept: VecDeque<Bytes>,
    kept_bytes: usize,
    /// The number of the last event.
    last: u64,
    is_finished: bool,
    /// Finished, and nothing of it is left.
    is_forgotten: bool,
    /// How often the readers were sent away.
    departures: u32,
    /// Counts the readers; the last one is the only one that may read.
    reader: u64,
    client: Client,
}

/// Where the client of a stream is.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Client {
    /// Still waits for the response to begin.
    #[default]
    Waits,
    Reads,
    /// Gone, for a time or for good.
    Gone,
}

impl State {
    fn pop(&mut self) -> Option<Bytes> {
        let event = self.kept.pop_front()?;
        self.kept_bytes -= event.len();
        Some(event)
    }

    /// Gives up everything; how many bytes that was.
    fn clear(&mut self) -> usize {
        self.kept = VecDeque::new();
        std::mem::take(&mut self.kept_bytes)
    }
}

impl Log {
    pub(crate) fn new(stream: Option<u64>, limits: &Limits, budget: &Arc<Budget>) -> Arc<Self> {
        Arc::new(Self {
            stream,
            state: Mutex::default(),
            news: Notify::new(),
            reading: Notify::new(),
            kept_events_max: limits.kept_events_max,
            kept_bytes_max: limits.kept_bytes_max,
            budget: budget.clone(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stream(&self) -> Option<u64> {
        self.stream
    }

    /// Adds an event. Where nobody can come back for it, this waits until there is room for it.
    pub(crate) async fn push(&self, message: Message) {
        if self.stream.is_none() {
            self.wait(&self.reading, |state| {
                let has_room = state.kept.len() < self.kept_events_max
                    && state.kept_bytes < self.kept_bytes_max
                    && !self.budget.is_exceeded();
                has_room || state.kept.is_empty() || state.client == Client::Gone
            })
            .await;
        }
        self.append(&message);
    }

    /// Adds an event at once.
    pub(super) fn append(&self, message: &Message) {
        let mut state = self.state();
        if state.client == Client::Gone && self.stream.is_none() {
            return;
        }
        state.last += 1;
        let id = self.stream.map(|stream| (stream, state.last));
        let mut event_bytes = Vec::new();
        event(&mut event_bytes, id, message);
        // Before anybody can give it back.
        self.budget.take(event_bytes.len());
        state.kept_bytes += event_bytes.len();
        state.kept.push_back(event_bytes.into());
        let mut given_up = 0;
        while self.stream.is_some()
            && state.kept.len() > 1
            && (state.kept.len() > self.kept_events_max || state.kept_bytes > self.kept_bytes_max)
        {
            given_up += state.pop().map_or(0, |event| event.len());
        }
        drop(state);
        self.budget.give_back(given_up);
        if self.budget.is_exceeded() {
            self.budget.relieve();
            self.shrink();
        }
        self.news.notify_waiters();
    }

    /// Keeps the last event only, where all streams together still hold too much.
    fn shrink(&self) {
        if self.stream.is_none() || !self.budget.is_exceeded() {
            return;
        }
        let mut given_up = 0;
        let mut state = self.state();
        while state.kept.len() > 1 {
            given_up += state.pop().map_or(0, |event| event.len());
        }
        drop(state);
        self.budget.give_back(given_up);
    }

    /// The answer, or none; nothing comes after it.
    pub(crate) fn finish(self: &Arc<Self>, answer: Option<Message>) {
        if let Some(answer) = answer {
            self.append(&answer);
        }
        self.state().is_finished = true;
        self.news.notify_waiters();
        if self.stream.is_some() {
            self.budget.may_give_up(self);
        }
    }

    /// Gives up what is kept of a finished stream.
    pub(crate) fn forget(&self) {
        let mut state = self.state();
        state.is_forgotten = true;
        let given_up = state.clear();
        drop(state);
        self.budget.give_back(given_up);
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

    pub(crate) fn is_forgotten(&self) -> bool {
        self.state().is_forgotten
    }

    /// Whether a client is connected to the stream now.
    pub(crate) fn is_read(&self) -> bool {
        self.state().client == Client::Reads
    }

    /// Waits until there is a reason to answer with a stream.
    pub(crate) async fn opened(&self) {
        self.wait(&self.news, |state| {
            state.last > 0 || state.departures > 0 || state.is_finished
        })
        .await;
    }

    /// Waits until the client has gone, for a time or for good.
    pub(crate) async fn left(&self) {
        self.wait(&self.reading, |state| state.client == Client::Gone)
            .await;
    }

    async fn wait(&self, woken_by: &Notify, is_so: impl Fn(&State) -> bool) {
        loop {
            let mut woken = pin!(woken_by.notified());
            // Before looking: what happens after the look then wakes this up.
            woken.as_mut().enable();
            if is_so(&self.state()) {
                return;
            }
            woken.await;
        }
    }

    /// A new reader, which ends the one before; gives its number.
    pub(super) fn begin_reading(&self) -> u64 {
        let mut state = self.state();
        state.reader += 1;
        state.client = Client::Reads;
        let number = state.reader;
        drop(state);
        self.news.notify_waiters();
        number
    }

    pub(super) fn end_reading(&self, reader: u64) {
        let mut state = self.state();
        if state.reader != reader {
            return;
        }
        state.client = Client::Gone;
        let given_up = if self.stream.is_none() {
            state.clear()
        } else {
            0
        };
        drop(state);
        self.budget.give_back(given_up);
        self.reading.notify_waiters();
    }

    pub(super) fn news(&self) -> Notified<'_> {
        self.news.notified()
    }

    pub(super) fn departures(&self) -> u32 {
        self.state().departures
    }

    /// The first event behind number `after` that is still there, and its number.
    pub(super) fn next_after(&self, reader: u64, after: u64) -> Option<(u64, Bytes)> {
        let mut state = self.state();
        if state.reader != reader {
            return None;
        }
        let first = state.last + 1 - state.kept.len() as u64;
        if self.stream.is_none() {
            // Nobody can come back for it.
            let event = state.pop()?;
            drop(state);
            self.budget.give_back(event.len());
            self.reading.notify_waiters();
            return Some((first, event));
        }
        let number = first.max(after.saturating_add(1));
        let at = usize::try_from(number - first).ok()?;
        Some((number, state.kept.get(at)?.clone()))
    }

    /// Whether this reader has nothing to wait for.
    pub(super) fn is_over_for(&self, reader: u64, departures: u32) -> bool {
        let state = self.state();
        state.is_finished || state.reader != reader || state.departures > departures
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let given_up = self.state().clear();
        self.budget.give_back(given_up);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn where_nobody_can_come_back_the_writer_waits() {
        let limits = Limits {
            kept_events_max: 2,
            ..Limits::default()
        };
        let message = |text: &str| Message::from(text.as_bytes().to_vec());
        let log = Log::new(None, &limits, &Budget::new(1_000));
        log.push(message("1")).await;
        log.push(message("2")).await;
        let mut third = Box::pin(log.push(message("3")));
        assert!((&mut third).now_or_never().is_none(), "there is no room");
        let (number, first) = log.next_after(0, 0).unwrap();
        assert_eq!(number, 1);
        assert_eq!(&first[..], b"event: message\ndata: 1\n\n");
        assert!((&mut third).now_or_never().is_some(), "there is room again");
        assert_eq!(log.next_after(0, 1).unwrap().0, 2);
        assert_eq!(log.next_after(0, 2).unwrap().0, 3);

        let reader = log.begin_reading();
        for _ in 0..2 {
            log.push(message("x")).await;
        }
        let mut late = Box::pin(log.push(message("y")));
        assert!((&mut late).now_or_never().is_none(), "there is no room");
        log.end_reading(reader);
        assert!(
            late.now_or_never().is_some(),
            "nobody waits for one who has gone"
        );
        assert!(
            log.next_after(reader, 0).is_none(),
            "and nothing is kept for them"
        );
    }

    #[test]
    fn readers_share_the_bytes() {
        let log = Log::new(Some(1), &Limits::default(), &Budget::new(1_000));
        log.append(&b"1".to_vec().into());
        let (_, one) = log.next_after(0, 0).unwrap();
        let (_, other) = log.next_after(0, 0).unwrap();
        assert_eq!(one.as_ptr(), other.as_ptr());
    }
}
