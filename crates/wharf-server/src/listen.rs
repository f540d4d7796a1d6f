//! Listening and shutting down.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use wharf_mcp::Server;

use crate::connection::{self, Room};
use crate::drain::{self, Drain};
use crate::lanes::Lanes;
use crate::routes::Routes;
use crate::{Config, Door, Limits};

/// How long to wait when the system has no room for another connection (no file descriptors, no memory).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Connections beyond `connections_max` that are accepted to be turned away: health checks come on single ones.
const TURNED_AWAY_MAX: usize = 64;

/// How long to look for those who connected in the very moment before the port closes.
const LAST_WAIT: Duration = Duration::from_millis(2);

/// How long to look for them at most: those who never stop connecting must not hold the port open.
const LAST_CALL: Duration = Duration::from_millis(100);

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

/// Serves whom `door` lets in until `shutdown` is done; then lets those who ask go elsewhere, and calls in flight finish
/// within the grace time.
pub async fn serve(
    mcp: Server,
    listener: Listener,
    config: &Config,
    door: Door,
    shutdown: impl Future<Output = ()>,
) {
    let limits = &config.limits;
    let drain = Arc::new(Drain::default());
    let house = House {
        lanes: Lanes::start(),
        routes: Arc::new(Routes::new(mcp.clone(), config, door, drain.clone())),
        limits: Arc::new(limits.clone()),
        places: Arc::new(Semaphore::new(
            limits.connections_max.min(Semaphore::MAX_PERMITS),
        )),
        places_to_refuse: Arc::new(Semaphore::new(TURNED_AWAY_MAX)),
        graceful: GracefulShutdown::new(),
    };
    let until_told = async {
        shutdown.await;
        drain.begin();
        tracing::info!(
            delay_s = limits.shutdown_delay_s,
            in_flight = mcp.calls().in_flight,
            "the server is told to stop"
        );
        tokio::time::sleep(limits.shutdown_delay()).await;
    };
    tokio::select! {
        () = house.receive(&listener) => {}
        () = until_told => {}
    }
    mcp.close();
    // Whoever connected before the port closes is told so too.
    house.receive_waiting(&listener).await;
    drop(listener);
    let House {
        graceful, lanes, ..
    } = house;
    let drained = async {
        if graceful.count() > 0 {
            tokio::time::sleep(drain::LINGER).await;
        }
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
            in_flight = mcp.calls().in_flight,
            "calls were still in flight when the grace time ended"
        );
    }
    // Calls that are cut short say so as they end, and nobody would hear it later.
    lanes.end().await;
}

/// What takes connections in.
struct House {
    lanes: Lanes,
    routes: Arc<Routes>,
    limits: Arc<Limits>,
    places: Arc<Semaphore>,
    /// For those who are turned away.
    places_to_refuse: Arc<Semaphore>,
    graceful: GracefulShutdown,
}

impl House {
    /// Takes in whoever connects. Never ends by itself.
    async fn receive(&self, listener: &Listener) {
        let mut turned_away = VecDeque::new();
        loop {
            let stream = match listener.accept().await {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            if let Ok(place) = self.places.clone().try_acquire_owned() {
                self.serve(stream, Room::Enough, place);
                continue;
            }
            make_room(&mut turned_away);
            // Where a thread is busy, who was told to end has not yet.
            if let Ok(place) = self.places_to_refuse.clone().acquire_owned().await {
                turned_away.extend(self.serve(stream, Room::None, place));
            }
        }
    }

    /// Takes in those who wait to be accepted, as far as there are places.
    async fn receive_waiting(&self, listener: &Listener) {
        let begun = Instant::now();
        while begun.elapsed() < LAST_CALL
            && let Ok(place) = self.places.clone().try_acquire_owned()
            && let Ok(Ok(stream)) = tokio::time::timeout(LAST_WAIT, listener.accept()).await
        {
            self.serve(stream, Room::Enough, place);
        }
    }

    /// Serves one connection to its end, apart. None where it has ended already.
    fn serve(
        &self,
        stream: TcpStream,
        room: Room,
        place: OwnedSemaphorePermit,
    ) -> Option<AbortHandle> {
        let (routes, limits) = (self.routes.clone(), self.limits.clone());
        let watcher = self.graceful.watcher();
        let served = self.lanes.serve(stream, move |stream| async move {
            connection::serve(stream, routes, room, limits, watcher).await;
            drop(place);
        });
        served
            .inspect_err(
                |error| tracing::debug!(%error, "a connection was gone before it was served"),
            )
            .ok()
    }
}

/// Ends the oldest of those who are turned away where they are as many as there may be: who wants to know whether the
/// server is well says so at once, and who says nothing is not to stand in the way of that.
fn make_room(turned_away: &mut VecDeque<AbortHandle>) {
    if turned_away.len() >= TURNED_AWAY_MAX {
        turned_away.retain(|served| !served.is_finished());
    }
    if turned_away.len() >= TURNED_AWAY_MAX
        && let Some(oldest) = turned_away.pop_front()
    {
        oldest.abort();
    }
}
