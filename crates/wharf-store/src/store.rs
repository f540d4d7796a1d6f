//! What a store can do.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wharf_aws::Environment;

use crate::dynamodb::DynamoDb;
use crate::key::Key;
use crate::memory::Memory;
use crate::redis::Redis;
use crate::{Config, StoreError};

/// No mark and no window lives longer; a longer one is cut to this. Beyond every use: the longest, of refresh tokens, is a
/// year and a second.
const LIFE_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A place for marks and counts, of this process or of all replicas. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Place>);

enum Place {
    Memory(Box<Memory>),
    Redis(Box<Redis>),
    DynamoDb(Box<DynamoDb>),
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
    /// Checks the configuration; AWS's region and keys are told from the environment. No connection is opened yet, and no
    /// runtime needed.
    pub fn new(config: &Config, environment: &dyn Environment) -> Result<Self, StoreError> {
        let place = match config {
            Config::Memory {} => Place::Memory(Box::default()),
            Config::Redis {
                url,
                key_prefix,
                timeout_ms,
                ca_pem,
            } => {
                let timeout = timeout(*timeout_ms)?;
                let redis = Redis::new(url, key_prefix, timeout, ca_pem.as_deref())?;
                Place::Redis(Box::new(redis))
            }
            Config::DynamoDb {
                table,
                region,
                key_prefix,
                timeout_ms,
            } => {
                let timeout = timeout(*timeout_ms)?;
                let region = region.as_deref();
                let table = DynamoDb::new(table, region, environment, key_prefix, timeout)?;
                Place::DynamoDb(Box::new(table))
            }
        };
        Ok(Self(Arc::new(place)))
    }

    /// Whether all replicas see the same.
    pub fn is_shared(&self) -> bool {
        !matches!(*self.0, Place::Memory(_))
    }

    /// Sets the mark `name`, which ends by itself after `life`. False when it is set already, by whomever: of several
    /// that try, one gets true.
    pub async fn put_new(&self, name: &str, life: Duration) -> Result<bool, StoreError> {
        let key = Key::new("mark", name);
        let life = life.min(LIFE_MAX);
        match &*self.0 {
            Place::Memory(memory) => Ok(memory.count(key, life, Instant::now())?.count == 1),
            Place::Redis(redis) => redis.put_new(key, life).await,
            Place::DynamoDb(table) => table.put_new(key, life).await,
        }
    }

    /// How long ago the mark `name`, which was set for `life`, was set. None where it is not, or has ended.
    pub async fn mark_age(
        &self,
        name: &str,
        life: Duration,
    ) -> Result<Option<Duration>, StoreError> {
        let key = Key::new("mark", name);
        let life = life.min(LIFE_MAX);
        let ends_in = match &*self.0 {
            Place::Memory(memory) => memory.ends_in(key, Instant::now()),
            Place::Redis(redis) => redis.ends_in(key).await?,
            Place::DynamoDb(table) => table.ends_in(key).await?,
        };
        Ok(ends_in.map(|left| life.saturating_sub(left)))
    }

    /// Counts one more of `name`, in a window that begins with the first and ends after `window`.
    pub async fn count(&self, name: &str, window: Duration) -> Result<Count, StoreError> {
        let key = Key::new("count", name);
        let window = window.min(LIFE_MAX);
        match &*self.0 {
            Place::Memory(memory) => memory.count(key, window, Instant::now()),
            Place::Redis(redis) => redis.count(key, window).await,
            Place::DynamoDb(table) => table.count(key, window).await,
        }
    }
}

fn timeout(timeout_ms: u64) -> Result<Duration, StoreError> {
    if (1..=60_000).contains(&timeout_ms) {
        return Ok(Duration::from_millis(timeout_ms));
    }
    Err(StoreError::Value {
        key: "timeout_ms",
        reason: "is not between 1 and 60000",
    })
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Place::Memory(_) => "Store(memory)",
            Place::Redis(_) => "Store(redis)",
            Place::DynamoDb(_) => "Store(dynamodb)",
        })
    }
}
