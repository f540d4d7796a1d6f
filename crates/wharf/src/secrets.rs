//! The environment as other programs read it: AWS's keys, proxies, certificates. And the secrets that a configuration
//! keeps in AWS's stores.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use tokio::task::JoinSet;
use wharf_aws::{AwsError, SecretReference, SecretStores};
use wharf_config::{Environment, Stored, Unavailable};
use wharf_model::{Secret, with_causes};
use wharf_upstream::Network;

use crate::failure::Failure;
use crate::terminal;

/// Variables, and the files in a person's folder.
pub(crate) struct Surroundings<'e>(pub(crate) &'e Environment);

impl wharf_upstream::Environment for Surroundings<'_> {
    fn variable(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    fn file(&self, path: &Path) -> Result<Option<String>, String> {
        wharf_config::read_text(path)
    }
}

/// How this process reaches the network, as its environment says; told once.
pub(crate) fn network() -> Result<Network, Failure> {
    static TOLD: OnceLock<Network> = OnceLock::new();
    if let Some(network) = TOLD.get() {
        return Ok(network.clone());
    }
    let network = Network::of(&Surroundings(&Environment::of_process()))
        .map_err(|error| Failure::of_upstream(&error))?;
    Ok(TOLD.get_or_init(|| network).clone())
}

/// Asks the stores for what a configuration refers to, all at once and each secret once.
pub(crate) async fn ask_stores(
    references: BTreeSet<String>,
    environment: &Environment,
) -> Result<Stored, Failure> {
    let mut answers = Stored::new();
    let mut known = Vec::new();
    for text in references {
        match SecretReference::parse(&text) {
            Ok(reference) => known.push((text, reference)),
            Err(error) => {
                answers.insert(text, Err(unavailable(&error)));
            }
        }
    }
    if known.is_empty() {
        return Ok(answers);
    }
    let references = known.iter().map(|(_, reference)| reference);
    let stores = SecretStores::new(references.clone(), &Surroundings(environment))
        .map_err(|error| Failure::of(&error).hint(error.hint().unwrap_or_default()))?;
    let wholes: BTreeSet<_> = references.map(SecretReference::whole).collect();
    let asking = ask(&stores, wholes);
    let wholes = terminal::while_waiting("asking for secrets", asking).await;
    for (text, reference) in known {
        let picked = match wholes.get(&reference.whole()) {
            Some(Ok(whole)) => reference.pick(whole),
            Some(Err(error)) => Err(error.clone()),
            None => continue,
        };
        let answer = picked
            .map(|secret| secret.expose().to_owned())
            .map_err(|error| unavailable(&error));
        answers.insert(text, answer);
    }
    Ok(answers)
}

/// Lets the secrets of issuers that are in a store be fetched again while they are in use. `stored` says which keys of the
/// configuration are in a store, and what they refer to.
pub(crate) fn rotate(
    auth: &mut wharf_auth::Config,
    stored: &BTreeMap<String, String>,
    environment: &Environment,
) -> Result<(), Failure> {
    for (number, issuer) in auth.issuers.iter_mut().enumerate() {
        let reference = stored.get(&format!("auth.issuers[{number}].secret"));
        let reference = reference
            .map(|text| SecretReference::parse(text))
            .transpose();
        let refused = |error: AwsError| Failure::of(&error).hint(error.hint().unwrap_or_default());
        if let Some(reference) = reference.map_err(refused)? {
            let store = SecretStores::new([&reference], &Surroundings(environment));
            let store = store.map_err(refused)?;
            issuer.rotating = Some(store.rotating(reference, issuer.secret.clone()));
        }
    }
    Ok(())
}

async fn ask(
    stores: &SecretStores,
    wholes: BTreeSet<SecretReference>,
) -> BTreeMap<SecretReference, Result<Secret, AwsError>> {
    let mut asking = JoinSet::new();
    for whole in wholes {
        let stores = stores.clone();
        asking.spawn(async move {
            let answer = stores.fetch(&whole).await;
            (whole, answer)
        });
    }
    asking.join_all().await.into_iter().collect()
}

fn unavailable(error: &AwsError) -> Unavailable {
    Unavailable {
        reason: with_causes(error),
        hint: error.hint().map(std::borrow::Cow::into_owned),
    }
}
