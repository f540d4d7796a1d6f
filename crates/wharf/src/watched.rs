//! The files that something was read from, each as it was before it was read: what to watch for changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often watched files are looked at. Looking, not notifications: those miss changes on network and container
/// mounts, and a look at a handful of files costs microseconds.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Files, and what tells one state of them from another.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Watched(BTreeMap<PathBuf, Stamp>);

/// None where there is no such file, which may come.
type Stamp = Option<(SystemTime, u64)>;

impl Watched {
    /// Adds a file that is about to be read.
    pub(crate) fn add(&mut self, path: &Path) {
        self.0.entry(path.to_owned()).or_insert_with(|| stamp(path));
    }

    /// Adds those of another, as they were noted there.
    pub(crate) fn add_all(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The same files as they are now.
    pub(crate) fn now(&self) -> Self {
        let stamped = self.0.keys().map(|path| (path.clone(), stamp(path)));
        Self(stamped.collect())
    }

    /// Done when a file is no longer as it was, and has stopped changing.
    pub(crate) async fn changed(&self) {
        let mut last = self.clone();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.now();
            if now != *self && now == last {
                return;
            }
            last = now;
        }
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

fn stamp(file: &Path) -> Stamp {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
