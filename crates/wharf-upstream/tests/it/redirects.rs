use http::Method;
use wharf_model::Secret;
use wharf_upstream::{ApiKeyPlace, Credentials, UpstreamError};

use crate::server::{Server, answer, ok};
use crate::*;

#[tokio::test]
async fn redirects_within_the_origin_are_followed() {
    for (method, status, expected, seen) in [
        (Method::GET, 301, 200, vec!["GET /v1/a ", "GET /v1/b?c=d "]),
        (Method::GET, 302, 200, vec!["GET /v1/a ", "GET /v1/b?c=d "]),
        (Method::GET, 303, 200, vec!["GET /v1/a ", "GET /v1/b?c=d "]),
        (
            Method::HEAD,
            302,
            200,
            vec!["HEAD /v1/a ", "HEAD /v1/b?c=d "],
        ),
        (
            Method::POST,
            307,
            200,
            vec!["POST /v1/a body", "POST /v1/b?c=d body"],
        ),
        (
            Method::PUT,
            308,
            200,
            vec!["PUT /v1/a body", "PUT /v1/b?c=d body"],
        ),
        (
            Method::POST,
            301,
            200,
            vec!["POST /v1/a body", "GET /v1/b?c=d "],
        ),
        (
            Method::POST,
            302,
            200,
            vec!["POST /v1/a body", "GET /v1/b?c=d "],
        ),
        (
            Method::DELETE,
            303,
            200,
            vec!["DELETE /v1/a body", "GET /v1/b?c=d "],
        ),
        (Method::PUT, 301, 301, vec!["PUT /v1/a body"]),
        (Method::DELETE, 302, 302, vec!["DELETE /v1/a body"]),
        (Method::GET, 304, 304, vec!["GET /v1/a "]),
    ] {
        let server = Server::start(move |seen, _| {
            let body = if seen.method == "HEAD" { "" } else { "text" };
            if seen.target == "/v1/a" {
                answer(status, &[("location", "b?c=d#e")], "")
            } else {
                ok(body)
            }
        })
        .await;
        let row = format!("{method} {status}");
        let mut request = request(method.clone(), "/a");
        if !matches!(method, Method::GET | Method::HEAD) {
            request.body = "body".into();
        }
        let base = format!("{}/v1/", server.url());
        let response = soon(send(&config(), &base, request)).await.unwrap();
        assert_eq!(response.status, expected, "{row}");
        let given: Vec<_> = server
            .seen()
            .into_iter()
            .map(|seen| format!("{} {} {}", seen.method, seen.target, seen.body))
            .collect();
        assert_eq!(given, seen, "{row}");
    }
}

/// A POST that is answered with 303 is done; what it made is read without a trace of what was sent.
#[tokio::test]
async fn a_body_and_its_headers_do_not_outlive_the_post() {
    let server = Server::start(|seen, _| match seen.method.as_str() {
        "POST" => answer(303, &[("location", "/made/1")], "See there."),
        _ => ok("made"),
    })
    .await;
    let mut request = request(Method::POST, "/make");
    request.body = "hush".into();
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-language", "en"),
        ("accept", "text/plain"),
        ("x-request", "1"),
    ] {
        request.headers.insert(name, value.parse().unwrap());
    }
    let mut config = config();
    config.credentials = Credentials::Bearer {
        token: Secret::new("token"),
    };
    let response = soon(send(&config, &server.url(), request)).await.unwrap();
    assert_eq!(response.body, "made");
    let seen = &server.seen()[1];
    assert_eq!((seen.method.as_str(), seen.body.as_str()), ("GET", ""));
    for (name, expected) in [
        ("content-type", None),
        ("content-language", None),
        ("content-length", None),
        ("accept", Some("text/plain")),
        ("x-request", Some("1")),
        ("authorization", Some("Bearer token")),
    ] {
        assert_eq!(seen.header(name), expected, "{name}");
    }
}

#[tokio::test]
async fn another_origin_is_never_followed() {
    let other = Server::script(vec![ok("leaked")]).await;
    let location = format!("{}/b", other.url());
    let server = Server::script(vec![answer(307, &[("location", &location)], "moved")]).await;
    for method in [Method::GET, Method::POST] {
        let response = soon(send(
            &config(),
            &server.url(),
            request(method.clone(), "/a"),
        ))
        .await
        .unwrap();
        assert_eq!(response.status, 307, "{method}");
        assert_eq!(response.body, "moved", "{method}");
        assert_eq!(response.headers["location"], location, "{method}");
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn strange_locations_are_left_to_the_caller() {
    for location in [
        "file:///etc/passwd",
        "http://[",
        "javascript:alert(1)",
        "https://127.0.0.1/",
        "http://user:word@127.0.0.1/",
        "",
    ] {
        let server = Server::start(move |_, earlier| match earlier {
            0 => answer(302, &[("location", location)], ""),
            _ => ok("followed"),
        })
        .await;
        let response = soon(send(&config(), &server.url(), get("/a")))
            .await
            .unwrap();
        // An empty location is a relative reference to the address itself (RFC 3986 §4.4).
        let expected = if location.is_empty() { 200 } else { 302 };
        assert_eq!(response.status, expected, "{location}");
    }
}

#[tokio::test]
async fn loops_end() {
    for (max, requests) in [(0, 1), (1, 2), (5, 6)] {
        let server = Server::script(vec![answer(302, &[("location", "/again")], "")]).await;
        let mut config = config();
        config.redirects_max = max;
        let result = soon(send(&config, &server.url(), get("/"))).await;
        match result {
            Ok(response) if max == 0 => assert_eq!(response.status, 302),
            Err(UpstreamError::TooManyRedirects { max: given, .. }) => assert_eq!(given, max),
            other => panic!("{max}: {other:?}"),
        }
        assert_eq!(server.seen().len(), requests, "{max}");
    }
}

#[tokio::test]
async fn credentials_stay_on_and_are_not_doubled() {
    let server = Server::start(|seen, _| match seen.target.as_str() {
        // An upstream that repeats the whole query in its redirects.
        "/a?x=1&key=hush" => answer(302, &[("location", "/b?x=1&key=hush")], ""),
        _ => ok(""),
    })
    .await;
    let mut config = config();
    config.credentials = Credentials::ApiKey {
        name: Some("key".to_owned()),
        place: Some(ApiKeyPlace::Query),
        value: Secret::new("hush"),
    };
    soon(send(&config, &server.url(), get("/a?x=1")))
        .await
        .unwrap();
    assert_eq!(server.targets(), ["/a?x=1&key=hush", "/b?x=1&key=hush"]);
}
