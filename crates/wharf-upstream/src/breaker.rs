//! The circuit breaker: an upstream that is down is left alone for a while, and whoever calls hears so at once.
//!
//! Closed, it costs a call one load, and another when it ends. It opens when so many calls in a row found the upstream
//! gone; one that was answered in between begins the count anew, so an upstream that is merely bad at one thing stays
//! open to all others. After a time one call goes through to see; by its outcome the breaker closes or waits again.
//!
//! It guards the base address's origin. Other origins that a document names are neither counted nor held back.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use crate::address::Origin;
use crate::config::Breaker as Rules;
use crate::{Response, Stage, UpstreamError, retry};

/// What a caller is told to wait while another call finds out whether the upstream is back.
const PROBE_WAIT: Duration = Duration::from_secs(1);

/// What the breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// Nothing.
    Open,
    /// One call, to see whether the upstream is back.
    HalfOpen,
}

pub(crate) struct Breaker {
    rules: Rules,
    /// What times are counted from.
    epoch: Instant,
    /// Calls in a row that found the upstream gone.
    failures: AtomicU32,
    /// Milliseconds since the epoch until which nothing is let through; 0 while closed.
    open_until_ms: AtomicU64,
    probing: AtomicBool,
}

/// Leave to make a call. Dropped without a report it says nothing about the upstream: the caller went away.
pub(crate) struct Pass<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            epoch: Instant::now(),
            failures: AtomicU32::new(0),
            open_until_ms: AtomicU64::new(0),
            probing: AtomicBool::new(false),
        }
    }

    pub(crate) fn state(&self) -> BreakerState {
        match self.open_until_ms.load(Ordering::Acquire) {
            0 => BreakerState::Closed,
            until if self.now_ms() < until => BreakerState::Open,
            _ => BreakerState::HalfOpen,
        }
    }

    /// Leave to call, or how long to wait before asking again.
    pub(crate) fn admit(&self) -> Result<Pass<'_>, Duration> {
        let until = self.open_until_ms.load(Ordering::Acquire);
        let is_probe = until != 0;
        if is_probe {
            let now = self.now_ms();
            if now < until {
                return Err(Duration::from_millis(until - now));
            }
            if self.probing.swap(true, Ordering::AcqRel) {
                return Err(PROBE_WAIT);
            }
        }
        Ok(Pass {
            breaker: self,
            is_probe,
        })
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// When it lets a call through again: replicas that opened together do not come back together.
    fn until(&self) -> u64 {
        let time = retry::shortened(self.rules.open_s.duration());
        // Zero means closed.
        (self.now_ms() + u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 2)).max(1)
    }
}

impl Pass<'_> {
    pub(crate) fn is_probe(&self) -> bool {
        self.is_probe
    }

    /// Whether the breaker would still let the call through after it had to wait; otherwise how long it waits.
    pub(crate) fn is_still_good(&self) -> Result<(), Duration> {
        let until = self.breaker.open_until_ms.load(Ordering::Acquire);
        if self.is_probe || until == 0 {
            return Ok(());
        }
        let left = until.saturating_sub(self.breaker.now_ms());
        Err(Duration::from_millis(left).max(PROBE_WAIT))
    }

    /// Says how the call ended.
    pub(crate) fn report(self, origin: &Origin, outcome: &Result<Response, UpstreamError>) {
        let breaker = self.breaker;
        match tells(outcome) {
            Tale::Nothing => {}
            Tale::Alive if self.is_probe => {
                breaker.failures.store(0, Ordering::Relaxed);
                breaker.open_until_ms.store(0, Ordering::Release);
                tracing::info!(upstream = %origin, "the upstream is back: calls are made again");
            }
            Tale::Alive => {
                // Looked at first, since a write would take the cache line from all other calls.
                if breaker.failures.load(Ordering::Relaxed) != 0 {
                    breaker.failures.store(0, Ordering::Relaxed);
                }
            }
            Tale::Gone if self.is_probe => {
                breaker
                    .open_until_ms
                    .store(breaker.until(), Ordering::Release);
            }
            Tale::Gone => {
                let failures = breaker
                    .failures
                    .fetch_add(1, Ordering::Relaxed)
                    .saturating_add(1);
                let max = breaker.rules.failures;
                let opens = max != 0
                    && failures >= max
                    && breaker
                        .open_until_ms
                        .compare_exchange(0, breaker.until(), Ordering::AcqRel, Ordering::Acquire)
                        .is_ok();
                if opens {
                    tracing::warn!(
                        upstream = %origin,
                        failures,
                        "the upstream is gone: calls are refused until one finds it back"
                    );
                }
            }
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.probing.store(false, Ordering::Release);
        }
    }
}

/// What the end of a call tells of the upstream.
#[derive(Debug, PartialEq, Eq)]
enum Tale {
    /// It answers.
    Alive,
    /// It cannot be reached, falls silent, or says itself that it, or what is behind it, is down.
    Gone,
    /// The call did not get so far.
    Nothing,
}

fn tells(outcome: &Result<Response, UpstreamError>) -> Tale {
    match outcome {
        // A 500 as often as not tells of the arguments, a 429 of who asks.
        Ok(answer) => match answer.status {
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Tale::Gone,
            _ => Tale::Alive,
        },
        Err(error) => match error {
            UpstreamError::Resolve { .. }
            | UpstreamError::Connect { .. }
            | UpstreamError::Tls { .. }
            | UpstreamError::Disconnected { .. }
            | UpstreamError::Interrupted { .. }
            | UpstreamError::Timeout {
                stage: Stage::Connection | Stage::Answer | Stage::Body,
                ..
            } => Tale::Gone,
            UpstreamError::TooManyRedirects { .. }
            | UpstreamError::Protocol { .. }
            | UpstreamError::Encoding { .. } => Tale::Alive,
            _ => Tale::Nothing,
        },
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;
    use crate::Seconds;
    use crate::address::Base;

    fn breaker(failures: u32) -> Breaker {
        Breaker::new(Rules {
            failures,
            open_s: Seconds::of(Duration::from_secs(10)),
        })
    }

    fn answer(status: u16) -> Response {
        Response {
            status: status.try_into().expect("a status"),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            truncated: false,
        }
    }

    fn nobody() -> Origin {
        Base::parse("http://localhost").expect("an address").origin
    }

    fn end(breaker: &Breaker, status: u16) {
        let pass = breaker.admit().unwrap_or_else(|wait| panic!("{wait:?}"));
        pass.report(&nobody(), &Ok(answer(status)));
    }

    #[test]
    fn what_tells_of_the_upstream() {
        for (status, expected) in [
            (200, Tale::Alive),
            (404, Tale::Alive),
            (429, Tale::Alive),
            (500, Tale::Alive),
            (501, Tale::Alive),
            (502, Tale::Gone),
            (503, Tale::Gone),
            (504, Tale::Gone),
        ] {
            assert_eq!(tells(&Ok(answer(status))), expected, "{status}");
        }
        let refused = UpstreamError::Target {
            origin: String::new(),
            reason: "",
        };
        assert_eq!(tells(&Err(refused)), Tale::Nothing);
    }

    #[tokio::test(start_paused = true)]
    async fn only_failures_in_a_row_open_it() {
        let breaker = breaker(3);
        for status in [503, 503, 200, 503, 404, 503, 503] {
            end(&breaker, status);
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
        end(&breaker, 504);
        assert_eq!(breaker.state(), BreakerState::Open);
        let wait = breaker.admit().err().expect("it is open");
        assert!((5..=10).contains(&wait.as_secs()), "{wait:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_at_a_time_looks_whether_it_is_back() {
        let breaker = breaker(1);
        end(&breaker, 503);
        for (row, status, expected) in [
            ("still gone", 502, BreakerState::Open),
            ("gone again", 503, BreakerState::Open),
            ("back", 200, BreakerState::Closed),
        ] {
            tokio::time::advance(Duration::from_secs(11)).await;
            assert_eq!(breaker.state(), BreakerState::HalfOpen, "{row}");
            let probe = breaker.admit().unwrap_or_else(|wait| panic!("{wait:?}"));
            assert!(probe.is_probe(), "{row}");
            assert_eq!(breaker.admit().err(), Some(PROBE_WAIT), "{row}: a second");
            probe.report(&nobody(), &Ok(answer(status)));
            assert_eq!(breaker.state(), expected, "{row}");
        }
        assert!(!breaker.admit().is_ok_and(|pass| pass.is_probe()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_whose_caller_left_makes_room_for_the_next() {
        let breaker = breaker(1);
        end(&breaker, 503);
        tokio::time::advance(Duration::from_secs(11)).await;
        drop(breaker.admit());
        assert!(breaker.admit().is_ok_and(|pass| pass.is_probe()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_under_way_when_it_opened_does_not_hold_it_open() {
        let breaker = breaker(2);
        let passes: Vec<_> = (0..5).filter_map(|_| breaker.admit().ok()).collect();
        for pass in passes {
            pass.report(&nobody(), &Ok(answer(503)));
        }
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        end(&breaker, 200);
        assert_eq!(breaker.state(), BreakerState::Closed);
        end(&breaker, 503);
        assert_eq!(
            breaker.state(),
            BreakerState::Closed,
            "the count began anew"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn none_opens_where_none_is_wanted() {
        let breaker = breaker(0);
        for _ in 0..1_000 {
            end(&breaker, 503);
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
}
