//! What finding out who calls costs, per request: `cargo run --release -p wharf-auth --example cost`.
//!
//! Each row is the median of several rounds over the same requests, in one thread and one process.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    dead_code,
    unreachable_pub,
    reason = "a measurement that cannot go on ends; it shares the tests' issuer and prints for people"
)]

#[path = "../tests/it/support.rs"]
mod support;

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, Uri, header::AUTHORIZATION};
use serde_json::json;
use support::{KeyServer, Pair, hs256};
use wharf_auth::{Authenticator, Config, IssuerConfig, KeyConfig};
use wharf_model::Secret;

const REQUESTS: usize = 2_000;
const ROUNDS: usize = 9;
const KEY: &str = "a-key-that-is-long-enough";
const SECRET: &str = "a secret that has thirty-two bytes";
const AUDIENCE: &str = "https://mcp.example/mcp";

fn keys(count: usize) -> Vec<KeyConfig> {
    let key = |number: usize| KeyConfig {
        key: Some(Secret::new(if number == 0 {
            KEY.to_owned()
        } else {
            format!("{KEY}{number}")
        })),
        subject: format!("caller {number}"),
        ..KeyConfig::default()
    };
    (0..count).map(key).collect()
}

fn request(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

/// Nanoseconds for one request. `make` gives an authenticator that has seen none of them.
async fn measure(make: impl Fn() -> Authenticator, requests: &[HeaderMap]) -> u128 {
    let uri = Uri::from_static("/mcp");
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let authenticator = make();
        // Fetches the keys, and warms up.
        authenticator
            .authenticate(&requests[0], &uri, None)
            .await
            .unwrap();
        let started = Instant::now();
        for headers in requests {
            authenticator
                .authenticate(headers, &uri, None)
                .await
                .unwrap();
        }
        rounds.push(started.elapsed().as_nanos() / requests.len() as u128);
    }
    rounds.sort_unstable();
    rounds[ROUNDS / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (rsa, ecdsa) = (Pair::rsa("r"), Pair::p256("e"));
    let server = KeyServer::start(&[&rsa, &ecdsa]).await;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let claims = |number: usize, issuer: &str| {
        json!({"iss": issuer, "sub": "ann", "aud": AUDIENCE, "exp": now + 3_600, "iat": now,
            "scope": "openid pets:read pets:write", "client_id": "web", "jti": number.to_string(),
            "groups": ["staff", "readers"]})
    };
    let issuer = |name: &str, secret: Option<&str>| IssuerConfig {
        issuer: Some(name.to_owned()),
        audiences: vec![AUDIENCE.to_owned()],
        secret: secret.map(Secret::new),
        ..IssuerConfig::default()
    };
    let config = || Config {
        issuers: vec![issuer(&server.url, None), issuer("shared", Some(SECRET))],
        ..Config::default()
    };
    let of_keys = |count| {
        Authenticator::new(
            &Config {
                keys: keys(count),
                ..Config::default()
            },
            None,
            None,
        )
        .unwrap()
    };
    let of_issuers = || Authenticator::new(&config(), None, None).unwrap();
    let different = |sign: &dyn Fn(usize) -> String| -> Vec<_> {
        (0..REQUESTS).map(|number| request(&sign(number))).collect()
    };
    let by_rsa = different(&|number| {
        rsa.token(
            &json!({"alg": "RS256", "kid": "r"}),
            &claims(number, &server.url),
        )
    });
    let by_ecdsa = different(&|number| {
        ecdsa.token(
            &json!({"alg": "ES256", "kid": "e"}),
            &claims(number, &server.url),
        )
    });
    let by_secret = different(&|number| {
        hs256(
            SECRET.as_bytes(),
            &json!({"alg": "HS256"}),
            &claims(number, "shared"),
        )
    });
    let one_key = vec![request(KEY); REQUESTS];
    let one_token = vec![by_rsa[0].clone(); REQUESTS];

    for (case, nanoseconds) in [
        ("API key, of 1", measure(|| of_keys(1), &one_key).await),
        ("API key, of 100", measure(|| of_keys(100), &one_key).await),
        (
            "API key, of 1,000",
            measure(|| of_keys(1_000), &one_key).await,
        ),
        (
            "token, seen within the last minute",
            measure(of_issuers, &one_token).await,
        ),
        (
            "token, first time, RS256",
            measure(of_issuers, &by_rsa).await,
        ),
        (
            "token, first time, ES256",
            measure(of_issuers, &by_ecdsa).await,
        ),
        (
            "token, first time, HS256",
            measure(of_issuers, &by_secret).await,
        ),
    ] {
        println!("{nanoseconds:>8} ns  {case}");
    }
}
