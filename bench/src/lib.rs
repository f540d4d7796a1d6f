//! What benchmarks share: calls to make, an API to answer them, a raw limit to compare with, and a load to put on them.
//!
//! The *raw limit* is a program that does the least any server between MCP and an HTTP API can do for a call, and does it
//! with the same HTTP library as Wharf: a ratio to it says what Wharf adds, whatever the machine. Nothing here is a test:
//! a benchmark is run by hand and reports numbers.

pub mod document;
pub mod extra;
pub mod limit;
pub mod load;
pub mod report;
pub mod subject;
pub mod upstream;
pub mod workload;
