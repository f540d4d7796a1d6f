//! Drives the running shop through everything that its document says.

mod api;
mod document;
mod scenarios;
