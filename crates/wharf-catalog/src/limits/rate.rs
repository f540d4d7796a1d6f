//! How often: the generic cell rate algorithm (GCRA), which keeps one moment for each key.
//!
//! The moment is when the next call would come if calls came evenly. A call may come earlier by what the burst permits,
//! and puts the moment off by one interval. A moment that has passed says nothing more, so it can be forgotten: memory is
//! bounded by forgetting, and where even that leaves no room, newcomers share a moment.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Parts with a lock of their own, so that calls hardly ever meet.
const SHARDS: usize = 16;
/// Keys in one part: 65,536 in all, about 3 MB.
const KEYS_MAX: usize = 4096;
/// The key of those for whom there is no room.
const CROWD: u64 = u64::MAX;

/// A rate, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    interval: u64,
    /// How much too early a call may be.
    tolerance: u64,
}

/// The moments of all keys, in nanoseconds since a beginning that the caller chooses.
pub(super) struct Moments {
    shards: [Mutex<HashMap<u64, u64>>; SHARDS],
    keys_max: usize,
}

impl Rate {
    /// `calls` in `window`, of which `burst` may come at once.
    pub(super) fn new(calls: u32, window: Duration, burst: u32) -> Self {
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        let interval = (window / u64::from(calls)).max(1);
        Self {
            interval,
            tolerance: interval.saturating_mul(u64::from(burst) - 1),
        }
    }

    /// How long until a call may come, where the next is due at `due`; none when it may come now.
    fn wait(self, due: u64, now: u64) -> Option<Duration> {
        let early = due.saturating_sub(now);
        (early > self.tolerance).then(|| Duration::from_nanos(early - self.tolerance))
    }
}

impl Moments {
    pub(super) fn new() -> Self {
        Self::with_room_for(KEYS_MAX)
    }

    pub(super) fn with_room_for(keys_max: usize) -> Self {
        Self {
            shards: Default::default(),
            keys_max,
        }
    }

    /// Whether a call of this key could come now; if not, how long to wait. Changes nothing.
    pub(super) fn look(&self, key: u64, rate: Rate, now: u64) -> Result<(), Duration> {
        let moments = self.shard(key);
        let due = moments.get(&key).or_else(|| {
            // A key without a moment may be one of the crowd.
            moments
                .get(&CROWD)
                .filter(|_| moments.len() >= self.keys_max)
        });
        match due.and_then(|due| rate.wait(*due, now)) {
            Some(wait) => Err(wait),
            None => Ok(()),
        }
    }

    /// Counts a call of this key, if it may come now.
    pub(super) fn take(&self, key: u64, rate: Rate, now: u64) -> Result<(), Duration> {
        let mut moments = self.shard(key);
        let key = if moments.contains_key(&key) || moments.len() < self.keys_max {
            key
        } else {
            moments.retain(|_, due| *due > now);
            if moments.len() < self.keys_max {
                key
            } else {
                CROWD
            }
        };
        let due = moments.entry(key).or_insert(now);
        if let Some(wait) = rate.wait(*due, now) {
            return Err(wait);
        }
        *due = (*due).max(now).saturating_add(rate.interval);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        (0..SHARDS as u64).map(|key| self.shard(key).len()).sum()
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, HashMap<u64, u64>> {
        let at = usize::try_from(key % SHARDS as u64).unwrap_or_default();
        // A moment is one number: a panic elsewhere has left none half written.
        self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
