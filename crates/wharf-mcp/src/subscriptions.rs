//! Who hears of changes: modern subscriptions, each a request that stays open, and the one stream of a legacy session.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use wharf_model::{Caller, Change, JsonKind, Slice};

use crate::body::Chunks;
use crate::dispatch::Peer;
use crate::encode::json::array;
use crate::encode::{self, json, notifications};
use crate::envelope::Request;
use crate::errors::WireError;
use crate::lists::Offering;
use crate::message::{Id, Message, Shared};
use crate::news::{self, Missed};
use crate::protocol::Revision;
use crate::session::{InFlight, Open, Session};
use crate::sse;

/// What a modern client wants to hear of, as far as there is anything to hear.
struct Filter {
    tools: bool,
    prompts: bool,
    resources: bool,
    uris: HashSet<String>,
}

impl Filter {
    fn read(
        request: &Request<'_>,
        offering: &Offering,
        caller: &Caller,
        uris_max: usize,
    ) -> Result<Self, WireError> {
        let Some(asked) = request
            .params
            .all
            .and_then(|params| params.get("notifications"))
            .filter(|asked| asked.kind() == JsonKind::Object)
        else {
            return Err(WireError::malformed("`notifications` must be an object"));
        };
        let wants = |name| asked.get(name).and_then(Slice::boolean).unwrap_or(false);
        let mut uris = HashSet::new();
        if offering.has_resources()
            && let Some(watched) = asked.get("resourceSubscriptions")
        {
            for uri in watched.each_item() {
                let uri = uri.text().ok_or_else(|| {
                    WireError::malformed("`resourceSubscriptions` must be a list of strings")
                })?;
                // What the caller may not read is left out, and so not acknowledged.
                if offering.catalog.check_resource(caller, &uri).is_err() {
                    continue;
                }
                uris.insert(uri.into_owned());
                if uris.len() > uris_max {
                    return Err(WireError::invalid_params(format!(
                        "more than {uris_max} resources cannot be watched"
                    )));
                }
            }
        }
        Ok(Self {
            tools: wants("toolsListChanged"),
            prompts: wants("promptsListChanged") && offering.has_prompts(),
            resources: wants("resourcesListChanged") && offering.has_resources(),
            uris,
        })
    }

    fn admits(&self, change: &Change) -> bool {
        match change {
            Change::Tools => self.tools,
            Change::Prompts => self.prompts,
            Change::Resources => self.resources,
            Change::Resource(uri) => self.uris.contains(uri),
        }
    }

    fn acknowledged(&self, id: &str) -> Vec<u8> {
        notifications::acknowledged(id, |filter| {
            for (wanted, name) in [
                (self.tools, "toolsListChanged"),
                (self.prompts, "promptsListChanged"),
                (self.resources, "resourcesListChanged"),
            ] {
                if wanted {
                    filter.boolean(name, true);
                }
            }
            if !self.uris.is_empty() {
                let mut uris: Vec<_> = self.uris.iter().collect();
                uris.sort_unstable();
                array(filter.key("resourceSubscriptions"), &uris, |out, uri| {
                    json::text(out, uri);
                });
            }
        })
    }
}

/// One modern subscription.
pub(crate) struct Listen {
    server: Shared,
    id: Id,
    filter: Filter,
    receiver: broadcast::Receiver<Change>,
    missed: Option<Missed>,
    /// On stdio, where the client ends it by a message.
    in_flight: Option<InFlight>,
}

impl Listen {
    pub(crate) fn new(
        server: &Shared,
        offering: &Offering,
        request: &Request<'_>,
        peer: &Peer,
    ) -> Result<Self, WireError> {
        let uris_max = server.settings.limits.watched_max;
        let filter = Filter::read(request, offering, &peer.caller, uris_max)?;
        let id = Id::from(request.id);
        let session = peer.session.as_ref();
        Ok(Self {
            in_flight: session.map(|session| session.enter(&id)).transpose()?,
            server: server.clone(),
            id,
            filter,
            receiver: server.news.listen(),
            missed: None,
        })
    }

    /// The first message: what the server will tell.
    pub(crate) fn acknowledged(&self) -> Message {
        self.filter.acknowledged(&self.id).into()
    }

    /// The next message, or none when the server closes.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            let missed = self.missed.take();
            let (change, missed) = tokio::select! {
                next = news::next(&mut self.receiver, missed) => next?,
                () = self.server.closing.cancelled() => return None,
            };
            self.missed = missed;
            if self.filter.admits(&change) {
                return Some(notifications::change(&change, Some(&self.id)).into());
            }
        }
    }

    /// Fires when the client ends the subscription by a message.
    pub(crate) fn cancelled(&self) -> CancellationToken {
        self.in_flight
            .as_ref()
            .map_or_else(CancellationToken::new, |in_flight| in_flight.token.clone())
    }

    /// The answer, which ends the subscription over HTTP.
    fn result(&self) -> Message {
        let frame = self.server.frame(&self.id, Revision::July2026);
        encode::listen_result(frame).into()
    }

    /// The last message on a pipe.
    pub(crate) fn farewell(&self) -> Message {
        notifications::cancelled(&self.id, "the server is shutting down").into()
    }

    /// The whole subscription as an event stream.
    pub(crate) fn into_chunks(self) -> Chunks {
        let first = self.acknowledged();
        Box::pin(stream::unfold(
            Stage::First(first, self),
            |stage| async move {
                match stage {
                    Stage::First(message, listen) => Some((framed(&message), Stage::Open(listen))),
                    Stage::Open(mut listen) => {
                        let keep_alive = listen.server.settings.limits.keep_alive;
                        tokio::select! {
                            next = listen.next() => match next {
                                Some(message) => Some((framed(&message), Stage::Open(listen))),
                                None => Some((framed(&listen.result()), Stage::Over)),
                            },
                            () = tokio::time::sleep(keep_alive) => Some((sse::KEEP_ALIVE, Stage::Open(listen))),
                        }
                    }
                    Stage::Over => None,
                }
            },
        ))
    }
}

enum Stage {
    First(Message, Listen),
    Open(Listen),
    Over,
}

fn framed(message: &Message) -> Bytes {
    let mut out = Vec::new();
    sse::event(&mut out, None, message);
    out.into()
}

/// The news of a legacy session.
pub(crate) struct LegacyNews {
    server: Shared,
    session: Arc<Session>,
    receiver: broadcast::Receiver<Change>,
    missed: Option<Missed>,
    ended: CancellationToken,
    _open: Open,
}

impl LegacyNews {
    pub(crate) fn new(server: &Shared, session: &Arc<Session>) -> Self {
        Self {
            server: server.clone(),
            session: session.clone(),
            receiver: server.news.listen(),
            missed: None,
            ended: session.begin_news(),
            _open: session.open(),
        }
    }

    /// The next message, or none when the session or the server ends, or a newer stream takes over.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            let missed = self.missed.take();
            let (change, missed) = tokio::select! {
                next = news::next(&mut self.receiver, missed) => next?,
                () = self.server.closing.cancelled() => return None,
                () = self.ended.cancelled() => return None,
            };
            self.missed = missed;
            let is_wanted = match &change {
                Change::Resource(uri) => self.session.watches(uri),
                _ => true,
            };
            if is_wanted {
                return Some(notifications::change(&change, None).into());
            }
        }
    }

    pub(crate) fn into_chunks(self) -> Chunks {
        // A comment at once: some clients and proxies take a stream for open only when something has come.
        Box::pin(stream::unfold(
            (self, true),
            |(mut news, is_first)| async move {
                if is_first {
                    return Some((sse::KEEP_ALIVE, (news, false)));
                }
                let keep_alive = news.server.settings.limits.keep_alive;
                tokio::select! {
                    next = news.next() => Some((framed(&next?), (news, false))),
                    () = tokio::time::sleep(keep_alive) => Some((sse::KEEP_ALIVE, (news, false))),
                }
            },
        ))
    }
}
