//! `wharf tools`: what a client would see.

use std::process::ExitCode;

use crate::assemble::{self, Schemas};
use crate::cli::Tools;
use crate::failure::{self, Failure};
use crate::watched::Watched;
use crate::{tables, terminal};

pub(crate) async fn run(tools: &Tools) -> Result<ExitCode, Failure> {
    let assembled = assemble::assemble(&tools.input, Schemas::Now, &mut Watched::default()).await?;
    let catalog = &assembled.catalog;
    let visible = match &tools.who.who {
        Some(who) => catalog.visible_to(who).tools(),
        None => catalog.visible().tools(),
    };
    if let Some(listing) = catalog.listing().filter(|listing| listing.searches) {
        tracing::info!(
            reason = listing.reason,
            "clients are shown three tools to find these with"
        );
    }
    if tools.json {
        terminal::result(wharf_mcp::tool_list(&visible).as_str());
    } else {
        terminal::result(tables::tools(&visible));
    }
    Ok(failure::DONE)
}
