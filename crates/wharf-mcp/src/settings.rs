//! What the owner of a server decides, with a reason for every default.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use wharf_model::{Icon, Observer, Secret};

/// How one server presents itself and what it permits.
#[derive(Clone)]
pub struct Settings {
    /// The server's name for programs. `wharf` unless the owner says otherwise.
    pub name: String,
    /// The server's name for people.
    pub title: Option<String>,
    /// The server's own version; clients show it and log it.
    pub version: String,
    /// How to use the tools together, for the model. Many clients put it into the system prompt, so keep it short.
    pub instructions: Option<String>,
    /// A page about the server.
    pub website: Option<String>,
    /// Pictures of the server.
    pub icons: Vec<Icon>,
    /// Whether legacy clients get a session. On by default: without one a legacy client gets no change notifications, no
    /// log messages, and no tool can ask it anything. Off where any replica must answer any request.
    pub sessions: bool,
    /// Whether the old HTTP+SSE transport answers. Off by default: it is deprecated, and needs both of its requests to
    /// reach the same process.
    pub sse_transport: bool,
    /// What a client may use up.
    pub limits: Limits,
    /// Values of `Host` to answer to, beside loopback: `name`, `name:port`, or `*` for any. Empty by default, so that a page
    /// that rebinds its name to this machine is refused.
    pub allowed_hosts: Vec<String>,
    /// Web origins that may ask, beside loopback pages that ask a loopback address: `https://example.com`, or `*` for
    /// any. Empty by default.
    pub allowed_origins: Vec<String>,
    /// How long a modern client may keep a list, in milliseconds. One minute by default: changes are announced, so this
    /// only bounds what a client without a subscription misses.
    pub list_ttl_ms: u64,
    /// The key that seals the state of multi-round-trip calls. Replicas with the same key continue each other's calls;
    /// random when absent, so that a restart or another replica refuses the state.
    pub state_key: Option<StateKey>,
    /// Who is told of every request. Nobody by default, which costs nothing.
    pub observer: Option<Arc<dyn Observer>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("name", &self.name)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A key that seals state; long enough that nobody finds it by trying.
#[derive(Debug, Clone)]
pub struct StateKey(Secret);

impl StateKey {
    /// As many bytes as a tag has. A client holds tags it can try keys against, as fast as it likes.
    pub const BYTES_MIN: usize = 32;

    /// Refuses a short key. That a long one is random is up to the owner: `openssl rand -hex 32` makes one.
    pub fn new(key: Secret) -> Result<Self, ShortStateKey> {
        if key.expose().len() < Self::BYTES_MIN {
            return Err(ShortStateKey);
        }
        Ok(Self(key))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

/// A state key is too short to protect anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortStateKey;

impl fmt::Display for ShortStateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the state key has fewer than {} bytes",
            StateKey::BYTES_MIN
        )
    }
}

impl Error for ShortStateKey {}

/// What a client may use up.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest message. 4 MiB by default: arguments with a file inside pass, and a hundred at once fit into memory.
    pub body_bytes_max: usize,
    /// The deepest nesting of a message. 64 by default: far beyond honest arguments, well below what the readers of
    /// JSON behind this one can take, which is 127 and cannot be exceeded.
    pub nesting_max: usize,
    /// How many legacy sessions are kept; beyond it one that was never used ends, or the one
    /// that was idle longest. 10,000 by default, about 10 MB.
    pub sessions_max: usize,
    /// How long a session lives without a request. 30 minutes by default: longer than a person's pause, and clients that
    /// come later begin anew when they are told 404.
    pub session_idle: Duration,
    /// When a call ends, whatever it is doing. 10 minutes by default: a slow upstream job, or a person who has to
    /// answer.
    pub call_timeout: Duration,
    /// How long a legacy client may take to answer a question. 5 minutes by default, the time of a person with a form.
    pub answer_timeout: Duration,
    /// How many messages a JSON-RPC batch may hold. 64 by default; batches exist in one old revision and are rare there.
    pub batch_max: usize,
    /// How many bytes the answers to one batch may have together; further ones become errors. 16 MiB by default, as they
    /// are all in memory until the last is there.
    pub batch_answer_bytes_max: usize,
    /// How many legacy calls may go on after their client has gone, in the whole server; beyond it they are cancelled. 256
    /// by default: the calls of a proxy that restarts, and not an upstream's ruin.
    pub abandoned_calls_max: usize,
    /// How many calls one session or stdio client may have in flight. 256 by default, so that one client cannot take
    /// all of an upstream's connections.
    pub calls_per_session_max: usize,
    /// How many events of one stream are kept for a client that comes back. 256 by default: minutes of progress.
    pub kept_events_max: usize,
    /// How many bytes of events of one stream are kept. 4 MiB by default; the last event is kept whatever its size,
    /// because it is the answer.
    pub kept_bytes_max: usize,
    /// How many bytes of events all streams of the server may hold together; beyond it those that finished first are
    /// given up. 64 MiB by default: sixteen full streams, or thousands of the usual size, and a small part of the
    /// memory of the smallest machine.
    pub kept_bytes_of_all_max: usize,
    /// How long a stream can be joined again after its answer. One minute by default: a lost connection is noticed
    /// and made anew within seconds.
    pub kept_after_end: Duration,
    /// How many resources one client may watch. 1,000 by default.
    pub watched_max: usize,
    /// How long the sealed state of a multi-round-trip call stays good. 15 minutes by default: a person may have to
    /// sign in somewhere first.
    pub state_lifetime: Duration,
    /// How often a quiet stream gets a comment line. 15 seconds by default, below the idle limit of the usual proxies.
    pub keep_alive: Duration,
    /// How long calls in flight may go on after the end of input on stdio. 1.5 seconds by default: the client is gone, and
    /// the usual ones end the process after two.
    pub drain: Duration,
    /// How long they may go on there when the server is told to end. 20 seconds by default.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "wharf".to_owned(),
            title: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instructions: None,
            website: None,
            icons: Vec::new(),
            sessions: true,
            sse_transport: false,
            limits: Limits::default(),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            list_ttl_ms: 60_000,
            state_key: None,
            observer: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 4 << 20,
            nesting_max: 64,
            sessions_max: 10_000,
            session_idle: Duration::from_secs(30 * 60),
            call_timeout: Duration::from_secs(10 * 60),
            answer_timeout: Duration::from_secs(5 * 60),
            batch_max: 64,
            batch_answer_bytes_max: 16 << 20,
            abandoned_calls_max: 256,
            calls_per_session_max: 256,
            kept_events_max: 256,
            kept_bytes_max: 4 << 20,
            kept_bytes_of_all_max: 64 << 20,
            kept_after_end: Duration::from_secs(60),
            watched_max: 1_000,
            state_lifetime: Duration::from_secs(15 * 60),
            keep_alive: Duration::from_secs(15),
            drain: Duration::from_millis(1_500),
            grace: Duration::from_secs(20),
        }
    }
}
