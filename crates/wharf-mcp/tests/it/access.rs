//! What a caller is shown and may call, over sockets and pipes, in both eras.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use wharf_catalog::{Catalog, ToolsMode};
use wharf_mcp::Settings;

use crate::support::{Bench, PATIENCE, Probe, call, caller, code, modern, request};

/// `echo` is for anyone, `list` for whoever signs in, `mirrored` takes a scope, `wait` two, `log` a group; the rest is
/// closed.
pub(crate) const RULES: &str = r#"{"default": "nobody", "rules": [
    {"tools": [{"name": "echo"}], "callers": [{"anyone": true}]},
    {"tools": [{"name": "list"}], "callers": [{"signed_in": true}]},
    {"tools": [{"name": "mirrored"}], "callers": [{"scopes": ["m"]}]},
    {"tools": [{"name": "wait"}], "callers": [{"scopes": ["w", "x"]}]},
    {"tools": [{"name": "log"}, {"source": "probe"}], "callers": [{"group": "staff"}]}]}"#;

pub(crate) fn restricted(rules: &str, mode: ToolsMode) -> impl FnOnce(Probe) -> Catalog {
    let rules = serde_json::from_str(rules).unwrap();
    move |probe| {
        let mut catalog = probe.catalog();
        catalog.list_tools(mode, usize::MAX).unwrap();
        catalog.restricted(&rules, None).unwrap()
    }
}

async fn bench(rules: &str, mode: ToolsMode) -> Bench {
    let settings = Settings {
        sessions: false,
        ..Settings::default()
    };
    Bench::over(restricted(rules, mode), settings).await
}

/// The status and the message of one request, modern or legacy, by this caller or by nobody.
async fn ask(
    bench: &Bench,
    who: &str,
    is_modern: bool,
    method: &str,
    params: Value,
) -> (u16, Value) {
    let mut headers = vec![("x-test-caller", who)];
    let (message, own) = if is_modern {
        modern(method, params)
    } else {
        let version = ("mcp-protocol-version", "2025-11-25".to_owned());
        (request(1, method, params), vec![version])
    };
    headers.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
    let response = bench.post(&message, &headers).await;
    (response.status.as_u16(), response.json().await)
}

fn names(list: &Value, kind: &str) -> String {
    let items = list["result"][kind].as_array();
    let items = items.unwrap_or_else(|| panic!("{list}"));
    let names = items.iter().map(|item| item["name"].as_str().unwrap());
    names.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn lists_are_for_whoever_asks() {
    let bench = bench(RULES, ToolsMode::All).await;
    for _ in 0..2 {
        for (who, tools, prompts, resources) in [
            ("", "echo", "", ""),
            ("ann", "echo list", "", ""),
            ("ann scope:m", "echo list mirrored", "", ""),
            ("bob scope:w", "echo list", "", ""),
            ("bob scope:w scope:x", "echo list wait", "", ""),
        ] {
            for is_modern in [true, false] {
                let row = format!("{who:?} modern: {is_modern}");
                for (method, kind, expected) in [
                    ("tools/list", "tools", tools),
                    ("prompts/list", "prompts", prompts),
                    ("resources/list", "resources", resources),
                ] {
                    let (status, list) = ask(&bench, who, is_modern, method, json!({})).await;
                    assert_eq!(status, 200, "{row}: {list}");
                    assert_eq!(names(&list, kind), expected, "{row}: {list}");
                    let scope = is_modern.then_some("private");
                    assert_eq!(
                        list["result"]["cacheScope"].as_str(),
                        scope,
                        "{row}: {list}"
                    );
                }
            }
        }
    }
    let (_, list) = ask(&bench, "ann group:staff", true, "resources/list", json!({})).await;
    assert_eq!(names(&list, "resources"), "one");
    let (_, list) = ask(&bench, "ann group:staff", true, "prompts/list", json!({})).await;
    assert_eq!(names(&list, "prompts"), "greet");

    let open = Bench::plain().await;
    let (_, list) = ask(&open, "ann", true, "tools/list", json!({})).await;
    assert_eq!(
        list["result"]["cacheScope"], "public",
        "without rules all see the same"
    );
}

#[tokio::test]
async fn a_list_that_is_empty_for_strangers_asks_them_to_sign_in() {
    let bench = bench("{}", ToolsMode::All).await;
    for is_modern in [true, false] {
        let (status, error) = ask(&bench, "", is_modern, "tools/list", json!({})).await;
        assert_eq!(status, 401, "{error}");
        let (status, list) = ask(&bench, "ann", is_modern, "tools/list", json!({})).await;
        assert_eq!(status, 200, "{list}");
    }
}

#[tokio::test]
async fn the_status_says_why_somebody_is_sent_away() {
    let bench = bench(RULES, ToolsMode::All).await;
    for (row, who, name, status, expected) in [
        ("open", "", "echo", 200, json!({"isError": true})),
        ("for callers", "", "list", 401, json!(-32600)),
        ("for nobody", "", "slow", 401, json!(-32600)),
        ("there is none", "", "nosuch", 401, json!(-32600)),
        ("a scope is missing", "ann", "mirrored", 403, json!(-32600)),
        (
            "one of two is missing",
            "ann scope:w",
            "wait",
            403,
            json!(-32600),
        ),
        ("no scope helps", "ann", "log", 200, json!(-32602)),
        ("for nobody at all", "ann", "slow", 200, json!(-32602)),
        ("there is no such tool", "ann", "nosuch", 200, json!(-32602)),
        ("another case", "ann", "LIST", 200, json!(-32602)),
        ("search mode is off", "ann", "call_tool", 200, json!(-32602)),
    ] {
        for is_modern in [true, false] {
            let given = call(name, json!({}));
            let (found, message) = ask(&bench, who, is_modern, "tools/call", given).await;
            assert_eq!(found, status, "{row}: {message}");
            if expected.is_object() {
                assert_eq!(message["result"]["isError"], true, "{row}: {message}");
            } else {
                assert_eq!(code(&message), expected, "{row}: {message}");
            }
        }
    }
    // A refusal comes before a stream would begin, with a status of its own.
    let (message, own) = modern("tools/call", call("wait", json!({})));
    let mut headers = vec![("accept", "text/event-stream"), ("x-test-caller", "ann")];
    headers.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
    let response = bench.post(&message, &headers).await;
    assert_eq!(response.status, 403);
    let started = bench
        .watch
        .started
        .load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(started, 0, "nothing ran");
}

#[tokio::test]
async fn nothing_is_told_of_the_headers_of_a_hidden_tool() {
    let bench = bench(RULES, ToolsMode::All).await;
    let given = call("mirrored", json!({"region": "eu"}));
    let (status, message) = ask(&bench, "", true, "tools/call", given.clone()).await;
    assert_eq!(status, 401, "{message}");
    let (status, message) = ask(&bench, "ann scope:m", true, "tools/call", given).await;
    assert_eq!((status, code(&message)), (400, -32020), "{message}");
}

#[tokio::test]
async fn prompts_resources_and_completions_are_closed_too() {
    let bench = bench(RULES, ToolsMode::All).await;
    let complete = json!({"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "a", "value": "x"}});
    for is_modern in [true, false] {
        let prompt = || call("greet", json!({}));
        let (status, message) = ask(&bench, "ann", is_modern, "prompts/get", prompt()).await;
        assert_eq!((status, code(&message)), (200, -32602), "{message}");
        let (status, _) = ask(&bench, "", is_modern, "prompts/get", prompt()).await;
        assert_eq!(status, 401);
        let (status, message) = ask(
            &bench,
            "ann group:staff",
            is_modern,
            "prompts/get",
            prompt(),
        )
        .await;
        assert!(status == 200 && message["result"].is_object(), "{message}");

        let uri = || json!({"uri": "probe://one"});
        let (_, message) = ask(&bench, "ann", is_modern, "resources/read", uri()).await;
        assert!(
            message["error"]["message"]
                .as_str()
                .unwrap()
                .contains("no resource"),
            "{message}"
        );
        let (_, message) = ask(
            &bench,
            "ann group:staff",
            is_modern,
            "resources/read",
            uri(),
        )
        .await;
        assert!(message["result"].is_object(), "{message}");

        for (who, count) in [("", 0), ("ann", 0), ("ann group:staff", 100)] {
            let (_, message) = ask(
                &bench,
                who,
                is_modern,
                "completion/complete",
                complete.clone(),
            )
            .await;
            let values = &message["result"]["completion"]["values"];
            assert_eq!(values.as_array().unwrap().len(), count, "{who}: {message}");
        }
    }
}

#[tokio::test]
async fn a_resource_is_watched_by_whoever_may_read_it() {
    let bench = bench(RULES, ToolsMode::All).await;
    for (who, watched) in [
        ("ann", json!(null)),
        ("ann group:staff", json!(["probe://one"])),
    ] {
        let asked = json!({"notifications": {"toolsListChanged": true, "resourceSubscriptions": ["probe://one"]}});
        let (message, own) = modern("subscriptions/listen", asked);
        let mut headers = vec![("x-test-caller", who)];
        headers.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
        let mut response = bench.post(&message, &headers).await;
        let first = response.message().await.unwrap();
        let honoured = &first["params"]["notifications"];
        assert_eq!(honoured["toolsListChanged"], true, "{first}");
        assert_eq!(honoured["resourceSubscriptions"], watched, "{first}");
    }
}

#[tokio::test]
async fn a_batch_is_refused_call_by_call() {
    let bench = bench(RULES, ToolsMode::All).await;
    let one =
        |id: i64, name: &str, arguments: Value| request(id, "tools/call", call(name, arguments));
    let batch = json!([
        one(1, "echo", json!({"text": "x"})),
        one(2, "wait", json!({})),
        one(3, "slow", json!({})),
        request(4, "tools/list", json!({})),
    ]);
    let response = bench.post(&batch, &[("x-test-caller", "ann")]).await;
    assert_eq!(response.status, 200);
    let answers = response.json().await;
    assert_eq!(answers[0]["result"]["content"][0]["text"], "x");
    assert_eq!(code(&answers[1]), -32600, "{answers}");
    assert_eq!(code(&answers[2]), -32602, "{answers}");
    assert_eq!(names(&answers[3], "tools"), "echo list");
}

#[tokio::test]
async fn search_mode_shows_and_calls_what_is_open() {
    let bench = bench(RULES, ToolsMode::Search).await;
    let search = |name: &str, arguments: Value| call(name, arguments);
    let text = |message: &Value| {
        message["result"]["content"][0]["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    for (who, count) in [("", 1), ("ann", 2), ("ann scope:m", 3)] {
        for is_modern in [true, false] {
            let (_, list) = ask(&bench, who, is_modern, "tools/list", json!({})).await;
            assert_eq!(names(&list, "tools"), "find_tools describe_tools call_tool");
            let said = list["result"]["tools"][0]["description"].as_str().unwrap();
            assert!(
                said.contains(&format!("has {count} tools")),
                "{who}: {said}"
            );
        }
    }
    let given = search("find_tools", json!({"query": "mirrored"}));
    let (_, message) = ask(&bench, "ann", true, "tools/call", given.clone()).await;
    assert!(text(&message).contains("None of the 2 tools"), "{message}");
    let (_, message) = ask(&bench, "ann scope:m", true, "tools/call", given).await;
    assert!(text(&message).contains("mirrored"), "{message}");
    for (who, inner, status) in [
        ("", "list", 401),
        ("ann", "mirrored", 403),
        ("ann", "slow", 200),
        ("ann", "list", 200),
    ] {
        let given = search("call_tool", json!({"name": inner}));
        let (found, message) = ask(&bench, who, true, "tools/call", given).await;
        assert_eq!(found, status, "{who} {inner}: {message}");
        if inner == "slow" {
            assert!(text(&message).contains("There is no tool"), "{message}");
        }
    }
}

#[tokio::test]
async fn mixed_mode_shows_all_and_calls_for_nobody() {
    let rules =
        r#"{"calls_need_caller": true, "rules": [{"tools": [{"name": "slow"}], "callers": []}]}"#;
    let bench = bench(rules, ToolsMode::All).await;
    for is_modern in [true, false] {
        let (_, open) = ask(&bench, "", is_modern, "tools/list", json!({})).await;
        let (_, own) = ask(&bench, "ann", is_modern, "tools/list", json!({})).await;
        assert_eq!(open, own);
        assert!(!names(&open, "tools").contains("slow"));
        let echo = || call("echo", json!({"text": "x"}));
        let (status, _) = ask(&bench, "", is_modern, "tools/call", echo()).await;
        assert_eq!(status, 401);
        let (status, message) = ask(&bench, "ann", is_modern, "tools/call", echo()).await;
        assert_eq!(status, 200, "{message}");
    }
}

#[tokio::test]
async fn more_kinds_of_callers_than_are_kept_are_served_all_the_same() {
    let rule = |number: usize| json!({"tools": [{"name": "echo"}], "callers": [{"scopes": [format!("s{number}")]}]});
    let rules = json!({"default": "nobody", "rules": (0..100).map(rule).collect::<Vec<_>>()});
    let bench = bench(&rules.to_string(), ToolsMode::All).await;
    for number in (0..100).chain([0]) {
        let who = format!("ann scope:s{number}");
        let (_, list) = ask(&bench, &who, true, "tools/list", json!({})).await;
        assert_eq!(names(&list, "tools"), "echo", "{who}");
    }
    let (_, list) = ask(&bench, "ann", true, "tools/list", json!({})).await;
    assert_eq!(names(&list, "tools"), "");
}

#[tokio::test]
async fn the_client_on_a_pipe_is_whom_its_owner_says() {
    for (who, tools, refusal) in [
        (None, "echo", "signed in"),
        (Some("ann scope:m"), "echo list mirrored", "may not"),
    ] {
        let (client, server) = tokio::io::duplex(1 << 16);
        let (input, output) = tokio::io::split(server);
        let catalog = restricted(RULES, ToolsMode::All)(Probe::new());
        let offered = wharf_mcp::Server::new(catalog, Settings::default());
        let caller = who.map(caller).unwrap_or_default();
        let serving = tokio::spawn(async move { offered.stdio_as(caller, input, output).await });
        let (read, mut write) = tokio::io::split(client);
        let mut lines = BufReader::new(read).lines();
        let (list, _) = modern("tools/list", json!({}));
        let (mut wait, _) = modern("tools/call", call("wait", json!({})));
        wait["id"] = json!(2);
        write
            .write_all(format!("{list}\n{wait}\n").as_bytes())
            .await
            .unwrap();
        for _ in 0..2 {
            let line = tokio::time::timeout(PATIENCE, lines.next_line())
                .await
                .unwrap();
            let message: Value = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
            if message["id"] == 1 {
                assert_eq!(names(&message, "tools"), tools);
            } else {
                let said = message["error"]["message"].as_str().unwrap();
                assert!(said.contains(refusal), "{message}");
            }
        }
        drop((lines, write));
        serving.await.unwrap().unwrap();
    }
}
