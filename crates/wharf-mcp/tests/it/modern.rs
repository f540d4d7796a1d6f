//! The modern era: headers that repeat the body, results that describe themselves, calls that end with their line.

use serde_json::{Value, json};

use crate::support::{Bench, MODERN, call, code, modern};

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

#[tokio::test]
async fn every_result_describes_itself() {
    let bench = Bench::plain().await;
    for (method, params, is_cacheable) in [
        ("server/discover", json!({}), true),
        ("tools/list", json!({}), true),
        ("prompts/list", json!({}), true),
        ("resources/list", json!({}), true),
        ("resources/templates/list", json!({}), true),
        ("resources/read", json!({"uri": "probe://one"}), true),
        ("tools/call", call("echo", json!({"text": "x"})), false),
        ("prompts/get", json!({"name": "greet"}), false),
    ] {
        let response = bench.modern(method, params).await;
        assert_eq!(
            response.headers["content-type"], "application/json",
            "{method}"
        );
        assert!(!response.headers.contains_key("mcp-session-id"), "{method}");
        let answer = response.json().await;
        let result = &answer["result"];
        assert_eq!(result["resultType"], "complete", "{method}: {answer}");
        assert_eq!(result["_meta"][SERVER_INFO]["name"], "wharf", "{method}");
        assert_eq!(result["ttlMs"].is_u64(), is_cacheable, "{method}: {answer}");
        assert_eq!(
            result["cacheScope"].is_string(),
            is_cacheable,
            "{method}: {answer}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_protocol_error() {
    let bench = Bench::plain().await;
    for (method, params, expected) in [
        ("tools/call", call("lost", json!({})), -32602),
        (
            "tools/call",
            json!({"name": "echo", "arguments": [1]}),
            -32602,
        ),
        ("prompts/get", json!({"name": "lost"}), -32602),
        (
            "prompts/get",
            json!({"name": "greet", "arguments": {"a": 1}}),
            -32602,
        ),
        ("resources/read", json!({"uri": "probe://two"}), -32602),
        ("tools/list", json!({"cursor": "x"}), -32602),
        ("tools/list", json!({"cursor": 1}), -32602),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/other"}}),
            -32602,
        ),
        ("subscriptions/listen", json!({}), -32602),
    ] {
        let answer = bench.modern(method, params.clone()).await.json().await;
        assert_eq!(code(&answer), expected, "{method} {params}");
    }
    let answer = bench
        .modern("resources/read", json!({"uri": "probe://two"}))
        .await
        .json()
        .await;
    assert_eq!(answer["error"]["data"]["uri"], "probe://two");
    let answer = bench
        .modern("tools/list", json!({"cursor": ""}))
        .await
        .json()
        .await;
    assert!(
        answer["result"]["tools"].is_array(),
        "the empty cursor is the beginning"
    );
    // What a model can mend is no protocol error.
    let answer = bench
        .modern("tools/call", call("echo", json!({})))
        .await
        .json()
        .await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
}

#[tokio::test]
async fn completions_are_cut_at_a_hundred() {
    let bench = Bench::plain().await;
    let params = json!({"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "a", "value": "v"}});
    let answer = bench
        .modern("completion/complete", params)
        .await
        .json()
        .await;
    let completion = &answer["result"]["completion"];
    assert_eq!(completion["values"].as_array().map(Vec::len), Some(100));
    assert_eq!(completion["values"][0], "v0");
    assert_eq!(completion["hasMore"], true);
}

#[tokio::test]
async fn routing_headers_repeat_the_body() {
    let bench = Bench::plain().await;
    for (case, name, header, ok) in [
        ("the same", "echo", Some("echo"), true),
        ("with blanks around", "echo", Some(" echo "), true),
        ("missing", "echo", None, false),
        ("another", "echo", Some("list"), false),
        ("another case", "echo", Some("Echo"), false),
        ("in base64", "echo", Some("=?base64?ZWNobw==?="), true),
        (
            "another in base64",
            "echo",
            Some("=?base64?bGlzdA==?="),
            false,
        ),
        ("broken base64", "echo", Some("=?base64?ZWNobw?="), false),
        (
            "markers in capitals",
            "echo",
            Some("=?BASE64?ZWNobw==?="),
            false,
        ),
    ] {
        let (message, mut headers) = modern("tools/call", call(name, json!({"text": "x"})));
        headers.retain(|(name, _)| *name != "mcp-name");
        headers.extend(header.map(|value| ("mcp-name", value.to_owned())));
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let response = bench.post(&message, &headers).await;
        assert_eq!(response.status.is_success(), ok, "{case}");
        let answer = response.json().await;
        assert_eq!(
            answer["error"]["code"].as_i64(),
            (!ok).then_some(-32020),
            "{case}: {answer}"
        );
    }
}

#[tokio::test]
async fn mirrored_parameters_repeat_the_arguments() {
    let bench = Bench::plain().await;
    for (case, arguments, mirrored, ok) in [
        ("nothing", json!({}), vec![], true),
        ("null", json!({"region": null}), vec![], true),
        (
            "the same",
            json!({"region": "eu", "count": 7}),
            vec![("mcp-param-region", "eu"), ("mcp-param-count", "7")],
            true,
        ),
        ("missing", json!({"region": "eu"}), vec![], false),
        (
            "another",
            json!({"region": "eu"}),
            vec![("mcp-param-region", "us")],
            false,
        ),
        (
            "too much",
            json!({}),
            vec![("mcp-param-region", "eu")],
            false,
        ),
        (
            "of no parameter",
            json!({}),
            vec![("mcp-param-other", "eu")],
            true,
        ),
        (
            "in base64",
            json!({"region": "Zürich"}),
            vec![("mcp-param-region", "=?base64?WsO8cmljaA==?=")],
            true,
        ),
    ] {
        let (message, headers) = modern("tools/call", call("mirrored", arguments));
        let mut headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        headers.extend(mirrored);
        let response = bench.post(&message, &headers).await;
        assert_eq!(response.status.is_success(), ok, "{case}");
        let answer = response.json().await;
        let expected = (!ok).then_some(-32020);
        assert_eq!(
            answer["error"]["code"].as_i64(),
            expected,
            "{case}: {answer}"
        );
    }
}

#[tokio::test]
async fn structured_content_of_any_kind() {
    let bench = Bench::plain().await;
    let answer = bench
        .modern("tools/call", call("list", json!({})))
        .await
        .json()
        .await;
    assert_eq!(answer["result"]["structuredContent"], json!([1, 2]));
    let answer = bench.modern("tools/list", json!({})).await.json().await;
    let list = find(&answer, "list");
    assert_eq!(list["outputSchema"]["type"], "array");
}

pub(crate) fn find<'a>(answer: &'a Value, tool: &str) -> &'a Value {
    answer["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == tool)
        .unwrap_or_else(|| panic!("{tool} in {answer}"))
}

#[tokio::test]
async fn the_caller_and_the_trace_reach_the_source() {
    let bench = Bench::plain().await;
    let of_meta = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let of_headers = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let meta = |parent: &str| json!({"name": "headers", "arguments": {}, "_meta": {"traceparent": parent}});
    for (params, trace) in [
        (meta(of_meta), of_meta),
        (meta("00-malformed-01"), of_headers),
        (call("headers", json!({})), of_headers),
    ] {
        let (message, headers) = modern("tools/call", params);
        let mut headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        headers.extend([
            ("x-test-caller", "alice"),
            ("x-probe", "7"),
            ("traceparent", of_headers),
        ]);
        let answer = bench.post(&message, &headers).await.json().await;
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert_eq!(
            text,
            format!("Some(\"alice\") Some(\"7\") Some(\"{trace}\")")
        );
    }
}

#[tokio::test]
async fn cutting_the_line_cancels() {
    let bench = Bench::plain().await;
    for (case, params) in [
        ("a JSON answer", call("wait", json!({}))),
        (
            "an answer that could be a stream",
            json!({"name": "wait", "arguments": {}, "_meta": {"progressToken": "p"}}),
        ),
    ] {
        let (started, dropped) = (&bench.watch.started, &bench.watch.dropped);
        let before = dropped.load(std::sync::atomic::Ordering::SeqCst);
        let calling = bench.modern("tools/call", params);
        let until_started = bench.watch.reaches(started, before + 1, case);
        // The request is dropped with its connection as soon as the call has begun.
        tokio::select! {
            _ = calling => panic!("{case}: nothing opens the gate"),
            () = until_started => {}
        }
        bench.watch.reaches(dropped, before + 1, case).await;
    }
}

#[tokio::test]
async fn discovery_says_what_the_methods_keep() {
    let bench = Bench::plain().await;
    let answer = bench
        .modern("server/discover", json!({}))
        .await
        .json()
        .await;
    let result = &answer["result"];
    assert_eq!(result["supportedVersions"][0], MODERN);
    assert_eq!(
        result["supportedVersions"].as_array().map(Vec::len),
        Some(5)
    );
    assert_eq!(result["capabilities"]["tools"]["listChanged"], true);
    assert_eq!(result["capabilities"]["resources"]["subscribe"], true);
    assert!(result.get("serverInfo").is_none(), "it stands in `_meta`");
    bench
        .server
        .replace(wharf_catalog::Catalog::build([]).unwrap());
    assert!(bench.server.catalog().prompts().is_empty());
    let answer = bench
        .modern("server/discover", json!({}))
        .await
        .json()
        .await;
    assert!(
        answer["result"]["capabilities"].get("prompts").is_none(),
        "{answer}"
    );
    let response = bench.modern("prompts/list", json!({})).await;
    assert_eq!(response.status.as_u16(), 404);
    assert_eq!(code(&response.json().await), -32601);
}
