//! A server with as many connections as it bears.

use std::time::Duration;

use wharf_server::{Config, Limits};

use crate::support::{Bench, converse, list};

/// Ends what has failed.
const PATIENCE: Duration = Duration::from_secs(10);

const READY: &str = "GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn with_one_place() -> Bench {
    Bench::start(Config {
        limits: Limits {
            connections_max: 1,
            ..Limits::default()
        },
        ..Config::default()
    })
    .await
}

#[tokio::test]
async fn there_is_room_for_a_question_of_health_and_a_clear_answer_for_others() {
    let bench = with_one_place().await;
    let mut only = bench.connect().await;
    assert!(
        converse(&mut only, &list(), "}}")
            .await
            .starts_with("HTTP/1.1 200")
    );

    let health = bench.exchange_all(READY).await;
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    let refused = bench.exchange_all(&list()).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    for part in [
        "retry-after: 1",
        "connection: close",
        "\"jsonrpc\":\"2.0\"",
        "too many connections",
    ] {
        assert!(refused.contains(part), "no `{part}`: {refused}");
    }
    assert!(
        converse(&mut only, &list(), "}}")
            .await
            .starts_with("HTTP/1.1 200"),
        "whoever is in is served"
    );

    drop(only);
    let served = async {
        while !bench
            .exchange_all(&list().replace("\r\nhost", "\r\nconnection: close\r\nhost"))
            .await
            .starts_with("HTTP/1.1 200")
        {}
    };
    tokio::time::timeout(PATIENCE, served)
        .await
        .expect("the place is free again");
}

/// More of them than are turned away at one time, which they would be only after seconds.
#[tokio::test]
async fn those_who_say_nothing_do_not_stand_in_the_way_of_a_question_of_health() {
    const SILENT: usize = 150;

    let bench = with_one_place().await;
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(bench.connect().await);
    }
    // Each of the silent would have kept its place for five seconds.
    let health = tokio::time::timeout(Duration::from_secs(3), bench.exchange_all(READY)).await;
    let health = health.expect("it does not wait for them");
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    drop(silent);
}
