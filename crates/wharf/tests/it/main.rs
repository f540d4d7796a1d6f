//! The built binary, tried as its user would.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should end with the reason"
)]

mod access;
mod bad_input;
mod callers;
mod cedar;
mod chaos;
mod commands;
mod documentation;
mod endurance;
mod lists;
mod openapi_compat;
mod pages;
mod petstore;
mod process;
mod reload;
mod selection;
mod several_files;
mod stopping;
mod telemetry;
mod wire;
