//! Proving who calls: 47–49.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::{Api, Reply};
use crate::offer::{Offer, paths};
use crate::process::{Folder, run, text};

const DOCUMENT: &str = "paths: {/x: {get: {operationId: x, parameters: [{name: q, in: query, schema: {type: string}}]}}}";

/// The document with credentials as the configuration says them.
fn with(credentials: &Value) -> Offer {
    let credentials = serde_json::from_value(credentials.clone()).unwrap();
    paths(DOCUMENT)
        .upstream(|upstream| upstream.credentials = credentials)
        .offer()
}

#[tokio::test]
async fn case_47_keys_in_a_query_or_a_cookie() {
    for (place, line, header, cookie) in [
        ("header", "GET /base/x?q=1", Some("h&sh"), None),
        ("query", "GET /base/x?q=1&api-key=h%26sh", None, None),
        ("cookie", "GET /base/x?q=1", None, Some("api-key=h&sh")),
    ] {
        let offer =
            with(&json!({"type": "api_key", "name": "api-key", "in": place, "value": "h&sh"}));
        let answer = offer.call("x", json!({"q": "1"})).await;
        assert!(!answer.is_error, "{place}: {}", answer.text());
        let request = offer.api.request();
        assert_eq!(request.line, line, "{place}");
        assert_eq!(request.header("api-key"), header, "{place}");
        assert_eq!(request.header("cookie"), cookie, "{place}");
    }

    // Several schemes at once, by what each operation declares.
    let api = Api::new();
    let folder = Folder::new();
    folder.write(
        "api.yaml",
        r"
openapi: 3.1.0
info: {title: T, version: '1'}
components:
  securitySchemes:
    inQuery: {type: apiKey, in: query, name: k}
    inCookie: {type: apiKey, in: cookie, name: c}
    token: {type: http, scheme: bearer}
security: [{inQuery: []}]
paths:
  /root: {get: {operationId: root}}
  /both: {get: {operationId: both, security: [{inQuery: [], inCookie: []}]}}
  /either: {get: {operationId: either, security: [{unknown: []}, {token: []}]}}
  /open: {get: {operationId: open, security: []}}
",
    );
    let config = folder.write(
        "wharf.yaml",
        &format!(
            r"
sources:
  api:
    openapi: api.yaml
    upstream:
      base_url: {}
      schemes:
        inQuery: {{type: api_key, value: q}}
        inCookie: {{type: api_key, value: s}}
        token: {{type: bearer, token: t}}
",
            api.url
        ),
    );
    for (number, (tool, line, cookie, authorization)) in [
        ("root", "GET /root?k=q", None, None),
        ("both", "GET /both?k=q", Some("c=s"), None),
        ("either", "GET /either", None, Some("Bearer t")),
        ("open", "GET /open", None, None),
    ]
    .into_iter()
    .enumerate()
    {
        let called = run(&["call", tool, "--config", &config]);
        assert!(called.status.success(), "{tool}: {}", text(&called.stderr));
        let request = &api.requests()[number];
        assert_eq!(request.line, line, "{tool}");
        assert_eq!(request.header("cookie"), cookie, "{tool}");
        assert_eq!(request.header("authorization"), authorization, "{tool}");
    }
}

#[tokio::test]
async fn case_48_long_keys_and_passwords() {
    let long = "k".repeat(4_000);
    for (credentials, name, expected) in [
        (
            json!({"type": "bearer", "token": long}),
            "authorization",
            format!("Bearer {long}"),
        ),
        (
            json!({"type": "api_key", "name": "x-key", "in": "header", "value": long}),
            "x-key",
            long.clone(),
        ),
        (
            // `u:k`, 1,333 times `kkk`: each three bytes become four characters.
            json!({"type": "basic", "username": "u", "password": long}),
            "authorization",
            format!("Basic dTpr{}", "a2tr".repeat(1_333)),
        ),
    ] {
        let offer = with(&credentials);
        assert!(!offer.call("x", json!({})).await.is_error, "{name}");
        assert_eq!(offer.api.request().header(name), Some(&*expected), "{name}");
    }
}

#[tokio::test]
async fn case_49_tokens_that_expire() {
    let token = |name: &str, seconds: u32| {
        Reply::json(format!(
            r#"{{"access_token":"{name}","token_type":"Bearer","expires_in":{seconds}}}"#
        ))
    };
    let offer = |issuer: &Api, replies: Vec<Reply>| {
        let credentials = json!({
            "type": "oauth_client_credentials", "token_url": format!("{}/token", issuer.url),
            "client_id": "wharf", "client_secret": "hush", "scopes": ["read"],
        });
        let credentials = serde_json::from_value(credentials).unwrap();
        paths(DOCUMENT)
            .upstream(|upstream| upstream.credentials = credentials)
            .answering(replies)
            .offer()
    };
    let tokens = |offer: &Offer| -> Vec<String> {
        let requests = offer.api.requests();
        let tokens = requests
            .iter()
            .map(|request| request.header("authorization"));
        tokens.map(|token| token.unwrap().to_owned()).collect()
    };

    // One token for all calls, while it is good.
    let issuer = Api::answering([token("first", 3600), token("second", 3600)]);
    let api = offer(&issuer, vec![Reply::json("{}")]);
    let (one, other) = tokio::join!(api.call("x", json!({})), api.call("x", json!({})));
    assert!(!one.is_error && !other.is_error, "{one:?} {other:?}");
    assert!(!api.call("x", json!({})).await.is_error);
    assert_eq!(tokens(&api), ["Bearer first"; 3]);
    let request = issuer.request();
    assert_eq!(request.line, "POST /token");
    assert!(
        request.text().contains("grant_type=client_credentials"),
        "{}",
        request.text()
    );
    assert_eq!(
        request.header("authorization"),
        Some("Basic d2hhcmY6aHVzaA==")
    );

    // Refused by the API: a new one, once.
    let issuer = Api::answering([token("first", 3600), token("second", 3600)]);
    let api = offer(&issuer, vec![Reply::empty(401), Reply::json(r#"{"a":1}"#)]);
    let answer = api.call("x", json!({})).await;
    assert_eq!(answer.text(), r#"{"a":1}"#);
    assert_eq!(tokens(&api), ["Bearer first", "Bearer second"]);
    let issuer = Api::answering([token("first", 3600), token("second", 3600)]);
    let api = offer(&issuer, vec![Reply::empty(401)]);
    let answer = api.call("x", json!({})).await;
    assert!(
        answer.is_error && answer.text().starts_with("HTTP 401"),
        "{}",
        answer.text()
    );
    assert_eq!(api.api.requests().len(), 2);
    assert!(!answer.text().contains("second") && !answer.text().contains("hush"));

    // At its end: a new one, without asking the API first.
    let issuer = Api::answering([token("first", 1), token("second", 3600)]);
    let api = offer(&issuer, vec![Reply::json("{}")]);
    assert!(!api.call("x", json!({})).await.is_error);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert!(!api.call("x", json!({})).await.is_error);
    assert_eq!(tokens(&api), ["Bearer first", "Bearer second"]);
}
