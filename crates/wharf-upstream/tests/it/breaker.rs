//! Upstreams that are down, and more calls than they bear.

use std::time::{Duration, Instant};

use wharf_upstream::{Breaker, BreakerState, UpstreamError};

use crate::server::{Reply, Server, answer, ok};
use crate::*;

fn upstream(server: &Server, failures: u32, open_s: f64) -> Upstream {
    let mut config = config();
    config.breaker = Breaker {
        failures,
        open_s: seconds(open_s),
    };
    Upstream::new(&config, &server.url(), Trust::Operator).unwrap()
}

async fn ask(upstream: &Upstream, target: &str) -> Result<Response, UpstreamError> {
    soon(upstream.send(get(target), &HeaderMap::new(), None)).await
}

#[tokio::test]
async fn an_upstream_that_is_down_is_left_alone_until_it_is_back() {
    // Three calls of one attempt and two retries each, but the breaker opens at the third call's end; then one probe in
    // vain, and one that finds it back.
    let server = Server::start(|_, earlier| match earlier {
        0..10 => answer(503, &[], "down"),
        _ => ok("back"),
    })
    .await;
    let upstream = upstream(&server, 3, 2.0);
    for call in 0..3 {
        assert_eq!(ask(&upstream, "/").await.unwrap().status, 503, "{call}");
    }
    assert_eq!(upstream.load().breaker, BreakerState::Open);
    assert_eq!(server.seen().len(), 9);
    let error = ask(&upstream, "/").await.expect_err("it is left alone");
    assert!(
        matches!(error, UpstreamError::LeftAlone { .. }),
        "{error:?}"
    );
    assert!(
        error.for_caller().contains("try again in"),
        "{}",
        error.for_caller()
    );
    assert_eq!(server.seen().len(), 9, "nothing was sent");

    for (row, status, state, requests) in [
        ("in vain", 503, BreakerState::Open, 10),
        ("back", 200, BreakerState::Closed, 11),
    ] {
        soon(async {
            while upstream.load().breaker != BreakerState::HalfOpen {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        assert_eq!(ask(&upstream, "/").await.unwrap().status, status, "{row}");
        assert_eq!(upstream.load().breaker, state, "{row}");
        assert_eq!(
            server.seen().len(),
            requests,
            "{row}: a probe is not sent again"
        );
    }
    assert_eq!(ask(&upstream, "/").await.unwrap().body, "back");
}

#[tokio::test]
async fn only_what_tells_of_the_upstream_opens_it() {
    for (name, reply, opens) in [
        ("a reset", Reply::Reset(Vec::new()), true),
        (
            "a body that breaks off",
            Reply::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec()),
            true,
        ),
        ("502", answer(502, &[], ""), true),
        ("an error of its own", answer(500, &[], ""), false),
        (
            "too many requests",
            answer(429, &[("retry-after", "3600")], ""),
            false,
        ),
        (
            "no HTTP",
            Reply::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec()),
            false,
        ),
    ] {
        let server = Server::script(vec![reply]).await;
        let mut config = config();
        config.retries.max = 0;
        config.breaker.failures = 2;
        let upstream = Upstream::new(&config, &server.url(), Trust::Operator).unwrap();
        for _ in 0..3 {
            let _ = ask(&upstream, "/").await;
        }
        let is_open = upstream.load().breaker == BreakerState::Open;
        assert_eq!(is_open, opens, "{name}");
        assert_eq!(server.seen().len(), if opens { 2 } else { 3 }, "{name}");
    }
}

#[tokio::test]
async fn another_origin_is_neither_counted_nor_held_back() {
    let (base, other) = (
        Server::script(vec![answer(503, &[], "")]).await,
        Server::script(vec![answer(503, &[], "")]).await,
    );
    let mut config = config();
    config.retries.max = 0;
    config.breaker.failures = 1;
    config.allow_private_networks = true;
    let upstream = Upstream::new(&config, &base.url(), Trust::Operator).unwrap();
    let elsewhere = format!("{}/x", other.url());
    assert_eq!(ask(&upstream, &elsewhere).await.unwrap().status, 503);
    assert_eq!(upstream.load().breaker, BreakerState::Closed);
    assert_eq!(ask(&upstream, "/").await.unwrap().status, 503);
    assert_eq!(upstream.load().breaker, BreakerState::Open);
    assert_eq!(ask(&upstream, &elsewhere).await.unwrap().status, 503);
}

#[tokio::test]
async fn a_full_queue_sheds_at_once() {
    let server = Server::script(vec![Reply::Silent(Vec::new())]).await;
    let mut config = config();
    config.connections_max = 1;
    config.waiting_max = 2;
    let upstream = Upstream::new(&config, &server.url(), Trust::Operator).unwrap();
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let upstream = upstream.clone();
            tokio::spawn(async move { upstream.send(get("/"), &HeaderMap::new(), None).await })
        })
        .collect();
    soon(async {
        while upstream.load().in_flight + upstream.load().waiting < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(upstream.load().waiting, 2);
    let error = ask(&upstream, "/").await.expect_err("the queue is full");
    assert!(
        matches!(error, UpstreamError::Crowded { waiting_max: 2, .. }),
        "{error:?}"
    );
    for call in &calls {
        call.abort();
    }
    for call in calls {
        assert!(call.await.is_err_and(|error| error.is_cancelled()));
    }
    let load = upstream.load();
    assert_eq!(
        (load.in_flight, load.waiting),
        (0, 0),
        "whoever leaves makes room"
    );
}

#[tokio::test]
async fn the_upstream_hears_how_much_time_is_left() {
    let server = Server::script(vec![answer(503, &[], ""), ok("")]).await;
    let mut config = config();
    config.deadline_header = Some("x-left-ms".to_owned());
    let upstream = Upstream::new(&config, &server.url(), Trust::Operator).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    soon(upstream.send(get("/"), &HeaderMap::new(), Some(deadline)))
        .await
        .unwrap();
    let left: Vec<u64> = server
        .seen()
        .iter()
        .map(|seen| seen.header("x-left-ms").unwrap().parse().unwrap())
        .collect();
    assert!(
        left.len() == 2 && left[1] < left[0] && left[0] <= 20_000 && left[1] > 5_000,
        "{left:?}"
    );

    config.deadline_header = Some("content-length".to_owned());
    let error = Upstream::new(&config, &server.url(), Trust::Operator).expect_err("reserved");
    assert_eq!(error.keys(), ["deadline_header"]);
    let text = everything(&error);
    assert!(text.contains("content-length"), "{text}");
}
