//! The store in the memory of this process: marks, and when each ends.
//!
//! Bounded: whoever makes up keys fills it, and is then refused until the first of them ends. Looking for what has ended
//! costs a walk over one shard, so it is done only when the shard is full and something in it must have ended.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::StoreError;
use crate::key::Key;

/// So that few callers wait for each other.
const SHARDS: usize = 16;
/// For all shards about 20 MB when full: a quarter of a million marks.
const MARKS_PER_SHARD_MAX: usize = 16 << 10;

pub(crate) struct Memory {
    shards: [Mutex<Shard>; SHARDS],
    marks_per_shard_max: usize,
}

#[derive(Default)]
struct Shard {
    /// The end of each.
    marks: HashMap<Key, Instant>,
    /// Nothing ends before; known after a walk.
    first_ends: Option<Instant>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::with_room(MARKS_PER_SHARD_MAX)
    }
}

impl Memory {
    fn with_room(marks_per_shard_max: usize) -> Self {
        Self {
            shards: Default::default(),
            marks_per_shard_max,
        }
    }

    /// How long the mark `key` still stands.
    pub(crate) fn ends_in(&self, key: Key, now: Instant) -> Option<Duration> {
        let ends = *self.shard(key).marks.get(&key)?;
        (ends > now).then(|| ends - now)
    }

    /// Sets a mark that ends after `life`; false when it is set already.
    pub(crate) fn put_new(
        &self,
        key: Key,
        life: Duration,
        now: Instant,
    ) -> Result<bool, StoreError> {
        let mut shard = self.shard(key);
        match shard.marks.get(&key).copied() {
            Some(ends) if ends > now => return Ok(false),
            Some(_) => {}
            None if shard.marks.len() < self.marks_per_shard_max || shard.make_room(now) => {}
            None => return Err(StoreError::Full),
        }
        let ends = now + life;
        shard.marks.insert(key, ends);
        if shard.first_ends.is_some_and(|first| first > ends) {
            shard.first_ends = Some(ends);
        }
        Ok(true)
    }

    fn shard(&self, key: Key) -> MutexGuard<'_, Shard> {
        self.shards[key.shard(SHARDS)]
            .lock()
            // Each change is one statement, so a panic elsewhere left nothing half done.
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    /// Whether something has ended and is gone.
    fn make_room(&mut self, now: Instant) -> bool {
        if self.first_ends.is_some_and(|first| first > now) {
            return false;
        }
        let before = self.marks.len();
        self.marks.retain(|_, ends| *ends > now);
        self.first_ends = self.marks.values().copied().min();
        self.marks.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(10);

    #[test]
    fn a_mark_can_be_set_again_when_it_has_ended() {
        let memory = Memory::default();
        let start = Instant::now();
        let key = Key::new("mark", "ann");
        for (second, is_new, ends_in) in
            [(0, true, 10), (9, false, 1), (10, true, 10), (11, false, 9)]
        {
            let now = start + Duration::from_secs(second);
            assert_eq!(memory.put_new(key, LIFE, now).unwrap(), is_new, "{second}");
            let left = memory.ends_in(key, now).unwrap();
            assert_eq!(left.as_secs(), ends_in, "second {second}");
        }
        assert_eq!(memory.ends_in(key, start + 2 * LIFE), None);
    }

    #[test]
    fn a_full_shard_refuses_until_something_ends() {
        let memory = Memory::with_room(1);
        let start = Instant::now();
        let keys: Vec<Key> = (0..2_000)
            .map(|number| Key::new("mark", &number.to_string()))
            .filter(|key| key.shard(SHARDS) == 3)
            .take(3)
            .collect();
        assert!(memory.put_new(keys[0], LIFE, start).unwrap());
        for later in [0, 5, 9] {
            let now = start + Duration::from_secs(later);
            let refused = memory.put_new(keys[1], LIFE, now);
            assert!(matches!(refused, Err(StoreError::Full)), "second {later}");
            assert!(
                !memory.put_new(keys[0], LIFE, now).unwrap(),
                "it still stands"
            );
        }
        let now = start + LIFE;
        assert!(memory.put_new(keys[2], LIFE, now).unwrap());
        assert!(memory.put_new(keys[1], LIFE, now).is_err());
    }
}
