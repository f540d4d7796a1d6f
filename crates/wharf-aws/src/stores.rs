//! The stores that a configuration refers to, each with a client made once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use wharf_model::Secret;
use wharf_upstream::Environment;

use crate::reference::Store;
use crate::{AwsError, Client, RotatingSecret, SecretReference, secrets_manager, ssm};

/// The stores of some references, by the region that an ARN names. Cheap to clone.
#[derive(Clone)]
pub struct SecretStores(Arc<BTreeMap<Place, Client>>);

type Place = (Store, Option<String>);

fn place(reference: &SecretReference) -> Place {
    (reference.store(), reference.region().map(str::to_owned))
}

impl SecretStores {
    /// Makes what these references need ready. Nothing is sent yet.
    pub fn new<'r>(
        references: impl IntoIterator<Item = &'r SecretReference>,
        environment: &dyn Environment,
    ) -> Result<Self, AwsError> {
        let mut clients = BTreeMap::new();
        for reference in references {
            if let Entry::Vacant(vacant) = clients.entry(place(reference)) {
                let (store, region) = vacant.key();
                let client = Client::new(store.service(), environment, region.as_deref())?;
                vacant.insert(client);
            }
        }
        Ok(Self(Arc::new(clients)))
    }

    /// The secret that a reference stands for, as it is now.
    pub async fn fetch(&self, reference: &SecretReference) -> Result<Secret, AwsError> {
        let client = self
            .0
            .get(&place(reference))
            .ok_or_else(|| AwsError::Reference {
                reference: reference.to_string(),
                reason: "is in a store that was not made ready",
            })?;
        let whole = match reference.store() {
            Store::Ssm => ssm::get_parameter(client, reference.name()).await?,
            Store::SecretsManager => {
                secrets_manager::get_secret_value(client, reference.name()).await?
            }
        };
        reference.pick(&whole)
    }

    /// The secret that a reference stands for, fetched again while it is in use. `initial` is what it was just now.
    pub fn rotating(&self, reference: SecretReference, initial: Option<Secret>) -> RotatingSecret {
        let stores = self.clone();
        RotatingSecret::new(format!("`{reference}`"), initial, move || {
            let (stores, reference) = (stores.clone(), reference.clone());
            Box::pin(async move { stores.fetch(&reference).await })
        })
    }
}
