//! How much at one time: a count for each key that has calls at work, and none for the others.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Parts with a lock of their own, so that calls hardly ever meet.
const SHARDS: usize = 16;

/// The calls at work, by key. As many keys as calls at most.
#[derive(Default)]
pub(super) struct Places {
    shards: [Mutex<HashMap<u64, u32>>; SHARDS],
}

/// One call at work; it is over when this is dropped.
pub(super) struct Place<'p> {
    places: &'p Places,
    key: u64,
}

impl Places {
    /// A place for one more call of this key, where fewer than `max` are at work.
    pub(super) fn take(&self, key: u64, max: u32) -> Option<Place<'_>> {
        let mut counts = self.shard(key);
        let count = counts.entry(key).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Place { places: self, key })
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        (0..SHARDS as u64).map(|key| self.shard(key).len()).sum()
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, HashMap<u64, u32>> {
        let at = usize::try_from(key % SHARDS as u64).unwrap_or_default();
        // A count is one number: a panic elsewhere has left none half written.
        self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut counts = self.places.shard(self.key);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}
