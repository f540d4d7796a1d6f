//! Any bytes as `wharf.yaml`: read, or refused with reasons that name lines of the file, twice in the same way.

#![no_main]

use std::collections::BTreeMap;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use schemars::JsonSchema;
use serde::Deserialize;
use wharf_config::{Environment, parse};

/// The sections of the parts, as the binary puts them together.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read for its form alone")]
struct Config {
    #[serde(default)]
    name: String,
    #[serde(default)]
    server: wharf_server::Config,
    #[serde(default)]
    sources: BTreeMap<String, Source>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read for its form alone")]
struct Source {
    openapi: String,
    #[serde(default)]
    upstream: wharf_upstream::Config,
    #[serde(default)]
    tools: wharf_openapi::Config,
    #[serde(default)]
    results: wharf_catalog::Shape,
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    // Whoever writes a configuration may name any file; the fuzzer should not read this machine's.
    if text.contains("${file") {
        return;
    }
    let environment = Environment::of([("KEY", "secret-value")]);
    let read = || parse::<Config>(text, "wharf.yaml", Path::new("/nonexistent"), &environment);
    let (first, second) = (read(), read());
    match (&first, &second) {
        (Ok(first), Ok(second)) => assert_eq!(
            format!("{:?}", first.config),
            format!("{:?}", second.config)
        ),
        (Err(first), Err(second)) => {
            assert_eq!(first.to_string(), second.to_string());
            let is_told =
                first.to_string().contains("secret-value") && !text.contains("secret-value");
            assert!(!is_told, "a secret in {first}");
        }
        _ => panic!("read once and refused once"),
    }
    if let Ok(loaded) = first {
        let _ = loaded.config.server.check();
    }
});
