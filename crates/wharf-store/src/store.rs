//! The two things a store can do.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::key::Key;
use crate::memory::Memory;
use crate::redis::Redis;
use crate::{Config, StoreError};

/// No mark and no window lives longer; a longer one is cut to this. A month, beyond every use.
const LIFE_MAX: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// A place for marks and counts, of this process or of all replicas. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Place>);

enum Place {
    Memory(Box<Memory>),
    Redis(Box<Redis>),
}

/// How often something happened in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How often, this time included.
    pub count: u64,
    /// When the window ends, and counting begins anew.
    pub ends_in: Duration,
}

impl Store {
    /// Checks the configuration. No connection is opened yet, and no runtime needed.
    pub fn new(config: &Config) -> Result<Self, StoreError> {
        let place = match config {
            Config::Memory {} => Place::Memory(Box::default()),
            Config::Redis {
                url,
                key_prefix,
                timeout_ms,
                ca_pem,
            } => {
                if !(1..=60_000).contains(timeout_ms) {
                    return Err(StoreError::Value {
                        key: "timeout_ms",
                        reason: "is not between 1 and 60000",
                    });
                }
                let timeout = Duration::from_millis(*timeout_ms);
                Place::Redis(Box::new(Redis::new(
                    url,
                    key_prefix,
                    timeout,
                    ca_pem.as_deref(),
                )?))
            }
        };
        Ok(Self(Arc::new(place)))
    }

    /// Whether all replicas see the same.
    pub fn is_shared(&self) -> bool {
        matches!(*self.0, Place::Redis(_))
    }

    /// Sets the mark `name`, which ends by itself after `life`. False when it is set already, by whomever: of several
    /// that try, one gets true.
    pub async fn put_new(&self, name: &str, life: Duration) -> Result<bool, StoreError> {
        let key = Key::new("mark", name);
        let life = life.min(LIFE_MAX);
        match &*self.0 {
            Place::Memory(memory) => Ok(memory.count(key, life, Instant::now())?.count == 1),
            Place::Redis(redis) => redis.put_new(key, life).await,
        }
    }

    /// Counts one more of `name`, in a window that begins with the first and ends after `window`.
    pub async fn count(&self, name: &str, window: Duration) -> Result<Count, StoreError> {
        let key = Key::new("count", name);
        let window = window.min(LIFE_MAX);
        match &*self.0 {
            Place::Memory(memory) => memory.count(key, window, Instant::now()),
            Place::Redis(redis) => redis.count(key, window).await,
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Place::Memory(_) => "Store(memory)",
            Place::Redis(_) => "Store(redis)",
        })
    }
}
