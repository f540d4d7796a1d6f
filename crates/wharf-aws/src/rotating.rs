//! A secret that others change while this program uses it.
//!
//! After [`SOFT`] it is fetched again beside the calls that use it. While that fails, what there is goes on being used,
//! until [`HARD`] after it was fetched; from then on there is none. However many ask, one fetch is made. The secret
//! before the last change is kept for a while, for what was signed just before it.
//!
//! Nothing here knows where the secret is: whoever makes one says how to fetch it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wharf_model::{BoxFuture, Secret};
use wharf_upstream::{Held, Issue, Issued, Issuing, Lease};

/// A change is noticed after this. Five minutes cost a store of secrets next to nothing, and are what people wait who
/// have changed something.
const SOFT: Duration = Duration::from_secs(300);
/// A secret that could not be fetched for this long may have been withdrawn: an hour is longer than a store's usual
/// outage, and bounds how long one that was stolen is of use.
const HARD: Duration = Duration::from_secs(3600);

/// A secret that is fetched again while it is in use. Cheap to clone; clones share what is fetched.
#[derive(Clone)]
pub struct RotatingSecret(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Secret),
    Fetched(Arc<Lease<Store>>),
}

/// Why a secret could not be fetched. It is shared by all who waited.
pub type FetchError = Arc<dyn Error + Send + Sync>;

/// There is no secret, and none could be fetched.
#[derive(Debug, Clone)]
pub struct RotatingSecretError {
    name: String,
    source: Option<FetchError>,
}

type Fetch = Box<dyn Fn() -> BoxFuture<'static, Result<Secret, FetchError>> + Send + Sync>;

/// Where the secret is.
struct Store {
    name: String,
    fetch: Fetch,
}

/// What was fetched last, and what that replaced.
struct Fetched {
    current: Secret,
    previous: Option<Replaced>,
}

#[derive(Clone)]
struct Replaced {
    secret: Secret,
    at: Instant,
}

impl RotatingSecret {
    /// A secret that never changes.
    pub fn fixed(secret: Secret) -> Self {
        Self(Kind::Fixed(secret))
    }

    /// A secret that `fetch` gets. `initial` is one that was fetched just now; without it, the first who asks waits.
    /// `name` is for messages: where the secret is, such as `parameter /wharf/key`.
    pub fn new<E, F>(name: impl Into<String>, initial: Option<Secret>, fetch: F) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
        F: Fn() -> BoxFuture<'static, Result<Secret, E>> + Send + Sync + 'static,
    {
        let store = Store {
            name: name.into(),
            fetch: Box::new(move || {
                let fetching = fetch();
                Box::pin(async move {
                    fetching.await.map_err(|error| {
                        let error: Box<dyn Error + Send + Sync> = error.into();
                        FetchError::from(error)
                    })
                })
            }),
        };
        let lease = match initial {
            Some(current) => Lease::holding(
                store,
                issued(Fetched {
                    current,
                    previous: None,
                }),
            ),
            None => Lease::new(store),
        };
        Self(Kind::Fetched(Arc::new(lease)))
    }

    /// The secret; waits only where there is none that may still be used.
    pub async fn current(&self) -> Result<Secret, RotatingSecretError> {
        match &self.0 {
            Kind::Fixed(secret) => Ok(secret.clone()),
            Kind::Fetched(lease) => Ok(lease.get().await?.good.current.clone()),
        }
    }

    /// The secret that is just being fetched, for what does not fit the one that is held: nobody may have looked for long.
    /// None where nothing is fetched, or that fails.
    pub async fn renewed(&self) -> Option<Secret> {
        let Kind::Fetched(lease) = &self.0 else {
            return None;
        };
        Some(lease.renewed().await?.good.current.clone())
    }

    /// The secret before the last change, for an hour after the change was seen: what was signed by it is no older. To be
    /// tried once, after [`RotatingSecret::current`] did not fit.
    pub fn previous(&self) -> Option<Secret> {
        let Kind::Fetched(lease) = &self.0 else {
            return None;
        };
        let replaced = lease.ready()?.good.previous.clone()?;
        (replaced.at.elapsed() < HARD).then_some(replaced.secret)
    }
}

/// Equal are those that are fetched by one and the same, and fixed ones that are the same text.
impl PartialEq for RotatingSecret {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Fixed(one), Kind::Fixed(other)) => one == other,
            (Kind::Fetched(one), Kind::Fetched(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for RotatingSecret {}

impl fmt::Debug for RotatingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl fmt::Display for RotatingSecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the secret of {} cannot be had", self.name)
    }
}

impl Error for RotatingSecretError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl Issue for Store {
    type Good = Fetched;
    type Error = RotatingSecretError;

    fn issuer(&self) -> String {
        self.name.clone()
    }

    fn issue(
        self: Arc<Self>,
        earlier: Option<Arc<Held<Fetched>>>,
    ) -> Issuing<Fetched, RotatingSecretError> {
        Box::pin(async move {
            let current = (self.fetch)().await.map_err(|source| RotatingSecretError {
                name: self.name.clone(),
                source: Some(source),
            })?;
            let previous = earlier.and_then(|earlier| {
                let earlier = &earlier.good;
                if earlier.current == current {
                    earlier.previous.clone()
                } else {
                    Some(Replaced {
                        secret: earlier.current.clone(),
                        at: Instant::now(),
                    })
                }
            });
            Ok(issued(Fetched { current, previous }))
        })
    }

    fn given_up(&self) -> RotatingSecretError {
        RotatingSecretError {
            name: self.name.clone(),
            source: None,
        }
    }
}

fn issued(good: Fetched) -> Issued<Fetched> {
    Issued {
        good,
        lifetime: Some(HARD),
        renew_after: Some(SOFT),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A store that counts who asks; it takes a second to answer.
    #[derive(Clone, Default)]
    struct Shelf {
        holds: Arc<Mutex<Option<&'static str>>>,
        asked: Arc<AtomicUsize>,
    }

    impl Shelf {
        fn holding(text: &'static str) -> Self {
            let shelf = Self::default();
            shelf.put(Some(text));
            shelf
        }

        fn put(&self, text: Option<&'static str>) {
            *self.holds.lock().unwrap() = text;
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }

        fn secret(&self, initial: Option<&str>) -> RotatingSecret {
            let store = self.clone();
            RotatingSecret::new("shelf", initial.map(Secret::new), move || {
                let store = store.clone();
                Box::pin(async move {
                    store.asked.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    let text = *store.holds.lock().unwrap();
                    text.map(Secret::new).ok_or("the shelf is locked")
                })
            })
        }
    }

    async fn current(secret: &RotatingSecret) -> Result<String, String> {
        let current = secret.current().await;
        current
            .map(|secret| secret.expose().to_owned())
            .map_err(|error| format!("{error}: {}", error.source().unwrap()))
    }

    fn previous(secret: &RotatingSecret) -> Option<String> {
        secret.previous().map(|secret| secret.expose().to_owned())
    }

    async fn pass(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// What calls get that come every ten seconds, and how long the longest waited.
    async fn calls_for(
        secret: &RotatingSecret,
        seconds: u64,
    ) -> (Vec<Result<String, String>>, Duration) {
        let mut outcomes = Vec::new();
        let mut longest = Duration::ZERO;
        for _ in 0..seconds / 10 {
            let asked_at = Instant::now();
            outcomes.push(current(secret).await);
            longest = longest.max(asked_at.elapsed());
            tokio::time::sleep_until(asked_at + Duration::from_secs(10)).await;
        }
        outcomes.dedup();
        (outcomes, longest)
    }

    #[tokio::test(start_paused = true)]
    async fn one_fetch_serves_all_who_ask() {
        let shelf = Shelf::holding("one");
        let secret = shelf.secret(None);
        let asking = (0..100).map(|_| {
            let secret = secret.clone();
            tokio::spawn(async move { current(&secret).await })
        });
        for asked in asking.collect::<Vec<_>>() {
            assert_eq!(asked.await.unwrap(), Ok("one".to_owned()));
        }
        assert_eq!(shelf.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_seen_after_five_minutes_without_anybody_waiting() {
        let shelf = Shelf::holding("one");
        let secret = shelf.secret(Some("one"));
        assert_eq!(calls_for(&secret, 290).await.0, [Ok("one".to_owned())]);
        assert_eq!(shelf.asked(), 0, "it was fetched just before");
        shelf.put(Some("two"));
        let (outcomes, longest) = calls_for(&secret, 60).await;
        assert_eq!(outcomes, [Ok("one".to_owned()), Ok("two".to_owned())]);
        assert!(longest.is_zero(), "{longest:?}");
        assert_eq!(shelf.asked(), 1);
        assert_eq!(previous(&secret).as_deref(), Some("one"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_previous_one_is_kept_for_an_hour_and_no_longer() {
        let shelf = Shelf::holding("two");
        let secret = shelf.secret(Some("one"));
        assert_eq!(previous(&secret), None);
        pass(310).await;
        secret.current().await.unwrap();
        pass(2).await;
        for _ in 0..11 {
            calls_for(&secret, 320).await;
            assert_eq!(previous(&secret).as_deref(), Some("one"));
        }
        calls_for(&secret, 320).await;
        assert_eq!(previous(&secret), None);
        assert_eq!(current(&secret).await.as_deref(), Ok("two"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stale_one_serves_for_an_hour_while_the_store_fails() {
        let shelf = Shelf::default();
        let secret = shelf.secret(Some("one"));
        let (outcomes, longest) = calls_for(&secret, 3590).await;
        assert_eq!(outcomes, [Ok("one".to_owned())]);
        assert!(longest.is_zero(), "{longest:?}");
        // Not with each call.
        assert!((60..=180).contains(&shelf.asked()), "{}", shelf.asked());
        let (outcomes, _) = calls_for(&secret, 60).await;
        let refusal = "the secret of shelf cannot be had: the shelf is locked";
        assert_eq!(outcomes.last().unwrap(), &Err(refusal.to_owned()));
        // And it comes back.
        shelf.put(Some("two"));
        let (outcomes, _) = calls_for(&secret, 60).await;
        assert_eq!(outcomes.last().unwrap(), &Ok("two".to_owned()));
    }

    #[tokio::test]
    async fn what_never_changes_is_as_it_is() {
        let secret = RotatingSecret::fixed(Secret::new("one"));
        assert_eq!(current(&secret).await.as_deref(), Ok("one"));
        assert_eq!(previous(&secret), None);
        assert_eq!(format!("{secret:?}"), "****");
    }
}
