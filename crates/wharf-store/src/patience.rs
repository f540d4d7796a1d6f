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

    /// Asks, unless the store rests.
    pub(crate) async fn ask<T, E: Into<Outage>>(
        &self,
        question: impl Future<Output = Result<T, E>>,
    ) -> Result<T, StoreError> {
        if !self.may_ask() {
            return Err(StoreError::Resting {
                at: self.at.clone(),
            });
        }
        let answer = self.insist(question).await;
        let rests_until = match &answer {
            Err(error) if error.is_silence() => millis(self.born.elapsed() + REST),
            _ => 0,
        };
        self.rests_until_ms.store(rests_until, Ordering::Relaxed);
        answer
    }

    /// Asks whether it rests or not, for what nobody waits for.
    pub(crate) async fn insist<T, E: Into<Outage>>(
        &self,
        question: impl Future<Output = Result<T, E>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.timeout, question).await {
            Ok(answer) => answer.map_err(|error| StoreError::Down {
                at: self.at.clone(),
                source: error.into(),
            }),
            Err(_) => Err(self.late()),
        }
    }

    /// Nobody will answer any more.
    pub(crate) fn late(&self) -> StoreError {
        StoreError::Slow {
            at: self.at.clone(),
            timeout_ms: millis(self.timeout),
        }
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

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    type Answer = Result<(), Outage>;

    #[tokio::test]
    async fn one_finds_out_whether_a_store_is_back() {
        let patience = Patience::new("here".to_owned(), Duration::from_millis(300));
        let silence = async || patience.ask(pending::<Answer>()).await.unwrap_err();
        let is_asked = |error: &StoreError| !matches!(error, StoreError::Resting { .. });
        assert!(is_asked(&silence().await));
        assert!(!is_asked(&silence().await), "it rests");
        for is_given_up in [false, true] {
            tokio::time::sleep(REST + Duration::from_millis(10)).await;
            if is_given_up {
                let asking = tokio::time::timeout(Duration::ZERO, silence()).await;
                assert!(asking.is_err(), "it was asked");
                // As long as an answer might have taken.
                tokio::time::sleep(Duration::from_millis(310)).await;
            }
            let (first, second, third) = tokio::join!(silence(), silence(), silence());
            let asked = [first, second, third]
                .iter()
                .filter(|error| is_asked(error))
                .count();
            assert_eq!(asked, 1, "the others are answered at once");
        }
        tokio::time::sleep(REST + Duration::from_millis(10)).await;
        for _ in 0..2 {
            patience.ask(ready(Answer::Ok(()))).await.unwrap();
        }
    }
}
