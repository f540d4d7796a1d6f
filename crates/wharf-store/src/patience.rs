//! How long a store elsewhere is waited for, and when it is left alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::StoreError;
use crate::error::Outage;

/// How long nobody asks after a failure.
const REST: Duration = Duration::from_millis(500);

/// Bounds each question to a store. After a failure the store rests for a moment, so that while it is down callers are
/// answered at once instead of each waiting for its own timeout.
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
        if millis(self.born.elapsed()) < self.rests_until_ms.load(Ordering::Relaxed) {
            return Err(StoreError::Resting { at: at() });
        }
        let failure = match tokio::time::timeout(self.timeout, question).await {
            Ok(Ok(answer)) => return Ok(answer),
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
}

/// At least one.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}
