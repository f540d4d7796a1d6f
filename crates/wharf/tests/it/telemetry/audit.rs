//! What the audit log holds of a call.

use serde_json::{Value, json};

use super::{SECRET, UPSTREAM, ask, call, records, served, start};
use crate::process::{Api, Folder, document};

#[test]
fn the_audit_log_says_who_did_what_and_moves_on_a_hangup() {
    let folder = Folder::new();
    let api = Api::answering(UPSTREAM);
    let server = start(
        &served(&folder, &api.url, "{audit: {to: audit.jsonl}}"),
        &[],
    );
    let path = folder.path().join("audit.jsonl");
    call(
        &server,
        "getPet",
        &json!({"petId": 1}),
        &["x-request-id: first"],
    );
    ask(
        server.address(),
        "POST /mcp",
        &["origin: https://evil.example", "x-request-id: second"],
        "{}",
    );
    let found = records(&path, 2);
    for (field, expected) in [
        ("request_id", json!("first")),
        ("subject", Value::Null),
        ("method", json!("tools/call")),
        ("tool", json!("getPet")),
        ("source", json!("api")),
        ("decision", json!("permitted")),
        ("outcome", json!("ok")),
    ] {
        assert_eq!(found[0][field], expected, "{field}: {}", found[0]);
    }
    assert!(
        found[0]["time"].as_str().unwrap().ends_with("+00:00"),
        "{}",
        found[0]
    );
    assert!(found[0]["sent_bytes"].as_u64().unwrap() > 0, "{}", found[0]);
    assert_eq!(found[1]["request_id"], "second");
    assert_eq!(found[1]["decision"], "forbidden");

    std::fs::rename(&path, folder.path().join("audit.1.jsonl")).unwrap();
    server.signal("HUP");
    server.wait_for_line("serving the new state");
    call(
        &server,
        "getPet",
        &json!({"petId": 1}),
        &["x-request-id: third"],
    );
    assert_eq!(records(&path, 1)[0]["request_id"], "third");
}

#[test]
fn the_audit_log_names_who_called_and_who_was_sent_away() {
    let folder = Folder::new();
    let api = Api::answering(UPSTREAM);
    let key = format!("{SECRET}-{SECRET}-{SECRET}-{SECRET}-{SECRET}");
    let config = served(&folder, &api.url, "{audit: {to: audit.jsonl}}");
    let auth = format!("auth: {{keys: [{{subject: ann, key: {key}}}]}}\n");
    let config = folder.write(
        "wharf.yaml",
        &(std::fs::read_to_string(config).unwrap() + &auth),
    );
    let server = start(&config, &[]);
    let path = folder.path().join("audit.jsonl");
    for (number, (token, subject, decision)) in [
        (None, Value::Null, "unauthenticated"),
        (Some("wrong-hunter2"), Value::Null, "unauthenticated"),
        (Some(key.as_str()), json!("ann"), "permitted"),
    ]
    .into_iter()
    .enumerate()
    {
        let token = token.map(|token| format!("authorization: Bearer {token}"));
        let headers: Vec<_> = token.iter().map(String::as_str).collect();
        call(&server, "getPet", &json!({"petId": 1}), &headers);
        let found = records(&path, number + 1);
        assert_eq!(found[number]["subject"], subject, "{found:?}");
        assert_eq!(found[number]["decision"], decision, "{found:?}");
    }
    assert!(!std::fs::read_to_string(&path).unwrap().contains(SECRET));
}

#[test]
fn the_audit_log_says_what_the_rules_decided_and_not_what_the_client_was_told() {
    let key = format!("{SECRET}-{SECRET}-{SECRET}-{SECRET}-{SECRET}");
    let authorization = format!("authorization: Bearer {key}");
    for (mode, called, arguments, told, tool, decision) in [
        (
            "all",
            "deleteOrder",
            json!({"petId": 1}),
            "unknown tool `deleteOrder`",
            json!("deleteOrder"),
            "forbidden",
        ),
        (
            "search",
            "call_tool",
            json!({"name": "deleteOrder", "arguments": {"petId": 1}}),
            "deleteOrder",
            json!("deleteOrder"),
            "forbidden",
        ),
        (
            "all",
            "noSuchTool",
            json!({}),
            "unknown tool `noSuchTool`",
            Value::Null,
            "permitted",
        ),
        (
            "all",
            "getPet",
            json!({"petId": 1}),
            SECRET,
            json!("getPet"),
            "permitted",
        ),
    ] {
        let folder = Folder::new();
        let api = Api::answering(UPSTREAM);
        let config = served(&folder, &api.url, "{audit: {to: audit.jsonl}}");
        folder.write("api.json", &document(&["getPet", "deleteOrder"]));
        let rules = "access: {default: signed_in, rules: [{tools: [{name: deleteOrder}], callers: [{group: admins}]}]}";
        let more = format!(
            "tools_mode: {mode}\nauth: {{keys: [{{subject: ann, key: {key}}}]}}\n{rules}\n"
        );
        let config = folder.write(
            "wharf.yaml",
            &(std::fs::read_to_string(config).unwrap() + &more),
        );
        let server = start(&config, &[]);
        let answer = call(&server, called, &arguments, &[&authorization]);
        assert!(answer.contains(told), "{mode} {called}: {answer}");
        let found = &records(&folder.path().join("audit.jsonl"), 1)[0];
        assert_eq!(found["tool"], tool, "{mode} {called}: {found}");
        assert_eq!(found["decision"], decision, "{mode} {called}: {found}");
        assert!(
            found["sent_bytes"].as_u64() > Some(0),
            "{mode} {called}: {found}"
        );
    }
}

#[test]
fn where_nothing_may_go_unrecorded_a_full_disk_refuses_calls() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let folder = Folder::new();
    let api = Api::answering(UPSTREAM);
    for (when_full, is_refused) in [("refuse", true), ("drop", false)] {
        let telemetry = format!("{{audit: {{to: /dev/full, when_full: {when_full}}}}}");
        let server = start(&served(&folder, &api.url, &telemetry), &[]);
        call(&server, "getPet", &json!({"petId": 1}), &[]);
        server.wait_for_line("cannot be written");
        let answer = call(&server, "getPet", &json!({"petId": 1}), &[]);
        assert_eq!(
            answer.starts_with("HTTP/1.1 503"),
            is_refused,
            "{when_full}: {answer}"
        );
        assert_eq!(
            answer.contains(SECRET),
            !is_refused,
            "{when_full}: {answer}"
        );
    }
}
