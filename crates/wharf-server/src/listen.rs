//! Listening and shutting down.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use wharf_mcp::Server;

use crate::routes::Routes;
use crate::{Config, connection};

/// How long to wait when the system has no room for another connection (no file descriptors, no memory).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A port that is open; connections wait there until [`serve`] takes them.
#[derive(Debug)]
pub struct Listener(TcpListener);

/// Why a port cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on `{address}`")]
pub struct BindError {
    /// As it was asked for.
    pub address: String,
    /// The system's reason.
    pub source: io::Error,
}

impl BindError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self.source.kind() {
            io::ErrorKind::AddrInUse => {
                "another program listens there: stop it, or choose another port with `--http 127.0.0.1:PORT` (0 takes a free one)".to_owned()
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need privileges: choose another with `--http 127.0.0.1:PORT`".to_owned()
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine does not have that address: `--http 127.0.0.1:PORT` is local, `--http 0.0.0.0:PORT` is all of them".to_owned()
            }
            _ => "`--http` takes an address and a port, such as `127.0.0.1:8000`".to_owned(),
        }
    }
}

impl Listener {
    /// Opens a port. `address` is `HOST:PORT`; port 0 takes a free one.
    pub async fn bind(address: &str) -> Result<Self, BindError> {
        let bound = TcpListener::bind(address).await;
        bound.map(Self).map_err(|source| BindError {
            address: address.to_owned(),
            source,
        })
    }

    /// The address that was opened, with the port it got.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    pub(crate) async fn accept(&self) -> io::Result<TcpStream> {
        self.0.accept().await.map(|(stream, _)| stream)
    }
}

/// Serves until `shutdown` is done, then lets calls in flight finish within the grace time.
pub async fn serve(
    mcp: Server,
    listener: Listener,
    config: &Config,
    shutdown: impl Future<Output = ()>,
) {
    let limits = &config.limits;
    let stopping = Arc::new(AtomicBool::new(false));
    let routes = Arc::new(Routes::new(mcp.clone(), config, stopping.clone()));
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let accept = async {
        loop {
            // The semaphore is never closed, so a place always comes.
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let stream = match listener.0.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let served = connection::serve(
                stream,
                routes.clone(),
                limits.head_timeout(),
                limits.write_timeout(),
                graceful.watcher(),
            );
            tokio::spawn(async move {
                served.await;
                drop(place);
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = shutdown => {}
    }
    stopping.store(true, Ordering::Relaxed);
    drop(listener);
    mcp.close();
    let drained = async {
        graceful.shutdown().await;
        // Calls of legacy clients go on without their connection.
        mcp.drained().await;
    };
    if tokio::time::timeout(limits.shutdown_grace(), drained)
        .await
        .is_err()
    {
        tracing::warn!(
            grace_s = limits.shutdown_grace_s,
            "calls were still in flight when the grace time ended"
        );
    }
}
