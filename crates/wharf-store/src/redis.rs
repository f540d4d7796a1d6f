//! The store in a Redis or Valkey server.
//!
//! One connection carries every question, many at once. When it breaks it is made anew by the next question, with one
//! attempt.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisError, TlsCertificates,
};
use wharf_model::{Secret, home};

use crate::StoreError;
use crate::key::Key;
use crate::patience::{Patience, millis};
use crate::shared::Count;

/// So that a slow store does not gather questions without end; more are refused.
const QUESTIONS_MAX: usize = 1_024;

/// Takes a place: `KEYS[1]` are the places, each with its end in milliseconds by the server's clock; `ARGV` are how many
/// there may be, how long one lives, and the new one's id.
const TAKE_PLACE: &str = "\
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
    if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
    redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
    if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
    return 1";

pub(crate) struct Redis {
    client: Client,
    /// Opened by the first question: a start does not fail because the store is late.
    connection: tokio::sync::OnceCell<ConnectionManager>,
    key_prefix: String,
    patience: Patience,
}

impl Redis {
    pub(crate) fn new(
        url: &Secret,
        key_prefix: &str,
        timeout: Duration,
        ca_pem: Option<&str>,
    ) -> Result<Self, StoreError> {
        let info = url
            .expose()
            .into_connection_info()
            .map_err(|source| StoreError::Url { source })?;
        let at = shown(&info);
        let client = match ca_pem {
            Some(pem) => Client::build_with_tls(
                info,
                TlsCertificates {
                    client_tls: None,
                    root_cert: Some(pem.as_bytes().to_vec()),
                },
            ),
            None => Client::open(info),
        };
        Ok(Self {
            client: client.map_err(|source| StoreError::Url { source })?,
            connection: tokio::sync::OnceCell::new(),
            key_prefix: key_prefix.to_owned(),
            patience: Patience::new(at, timeout),
        })
    }

    /// Sets a mark that ends after `life`; false when it is set already.
    pub(crate) async fn put_new(&self, key: Key, life: Duration) -> Result<bool, StoreError> {
        let key = key.text(&self.key_prefix);
        self.ask(async |mut connection| {
            let mut set = redis::cmd("SET");
            set.arg(&key).arg(1).arg("NX").arg("PX").arg(millis(life));
            let set: Option<String> = set.query_async(&mut connection).await?;
            Ok(set.is_some())
        })
        .await
    }

    /// How long what stands under `key` still does.
    pub(crate) async fn ends_in(&self, key: Key) -> Result<Option<Duration>, StoreError> {
        let key = key.text(&self.key_prefix);
        self.ask(async |mut connection| {
            let mut left = redis::cmd("PTTL");
            // Negative where there is nothing.
            let left_ms: i64 = left.arg(&key).query_async(&mut connection).await?;
            Ok(u64::try_from(left_ms).ok().map(Duration::from_millis))
        })
        .await
    }

    /// Counts one more under `key`, in a window that begins with the first.
    pub(crate) async fn count(&self, key: Key, window: Duration) -> Result<Count, StoreError> {
        let key = key.text(&self.key_prefix);
        self.ask(async |mut connection| {
            let mut steps = redis::pipe();
            // One transaction: a count never stands without its end.
            steps.atomic();
            steps
                .cmd("SET")
                .arg(&key)
                .arg(0)
                .arg("NX")
                .arg("PX")
                .arg(millis(window))
                .ignore();
            steps.cmd("INCR").arg(&key);
            steps.cmd("PTTL").arg(&key);
            let (count, ends_in_ms): (u64, i64) = steps.query_async(&mut connection).await?;
            Ok(Count {
                count,
                ends_in: Duration::from_millis(u64::try_from(ends_in_ms).unwrap_or_default()),
            })
        })
        .await
    }

    /// Takes a place under `key`, where fewer than `max` are; it ends after `life`.
    pub(crate) async fn take_place(
        &self,
        key: Key,
        id: &str,
        max: u32,
        life: Duration,
    ) -> Result<bool, StoreError> {
        let key = key.text(&self.key_prefix);
        self.ask(async |mut connection| {
            let mut take = redis::cmd("EVAL");
            take.arg(TAKE_PLACE).arg(1).arg(&key);
            take.arg(max).arg(millis(life)).arg(id);
            take.query_async(&mut connection).await
        })
        .await
    }

    /// Leaves a place. It is asked even while the store rests.
    pub(crate) async fn leave(&self, key: Key, id: &str) -> Result<(), StoreError> {
        let key = key.text(&self.key_prefix);
        let leaving = self.connected(async |mut connection| {
            let mut leave = redis::cmd("ZREM");
            leave.arg(&key).arg(id).query_async(&mut connection).await
        });
        self.patience.insist(leaving).await
    }

    pub(crate) fn patience(&self) -> &Patience {
        &self.patience
    }

    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(ConnectionManager) -> Result<T, RedisError>,
    ) -> Result<T, StoreError> {
        self.patience.ask(self.connected(question)).await
    }

    async fn connected<T>(
        &self,
        question: impl AsyncFnOnce(ConnectionManager) -> Result<T, RedisError>,
    ) -> Result<T, RedisError> {
        // The connection is everybody's, and whoever asks may be the one to open it.
        home::within(async {
            let connection = self
                .connection
                .get_or_try_init(async || self.connection())
                .await?;
            question(connection.clone()).await
        })
        .await
    }

    fn connection(&self) -> Result<ConnectionManager, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_response_timeout(Some(self.patience.timeout()))
            .set_connection_timeout(Some(self.patience.timeout()))
            .set_concurrency_limit(QUESTIONS_MAX);
        ConnectionManager::new_lazy_with_config(self.client.clone(), config)
    }
}

/// Host and port, without user and password.
fn shown(info: &ConnectionInfo) -> String {
    match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            format!("{host}:{port}")
        }
        ConnectionAddr::Unix(path) => path.display().to_string(),
        _ => "an address of another kind".to_owned(),
    }
}
