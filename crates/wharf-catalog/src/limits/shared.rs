//! Keeping to limits together with other replicas. What keeps counts and places is not known here: the owner of the store
//! hands over something that can.

use std::any::Any;
use std::time::{Duration, Instant};

use wharf_model::{BoxFuture, CallError, Context};

use super::admission::{Called, RETRY_AFTER};
use super::{LimitRule, LimitsConfig, WithoutStore};

/// How long after its deadline a call may still be at work.
const LATE_MAX: Duration = Duration::from_secs(1);
/// What is taken for the deadline of a call that has none.
const CALL_MAX: Duration = Duration::from_secs(3_600);

/// What counts for all replicas together. A name tells who calls, so whatever keeps it keeps its digest at most.
pub trait SharedLimits: Send + Sync {
    /// Counts one more of `name` in a window.
    fn count(&self, name: String, window: Duration)
    -> BoxFuture<'_, Result<SharedCount, NoAnswer>>;

    /// Takes one of `max` places of `name`, which ends by itself after `life`.
    fn take_place(
        &self,
        name: String,
        max: u32,
        life: Duration,
    ) -> BoxFuture<'_, Result<SharedPlace, NoAnswer>>;
}

/// Why there is no answer, for the log.
#[derive(Debug)]
pub struct NoAnswer {
    /// The reason.
    pub reason: String,
    /// Whether the log has just told of it for another call.
    pub is_told: bool,
}

/// How often something happened in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedCount {
    /// How often, this time included.
    pub count: u64,
    /// When the window ends, and counting begins anew.
    pub ends_in: Duration,
}

/// What comes of asking for a place.
pub enum SharedPlace {
    /// It is left when this is dropped.
    Taken(Box<dyn Any + Send + Sync>),
    /// All are taken.
    Full,
}

/// Asks what all replicas know together about a call under one rule.
pub(super) struct Question<'q> {
    pub(super) shared: &'q dyn SharedLimits,
    pub(super) config: &'q LimitsConfig,
    pub(super) number: usize,
    pub(super) context: &'q Context,
    pub(super) what: Called<'q>,
}

impl Question<'_> {
    /// A place for the call until it is over; none where the rule limits no calls at one time, or nobody knows.
    pub(super) async fn take_place(&self) -> Result<Option<Box<dyn Any + Send + Sync>>, CallError> {
        let Some(max) = self.rule().calls_in_flight_max else {
            return Ok(None);
        };
        let deadline = self.context.deadline;
        let until = deadline.map(|end| end.saturating_duration_since(Instant::now()));
        let life = until.unwrap_or(CALL_MAX).saturating_add(LATE_MAX);
        match self.shared.take_place(self.name(), max.get(), life).await {
            Ok(SharedPlace::Taken(place)) => Ok(Some(place)),
            Ok(SharedPlace::Full) => Err(CallError::TooManyCalls {
                retry_after: RETRY_AFTER,
            }),
            Err(reason) => self.without_store(&reason).map(|()| None),
        }
    }

    pub(super) async fn count(&self) -> Result<(), CallError> {
        let Some(calls_max) = self.rule().calls_max else {
            return Ok(());
        };
        let window = Duration::from_secs(self.rule().window_s.get().into());
        match self.shared.count(self.name(), window).await {
            Ok(SharedCount { count, ends_in }) if count > calls_max.get().into() => {
                Err(CallError::TooManyCalls {
                    retry_after: ends_in,
                })
            }
            Ok(_) => Ok(()),
            Err(reason) => self.without_store(&reason),
        }
    }

    fn rule(&self) -> &LimitRule {
        &self.config.rules[self.number]
    }

    fn without_store(&self, NoAnswer { reason, is_told }: &NoAnswer) -> Result<(), CallError> {
        let goes_on = self.config.without_store == WithoutStore::Allow;
        let request_id = self.context.request_id();
        if !is_told {
            tracing::warn!(
                request_id,
                error = reason,
                goes_on,
                "the store cannot tell what other replicas let through"
            );
        }
        if goes_on {
            return Ok(());
        }
        Err(CallError::Overloaded {
            retry_after: RETRY_AFTER,
        })
    }

    /// The same in every replica. Quoted parts cannot run into each other.
    fn name(&self) -> String {
        let owner = self.rule().per.owner(&self.context.caller, self.what);
        format!("limit {} {owner:?}", self.number)
    }
}
