//! Test parts: the conformance fixture server and helpers shared by the test suites.
