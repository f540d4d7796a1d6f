//! What all event streams of a server hold together, so that no number of clients adds up to all of its memory.
//!
//! The sum is one atomic number. Only when it is exceeded does anybody look for something to give up: first the streams
//! that have finished, the oldest first, because their clients have most likely read them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::log::Log;

/// The bytes of all streams, and which of them can be given up.
pub(crate) struct Budget {
    bytes_max: usize,
    bytes: AtomicUsize,
    /// In the order in which they finished.
    finished: Mutex<VecDeque<Weak<Log>>>,
}

impl Budget {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            bytes_max,
            bytes: AtomicUsize::new(0),
            finished: Mutex::default(),
        })
    }

    fn finished(&self) -> MutexGuard<'_, VecDeque<Weak<Log>>> {
        // Nothing under this lock panics half way.
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn is_exceeded(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.bytes_max
    }

    /// Gives up finished streams until the rest fits.
    pub(super) fn relieve(&self) {
        while self.is_exceeded() {
            let Some(oldest) = self.finished().pop_front() else {
                return;
            };
            if let Some(log) = oldest.upgrade() {
                tracing::debug!("event streams hold too much; the oldest finished one is given up");
                log.forget();
            }
        }
    }

    /// From now on the stream may be given up.
    pub(super) fn may_give_up(&self, log: &Arc<Log>) {
        let mut finished = self.finished();
        // Each is forgotten some time after its end, so what is gone gathers at the front.
        while finished
            .front()
            .is_some_and(|log| log.upgrade().is_none_or(|log| log.is_forgotten()))
        {
            finished.pop_front();
        }
        finished.push_back(Arc::downgrade(log));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Limits;

    fn log(stream: Option<u64>, budget: &Arc<Budget>) -> Arc<Log> {
        Log::new(stream, &Limits::default(), budget)
    }

    fn answer(bytes: usize) -> crate::message::Message {
        vec![b' '; bytes].into()
    }

    #[test]
    fn the_stream_that_finished_first_is_given_up_first() {
        let budget = Budget::new(1_000);
        let logs = [1, 2, 3].map(|stream| log(Some(stream), &budget));
        // Not in the order in which they began.
        for at in [1, 0, 2] {
            logs[at].finish(Some(answer(400)));
        }
        let forgotten = logs.each_ref().map(|log| log.is_forgotten());
        assert_eq!(forgotten, [false, true, false]);
        assert!(!budget.is_exceeded());
    }

    #[test]
    fn an_answer_larger_than_everything_is_kept_alone() {
        let budget = Budget::new(100);
        let small = log(Some(1), &budget);
        small.finish(Some(answer(10)));
        let large = log(Some(2), &budget);
        large.finish(Some(answer(1_000)));
        assert!(small.is_forgotten(), "gave way");
        assert!(!large.is_forgotten(), "its client still waits for it");
        let third = log(Some(3), &budget);
        third.finish(Some(answer(10)));
        assert!(large.is_forgotten(), "gives way in its turn");
    }

    #[test]
    fn a_stream_that_goes_on_keeps_its_last_event_only() {
        let budget = Budget::new(1_000);
        let log = log(Some(1), &budget);
        for _ in 0..10 {
            log.append(&answer(400));
        }
        assert!(!budget.is_exceeded());
        assert!(log.next_after(0, 9).is_some(), "the last event");
    }

    #[test]
    fn what_is_dropped_is_given_back() {
        let budget = Budget::new(1_000);
        for _ in 0..10 {
            let log = log(Some(1), &budget);
            log.append(&answer(300));
            log.finish(Some(answer(300)));
        }
        assert_eq!(budget.bytes.load(Ordering::Relaxed), 0);
        log(Some(2), &budget).finish(None);
        assert!(
            budget.finished().len() <= 1,
            "what is gone is not remembered"
        );
    }
}
