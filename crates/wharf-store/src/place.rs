//! A place that is taken in the store.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::runtime::Handle;
use wharf_model::home;

use crate::SharedStore;
use crate::key::Key;

/// Tells the places of all replicas apart.
const ID_BYTES: usize = 16;

/// One of a number of places that all replicas have together. It is left when this is dropped.
#[must_use = "a place is left at once where nobody holds it"]
#[derive(Debug)]
pub struct Place {
    /// None when there is nothing to leave.
    store: Option<SharedStore>,
    pub(crate) key: Key,
    id: String,
}

impl Place {
    pub(crate) fn new(store: &SharedStore, key: Key) -> Self {
        let mut bytes = [0; ID_BYTES];
        getrandom::fill(&mut bytes).expect("the system has random bytes");
        Self {
            store: Some(store.clone()),
            key,
            id: URL_SAFE_NO_PAD.encode(bytes),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// It was never taken.
    pub(crate) fn forget(mut self) {
        self.store = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(store) = self.store.take() else {
            return;
        };
        // Outside of a runtime nobody can leave it. It ends by itself.
        if Handle::try_current().is_err() {
            return;
        }
        let (key, id) = (self.key, std::mem::take(&mut self.id));
        let leaving = store.leaving().clone();
        home::spawn(leaving.track_future(async move {
            if let Err(error) = store.leave(key, &id).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a place is left to end by itself"
                );
            }
        }));
    }
}
