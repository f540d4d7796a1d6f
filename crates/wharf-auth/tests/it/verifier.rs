//! What a token must be, row by row.

use serde_json::{Value, json};
use wharf_auth::{Algorithm, Issuer, IssuerConfig, TokenError, UnverifiedToken};
use wharf_model::Secret;

use crate::support::{KeyServer, NOW, Pair, encode, hs256};

const RESOURCE: &str = "https://mcp.example/mcp";

async fn verify(issuer: &Issuer, token: &str) -> Result<(), TokenError> {
    issuer
        .verify(UnverifiedToken::parse(token)?, NOW)
        .await
        .map(drop)
}

fn config(server: &KeyServer) -> IssuerConfig {
    IssuerConfig {
        issuer: Some(server.url.clone()),
        ..IssuerConfig::default()
    }
}

fn issuer(config: &IssuerConfig) -> Issuer {
    Issuer::new(config, Some(RESOURCE), "auth.issuers[0]").unwrap()
}

/// Good claims with a few members changed; null takes one away.
fn claims(server: &KeyServer, changes: &Value) -> Value {
    let mut claims = json!({"iss": server.url, "sub": "ann", "aud": RESOURCE, "exp": NOW + 600});
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    claims
}

#[tokio::test]
async fn claims_are_judged() {
    let pair = Pair::p256("a");
    let server = KeyServer::start(&[&pair]).await;
    let issuer = issuer(&config(&server));
    for (case, changes, expected) in [
        ("as it should be", json!({}), Ok(())),
        ("several audiences", json!({"aud": ["x", RESOURCE]}), Ok(())),
        (
            "another audience",
            json!({"aud": "https://other.example/mcp"}),
            Err(TokenError::Audience),
        ),
        (
            "an audience that begins alike",
            json!({"aud": "https://mcp.example/mcp2"}),
            Err(TokenError::Audience),
        ),
        (
            "no audience",
            json!({"aud": null}),
            Err(TokenError::Audience),
        ),
        (
            "no audience at all",
            json!({"aud": []}),
            Err(TokenError::Audience),
        ),
        (
            "another issuer",
            json!({"iss": "https://evil.example"}),
            Err(TokenError::UnknownIssuer),
        ),
        (
            "the issuer with a slash",
            json!({"iss": format!("{}/", server.url)}),
            Err(TokenError::UnknownIssuer),
        ),
        (
            "no issuer",
            json!({"iss": null}),
            Err(TokenError::UnknownIssuer),
        ),
        ("no end", json!({"exp": null}), Err(TokenError::Endless)),
        ("ended", json!({"exp": NOW - 61}), Err(TokenError::Expired)),
        (
            "ended at the edge",
            json!({"exp": NOW - 60}),
            Err(TokenError::Expired),
        ),
        ("ended by a slow clock", json!({"exp": NOW - 59}), Ok(())),
        (
            "an end at the end of all numbers",
            json!({"exp": u64::MAX}),
            Err(TokenError::Malformed("a claim has the wrong type")),
        ),
        (
            "for later",
            json!({"nbf": NOW + 61}),
            Err(TokenError::Early),
        ),
        ("for soon", json!({"nbf": NOW + 60}), Ok(())),
        (
            "about nobody",
            json!({"sub": null}),
            Err(TokenError::Subject),
        ),
        (
            "about the empty name",
            json!({"sub": ""}),
            Err(TokenError::Subject),
        ),
    ] {
        let token = pair.token(
            &json!({"alg": "ES256", "kid": "a"}),
            &claims(&server, &changes),
        );
        assert_eq!(verify(&issuer, &token).await, expected, "{case}");
    }
    assert_eq!(server.asked(), 1, "one fetch for all of them");
}

#[tokio::test]
async fn signatures_are_judged() {
    let (rsa, p256, p384, ed) = (
        Pair::rsa("r"),
        Pair::p256("e"),
        Pair::p384("f"),
        Pair::ed25519("g"),
    );
    let server = KeyServer::start(&[&rsa, &p256, &p384, &ed]).await;
    let stranger = Pair::p256("e");
    let good = claims(&server, &json!({}));
    let usual = issuer(&config(&server));
    let all = issuer(&IssuerConfig {
        algorithms: [
            "RS384", "RS512", "PS256", "PS384", "PS512", "ES384", "EdDSA",
        ]
        .map(|name| serde_json::from_value::<Algorithm>(json!(name)).unwrap())
        .to_vec(),
        ..config(&server)
    });
    let none = format!(
        "{}.{}.",
        encode(json!({"alg": "none"}).to_string()),
        encode(good.to_string())
    );
    let public = rsa.jwk();
    let modulus = public["n"].as_str().unwrap().as_bytes().to_vec();
    let mut forged = p256.token(&json!({"alg": "ES256", "kid": "e"}), &good);
    // The claims of one token under the signature of another.
    let other = p256.token(
        &json!({"alg": "ES256", "kid": "e"}),
        &claims(&server, &json!({"sub": "root"})),
    );
    let signature = forged.rsplit_once('.').unwrap().1.to_owned();
    forged = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
    let token = |pair: &Pair, algorithm: &str, id: Value| {
        pair.token(&json!({"alg": algorithm, "kid": id, "typ": "JWT"}), &good)
    };
    for (case, issuer, token, expected) in [
        ("RS256", &usual, token(&rsa, "RS256", json!("r")), Ok(())),
        ("ES256", &usual, token(&p256, "ES256", json!("e")), Ok(())),
        (
            "ES384, not permitted",
            &usual,
            token(&p384, "ES384", json!("f")),
            Err(TokenError::Algorithm),
        ),
        (
            "RS256, not permitted",
            &all,
            token(&rsa, "RS256", json!("r")),
            Err(TokenError::Algorithm),
        ),
        ("RS384", &all, token(&rsa, "RS384", json!("r")), Ok(())),
        ("RS512", &all, token(&rsa, "RS512", json!("r")), Ok(())),
        ("PS256", &all, token(&rsa, "PS256", json!("r")), Ok(())),
        ("PS384", &all, token(&rsa, "PS384", json!("r")), Ok(())),
        ("PS512", &all, token(&rsa, "PS512", json!("r")), Ok(())),
        ("ES384", &all, token(&p384, "ES384", json!("f")), Ok(())),
        ("EdDSA", &all, token(&ed, "EdDSA", json!("g")), Ok(())),
        ("none", &usual, none.clone(), Err(TokenError::Algorithm)),
        (
            "None",
            &usual,
            none.replace(
                &encode(json!({"alg": "none"}).to_string()),
                &encode(r#"{"alg":"None"}"#),
            ),
            Err(TokenError::Algorithm),
        ),
        (
            "HS256 with the public key",
            &usual,
            hs256(&modulus, &json!({"alg": "HS256", "kid": "r"}), &good),
            Err(TokenError::Algorithm),
        ),
        (
            "HS256 with the published key",
            &usual,
            hs256(
                public.to_string().as_bytes(),
                &json!({"alg": "HS256", "kid": "r"}),
                &good,
            ),
            Err(TokenError::Algorithm),
        ),
        (
            "HS256 with the public key, called RS256",
            &usual,
            hs256(&modulus, &json!({"alg": "RS256", "kid": "r"}), &good),
            Err(TokenError::Signature),
        ),
        (
            "another's key",
            &usual,
            token(&stranger, "ES256", json!("e")),
            Err(TokenError::Signature),
        ),
        (
            "claims of another token",
            &usual,
            forged,
            Err(TokenError::Signature),
        ),
        (
            "an RSA key for ES256",
            &usual,
            token(&rsa, "ES256", json!("r")),
            Err(TokenError::UnknownKey),
        ),
        (
            "an ECDSA key for RS256",
            &usual,
            token(&p256, "RS256", json!("e")),
            Err(TokenError::UnknownKey),
        ),
        (
            "a key that is not there",
            &usual,
            token(&p256, "ES256", json!("x")),
            Err(TokenError::UnknownKey),
        ),
        (
            "a key of its own",
            &usual,
            stranger.token(&json!({"alg": "ES256", "jwk": stranger.jwk()}), &good),
            Err(TokenError::Signature),
        ),
        (
            "keys of its own",
            &usual,
            stranger.token(
                &json!({"alg": "ES256", "kid": "x", "jku": "http://127.0.0.1:1/"}),
                &good,
            ),
            Err(TokenError::UnknownKey),
        ),
        (
            "no key named, one that fits",
            &usual,
            p256.token(&json!({"alg": "ES256"}), &good),
            Ok(()),
        ),
    ] {
        assert_eq!(verify(issuer, &token).await, expected, "{case}");
    }
}

#[tokio::test]
async fn who_names_no_key_gets_no_choice() {
    let (one, two) = (Pair::p256("1"), Pair::p256("2"));
    let server = KeyServer::start(&[&one, &two]).await;
    let issuer = issuer(&config(&server));
    let token = one.token(&json!({"alg": "ES256"}), &claims(&server, &json!({})));
    assert_eq!(verify(&issuer, &token).await, Err(TokenError::UnknownKey));
}

#[tokio::test]
async fn keys_rotate() {
    let (old, new) = (Pair::p256("old"), Pair::p256("new"));
    let server = KeyServer::start(&[&old]).await;
    let issuer = issuer(&config(&server));
    let good = claims(&server, &json!({}));
    let old_token = old.token(&json!({"alg": "ES256", "kid": "old"}), &good);
    let new_token = new.token(&json!({"alg": "ES256", "kid": "new"}), &good);
    verify(&issuer, &old_token).await.unwrap();
    server.publish(&[&old, &new]);
    verify(&issuer, &new_token).await.unwrap();
    verify(&issuer, &old_token).await.unwrap();
    for made_up in 0..100 {
        let header = json!({"alg": "ES256", "kid": format!("made up {made_up}")});
        let judged = verify(&issuer, &new.token(&header, &good)).await;
        assert_eq!(judged, Err(TokenError::UnknownKey));
    }
    assert_eq!(server.asked(), 2, "the first time, and for the new key");
}

#[tokio::test]
async fn keys_are_found() {
    let pair = Pair::p256("a");
    let server = KeyServer::start(&[&pair]).await;
    let url = |path: &str| Some(format!("{}{path}", server.url));
    for (case, issuer_url, jwks_url, found) in [
        ("by OpenID's metadata", url(""), None, true),
        ("by RFC 8414's metadata", url("/tenant"), None, true),
        ("by metadata of somebody else", url("/thief"), None, false),
        ("by no metadata", url("/nothing"), None, false),
        (
            "at their own address",
            Some("https://nowhere.invalid/pool".to_owned()),
            url("/keys"),
            true,
        ),
        ("where nothing is", url(""), url("/nothing"), false),
        (
            "where something else is",
            url(""),
            url("/.well-known/openid-configuration"),
            false,
        ),
    ] {
        let issuer = issuer(&IssuerConfig {
            issuer: issuer_url.clone(),
            jwks_url,
            ..IssuerConfig::default()
        });
        let claims = claims(&server, &json!({"iss": issuer_url}));
        let token = pair.token(&json!({"alg": "ES256", "kid": "a"}), &claims);
        let judged = verify(&issuer, &token).await;
        assert_eq!(judged.is_ok(), found, "{case}: {judged:?}");
        assert!(
            found || matches!(judged, Err(TokenError::NoKeys(_))),
            "{case}: {judged:?}"
        );
    }
}

#[tokio::test]
async fn clients_and_claims_can_be_demanded() {
    let pair = Pair::p256("a");
    let server = KeyServer::start(&[&pair]).await;
    let clients = IssuerConfig {
        client_ids: vec!["web".to_owned()],
        ..config(&server)
    };
    let demanding = IssuerConfig {
        required_claims: [("tenant", "acme"), ("groups", "staff"), ("level", "3")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..config(&server)
    };
    let id_tokens = IssuerConfig {
        required_claims: [("token_use".to_owned(), "id".to_owned())].into(),
        ..clients.clone()
    };
    let both = IssuerConfig {
        audiences: vec![RESOURCE.to_owned()],
        ..clients.clone()
    };
    let renamed = IssuerConfig {
        subject_claim: "oid".to_owned(),
        ..config(&server)
    };
    let claim = |name: &str| Err(TokenError::Claim(name.to_owned()));
    for (case, config, changes, expected) in [
        (
            "Cognito's access token",
            &clients,
            json!({"aud": null, "client_id": "web", "token_use": "access"}),
            Ok(()),
        ),
        (
            "Cognito's ID token",
            &clients,
            json!({"aud": "web", "azp": "web", "token_use": "id"}),
            claim("token_use"),
        ),
        (
            "Cognito's ID token, wanted",
            &id_tokens,
            json!({"aud": "web", "azp": "web", "token_use": "id"}),
            Ok(()),
        ),
        (
            "another client",
            &clients,
            json!({"client_id": "other"}),
            Err(TokenError::Client),
        ),
        ("no client", &clients, json!({}), Err(TokenError::Client)),
        (
            "the client as audience alone",
            &clients,
            json!({"aud": "web"}),
            Err(TokenError::Client),
        ),
        (
            "a client beside another",
            &clients,
            json!({"client_id": "other", "azp": "web"}),
            Err(TokenError::Client),
        ),
        ("Okta's client", &clients, json!({"cid": "web"}), Ok(())),
        ("both rules", &both, json!({"client_id": "web"}), Ok(())),
        (
            "both rules, wrong audience",
            &both,
            json!({"client_id": "web", "aud": "x"}),
            Err(TokenError::Audience),
        ),
        (
            "both rules, wrong client",
            &both,
            json!({"client_id": "x"}),
            Err(TokenError::Client),
        ),
        (
            "claims",
            &demanding,
            json!({"tenant": "acme", "groups": ["a", "staff"], "level": 3}),
            Ok(()),
        ),
        (
            "a claim is missing",
            &demanding,
            json!({"groups": ["staff"], "level": 3}),
            claim("tenant"),
        ),
        (
            "a claim is another",
            &demanding,
            json!({"tenant": "acme", "groups": ["a"], "level": 3}),
            claim("groups"),
        ),
        (
            "a claim only begins alike",
            &demanding,
            json!({"tenant": "acme", "groups": "staff2", "level": 3}),
            claim("groups"),
        ),
        (
            "another subject",
            &renamed,
            json!({"oid": "1", "sub": null}),
            Ok(()),
        ),
        (
            "another subject, missing",
            &renamed,
            json!({}),
            Err(TokenError::Subject),
        ),
        (
            "a number as subject",
            &renamed,
            json!({"oid": 1}),
            Err(TokenError::Subject),
        ),
    ] {
        let token = pair.token(
            &json!({"alg": "ES256", "kid": "a"}),
            &claims(&server, &changes),
        );
        assert_eq!(verify(&issuer(config), &token).await, expected, "{case}");
    }
}

#[tokio::test]
async fn secrets_are_shared() {
    let (now, before, other) = ("n".repeat(32), "b".repeat(32), "o".repeat(32));
    let config = IssuerConfig {
        secret: Some(Secret::new(&now)),
        previous_secret: Some(Secret::new(&before)),
        ..IssuerConfig::default()
    };
    let issuer = issuer(&config);
    let claims = json!({"sub": "ann", "exp": NOW + 1});
    let header = json!({"alg": "HS256"});
    for (case, token, expected) in [
        (
            "the secret",
            hs256(now.as_bytes(), &header, &claims),
            Ok(()),
        ),
        (
            "the one before",
            hs256(before.as_bytes(), &header, &claims),
            Ok(()),
        ),
        (
            "another",
            hs256(other.as_bytes(), &header, &claims),
            Err(TokenError::Signature),
        ),
        (
            "another algorithm",
            hs256(now.as_bytes(), &json!({"alg": "HS512"}), &claims),
            Err(TokenError::Algorithm),
        ),
        (
            "a key pair",
            Pair::p256("a").token(&json!({"alg": "ES256"}), &claims),
            Err(TokenError::Algorithm),
        ),
        (
            "an issuer",
            hs256(
                now.as_bytes(),
                &header,
                &json!({"sub": "ann", "exp": NOW + 1, "iss": "x"}),
            ),
            Err(TokenError::UnknownIssuer),
        ),
        (
            "no end",
            hs256(now.as_bytes(), &header, &json!({"sub": "ann"})),
            Err(TokenError::Endless),
        ),
    ] {
        assert_eq!(verify(&issuer, &token).await, expected, "{case}");
    }
}
