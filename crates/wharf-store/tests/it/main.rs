//! The store in memory, and in a real Redis or Valkey server.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should end with the reason"
)]

mod server;

use std::time::{Duration, Instant};

use server::Server;
use wharf_model::Secret;
use wharf_store::{Config, Store, StoreError};

const LIFE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(150);

fn redis(url: &str, ca_pem: Option<String>) -> Store {
    Store::new(
        &Config::Redis {
            url: Secret::new(url),
            key_prefix: "t:".to_owned(),
            timeout_ms: 2_000,
            ca_pem,
        },
        &(),
    )
    .unwrap()
}

/// Stores that are one: two handles of a memory, two clients of a server.
fn pairs(server: Option<&Server>) -> Vec<(&'static str, Store, Store)> {
    let memory = Store::new(&Config::default(), &()).unwrap();
    let mut pairs = vec![("memory", memory.clone(), memory)];
    if let Some(server) = server {
        let url = server.url();
        pairs.push(("redis", redis(&url, None), redis(&url, None)));
        let (url, ca_pem) = server.tls_url();
        let tls = || redis(&url, Some(ca_pem.clone()));
        pairs.push(("redis over TLS", tls(), tls()));
    }
    pairs
}

#[tokio::test]
async fn of_many_who_set_a_mark_one_does() {
    let server = Server::start();
    for (place, one, other) in pairs(server.as_ref()) {
        let name = format!("code {place}");
        let tries = (0..40).map(|number| {
            let store = if number % 2 == 0 { &one } else { &other }.clone();
            let name = name.clone();
            tokio::spawn(async move { store.put_new(&name, LIFE).await.unwrap() })
        });
        let mut set = 0;
        for tried in tries.collect::<Vec<_>>() {
            set += usize::from(tried.await.unwrap());
        }
        assert_eq!(set, 1, "{place}");
        assert!(
            one.put_new(&format!("another {place}"), LIFE)
                .await
                .unwrap(),
            "{place}"
        );
        if let Some(shared) = one.shared() {
            let counted = shared.count(&name, LIFE).await.unwrap();
            assert_eq!(counted.count, 1, "{place}: a mark is no count");
        }
    }
}

#[tokio::test]
async fn a_mark_ends_by_itself() {
    let server = Server::start();
    for (place, one, other) in pairs(server.as_ref()) {
        let name = format!("short {place}");
        let started = Instant::now();
        assert!(one.put_new(&name, SHORT).await.unwrap(), "{place}");
        // Whoever asks until it is free learns when it was.
        while !other.put_new(&name, SHORT).await.unwrap() {
            assert!(started.elapsed() < Duration::from_secs(20), "{place}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(
            started.elapsed() + Duration::from_millis(2) >= SHORT,
            "{place}"
        );
    }
}

#[tokio::test]
async fn how_long_a_mark_stands_is_told() {
    let server = Server::start();
    for (place, one, other) in pairs(server.as_ref()) {
        let name = format!("aging {place}");
        assert_eq!(one.mark_age(&name, LIFE).await.unwrap(), None, "{place}");
        let started = Instant::now();
        assert!(one.put_new(&name, LIFE).await.unwrap(), "{place}");
        tokio::time::sleep(SHORT).await;
        let age = other.mark_age(&name, LIFE).await.unwrap().unwrap();
        let most = started.elapsed() + Duration::from_millis(2);
        assert!((SHORT..most).contains(&age), "{place}: {age:?}");
        assert!(!one.put_new(&name, LIFE).await.unwrap(), "{place}");
    }
}

#[tokio::test]
async fn counts_are_counted_together() {
    let server = Server::start();
    for (place, one, other) in pairs(server.as_ref()) {
        let name = format!("calls of ann, {place}");
        let (Some(one), Some(other)) = (one.shared(), other.shared()) else {
            continue;
        };
        for expected in 1..=6 {
            let store = if expected % 2 == 0 { one } else { other };
            let counted = store.count(&name, LIFE).await.unwrap();
            assert_eq!(counted.count, expected, "{place}");
            assert!(counted.ends_in <= LIFE, "{place}: {counted:?}");
            assert!(counted.ends_in > LIFE / 2, "{place}: {counted:?}");
        }
    }
}

#[tokio::test]
async fn places_are_taken_together_and_left_again() {
    let server = Server::start();
    for (place, one, other) in pairs(server.as_ref()) {
        let name = format!("work of ann, {place}");
        let (Some(one), Some(other)) = (one.shared(), other.shared()) else {
            continue;
        };
        let tries = (0..40).map(|number| {
            let store = if number % 2 == 0 { one } else { other }.clone();
            let name = name.clone();
            tokio::spawn(async move { store.take_place(&name, 7, LIFE).await.unwrap() })
        });
        let mut held = Vec::new();
        for tried in tries.collect::<Vec<_>>() {
            held.extend(tried.await.unwrap());
        }
        assert_eq!(held.len(), 7, "{place}");
        let of_another = one.take_place("work of bob", 1, LIFE).await.unwrap();
        assert!(of_another.is_some(), "{place}: another name");
        held.truncate(5);
        for store in [one, other] {
            store.left().await;
        }
        let mut more = Vec::new();
        for _ in 0..4 {
            more.extend(other.take_place(&name, 7, LIFE).await.unwrap());
        }
        assert_eq!(more.len(), 2, "{place}: two were left");
    }
}

#[tokio::test]
async fn a_place_that_nobody_leaves_ends_by_itself() {
    let server = Server::start();
    for (place, one, other) in pairs(server.as_ref()) {
        let (Some(one), Some(other)) = (one.shared(), other.shared()) else {
            continue;
        };
        let started = Instant::now();
        let lost = one.take_place("lost", 2, SHORT).await.unwrap();
        let longer = one.take_place("lost", 2, LIFE).await.unwrap();
        assert!(lost.is_some() && longer.is_some(), "{place}");
        std::mem::forget(lost);
        let after = loop {
            if let Some(after) = other.take_place("lost", 2, SHORT).await.unwrap() {
                break after;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{place}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        assert!(
            started.elapsed() + Duration::from_millis(2) >= SHORT,
            "{place}"
        );
        drop(after);
        other.left().await;
        // A short life takes no longer one with it.
        tokio::time::sleep(2 * SHORT).await;
        let _one = other.take_place("lost", 2, LIFE).await.unwrap().unwrap();
        let full = other.take_place("lost", 2, LIFE).await.unwrap();
        assert!(full.is_none(), "{place}");
        drop(longer);
        one.left().await;
    }
}

#[tokio::test]
async fn who_stops_waiting_for_a_place_has_none() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = redis(&server.url(), None);
    let store = store.shared().unwrap();
    let mut given_up = 0;
    for round in 0..200 {
        let taking = store.take_place("given up", 1, LIFE);
        // On its way when it is given up, but for the first, which connects.
        match tokio::time::timeout(Duration::ZERO, taking).await {
            Err(_) => given_up += 1,
            Ok(taken) => assert!(taken.unwrap().is_some(), "{round}: nobody has it"),
        }
        store.left().await;
    }
    assert!(given_up > 0);
    let taken = store.take_place("given up", 1, LIFE).await.unwrap();
    assert!(taken.is_some(), "nobody has it");
}

#[tokio::test]
async fn a_place_that_was_taken_too_late_is_left_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = Store::new(
        &Config::Redis {
            url: Secret::new(server.url()),
            key_prefix: "t:".to_owned(),
            timeout_ms: 150,
            ca_pem: None,
        },
        &(),
    )
    .unwrap();
    let store = store.shared().unwrap();
    let held = store.take_place("late", 2, LIFE).await.unwrap();
    assert!(held.is_some());
    server.ask(&["CLIENT", "PAUSE", "500"]);
    store.take_place("late", 2, LIFE).await.unwrap_err();
    // One is left while the store rests, the other was never heard of.
    drop(held);
    let started = Instant::now();
    while !server.ask(&["KEYS", "*"]).trim().is_empty() {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_store_that_refuses_one_thing_goes_on_with_others() {
    let Some(server) = Server::start() else {
        return;
    };
    let may = ["on", ">pass-word", "~*", "+@all", "-eval"];
    server.ask(&[&["ACL", "SETUSER", "limited"][..], &may].concat());
    let store = redis(&server.url().replace("//:", "//limited:"), None);
    let refused = store.shared().unwrap().take_place("x", 1, LIFE).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, StoreError::Down { .. }), "{error}");
    assert!(store.put_new("x", LIFE).await.unwrap());
}

#[tokio::test]
async fn a_store_keeps_digests_alone() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = redis(&server.url(), None);
    store.put_new("ann@example.com", LIFE).await.unwrap();
    let shared = store.shared().unwrap();
    shared.count("ann@example.com", LIFE).await.unwrap();
    let _place = shared.take_place("ann@example.com", 1, LIFE).await.unwrap();
    let keys = server.ask(&["KEYS", "*"]);
    assert_eq!(keys.lines().count(), 3, "{keys}");
    assert!(
        keys.lines()
            .all(|key| key.starts_with("t:") && key.len() == 24),
        "{keys}"
    );
}

#[tokio::test]
async fn a_store_that_is_down_says_so_and_comes_back() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let store = redis(&server.url(), None);
    assert!(store.put_new("before", LIFE).await.unwrap());
    server.stop();
    let started = Instant::now();
    let mut resting = 0;
    for _ in 0..50 {
        let error = store.put_new("while down", LIFE).await.unwrap_err();
        let said = error.to_string();
        assert!(!said.contains("password"), "{said}");
        resting += usize::from(matches!(error, StoreError::Resting { .. }));
    }
    assert!(resting >= 45, "{resting} of 50 were answered at once");
    assert!(started.elapsed() < Duration::from_secs(5));
    server.start_again();
    let started = Instant::now();
    while store.put_new("after", LIFE).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_store_that_hangs_has_its_time() {
    // Takes connections and never says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let store = Store::new(
        &Config::Redis {
            url: Secret::new(url),
            key_prefix: String::new(),
            timeout_ms: 100,
            ca_pem: None,
        },
        &(),
    )
    .unwrap();
    let started = Instant::now();
    let error = store.put_new("x", LIFE).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5), "{error}");
    let shared = store.shared().unwrap();
    let error = shared.count("x", LIFE).await.unwrap_err();
    assert!(matches!(error, StoreError::Resting { .. }), "{error}");
}

#[test]
fn addresses_are_judged_at_the_start() {
    for (url, timeout_ms, good) in [
        ("redis://user:hush@127.0.0.1:6379/0", 1_000, true),
        ("rediss://store.example", 1_000, true),
        ("http://user:hush@127.0.0.1", 1_000, false),
        ("hush", 1_000, false),
        ("redis://127.0.0.1", 0, false),
    ] {
        let store = Store::new(
            &Config::Redis {
                url: Secret::new(url),
                key_prefix: String::new(),
                timeout_ms,
                ca_pem: None,
            },
            &(),
        );
        assert_eq!(store.is_ok(), good, "{url}");
        if let Err(error) = store {
            let said = format!("{error} {error:?}");
            assert!(!said.contains("hush"), "{said}");
        }
    }
}
