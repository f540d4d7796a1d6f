//! Something issued for a time: kept, renewed before it ends, and renewed when it is refused.
//!
//! However many calls need a renewal, one request is made, and all share its outcome. While what there is still holds,
//! nobody waits: the renewal goes on beside. A failed renewal is not tried again for a moment, so that an issuer in
//! trouble is left alone. Reading what holds takes no lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::FutureExt;
use futures_util::future::Shared;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use wharf_model::{BoxFuture, with_causes};

/// How long before the end a renewal begins; short lives begin theirs after three quarters.
const MARGIN_MAX: Duration = Duration::from_secs(60);
/// How long before the end nothing is sent any more, for clocks that differ and requests that travel.
const TRAVEL_MAX: Duration = Duration::from_secs(5);
/// No longer life is believed; it also keeps the arithmetic within its types.
const LIFETIME_MAX: Duration = Duration::from_secs(365 * 86_400);
/// How long a failed renewal stands before the next try; it doubles with each failure.
const BACK_OFF: Duration = Duration::from_secs(1);
const BACK_OFF_MAX: Duration = Duration::from_secs(30);
/// Refusals by an API lead to a renewal no more often than this: some APIs refuse what no new token would mend.
const REFUSALS_APART: Duration = Duration::from_secs(10);

/// Who issues.
pub trait Issue: Send + Sync + 'static {
    /// What is issued.
    type Good: Send + Sync + 'static;
    /// Why nothing is issued.
    type Error: std::error::Error + Clone + Send + Sync + 'static;

    /// For the log: who it is.
    fn issuer(&self) -> String;

    /// Asks for a new one; `earlier` is what it replaces.
    fn issue(
        self: Arc<Self>,
        earlier: Option<Arc<Held<Self::Good>>>,
    ) -> Issuing<Self::Good, Self::Error>;

    /// The error for those whose wait ends with no answer, because the program does.
    fn given_up(&self) -> Self::Error;
}

/// What becomes of asking an issuer.
pub type Issuing<T, E> = BoxFuture<'static, Result<Issued<T>, E>>;

/// What an issuer gives.
pub struct Issued<T> {
    /// What it gives.
    pub good: T,
    /// From the moment it was asked for; none when it holds until it is refused.
    pub lifetime: Option<Duration>,
    /// When a renewal begins; none for shortly before the end.
    pub renew_after: Option<Duration>,
}

/// What is held.
pub struct Held<T> {
    /// What was issued.
    pub good: T,
    renew_at: Option<Instant>,
    ends_at: Option<Instant>,
    refused: AtomicBool,
}

/// What is held, and the way to renew it.
pub struct Lease<I: Issue>(Arc<Inner<I>>);

struct Inner<I: Issue> {
    issuer: Arc<I>,
    held: ArcSwapOption<Held<I::Good>>,
    renewals: Mutex<Renewals<I::Good, I::Error>>,
}

struct Renewals<T, E> {
    running: Option<Running<T, E>>,
    failure: Option<(E, Instant)>,
    failures: u32,
    refused_at: Option<Instant>,
}

struct Running<T, E> {
    task: AbortHandle,
    outcome: Outcome<T, E>,
}

type Outcome<T, E> = Shared<oneshot::Receiver<Result<Arc<Held<T>>, E>>>;

impl<T> Held<T> {
    fn new(issued: Issued<T>, asked_at: Instant) -> Self {
        let lifetime = issued.lifetime.map(|lifetime| lifetime.min(LIFETIME_MAX));
        let before_end = |margin: fn(Duration) -> Duration| {
            lifetime.map(|lifetime| asked_at + lifetime.saturating_sub(margin(lifetime)))
        };
        Self {
            good: issued.good,
            renew_at: match issued.renew_after {
                Some(after) => Some(asked_at + after.min(LIFETIME_MAX)),
                None => before_end(|lifetime| MARGIN_MAX.min(lifetime / 4)),
            },
            ends_at: before_end(|lifetime| TRAVEL_MAX.min(lifetime / 20)),
            refused: AtomicBool::new(false),
        }
    }

    fn holds(&self, now: Instant) -> bool {
        !self.refused.load(Ordering::Acquire) && self.ends_at.is_none_or(|end| now < end)
    }

    fn is_due(&self, now: Instant) -> bool {
        self.renew_at.is_some_and(|due| now >= due)
    }
}

impl<I: Issue> Lease<I> {
    /// Asks for nothing yet.
    pub fn new(issuer: I) -> Self {
        Self::starting(issuer, None)
    }

    /// Asks for nothing before `first`, which was got just now, has to be renewed.
    pub fn holding(issuer: I, first: Issued<I::Good>) -> Self {
        Self::starting(issuer, Some(Held::new(first, Instant::now())))
    }

    fn starting(issuer: I, held: Option<Held<I::Good>>) -> Self {
        Self(Arc::new(Inner {
            issuer: Arc::new(issuer),
            held: ArcSwapOption::new(held.map(Arc::new)),
            renewals: Mutex::new(Renewals {
                running: None,
                failure: None,
                failures: 0,
                refused_at: None,
            }),
        }))
    }

    /// What holds now, without waiting. When it soon ends, a renewal begins beside.
    pub fn ready(&self) -> Option<Arc<Held<I::Good>>> {
        let now = Instant::now();
        let held = self.0.held.load_full().filter(|held| held.holds(now))?;
        if held.is_due(now) {
            // Its outcome is for later calls.
            drop(self.renewal(&mut self.0.renewals()));
        }
        Some(held)
    }

    /// What holds; waits for a renewal where nothing does.
    pub async fn get(&self) -> Result<Arc<Held<I::Good>>, I::Error> {
        if let Some(held) = self.ready() {
            return Ok(held);
        }
        let outcome = {
            let mut renewals = self.0.renewals();
            let now = Instant::now();
            // It may have been renewed just before the lock.
            if let Some(held) = self.0.held.load_full().filter(|held| held.holds(now)) {
                return Ok(held);
            }
            self.renewal(&mut renewals)?
        };
        outcome
            .await
            .unwrap_or_else(|_| Err(self.0.issuer.given_up()))
    }

    /// What comes of the renewal that is under way; none where none is, or it fails.
    pub async fn renewed(&self) -> Option<Arc<Held<I::Good>>> {
        let outcome = self.0.renewals().running.as_ref()?.outcome.clone();
        outcome.await.ok()?.ok()
    }

    /// The API refused `refused`. Whether something else may be had for a second try.
    pub fn refuse(&self, refused: &Arc<Held<I::Good>>) -> bool {
        let mut renewals = self.0.renewals();
        let held = self.0.held.load();
        let is_current = held.as_ref().is_some_and(|held| Arc::ptr_eq(held, refused));
        if !is_current || refused.refused.load(Ordering::Acquire) {
            // Another call was refused first.
            return true;
        }
        let now = Instant::now();
        if renewals
            .refused_at
            .is_some_and(|at| now.duration_since(at) < REFUSALS_APART)
        {
            return false;
        }
        renewals.refused_at = Some(now);
        refused.refused.store(true, Ordering::Release);
        true
    }

    /// The renewal that is under way, or a new one; the last failure where that is recent.
    fn renewal(
        &self,
        renewals: &mut Renewals<I::Good, I::Error>,
    ) -> Result<Outcome<I::Good, I::Error>, I::Error> {
        if let Some(running) = &renewals.running
            && !running.task.is_finished()
        {
            return Ok(running.outcome.clone());
        }
        if let Some((error, until)) = &renewals.failure
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        let (tell, outcome) = oneshot::channel();
        let outcome = outcome.shared();
        let inner = self.0.clone();
        let task = wharf_model::home::spawn(async move {
            let earlier = inner.held.load_full();
            let asked_at = Instant::now();
            let issued = inner.issuer.clone().issue(earlier).await;
            // Nobody may be waiting any more.
            let _ = tell.send(inner.settle(issued, asked_at));
        });
        renewals.running = Some(Running {
            task: task.abort_handle(),
            outcome: outcome.clone(),
        });
        Ok(outcome)
    }
}

impl<I: Issue> Drop for Lease<I> {
    fn drop(&mut self) {
        if let Some(running) = self.0.renewals().running.take() {
            running.task.abort();
        }
    }
}

impl<I: Issue> Inner<I> {
    fn renewals(&self) -> MutexGuard<'_, Renewals<I::Good, I::Error>> {
        // Every change under the lock is complete in itself.
        self.renewals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what came of a renewal.
    fn settle(
        &self,
        issued: Result<Issued<I::Good>, I::Error>,
        asked_at: Instant,
    ) -> Result<Arc<Held<I::Good>>, I::Error> {
        let mut renewals = self.renewals();
        renewals.running = None;
        match issued {
            Ok(issued) => {
                let held = Arc::new(Held::new(issued, asked_at));
                self.held.store(Some(held.clone()));
                renewals.failure = None;
                renewals.failures = 0;
                tracing::debug!(issuer = self.issuer.issuer(), "credentials were issued");
                Ok(held)
            }
            Err(error) => {
                let doubled = 2_u32.saturating_pow(renewals.failures);
                let wait = BACK_OFF.saturating_mul(doubled).min(BACK_OFF_MAX);
                renewals.failures = renewals.failures.saturating_add(1);
                renewals.failure = Some((error.clone(), Instant::now() + wait));
                tracing::warn!(
                    issuer = self.issuer.issuer(),
                    error = %with_causes(&error),
                    wait_s = wait.as_secs(),
                    "no credentials were issued"
                );
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::UpstreamError;

    /// Issues numbers, from 1; each takes a second.
    struct Numbers {
        lifetime_s: Option<u64>,
        asked: AtomicUsize,
        /// From this number on, it fails.
        fails_from: AtomicUsize,
    }

    impl Issue for Numbers {
        type Good = usize;
        type Error = UpstreamError;

        fn issuer(&self) -> String {
            "numbers".to_owned()
        }

        fn issue(
            self: Arc<Self>,
            earlier: Option<Arc<Held<usize>>>,
        ) -> Issuing<usize, UpstreamError> {
            Box::pin(async move {
                let good = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
                assert!(earlier.is_none_or(|earlier| earlier.good < good));
                if good >= self.fails_from.load(Ordering::SeqCst) {
                    return Err(UpstreamError::Token {
                        issuer: self.issuer(),
                        reason: format!("failure {good}"),
                    });
                }
                Ok(Issued {
                    good,
                    lifetime: self.lifetime_s.map(Duration::from_secs),
                    renew_after: None,
                })
            })
        }

        fn given_up(&self) -> UpstreamError {
            UpstreamError::given_up(self.issuer())
        }
    }

    fn lease(lifetime_s: Option<u64>) -> Arc<Lease<Numbers>> {
        Arc::new(Lease::new(Numbers {
            lifetime_s,
            asked: AtomicUsize::new(0),
            fails_from: AtomicUsize::new(usize::MAX),
        }))
    }

    fn asked(lease: &Lease<Numbers>) -> usize {
        lease.0.issuer.asked.load(Ordering::SeqCst)
    }

    fn fail_from(lease: &Lease<Numbers>, number: usize) {
        lease.0.issuer.fails_from.store(number, Ordering::SeqCst);
    }

    /// A hundred at once; each gives its number or its error.
    async fn crowd(lease: &Arc<Lease<Numbers>>) -> Vec<Result<usize, String>> {
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let lease = lease.clone();
                tokio::spawn(async move {
                    let held = lease.get().await;
                    held.map(|held| held.good)
                        .map_err(|error| error.to_string())
                })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap());
        }
        outcomes
    }

    async fn pass(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_request_serves_all_who_wait() {
        let lease = lease(Some(3600));
        assert!(crowd(&lease).await.iter().all(|outcome| *outcome == Ok(1)));
        assert!(crowd(&lease).await.iter().all(|outcome| *outcome == Ok(1)));
        assert_eq!(asked(&lease), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_renewed_beside_before_it_ends_and_awaited_after() {
        for (lifetime_s, passes, at_once, later) in [
            // Far from its end.
            (Some(3600), 3000, Some(1), 1),
            // Within the margin: the old one serves at once, the new one soon.
            (Some(3600), 3545, Some(1), 2),
            // Behind the end, and too near to it.
            (Some(3600), 3600, None, 2),
            (Some(3600), 3595, None, 2),
            // A short life has short margins.
            (Some(100), 70, Some(1), 1),
            (Some(100), 80, Some(1), 2),
            (Some(100), 96, None, 2),
            // No end that anybody knows.
            (None, 1_000_000, Some(1), 1),
            // Longer than a clock can say.
            (Some(u64::MAX), 1_000_000, Some(1), 1),
        ] {
            let row = format!("{lifetime_s:?} after {passes}");
            let lease = lease(lifetime_s);
            lease.get().await.unwrap();
            // The life began when it was asked for, a second ago.
            pass(passes - 1).await;
            let ready = lease.ready().map(|held| held.good);
            assert_eq!(ready, at_once, "{row}");
            let started = Instant::now();
            lease.get().await.unwrap();
            assert_eq!(started.elapsed().is_zero(), at_once.is_some(), "{row}");
            pass(2).await;
            assert_eq!(lease.get().await.unwrap().good, later, "{row}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_shared_and_left_alone_for_a_moment() {
        let lease = lease(Some(3600));
        fail_from(&lease, 1);
        let outcomes = crowd(&lease).await;
        let failed = |number| Err(format!("`numbers` issued no credentials: failure {number}"));
        assert!(
            outcomes.iter().all(|outcome| *outcome == failed(1)),
            "{outcomes:?}"
        );
        // Still the first failure, without asking.
        assert_eq!(crowd(&lease).await[0], failed(1));
        assert_eq!(asked(&lease), 1);
        pass(1).await;
        assert_eq!(crowd(&lease).await[0], failed(2));
        // Now it waits twice as long.
        pass(1).await;
        assert_eq!(crowd(&lease).await[0], failed(2));
        pass(1).await;
        fail_from(&lease, usize::MAX);
        assert_eq!(crowd(&lease).await[0], Ok(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_renewal_does_not_stop_what_still_holds() {
        let lease = lease(Some(3600));
        lease.get().await.unwrap();
        fail_from(&lease, 2);
        pass(3550).await;
        for _ in 0..4 {
            assert!(crowd(&lease).await.iter().all(|outcome| *outcome == Ok(1)));
            pass(3).await;
        }
        assert!((2..=4).contains(&asked(&lease)), "{}", asked(&lease));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_leads_to_one_renewal_and_not_to_one_after_the_other() {
        let lease = lease(Some(3600));
        let first = lease.get().await.unwrap();
        let also_first = lease.get().await.unwrap();
        assert!(lease.refuse(&first));
        assert!(lease.refuse(&also_first));
        assert!(lease.ready().is_none());
        assert!(crowd(&lease).await.iter().all(|outcome| *outcome == Ok(2)));
        // Late news of the first one.
        assert!(lease.refuse(&first));
        let second = lease.get().await.unwrap();
        assert_eq!(second.good, 2);
        assert!(!lease.refuse(&second), "so soon, a new one will not help");
        assert_eq!(lease.get().await.unwrap().good, 2);
        pass(10).await;
        assert!(lease.refuse(&second));
        assert_eq!(lease.get().await.unwrap().good, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn callers_who_leave_do_not_stop_the_others() {
        let lease = lease(Some(3600));
        let gone = {
            let lease = lease.clone();
            tokio::spawn(async move { lease.get().await.map(|held| held.good) })
        };
        tokio::task::yield_now().await;
        gone.abort();
        assert!(gone.await.is_err());
        assert_eq!(lease.get().await.unwrap().good, 1);
        assert_eq!(asked(&lease), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_ends_with_its_lease() {
        let lease = lease(Some(3600));
        assert!(lease.get().now_or_never().is_none());
        let inner = Arc::downgrade(&lease.0);
        drop(lease);
        tokio::task::yield_now().await;
        assert!(inner.upgrade().is_none());
    }
}
