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
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// Less than what a call may take, and long enough to cost nothing.
const TICK: Duration = Duration::from_secs(1);

/// The threads. They end, with all that they serve, when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Lanes(Vec<Lane>);

#[derive(Debug)]
struct Lane {
    runtime: Handle,
    /// Each connection holds one.
    served: Arc<()>,
    /// Ends the thread when it is dropped.
    _open: oneshot::Sender<()>,
}

impl Lanes {
    /// As many as the runtime of the caller has threads. Where it has only the caller's, everything is served there.
    pub(crate) fn start() -> io::Result<Self> {
        let caller = Handle::current();
        if caller.runtime_flavor() == RuntimeFlavor::CurrentThread {
            return Ok(Self::default());
        }
        let lanes = 0..caller.metrics().num_workers();
        lanes.map(Lane::start).collect::<io::Result<_>>().map(Self)
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
            .0
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
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (open, closed) = oneshot::channel::<()>();
        let handle = runtime.handle().clone();
        thread::Builder::new()
            .name(format!("lane-{number}"))
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = closed => {}
                        () = tick() => {}
                    }
                });
            })?;
        Ok(Self {
            runtime: handle,
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
    use tokio::sync::mpsc;

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
        let lanes = Lanes::start().unwrap();
        let (by_thread, mut closed) = served(&lanes, 6).await;
        assert!(!by_thread.contains_key(&thread::current().id()));
        assert_eq!(by_thread.into_values().collect::<Vec<_>>(), [2, 2, 2]);
        drop(lanes);
        assert_eq!(closed.recv().await, None, "all that is served ends");
    }

    #[tokio::test]
    async fn where_there_is_one_thread_it_serves() {
        let (by_thread, _closed) = served(&Lanes::start().unwrap(), 2).await;
        assert_eq!(by_thread, HashMap::from([(thread::current().id(), 2)]));
    }
}
