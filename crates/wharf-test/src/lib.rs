//! Test parts: the fixture server of the conformance suite, and what test suites share.

mod balancer;
mod fixture;

pub use balancer::Balancer;
pub use fixture::{Fixture, PNG, WAV};
