//! Sixty cases that break servers made from OpenAPI documents, each as a test of its number: what the upstream received
//! and what the client got. `docs/openapi.md` has a row for each.
//!
//! Most cases are a small document, offered through the catalog and called over a real connection; those about
//! start-up, stdio and signals run the built binary. Whatever is listed is held to a strict client's rules in every
//! case: see [`offer`].

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should end with the reason"
)]

mod api;
mod offer;
#[path = "../it/process.rs"]
#[allow(dead_code, reason = "shared with the tests of the commands")]
mod process;
mod stdio;

mod arguments;
mod bodies;
mod credentials;
mod documents;
mod lists;
mod pages;
mod parameters;
mod processes;
mod results;
mod schemas;
mod settings;
mod table;
mod upstreams;
