//! A place that is taken in the store.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::runtime::Handle;
use tokio::time::Instant;
use wharf_model::{home, with_causes};

use crate::SharedStore;
use crate::key::Key;

/// Tells the places of all replicas apart.
const ID_BYTES: usize = 16;
/// Between attempts to leave a place in a store that is down; each time twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// One of a number of places that all replicas have together. It is left when this is dropped.
#[must_use = "a place is left at once where nobody holds it"]
#[derive(Debug)]
pub struct Place {
    store: SharedStore,
    key: Key,
    id: String,
    /// From then on there is nothing to leave.
    ends: Instant,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Taken,
    /// The store has not answered, and may do what it was asked some time later.
    Unknown,
    NotTaken,
}

impl Place {
    /// One that is about to be taken.
    pub(crate) fn new(store: &SharedStore, key: Key, life: Duration) -> Self {
        let mut bytes = [0; ID_BYTES];
        getrandom::fill(&mut bytes).expect("the system has random bytes");
        Self {
            store: store.clone(),
            key,
            id: URL_SAFE_NO_PAD.encode(bytes),
            ends: Instant::now() + life,
            state: State::Unknown,
        }
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn is_taken(&mut self, is_taken: bool) {
        self.state = if is_taken {
            State::Taken
        } else {
            State::NotTaken
        };
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Outside of a runtime nobody can leave it, and it ends by itself.
        if self.state == State::NotTaken || Handle::try_current().is_err() {
            return;
        }
        let (store, key, ends) = (self.store.clone(), self.key, self.ends);
        let id = std::mem::take(&mut self.id);
        // Not before the store has done, or thrown away, what it was asked.
        let at_first = match self.state {
            State::Unknown => store.patience().timeout(),
            _ => Duration::ZERO,
        };
        let leaving = store.leaving().clone();
        home::spawn(leaving.track_future(async move {
            tokio::time::sleep(at_first).await;
            let mut pause = PAUSE_MIN;
            while let Err(error) = store.leave(key, &id).await {
                if store.leaving().is_closed() || Instant::now() + pause >= ends {
                    tracing::warn!(
                        error = %with_causes(&error),
                        ends_in_s = ends.saturating_duration_since(Instant::now()).as_secs(),
                        "a place in the store could not be left; it ends by itself"
                    );
                    return;
                }
                tokio::time::sleep(pause).await;
                pause = PAUSE_MAX.min(pause * 2);
            }
        }));
    }
}
