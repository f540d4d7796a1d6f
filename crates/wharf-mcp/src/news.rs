//! News of changes: those of all sources and of the catalog itself, in one broadcast.
//!
//! One task merges the sources' news. It starts with the first listener, so a server that nobody listens to has no
//! task, and [`crate::Server::new`] needs no runtime.

use std::sync::{Arc, OnceLock};

use futures_util::stream::{self, SelectAll, Stream, StreamExt};
use std::pin::Pin;
use tokio::sync::{broadcast, watch};
use tokio_util::task::AbortOnDropHandle;
use wharf_model::{Change, Source};

/// How many changes a slow listener may be behind; beyond that it is told that everything changed.
const BACKLOG: usize = 64;

type Changes = SelectAll<Pin<Box<dyn Stream<Item = Change> + Send>>>;

pub(crate) struct News {
    changes: broadcast::Sender<Change>,
    sources: watch::Sender<Vec<Arc<dyn Source>>>,
    merging: OnceLock<AbortOnDropHandle<()>>,
}

impl News {
    pub(crate) fn new(sources: &[Arc<dyn Source>]) -> Self {
        Self {
            changes: broadcast::Sender::new(BACKLOG),
            sources: watch::Sender::new(sources.to_vec()),
            merging: OnceLock::new(),
        }
    }

    /// Everything that changes from now on. Must be called inside of a runtime.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Change> {
        self.merging.get_or_init(|| {
            let mut sources = self.sources.subscribe();
            // Taken here and not in the task: what changes before the task runs must not be missed.
            let merged = changes_of(&sources.borrow_and_update());
            let task = wharf_model::home::spawn(merge(sources, merged, self.changes.clone()));
            AbortOnDropHandle::new(task)
        });
        self.changes.subscribe()
    }

    /// Other sources from now on, and the news that the lists differ.
    pub(crate) fn replace(&self, sources: Vec<Arc<dyn Source>>, prompts: bool, resources: bool) {
        self.sources.send_replace(sources);
        let changed = [
            (true, Change::Tools),
            (prompts, Change::Prompts),
            (resources, Change::Resources),
        ];
        for (_, change) in changed.into_iter().filter(|(has, _)| *has) {
            // Fails when nobody listens.
            let _ = self.changes.send(change);
        }
    }
}

async fn merge(
    mut sources: watch::Receiver<Vec<Arc<dyn Source>>>,
    mut merged: Changes,
    out: broadcast::Sender<Change>,
) {
    loop {
        tokio::select! {
            Some(change) = merged.next() => {
                // Fails when nobody listens at the moment.
                let _ = out.send(change);
            }
            replaced = sources.changed() => {
                if replaced.is_err() {
                    return;
                }
                merged = changes_of(&sources.borrow_and_update());
            }
        }
    }
}

fn changes_of(sources: &[Arc<dyn Source>]) -> Changes {
    stream::select_all(
        sources
            .iter()
            .filter_map(|source| source.changes())
            .map(|receiver| {
                Box::pin(stream::unfold(
                    (receiver, None),
                    |(mut receiver, missed): (_, Option<Missed>)| async move {
                        let (change, missed) = next(&mut receiver, missed).await?;
                        Some((change, (receiver, missed)))
                    },
                )) as Pin<Box<dyn Stream<Item = Change> + Send>>
            }),
    )
}

/// What a listener that fell behind still has to be told.
pub(crate) struct Missed(Vec<Change>);

/// The next change. Whoever fell behind cannot know what it missed, so it hears that every list changed.
pub(crate) async fn next(
    receiver: &mut broadcast::Receiver<Change>,
    missed: Option<Missed>,
) -> Option<(Change, Option<Missed>)> {
    let mut missed = missed.map_or_else(Vec::new, |missed| missed.0);
    if missed.is_empty() {
        match receiver.recv().await {
            Ok(change) => return Some((change, None)),
            Err(broadcast::error::RecvError::Closed) => return None,
            Err(broadcast::error::RecvError::Lagged(_)) => {
                missed = vec![Change::Resources, Change::Prompts, Change::Tools];
            }
        }
    }
    let change = missed.pop()?;
    Some((change, (!missed.is_empty()).then_some(Missed(missed))))
}
