use std::time::Duration;

use http::Method;

use crate::server::{Reply, Server, answer, ok};
use crate::*;

#[tokio::test]
async fn connections_are_used_again() {
    let large = "x".repeat(100_000);
    let server = Server::start(move |seen, _| match seen.target.as_str() {
        "/large" => ok(&large),
        "/missing" => answer(404, &[], "no"),
        "/moved" => answer(302, &[("location", "/")], "moved"),
        "/busy" => answer(503, &[], "busy"),
        "/chunked" => Reply::Bytes(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n".to_vec(),
        ),
        _ => ok("x"),
    })
    .await;
    let upstream = Upstream::new(&config(), &server.url(), Trust::Operator).unwrap();
    for _ in 0..3 {
        for target in ["/", "/large", "/missing", "/moved", "/busy", "/chunked"] {
            for method in [Method::GET, Method::POST] {
                soon(upstream.send(request(method, target), &HeaderMap::new(), None))
                    .await
                    .unwrap();
            }
        }
    }
    assert_eq!(server.connections(), 1);
}

/// Upstreams close idle connections whenever they like; no call may fail of that, not even one that must not be
/// repeated, as nothing of it was sent.
#[tokio::test]
async fn connections_that_the_upstream_closed_are_not_used() {
    let closing = Reply::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx".to_vec());
    let server = Server::script(vec![closing]).await;
    let upstream = Upstream::new(&config(), &server.url(), Trust::Operator).unwrap();
    for call in 0..10 {
        soon(upstream.send(request(Method::POST, "/"), &HeaderMap::new(), None))
            .await
            .unwrap_or_else(|error| panic!("call {call}: {}", everything(&error)));
        // Several turns of the runtime, in which the end of the connection arrives.
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert_eq!(server.seen().len(), 10);
}

#[tokio::test]
async fn a_dropped_call_does_not_spoil_the_next() {
    let server = Server::start(|seen, _| match seen.target.as_str() {
        "/slow" => Reply::Silent(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx".to_vec()),
        _ => ok("mine"),
    })
    .await;
    let upstream = Upstream::new(&config(), &server.url(), Trust::Operator).unwrap();
    for _ in 0..3 {
        let inbound = HeaderMap::new();
        let slow = upstream.send(get("/slow"), &inbound, None);
        tokio::time::timeout(Duration::from_millis(50), slow)
            .await
            .expect_err("it never ends");
        let response = soon(upstream.send(get("/"), &HeaderMap::new(), None))
            .await
            .unwrap();
        assert_eq!(response.body, "mine");
    }
}

#[tokio::test]
async fn connections_that_nobody_uses_are_closed() {
    let server = Server::start(|_, _| ok("x")).await;
    let upstream = Upstream::new(&config(), &server.url(), Trust::Operator).unwrap();
    for (idle_s, connections) in [(0, 1), (40, 1), (120, 2), (0, 2)] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(idle_s)).await;
        tokio::time::resume();
        soon(upstream.send(get("/"), &HeaderMap::new(), None))
            .await
            .unwrap();
        assert_eq!(server.connections(), connections, "{idle_s}");
    }
}

/// A runtime drives the connections that it opened. So each has its own, as far as any may be kept.
#[tokio::test]
async fn a_runtime_uses_its_own_connections() {
    async fn ask(upstream: &Upstream) {
        soon(upstream.send(request(Method::GET, "/"), &HeaderMap::new(), None))
            .await
            .unwrap();
    }
    for (connections_max, at_once, connections) in [(3, 1, 2), (2, 1, 2), (1, 1, 1), (2, 2, 2)] {
        let server = Server::start(|_, _| ok("x")).await;
        let config = Config {
            connections_max,
            ..config()
        };
        let upstream = Upstream::new(&config, &server.url(), Trust::Operator).unwrap();
        futures_util::future::join_all((0..at_once).map(|_| ask(&upstream))).await;
        let elsewhere = upstream.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                for _ in 0..3 {
                    ask(&elsewhere).await;
                }
            });
        });
        asked.await.unwrap();
        ask(&upstream).await;
        assert_eq!(
            server.connections(),
            connections,
            "{connections_max}, {at_once}"
        );
    }
}
