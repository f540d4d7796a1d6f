use http::Method;
use wharf_model::Secret;
use wharf_upstream::{ApiKeyPlace, Credentials, UpstreamError};

use crate::server::{Reply, Server, answer};
use crate::*;

/// What kind of failure it is, for the table below.
fn kind(error: &UpstreamError) -> &'static str {
    match error {
        UpstreamError::Protocol { .. } => "protocol",
        UpstreamError::Disconnected { .. } => "disconnected",
        UpstreamError::Interrupted { .. } => "interrupted",
        UpstreamError::Encoding { .. } => "encoding",
        UpstreamError::Decoding { .. } => "decoding",
        _ => "something else",
    }
}

#[tokio::test]
async fn bad_answers_are_told_apart_and_spill_nothing() {
    let last = |text: &str| Reply::Last(text.as_bytes().to_vec());
    let huge_head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    let many_headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    for (name, reply, expected) in [
        (
            "another protocol",
            last("SSH-2.0-OpenSSH_9.6\r\n"),
            "protocol",
        ),
        (
            "no text",
            Reply::Last(vec![0x16, 3, 1, 0, 0xff, 0xfe]),
            "protocol",
        ),
        ("a bad status", last("HTTP/1.1 abc OK\r\n\r\n"), "protocol"),
        (
            "a bad header",
            last("HTTP/1.1 200 OK\r\na b: c\r\n\r\n"),
            "protocol",
        ),
        ("a huge head", last(&huge_head), "protocol"),
        ("many headers", last(&many_headers), "protocol"),
        (
            "two lengths",
            last("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
            "protocol",
        ),
        (
            "a bad length",
            last("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"),
            "protocol",
        ),
        (
            "a bad chunk",
            last("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nhush\r\n"),
            "protocol",
        ),
        ("nothing", last(""), "disconnected"),
        (
            "half a head",
            last("HTTP/1.1 200 OK\r\nconte"),
            "disconnected",
        ),
        ("a reset", Reply::Reset(Vec::new()), "disconnected"),
        (
            "a body cut off",
            last("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhush"),
            "interrupted",
        ),
        (
            "chunks cut off",
            last("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhush\r\n"),
            "interrupted",
        ),
        (
            "a reset body",
            Reply::Reset(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhush".to_vec()),
            "interrupted",
        ),
        (
            "compression that is none",
            answer(200, &[("content-encoding", "gzip")], "hush"),
            "decoding",
        ),
        (
            "compression of another kind",
            answer(200, &[("content-encoding", "br")], "hush"),
            "encoding",
        ),
        (
            "compression on the way",
            last(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n4\r\nhush\r\n0\r\n\r\n",
            ),
            "encoding",
        ),
    ] {
        let server = Server::script(vec![reply]).await;
        let mut config = config();
        config.credentials = Credentials::ApiKey {
            name: Some("key".to_owned()),
            place: Some(ApiKeyPlace::Query),
            value: Secret::new("hush"),
        };
        let mut request = request(Method::POST, "/private?name=hush");
        request.body = "hush".into();
        let error = soon(send(&config, &server.url(), request))
            .await
            .expect_err(name);
        assert_eq!(kind(&error), expected, "{name}: {error:?}");
        let text = everything(&error);
        assert!(
            !text.contains("hush") && !text.contains("private"),
            "{name}: {text}"
        );
        assert!(!error.for_caller().contains("127.0.0.1"), "{name}: {error}");
    }
}

#[tokio::test]
async fn odd_answers_that_are_allowed_pass() {
    let bytes = |text: &str| Reply::Last(text.as_bytes().to_vec());
    for (name, method, reply, status, body) in [
        (
            "an identity coding",
            Method::GET,
            answer(200, &[("content-encoding", "Identity")], "x"),
            200,
            "x",
        ),
        (
            "a coding without a body",
            Method::GET,
            answer(200, &[("content-encoding", "gzip")], ""),
            200,
            "",
        ),
        (
            "a coding of what HEAD leaves out",
            Method::HEAD,
            bytes("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 9\r\n\r\n"),
            200,
            "",
        ),
        (
            "an interim answer first",
            Method::GET,
            bytes(
                "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
            ),
            200,
            "x",
        ),
        (
            "no reason",
            Method::GET,
            bytes("HTTP/1.1 200\r\n\r\nx"),
            200,
            "x",
        ),
        (
            "HTTP/1.0",
            Method::GET,
            bytes("HTTP/1.0 404 Not Found\r\n\r\nx"),
            404,
            "x",
        ),
        (
            "trailers",
            Method::GET,
            bytes(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\ny: z\r\n\r\n",
            ),
            200,
            "x",
        ),
        (
            "no content",
            Method::DELETE,
            bytes("HTTP/1.1 204 No Content\r\n\r\n"),
            204,
            "",
        ),
    ] {
        let server = Server::script(vec![reply]).await;
        let response = soon(send(&config(), &server.url(), request(method, "/")))
            .await
            .unwrap_or_else(|error| panic!("{name}: {}", everything(&error)));
        assert_eq!(response.status, status, "{name}");
        assert_eq!(response.body, body, "{name}");
        assert!(!response.truncated, "{name}");
    }
}

#[tokio::test]
async fn an_unknown_host_says_so() {
    // A label has at most 63 characters (RFC 1035 §2.3.4), so that nobody is even asked.
    let host = "x".repeat(64);
    let mut config = config();
    config.retries.max = 0;
    let error = soon(send(&config, &format!("http://{host}"), get("/?key=hush")))
        .await
        .expect_err("no such host");
    assert!(
        matches!(&error, UpstreamError::Resolve { host: given, .. } if *given == host),
        "{error:?}"
    );
    assert!(!everything(&error).contains("hush"), "{error:?}");
}
