//! Connections that stay open between requests.
//!
//! One request goes over one connection at a time, and whoever waits for its answer drives the connection: there is no
//! task beside, so an answer wakes one task instead of two. A connection is free again when the body of its answer is
//! dropped. It is driven by the runtime that opened it, so it serves requests of that runtime first: from another one it
//! works as well, but each of its bytes wakes two threads. What happened to it meanwhile is found out when it is next
//! taken: if the other side hung up, or if some of the body was still to come, it is closed, and whoever wanted it gets
//! another one.
//!
//! There is a library's pool for this (hyper-util's "legacy" client). It spends two tasks, a race between them and several
//! allocations on each request to decide what is decided here by a look into a list.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use tokio::runtime::{self, Handle};
use tokio::time::Instant;

use crate::address::Origin;
use crate::connect::{ConnectFailure, Connector, Opened, Stream};

/// Idle connections are closed before common load balancers do it (60 seconds), so that few requests meet a
/// connection that is just going away.
const IDLE_MAX: Duration = Duration::from_secs(50);

/// An open connection and what is sent over it.
struct Line {
    sender: SendRequest<Full<Bytes>>,
    /// None once it has ended.
    connection: Option<Connection<Stream, Full<Bytes>>>,
    /// Requests have to say where to.
    to_proxy: bool,
    /// What drives it.
    runtime: runtime::Id,
    /// Counts it among those that are open.
    _open: Arc<()>,
}

/// Opens connections and keeps those that are free.
pub(crate) struct Pool {
    connector: Connector,
    idle_max: usize,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// There are few: nearly always one.
    origins: Vec<Known>,
    /// Somebody will close those that nobody uses.
    is_swept: bool,
}

/// An origin that there are connections to.
struct Known {
    origin: Origin,
    /// The last used one last.
    free: Vec<Free>,
    /// Each connection holds one, free or not.
    open: Arc<()>,
}

/// What there is for who wants a connection.
enum Taken {
    Free(Box<Line>),
    /// To open one; it holds this.
    Open(Arc<()>),
}

/// A connection that is free.
struct Free {
    line: Box<Line>,
    since: Instant,
}

/// Why there is no answer.
pub(crate) enum SendFailure {
    /// There is no connection.
    Connect(ConnectFailure),
    /// The connection broke, or what came over it is not HTTP.
    Http(hyper::Error),
}

/// The body of an answer, and the connection that it comes over.
pub(crate) struct AnswerBody {
    body: Incoming,
    /// Dropped after the body, when the connection knows that nobody wants more of it.
    lent: Lent,
}

/// A connection that goes back to its pool.
struct Lent {
    pool: Arc<Pool>,
    /// None only while it is dropped.
    line: Option<(Origin, Box<Line>)>,
}

impl Line {
    /// Moves bytes to and fro. Everything that a request and its answer wait for happens in here and nowhere else, so
    /// what is polled right after this needs no waker of its own.
    fn drive(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && let Poll::Ready(ended) = Pin::new(connection).poll(context)
        {
            self.connection = None;
            if let Err(error) = ended {
                // Whoever waits for an answer is told by the answer.
                tracing::debug!(%error, "a connection to an upstream ended");
            }
        }
    }

    /// Waits until a request can be sent. Fails when the other side hung up.
    async fn ready(&mut self) -> Result<(), hyper::Error> {
        poll_fn(|context| {
            self.drive(context);
            self.sender.poll_ready(&mut still())
        })
        .await
    }

    /// Sends a request, of which it gets the target, and waits for the head of its answer.
    async fn send(
        &mut self,
        uri: &Uri,
        make: impl Fn() -> Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        // A turn that tokio takes away here would be given back to nobody: this one has no waker.
        let mut answer = pin!(tokio::task::unconstrained({
            let mut request = make();
            // RFC 9112 §3.2: a proxy is told the whole address, anybody else the rest of it.
            *request.uri_mut() = match uri.path_and_query() {
                Some(target) if !self.to_proxy => target.clone().into(),
                _ => uri.clone(),
            };
            self.sender.try_send_request(request)
        }));
        poll_fn(|context| {
            self.drive(context);
            answer.as_mut().poll(&mut still())
        })
        .await
    }
}

/// For what is polled again whenever something can have happened to it.
fn still() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

impl Idle {
    fn known(&mut self, origin: &Origin) -> &mut Known {
        let at = self
            .origins
            .iter()
            .position(|known| known.origin == *origin);
        let at = at.unwrap_or_else(|| {
            self.origins.push(Known {
                origin: origin.clone(),
                free: Vec::new(),
                open: Arc::default(),
            });
            self.origins.len() - 1
        });
        &mut self.origins[at]
    }
}

impl Pool {
    /// A pool that keeps up to `idle_max` free connections to each origin. Where so many requests at most are under way, so
    /// many connections at most are open, free or not.
    pub(crate) fn new(connector: Connector, idle_max: usize) -> Arc<Self> {
        Arc::new(Self {
            connector,
            idle_max,
            idle: Mutex::default(),
        })
    }

    /// Sends what `make` makes to `uri`, and makes it anew where a connection turns out to have been closed.
    pub(crate) async fn send(
        self: &Arc<Self>,
        uri: &Uri,
        make: impl Fn() -> Request<Full<Bytes>>,
    ) -> Result<Response<AnswerBody>, SendFailure> {
        let origin = Origin::of_uri(uri).expect("every address is built from an origin");
        // Ends, since each round uses up a free connection or opens one.
        loop {
            let (is_fresh, mut line) = match self.take(&origin) {
                Taken::Free(line) => (false, line),
                // Apart, since few requests need it and all would carry its room.
                Taken::Open(open) => (true, Box::pin(self.connect(uri, open)).await?),
            };
            if !line.sender.is_ready() {
                match line.ready().await {
                    Ok(()) => {}
                    Err(error) if is_fresh => return Err(SendFailure::Http(error)),
                    Err(_) => continue,
                }
            }
            match line.send(uri, &make).await {
                Ok(answer) => {
                    let lent = Lent {
                        pool: self.clone(),
                        line: Some((origin, line)),
                    };
                    return Ok(answer.map(|body| AnswerBody { body, lent }));
                }
                // The other side hung up before it took any of it, so it may be sent again whatever its method.
                Err(error) if !is_fresh && error.message().is_some() => {}
                Err(error) => return Err(SendFailure::Http(error.into_error())),
            }
        }
    }

    async fn connect(&self, uri: &Uri, open: Arc<()>) -> Result<Box<Line>, SendFailure> {
        let Opened { stream, to_proxy } = self
            .connector
            .connect(uri)
            .await
            .map_err(SendFailure::Connect)?;
        let (sender, connection) = handshake(stream).await.map_err(SendFailure::Http)?;
        Ok(Box::new(Line {
            sender,
            connection: Some(connection),
            to_proxy,
            runtime: Handle::current().id(),
            _open: open,
        }))
    }

    /// The free connection to an origin that was used last here. One from elsewhere only where no more may be open.
    fn take(&self, origin: &Origin) -> Taken {
        let here = Handle::current().id();
        let mut idle = self.idle();
        let known = idle.known(origin);
        let last = match known
            .free
            .iter()
            .rposition(|free| free.line.runtime == here)
        {
            Some(last) => Some(known.free.remove(last)),
            // The list itself holds one.
            None if Arc::strong_count(&known.open) <= self.idle_max => None,
            None => known.free.pop(),
        };
        match last {
            Some(last) if last.since.elapsed() < IDLE_MAX => return Taken::Free(last.line),
            // What was used before it is older still.
            Some(_) => known.free.retain(|free| free.since.elapsed() < IDLE_MAX),
            None => {}
        }
        Taken::Open(known.open.clone())
    }

    fn put_back(self: &Arc<Self>, origin: &Origin, line: Box<Line>) {
        let mut idle = self.idle();
        let free = Free {
            line,
            since: Instant::now(),
        };
        let known = idle.known(origin);
        if known.free.len() < self.idle_max {
            known.free.push(free);
        }
        if !idle.is_swept
            && let Ok(runtime) = Handle::try_current()
        {
            idle.is_swept = true;
            runtime.spawn(sweep(Arc::downgrade(self)));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        // Nothing under this lock panics half way through a change.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections that nobody uses, until there are none or the pool is gone.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE_MAX).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        idle.origins.retain_mut(|known| {
            known.free.retain(|free| free.since.elapsed() < IDLE_MAX);
            Arc::strong_count(&known.open) > 1
        });
        if idle.origins.is_empty() {
            idle.is_swept = false;
            return;
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        // The first look tells the connection that more is wanted.
        let polled = Pin::new(&mut self.body).poll_frame(&mut still());
        if let Poll::Pending = polled
            && let Some((_, line)) = &mut self.lent.line
        {
            line.drive(context);
            return Pin::new(&mut self.body).poll_frame(&mut still());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some((origin, mut line)) = self.line.take() {
            if !line.sender.is_ready() {
                // A rest that is there already is passed over; one that is still to come closes the connection.
                line.drive(&mut still());
            }
            if !line.sender.is_closed() {
                self.pool.put_back(&origin, line);
            }
        }
    }
}
