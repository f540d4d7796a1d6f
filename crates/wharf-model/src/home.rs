//! Where a task runs that serves more than one call.
//!
//! Connections are served by threads with a runtime each. What runs there waits while its thread is busy with something
//! long, and ends with it. A task that calls on all threads wait for must do neither: it belongs to the runtime that the
//! threads were started from, which is their home.

use std::cell::OnceCell;
use std::future::{Future, poll_fn};
use std::pin::pin;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

thread_local! {
    static HOME: OnceCell<Handle> = const { OnceCell::new() };
}

/// Says where the home of this thread is; the first to say so is believed. A thread without one is at home where it is.
pub fn settle(home: Handle) {
    HOME.with(|kept| {
        let _ = kept.set(home);
    });
}

/// Spawns a task at home. Must be called inside of a runtime.
pub fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    match home() {
        Some(home) => home.spawn(task),
        None => tokio::spawn(task),
    }
}

/// Runs here, and has what it spawns, opens and waits for belong to the home: for libraries that spawn by themselves.
pub async fn within<F: Future>(future: F) -> F::Output {
    let Some(home) = home() else {
        return future.await;
    };
    let mut future = pin!(future);
    poll_fn(|context| {
        let _at_home = home.enter();
        future.as_mut().poll(context)
    })
    .await
}

fn home() -> Option<Handle> {
    HOME.with(|kept| kept.get().cloned())
}
