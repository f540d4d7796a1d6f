//! What is sent, how, and what it is answered with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use ring::hmac;
use serde_json::{Value, json};
use wharf_model::Secret;

use super::*;
use crate::config::{IssuerConfig, KeyConfig};

const KEY: &str = "a-key-that-is-long-enough";
const SECRET: &str = "a secret that has thirty-two bytes";

fn token(claims: &Value) -> String {
    let signed = [json!({"alg": "HS256"}), claims.clone()];
    let signed = signed
        .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
        .join(".");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn config() -> Config {
    Config {
        issuers: vec![IssuerConfig {
            secret: Some(Secret::new(SECRET)),
            ..IssuerConfig::default()
        }],
        keys: vec![KeyConfig {
            key: Some(Secret::new(KEY)),
            subject: "ci".to_owned(),
            scopes: vec!["admin".to_owned()],
            groups: vec!["robots".to_owned()],
            ..KeyConfig::default()
        }],
        key_header: Some("X-Api-Key".to_owned()),
        implied_scopes: [("admin".to_owned(), vec!["pets:read".to_owned()])].into(),
        ..Config::default()
    }
}

fn authenticator() -> Authenticator {
    Authenticator::new(&config(), None, None).unwrap()
}

async fn ask(headers: &[(&'static str, &str)], uri: &str) -> Result<Caller, Challenge> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_str(value).unwrap());
    }
    authenticator()
        .authenticate(&map, &uri.parse().unwrap(), None)
        .await
}

#[tokio::test]
async fn what_proves_who_calls() {
    let good = token(&json!({"sub": "ann", "exp": now() + 60}));
    let ended = token(&json!({"sub": "ann", "exp": now() - 100}));
    let bearer = |token: &str| format!("Bearer {token}");
    let (key, good, ended) = (bearer(KEY), bearer(&good), bearer(&ended));
    let long = bearer(&"x".repeat(TOKEN_BYTES_MAX + 1));
    for (case, headers, uri, expected) in [
        (
            "a token",
            vec![("authorization", good.as_str())],
            "/mcp",
            Ok("ann"),
        ),
        (
            "a key as token",
            vec![("authorization", key.as_str())],
            "/mcp",
            Ok("ci"),
        ),
        (
            "a key in its header",
            vec![("x-api-key", KEY)],
            "/mcp",
            Ok("ci"),
        ),
        (
            "in small letters",
            vec![("authorization", good.replace("Bearer", "bearer").as_str())],
            "/mcp",
            Ok("ann"),
        ),
        (
            "with more spaces",
            vec![("authorization", good.replace(' ', "   ").as_str())],
            "/mcp",
            Ok("ann"),
        ),
        (
            "beside a signature",
            vec![
                ("authorization", "AWS4-HMAC-SHA256 Credential=a"),
                ("x-api-key", KEY),
            ],
            "/mcp",
            Ok("ci"),
        ),
        ("nothing", vec![], "/mcp", Err(401)),
        (
            "another scheme",
            vec![("authorization", "Basic YTpi")],
            "/mcp",
            Err(401),
        ),
        (
            "the scheme alone",
            vec![("authorization", "Bearer")],
            "/mcp",
            Err(401),
        ),
        (
            "an empty token",
            vec![("authorization", "Bearer ")],
            "/mcp",
            Err(401),
        ),
        ("no scheme", vec![("authorization", KEY)], "/mcp", Err(401)),
        (
            "a wrong key",
            vec![("x-api-key", "a-key-that-is-long-enougH")],
            "/mcp",
            Err(401),
        ),
        ("an empty key", vec![("x-api-key", "")], "/mcp", Err(401)),
        (
            "a token in the key's header",
            vec![("x-api-key", &good["Bearer ".len()..])],
            "/mcp",
            Err(401),
        ),
        (
            "an ended token",
            vec![("authorization", ended.as_str())],
            "/mcp",
            Err(401),
        ),
        (
            "a token that is too long",
            vec![("authorization", long.as_str())],
            "/mcp",
            Err(401),
        ),
        (
            "a token with a bit more",
            vec![("authorization", format!("{good}A").as_str())],
            "/mcp",
            Err(401),
        ),
        (
            "two tokens",
            vec![
                ("authorization", good.as_str()),
                ("authorization", good.as_str()),
            ],
            "/mcp",
            Err(400),
        ),
        (
            "two keys",
            vec![("x-api-key", KEY), ("x-api-key", KEY)],
            "/mcp",
            Err(400),
        ),
        (
            "a token and a key",
            vec![("authorization", good.as_str()), ("x-api-key", KEY)],
            "/mcp",
            Err(400),
        ),
        (
            "a token in the address",
            vec![],
            "/mcp?access_token=x",
            Err(400),
        ),
        (
            "one there as well",
            vec![("authorization", good.as_str())],
            "/mcp?a=b&access_token",
            Err(400),
        ),
        (
            "another parameter",
            vec![("authorization", good.as_str())],
            "/mcp?no_access_token=x",
            Ok("ann"),
        ),
    ] {
        let found = ask(&headers, uri).await;
        let found = found
            .as_ref()
            .map(|caller| caller.subject().unwrap())
            .map_err(|challenge| challenge.status.as_u16());
        assert_eq!(found, expected, "{case}");
    }
}

#[tokio::test]
async fn lists_can_be_open_and_what_is_wrong_is_refused_all_the_same() {
    let config = Config {
        lists: Lists::Open,
        ..config()
    };
    let authenticator = Authenticator::new(&config, None, None).unwrap();
    let uri = Uri::from_static("/mcp");
    for (case, value, expected) in [
        ("nothing", None, Ok(None)),
        ("a key", Some(format!("Bearer {KEY}")), Ok(Some("ci"))),
        ("a wrong key", Some(format!("Bearer {KEY}x")), Err(401)),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
        }
        let found = authenticator.authenticate(&headers, &uri, None).await;
        let found = found
            .as_ref()
            .map(Caller::subject)
            .map_err(|challenge| challenge.status.as_u16());
        assert_eq!(found, expected, "{case}");
    }
}

#[tokio::test]
async fn what_is_known_of_a_caller() {
    let claims = json!({"sub": "ann", "exp": now() + 60, "scope": "admin openid", "scp": ["x"],
        "cognito:groups": ["staff"], "roles": "reader", "azp": "web"});
    let bearer = format!("Bearer {}", token(&claims));
    let ann = ask(&[("authorization", &bearer)], "/mcp").await.unwrap();
    let ann = ann.identity().unwrap();
    let names = |set: &std::collections::BTreeSet<String>| {
        set.iter().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&ann.scopes), "admin openid pets:read x");
    assert_eq!(names(&ann.groups), "reader staff");
    assert_eq!(ann.client_id.as_deref(), Some("web"));
    assert_eq!(ann.claims.to_value(), claims);
    let robot = ask(&[("x-api-key", KEY)], "/mcp").await.unwrap();
    let robot = robot.identity().unwrap();
    assert_eq!(names(&robot.scopes), "admin pets:read");
    assert_eq!(names(&robot.groups), "robots");
    assert_eq!(robot.issuer, None);
}

#[tokio::test]
async fn a_token_is_good_until_it_ends_however_often_it_is_sent() {
    let authenticator = authenticator();
    let end = now() + 30;
    let token = token(&json!({"sub": "ann", "exp": end}));
    // The issuer's clock may differ by a minute.
    for (at, good) in [
        (end - 30, true),
        (end - 1, true),
        (end, true),
        (end + 59, true),
        (end + 60, false),
    ] {
        let judged = authenticator.judge(&token, at).await;
        assert_eq!(
            judged.is_ok(),
            good,
            "{} s after its end",
            at.saturating_sub(end)
        );
    }
    assert_eq!(
        authenticator.judge(&token, end + 60).await,
        Err(TokenError::Expired)
    );
}

#[tokio::test]
async fn a_challenge_repeats_nothing() {
    let secret = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzZWNyZXQifQ.";
    let challenge = ask(&[("authorization", &format!("Bearer {secret}"))], "/mcp")
        .await
        .unwrap_err();
    let mut headers = HeaderMap::new();
    challenge.write(&mut headers);
    let told = format!("{challenge:?} {:?}", headers[WWW_AUTHENTICATE]);
    assert!(told.contains("invalid_token"), "{told}");
    assert!(
        !told.contains("eyJ") && !told.contains("secret\""),
        "{told}"
    );
}

#[test]
fn mistakes_are_told_all_at_once() {
    let twice = IssuerConfig {
        issuer: Some("https://a.example".to_owned()),
        audiences: vec!["x".to_owned()],
        ..IssuerConfig::default()
    };
    let config = Config {
        issuers: vec![twice.clone(), twice, IssuerConfig::default()],
        key_header: Some("Authorization".to_owned()),
        challenge_scopes: vec!["two words".to_owned()],
        ..Config::default()
    };
    let told: Vec<_> = Authenticator::new(&config, None, None)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        [
            "`auth.key_header` is `Authorization`, which no key can be sent in besides `authorization`",
            "`auth.challenge_scopes` has `two words`, which is no scope",
            "`auth.issuers[1].issuer` is there twice",
            "`auth.issuers[2].issuer` is missing",
        ]
    );
    let empty = Authenticator::new(&Config::default(), None, None).unwrap_err();
    assert!(
        empty[0].to_string().starts_with("`auth` has neither"),
        "{empty:?}"
    );
}
