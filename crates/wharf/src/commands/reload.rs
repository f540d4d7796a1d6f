//! Reading everything again while serving: on SIGHUP and, when asked to watch, when a file changes.
//!
//! The new state is built whole and then swapped in; when building fails the old one keeps serving.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use wharf_mcp::Server;
use wharf_server::Door;

use crate::assemble::{self, Schemas};
use crate::cli::Input;
use crate::config::Config;
use crate::telemetry::Telemetry;

/// How often watched files are looked at. Looking, not notifications: those miss changes on network and container
/// mounts, and a look at a handful of files costs microseconds.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What tells one state of a file from another.
type Stamp = Option<(SystemTime, u64)>;

/// Waits for reasons to read everything again, and does. Never returns.
pub(crate) async fn run(
    server: Server,
    door: Door,
    started_with: Config,
    input: Input,
    mut files: Vec<PathBuf>,
    watch: bool,
    telemetry: Telemetry,
) {
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
            Ok(assembled) => {
                warn_of_fixed(&started_with, &assembled.config);
                tracing::info!(
                    tools = assembled.catalog.tools().len(),
                    "serving the new state"
                );
                door.replace(assembled.authenticator);
                server.replace(assembled.catalog);
                if assembled.files != files {
                    files = assembled.files;
                    stamps = self::stamps(&files);
                }
            }
            Err(failure) => tracing::error!("the old state keeps serving: {failure}"),
        }
    }
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
