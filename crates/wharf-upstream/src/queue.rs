//! The calls that are under way at one upstream, and those that wait for their turn.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clock::Clock;
use crate::exchange::{self, Outgoing};
use crate::{Stage, UpstreamError};

/// What whoever finds the queue full is told to wait: about as long as it takes for some of it to move on.
const CROWDED_WAIT: Duration = Duration::from_secs(1);

/// Lets so many calls be under way, and so many wait.
pub(crate) struct Queue {
    turns: Semaphore,
    calls_max: usize,
    waiting: AtomicUsize,
    waiting_max: usize,
}

/// A place among the calls that are under way.
pub(crate) struct Turn<'a> {
    _permit: SemaphorePermit<'a>,
    /// It did not come at once.
    pub(crate) has_waited: bool,
}

/// A place among those that wait.
struct Waiting<'a>(&'a AtomicUsize);

impl Queue {
    pub(crate) fn new(calls_max: usize, waiting_max: usize) -> Self {
        let calls_max = calls_max.min(Semaphore::MAX_PERMITS);
        Self {
            turns: Semaphore::new(calls_max),
            calls_max,
            waiting: AtomicUsize::new(0),
            waiting_max,
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        let free = self.turns.available_permits();
        self.calls_max.saturating_sub(free)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits for a turn, unless too many wait already.
    pub(crate) async fn turn(
        &self,
        outgoing: &Outgoing,
        clock: &mut Clock<'_>,
    ) -> Result<Turn<'_>, UpstreamError> {
        if let Some(expired) = clock.ended() {
            return Err(exchange::timeout(outgoing, Stage::Turn, expired));
        }
        if let Ok(permit) = self.turns.try_acquire() {
            return Ok(Turn {
                _permit: permit,
                has_waited: false,
            });
        }
        let _waiting = Waiting::join(&self.waiting, self.waiting_max).ok_or_else(|| {
            UpstreamError::Crowded {
                origin: outgoing.origin(),
                waiting_max: self.waiting_max,
                retry_after: CROWDED_WAIT,
            }
        })?;
        let permit = clock
            .bound(pin!(self.turns.acquire()))
            .await
            .map_err(|expired| exchange::timeout(outgoing, Stage::Turn, expired))?
            .expect("the semaphore is never closed");
        clock.heard();
        Ok(Turn {
            _permit: permit,
            has_waited: true,
        })
    }
}

impl<'a> Waiting<'a> {
    /// None when the queue is full.
    fn join(waiting: &'a AtomicUsize, max: usize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < max).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
