//! Threads that serve connections, each with a runtime of its own.
//!
//! A connection stays on the thread that it was given to, and so does what its calls use: connections to upstreams, timers,
//! memory. A runtime that moves work between its threads keeps all of them busy, and moves what each step touches from
//! one core's cache to another's; for calls of some ten microseconds that costs more than it gives.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle, RuntimeFlavor};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use wharf_model::home;

/// Less than what a call may take, and long enough to cost nothing.
const TICK: Duration = Duration::from_secs(1);

/// How long what is served may take to go. Nothing in it waits, so it takes as long as the longest step of work.
const END_MAX: Duration = Duration::from_secs(1);

/// The threads. They end, with all that they serve, when this is dropped.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    /// Done when nothing of what they served is left.
    ended: mpsc::Receiver<()>,
}

#[derive(Debug)]
struct Lane {
    runtime: Handle,
    /// Each connection holds one.
    served: Arc<()>,
    /// Ends the thread when it is dropped.
    _open: oneshot::Sender<()>,
}

impl Lanes {
    /// As many as the runtime of the caller has threads. Where it has only the caller's, or the system has no more,
    /// everything is served there.
    pub(crate) fn start() -> Self {
        let home = Handle::current();
        let count = match home.runtime_flavor() {
            RuntimeFlavor::CurrentThread => 0,
            _ => home.metrics().num_workers(),
        };
        let (running, ended) = mpsc::channel(1);
        let lanes = (0..count).map(|number| Lane::start(number, home.clone(), running.clone()));
        let lanes = lanes.collect::<io::Result<_>>().unwrap_or_else(|error| {
            tracing::warn!(%error, "connections have no threads of their own");
            Vec::new()
        });
        Self { lanes, ended }
    }

    /// Ends them, and waits until what they served is gone, but not for long.
    pub(crate) async fn end(self) {
        let Self { lanes, mut ended } = self;
        drop(lanes);
        let _ = tokio::time::timeout(END_MAX, ended.recv()).await;
    }

    /// Gives a connection to the thread that serves the fewest.
    pub(crate) fn serve<F>(
        &self,
        stream: TcpStream,
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) -> io::Result<AbortHandle>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(lane) = self
            .lanes
            .iter()
            .min_by_key(|lane| Arc::strong_count(&lane.served))
        else {
            return Ok(tokio::spawn(serve(stream)).abort_handle());
        };
        let (stream, served) = (stream.into_std()?, lane.served.clone());
        let task = lane.runtime.spawn(async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => serve(stream).await,
                Err(error) => tracing::warn!(%error, "a connection cannot be served"),
            }
            drop(served);
        });
        Ok(task.abort_handle())
    }
}

impl Lane {
    fn start(number: usize, home: Handle, running: mpsc::Sender<()>) -> io::Result<Self> {
        let (open, closed) = oneshot::channel::<()>();
        let (tell, started) = std::sync::mpsc::channel();
        thread::Builder::new()
            .name(format!("lane-{number}"))
            .spawn(move || {
                // Dropped after the runtime, with which ends what it serves.
                let _running = running;
                let runtime = match Builder::new_current_thread().enable_all().build() {
                    Ok(runtime) => runtime,
                    Err(error) => return tell.send(Err(error)).unwrap_or_default(),
                };
                home::settle(home);
                let _ = tell.send(Ok(runtime.handle().clone()));
                runtime.block_on(async {
                    tokio::select! {
                        _ = closed => {}
                        () = tick() => {}
                    }
                });
            })?;
        let started = started.recv();
        Ok(Self {
            runtime: started.map_err(|_| io::Error::other("a thread ended at once"))??,
            served: Arc::new(()),
            _open: open,
        })
    }
}

/// A timer that is always set. A call sets one that is due later, which concerns nobody then; if it were the only one, the
/// thread would write to itself to look at it.
async fn tick() {
    loop {
        tokio::time::sleep(TICK).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tokio::net::TcpListener;

    use super::*;

    /// Connects `count` times, and tells how many connections each thread serves. They are served until `lanes` ends.
    async fn served(
        lanes: &Lanes,
        count: usize,
    ) -> (HashMap<thread::ThreadId, usize>, mpsc::Receiver<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, mut threads) = mpsc::unbounded_channel();
        let (open, closed) = mpsc::channel(1);
        for _ in 0..count {
            let client = TcpStream::connect(address).await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let (tell, open) = (tell.clone(), open.clone());
            let serve = async move |_stream| {
                let _open = (open, client);
                tell.send(thread::current().id()).unwrap();
                std::future::pending::<()>().await;
            };
            lanes.serve(stream, serve).unwrap();
        }
        let mut by_thread = HashMap::new();
        for _ in 0..count {
            *by_thread.entry(threads.recv().await.unwrap()).or_default() += 1;
        }
        (by_thread, closed)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn threads_serve_as_many_each_until_the_end() {
        let lanes = Lanes::start();
        let (by_thread, mut closed) = served(&lanes, 6).await;
        assert!(!by_thread.contains_key(&thread::current().id()));
        assert_eq!(by_thread.into_values().collect::<Vec<_>>(), [2, 2, 2]);
        lanes.end().await;
        let gone = closed.try_recv();
        assert_eq!(gone, Err(mpsc::error::TryRecvError::Disconnected));
    }

    #[tokio::test]
    async fn where_there_is_one_thread_it_serves() {
        let (by_thread, _closed) = served(&Lanes::start(), 2).await;
        assert_eq!(by_thread, HashMap::from([(thread::current().id(), 2)]));
    }

    /// What all calls share does not wait for the thread of the call that needed it first.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn what_is_spawned_at_home_goes_on_while_the_thread_is_busy() {
        let lanes = Lanes::start();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let (tell, told) = oneshot::channel();
        let serve = async move |_| {
            let (spawned, here) = std::sync::mpsc::channel();
            let (within, there) = (spawned.clone(), thread::current().id());
            home::spawn(async move { spawned.send(thread::current().id()) });
            home::within(async move {
                // Not waited for: that would be on this thread.
                drop(tokio::spawn(
                    async move { within.send(thread::current().id()) },
                ));
            })
            .await;
            // Nothing else runs on this thread meanwhile.
            let elsewhere = here.iter().all(|thread| thread != there);
            tell.send(elsewhere).unwrap();
        };
        lanes.serve(stream, serve).unwrap();
        assert!(told.await.unwrap());
    }
}
