use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use wharf_upstream::{Stage, TimeLimit, UpstreamError};

use crate::server::{Reply, Server, ok};
use crate::*;

const HEAD: &str = "HTTP/1.1 200 OK\r\n";

fn chunked(pieces: &[&str]) -> Reply {
    let body: Vec<_> = pieces
        .iter()
        .map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len()))
        .collect();
    let body = body.concat();
    Reply::Bytes(format!("{HEAD}transfer-encoding: chunked\r\n\r\n{body}0\r\n\r\n").into_bytes())
}

fn to_the_end(body: &str) -> Reply {
    Reply::Last(format!("{HEAD}\r\n{body}").into_bytes())
}

/// Some upstreams compress whatever is asked for. What a body unfolds to is bounded like every other.
#[tokio::test]
async fn compressed_bodies_are_read_within_the_limit() {
    let gzip = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let reply = |coding: &str, body: &[u8]| {
        let length = body.len();
        let head = format!("{HEAD}content-encoding: {coding}\r\ncontent-length: {length}\r\n\r\n");
        Reply::Bytes([head.as_bytes(), body].concat())
    };
    let bomb = "0".repeat(1 << 20);
    for (name, reply, max, bytes, truncated) in [
        ("gzip", reply("gzip", &gzip("12345")), 100, 5, false),
        ("deflate", reply("deflate", b"\x03\x00"), 100, 0, false),
        (
            "a bomb",
            reply("gzip", &gzip(&bomb)),
            100_000,
            100_000,
            true,
        ),
        (
            "not cut",
            reply("gzip", &gzip(&bomb)),
            1 << 20,
            1 << 20,
            false,
        ),
    ] {
        let server = Server::script(vec![reply]).await;
        let mut config = config();
        config.response_bytes_max = max;
        let response = soon(send(&config, &server.url(), get("/"))).await.unwrap();
        assert_eq!(response.body.len(), bytes, "{name}");
        assert_eq!(response.truncated, truncated, "{name}");
        for header in ["content-encoding", "content-length"] {
            assert_eq!(response.headers.get(header), None, "{name}");
        }
    }
}

#[tokio::test]
async fn bodies_are_cut_at_the_limit() {
    let large = "0123456789".repeat(30_000);
    for (name, reply, max, bytes, truncated) in [
        ("empty", ok(""), 1, 0, false),
        ("below", ok("1234"), 5, 4, false),
        ("exact", ok("12345"), 5, 5, false),
        ("above", ok("123456"), 5, 5, true),
        ("chunked, exact", chunked(&["12", "345"]), 5, 5, false),
        ("chunked, above", chunked(&["12", "345", "6"]), 5, 5, true),
        ("chunked, cut within", chunked(&["123", "456"]), 5, 5, true),
        ("until the end, exact", to_the_end("12345"), 5, 5, false),
        ("until the end, above", to_the_end("123456"), 5, 5, true),
        ("large", ok(&large), 300_000, 300_000, false),
        ("large, above", ok(&large), 299_999, 299_999, true),
        ("large, far above", ok(&large), 100, 100, true),
    ] {
        let server = Server::script(vec![reply]).await;
        let mut config = config();
        config.response_bytes_max = max;
        let response = soon(send(&config, &server.url(), get("/"))).await.unwrap();
        assert_eq!(response.body.len(), bytes, "{name}");
        assert_eq!(response.truncated, truncated, "{name}");
        let expected = if bytes > 10 {
            &large[..bytes]
        } else {
            &"123456"[..bytes]
        };
        assert_eq!(response.body, expected, "{name}");
    }
}

#[tokio::test]
async fn endless_bodies_end() {
    let endless_chunks = Reply::Endless(
        format!("{HEAD}transfer-encoding: chunked\r\n\r\n").into_bytes(),
        b"3\r\nabc\r\n".repeat(1000),
    );
    let announced = Reply::Endless(
        format!("{HEAD}content-length: 18446744073709551000\r\n\r\n").into_bytes(),
        vec![b'x'; 8192],
    );
    for (name, reply) in [("chunks", endless_chunks), ("announced", announced)] {
        let server = Server::script(vec![reply]).await;
        let mut config = config();
        config.response_bytes_max = 1 << 20;
        let response = soon(send(&config, &server.url(), get("/"))).await.unwrap();
        assert!(response.truncated, "{name}");
        assert_eq!(response.body.len(), 1 << 20, "{name}");
    }
}

#[tokio::test]
async fn slow_answers_end() {
    let body = format!("{HEAD}content-length: 1000\r\n\r\n");
    let every = Duration::from_millis(50);
    for (name, reply, expected_stage, expected_limit) in [
        (
            "no answer",
            Reply::Silent(Vec::new()),
            Stage::Answer,
            TimeLimit::Read,
        ),
        (
            "half a head",
            Reply::Silent(HEAD.as_bytes().to_vec()),
            Stage::Answer,
            TimeLimit::Read,
        ),
        (
            "no body",
            Reply::Silent(body.clone().into_bytes()),
            Stage::Body,
            TimeLimit::Read,
        ),
        (
            "half a body",
            Reply::Silent(format!("{body}abc").into_bytes()),
            Stage::Body,
            TimeLimit::Read,
        ),
        (
            "byte by byte",
            Reply::Drip(body.clone().into_bytes(), every),
            Stage::Body,
            TimeLimit::Total,
        ),
    ] {
        let server = Server::script(vec![reply]).await;
        let mut config = config();
        match expected_limit {
            TimeLimit::Read => config.read_timeout_s = seconds(0.5),
            _ => config.timeout_s = seconds(1.5),
        }
        let started = Instant::now();
        let error = soon(send(&config, &server.url(), get("/")))
            .await
            .expect_err(name);
        match &error {
            UpstreamError::Timeout {
                stage,
                limit,
                after,
                ..
            } => {
                assert_eq!((*stage, *limit), (expected_stage, expected_limit), "{name}");
                assert!(since(started) >= after.as_secs_f64(), "{name}: {error}");
            }
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(server.seen().len(), 1, "{name}: a timeout is not retried");
        let text = everything(&error);
        assert!(text.contains("0.5 s") || text.contains("1.5 s"), "{text}");
    }
}

#[tokio::test]
async fn the_callers_deadline_counts() {
    let server = Server::script(vec![Reply::Silent(Vec::new())]).await;
    let upstream = Upstream::new(&config(), &server.url(), Trust::Operator).unwrap();
    for (after, requests) in [(Duration::ZERO, 0), (Duration::from_millis(500), 1)] {
        let deadline = Instant::now() + after;
        let error = soon(upstream.send(get("/"), &HeaderMap::new(), Some(deadline)))
            .await
            .expect_err("no answer");
        assert!(
            matches!(
                error,
                UpstreamError::Timeout {
                    limit: TimeLimit::Deadline,
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(server.seen().len(), requests, "{after:?}");
    }
}

#[tokio::test]
async fn calls_beyond_the_limit_wait_their_turn() {
    let server = Server::start(|seen, _| match seen.target.as_str() {
        "/slow" => Reply::Silent(Vec::new()),
        _ => ok("done"),
    })
    .await;
    let mut config = config();
    config.connections_max = 1;
    let upstream = Upstream::new(&config, &server.url(), Trust::Operator).unwrap();
    let other = upstream.clone();
    let slow = tokio::spawn(async move { other.send(get("/slow"), &HeaderMap::new(), None).await });
    soon(async {
        while server.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;

    let deadline = Instant::now() + Duration::from_millis(100);
    let error = soon(upstream.send(get("/"), &HeaderMap::new(), Some(deadline)))
        .await
        .expect_err("no turn");
    let is_turn = matches!(
        error,
        UpstreamError::Timeout {
            stage: Stage::Turn,
            ..
        }
    );
    assert!(is_turn, "{error:?}");
    assert_eq!(server.targets(), ["/slow"]);

    slow.abort();
    let response = soon(upstream.send(get("/"), &HeaderMap::new(), None))
        .await
        .unwrap();
    assert_eq!(response.body, "done");
}

#[tokio::test]
async fn senseless_limits_are_refused() {
    for (key, change) in [
        (
            "response_bytes_max",
            (|config| config.response_bytes_max = 0) as fn(&mut Config),
        ),
        ("connections_max", |config| config.connections_max = 0),
    ] {
        let mut config = config();
        change(&mut config);
        let error = Upstream::new(&config, "http://127.0.0.1", Trust::Operator).expect_err(key);
        assert!(error.to_string().contains(key), "{key}: {error}");
    }
}
