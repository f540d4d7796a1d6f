//! JSON is YAML: what is read as the one is the same as the other, or refused.

#![no_main]

#[path = "../../crates/wharf-openapi/tests/it/judge.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the property tests; each target asks one question"
)]
mod judge;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| judge::yaml(bytes));
