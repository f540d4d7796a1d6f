//! Any bytes as what proves who calls: nobody is let in who does not know a secret, and the same is said twice.

#![no_main]

use std::sync::LazyLock;

use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Uri, header};
use libfuzzer_sys::fuzz_target;
use wharf_auth::{Authenticator, Config, IssuerConfig, KeyConfig, UnverifiedToken};
use wharf_model::Secret;

static AUTHENTICATOR: LazyLock<Authenticator> = LazyLock::new(|| {
    let config = Config {
        // Judged without a key set, so that nothing is fetched.
        issuers: vec![IssuerConfig {
            secret: Some(Secret::new("a secret that no fuzzer can find out")),
            ..IssuerConfig::default()
        }],
        keys: vec![KeyConfig {
            key: Some(Secret::new("a key that no fuzzer can find out")),
            subject: "ann".to_owned(),
            ..KeyConfig::default()
        }],
        key_header: Some("x-api-key".to_owned()),
        ..Config::default()
    };
    Authenticator::new(&config, None, None).expect("a good configuration")
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(token) = std::str::from_utf8(bytes) {
        let read = |token| {
            UnverifiedToken::parse(token).map(|token| token.unverified_issuer().map(str::to_owned))
        };
        assert_eq!(read(token), read(token));
    }
    for name in [header::AUTHORIZATION.as_str(), "x-api-key"] {
        for prefix in ["", "Bearer "] {
            let value = [prefix.as_bytes(), bytes].concat();
            let Ok(value) = HeaderValue::from_bytes(&value) else {
                continue;
            };
            let name: header::HeaderName = name.parse().expect("a header");
            let headers = HeaderMap::from_iter([(name, value)]);
            let judged = AUTHENTICATOR
                .authenticate(&headers, &Uri::from_static("/mcp"), None)
                .now_or_never()
                .expect("nothing to wait for");
            let challenge = judged.expect_err("nobody is let in");
            assert!(
                matches!(challenge.status.as_u16(), 400 | 401),
                "{challenge:?}"
            );
        }
    }
});
