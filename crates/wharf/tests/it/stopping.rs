//! How a server ends: with nothing lost that was under way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use wharf_test::Balancer;

use crate::petstore::{PetStore, address, configure, serve};
use crate::process::Folder;
use crate::wire::{Client, Era, until};

/// How often each of the two servers is replaced.
const ROUNDS: usize = 2;

/// Long enough for the balancer, which asks twenty times a second.
const DELAYED: &str = "{sessions: false, limits: {shutdown_delay_s: 1}}";

/// What the clients saw.
#[derive(Default)]
struct Tally {
    done: AtomicBool,
    answered: AtomicUsize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn restarts_under_load_lose_no_call() {
    let (folder, store) = (Folder::new(), PetStore::start().await);
    let config = configure(&folder, store.address, DELAYED, "");
    let balancer = Balancer::start().await.unwrap();
    let mut servers = vec![serve(&config), serve(&config)];
    for server in &servers {
        balancer.add(address(server));
    }
    until("both servers are ready", async || {
        servers
            .iter()
            .all(|server| balancer.is_ready(address(server)))
    })
    .await;

    let tally = Arc::new(Tally::default());
    let mut clients = JoinSet::new();
    for number in 0..8 {
        let era = if number % 2 == 0 {
            Era::Modern
        } else {
            Era::Legacy
        };
        // Some calls take no time, and some are under way whenever a server is told to stop.
        let (tool, arguments) = match number {
            0..4 => ("listPets", json!({"limit": 5})),
            _ => ("getSlowReport", json!({"seconds": 1})),
        };
        clients.spawn(ask_on(
            balancer.address(),
            era,
            tool,
            arguments,
            tally.clone(),
        ));
    }
    for _ in 0..ROUNDS * 2 {
        let mut old = servers.remove(0);
        let before = tally.answered.load(Ordering::Relaxed);
        old.signal("TERM");
        let code = tokio::task::block_in_place(|| old.exit_code());
        assert_eq!(code, Some(0));
        balancer.remove(address(&old));
        assert!(
            tally.answered.load(Ordering::Relaxed) > before,
            "calls went on"
        );
        let new = serve(&config);
        balancer.add(address(&new));
        until("the new server is ready", async || {
            balancer.is_ready(address(&new))
        })
        .await;
        servers.push(new);
    }
    tally.done.store(true, Ordering::Relaxed);
    let failures: Vec<String> = clients.join_all().await.into_iter().flatten().collect();
    let answered = tally.answered.load(Ordering::Relaxed);
    assert!(
        failures.is_empty(),
        "{} of {answered}: {failures:#?}",
        failures.len()
    );
    assert_eq!(balancer.refused(), 0);
    assert!(answered > 100, "only {answered} calls");
}

/// Calls again and again; gives what went wrong.
async fn ask_on(
    address: SocketAddr,
    era: Era,
    tool: &'static str,
    arguments: Value,
    tally: Arc<Tally>,
) -> Vec<String> {
    let mut client = Client::new(address);
    let mut failures = Vec::new();
    while !tally.done.load(Ordering::Relaxed) && failures.len() < 10 {
        match client.call(era, tool, &arguments).await {
            Ok(answer) if answer.status == 200 && answer.json()["result"]["isError"] != true => {
                tally.answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(answer) => failures.push(format!(
                "{era:?} {tool}: HTTP {}: {}",
                answer.status,
                answer.json()
            )),
            Err(error) => failures.push(format!("{era:?} {tool}: {error}")),
        }
    }
    failures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_signal_does_not_wait() {
    let (folder, store) = (Folder::new(), PetStore::start().await);
    let config = configure(&folder, store.address, "{}", "");
    let mut server = serve(&config);
    let at = address(&server);
    let slow = tokio::spawn(async move {
        let seconds = json!({"seconds": 25});
        Client::new(at)
            .call(Era::Modern, "getSlowReport", &seconds)
            .await
    });
    until("the call is under way", async || {
        let ping = Client::new(at).get("/ping").await.unwrap().json();
        ping["status"] == "HealthyBusy"
    })
    .await;
    server.signal("TERM");
    until("the port is closed", async || {
        Client::new(at).get("/ready").await.is_err()
    })
    .await;
    assert!(
        server.child.try_wait().unwrap().is_none(),
        "the call has time left"
    );
    server.signal("INT");
    let code = tokio::task::block_in_place(|| server.exit_code());
    assert_eq!(code, Some(1));
    assert!(
        slow.await.unwrap().is_err(),
        "the call was lost, and somebody chose that"
    );
}
