//! What only a store that all replicas share is asked for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;
use wharf_model::home;

use crate::StoreError;
use crate::dynamodb::DynamoDb;
use crate::key::Key;
use crate::patience::Patience;
use crate::place::Place;
use crate::redis::Redis;
use crate::store::LIFE_MAX;

/// How long the end of a process waits for places to be left.
const LEFT_MAX: Duration = Duration::from_secs(2);

/// A store that all replicas see the same. Cheap to clone.
#[derive(Clone)]
pub struct SharedStore(Arc<Inner>);

struct Inner {
    kind: Kind,
    /// What is done for places by nobody who waits for it.
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
    /// it is dropped, or after `life`: so long at most a replica that dies keeps what it had. Must be called inside of a
    /// runtime.
    pub async fn take_place(
        &self,
        name: &str,
        max: u32,
        life: Duration,
    ) -> Result<Option<Place>, StoreError> {
        let life = life.min(LIFE_MAX);
        let mut place = Place::new(self, Key::new("places", name), life);
        let store = self.clone();
        let (tell, told) = oneshot::channel();
        // To its end, whoever goes on waiting for it: otherwise nobody would know what has to be left again.
        home::spawn(self.0.leaving.track_future(async move {
            let (key, id) = (place.key(), place.id());
            let taken = match &store.0.kind {
                Kind::Redis(redis) => redis.take_place(key, id, max, life).await,
                Kind::DynamoDb(table) => table.take_place(key, id, max, life).await,
            };
            match &taken {
                Err(error) if error.is_silence() => {}
                taken => place.is_taken(matches!(taken, Ok(true))),
            }
            let _ = tell.send(taken.map(|is_taken| is_taken.then_some(place)));
        }));
        // Where the task is gone the runtime ends, or it broke.
        told.await.unwrap_or_else(|_| Err(self.patience().late()))
    }

    /// Done when every place that was dropped is left in the store too, or that takes too long.
    pub async fn left(&self) {
        let leaving = &self.0.leaving;
        leaving.close();
        let _ = tokio::time::timeout(LEFT_MAX, leaving.wait()).await;
        leaving.reopen();
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

    pub(crate) fn patience(&self) -> &Patience {
        match &self.0.kind {
            Kind::Redis(redis) => redis.patience(),
            Kind::DynamoDb(table) => table.patience(),
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
