//! The server on a real socket, and on real pipes, as clients of every revision meet it.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "a panic is how a test fails, and a literal reads best where it is used"
)]

mod support;

mod access;
mod admission;
mod batches;
mod legacy;
mod limits;
mod modern;
mod observed;
mod questions;
mod rates;
mod routing;
mod sessions;
mod sse_transport;
mod stdio;
mod streams;
mod subscriptions;
