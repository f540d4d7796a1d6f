//! Credentials by security scheme: each operation's requests carry what it declares.

use std::collections::BTreeMap;

use wharf_model::Secret;
use wharf_upstream::{ApiKeyPlace, Credentials, DeclaredScheme};

use crate::server::{Server, ok};
use crate::*;

fn key(value: &str) -> Credentials {
    Credentials::ApiKey {
        name: None,
        place: None,
        value: Secret::new(value),
    }
}

fn declared() -> BTreeMap<String, DeclaredScheme> {
    let key = |name: &str, place| DeclaredScheme::ApiKey {
        name: name.to_owned(),
        place,
    };
    [
        ("app".to_owned(), key("X-App", ApiKeyPlace::Header)),
        ("user".to_owned(), key("user_key", ApiKeyPlace::Query)),
        ("session".to_owned(), key("sid", ApiKeyPlace::Cookie)),
        ("login".to_owned(), DeclaredScheme::Authorization),
    ]
    .into()
}

fn security(alternatives: &[&[&str]]) -> Vec<Vec<String>> {
    let owned = |all: &&[&str]| all.iter().map(|scheme| (*scheme).to_owned()).collect();
    alternatives.iter().map(owned).collect()
}

#[tokio::test]
async fn each_operation_gets_what_it_declares() {
    let server = Server::script(vec![ok("")]).await;
    let mut config = config();
    config.credentials = Credentials::Bearer {
        token: Secret::new("for all"),
    };
    for (scheme, credentials) in [
        ("app", key("a1")),
        ("user", key("u1")),
        ("session", key("s1")),
    ] {
        config.schemes.insert(scheme.to_owned(), credentials);
    }
    let config = config.completed(&declared(), &()).unwrap();
    let upstream = Upstream::new(&config, &server.url(), Trust::Operator).unwrap();
    for (declares, app, target, cookie) in [
        (security(&[]), None, "/p", None),
        (security(&[&[]]), None, "/p", None),
        (security(&[&["app"]]), Some("a1"), "/p", None),
        (
            security(&[&["login"], &["user"]]),
            None,
            "/p?user_key=u1",
            None,
        ),
        (
            security(&[&["app", "user", "session"]]),
            Some("a1"),
            "/p?user_key=u1",
            Some("sid=s1"),
        ),
        (security(&[&["app", "login"]]), None, "/p", None),
        (
            security(&[&["app", "login"], &["session"]]),
            None,
            "/p",
            Some("sid=s1"),
        ),
        (security(&[&[], &["app"]]), Some("a1"), "/p", None),
    ] {
        let operation = upstream.for_operation(&declares);
        soon(operation.send(get("/p"), &HeaderMap::new(), None))
            .await
            .unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.header("x-app"), app, "{declares:?}");
        assert_eq!(seen.target, target, "{declares:?}");
        assert_eq!(seen.header("cookie"), cookie, "{declares:?}");
        assert_eq!(seen.header("authorization"), None, "{declares:?}");
    }
    assert_eq!(server.connections(), 1, "operations share one pool");
}

#[tokio::test]
async fn without_schemes_the_credentials_are_for_everything() {
    let server = Server::script(vec![ok("")]).await;
    let mut config = config();
    config.credentials = Credentials::Bearer {
        token: Secret::new("hush"),
    };
    let config = config.completed(&declared(), &()).unwrap();
    let upstream = Upstream::new(&config, &server.url(), Trust::Operator).unwrap();
    for declares in [security(&[]), security(&[&["app"]])] {
        let operation = upstream.for_operation(&declares);
        soon(operation.send(get("/p"), &HeaderMap::new(), None))
            .await
            .unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!(
            seen.header("authorization"),
            Some("Bearer hush"),
            "{declares:?}"
        );
    }
}

#[test]
fn what_is_missing_is_said_with_its_scheme() {
    for (scheme, credentials, complaint) in [
        ("login", key("hush"), "`name` is not given"),
        ("app", key(""), "`value` is empty"),
        (
            "login",
            Credentials::OauthClientCredentials {
                token_url: "login.example.com".to_owned(),
                client_id: "c".to_owned(),
                client_secret: Secret::new("hush"),
                client_authentication: wharf_upstream::ClientAuthentication::Basic,
                scopes: Vec::new(),
                parameters: BTreeMap::new(),
            },
            "does not begin with `https://`",
        ),
        (
            "login",
            Credentials::CognitoClientCredentials {
                domain: "shop".to_owned(),
                region: None,
                client_id: "c".to_owned(),
                client_secret: Secret::new("hush"),
                scopes: Vec::new(),
            },
            "`region` is needed",
        ),
    ] {
        let mut config = config();
        config.schemes.insert(scheme.to_owned(), credentials);
        let config = config.completed(&declared(), &()).unwrap();
        let error =
            Upstream::new(&config, "http://127.0.0.1", Trust::Operator).expect_err(complaint);
        assert_eq!(error.keys()[..2], ["schemes", scheme], "{error:?}");
        let text = everything(&error);
        assert!(text.contains(complaint), "{complaint}: {text}");
        assert!(!text.contains("hush"), "{text}");
    }
}
