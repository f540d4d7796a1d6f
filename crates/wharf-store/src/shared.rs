//! What only a store that all replicas share is asked for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::StoreError;
use crate::dynamodb::DynamoDb;
use crate::key::Key;
use crate::place::Place;
use crate::redis::Redis;
use crate::store::LIFE_MAX;

/// A store that all replicas see the same. Cheap to clone.
#[derive(Clone)]
pub struct SharedStore(Arc<Inner>);

struct Inner {
    kind: Kind,
    /// Those who leave their places.
    leaving: TaskTracker,
}

pub(crate) enum Kind {
    Redis(Redis),
    DynamoDb(DynamoDb),
}

/// How often something happened in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How often, this time included.
    pub count: u64,
    /// When the window ends, and counting begins anew.
    pub ends_in: Duration,
}

impl SharedStore {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Arc::new(Inner {
            kind,
            leaving: TaskTracker::new(),
        }))
    }

    /// Counts one more of `name`, in a window that begins with the first and ends after `window`.
    pub async fn count(&self, name: &str, window: Duration) -> Result<Count, StoreError> {
        let key = Key::new("count", name);
        let window = window.min(LIFE_MAX);
        match &self.0.kind {
            Kind::Redis(redis) => redis.count(key, window).await,
            Kind::DynamoDb(table) => table.count(key, window).await,
        }
    }

    /// Takes one of the `max` places that `name` has in all replicas together; none when they are taken. It is left when
    /// it is dropped, or after `life`: so long at most a replica that dies keeps what it had.
    pub async fn take_place(
        &self,
        name: &str,
        max: u32,
        life: Duration,
    ) -> Result<Option<Place>, StoreError> {
        // There before it is taken: whoever stops waiting for the answer may have taken it all the same.
        let place = Place::new(self, Key::new("places", name));
        let life = life.min(LIFE_MAX);
        let taken = match &self.0.kind {
            Kind::Redis(redis) => redis.take_place(place.key, place.id(), max, life).await,
            Kind::DynamoDb(table) => table.take_place(place.key, place.id(), max, life).await,
        };
        if matches!(taken, Ok(false) | Err(StoreError::Resting { .. })) {
            place.forget();
            return taken.map(|_| None);
        }
        taken.map(|_| Some(place))
    }

    /// Done when every place that was dropped is left in the store too.
    pub async fn left(&self) {
        self.0.leaving.close();
        self.0.leaving.wait().await;
    }

    pub(crate) fn leaving(&self) -> &TaskTracker {
        &self.0.leaving
    }

    pub(crate) async fn leave(&self, key: Key, id: &str) -> Result<(), StoreError> {
        match &self.0.kind {
            Kind::Redis(redis) => redis.leave(key, id).await,
            Kind::DynamoDb(table) => table.leave(key, id).await,
        }
    }

    pub(crate) async fn put_new(&self, key: Key, life: Duration) -> Result<bool, StoreError> {
        match &self.0.kind {
            Kind::Redis(redis) => redis.put_new(key, life).await,
            Kind::DynamoDb(table) => table.put_new(key, life).await,
        }
    }

    pub(crate) async fn ends_in(&self, key: Key) -> Result<Option<Duration>, StoreError> {
        match &self.0.kind {
            Kind::Redis(redis) => redis.ends_in(key).await,
            Kind::DynamoDb(table) => table.ends_in(key).await,
        }
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0.kind {
            Kind::Redis(_) => "Store(redis)",
            Kind::DynamoDb(_) => "Store(dynamodb)",
        })
    }
}
