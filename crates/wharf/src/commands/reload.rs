//! Reading everything again while serving: on SIGHUP and, when asked to watch, when a file changes.
//!
//! The new state is built whole and then swapped in; when building fails the old one keeps serving.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use wharf_mcp::Server;
use wharf_openapi::UnreadFile;
use wharf_server::Door;

use crate::assemble::{self, Schemas, SourceReport};
use crate::cli::Input;
use crate::commands::serve::{tell_listing, warn_of_left_out};
use crate::config::Config;
use crate::telemetry::Telemetry;

/// How often watched files are looked at. Looking, not notifications: those miss changes on network and container
/// mounts, and a look at a handful of files costs microseconds.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What tells one state of a file from another.
type Stamp = Option<(SystemTime, u64)>;

/// What the state that serves was read from.
pub(crate) struct ReadFrom {
    /// The configuration as it was read at the start.
    pub(crate) config: Config,
    /// Every file that was read.
    pub(crate) files: Vec<PathBuf>,
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
    telemetry: Telemetry,
) {
    let ReadFrom {
        config: started_with,
        mut files,
        mut unread,
    } = read_from;
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => Some(hangup),
        Err(error) => {
            tracing::warn!(%error, "cannot listen for SIGHUP; a reload needs a restart");
            None
        }
    };
    let mut stamps = stamps(&files);
    loop {
        tokio::select! {
            () = received(&mut hangup) => {
                tracing::info!("SIGHUP: reading everything again");
                telemetry.reopen();
            }
            () = changed(&files, &stamps), if watch => tracing::info!("a file changed: reading everything again"),
        }
        // Taken before reading, so that a change in the middle of it is seen the next time.
        stamps = self::stamps(&files);
        match assemble::assemble(&input, Schemas::Later).await {
            Ok(assembled) if lost(&unread, &assembled.reports) => {
                // An editor that writes in two steps, or a server that is down, is no wish to offer less.
                tracing::error!(
                    "the old state keeps serving: files of its documents cannot be read"
                );
            }
            Ok(assembled) => {
                warn_of_fixed(&started_with, &assembled.config);
                warn_of_left_out(&assembled.reports);
                tell_listing(assembled.catalog.listing());
                unread = unread_files(&assembled.reports);
                let tools = assembled.catalog.tools().len();
                door.replace(assembled.authenticator);
                server.replace(assembled.catalog);
                tracing::info!(tools, "serving the new state");
                if assembled.files != files {
                    files = assembled.files;
                    stamps = self::stamps(&files);
                }
            }
            Err(failure) => tracing::error!("the old state keeps serving: {failure}"),
        }
    }
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

async fn received(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => {
            hangup.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Done when a file is no longer as it was, and has stopped changing.
async fn changed(files: &[PathBuf], before: &[Stamp]) {
    let mut last = before.to_vec();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = stamps(files);
        if now != before && now == last {
            return;
        }
        last = now;
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    files.iter().map(|file| stamp(file)).collect()
}

fn stamp(file: &Path) -> Stamp {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
