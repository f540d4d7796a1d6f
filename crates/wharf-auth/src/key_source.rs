//! Where an issuer's keys come from, and when they are fetched again.
//!
//! They are fetched when the first token needs them, so that a server starts without its issuer. Whoever needs a fetch
//! shares the one that is under way; it is a task of its own, which nobody cancels by leaving. An old set is renewed
//! beside the calls, and serves on while that fails. A token with an unknown key leads to a fetch, for issuers rotate
//! their keys, but no more often than the constants here say: anybody can write such tokens. Reading takes no lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::Shared;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use url::Url;
use wharf_model::with_causes;
use wharf_upstream::{FetchOptions, Network, Seconds, Trust, fetch_document};

use crate::discovery;
use crate::keys::{KeySet, KeysError};

/// When keys are fetched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// A set that is older is renewed beside the calls.
    renew_after: Duration,
    /// A set that is older is not believed, whatever fails.
    believed_for: Duration,
    /// Between two fetches for tokens with unknown keys, and between two renewals.
    apart: Duration,
    /// Between two fetches while there are no keys at all and each call fails.
    apart_without: Duration,
}

impl Pace {
    /// Issuers publish new keys for longer than a quarter of an hour before they sign with them, and rarely take one
    /// back. One that was stolen ends after a day even where its issuer cannot be reached. Twice a minute is no burden
    /// for anybody, however many tokens with made-up keys arrive.
    pub(crate) const USUAL: Self = Self {
        renew_after: Duration::from_secs(15 * 60),
        believed_for: Duration::from_secs(24 * 3_600),
        apart: Duration::from_secs(30),
        apart_without: Duration::from_secs(3),
    };
}

/// A document that is larger is no key set; large ones have 30 KB.
const DOCUMENT_BYTES_MAX: usize = 512 << 10;
/// The longest that calls wait for one document.
const FETCH_S: f64 = 5.0;

/// Where to fetch from.
#[derive(Debug)]
pub(crate) enum Place {
    /// The key set itself.
    Keys(Url),
    /// An issuer whose metadata name the key set.
    Issuer(Url),
}

/// The keys of one issuer, as they are needed.
pub(crate) struct KeySource(Arc<Inner>);

/// How an issuer's addresses are reached.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Certificates of authorities to trust besides the public ones, in PEM form.
    pub ca_pem: Option<String>,
    /// Proxies, and authorities that the environment names.
    pub network: Network,
}

struct Inner {
    place: Place,
    reach: Reach,
    timing: Pace,
    held: ArcSwapOption<Held>,
    fetching: Mutex<Fetching>,
}

struct Held {
    keys: Arc<KeySet>,
    fetched_at: Instant,
}

#[derive(Default)]
struct Fetching {
    running: Option<Running>,
    /// When the last one began, whatever it was for.
    began_at: Option<Instant>,
    /// When the last one for an unknown key began.
    sought_at: Option<Instant>,
}

/// What a fetch is for.
#[derive(Clone, Copy)]
enum Want {
    Any,
    Renewed,
    Unknown,
}

struct Running {
    task: AbortHandle,
    outcome: Outcome,
}

type Outcome = Shared<oneshot::Receiver<Result<Arc<KeySet>, KeysError>>>;

impl KeySource {
    pub(crate) fn new(place: Place, reach: Reach, timing: Pace) -> Self {
        Self(Arc::new(Inner {
            place,
            reach,
            timing,
            held: ArcSwapOption::empty(),
            fetching: Mutex::default(),
        }))
    }

    /// The keys that there are; fetches them where there are none.
    pub(crate) async fn keys(&self) -> Result<Arc<KeySet>, KeysError> {
        let now = Instant::now();
        if let Some(held) = self.0.believed(now) {
            if now.saturating_duration_since(held.fetched_at) > self.0.timing.renew_after {
                // Its outcome is for later calls.
                drop(self.0.fetch(now, Want::Renewed));
            }
            return Ok(held.keys.clone());
        }
        match self.0.fetch(now, Want::Any) {
            Some(outcome) => outcome.await.unwrap_or(Err(KeysError::Lately)),
            // Another call's fetch may just have ended well.
            None => self
                .0
                .believed(now)
                .map(|held| held.keys.clone())
                .ok_or(KeysError::Lately),
        }
    }

    /// Other keys than `known`, where it is time to look for some.
    pub(crate) async fn newer_than(&self, known: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        let now = Instant::now();
        let other = |keys: &Arc<KeySet>| !Arc::ptr_eq(keys, known);
        if let Some(held) = self.0.believed(now).filter(|held| other(&held.keys)) {
            return Some(held.keys.clone());
        }
        match self.0.fetch(now, Want::Unknown) {
            Some(outcome) => outcome.await.ok()?.ok().filter(other),
            // Another call's fetch may just have ended.
            None => self
                .0
                .believed(now)
                .map(|held| held.keys.clone())
                .filter(other),
        }
    }
}

impl Drop for KeySource {
    fn drop(&mut self) {
        if let Some(running) = self.0.fetching().running.take() {
            running.task.abort();
        }
    }
}

impl Inner {
    fn believed(&self, now: Instant) -> Option<Arc<Held>> {
        let held = self.held.load_full()?;
        (now.saturating_duration_since(held.fetched_at) < self.timing.believed_for).then_some(held)
    }

    /// The fetch that is under way, or a new one where the last one began long enough ago.
    fn fetch(self: &Arc<Self>, now: Instant, want: Want) -> Option<Outcome> {
        let mut fetching = self.fetching();
        if let Some(running) = &fetching.running
            && !running.task.is_finished()
        {
            return Some(running.outcome.clone());
        }
        let (last, apart) = match want {
            Want::Any => (fetching.began_at, self.timing.apart_without),
            Want::Renewed => (fetching.began_at, self.timing.apart),
            // The first keys may be old ones: the fetch that got them does not count.
            Want::Unknown => (fetching.sought_at, self.timing.apart),
        };
        if last.is_some_and(|at| now.saturating_duration_since(at) < apart) {
            return None;
        }
        let (tell, outcome) = oneshot::channel();
        let outcome = outcome.shared();
        fetching.began_at = Some(now);
        if let Want::Unknown = want {
            fetching.sought_at = Some(now);
        }
        let source = self.clone();
        let task = wharf_model::home::spawn(async move {
            let fetched = source.fetch_now().await.map(Arc::new);
            source.settle(&fetched);
            // Nobody may be waiting any more.
            let _ = tell.send(fetched);
        });
        fetching.running = Some(Running {
            task: task.abort_handle(),
            outcome: outcome.clone(),
        });
        Some(outcome)
    }

    fn settle(&self, fetched: &Result<Arc<KeySet>, KeysError>) {
        match fetched {
            Ok(keys) => {
                tracing::debug!(issuer = self.shown(), "the issuer's keys were fetched");
                self.held.store(Some(Arc::new(Held {
                    keys: keys.clone(),
                    fetched_at: Instant::now(),
                })));
            }
            Err(error) => tracing::warn!(
                issuer = self.shown(),
                error = %with_causes(error),
                "the issuer's keys cannot be fetched"
            ),
        }
    }

    fn fetching(&self) -> MutexGuard<'_, Fetching> {
        // Every change under the lock is complete in itself.
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self) -> String {
        let (Place::Keys(url) | Place::Issuer(url)) = &self.place;
        wharf_upstream::shown(url.as_str())
    }

    async fn fetch_now(&self) -> Result<KeySet, KeysError> {
        let (url, trust) = match &self.place {
            Place::Keys(url) => (url.clone(), Trust::Operator),
            Place::Issuer(issuer) => discovery::key_set_of(issuer, &self.reach).await?,
        };
        let body = fetch(&url, trust, &self.reach).await?;
        KeySet::parse(body).map_err(|reason| KeysError::Document {
            url: wharf_upstream::shown(url.as_str()),
            reason,
        })
    }
}

/// Fetches one document of an issuer; over TLS unless its address was permitted without.
pub(crate) async fn fetch(url: &Url, trust: Trust, reach: &Reach) -> Result<Bytes, KeysError> {
    let options = FetchOptions {
        trust,
        bytes_max: DOCUMENT_BYTES_MAX,
        timeout_s: Seconds::try_from(FETCH_S).expect("a time within a day"),
        ca_pem: reach.ca_pem.clone(),
        network: reach.network.clone(),
        ..FetchOptions::default()
    };
    let fetched = fetch_document(url.as_str(), &options).await;
    fetched
        .map(|fetched| fetched.body)
        .map_err(|source| KeysError::Fetch {
            url: wharf_upstream::shown(url.as_str()),
            source: Box::new(source),
        })
}

#[cfg(test)]
mod tests;
