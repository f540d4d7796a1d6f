//! What replicas know together: the store, and limits that are counted there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wharf_catalog::{NoAnswer, SharedCount, SharedLimits, SharedPlace};
use wharf_config::Environment;
use wharf_model::{BoxFuture, with_causes};
use wharf_store::{Count, SharedStore, Store, StoreError};

use crate::failure::Failure;
use crate::secrets::Surroundings;

/// The stores that there have been, by what they were configured as. One that is wanted again is the same: a memory forgets
/// nothing by a reload, and one elsewhere keeps its connection.
static STORES: Mutex<Vec<(wharf_store::Config, Store)>> = Mutex::new(Vec::new());

/// Each new password makes another, and calls under the one before end soon.
const STORES_MAX: usize = 4;

/// What replicas know together.
pub(super) fn store(config: &wharf_store::Config) -> Result<Store, Failure> {
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, store)) = stores.iter().find(|(known, _)| known == config) {
        return Ok(store.clone());
    }
    let environment = Environment::of_process();
    let store = Store::new(config, &Surroundings(&environment))
        .map_err(|error| Failure::of(&error).hint(error.hint()))?;
    if stores.len() == STORES_MAX
        && let Some(oldest) = stores
            .iter()
            .position(|(_, store)| store.shared().is_some())
    {
        stores.remove(oldest);
    }
    stores.push((config.clone(), store.clone()));
    Ok(store)
}

/// Done when every call that has ended has left its place in what replicas share, or that takes too long. A process that
/// ends before would leave them to end by themselves.
pub(crate) async fn places_left() {
    let stores = STORES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    for store in stores.iter().filter_map(|(_, store)| store.shared()) {
        store.left().await;
    }
}

/// What counts calls under limits for all replicas, where there is a store that they share.
pub(super) fn limits_in(store: &Store) -> Option<Arc<dyn SharedLimits>> {
    let shared = store.shared()?.clone();
    Some(Arc::new(Together(shared)))
}

/// What counts calls together with the other replicas.
struct Together(SharedStore);

impl SharedLimits for Together {
    fn count(
        &self,
        name: String,
        window: Duration,
    ) -> BoxFuture<'_, Result<SharedCount, NoAnswer>> {
        Box::pin(async move {
            let counted = self.0.count(&name, window).await;
            let Count { count, ends_in } = counted.map_err(|error| no_answer(&error))?;
            Ok(SharedCount { count, ends_in })
        })
    }

    fn take_place(
        &self,
        name: String,
        max: u32,
        life: Duration,
    ) -> BoxFuture<'_, Result<SharedPlace, NoAnswer>> {
        Box::pin(async move {
            let taken = self.0.take_place(&name, max, life).await;
            Ok(match taken.map_err(|error| no_answer(&error))? {
                Some(place) => SharedPlace::Taken(Box::new(place)),
                None => SharedPlace::Full,
            })
        })
    }
}

fn no_answer(error: &StoreError) -> NoAnswer {
    NoAnswer {
        reason: with_causes(error),
        is_told: matches!(error, StoreError::Resting { .. }),
    }
}
