//! Calls that ask before they answer, in both eras.

use std::time::Duration;

use serde_json::{Value, json};
use wharf_mcp::{Limits, Settings, StateKey};
use wharf_model::Secret;

use crate::support::{Bench, call, code, modern, request};

fn able(name: &str, capabilities: Value) -> Value {
    let mut params = call(name, json!({}));
    params["_meta"] = json!({"io.modelcontextprotocol/clientCapabilities": capabilities});
    params
}

#[tokio::test]
async fn a_modern_client_is_asked_by_a_result() {
    let bench = Bench::plain().await;
    let params = able("ask", json!({"elicitation": {}}));
    let asked = bench
        .modern("tools/call", params.clone())
        .await
        .json()
        .await;
    let result = &asked["result"];
    assert_eq!(result["resultType"], "input_required", "{asked}");
    assert_eq!(
        result["inputRequests"]["name"]["method"],
        "elicitation/create"
    );
    assert!(result.get("ttlMs").is_none(), "never cacheable");
    let state = result["requestState"]
        .as_str()
        .expect("a sealed state")
        .to_owned();
    assert!(!state.contains("asked once"));

    let with = |state: &str, key: &str| {
        let mut params = params.clone();
        params["requestState"] = json!(state);
        params["inputResponses"] = json!({key: {"action": "accept", "content": {}}, "extra": 1});
        params
    };
    let answer = bench
        .modern("tools/call", with(&state, "name"))
        .await
        .json()
        .await;
    let text = answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"));
    assert!(
        text.contains(r#""action":"accept""#) && text.contains(r#"Some("asked once")"#),
        "{text}"
    );
    let again = bench
        .modern("tools/call", with(&state, "other"))
        .await
        .json()
        .await;
    assert_eq!(
        again["result"]["resultType"], "input_required",
        "a missing answer is asked for again"
    );

    let mut other_arguments = with(&state, "name");
    other_arguments["name"] = json!("ask_twice");
    let mut no_text = with(&state, "name");
    no_text["requestState"] = json!(7);
    let mut no_object = with(&state, "name");
    no_object["inputResponses"] = json!(7);
    for (case, params) in [
        ("changed", with(&format!("{state}x"), "name")),
        ("cut", with(&state[1..], "name")),
        ("empty", with("", "name")),
        ("of another call", other_arguments),
        ("no text", no_text),
        ("answers that are no object", no_object),
    ] {
        let answer = bench.modern("tools/call", params).await.json().await;
        assert_eq!(code(&answer), -32602, "{case}");
    }
    let (message, headers) = modern("tools/call", with(&state, "name"));
    let mut headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    headers.push(("x-test-caller", "mallory"));
    assert_eq!(
        code(&bench.post(&message, &headers).await.json().await),
        -32602,
        "somebody else's"
    );
}

#[tokio::test]
async fn replicas_with_one_key_go_on_with_each_others_calls() {
    let replica = || {
        Bench::start(Settings {
            state_key: Some(
                StateKey::new(Secret::new("shared by both, and long enough for it")).unwrap(),
            ),
            ..Settings::default()
        })
    };
    let (one, other, stranger) = (replica().await, replica().await, Bench::plain().await);
    let mut params = able("ask", json!({"elicitation": {}}));
    let asked = one.modern("tools/call", params.clone()).await.json().await;
    params["requestState"] = asked["result"]["requestState"].clone();
    params["inputResponses"] = json!({"name": {"action": "decline"}});
    let answer = other
        .modern("tools/call", params.clone())
        .await
        .json()
        .await;
    assert!(answer["result"]["content"].is_array(), "{answer}");
    assert_eq!(
        code(&stranger.modern("tools/call", params).await.json().await),
        -32602
    );
}

#[tokio::test]
async fn clients_are_asked_only_what_they_can_be_asked() {
    let bench = Bench::plain().await;
    for (tool, capabilities, missing) in [
        ("ask", json!({"sampling": {}}), json!({"elicitation": {}})),
        (
            "ask",
            json!({"elicitation": {"url": {}}}),
            json!({"elicitation": {}}),
        ),
        (
            "ask_model",
            json!({"elicitation": {}}),
            json!({"sampling": {}}),
        ),
    ] {
        let response = bench
            .modern("tools/call", able(tool, capabilities.clone()))
            .await;
        assert_eq!(response.status.as_u16(), 400, "{tool} {capabilities}");
        let answer = response.json().await;
        assert_eq!(code(&answer), -32021, "{tool} {capabilities}");
        assert_eq!(
            answer["error"]["data"]["requiredCapabilities"], missing,
            "{tool} {capabilities}"
        );
    }
    let session = bench.session("2025-11-25", json!({})).await;
    let answer = bench
        .legacy(&session, "tools/call", call("ask", json!({})))
        .await
        .json()
        .await;
    assert_eq!(code(&answer), -32600);
}

#[tokio::test]
async fn a_legacy_client_is_asked_on_the_stream_of_its_call() {
    let bench = Bench::plain().await;
    for version in ["2025-06-18", "2025-11-25"] {
        let session = bench
            .session(version, json!({"elicitation": {}, "sampling": {}}))
            .await;
        let headers = [("mcp-session-id", session.as_str())];
        let answer_to = async |question: &Value, outcome: Value| {
            let mut message = json!({"jsonrpc": "2.0", "id": question["id"]});
            message
                .as_object_mut()
                .unwrap()
                .extend(outcome.as_object().unwrap().clone());
            assert_eq!(bench.post(&message, &headers).await.status.as_u16(), 202);
        };
        let mut stream = bench
            .legacy(&session, "tools/call", call("ask_twice", json!({})))
            .await;
        for _ in 0..2 {
            let question = stream.message().await.unwrap();
            assert_eq!(
                question["method"], "elicitation/create",
                "{version}: {question}"
            );
            answer_to(
                &question,
                json!({"result": {"action": "accept", "content": {}}}),
            )
            .await;
        }
        let answer = stream.message().await.unwrap();
        assert_eq!(
            answer["result"]["content"][0]["text"], "asked twice",
            "{version}"
        );
        assert_eq!(stream.event().await, None);

        let mut stream = bench
            .legacy(&session, "tools/call", call("ask_model", json!({})))
            .await;
        let question = stream.message().await.unwrap();
        assert_eq!(question["method"], "sampling/createMessage");
        answer_to(&question, json!({"error": {"code": -1, "message": "no"}})).await;
        assert_eq!(
            code(&stream.message().await.unwrap()),
            -32603,
            "{version}: the client refused"
        );
    }
}

#[tokio::test]
async fn a_client_that_does_not_answer_is_not_waited_for() {
    let bench = Bench::start(Settings {
        limits: Limits {
            answer_timeout: Duration::from_millis(50),
            ..Limits::default()
        },
        ..Settings::default()
    })
    .await;
    let session = bench
        .session("2025-06-18", json!({"elicitation": {}}))
        .await;
    let mut stream = bench
        .legacy(&session, "tools/call", call("ask", json!({})))
        .await;
    let question = stream.message().await.unwrap();
    let cancelled = stream.message().await.unwrap();
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], question["id"]);
    assert_eq!(code(&stream.message().await.unwrap()), -32603);
}

#[tokio::test]
async fn without_a_session_a_legacy_client_cannot_be_asked() {
    let bench = Bench::without_sessions().await;
    let answer = bench
        .post(&request(1, "tools/call", call("ask", json!({}))), &[])
        .await
        .json()
        .await;
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("session"),
        "{answer}"
    );
}
