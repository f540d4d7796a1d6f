//! Drives the running shop through everything that its document says.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

mod api;
mod document;
mod scenarios;
