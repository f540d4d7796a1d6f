//! The environment as other programs read it: AWS's keys, proxies, certificates.

use std::path::Path;
use std::sync::OnceLock;

use wharf_config::Environment;
use wharf_upstream::Network;

use crate::failure::Failure;

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
