//! The server: what is shared by all its requests, and its life from [`Server::new`] to [`Server::close`].

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ::http::request::Parts;
use ::http::{Request, Response, StatusCode};
use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wharf_catalog::Catalog;
use wharf_model::Caller;

use crate::admission;
use crate::body::Body;
use crate::encode::Frame;
use crate::errors::{self, WireError};
use crate::handshake;
use crate::legacy_sse::{self, Connections};
use crate::lists::Offering;
use crate::mrtr::Sealer;
use crate::news::News;
use crate::protocol::Revision;
use crate::session::Sessions;
use crate::settings::Settings;
use crate::sse::Budget;
use crate::tally::{Calls, Tally};
use crate::{http, stdio};

/// An MCP server over one catalog. Clones share everything.
///
/// ```
/// # use wharf_catalog::Catalog;
/// let catalog = Catalog::build([]).expect("nothing clashes with nothing");
/// let server = wharf_mcp::Server::new(catalog, wharf_mcp::Settings::default());
/// assert!(server.catalog().tools().is_empty());
/// ```
#[derive(Clone)]
pub struct Server(Arc<Inner>);

/// What every request can reach.
pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) offering: ArcSwap<Offering>,
    /// The server's `Implementation` object, which goes into every modern answer.
    server_info: String,
    pub(crate) news: News,
    pub(crate) sessions: Sessions,
    pub(crate) connections: Connections,
    /// What all event streams may hold together.
    pub(crate) streams: Arc<Budget>,
    /// How many are open.
    pub(crate) open_streams: Arc<AtomicUsize>,
    pub(crate) sealer: Sealer,
    /// Ends streams; requests ask the flag beside it, which costs no lock.
    pub(crate) closing: CancellationToken,
    closed: AtomicBool,
    pub(crate) tally: Tally,
    /// Legacy calls whose connection has gone, and calls whose answer is a stream. Each ends by its timeout.
    pub(crate) tasks: TaskTracker,
    /// Places for calls whose client has gone.
    pub(crate) abandoned: Arc<Semaphore>,
}

impl Server {
    /// A server that offers `catalog`.
    pub fn new(catalog: Catalog, settings: Settings) -> Self {
        let news = News::new(catalog.sources());
        Self(Arc::new(Inner {
            server_info: handshake::server_info(&settings),
            offering: ArcSwap::from_pointee(Offering::new(catalog)),
            news,
            sessions: Sessions::new(&settings.limits),
            connections: Connections::default(),
            streams: Budget::new(settings.limits.kept_bytes_of_all_max),
            open_streams: Arc::default(),
            sealer: Sealer::new(settings.state_key.as_ref()),
            closing: CancellationToken::new(),
            closed: AtomicBool::new(false),
            tally: Tally::default(),
            tasks: TaskTracker::new(),
            abandoned: Arc::new(Semaphore::new(
                settings
                    .limits
                    .abandoned_calls_max
                    .min(Semaphore::MAX_PERMITS),
            )),
            settings,
        }))
    }

    /// Offers another catalog from now on and tells every client that listens. Calls in flight end in the old one.
    pub fn replace(&self, mut catalog: Catalog) {
        let server = &self.0;
        catalog.continue_from(&server.offering.load().catalog);
        let new = Offering::new(catalog);
        let sources = new.catalog.sources().to_vec();
        let old = server.offering.swap(Arc::new(new));
        let new = server.offering.load();
        server.news.replace(
            sources,
            old.has_prompts() || new.has_prompts(),
            old.has_resources() || new.has_resources(),
        );
    }

    /// What is offered now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.0.offering.load().catalog.clone()
    }

    /// How many legacy sessions are kept.
    pub fn sessions(&self) -> usize {
        self.0.sessions.len()
    }

    /// How many event streams are open.
    pub fn streams(&self) -> usize {
        self.0.open_streams.load(Ordering::Relaxed)
    }

    /// What the owner decided.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// How many calls there were, and how many there are now.
    pub fn calls(&self) -> Calls {
        self.0.tally.read()
    }

    /// Answers a request to the MCP endpoint, whatever its path.
    ///
    /// A [`wharf_model::Caller`] in the request's extensions is who calls; without one it is somebody unknown. Dropping
    /// the future, or the response's body, means that the client has gone: that cancels a modern call and not a legacy
    /// one, as the protocol has it.
    pub fn handle<B>(&self, request: Request<B>) -> impl Future<Output = Response<Body>> + Send
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        http::handle(&self.0, request)
    }

    /// Answers a request to the event stream of the old HTTP+SSE transport. Its messages are expected at `messages`
    /// beside it: `/sse` names `/messages`.
    #[expect(
        clippy::unused_async,
        reason = "the three ways in are used alike; this one happens not to wait"
    )]
    pub async fn handle_sse<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        legacy_sse::handle_stream(&self.0, request)
    }

    /// Takes a message of the old HTTP+SSE transport.
    pub async fn handle_message<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        legacy_sse::handle_message(&self.0, request).await
    }

    /// The answer to a request whose `Host` or `Origin` this server does not serve; none where it does. For routes beside
    /// the endpoint, which does the same by itself.
    pub fn refusal(&self, head: &Parts) -> Option<Response<Body>> {
        let error = admission::check(&self.0.settings, head).err()?;
        Some(http::refuse(&error, None))
    }

    /// The answer to a request that there is no room for.
    pub fn turn_away(&self) -> Response<Body> {
        http::refuse(&http::no_room(), None)
    }

    /// The answer to a request that goes no further, such as one whose caller is not let in: the status and the sentence
    /// as a JSON-RPC error, readable for the browsers that may ask. A foreign `Host` or `Origin` is told of that instead.
    pub fn refuse(
        &self,
        head: &Parts,
        status: StatusCode,
        message: impl Into<Cow<'static, str>>,
    ) -> Response<Body> {
        match admission::check(&self.0.settings, head) {
            Ok(origin) => {
                let error = WireError::new(status, errors::INVALID_REQUEST, message);
                admission::admit(http::refuse(&error, None), origin)
            }
            Err(error) => http::refuse(&error, None),
        }
    }

    /// Serves one client over a pair of pipes until its input ends or the server closes.
    ///
    /// Calls in flight then have [`crate::Limits::drain`] or [`crate::Limits::grace`] to end.
    pub async fn stdio<R: AsyncRead, W: AsyncWrite>(&self, input: R, output: W) -> io::Result<()> {
        self.stdio_as(Caller::default(), input, output).await
    }

    /// The same, for a client of whom its owner says who they are: a pipe carries no token.
    pub async fn stdio_as<R: AsyncRead, W: AsyncWrite>(
        &self,
        caller: Caller,
        input: R,
        output: W,
    ) -> io::Result<()> {
        stdio::serve(&self.0, &caller, input, output).await
    }

    /// Ends every stream as the protocol says and refuses new requests. Calls in flight go on to their end.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.closing.cancel();
    }

    /// Waits for the calls that go on without their connection, once the server is closed. Each ends by
    /// [`crate::Limits::call_timeout`]; whoever cannot wait so long drops this.
    pub async fn drained(&self) {
        self.0.closing.cancelled().await;
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.0.settings.name)
            .field("tools", &self.0.offering.load().catalog.tools().len())
            .finish_non_exhaustive()
    }
}

impl Inner {
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// What an answer to the request `id` of a client of `revision` has around it.
    pub(crate) fn frame<'a>(&'a self, id: &'a str, revision: Revision) -> Frame<'a> {
        Frame {
            id,
            revision,
            server_info: &self.server_info,
        }
    }
}
