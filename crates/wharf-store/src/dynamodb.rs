//! The store in a table of Amazon DynamoDB.

use std::time::Duration;

use wharf_aws::{Client, Environment, dynamodb};

use crate::StoreError;
use crate::key::Key;
use crate::patience::Patience;
use crate::shared::Count;

pub(crate) struct DynamoDb {
    client: Client,
    table: String,
    key_prefix: String,
    patience: Patience,
}

impl DynamoDb {
    pub(crate) fn new(
        table: &str,
        region: Option<&str>,
        environment: &dyn Environment,
        key_prefix: &str,
        timeout: Duration,
    ) -> Result<Self, StoreError> {
        let client = Client::new(dynamodb::SERVICE, environment, region)
            .map_err(|source| StoreError::Aws { source })?;
        Ok(Self {
            client,
            table: table.to_owned(),
            key_prefix: key_prefix.to_owned(),
            patience: Patience::new(format!("DynamoDB/{table}"), timeout),
        })
    }

    /// Sets a mark that ends after `life`; false when it is set already.
    pub(crate) async fn put_new(&self, key: Key, life: Duration) -> Result<bool, StoreError> {
        let key = key.text(&self.key_prefix);
        let putting = dynamodb::put_if_absent(&self.client, &self.table, &key, life);
        self.patience.ask(putting).await
    }

    /// How long what stands under `key` still does.
    pub(crate) async fn ends_in(&self, key: Key) -> Result<Option<Duration>, StoreError> {
        let key = key.text(&self.key_prefix);
        let asking = dynamodb::ends_in(&self.client, &self.table, &key);
        self.patience.ask(asking).await
    }

    /// Counts one more under `key`, in a window that begins with the first.
    pub(crate) async fn count(&self, key: Key, window: Duration) -> Result<Count, StoreError> {
        let key = key.text(&self.key_prefix);
        let counting = dynamodb::count(&self.client, &self.table, &key, window);
        let (count, ends_in) = self.patience.ask(counting).await?;
        Ok(Count { count, ends_in })
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
        let taking = dynamodb::take_place(&self.client, &self.table, &key, id, max, life);
        self.patience.ask(taking).await
    }

    /// Leaves a place. It is asked even while the store rests.
    pub(crate) async fn leave(&self, key: Key, id: &str) -> Result<(), StoreError> {
        let key = key.text(&self.key_prefix);
        let leaving = dynamodb::leave_place(&self.client, &self.table, &key, id);
        self.patience.insist(leaving).await
    }

    pub(crate) fn patience(&self) -> &Patience {
        &self.patience
    }
}
