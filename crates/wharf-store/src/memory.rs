//! The store in the memory of this process.
//!
//! Bounded: whoever makes up keys fills it, and is then refused until the first of them ends. Looking for what has ended
//! costs a walk over one shard, so it is done only when the shard is full and something in it must have ended.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::key::Key;
use crate::{Count, StoreError};

/// So that few callers wait for each other.
const SHARDS: usize = 16;
/// For all shards about 25 MB when full: a quarter of a million keys within their windows.
const ENTRIES_PER_SHARD_MAX: usize = 16 << 10;

pub(crate) struct Memory {
    shards: [Mutex<Shard>; SHARDS],
    entries_per_shard_max: usize,
}

#[derive(Default)]
struct Shard {
    entries: HashMap<Key, Entry>,
    /// Nothing ends before; known after a walk.
    first_ends: Option<Instant>,
}

struct Entry {
    count: u64,
    ends: Instant,
}

impl Default for Memory {
    fn default() -> Self {
        Self::with_room(ENTRIES_PER_SHARD_MAX)
    }
}

impl Memory {
    fn with_room(entries_per_shard_max: usize) -> Self {
        Self {
            shards: Default::default(),
            entries_per_shard_max,
        }
    }

    /// How long what stands under `key` still does.
    pub(crate) fn ends_in(&self, key: Key, now: Instant) -> Option<Duration> {
        let ends = self.shard(key).entries.get(&key)?.ends;
        (ends > now).then(|| ends - now)
    }

    fn shard(&self, key: Key) -> MutexGuard<'_, Shard> {
        self.shards[key.shard(SHARDS)]
            .lock()
            // Each change is one statement, so a panic elsewhere left nothing half done.
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more under `key`, in a window that begins with the first.
    pub(crate) fn count(
        &self,
        key: Key,
        window: Duration,
        now: Instant,
    ) -> Result<Count, StoreError> {
        let mut shard = self.shard(key);
        if let Some(entry) = shard.entries.get_mut(&key)
            && entry.ends > now
        {
            entry.count = entry.count.saturating_add(1);
            return Ok(Count {
                count: entry.count,
                ends_in: entry.ends - now,
            });
        }
        if shard.entries.len() >= self.entries_per_shard_max
            && !shard.entries.contains_key(&key)
            && !shard.make_room(now)
        {
            return Err(StoreError::Full);
        }
        let ends = now + window;
        shard.entries.insert(key, Entry { count: 1, ends });
        if shard.first_ends.is_some_and(|first| first > ends) {
            shard.first_ends = Some(ends);
        }
        Ok(Count {
            count: 1,
            ends_in: window,
        })
    }
}

impl Shard {
    /// Whether something has ended and is gone.
    fn make_room(&mut self, now: Instant) -> bool {
        if self.first_ends.is_some_and(|first| first > now) {
            return false;
        }
        let before = self.entries.len();
        self.entries.retain(|_, entry| entry.ends > now);
        self.first_ends = self.entries.values().map(|entry| entry.ends).min();
        self.entries.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    #[test]
    fn counts_begin_anew_when_their_window_has_ended() {
        let memory = Memory::default();
        let start = Instant::now();
        for (second, count, ends_in) in [(0, 1, 10), (4, 2, 6), (9, 3, 1), (10, 1, 10), (11, 2, 9)]
        {
            let now = start + Duration::from_secs(second);
            let counted = memory.count(Key::new("count", "ann"), WINDOW, now).unwrap();
            assert_eq!(
                (counted.count, counted.ends_in.as_secs()),
                (count, ends_in),
                "second {second}"
            );
        }
    }

    #[test]
    fn a_full_shard_refuses_until_something_ends() {
        let memory = Memory::with_room(1);
        let start = Instant::now();
        let keys: Vec<Key> = (0..2_000)
            .map(|number| Key::new("count", &number.to_string()))
            .filter(|key| key.shard(SHARDS) == 3)
            .take(3)
            .collect();
        assert!(memory.count(keys[0], WINDOW, start).is_ok());
        for later in [0, 5, 9] {
            let now = start + Duration::from_secs(later);
            let refused = memory.count(keys[1], WINDOW, now);
            assert!(matches!(refused, Err(StoreError::Full)), "second {later}");
        }
        assert_eq!(
            memory
                .count(keys[0], WINDOW, start + Duration::from_secs(9))
                .unwrap()
                .count,
            2,
            "what is in it goes on"
        );
        let now = start + WINDOW;
        assert!(memory.count(keys[2], WINDOW, now).is_ok());
        assert!(memory.count(keys[1], WINDOW, now).is_err());
    }
}
