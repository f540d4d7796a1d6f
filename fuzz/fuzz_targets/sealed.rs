//! Sealed values: whatever somebody sends instead of one is refused.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| assert!(wharf_auth::probe_seal(text)));
