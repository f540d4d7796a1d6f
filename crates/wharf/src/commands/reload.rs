//! Reading everything again while serving: on SIGHUP and, when asked to watch, when a file changes.
//!
//! The new state is built whole and then swapped in; when building fails the old one keeps serving.

use std::collections::BTreeSet;

use tokio::runtime::Handle;
use tokio::signal::unix::Signal;
use tokio::task::{JoinError, spawn_blocking};
use wharf_mcp::Server;
use wharf_openapi::UnreadFile;
use wharf_server::Door;

use crate::assemble::{self, Assembled, Schemas, SourceReport};
use crate::cli::Input;
use crate::commands::serve::{tell_listing, warn_of_left_out};
use crate::config::Config;
use crate::failure::Failure;
use crate::telemetry::Telemetry;
use crate::watched::Watched;

/// What the state that serves was read from.
pub(crate) struct ReadFrom {
    /// The configuration as it was read at the start.
    pub(crate) config: Config,
    /// Every file that was read.
    pub(crate) files: Watched,
    /// The files that documents refer to and that could not be read, by their addresses.
    pub(crate) unread: BTreeSet<String>,
}

/// Waits for reasons to read everything again, and does. Never returns.
pub(crate) async fn run(
    server: Server,
    door: Door,
    read_from: ReadFrom,
    input: Input,
    watch: bool,
    mut hangup: Signal,
    telemetry: Telemetry,
) {
    let ReadFrom {
        config: started_with,
        mut files,
        mut unread,
    } = read_from;
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                tracing::info!("SIGHUP: reading everything again");
                telemetry.reopen();
            }
            () = files.changed(), if watch => tracing::info!("a file changed: reading everything again"),
        }
        // What was read before is watched on where nothing comes of this: it may be what has to be mended.
        files = files.now();
        match assemble_apart(input.clone()).await {
            Ok((Ok(assembled), read)) if lost(&unread, &assembled.reports) => {
                files.add_all(read);
                // An editor that writes in two steps, or a server that is down, is no wish to offer less.
                tracing::error!(
                    "the old state keeps serving: files of its documents cannot be read"
                );
            }
            Ok((Ok(assembled), read)) => {
                files = read;
                warn_of_fixed(&started_with, &assembled.config);
                warn_of_left_out(&assembled.reports);
                tell_listing(assembled.catalog.listing());
                unread = unread_files(&assembled.reports);
                let tools = assembled.catalog.tools().len();
                door.replace(assembled.authenticator);
                server.replace(assembled.catalog);
                tracing::info!(tools, "serving the new state");
            }
            Ok((Err(failure), read)) => {
                files.add_all(read);
                tracing::error!("the old state keeps serving: {failure}");
            }
            Err(broken) => tracing::error!("the old state keeps serving: {broken}"),
        }
    }
}

/// On a thread of its own: a file may be on a network that hangs, and reading may break where the next one does not.
async fn assemble_apart(input: Input) -> Result<(Result<Assembled, Failure>, Watched), JoinError> {
    let runtime = Handle::current();
    let assembling = spawn_blocking(move || {
        let mut files = Watched::default();
        let assembled = assemble::assemble(&input, Schemas::Later, &mut files);
        (runtime.block_on(assembled), files)
    });
    assembling.await
}

/// The files that documents refer to and that could not be read, by their addresses.
pub(crate) fn unread_files(reports: &[SourceReport]) -> BTreeSet<String> {
    let files = reports.iter().flat_map(|source| &source.report.unread);
    files.map(|file| file.address.clone()).collect()
}

/// Whether files cannot be read that could be when the state that serves was built. Says which, and why.
fn lost(before: &BTreeSet<String>, reports: &[SourceReport]) -> bool {
    let files = reports.iter().flat_map(|source| &source.report.unread);
    let mut any = false;
    for UnreadFile { address, reason } in files.filter(|file| !before.contains(&file.address)) {
        tracing::error!(
            file = address,
            reason,
            "a file of a document cannot be read"
        );
        any = true;
    }
    any
}

/// Says what a reload cannot change. `started_with` is the configuration as it was read at the start.
fn warn_of_fixed(started_with: &Config, read: &Config) {
    let changed = [
        ("server", started_with.server != read.server),
        ("telemetry", started_with.telemetry != read.telemetry),
        ("name", started_with.name != read.name),
        (
            "instructions",
            started_with.instructions != read.instructions,
        ),
    ];
    for (key, _) in changed.iter().filter(|(_, changed)| *changed) {
        tracing::warn!(
            key,
            "the key has changed and needs a restart; the sources are taken over now"
        );
    }
}
