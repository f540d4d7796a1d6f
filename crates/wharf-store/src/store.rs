//! What a store can do.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wharf_aws::Environment;

use crate::dynamodb::DynamoDb;
use crate::key::Key;
use crate::memory::Memory;
use crate::redis::Redis;
use crate::shared::Kind;
use crate::{Config, SharedStore, StoreError};

/// Nothing in a store lives longer; a longer life is cut to this. Beyond every use: the longest, of refresh tokens, is a
/// year and a second.
pub(crate) const LIFE_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A place for marks, of this process or of all replicas. Cheap to clone.
#[derive(Clone)]
pub struct Store(Backing);

#[derive(Clone)]
enum Backing {
    Memory(Arc<Memory>),
    Shared(SharedStore),
}

impl Store {
    /// Checks the configuration; AWS's region and keys are told from the environment. No connection is opened yet, and no
    /// runtime needed.
    pub fn new(config: &Config, environment: &dyn Environment) -> Result<Self, StoreError> {
        let kind = match config {
            Config::Memory {} => return Ok(Self(Backing::Memory(Arc::default()))),
            Config::Redis {
                url,
                key_prefix,
                timeout_ms,
                ca_pem,
            } => {
                let timeout = timeout(*timeout_ms)?;
                Kind::Redis(Redis::new(url, key_prefix, timeout, ca_pem.as_deref())?)
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
                Kind::DynamoDb(table)
            }
        };
        Ok(Self(Backing::Shared(SharedStore::new(kind))))
    }

    /// What all replicas see the same; none where the store is this process's memory.
    pub fn shared(&self) -> Option<&SharedStore> {
        match &self.0 {
            Backing::Memory(_) => None,
            Backing::Shared(store) => Some(store),
        }
    }

    /// Sets the mark `name`, which ends by itself after `life`. False when it is set already, by whomever: of several
    /// that try, one gets true.
    pub async fn put_new(&self, name: &str, life: Duration) -> Result<bool, StoreError> {
        let key = Key::new("mark", name);
        let life = life.min(LIFE_MAX);
        match &self.0 {
            Backing::Memory(memory) => memory.put_new(key, life, Instant::now()),
            Backing::Shared(store) => store.put_new(key, life).await,
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
        let ends_in = match &self.0 {
            Backing::Memory(memory) => memory.ends_in(key, Instant::now()),
            Backing::Shared(store) => store.ends_in(key).await?,
        };
        Ok(ends_in.map(|left| life.saturating_sub(left)))
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
        match &self.0 {
            Backing::Memory(_) => f.write_str("Store(memory)"),
            Backing::Shared(store) => store.fmt(f),
        }
    }
}
