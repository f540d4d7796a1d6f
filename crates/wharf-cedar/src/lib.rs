//! Who may call what, as policies in the language Cedar say: the only crate that knows the language.
//!
//! A policy is asked of a *caller* what they may do with a *thing*: call a tool, or use what a source has besides tools.
//! Callers and things are entities of a schema that is fixed but for the claims of a token, and every policy is held to
//! it when it is read; so a misspelt attribute is a mistake at the start and not a tool that nobody can call.
//!
//! Files are read and configurations are found by others. Nothing here waits or has a clock.

#![cfg(feature = "cedar")]

mod policies;

mod attributes;
mod callers;
mod names;
mod schema;
mod things;

mod hierarchy;
mod mistake;

#[cfg(test)]
mod tests;

pub use mistake::Mistake;
pub use policies::{Files, Policies, Text};
