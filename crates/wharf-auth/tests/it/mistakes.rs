//! What is wrong with the configuration of an issuer.

use serde_json::json;
use wharf_auth::{Issuer, IssuerConfig};

const RESOURCE: Option<&str> = Some("https://mcp.example/mcp");

#[test]
fn mistakes_are_told() {
    let known = "https://login.example.com";
    let (short, enough) = ("s".repeat(31), "s".repeat(32));
    // What is expected of none is nothing.
    for (config, resource, expected) in [
        (json!({}), RESOURCE, "`i.issuer` is missing"),
        (json!({"issuer": known}), RESOURCE, ""),
        (
            json!({"issuer": known}),
            None,
            "`i` does not say whom its tokens are for",
        ),
        (json!({"issuer": known, "client_ids": ["a"]}), None, ""),
        (json!({"issuer": "login"}), RESOURCE, "`i.issuer` is no URL"),
        (
            json!({"issuer": "ftp://a.example"}),
            RESOURCE,
            "`i.issuer` is no `https` URL",
        ),
        (
            json!({"issuer": "http://a.example"}),
            RESOURCE,
            "`i.issuer` is `http`",
        ),
        (
            json!({"issuer": "http://localhost.a.example"}),
            RESOURCE,
            "`i.issuer` is `http`",
        ),
        (json!({"issuer": "http://127.0.0.1:9"}), RESOURCE, ""),
        (
            json!({"issuer": "http://a.example", "allow_http": true}),
            RESOURCE,
            "",
        ),
        (
            json!({"issuer": "https://user:word@a.example"}),
            RESOURCE,
            "`i.issuer` has more than an address",
        ),
        (
            json!({"issuer": "any name", "jwks_url": known}),
            RESOURCE,
            "",
        ),
        (
            json!({"issuer": known, "jwks_url": "keys"}),
            RESOURCE,
            "`i.jwks_url` is no URL",
        ),
        (
            json!({"secret": short}),
            None,
            "`i.secret` has fewer than 32 bytes",
        ),
        (json!({"secret": enough}), None, ""),
        (
            json!({"secret": enough, "previous_secret": "short"}),
            None,
            "`i.previous_secret` has fewer",
        ),
        (
            json!({"issuer": known, "previous_secret": enough}),
            RESOURCE,
            "`i.previous_secret` is there without `secret`",
        ),
        (
            json!({"secret": enough, "jwks_url": known}),
            None,
            "`i` has a `secret`, and `jwks_url`",
        ),
        (
            json!({"issuer": known, "clock_skew_s": 301}),
            RESOURCE,
            "`i.clock_skew_s` is more than 300",
        ),
    ] {
        let read: IssuerConfig = serde_json::from_value(config.clone()).unwrap();
        let made = Issuer::new(&read, resource, "i");
        let mistake = made
            .err()
            .map(|mistake| mistake.to_string())
            .unwrap_or_default();
        assert!(
            mistake.starts_with(expected) && mistake.is_empty() == expected.is_empty(),
            "{config}: expected {expected:?}: {mistake}"
        );
    }
}
