//! Any bytes as a document: read or refused, twice in the same way, and what is listed is sound.

#![no_main]

#[path = "../../crates/wharf-openapi/tests/it/judge.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the property tests; each target asks one question"
)]
mod judge;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| judge::document(bytes, bytes.len().is_multiple_of(2)));
