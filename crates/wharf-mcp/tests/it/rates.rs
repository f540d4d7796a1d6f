//! Calls beyond a limit, as clients meet them.

use serde_json::{Value, json};
use wharf_catalog::Catalog;
use wharf_mcp::Settings;

use crate::support::{Bench, Probe, Response, call, code, modern, request};

async fn bench(limits: Value) -> Bench {
    let limits = serde_json::from_value(limits).unwrap();
    let catalog =
        move |probe: Probe| -> Catalog { probe.catalog().limited(&limits, None).unwrap() };
    let settings = Settings {
        sessions: false,
        ..Settings::default()
    };
    Bench::over(catalog, settings).await
}

fn echo() -> Value {
    call("echo", json!({"text": "x"}))
}

async fn by(bench: &Bench, who: &str, is_modern: bool, params: Value) -> Response {
    let (message, own) = if is_modern {
        modern("tools/call", params)
    } else {
        (request(1, "tools/call", params), Vec::new())
    };
    let mut headers = vec![("x-test-caller", who)];
    headers.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
    bench.post(&message, &headers).await
}

#[tokio::test]
async fn a_call_too_many_is_told_when_to_come_back() {
    for is_modern in [true, false] {
        let bench = bench(json!({"rules": [{"calls_max": 2, "window_s": 60}]})).await;
        for who in ["ann", "bob", ""] {
            for _ in 0..2 {
                assert_eq!(
                    by(&bench, who, is_modern, echo()).await.status,
                    200,
                    "{who}"
                );
            }
            let refused = by(&bench, who, is_modern, echo()).await;
            assert_eq!(refused.status, 429, "{who}");
            let after: u64 = refused.headers["retry-after"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            assert!((1..=30).contains(&after), "{after}");
            let message = refused.json().await;
            assert_eq!(code(&message), -32603);
            assert_eq!(message["error"]["data"]["retryAfter"], after, "{message}");
            let said = message["error"]["message"].as_str().unwrap();
            assert!(said.contains("too many calls; try again in"), "{said}");
        }
        // Lists are no calls.
        let (message, own) = modern("tools/list", json!({}));
        let headers: Vec<_> = own
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(bench.post(&message, &headers).await.status, 200);
    }
}

#[tokio::test]
async fn batches_and_streams_carry_the_refusal_inside() {
    let bench = bench(json!({"rules": [{"calls_max": 1}]})).await;
    let one = |id: i64| request(id, "tools/call", echo());
    let response = bench
        .post(&json!([one(1), one(2)]), &[("x-test-caller", "ann")])
        .await;
    assert_eq!(response.status, 200);
    let answers = response.json().await;
    let answers = answers.as_array().unwrap();
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer["error"].is_object())
        .collect();
    assert_eq!((answers.len(), refused.len()), (2, 1), "{answers:?}");
    assert!(
        refused[0]["error"]["data"]["retryAfter"].is_u64(),
        "{answers:?}"
    );

    let (message, own) = modern("tools/call", echo());
    let mut headers = vec![("x-test-caller", "ann"), ("accept", "text/event-stream")];
    headers.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
    let mut stream = bench.post(&message, &headers).await;
    assert!(stream.is_stream());
    let message = stream.message().await.unwrap();
    assert!(message["error"]["data"]["retryAfter"].is_u64(), "{message}");
}

#[tokio::test]
async fn a_full_server_sheds_and_recovers() {
    let bench = bench(json!({"calls_in_flight_max": 1, "calls_waiting_max": 0})).await;
    let working = by(&bench, "ann", true, call("wait", json!({})));
    let meanwhile = async {
        bench
            .watch
            .reaches(&bench.watch.started, 1, "started")
            .await;
        for is_modern in [true, false] {
            let refused = by(&bench, "bob", is_modern, echo()).await;
            assert_eq!(refused.status, 503);
            assert_eq!(refused.headers["retry-after"], "1");
            let said = refused.json().await["error"]["message"].to_string();
            assert!(said.contains("overloaded"), "{said}");
        }
        bench.watch.gate.notify_waiters();
    };
    let (worked, ()) = tokio::join!(working, meanwhile);
    assert_eq!(worked.status, 200);
    assert_eq!(by(&bench, "bob", true, echo()).await.status, 200);
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_its_place() {
    let bench = bench(json!({"rules": [{"calls_in_flight_max": 1}]})).await;
    let (message, own) = modern("tools/call", {
        let mut params = call("detach", json!({}));
        params["_meta"] = json!({"progressToken": 1});
        params
    });
    let mut headers = vec![("x-test-caller", "ann"), ("accept", "text/event-stream")];
    headers.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
    let working = bench.post(&message, &headers).await;
    bench
        .watch
        .reaches(&bench.watch.started, 1, "started")
        .await;
    assert_eq!(by(&bench, "ann", true, echo()).await.status, 429);
    working.cut();
    bench
        .watch
        .reaches(&bench.watch.dropped, 1, "dropped")
        .await;
    assert_eq!(by(&bench, "ann", true, echo()).await.status, 200);
}
