//! One client on one line: what stdio and HTTP+SSE have in common.
//!
//! Messages come in one by one and every answer goes out on the same queue, whenever it is ready. Each call is a task of
//! its own, so that a slow one does not stop the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::http::HeaderMap;
use bytestring::ByteString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wharf_model::{Caller, JsonKind, Slice, Trail, Transport};

use crate::batch;
use crate::call::{Call, drive};
use crate::dispatch::{Peer, Step, dispatch};
use crate::envelope::{self, Incoming, Notification, Request};
use crate::errors::WireError;
use crate::handshake;
use crate::headers;
use crate::http::shutting_down;
use crate::message::{Message, Reply, Shared};
use crate::mrtr::{Line, Way};
use crate::protocol::{Method, Revision};
use crate::session::Session;
use crate::sse::Running;
use crate::subscriptions::{LegacyNews, Listen};
use crate::watch;

/// How many messages may wait for a client that does not read; beyond that its calls wait too.
const QUEUE_MAX: usize = 64;

/// A client on a line of its own.
pub(crate) struct Connection {
    server: Shared,
    pub(crate) session: Arc<Session>,
    out: mpsc::Sender<Message>,
    pub(crate) tasks: TaskTracker,
    /// Modern requests are served too, as on stdio; HTTP+SSE is from before them.
    serves_modern: bool,
    /// Ends modern subscriptions, silently: the client has ended the line.
    pub(crate) hung_up: CancellationToken,
    /// The client hears of changes; begins with the handshake.
    tells_news: AtomicBool,
}

impl Connection {
    pub(crate) fn new(
        server: &Shared,
        caller: Caller,
        serves_modern: bool,
    ) -> (Self, mpsc::Receiver<Message>) {
        let (out, queue) = mpsc::channel(QUEUE_MAX);
        let limits = &server.settings.limits;
        let connection = Self {
            server: server.clone(),
            session: Session::new(caller, handshake::Greeting::default(), limits),
            out,
            tasks: TaskTracker::new(),
            serves_modern,
            hung_up: CancellationToken::new(),
            tells_news: AtomicBool::new(false),
        };
        (connection, queue)
    }

    /// Takes one message; whatever it leads to goes out on the queue.
    pub(crate) async fn accept(&self, text: &ByteString, caller: Caller, headers: HeaderMap) {
        if batch::is_batch(text) {
            match self.batch(text, caller, headers) {
                Ok(running) => self.spawn(running),
                Err(error) => self.send(error.reply(None)).await,
            }
            return;
        }
        match envelope::parse(text) {
            Err(fault) => self.send(fault.error.reply(fault.id)).await,
            Ok(Incoming::Notification(notification)) => {
                if notification.method == "notifications/initialized" {
                    self.tell_news();
                }
                notice(Some(&self.session), &notification);
            }
            Ok(Incoming::Response(response)) => {
                let outcome = response.outcome.map(Slice::to_json).map_err(Slice::to_json);
                self.session.answer(response.id, outcome);
            }
            Ok(Incoming::Request(request)) => match self.prepare(&request, text, caller, headers) {
                Err(error) => self.send(error.reply(Some(request.id))).await,
                Ok(Step::Done(reply)) => self.send(reply).await,
                Ok(Step::Call(call)) => self.call(call),
                Ok(Step::Listen(listen)) => {
                    let hung_up = self.hung_up.clone();
                    self.tasks.spawn(tell(listen, self.out.clone(), hung_up));
                }
            },
        }
    }

    /// A message that could not be read.
    pub(crate) async fn complain(&self, error: &WireError) {
        self.send(error.reply(None)).await;
    }

    async fn send(&self, reply: Reply) {
        // Fails when the client has gone.
        let _ = self.out.send(reply.message).await;
    }

    fn prepare(
        &self,
        request: &Request<'_>,
        text: &ByteString,
        caller: Caller,
        headers: HeaderMap,
    ) -> Result<Step, WireError> {
        if self.server.is_closed() {
            return Err(shutting_down());
        }
        let method = Method::parse(&request.method);
        let is_modern = self.serves_modern
            && (request.meta.version.is_some() || method == Some(Method::Discover));
        if is_modern {
            headers::check_metadata(request)?;
        } else if method == Some(Method::Initialize) {
            let (greeting, answer) = handshake::initialize(&self.server, request, true)?;
            let reply = Reply::ok(answer);
            let trail = self.trail(&headers);
            watch::greeted(trail.as_ref(), greeting.revision, &caller, &reply);
            self.session.greet(greeting);
            return Ok(Step::Done(reply));
        }
        let mut peer = self.legacy_peer(caller, headers);
        if is_modern {
            peer.revision = Revision::July2026;
            peer.client = handshake::client_capabilities(request.meta.capabilities);
        }
        dispatch(&self.server, request, text, peer)
    }

    fn legacy_peer(&self, caller: Caller, headers: HeaderMap) -> Peer {
        let greeting = self.session.greeting();
        let trail = self.trail(&headers);
        Peer {
            revision: greeting.revision,
            client: greeting.client,
            caller,
            headers,
            session: Some(self.session.clone()),
            can_poll: false,
            trail,
        }
    }

    /// A message on a line has a trail of its own, whatever HTTP request it came with.
    fn trail(&self, headers: &HeaderMap) -> Option<Arc<Trail>> {
        let transport = if self.serves_modern {
            Transport::Stdio
        } else {
            Transport::Sse
        };
        watch::trail(&self.server, transport, headers)
    }

    fn batch(
        &self,
        text: &ByteString,
        caller: Caller,
        headers: HeaderMap,
    ) -> Result<Running, WireError> {
        if self.server.is_closed() {
            return Err(shutting_down());
        }
        let peer = self.legacy_peer(caller, headers);
        if !peer.revision.has_batches() {
            return Err(batch::unknown());
        }
        batch::start(&self.server, text, &peer)
    }

    fn call(&self, mut call: Box<Call>) {
        let way = Way::Queue(self.out.clone());
        let events = call.listen();
        if !call.revision.is_modern() {
            call.line = Some(Line {
                session: self.session.clone(),
                way: way.clone(),
            });
        }
        self.spawn(drive(Box::pin(call.run()), events, way));
    }

    fn spawn(&self, running: impl Future<Output = Option<Reply>> + Send + 'static) {
        let out = self.out.clone();
        self.tasks.spawn(async move {
            if let Some(reply) = running.await {
                // Fails when the client has gone.
                let _ = out.send(reply.message).await;
            }
        });
    }

    /// From the handshake on the client hears of changes.
    fn tell_news(&self) {
        if self.tells_news.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut news = LegacyNews::new(&self.server, &self.session);
        let out = self.out.clone();
        self.tasks.spawn(async move {
            while let Some(message) = news.next().await {
                if out.send(message).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Tells a modern subscriber on a pipe, until it or the server ends the subscription.
async fn tell(mut listen: Listen, out: mpsc::Sender<Message>, hung_up: CancellationToken) {
    let cancelled = listen.cancelled();
    let mut message = listen.acknowledged();
    while out.send(message).await.is_ok() {
        let next = tokio::select! {
            () = cancelled.cancelled() => return,
            () = hung_up.cancelled() => return,
            next = listen.next() => next,
        };
        let Some(next) = next else {
            // Fails when the client has gone.
            let _ = out.send(listen.farewell()).await;
            return;
        };
        message = next;
    }
}

/// What a notification of a client means; most mean nothing to a server.
pub(crate) fn notice(session: Option<&Arc<Session>>, notification: &Notification<'_>) {
    if notification.method == "notifications/cancelled"
        && let Some(session) = session
        && let Some(id) = notification
            .params
            .and_then(|params| params.get("requestId"))
        && matches!(id.kind(), JsonKind::String | JsonKind::Number)
    {
        session.cancel(id.as_str());
    }
}
