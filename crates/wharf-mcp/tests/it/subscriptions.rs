//! News of changes, for both eras, and how they end.

use std::time::Duration;

use serde_json::{Value, json};
use wharf_mcp::{Limits, Settings};
use wharf_model::Change;

use crate::support::{Bench, Probe, modern};

const ID: &str = "io.modelcontextprotocol/subscriptionId";

fn listen(filter: Value) -> (Value, Value) {
    (json!({"notifications": filter}), json!(1))
}

#[tokio::test]
async fn a_subscription_hears_what_it_asked_for() {
    let bench = Bench::plain().await;
    let (params, id) =
        listen(json!({"toolsListChanged": true, "resourceSubscriptions": ["probe://one"]}));
    let mut stream = bench.modern("subscriptions/listen", params).await;
    assert!(stream.is_stream());
    let first = stream.message().await.unwrap();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(
        first["params"]["notifications"],
        json!({"toolsListChanged": true, "resourceSubscriptions": ["probe://one"]})
    );
    assert_eq!(first["params"]["_meta"][ID], id);
    for change in [
        Change::Prompts,
        Change::Resources,
        Change::Resource("probe://two".into()),
        Change::Resource("probe://one".into()),
        Change::Tools,
    ] {
        bench.changes.send(change).unwrap();
    }
    let heard = stream.message().await.unwrap();
    assert_eq!(heard["method"], "notifications/resources/updated");
    assert_eq!(heard["params"]["uri"], "probe://one");
    assert_eq!(heard["params"]["_meta"][ID], id);
    let heard = stream.message().await.unwrap();
    assert_eq!(heard["method"], "notifications/tools/list_changed");

    bench.server.close();
    let last = stream.message().await.unwrap();
    assert_eq!(last["id"], id);
    assert_eq!(last["result"]["resultType"], "complete");
    assert_eq!(last["result"]["_meta"][ID], id);
    assert_eq!(stream.event().await, None);
}

#[tokio::test]
async fn the_id_of_a_subscription_keeps_its_type() {
    let bench = Bench::plain().await;
    for id in [json!(12), json!("twelve")] {
        let (mut message, headers) = modern("subscriptions/listen", json!({"notifications": {}}));
        message["id"] = id.clone();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let mut stream = bench.post(&message, &headers).await;
        let first = stream.message().await.unwrap();
        assert_eq!(first["params"]["_meta"][ID], id);
        assert_eq!(
            first["params"]["notifications"],
            json!({}),
            "nothing was asked for"
        );
    }
}

#[tokio::test]
async fn what_is_not_offered_is_not_acknowledged() {
    let bench = Bench::plain().await;
    bench
        .server
        .replace(wharf_catalog::Catalog::build([]).unwrap());
    let (params, _) = listen(
        json!({"toolsListChanged": true, "promptsListChanged": true, "resourceSubscriptions": ["a"]}),
    );
    let mut stream = bench.modern("subscriptions/listen", params).await;
    let first = stream.message().await.unwrap();
    assert_eq!(
        first["params"]["notifications"],
        json!({"toolsListChanged": true})
    );
}

#[tokio::test]
async fn another_catalog_is_news_and_its_sources_are_heard() {
    let bench = Bench::plain().await;
    let (params, _) = listen(json!({"toolsListChanged": true, "promptsListChanged": true}));
    let mut stream = bench.modern("subscriptions/listen", params).await;
    stream.message().await.unwrap();
    let probe = Probe::new();
    let changes = probe.changes.clone();
    bench.server.replace(probe.catalog());
    for expected in [
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
    ] {
        assert_eq!(stream.message().await.unwrap()["method"], expected);
    }
    // The new source is listened to a moment later.
    let sent = async {
        while changes.send(Change::Tools).is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, sent)
        .await
        .expect("somebody listens");
    assert_eq!(
        stream.message().await.unwrap()["method"],
        "notifications/tools/list_changed"
    );
}

#[tokio::test]
async fn a_legacy_session_hears_on_its_own_stream() {
    let bench = Bench::plain().await;
    let session = bench.session("2025-06-18", json!({})).await;
    let headers = [("mcp-session-id", session.as_str())];
    for uri in ["probe://one", "probe://two"] {
        bench
            .legacy(&session, "resources/subscribe", json!({"uri": uri}))
            .await;
    }
    bench
        .legacy(
            &session,
            "resources/unsubscribe",
            json!({"uri": "probe://two"}),
        )
        .await;
    let mut stream = bench.get("/mcp", &headers).await;
    assert!(stream.is_stream());
    for change in [
        Change::Resource("probe://two".into()),
        Change::Resource("probe://one".into()),
        Change::Prompts,
    ] {
        bench.changes.send(change).unwrap();
    }
    let heard = stream.message().await.unwrap();
    assert_eq!(heard["params"], json!({"uri": "probe://one"}));
    assert_eq!(
        stream.message().await.unwrap()["method"],
        "notifications/prompts/list_changed"
    );

    // A message goes to one stream only: the newest.
    let mut newer = bench.get("/mcp", &headers).await;
    assert_eq!(stream.event().await, None, "the older one ends");
    bench.changes.send(Change::Tools).unwrap();
    assert_eq!(
        newer.message().await.unwrap()["method"],
        "notifications/tools/list_changed"
    );
    bench.server.close();
    assert_eq!(newer.event().await, None);
}

#[tokio::test]
async fn quiet_streams_are_kept_alive() {
    let bench = Bench::start(Settings {
        limits: Limits {
            keep_alive: Duration::from_millis(20),
            ..Limits::default()
        },
        ..Settings::default()
    })
    .await;
    let (params, _) = listen(json!({}));
    let stream = bench.modern("subscriptions/listen", params).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    bench.server.close();
    let text = stream.text().await;
    assert!(text.contains("\n\n: keep-alive\n\n"), "{text}");
}

#[tokio::test]
async fn a_closed_server_refuses_and_lets_calls_end() {
    let bench = Bench::plain().await;
    let session = bench.session("2025-06-18", json!({})).await;
    let closing = async {
        bench
            .watch
            .reaches(&bench.watch.started, 1, "started")
            .await;
        bench.server.close();
        for (case, response) in [
            ("modern", bench.modern("tools/list", json!({})).await),
            ("legacy", bench.legacy(&session, "ping", json!({})).await),
            (
                "a stream",
                bench.get("/mcp", &[("mcp-session-id", &session)]).await,
            ),
        ] {
            assert_eq!(response.status.as_u16(), 503, "{case}");
            assert_eq!(
                crate::support::code(&response.json().await),
                -32603,
                "{case}"
            );
        }
        bench.watch.gate.notify_waiters();
    };
    let waiting = bench.legacy(
        &session,
        "tools/call",
        crate::support::call("wait", json!({})),
    );
    let (response, ()) = tokio::join!(waiting, closing);
    assert_eq!(
        response.json().await["result"]["content"][0]["text"],
        "waited"
    );
}
