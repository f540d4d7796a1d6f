//! What those see who are connected when the server is told to end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wharf_server::{Config, Limits};

use crate::support::{Bench, converse, list};

/// Ends what has failed.
const PATIENCE: Duration = Duration::from_secs(10);

fn limits(shutdown_delay_s: u64) -> Config {
    Config {
        limits: Limits {
            shutdown_delay_s,
            ..Limits::default()
        },
        ..Config::default()
    }
}

async fn until_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .expect("it is closed")
        .expect("in an orderly way");
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn within_the_delay_everything_is_answered_for_the_last_time() {
    let bench = Bench::start(limits(60)).await;
    let (mut kept, mut idle) = (bench.connect().await, bench.connect().await);
    let before = converse(&mut kept, &list(), "}}").await;
    assert!(
        before.starts_with("HTTP/1.1 200") && !before.contains("connection: close"),
        "{before}"
    );
    converse(&mut idle, &list(), "}}").await;

    bench.stop();
    let not_ready = async {
        let asked = "GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n";
        while !bench
            .exchange(asked, "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 503")
        {}
    };
    tokio::time::timeout(PATIENCE, not_ready)
        .await
        .expect("it says so");

    for stream in [&mut kept, &mut idle] {
        let last = converse(stream, &list(), "}}").await;
        assert!(last.starts_with("HTTP/1.1 200"), "{last}");
        assert!(last.contains("connection: close"), "{last}");
        until_closed(stream).await;
    }
    let fresh = bench.exchange(&list(), "}}").await;
    assert!(
        fresh.starts_with("HTTP/1.1 200"),
        "whoever still comes is served: {fresh}"
    );
    let health = bench
        .exchange(
            "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n",
            "\r\n\r\n",
        )
        .await;
    assert!(
        health.starts_with("HTTP/1.1 200"),
        "it is well, and only leaves: {health}"
    );
}

#[tokio::test]
async fn after_it_new_work_is_refused_with_a_reason() {
    let mut bench = Bench::start(limits(0)).await;
    // A request that is on its way when the server is told to end.
    let request = list();
    let (first, rest) = request.split_at(request.len() - 10);
    let mut stream = bench.connect().await;
    stream.write_all(first.as_bytes()).await.unwrap();
    // The server has begun to read it once it has answered somebody who came later.
    bench
        .exchange("GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n", "\r\n\r\n")
        .await;
    bench.stop();
    let closed = async {
        while TcpStream::connect(bench.address()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, closed)
        .await
        .expect("the port closes");

    let answer = converse(&mut stream, rest, "}}").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    for part in [
        "connection: close",
        "retry-after: 1",
        "\"id\":1",
        "the server is shutting down",
    ] {
        assert!(answer.contains(part), "no `{part}`: {answer}");
    }
    until_closed(&mut stream).await;
    bench.ended().await;
}

#[tokio::test]
async fn whoever_says_nothing_does_not_hold_it_up() {
    let mut bench = Bench::start(limits(0)).await;
    let mut silent = bench.connect().await;
    let mut used = bench.connect().await;
    converse(&mut used, &list(), "}}").await;
    bench.stop();
    bench.ended().await;
    until_closed(&mut silent).await;
    until_closed(&mut used).await;
}

#[tokio::test]
async fn whoever_never_stops_connecting_does_not_hold_it_up() {
    let mut bench = Bench::start(limits(0)).await;
    let address = bench.address();
    // Each connection comes as soon as the one before is taken in: there is always one that waits.
    let one_after_the_other = async { while TcpStream::connect(address).await.is_ok() {} };
    bench.stop();
    tokio::time::timeout(PATIENCE, one_after_the_other)
        .await
        .expect("the port closes");
    bench.ended().await;
}
