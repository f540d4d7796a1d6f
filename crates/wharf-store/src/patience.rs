//! How long a store elsewhere is waited for, and when it is left alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::StoreError;
use crate::error::Outage;

/// How long nobody asks after a failure.
const REST: Duration = Duration::from_millis(500);

/// Bounds each question to a store. After a failure the store rests for a moment, and then one question finds out whether
/// it is back: while it is down, callers are answered at once instead of each waiting for its own timeout.
pub(crate) struct Patience {
    /// Where the store is, for messages.
    at: String,
    timeout: Duration,
    born: Instant,
    /// Milliseconds since `born`; 0 for not resting.
    rests_until_ms: AtomicU64,
}

impl Patience {
    pub(crate) fn new(at: String, timeout: Duration) -> Self {
        Self {
            at,
            timeout,
            born: Instant::now(),
            rests_until_ms: AtomicU64::new(0),
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) async fn ask<T, E: Into<Outage>>(
        &self,
        question: impl Future<Output = Result<T, E>>,
    ) -> Result<T, StoreError> {
        let at = || self.at.clone();
        if !self.may_ask() {
            return Err(StoreError::Resting { at: at() });
        }
        let failure = match tokio::time::timeout(self.timeout, question).await {
            Ok(Ok(answer)) => {
                self.rests_until_ms.store(0, Ordering::Relaxed);
                return Ok(answer);
            }
            Ok(Err(error)) => StoreError::Down {
                at: at(),
                source: error.into(),
            },
            Err(_) => StoreError::Slow {
                at: at(),
                timeout_ms: millis(self.timeout),
            },
        };
        let until = millis(self.born.elapsed() + REST);
        self.rests_until_ms.store(until, Ordering::Relaxed);
        Err(failure)
    }

    /// Whether nothing failed of late, or this one is to find out whether that is over.
    fn may_ask(&self) -> bool {
        let until = self.rests_until_ms.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        let now = self.born.elapsed();
        // The others wait for what comes of it. Where nothing does, since nobody waits for it any more, the next one asks.
        let answered = millis(now + self.timeout);
        millis(now) >= until
            && self
                .rests_until_ms
                .compare_exchange(until, answered, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

/// At least one.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}
