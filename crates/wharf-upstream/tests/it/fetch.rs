use wharf_upstream::{FetchOptions, UpstreamError, fetch_document};

use crate::server::{Reply, Server, answer, ok};
use crate::*;

#[tokio::test]
async fn documents_are_fetched_whole() {
    let server = Server::start(|seen, _| match seen.target.as_str() {
        "/docs/openapi?v=1" => answer(301, &[("location", "v1.yaml#top")], "moved"),
        _ => answer(
            200,
            &[("content-type", "application/yaml; charset=utf-8")],
            "openapi: 3.1.0",
        ),
    })
    .await;
    let mut options = FetchOptions::default();
    options
        .headers
        .insert("authorization", "Bearer hush".parse().unwrap());
    let url = format!("{}/docs/openapi?v=1", server.url());
    let fetched = soon(fetch_document(&url, &options)).await.unwrap();
    assert_eq!(fetched.body, "openapi: 3.1.0");
    assert_eq!(fetched.url, format!("{}/docs/v1.yaml#top", server.url()));
    assert_eq!(
        fetched.content_type.as_deref(),
        Some("application/yaml; charset=utf-8")
    );
    for seen in server.seen() {
        assert_eq!(seen.header("authorization"), Some("Bearer hush"));
        assert!(
            seen.header("accept")
                .is_some_and(|accept| accept.contains("yaml"))
        );
    }
    assert_eq!(server.targets(), ["/docs/openapi?v=1", "/docs/v1.yaml"]);
    assert!(!format!("{options:?}").contains("hush"));
}

#[tokio::test]
async fn what_is_no_document_is_an_error() {
    let elsewhere = Server::script(vec![ok("stolen")]).await;
    let away = elsewhere.url();
    for (name, reply, expected) in [
        ("missing", answer(404, &[], "no"), "status 404"),
        ("empty success", answer(204, &[], ""), "status 204"),
        ("no location", answer(302, &[], ""), "status 302"),
        ("too large", ok("12345678901"), "larger than 10 bytes"),
        (
            "a loop",
            answer(302, &[("location", "/again")], ""),
            "redirected more than 2 times",
        ),
        (
            "another origin",
            answer(302, &[("location", &away)], ""),
            "another origin",
        ),
        (
            "cut off",
            Reply::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec()),
            "after 3 bytes",
        ),
        (
            "silence",
            Reply::Silent(Vec::new()),
            "no answer within 0.5 s",
        ),
    ] {
        let server = Server::script(vec![reply]).await;
        let options = FetchOptions {
            bytes_max: 10,
            redirects_max: 2,
            timeout_s: seconds(if name == "silence" { 0.5 } else { 9.0 }),
            ..FetchOptions::default()
        };
        let url = format!("{}/openapi.json?key=hush", server.url());
        let error = soon(fetch_document(&url, &options)).await.expect_err(name);
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(!everything(&error).contains("hush"), "{name}: {error:?}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn addresses_are_checked_first() {
    for url in [
        "openapi.yaml",
        "file:///etc/passwd",
        "http://",
        "http://ann:hush@127.0.0.1/",
    ] {
        let error = soon(fetch_document(url, &FetchOptions::default()))
            .await
            .expect_err(url);
        assert!(
            matches!(error, UpstreamError::Url { .. }),
            "{url}: {error:?}"
        );
        assert!(!everything(&error).contains("hush"), "{url}: {error:?}");
        assert!(error.hint().is_some(), "{url}");
    }
}
