//! A real API behind a network that does its worst. For each way in which an answer can be spoiled: what the client gets,
//! that the next call is well, and that the server has not grown.

use std::time::Duration;

use serde_json::json;
use wharf_test::{Fault, FaultProxy};

use crate::petstore::{PetStore, address, configure, serve};
use crate::process::{Folder, PATIENCE, Running};
use crate::wire::{Client, Era, until};

/// Limits that do not make the test wait.
const UPSTREAM: &str = "connect_timeout_s: 1, read_timeout_s: 1, timeout_s: 2, response_bytes_max: 1000000, \
                        retries: {wait_s: 0.01}";

/// All that the faults together may add: a result of a megabyte, and what the allocator keeps of it.
const GROWTH_KB_MAX: usize = 48 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_the_upstream_does_the_client_hears_of_it() {
    let (folder, store) = (Folder::new(), PetStore::start().await);
    let mut proxy = FaultProxy::start(store.address).await.unwrap();
    let config = configure(&folder, proxy.address(), "{}", UPSTREAM);
    let server = serve(&config);
    let mut client = Client::new(address(&server));
    call(&mut client, Fault::None).await;
    let before = resident_kb(&server);

    for (fault, is_error, expected) in [
        (Fault::Refuse, true, "cannot be reached"),
        (Fault::Reset, true, "closed the connection"),
        (Fault::Stall, true, "did not answer within 1 s"),
        (Fault::ResetInHead, true, "closed the connection"),
        (Fault::ResetInBody, true, "closed the connection"),
        (Fault::StallInBody, true, "did not answer within 1 s"),
        (
            Fault::Slow(Duration::from_millis(100)),
            true,
            "did not answer within",
        ),
        (Fault::Truncate, true, "closed the connection"),
        (Fault::Garbage, true, "cannot be read"),
        (Fault::EndlessBody, false, "cut here"),
        (Fault::EndlessHead, true, "cannot be read"),
        (Fault::RedirectLoop, true, "redirects without end"),
        (Fault::HalfClosed, true, "closed the connection"),
    ] {
        proxy.set(fault).await;
        let (was_error, text) = call(&mut client, fault).await;
        assert_eq!(was_error, is_error, "{fault:?}: {}", start(&text));
        assert!(text.contains(expected), "{fault:?}: {}", start(&text));
        let host = proxy.address().to_string();
        assert!(!text.contains(&host), "{fault:?} tells where the API is");

        proxy.set(Fault::None).await;
        let (was_error, text) = call(&mut client, fault).await;
        assert!(!was_error, "after {fault:?}: {}", start(&text));
    }

    let grown = resident_kb(&server).saturating_sub(before);
    assert!(grown < GROWTH_KB_MAX, "{grown} KB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_is_down_is_left_alone() {
    let (folder, store) = (Folder::new(), PetStore::start().await);
    let mut proxy = FaultProxy::start(store.address).await.unwrap();
    let upstream = "retries: {max: 0}, breaker: {failures: 2, open_s: 2}";
    let config = configure(&folder, proxy.address(), "{}", upstream);
    let server = serve(&config);
    let mut client = Client::new(address(&server));

    proxy.set(Fault::Refuse).await;
    for expected in ["cannot be reached", "cannot be reached", "the API is down"] {
        let (is_error, text) = call(&mut client, Fault::Refuse).await;
        assert!(
            is_error && text.contains(expected),
            "{expected}: {}",
            start(&text)
        );
    }
    proxy.set(Fault::None).await;
    let mut patient = Client::new(address(&server));
    let started = std::time::Instant::now();
    while call(&mut patient, Fault::None).await.0 {
        assert!(started.elapsed() < PATIENCE, "it is back, and nobody looks");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_than_an_api_bears_are_turned_away() {
    let (folder, store) = (Folder::new(), PetStore::start().await);
    let config = configure(
        &folder,
        store.address,
        "{}",
        "connections_max: 1, waiting_max: 0",
    );
    let server = serve(&config);
    let at = address(&server);
    let slow = tokio::spawn(async move {
        let seconds = json!({"seconds": 3});
        let mut client = Client::new(at);
        loop {
            let answer = client.call(Era::Modern, "getSlowReport", &seconds).await;
            // One of the others had the turn.
            if answer.as_ref().is_ok_and(|answer| answer.status == 503) {
                continue;
            }
            break answer;
        }
    });
    let mut client = Client::new(at);
    until("the slow call has its turn", async || {
        let ping = Client::new(at).get("/ping").await.unwrap().json();
        ping["status"] == "HealthyBusy"
    })
    .await;
    let refused = loop {
        let answer = client
            .call(Era::Modern, "listPets", &json!({}))
            .await
            .unwrap();
        if answer.status != 200 {
            break answer;
        }
        assert!(!slow.is_finished(), "nobody was turned away");
    };
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.json()["error"]["data"]["retryAfter"], 1);
    let slow = slow.await.unwrap().unwrap();
    assert_eq!(slow.status, 200, "whoever had a turn keeps it");
}

/// Whether the result is an error, and what it says.
async fn call(client: &mut Client, fault: Fault) -> (bool, String) {
    let arguments = json!({"limit": 5});
    let answer = client
        .call(Era::Modern, "listPets", &arguments)
        .await
        .unwrap_or_else(|error| panic!("{fault:?}: {error}"));
    assert_eq!(answer.status, 200, "{fault:?}");
    let result = &answer.json()["result"];
    let text = result["content"].to_string();
    (result["isError"] == true, text)
}

/// As much of a text as a message can bear.
fn start(text: &str) -> String {
    text.chars().take(500).collect()
}

fn resident_kb(server: &Running) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.unwrap().split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}
