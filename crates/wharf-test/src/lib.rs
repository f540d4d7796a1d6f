//! Test parts: the fixture server of the conformance suite, and what test suites share.

mod balancer;
mod faults;
mod fixture;

pub use balancer::Balancer;
pub use faults::{Fault, FaultProxy};
pub use fixture::{Fixture, PNG, WAV};
