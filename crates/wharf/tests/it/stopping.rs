//! How a server ends: with nothing lost that was under way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use wharf_test::Balancer;

use crate::petstore::{PetStore, address, configure, serve};
use crate::process::{Folder, PATIENCE};
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

/// A call that takes longer than anybody waits; it is under way.
async fn slow_call(at: SocketAddr) -> JoinHandle<bool> {
    let slow = tokio::spawn(async move {
        let seconds = json!({"seconds": 25});
        let mut client = Client::new(at);
        let called = client.call(Era::Modern, "getSlowReport", &seconds);
        called.await.is_ok()
    });
    until("the call is under way", async || {
        let ping = Client::new(at).get("/ping").await.unwrap().json();
        ping["status"] == "HealthyBusy"
    })
    .await;
    slow
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_signal_does_not_wait() {
    let (folder, store) = (Folder::new(), PetStore::start().await);
    let config = configure(&folder, store.address, "{}", "");
    let mut server = serve(&config);
    let at = address(&server);
    let slow = slow_call(at).await;
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
        !slow.await.unwrap(),
        "the call was lost, and somebody chose that"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_cut_short_is_recorded() {
    let (folder, store) = (Folder::new(), PetStore::start().await);
    let config = configure(
        &folder,
        store.address,
        "{limits: {shutdown_grace_s: 1}}",
        "",
    );
    let audit = folder.path().join("audit.jsonl");
    let telemetry = "telemetry: {audit: {to: audit.jsonl}}\n";
    let config = folder.write(
        "wharf.yaml",
        &(std::fs::read_to_string(config).unwrap() + telemetry),
    );
    let mut server = serve(&config);
    let slow = slow_call(address(&server)).await;
    server.signal("TERM");
    let code = tokio::task::block_in_place(|| server.exit_code());
    assert_eq!(code, Some(0));
    assert!(!slow.await.unwrap(), "its time was over");
    let records = std::fs::read_to_string(audit).unwrap();
    let record: Value = serde_json::from_str(records.trim_end()).unwrap();
    assert_eq!(record["tool"], "getSlowReport", "{record}");
    assert_eq!(record["outcome"], "cancelled", "{record}");
}

/// A subscription is a request as well: its stream ends with the answer to it, and not in the middle of the body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_stream_ends_as_the_protocol_says() {
    let (folder, store) = (Folder::new(), PetStore::start().await);
    let config = configure(&folder, store.address, "{}", "");
    let mut server = serve(&config);
    let mut stream = TcpStream::connect(address(&server)).await.unwrap();
    let body = json!({"jsonrpc": "2.0", "id": "s1", "method": "subscriptions/listen", "params": {
        "notifications": {"toolsListChanged": true},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }})
    .to_string();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: subscriptions/listen\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut heard = String::new();
    while !heard.contains("notifications/subscriptions/acknowledged") {
        let mut piece = [0; 1_024];
        let length = tokio::time::timeout(PATIENCE, stream.read(&mut piece))
            .await
            .expect("it says something")
            .unwrap();
        assert!(length > 0, "it ended: {heard}");
        heard += std::str::from_utf8(&piece[..length]).unwrap();
    }
    server.signal("TERM");
    let mut rest = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut rest))
        .await
        .expect("it ends")
        .unwrap();
    assert!(
        rest.contains("\"id\":\"s1\"") && rest.contains("\"result\""),
        "{rest}"
    );
    assert!(rest.ends_with("\r\n0\r\n\r\n"), "the body is whole: {rest}");
    let code = tokio::task::block_in_place(|| server.exit_code());
    assert_eq!(code, Some(0));
}
