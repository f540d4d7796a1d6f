//! How many calls there are. Two counters and no clock: whoever wants to know since when compares.

use std::sync::atomic::{AtomicU64, Ordering};

/// The calls of a server: of tools, prompts, resources and completions. Lists and handshakes are answered at once and
/// do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    /// All that were ever begun.
    pub begun: u64,
    /// Those that go on, be it without their client.
    pub in_flight: u64,
}

/// What [`Calls`] is read from.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Tally {
    pub(crate) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Calls {
        // In this order, so that a call which ends meanwhile still counts as one in flight, never as less than none.
        let ended = self.ended.load(Ordering::Acquire);
        let begun = self.begun.load(Ordering::Acquire);
        Calls {
            begun,
            in_flight: begun.saturating_sub(ended),
        }
    }
}
