use wharf_model::Secret;
use wharf_upstream::{ApiKeyPlace, Credentials, UpstreamError};

use crate::server::{Seen, Server, ok};
use crate::*;

fn key(place: ApiKeyPlace) -> Credentials {
    Credentials::ApiKey {
        name: Some("key".to_owned()),
        place: Some(place),
        value: Secret::new("hush"),
    }
}

fn all_credentials() -> [Credentials; 5] {
    [
        Credentials::Bearer {
            token: Secret::new("hush"),
        },
        Credentials::Basic {
            username: "ann".to_owned(),
            password: Secret::new("hush"),
        },
        key(ApiKeyPlace::Header),
        key(ApiKeyPlace::Query),
        key(ApiKeyPlace::Cookie),
    ]
}

/// What a request shows of credentials: authorization, key header, cookie, target.
fn shown(seen: &Seen) -> [Option<&str>; 4] {
    [
        seen.header("authorization"),
        seen.header("key"),
        seen.header("cookie"),
        Some(&seen.target),
    ]
}

#[tokio::test]
async fn credentials_go_where_they_belong_and_a_call_cannot_replace_them() {
    let server = Server::script(vec![ok("")]).await;
    let (a, k, c, t) = (
        Some("mine"),
        Some("mine"),
        Some("x=1; key=mine"),
        Some("/p?key=mine&q=1"),
    );
    for (credentials, expected) in [
        (Credentials::None {}, [a, k, c, t]),
        (all_credentials()[0].clone(), [Some("Bearer hush"), k, c, t]),
        (
            all_credentials()[1].clone(),
            [Some("Basic YW5uOmh1c2g="), k, c, t],
        ),
        (all_credentials()[2].clone(), [a, Some("hush"), c, t]),
        (
            all_credentials()[3].clone(),
            [a, k, c, Some("/p?q=1&key=hush")],
        ),
        (
            all_credentials()[4].clone(),
            [a, k, Some("x=1; key=hush"), t],
        ),
    ] {
        let mut request = get("/p?key=mine&q=1");
        for (name, value) in [
            ("authorization", "mine"),
            ("key", "mine"),
            ("cookie", "x=1; key=mine"),
        ] {
            request.headers.insert(name, value.parse().unwrap());
        }
        let mut config = config();
        config.credentials = credentials.clone();
        soon(send(&config, &server.url(), request)).await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!(shown(&seen), expected, "{credentials:?}");
    }
}

#[tokio::test]
async fn strangers_get_nothing_and_listed_origins_all() {
    let own = Server::script(vec![ok("")]).await;
    let other = Server::script(vec![ok("")]).await;
    let inbound = [("x-trace".parse().unwrap(), "t1".parse().unwrap())]
        .into_iter()
        .collect();
    for credentials in all_credentials() {
        for listed in [false, true] {
            let mut config = config();
            config.credentials = credentials.clone();
            config.headers = [("x-tenant".to_owned(), Secret::new("blue"))].into();
            config.forward_headers = vec!["x-trace".to_owned()];
            config.allow_private_networks = true;
            if listed {
                config.credential_origins = vec![other.url()];
            }
            let upstream = Upstream::new(&config, &own.url(), Trust::Operator).unwrap();
            for (server, gets) in [(&own, true), (&other, listed)] {
                let row = format!(
                    "{credentials:?}, listed: {listed}, own: {}",
                    server.url() == own.url()
                );
                let target = format!("{}/p", server.url());
                soon(upstream.send(get(&target), &inbound, None))
                    .await
                    .unwrap();
                let seen = server.seen().pop().unwrap();
                let bare = shown(&seen) == [None, None, None, Some("/p")];
                assert_eq!(!bare, gets, "{row}: {seen:?}");
                assert_eq!(seen.header("x-tenant").is_some(), gets, "{row}");
                assert_eq!(seen.header("x-trace").is_some(), gets, "{row}");
                assert_eq!(
                    seen.header("host"),
                    Some(server.address.to_string().as_str()),
                    "{row}"
                );
            }
        }
    }
}

#[tokio::test]
async fn targets_join_the_base_path() {
    let server = Server::script(vec![ok("")]).await;
    let origin = server.url();
    for (base, target, expected) in [
        ("", "/pets", "/pets"),
        ("", "", "/"),
        ("", "?a=b", "/?a=b"),
        ("/", "/pets/", "/pets/"),
        ("/v1", "/pets?a=b%2Fc", "/v1/pets?a=b%2Fc"),
        ("/v1/", "", "/v1"),
        ("/v1", "?a", "/v1?a"),
        ("/v1", "/pets#part", "/v1/pets"),
        ("/v1", "//evil.example/x", "/v1//evil.example/x"),
        ("/v1", "/@evil.example/x", "/v1/@evil.example/x"),
        // A whole address stands for itself.
        ("/v1", "{origin}/v2/pets", "/v2/pets"),
        ("/v1", "{origin}?a", "/?a"),
        ("/v1", "{ORIGIN}/v2", "/v2"),
    ] {
        let target = target
            .replace("{origin}", &origin)
            .replace("{ORIGIN}", &origin.to_uppercase());
        soon(send(&config(), &format!("{origin}{base}"), get(&target)))
            .await
            .unwrap_or_else(|error| panic!("{base} {target}: {error}"));
        assert_eq!(server.targets().pop().unwrap(), expected, "{base} {target}");
    }
}

#[tokio::test]
async fn targets_that_lead_astray_are_refused() {
    let server = Server::script(vec![ok("")]).await;
    let long = format!("/{}", "x".repeat(40_000));
    for target in [
        "pets",
        "@evil.example/",
        ".evil.example/",
        "/a b",
        "/a\r\nx: y",
        "/../admin",
        "/pets/%2e%2E/admin",
        "/pets/..?x",
        "ftp://127.0.0.1/",
        "http://",
        "http://ann:hush@127.0.0.1/",
        long.as_str(),
    ] {
        let error = soon(send(
            &config(),
            &format!("{}/v1", server.url()),
            get(target),
        ))
        .await
        .expect_err(target);
        assert!(
            matches!(error, UpstreamError::Target { .. }),
            "{target}: {error:?}"
        );
        assert!(!everything(&error).contains("hush"), "{error:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn requests_say_who_we_are_and_ask_for_no_compression() {
    let server = Server::script(vec![ok("")]).await;
    let ours = format!("wharf/{}", env!("CARGO_PKG_VERSION"));
    for (given, expected) in [(None, ours.as_str()), (Some("mine/1"), "mine/1")] {
        let mut request = get("/");
        request
            .headers
            .insert("accept-encoding", "gzip".parse().unwrap());
        request
            .headers
            .insert("host", "evil.example".parse().unwrap());
        request
            .headers
            .insert("transfer-encoding", "chunked".parse().unwrap());
        if let Some(given) = given {
            request.headers.insert("user-agent", given.parse().unwrap());
        }
        soon(send(&config(), &server.url(), request)).await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.header("user-agent"), Some(expected));
        assert_eq!(seen.header("accept-encoding"), None);
        assert_eq!(seen.header("transfer-encoding"), None);
        assert_eq!(
            seen.header("host"),
            Some(server.address.to_string().as_str())
        );
    }
}

#[tokio::test]
async fn only_listed_inbound_headers_are_sent_on() {
    let server = Server::script(vec![ok("")]).await;
    let inbound: HeaderMap = [
        ("authorization", "client"),
        ("cookie", "c=1"),
        ("traceparent", "00-1-2-3"),
        ("x-other", "o"),
        ("connection", "x-hop"),
        ("x-hop", "h"),
    ]
    .into_iter()
    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
    .collect();
    for (listed, expected) in [
        (vec![], vec![]),
        (
            vec!["Traceparent", "x-absent", "x-hop"],
            vec!["traceparent"],
        ),
        (
            vec!["cookie", "authorization"],
            vec!["authorization", "cookie"],
        ),
    ] {
        let mut config = config();
        config.forward_headers = listed.iter().map(|name| (*name).to_owned()).collect();
        let upstream = Upstream::new(&config, &server.url(), Trust::Operator).unwrap();
        soon(upstream.send(get("/"), &inbound, None)).await.unwrap();
        let seen = server.seen().pop().unwrap();
        let mut names: Vec<_> = seen
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !matches!(*name, "host" | "user-agent"))
            .collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{listed:?}");
    }
}

#[test]
fn nothing_secret_is_printed() {
    for credentials in all_credentials() {
        let mut config = config();
        config.credentials = credentials;
        config.headers = [("x-tenant".to_owned(), Secret::new("hush"))].into();
        let upstream = Upstream::new(&config, "http://127.0.0.1:1", Trust::Operator).unwrap();
        let mut request = get("/?key=hush");
        request.headers.insert("key", "hush".parse().unwrap());
        request.body = "hush".into();
        let text = format!("{config:?} {upstream:?} {request:?}");
        assert!(
            !text.contains("hush") && !text.contains("YW5uOmh1c2g="),
            "{text}"
        );
    }
}

#[test]
fn listed_origins_are_origins() {
    for (origin, complaint) in [
        ("https://files.example.com/v1", "has a path"),
        ("files.example.com", "begin with"),
        ("https://files.example.com?x", "has a query"),
    ] {
        let mut config = config();
        config.credential_origins = vec![origin.to_owned()];
        let error = Upstream::new(&config, "http://127.0.0.1", Trust::Operator).expect_err(origin);
        assert_eq!(error.keys(), ["credential_origins", "0"], "{origin}");
        let text = everything(&error);
        assert!(text.contains(complaint), "{origin}: {text}");
    }
}
