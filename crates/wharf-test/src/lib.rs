//! Test parts: the fixture server of the conformance suite, and what test suites share.

mod fixture;

pub use fixture::{Fixture, PNG, WAV};
