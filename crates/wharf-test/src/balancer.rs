//! A load balancer as simple as one can be: it passes connections on to backends that say they are ready.
//!
//! It works on connections, as a network load balancer does: it reads no requests and repeats none, so whatever a backend
//! does to a connection its client sees. A backend whose `/ready` does not say 200 gets no new connections; those it
//! has stay.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// How often each backend is asked. A real one asks every few seconds; a test need not wait for that.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// A backend that does not answer so long is not ready.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// A balancer on a port of its own. It ends with this.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    pool: Arc<Pool>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Pool {
    backends: Mutex<Vec<Backend>>,
    turn: AtomicUsize,
    refused: AtomicUsize,
}

#[derive(Debug)]
struct Backend {
    address: SocketAddr,
    is_ready: bool,
}

impl Balancer {
    /// Starts without backends.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let pool = Arc::new(Pool::default());
        let tasks = vec![
            tokio::spawn(receive(listener, pool.clone())),
            tokio::spawn(watch(pool.clone())),
        ];
        Ok(Self {
            address,
            pool,
            tasks,
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a backend; it gets connections once it says that it is ready.
    pub fn add(&self, address: SocketAddr) {
        self.pool.lock().push(Backend {
            address,
            is_ready: false,
        });
    }

    /// Forgets a backend, whose process is gone.
    pub fn remove(&self, address: SocketAddr) {
        self.pool
            .lock()
            .retain(|backend| backend.address != address);
    }

    /// Whether a backend gets connections now.
    pub fn is_ready(&self, address: SocketAddr) -> bool {
        self.pool
            .lock()
            .iter()
            .any(|backend| backend.address == address && backend.is_ready)
    }

    /// Connections that could not be passed on, because no backend was ready or the chosen one did not take them.
    pub fn refused(&self) -> usize {
        self.pool.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Pool {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Backend>> {
        self.backends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next backend that is ready, in turn.
    fn choose(&self) -> Option<SocketAddr> {
        let backends = self.lock();
        let ready: Vec<_> = backends.iter().filter(|backend| backend.is_ready).collect();
        if ready.is_empty() {
            return None;
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        Some(ready[turn % ready.len()].address)
    }
}

async fn receive(listener: TcpListener, pool: Arc<Pool>) {
    // Ends with the balancer: connections are dropped with the set.
    let mut open = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let pool = pool.clone();
        open.spawn(async move {
            if pass_on(client, &pool).await.is_none() {
                pool.refused.fetch_add(1, Ordering::Relaxed);
            }
        });
        while open.try_join_next().is_some() {}
    }
}

/// None when there is nobody to pass it on to; the client sees its connection closed.
async fn pass_on(mut client: TcpStream, pool: &Pool) -> Option<()> {
    let mut backend = TcpStream::connect(pool.choose()?).await.ok()?;
    let _ = client.set_nodelay(true);
    let _ = backend.set_nodelay(true);
    // An end with an error is for the client to see, on its own connection.
    let _ = copy_bidirectional(&mut client, &mut backend).await;
    Some(())
}

async fn watch(pool: Arc<Pool>) {
    loop {
        let addresses: Vec<_> = pool.lock().iter().map(|backend| backend.address).collect();
        for address in addresses {
            let is_ready = tokio::time::timeout(ANSWER_MAX, ask(address))
                .await
                .is_ok_and(|answer| answer.is_ok_and(|is_ready| is_ready));
            if let Some(backend) = pool
                .lock()
                .iter_mut()
                .find(|backend| backend.address == address)
            {
                backend.is_ready = is_ready;
            }
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

async fn ask(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}
