//! The one door in front of all calls. A call that may come in gets a place and leaves it by dropping it.

use std::any::Any;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use wharf_model::{CallError, Caller, Context};

use super::places::{Place, Places};
use super::rate::{Moments, Rate};
use super::shared::{Question, SharedLimits};
use super::{LimitRule, LimitsConfig, Per};
use crate::pattern::{self, RuleMistake};
use crate::select::Candidate;

/// When another try makes sense where too much is at work: nobody knows when a call ends, and most take less.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Every limit, ready to be asked.
pub(crate) struct Admission {
    config: LimitsConfig,
    rules: Vec<Rule>,
    /// The rules of each tool, in the catalog's order.
    of_tools: Vec<Box<[usize]>>,
    /// The rules of what is no tool.
    of_others: Box<[usize]>,
    state: Arc<State>,
    /// Where replicas count together.
    shared: Option<Arc<dyn SharedLimits>>,
}

struct Rule {
    per: Per,
    rate: Option<Rate>,
    calls_in_flight_max: Option<u32>,
}

/// What is counted. It outlives a reload that changes no limit.
struct State {
    /// Seeded anew in each process, so that nobody can choose whose key theirs meets.
    hasher: RandomState,
    beginning: Instant,
    moments: Moments,
    places: Places,
    /// Where all calls together are limited.
    whole: Option<Semaphore>,
    waiting: AtomicU32,
}

/// A call that came in.
pub(crate) struct Admitted<'a> {
    _places: Vec<Place<'a>>,
    _shared_places: Vec<Box<dyn Any + Send + Sync>>,
    _whole: Option<SemaphorePermit<'a>>,
}

/// What is called, as limits see it.
#[derive(Clone, Copy)]
pub(crate) struct Called<'n> {
    /// The tool's place in the catalog; none for what is no tool.
    pub(crate) tool: Option<usize>,
    pub(crate) name: &'n str,
}

impl Admission {
    /// Reads the limits for `tools` and `sources`, or tells everything that is wrong.
    pub(crate) fn new(
        config: &LimitsConfig,
        shared: Option<Arc<dyn SharedLimits>>,
        tools: &[Candidate<'_>],
        sources: &[&str],
    ) -> Result<Self, Vec<RuleMistake>> {
        let mut mistakes = Vec::new();
        if config.shared && shared.is_none() {
            mistakes.push(RuleMistake::NoStore);
        }
        for (number, rule) in config.rules.iter().enumerate() {
            let key = format!("limits.rules[{number}]");
            mistakes.extend(pattern::check(&key, &rule.tools, tools, sources));
            if rule.calls_max.is_none() && rule.burst.is_some() {
                mistakes.push(RuleMistake::LonelyBurst { key });
            } else if rule.calls_max.is_none() && rule.calls_in_flight_max.is_none() {
                mistakes.push(RuleMistake::NoLimit { key });
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let rules_where = |fits: &dyn Fn(&LimitRule) -> bool| -> Box<[usize]> {
            let numbered = config.rules.iter().enumerate();
            numbered
                .filter(|(_, rule)| rule.tools.is_empty() || fits(rule))
                .map(|(number, _)| number)
                .collect()
        };
        let of_tool =
            |tool: &Candidate<'_>| rules_where(&|rule| pattern::any_matches(&rule.tools, *tool));
        let whole = config.calls_in_flight_max.map(|max| {
            let places = usize::try_from(max.get()).unwrap_or(usize::MAX);
            Semaphore::new(places.min(Semaphore::MAX_PERMITS))
        });
        Ok(Self {
            rules: config.rules.iter().map(Rule::new).collect(),
            of_tools: tools.iter().map(of_tool).collect(),
            of_others: rules_where(&|_| false),
            state: Arc::new(State {
                hasher: RandomState::new(),
                beginning: Instant::now(),
                moments: Moments::new(),
                places: Places::default(),
                whole,
                waiting: AtomicU32::new(0),
            }),
            shared: shared.filter(|_| config.shared),
            config: config.clone(),
        })
    }

    /// Counts for itself from now on.
    pub(crate) fn count_alone(&mut self) {
        self.shared = None;
    }

    /// Goes on counting where `earlier` is, so that a reload forgets nothing. Limits that changed begin anew.
    pub(crate) fn continue_from(&mut self, earlier: &Self) {
        if self.config == earlier.config {
            self.state = earlier.state.clone();
        }
    }

    /// Lets a call in, perhaps after a while, or says when another try makes sense.
    ///
    /// What refuses at once comes first; a call that waits for the whole server has been let in by everything else.
    pub(crate) async fn enter(
        &self,
        context: &Context,
        what: Called<'_>,
    ) -> Result<Admitted<'_>, CallError> {
        let rules = match what.tool {
            Some(tool) => &self.of_tools[tool],
            None => &self.of_others,
        };
        let places = self.take_places(rules, &context.caller, what)?;
        let shared_places = if let Some(shared) = &self.shared {
            // Apart, since every call would carry its room.
            Box::pin(self.enter_together(&**shared, rules, context, what)).await?
        } else {
            self.count(rules, &context.caller, what)?;
            Vec::new()
        };
        let whole = self.wait_for_the_whole().await?;
        Ok(Admitted {
            _places: places,
            _shared_places: shared_places,
            _whole: whole,
        })
    }

    /// What is counted here and by all replicas together. What refuses without a question to others comes first, and
    /// places before counts: they are left again where something else refuses.
    async fn enter_together(
        &self,
        shared: &dyn SharedLimits,
        rules: &[usize],
        context: &Context,
        what: Called<'_>,
    ) -> Result<Vec<Box<dyn Any + Send + Sync>>, CallError> {
        let questions = || {
            rules.iter().map(|&number| Question {
                shared,
                config: &self.config,
                number,
                context,
                what,
            })
        };
        self.look(rules, &context.caller, what)?;
        let mut places = Vec::new();
        for question in questions() {
            places.extend(question.take_place().await?);
        }
        self.count(rules, &context.caller, what)?;
        for question in questions() {
            question.count().await?;
        }
        Ok(places)
    }

    fn take_places(
        &self,
        rules: &[usize],
        caller: &Caller,
        what: Called<'_>,
    ) -> Result<Vec<Place<'_>>, CallError> {
        let mut places = Vec::new();
        for &number in rules {
            let Some(max) = self.rules[number].calls_in_flight_max else {
                continue;
            };
            let key = self.key(number, caller, what);
            let place = self.state.places.take(key, max);
            places.push(place.ok_or(CallError::TooManyCalls {
                retry_after: RETRY_AFTER,
            })?);
        }
        Ok(places)
    }

    /// Counts the call under every rule, or under none: looks first, so that what one rule refuses costs nothing of
    /// another's.
    fn count(&self, rules: &[usize], caller: &Caller, what: Called<'_>) -> Result<(), CallError> {
        self.look(rules, caller, what)?;
        self.ask_rates(Moments::take, rules, caller, what)
    }

    /// Whether [`Self::count`] would refuse.
    fn look(&self, rules: &[usize], caller: &Caller, what: Called<'_>) -> Result<(), CallError> {
        self.ask_rates(Moments::look, rules, caller, what)
    }

    fn ask_rates(
        &self,
        step: impl Fn(&Moments, u64, Rate, u64) -> Result<(), Duration>,
        rules: &[usize],
        caller: &Caller,
        what: Called<'_>,
    ) -> Result<(), CallError> {
        let now = u64::try_from(self.state.beginning.elapsed().as_nanos()).unwrap_or(u64::MAX);
        for &number in rules {
            if let Some(rate) = self.rules[number].rate {
                let key = self.key(number, caller, what);
                step(&self.state.moments, key, rate, now)
                    .map_err(|retry_after| CallError::TooManyCalls { retry_after })?;
            }
        }
        Ok(())
    }

    async fn wait_for_the_whole(&self) -> Result<Option<SemaphorePermit<'_>>, CallError> {
        const OVERLOADED: CallError = CallError::Overloaded {
            retry_after: RETRY_AFTER,
        };
        let Some(whole) = &self.state.whole else {
            return Ok(None);
        };
        if let Ok(permit) = whole.try_acquire() {
            return Ok(Some(permit));
        }
        let _waiting =
            Waiting::begin(&self.state.waiting, self.config.calls_waiting_max).ok_or(OVERLOADED)?;
        let patience = Duration::from_millis(self.config.waiting_ms_max.into());
        match tokio::time::timeout(patience, whole.acquire()).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            _ => Err(OVERLOADED),
        }
    }

    /// Whose call it is under a rule.
    fn key(&self, rule: usize, caller: &Caller, what: Called<'_>) -> u64 {
        let owner = self.rules[rule].per.owner(caller, what);
        let mut hasher = self.state.hasher.build_hasher();
        (rule, owner).hash(&mut hasher);
        std::hash::Hasher::finish(&hasher)
    }
}

impl Rule {
    fn new(rule: &LimitRule) -> Self {
        let window = Duration::from_secs(rule.window_s.get().into());
        Self {
            per: rule.per,
            rate: rule.calls_max.map(|calls| {
                let burst = rule.burst.unwrap_or(calls).min(calls);
                Rate::new(calls.get(), window, burst.get())
            }),
            calls_in_flight_max: rule.calls_in_flight_max.map(std::num::NonZeroU32::get),
        }
    }
}

/// One of those who wait, until it is dropped.
struct Waiting<'w>(&'w AtomicU32);

impl<'w> Waiting<'w> {
    fn begin(waiting: &'w AtomicU32, max: u32) -> Option<Self> {
        let one_more = |count: u32| (count < max).then_some(count + 1);
        waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()
            .map(|_| Self(waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
