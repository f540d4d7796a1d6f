//! The policy that `access.cedar` names, in a binary that knows the language.

use std::sync::Arc;

use wharf_catalog::{Catalog, CedarConfig, Policy};

use crate::config::ConfigFile;
use crate::failure::Failure;
use crate::watched::Watched;

/// A policy, and of how many policies it is made.
pub(crate) type Counted = (Arc<dyn Policy>, usize);

/// Reads a policy for what the catalog offers; `files` gets those that it was read from.
#[cfg(feature = "cedar")]
pub(crate) fn read(
    catalog: &Catalog,
    config: &CedarConfig,
    file: &ConfigFile,
    files: &mut Watched,
) -> Result<Counted, Failure> {
    use wharf_cedar::{Files, Policies};

    let sources = Files {
        policies: text("policies", &config.policies, file, files)?,
        entities: config
            .entities
            .as_ref()
            .map(|name| text("entities", name, file, files))
            .transpose()?,
    };
    let policies = Policies::new(catalog, config, sources).map_err(|mistakes| of(&mistakes))?;
    let count = policies.count();
    Ok((Arc::new(policies), count))
}

/// A binary that does not know the language does not serve without the policy.
#[cfg(not(feature = "cedar"))]
pub(crate) fn read(
    _: &Catalog,
    _: &CedarConfig,
    file: &ConfigFile,
    _: &mut Watched,
) -> Result<Counted, Failure> {
    Err(
        Failure::new("`access.cedar` names a policy, and this binary was built without Cedar")
            .hint("build it with `cargo build --release --features cedar`")
            .at(file.places.place(&["access", "cedar"])),
    )
}

/// Reads a file of the section.
#[cfg(feature = "cedar")]
fn text(
    key: &str,
    name: &str,
    file: &ConfigFile,
    files: &mut Watched,
) -> Result<wharf_cedar::Text, Failure> {
    /// More than ten thousand policies of a usual length; all are looked at for every call.
    const BYTES_MAX: u64 = 4 << 20;
    let path = file.folder.join(name);
    files.add(&path);
    let place = || file.places.place(&["access", "cedar", key]);
    let hint = "paths start from the folder of the configuration";
    let bytes = crate::file::read(&path, BYTES_MAX, hint).map_err(|failure| failure.at(place()))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::new(format!("`{}` is not UTF-8", path.display())).at(place()))?;
    Ok(wharf_cedar::Text {
        name: name.to_owned(),
        text,
    })
}

/// Everything that is wrong with the files.
#[cfg(feature = "cedar")]
fn of(mistakes: &[wharf_cedar::Mistake]) -> Failure {
    let told = mistakes.iter().map(|mistake| {
        let hint = crate::assemble::meant(mistake.misspelling())
            .unwrap_or_else(|| mistake.hint().to_owned());
        format!("error: {mistake}\nhint: {hint}")
    });
    Failure::new(told.collect::<Vec<_>>().join("\n"))
}
