//! The limits of time around one call, with one timer.
//!
//! Registering a timer costs about as much as parsing the answer's head, so a call has one alarm in all. It is set to
//! the earliest time at which anything can be too late, and moved on when it rings early because something was heard
//! meanwhile. Answers that come at once never touch it again.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::TimeLimit;

/// When a call must end, and how long it may be silent until then.
pub(crate) struct Times {
    started: Instant,
    end: Instant,
    end_limit: TimeLimit,
    silence: Duration,
}

/// The running clock of one call.
pub(crate) struct Clock<'a> {
    times: Times,
    heard: Instant,
    alarm: Pin<&'a mut Sleep>,
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expired {
    pub(crate) limit: TimeLimit,
    pub(crate) after: Duration,
}

impl Times {
    /// Starts now and ends after `total` or at `deadline`, whichever is first.
    pub(crate) fn start(
        total: Duration,
        silence: Duration,
        deadline: Option<std::time::Instant>,
    ) -> Self {
        let started = Instant::now();
        let end = started + total;
        let (end, end_limit) = match deadline.map(Instant::from_std) {
            Some(deadline) if deadline < end => (deadline, TimeLimit::Deadline),
            _ => (end, TimeLimit::Total),
        };
        Self {
            started,
            end,
            end_limit,
            silence,
        }
    }

    /// The timer for [`Clock::new`], to pin on the caller's stack.
    pub(crate) fn alarm(&self) -> Sleep {
        tokio::time::sleep_until(self.end.min(self.started + self.silence))
    }
}

impl<'a> Clock<'a> {
    pub(crate) fn new(times: Times, alarm: Pin<&'a mut Sleep>) -> Self {
        Self {
            heard: times.started,
            times,
            alarm,
        }
    }

    /// Something came, or a new attempt begins: silence counts from now.
    pub(crate) fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// Whether there is time to wait for `wait` and do something after it.
    pub(crate) fn has(&self, wait: Duration) -> bool {
        // Not `now + wait`: a wait that an upstream asks for can be too long for the type.
        self.times
            .end
            .checked_duration_since(Instant::now())
            .is_some_and(|left| wait < left)
    }

    /// What is left of the call's time.
    pub(crate) fn left(&self) -> Duration {
        self.times.end.saturating_duration_since(Instant::now())
    }

    /// The end, when it has passed already.
    pub(crate) fn ended(&self) -> Option<Expired> {
        (Instant::now() >= self.times.end).then(|| self.end())
    }

    /// Does `work` until a limit is reached. The work stays where its owner pinned it: held here it would take its room
    /// twice.
    pub(crate) async fn bound<T>(
        &mut self,
        mut work: impl Future<Output = T> + Unpin,
    ) -> Result<T, Expired> {
        poll_fn(|context| {
            if let Poll::Ready(result) = Pin::new(&mut work).poll(context) {
                return Poll::Ready(Ok(result));
            }
            while self.alarm.as_mut().poll(context).is_ready() {
                let silent_until = self.heard + self.times.silence;
                let due = self.times.end.min(silent_until);
                if Instant::now() >= due {
                    return Poll::Ready(Err(if due == self.times.end {
                        self.end()
                    } else {
                        Expired {
                            limit: TimeLimit::Read,
                            after: self.times.silence,
                        }
                    }));
                }
                self.alarm.as_mut().reset(due);
            }
            Poll::Pending
        })
        .await
    }

    fn end(&self) -> Expired {
        Expired {
            limit: self.times.end_limit,
            after: self.times.end.duration_since(self.times.started),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn the_first_limit_counts() {
        let short = Duration::from_millis(20);
        for (total, silence, deadline, expected) in [
            (short, LONG, None, TimeLimit::Total),
            (LONG, short, None, TimeLimit::Read),
            (LONG, LONG, Some(short), TimeLimit::Deadline),
            (short, LONG, Some(LONG), TimeLimit::Total),
        ] {
            let deadline = deadline.map(|after| std::time::Instant::now() + after);
            let times = Times::start(total, silence, deadline);
            let alarm = pin!(times.alarm());
            let mut clock = Clock::new(times, alarm);
            let expired = clock
                .bound(pin!(std::future::pending::<()>()))
                .await
                .expect_err("nothing ends");
            assert_eq!(
                expired.limit, expected,
                "{total:?} {silence:?} {deadline:?}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_heard_defers_the_alarm() {
        let times = Times::start(LONG, Duration::from_secs(1), None);
        let started = times.started;
        let alarm = pin!(times.alarm());
        let mut clock = Clock::new(times, alarm);
        for _ in 0..4 {
            clock
                .bound(pin!(tokio::time::sleep(Duration::from_millis(300))))
                .await
                .expect("less than the limit passed since the last byte");
            clock.heard();
        }
        assert!(started.elapsed() > Duration::from_secs(1));
        assert!(clock.has(Duration::from_secs(1)) && !clock.has(LONG));
        assert!(!clock.has(Duration::MAX));
    }
}
