//! Legacy sessions: what a client said in its handshake, and what has to be remembered for it since.
//!
//! One type serves every legacy transport: a session of Streamable HTTP, an HTTP+SSE stream, a stdio process. All state
//! is behind short locks that no await is under; a call that needs no session never comes here.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wharf_model::{Caller, Json, LogLevel};

use crate::errors::WireError;
use crate::handshake::Greeting;
use crate::message::Id;
use crate::settings::Limits;
use crate::sse::Log;

/// Many small maps instead of a large one: requests of different sessions hardly ever meet at a lock.
const SHARDS: usize = 16;
/// How many streams of one session can be joined again; each is one call that said something before its answer.
const STREAMS_KEPT_MAX: usize = 16;

/// 128 random bits, which nobody guesses. It names a session and proves nothing about who holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionId(u128);

impl SessionId {
    fn random() -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system has randomness");
        Self(u128::from_ne_bytes(bytes))
    }

    fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 32 && text.bytes().all(is_hex))
            .then(|| u128::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The answer of a client to a question: a result, or an error.
pub(crate) type Answer = Result<Json, Json>;

/// One legacy client.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// Whose session it is. Nobody else can use it, whatever id they present.
    caller: Caller,
    greeting: Mutex<Greeting>,
    /// One more than the level's number; 0 for none.
    log_level: AtomicU8,
    calls: Mutex<HashMap<Id, (u64, CancellationToken)>>,
    calls_max: usize,
    questions: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    watched: Mutex<HashSet<String>>,
    watched_max: usize,
    streams: Mutex<VecDeque<Arc<Log>>>,
    /// The stream on which the server speaks of itself; a newer one ends it.
    news_stream: Mutex<CancellationToken>,
    /// Numbers questions, streams and calls.
    counter: AtomicU64,
    /// Calls and streams that are open; a session with any is not idle.
    open: AtomicUsize,
    last_used_ms: AtomicU64,
    /// A request came after the handshake.
    is_used: AtomicBool,
    /// Ends everything of the session.
    pub(crate) ended: CancellationToken,
}

/// Milliseconds since the first session of this process.
fn now_ms() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code under these locks panics half way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    pub(crate) fn new(caller: Caller, greeting: Greeting, limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            id: SessionId::random(),
            caller,
            greeting: Mutex::new(greeting),
            log_level: AtomicU8::new(0),
            calls: Mutex::default(),
            calls_max: limits.calls_per_session_max,
            questions: Mutex::default(),
            watched: Mutex::default(),
            watched_max: limits.watched_max,
            streams: Mutex::default(),
            news_stream: Mutex::default(),
            counter: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            last_used_ms: AtomicU64::new(now_ms()),
            is_used: AtomicBool::new(false),
            ended: CancellationToken::new(),
        })
    }

    pub(crate) fn greeting(&self) -> Greeting {
        *lock(&self.greeting)
    }

    /// A client of a pipe may begin anew.
    pub(crate) fn greet(&self, greeting: Greeting) {
        *lock(&self.greeting) = greeting;
    }

    pub(crate) fn log_level(&self) -> Option<LogLevel> {
        use LogLevel::{Alert, Critical, Debug, Emergency, Error, Info, Notice, Warning};
        let levels = [
            Debug, Info, Notice, Warning, Error, Critical, Alert, Emergency,
        ];
        let number = self.log_level.load(Ordering::Relaxed);
        levels.get(usize::from(number).checked_sub(1)?).copied()
    }

    pub(crate) fn set_log_level(&self, level: LogLevel) {
        self.log_level.store(level as u8 + 1, Ordering::Relaxed);
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes a call, so that the client can cancel it by its id.
    pub(crate) fn enter(self: &Arc<Self>, id: &Id) -> Result<InFlight, WireError> {
        let token = self.ended.child_token();
        let number = self.next_number();
        let mut calls = lock(&self.calls);
        if calls.len() >= self.calls_max {
            return Err(WireError::internal(format!(
                "{} calls are in flight; wait for one to end",
                self.calls_max
            )));
        }
        // One id for two calls would hide one of them from the count, from its client and from the end of the session.
        match calls.entry(id.clone()) {
            Entry::Occupied(_) => {
                return Err(WireError::invalid_request(
                    "a call with this `id` is in flight; give each request an id of its own",
                ));
            }
            Entry::Vacant(free) => free.insert((number, token.clone())),
        };
        drop(calls);
        Ok(InFlight {
            open: self.open(),
            id: id.clone(),
            number,
            token,
        })
    }

    pub(crate) fn cancel(&self, id: &str) {
        let found = lock(&self.calls).remove(id);
        if let Some((_, token)) = found {
            token.cancel();
        }
    }

    /// Notes that something is going on.
    pub(crate) fn open(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::AcqRel);
        Open(self.clone())
    }

    /// The number for a question and the way for its answer.
    pub(crate) fn ask(self: &Arc<Self>) -> Question {
        let number = self.next_number();
        let (sender, answer) = oneshot::channel();
        lock(&self.questions).insert(number, sender);
        Question {
            session: self.clone(),
            number,
            answer,
        }
    }

    /// Takes an answer of the client; `id` is how it named the question.
    pub(crate) fn answer(&self, id: &str, answer: Answer) {
        let waiting = id
            .parse()
            .ok()
            .and_then(|number: u64| lock(&self.questions).remove(&number));
        if let Some(waiting) = waiting {
            // Fails when the call has just ended.
            let _ = waiting.send(answer);
        } else {
            tracing::debug!("a client answered a question that nobody asks (any more)");
        }
    }

    pub(crate) fn watch(&self, uri: &str) -> Result<(), WireError> {
        let mut watched = lock(&self.watched);
        if watched.len() >= self.watched_max && !watched.contains(uri) {
            return Err(WireError::invalid_params(format!(
                "more than {} resources cannot be watched",
                self.watched_max
            )));
        }
        watched.insert(uri.to_owned());
        Ok(())
    }

    pub(crate) fn unwatch(&self, uri: &str) {
        lock(&self.watched).remove(uri);
    }

    pub(crate) fn watches(&self, uri: &str) -> bool {
        lock(&self.watched).contains(uri)
    }

    /// Keeps a stream that can be joined again.
    pub(crate) fn keep_stream(&self, log: &Arc<Log>) {
        let mut streams = lock(&self.streams);
        streams.retain(|log| !log.is_forgotten());
        if streams.len() >= STREAMS_KEPT_MAX {
            // One that has ended goes first: a client still waits for the others.
            let at = streams
                .iter()
                .position(|log| log.is_finished())
                .unwrap_or(0);
            streams.remove(at);
        }
        streams.push_back(log.clone());
    }

    pub(crate) fn stream(&self, number: u64) -> Option<Arc<Log>> {
        lock(&self.streams)
            .iter()
            .find(|log| log.stream() == Some(number) && !log.is_forgotten())
            .cloned()
    }

    /// Begins the one stream on which the server speaks of itself, and ends the one before.
    pub(crate) fn begin_news(&self) -> CancellationToken {
        let token = self.ended.child_token();
        std::mem::replace(&mut *lock(&self.news_stream), token.clone()).cancel();
        token
    }
}

/// A call that its client can cancel. Forgotten when this is dropped.
pub(crate) struct InFlight {
    open: Open,
    id: Id,
    number: u64,
    pub(crate) token: CancellationToken,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut calls = lock(&self.open.0.calls);
        if calls
            .get(&self.id)
            .is_some_and(|(number, _)| *number == self.number)
        {
            calls.remove(&self.id);
        }
    }
}

/// While this lives the session is not idle.
pub(crate) struct Open(Arc<Session>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.last_used_ms.store(now_ms(), Ordering::Relaxed);
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A question that waits for its answer. Forgotten when this is dropped.
pub(crate) struct Question {
    session: Arc<Session>,
    pub(crate) number: u64,
    pub(crate) answer: oneshot::Receiver<Answer>,
}

impl Drop for Question {
    fn drop(&mut self) {
        lock(&self.session.questions).remove(&self.number);
    }
}

/// All sessions of a server that are found by their id.
pub(crate) struct Sessions {
    shards: [Mutex<HashMap<SessionId, Arc<Session>>>; SHARDS],
    /// Those that may never have been used, in their order, some of them gone.
    fresh: Mutex<VecDeque<SessionId>>,
    count: AtomicUsize,
    max: usize,
    idle: Duration,
    last_sweep_ms: AtomicU64,
}

impl Sessions {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            shards: Default::default(),
            fresh: Mutex::default(),
            count: AtomicUsize::new(0),
            max: limits.sessions_max,
            idle: limits.session_idle,
            last_sweep_ms: AtomicU64::new(0),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn shard(&self, id: SessionId) -> MutexGuard<'_, HashMap<SessionId, Arc<Session>>> {
        let at = usize::from(id.0.to_le_bytes()[0]) % SHARDS;
        lock(&self.shards[at])
    }

    fn is_expired(&self, session: &Session, now_ms: u64) -> bool {
        let idle_ms = now_ms.saturating_sub(session.last_used_ms.load(Ordering::Relaxed));
        session.open.load(Ordering::Acquire) == 0 && u128::from(idle_ms) > self.idle.as_millis()
    }

    /// Makes a session findable. Where there are too many, one that nobody has used gives way, and if there is none, the
    /// one that was idle longest: whoever only makes sessions takes none from those who use theirs.
    pub(crate) fn add(&self, session: &Arc<Session>) {
        self.sweep();
        while self.count.load(Ordering::Acquire) >= self.max
            && (self.give_up_unused() || self.give_up_idlest())
        {}
        if self
            .shard(session.id)
            .insert(session.id, session.clone())
            .is_none()
        {
            self.count.fetch_add(1, Ordering::AcqRel);
        }
        let mut fresh = lock(&self.fresh);
        if fresh.len() > self.max.saturating_mul(2) {
            // Half at least are gone or in use, so this is rare.
            fresh.retain(|id| self.unused(*id).is_some());
        }
        fresh.push_back(session.id);
    }

    /// The session of that id, when it is this caller's; its idle time starts anew.
    pub(crate) fn find(&self, id: &str, caller: &Caller) -> Option<Arc<Session>> {
        let id = SessionId::parse(id)?;
        let session = self.shard(id).get(&id)?.clone();
        let now_ms = now_ms();
        if self.is_expired(&session, now_ms) {
            self.remove(&session);
            return None;
        }
        if session.caller != *caller {
            return None;
        }
        session.last_used_ms.store(now_ms, Ordering::Relaxed);
        session.is_used.store(true, Ordering::Relaxed);
        Some(session)
    }

    /// Ends a session.
    pub(crate) fn remove(&self, session: &Session) {
        if self.shard(session.id).remove(&session.id).is_some() {
            self.count.fetch_sub(1, Ordering::AcqRel);
        }
        session.ended.cancel();
    }

    /// Ends what has expired; now and then, as part of making a new one, so that no task has to.
    fn sweep(&self) {
        let now_ms = now_ms();
        let due_ms = u64::try_from(self.idle.as_millis() / 8).unwrap_or(u64::MAX);
        let last_ms = self.last_sweep_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(last_ms) < due_ms {
            return;
        }
        self.last_sweep_ms.store(now_ms, Ordering::Relaxed);
        for shard in &self.shards {
            let expired: Vec<_> = lock(shard)
                .values()
                .filter(|session| self.is_expired(session, now_ms))
                .cloned()
                .collect();
            for session in expired {
                self.remove(&session);
            }
        }
    }

    fn unused(&self, id: SessionId) -> Option<Arc<Session>> {
        let session = self.shard(id).get(&id)?.clone();
        let is_used = session.is_used.load(Ordering::Relaxed);
        (!is_used && session.open.load(Ordering::Acquire) == 0).then_some(session)
    }

    /// Looks at each new session once, however many there are.
    fn give_up_unused(&self) -> bool {
        loop {
            // Of its own statement: the lock is not held while the session is looked up.
            let oldest = lock(&self.fresh).pop_front();
            let Some(oldest) = oldest else { return false };
            if let Some(session) = self.unused(oldest) {
                tracing::debug!(max = self.max, "too many sessions; an unused one ends");
                self.remove(&session);
                return true;
            }
        }
    }

    fn give_up_idlest(&self) -> bool {
        let by_idleness = |session: &Arc<Session>| {
            // Open ones last: somebody waits for them.
            let is_open = session.open.load(Ordering::Acquire) > 0;
            (is_open, session.last_used_ms.load(Ordering::Relaxed))
        };
        let mut idlest: Option<Arc<Session>> = None;
        for shard in &self.shards {
            for session in lock(shard).values() {
                if idlest
                    .as_ref()
                    .is_none_or(|idlest| by_idleness(session) < by_idleness(idlest))
                {
                    idlest = Some(session.clone());
                }
            }
        }
        let Some(idlest) = idlest else { return false };
        tracing::debug!(
            max = self.max,
            "too many sessions; the one that was idle longest ends"
        );
        self.remove(&idlest);
        true
    }
}

#[cfg(test)]
mod tests {
    use wharf_model::Identity;

    use super::*;

    fn session(limits: &Limits) -> Arc<Session> {
        Session::new(Caller::default(), Greeting::default(), limits)
    }

    #[test]
    fn ids_survive_the_trip_through_text_and_nothing_else_does() {
        let id = SessionId::random();
        assert_eq!(SessionId::parse(&id.to_string()), Some(id));
        for text in [
            "",
            "0",
            "+0000000000000000000000000000000",
            "0000000000000000000000000000000G",
        ] {
            assert_eq!(SessionId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_idlest_gives_way_and_open_ones_last() {
        let limits = Limits {
            sessions_max: 2,
            ..Limits::default()
        };
        let sessions = Sessions::new(&limits);
        let (first, second, third) = (session(&limits), session(&limits), session(&limits));
        let _open = first.open();
        sessions.add(&first);
        sessions.add(&second);
        sessions.add(&third);
        let is_there = |session: &Session| {
            sessions
                .find(&session.id.to_string(), &Caller::default())
                .is_some()
        };
        assert!(is_there(&first), "an open session stays");
        assert!(!is_there(&second), "the idle one gave way");
        assert!(second.ended.is_cancelled());
        assert!(is_there(&third));
    }

    #[test]
    fn unused_sessions_give_way_before_used_ones() {
        let limits = Limits {
            sessions_max: 3,
            ..Limits::default()
        };
        let sessions = Sessions::new(&limits);
        let used = session(&limits);
        sessions.add(&used);
        let find = |session: &Session| {
            let id = session.id.to_string();
            sessions.find(&id, &Caller::default()).is_some()
        };
        assert!(find(&used));
        let others: Vec<_> = (0..20).map(|_| session(&limits)).collect();
        for other in &others {
            sessions.add(other);
        }
        let ended: Vec<_> = others.iter().map(|one| one.ended.is_cancelled()).collect();
        let mut expected = [true; 20];
        expected[18..].fill(false);
        assert_eq!(ended, expected, "the oldest unused ones");
        assert!(find(&used), "however long it was idle");
        assert!(lock(&sessions.fresh).len() <= 2 * 3 + 1);
        // With nothing but used ones the idlest gives way, as ever.
        assert!(find(&others[18]) && find(&others[19]));
        sessions.add(&session(&limits));
        assert_eq!(sessions.count.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn idle_sessions_expire_and_strangers_find_none() {
        let limits = Limits {
            session_idle: Duration::ZERO,
            ..Limits::default()
        };
        let sessions = Sessions::new(&limits);
        let one = session(&limits);
        sessions.add(&one);
        let open = one.open();
        std::thread::sleep(Duration::from_millis(5));
        let id = one.id.to_string();
        let stranger = Caller::known(Identity {
            subject: "mallory".to_owned(),
            ..Identity::default()
        });
        assert!(sessions.find(&id, &stranger).is_none(), "another caller");
        assert!(
            sessions.find(&id, &Caller::default()).is_some(),
            "open, so not idle"
        );
        drop(open);
        std::thread::sleep(Duration::from_millis(5));
        assert!(sessions.find(&id, &Caller::default()).is_none(), "expired");
        assert!(one.ended.is_cancelled());
    }

    #[test]
    fn an_id_is_in_flight_once() {
        let session = session(&Limits::default());
        let (id, other) = (Id::from("1"), Id::from("\"1\""));
        let first = session.enter(&id).unwrap();
        let refused = session.enter(&id).err().expect("the id is taken");
        assert_eq!(refused.code, crate::errors::INVALID_REQUEST);
        assert!(session.enter(&other).is_ok(), "a text is another id");
        session.ended.cancel();
        assert!(first.token.is_cancelled(), "it was not forgotten");
        drop(first);
        assert!(session.enter(&id).is_ok(), "it is free again");
    }

    #[test]
    fn log_levels_are_remembered() {
        let session = session(&Limits::default());
        assert_eq!(session.log_level(), None);
        for level in [LogLevel::Debug, LogLevel::Warning, LogLevel::Emergency] {
            session.set_log_level(level);
            assert_eq!(session.log_level(), Some(level));
        }
    }
}
