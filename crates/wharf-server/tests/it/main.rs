//! The server around an empty catalog, asked over real sockets.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod door;
mod drain;
mod full;
mod health;
mod routes;
mod support;
