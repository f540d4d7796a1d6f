//! What is redeemed, by whom, and how often.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use wharf_model::Secret;
use wharf_store::Store;

use super::{
    ISSUER, RESOURCE, VERIFIER, code_for, config, post, query, redeeming, sign_in, text, told, with,
};
use crate::facade::attempt::Attempt;
use crate::facade::client::mark;
use crate::facade::provider::challenge;
use crate::facade::seal::Purpose;
use crate::facade::values::{Person, Refresh};
use crate::facade::{AccessError, SignIn, now, used};
use http::Extensions;

#[tokio::test]
async fn a_code_is_for_its_client_once_and_soon() {
    let sign_in = sign_in();
    let code = code_for(&sign_in, "known", 60, Some("provider's"));
    let late = code_for(&sign_in, "known", -1, None);
    let other_keys = with(&json!({"keys": ["o".repeat(32)]}), ISSUER, RESOURCE);
    let foreign = code_for(&other_keys, "known", 60, None);
    let of_secret = code_for(&sign_in, "secret", 60, None);
    let long = "v".repeat(129);
    for (case, code, changes, error) in [
        (
            "another client",
            code.as_str(),
            &[("client_id", "secret"), ("client_secret", "s3cret")][..],
            "invalid_grant",
        ),
        ("no client", &code, &[("client_id", "-")], "invalid_request"),
        (
            "an unknown client",
            &code,
            &[("client_id", "nobody")],
            "invalid_client",
        ),
        (
            "no secret",
            &of_secret,
            &[("client_id", "secret")],
            "invalid_client",
        ),
        (
            "a wrong secret",
            &of_secret,
            &[("client_id", "secret"), ("client_secret", "s3creT")],
            "invalid_client",
        ),
        (
            "no verifier",
            &code,
            &[("code_verifier", "-")],
            "invalid_request",
        ),
        (
            "another verifier",
            &code,
            &[("code_verifier", &VERIFIER.replace('a', "b"))],
            "invalid_grant",
        ),
        (
            "the challenge as verifier",
            &code,
            &[("code_verifier", &challenge(VERIFIER))],
            "invalid_grant",
        ),
        (
            "a long verifier",
            &code,
            &[("code_verifier", &long)],
            "invalid_grant",
        ),
        (
            "another address",
            &code,
            &[("redirect_uri", "https://app.example/cb")],
            "invalid_grant",
        ),
        (
            "another resource",
            &code,
            &[("resource", "https://other.example/mcp")],
            "invalid_target",
        ),
        ("too late", &late, &[], "invalid_grant"),
        ("of another server", &foreign, &[], "invalid_grant"),
        ("made up", "wharf-code-AAAA", &[], "invalid_grant"),
        ("no code", "-", &[], "invalid_request"),
        (
            "another grant",
            &code,
            &[("grant_type", "password")],
            "unsupported_grant_type",
        ),
        (
            "a code as refresh token",
            &code,
            &[("grant_type", "refresh_token"), ("refresh_token", &code)],
            "invalid_grant",
        ),
    ] {
        let answer = post(&sign_in, "/token", &[], &redeeming(code, changes)).await;
        assert_eq!(told(&answer)["error"], error, "{case}: {}", text(&answer));
        assert_eq!(answer.headers()["cache-control"], "no-store", "{case}");
    }
    // None of these has spent it.
    let answer = post(&sign_in, "/token", &[], &redeeming(&code, &[])).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", text(&answer));
    let tokens = told(&answer);
    assert_eq!(tokens["scope"], "read", "`write` is for editors");
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert!(!refresh.contains("provider"), "{refresh}");
    let again = post(&sign_in, "/token", &[], &redeeming(&code, &[])).await;
    assert_eq!(told(&again)["error"], "invalid_grant", "a second time");
    let twice = format!("{}&code_verifier=x", redeeming(&code, &[]));
    let answer = post(&sign_in, "/token", &[], &twice).await;
    assert_eq!(
        told(&answer)["error"],
        "invalid_request",
        "a parameter twice"
    );
}

#[tokio::test]
async fn an_access_token_is_for_one_server() {
    let here = sign_in();
    let elsewhere = with(&json!({}), ISSUER, "https://mcp.example/other");
    let another = with(&json!({}), "https://other.example", RESOURCE);
    let answer = post(
        &here,
        "/token",
        &[],
        &redeeming(&code_for(&here, "known", 60, Some("r")), &[]),
    )
    .await;
    let tokens = told(&answer);
    let access = tokens["access_token"].as_str().unwrap();
    let (identity, ends) = here.identity(access, now()).unwrap();
    assert!(ends > now() + 3_500, "{ends}");
    assert_eq!(identity.subject, "ann");
    assert_eq!(identity.issuer.as_deref(), Some(ISSUER));
    assert_eq!(identity.client_id.as_deref(), Some("known"));
    assert_eq!(identity.scopes.iter().collect::<Vec<_>>(), ["read"]);
    assert_eq!(identity.groups.iter().collect::<Vec<_>>(), ["readers"]);
    assert!(SignIn::is_ours(access));
    let expiry = now() + 3_600;
    for (case, server, token, at, expected) in [
        (
            "after its time",
            &here,
            access,
            expiry + 5,
            AccessError::Expired,
        ),
        (
            "for another path",
            &elsewhere,
            access,
            now(),
            AccessError::Audience,
        ),
        (
            "of another issuer",
            &another,
            access,
            now(),
            AccessError::Foreign,
        ),
        (
            "a refresh token",
            &here,
            tokens["refresh_token"].as_str().unwrap(),
            now(),
            AccessError::Foreign,
        ),
        (
            "cut short",
            &here,
            &access[..access.len() - 1],
            now(),
            AccessError::Foreign,
        ),
        ("nothing", &here, "", now(), AccessError::Foreign),
    ] {
        let refused = server.identity(token, at).err();
        assert_eq!(refused, Some(expected), "{case}");
    }
}

#[tokio::test]
async fn no_token_outlives_the_session() {
    for (session_life_s, expires_in) in [(60, 60), (86_400, 3_600)] {
        let setting = json!({"session_life_s": session_life_s});
        let sign_in = with(&setting, ISSUER, RESOURCE);
        for refresh in [Some("r"), None] {
            let code = code_for(&sign_in, "known", 60, refresh);
            let answer = post(&sign_in, "/token", &[], &redeeming(&code, &[])).await;
            let tokens = told(&answer);
            assert_eq!(tokens["expires_in"], expires_in, "{tokens}");
            let access = tokens["access_token"].as_str().unwrap();
            let (_, ends) = sign_in.identity(access, now()).unwrap();
            assert!(ends <= now() + expires_in, "{ends}");
        }
    }
}

#[tokio::test]
async fn a_refresh_token_is_for_its_client_and_asks_for_no_more() {
    let sign_in = sign_in();
    let refresh = |client: &str, life: i64| {
        let refresh = Refresh {
            family: "a family".to_owned(),
            generation: 0,
            attempt: Attempt::begin(&Extensions::new()),
            client: mark(client, client),
            scopes: vec!["read".to_owned()],
            person: Person::default(),
            providers_own: "r".to_owned(),
            began_at: now(),
        };
        let ends = now().saturating_add_signed(life);
        sign_in.0.seals.seal(Purpose::Refresh, &refresh, ends)
    };
    for (case, token, scope, error) in [
        (
            "another client's",
            refresh("secret", 60),
            "-",
            "invalid_grant",
        ),
        ("too late", refresh("known", -1), "-", "invalid_grant"),
        (
            "for more",
            refresh("known", 60),
            "read write",
            "invalid_scope",
        ),
        (
            "made up",
            "wharf-refresh-AAAA".to_owned(),
            "-",
            "invalid_grant",
        ),
    ] {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("client_id", "known"),
            ("refresh_token", &token),
            ("scope", scope),
        ];
        let answer = post(&sign_in, "/token", &[], &query(&pairs)).await;
        assert_eq!(told(&answer)["error"], error, "{case}: {}", text(&answer));
    }
}

#[tokio::test]
async fn a_store_that_is_down_refuses_unless_told_otherwise() {
    // A port that nothing listens on.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    drop(listener);
    for (setting, status) in [
        (json!({}), StatusCode::SERVICE_UNAVAILABLE),
        (
            json!({"when_store_is_down": "refuse"}),
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        (json!({"when_store_is_down": "allow"}), StatusCode::OK),
    ] {
        let store = Store::new(
            &wharf_store::Config::Redis {
                url: Secret::new(url.clone()),
                key_prefix: String::new(),
                timeout_ms: 2_000,
                ca_pem: None,
            },
            &(),
        );
        let sign_in = SignIn::new(&config(&setting), ISSUER, RESOURCE, store.unwrap()).unwrap();
        let code = code_for(&sign_in, "known", 60, None);
        let answer = post(&sign_in, "/token", &[], &redeeming(&code, &[])).await;
        assert_eq!(answer.status(), status, "{setting}: {}", text(&answer));
    }
}

/// Who comes with a token that was used long ago ends the sign-in, for himself and for the other who has a copy.
#[tokio::test]
async fn who_comes_again_after_the_grace_ends_the_sign_in() {
    let attempt = Attempt::begin(&Extensions::new());
    for (case, used_s_ago, is_ended) in [
        ("unused", None, false),
        ("just now", Some(5), false),
        ("long ago", Some(15), true),
    ] {
        let facade = sign_in().0;
        if let Some(ago) = used_s_ago {
            let life = facade.config.refresh_token_life_s + 1;
            let left = Duration::from_secs(life - ago);
            assert!(facade.store.put_new(&used("a", 3), left).await.unwrap());
        }
        let again = facade.begin_refresh("a", 3, &attempt).await;
        assert_eq!(again.is_ok(), used_s_ago.is_none(), "{case}");
        for (family, is_ended) in [("a", is_ended), ("another", false)] {
            let next = facade.begin_refresh(family, 7, &attempt).await;
            assert_eq!(next.is_err(), is_ended, "{case}, {family}");
        }
    }
}

#[tokio::test]
async fn two_windows_that_refresh_at_once_end_nothing() {
    let attempt = Attempt::begin(&Extensions::new());
    let facade = sign_in().0;
    let begin = |generation| facade.begin_refresh("family", generation, &attempt);
    begin(0).await.unwrap();
    let other = begin(0).await.unwrap_err();
    assert_eq!(other.code, "temporarily_unavailable");
    facade.end_refresh("family", 0, &attempt).await.unwrap();
    assert_eq!(begin(0).await.unwrap_err().code, "invalid_grant");
    begin(1).await.unwrap();
}
