//! The Model Context Protocol: a [`Server`] that serves a [`wharf_catalog::Catalog`] to clients of every revision.
//!
//! Two eras share one endpoint. *Modern* (2026-07-28) has no handshake: every request carries its own metadata. *Legacy*
//! (2024-11-05 to 2025-11-25) begins with `initialize` and may hold a session. The era is chosen per request, by what
//! the request carries, never by the connection.
//!
//! This crate alone knows MCP's wire. It does no socket work: it takes an [`http::Request`](::http::Request) and gives
//! an [`http::Response`](::http::Response), or reads and writes the two ends of a stdio pair. Identity is not its
//! business either: whoever authenticates puts a [`wharf_model::Caller`] into the request's extensions.
//!
//! A call reads top to bottom: `http` → `envelope` → `headers` → `dispatch` → `call` → `encode`.

mod server;
mod settings;

mod admission;
mod body;
mod envelope;
mod headers;
mod http;
mod protocol;

mod batch;
mod call;
mod dispatch;
mod errors;
mod watch;

mod encode;
mod handshake;
mod lists;
mod message;
mod tally;

mod mrtr;
mod news;
mod subscriptions;

mod connection;
mod legacy_sse;
mod session;
mod sse;
mod stdio;

pub use body::Body;
pub use encode::{tool_list, tool_result};
pub use message::Refusal;
pub use server::Server;
pub use settings::{Limits, Settings, ShortStateKey, StateKey};
pub use tally::Calls;
