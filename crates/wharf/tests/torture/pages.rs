//! Pages that are gathered into one result.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wharf_model::Context;

use crate::api::{Api, Reply};
use crate::offer::{Answer, Offer, paths};

const DOCUMENT: &str = r"
paths:
  /x:
    get:
      operationId: list
      parameters:
        - {name: cursor, in: query, schema: {type: string}}
        - {name: 'page[size]', in: query, schema: {type: integer}}
        - {name: x-shop, in: header, schema: {type: string}}
      responses: {'200': {description: d, content: {application/json: {schema: {type: object}}}}}
    post:
      operationId: find
      requestBody: {content: {application/json: {schema: {type: object, properties: {q: {type: string}, after: {type: integer}}}}}}
";

fn by_cursor() -> Value {
    json!({"list": {"next": {"cursor": {"at": "/next", "argument": "cursor"}}}})
}

fn offer(pages: Value, replies: impl IntoIterator<Item = Reply>) -> Offer {
    paths(DOCUMENT).pages(pages).answering(replies).offer()
}

fn lines(api: &Api) -> Vec<String> {
    let requests = api.requests();
    requests.into_iter().map(|request| request.line).collect()
}

fn linked(body: &str, link: &str) -> Reply {
    Reply::json(body).with("link", link)
}

fn note(answer: &Answer) -> String {
    let text = answer.text();
    let last = text.lines().last().unwrap_or_default();
    last.to_owned()
}

#[tokio::test]
async fn pages_are_joined_by_a_cursor_and_numbers_stay_exact() {
    let offer = offer(
        by_cursor(),
        [
            Reply::json(r#"{"items":[{"id":12345678901234567890,"p":1.10}],"next":"a/b"}"#),
            Reply::json(r#"{"items":[],"next":"c"}"#),
            Reply::json("{\n \"items\": [ 2 ],\n \"next\": null\n}"),
        ],
    );
    let answer = offer.call("list", json!({"page_size": 1})).await;
    assert_eq!(
        answer.structured.as_deref(),
        Some(r#"{"items":[{"id":12345678901234567890,"p":1.10},2],"next":null}"#)
    );
    assert_eq!(
        note(&answer),
        "[3 pages are joined here; the last one is among them]"
    );
    assert_eq!(
        lines(&offer.api),
        [
            "GET /base/x?page%5Bsize%5D=1",
            "GET /base/x?cursor=a%2Fb&page%5Bsize%5D=1",
            "GET /base/x?cursor=c&page%5Bsize%5D=1",
        ]
    );
}

#[tokio::test]
async fn a_cursor_can_be_a_member_of_a_body() {
    let pages = json!({"find": {"next": {"cursor": {"at": "/after", "argument": "after"}}}});
    let offer = offer(
        pages,
        [
            Reply::json(r#"{"found":["a"],"after":7}"#),
            Reply::json(r#"{"found":["b"]}"#),
        ],
    );
    let answer = offer.call("find", json!({"q": "x"})).await;
    assert_eq!(answer.structured.as_deref(), Some(r#"{"found":["a","b"]}"#));
    let requests = offer.api.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].text(), r#"{"q":"x"}"#);
    assert_eq!(requests[1].text(), r#"{"q":"x","after":7}"#);
}

#[tokio::test]
async fn pages_are_joined_by_links_with_what_the_call_sent() {
    let upstream = |upstream: &mut wharf_upstream::Config| {
        upstream.credentials = serde_json::from_value(
            json!({"type": "api_key", "name": "key", "in": "query", "value": "hush-hush"}),
        )
        .unwrap();
    };
    // An API that builds its links from the address that was asked, key included.
    let offer = paths(DOCUMENT)
        .pages(json!({"*": {"next": "link"}}))
        .upstream(upstream)
        .answering([
            linked(
                r#"{"items":[1]}"#,
                r#"<x?cursor=2&key=hush-hush>; rel="next""#,
            ),
            linked(r#"{"items":[2]}"#, r#"</base/x?cursor=3>; rel="next""#),
            linked(r#"{"items":[3]}"#, r#"</base/x?cursor=1>; rel="first""#),
        ])
        .offer();
    let answer = offer.call("list", json!({"x-shop": "blue"})).await;
    assert_eq!(answer.structured.as_deref(), Some(r#"{"items":[1,2,3]}"#));
    assert!(!answer.text().contains("hush"), "{}", answer.text());
    assert_eq!(
        lines(&offer.api),
        [
            "GET /base/x?key=hush-hush",
            "GET /base/x?cursor=2&key=hush-hush",
            "GET /base/x?cursor=3&key=hush-hush",
        ]
    );
    for request in offer.api.requests() {
        assert_eq!(request.header("x-shop"), Some("blue"));
        assert_eq!(request.header("accept"), Some("application/json"));
    }
    // `find` is a POST, which no link continues.
    offer.call("find", json!({"q": "x"})).await;
    assert_eq!(offer.api.requests().len(), 4);
}

#[tokio::test]
async fn what_is_left_and_how_to_get_it_is_said() {
    let elsewhere = Api::new();
    let away = format!("<{}/base/x?cursor=2>; rel=next", elsewhere.url);
    let link = json!({"list": {"next": "link", "max": 2}});
    let mut cursor = by_cursor();
    cursor["list"]["max"] = json!(2);
    let page = |text: &str| Reply::json(text);
    let long = format!(r#"{{"items":["{}"],"next":"c"}}"#, "y".repeat(300));
    for (name, pages, replies, requests, expected) in [
        (
            "as many as allowed",
            &cursor,
            vec![
                page(r#"{"items":[1],"next":"a"}"#),
                page(r#"{"items":[2],"next":"b"}"#),
            ],
            2,
            r#"[2 pages are joined here; no more are gathered at once; for the next one call again with `cursor`: "b"]"#,
        ),
        (
            "as many links as allowed",
            &link,
            vec![
                linked(r#"{"items":[1]}"#, "<?cursor=2&page%5Bsize%5D=1>; rel=next"),
                linked(r#"{"items":[2]}"#, "<?cursor=3&page%5Bsize%5D=1>; rel=next"),
            ],
            2,
            r#"[2 pages are joined here; no more are gathered at once; for the next one call again with `cursor`: "3"]"#,
        ),
        (
            "another server",
            &link,
            vec![linked(r#"{"items":[1]}"#, &away)],
            1,
            "[1 page is here; the next one is on another server and was not asked for]",
        ),
        (
            "a circle",
            &cursor,
            vec![
                page(r#"{"items":[1],"next":"a"}"#),
                page(r#"{"items":[2],"next":"a"}"#),
            ],
            2,
            "[2 pages are joined here; the API names the same one again as the next]",
        ),
        (
            "too much",
            &cursor,
            vec![page(r#"{"items":[1],"next":"a"}"#), page(&long)],
            2,
            r#"[1 page is here; with the next one it would be more than 200 bytes; for that one call again with `cursor`: "a"]"#,
        ),
        (
            "a refusal",
            &cursor,
            vec![
                page(r#"{"items":[1],"next":"a"}"#),
                Reply::new(403, "text/plain", "no"),
            ],
            2,
            r#"[1 page is here; the next one could not be had: the API answered 403 Forbidden; to try it again call again with `cursor`: "a"]"#,
        ),
        (
            "a page of another kind",
            &cursor,
            vec![page(r#"{"items":[1],"next":"a"}"#), page("[]")],
            2,
            r#"[1 page is here; the next one could not be had: it is not like the others; to try it again call again with `cursor`: "a"]"#,
        ),
        (
            "a connection that breaks",
            &cursor,
            vec![
                page(r#"{"items":[1],"next":"a"}"#),
                page("{").breaking_off(),
            ],
            2,
            r#"[1 page is here; the next one could not be had: the API closed the connection before its answer was complete; to try it again call again with `cursor`: "a"]"#,
        ),
    ] {
        let offer = paths(DOCUMENT)
            .pages(pages.clone())
            .tools(|tools| tools.result_bytes_max = 200)
            .answering(replies)
            .offer();
        let answer = offer.call("list", json!({"page_size": 1})).await;
        assert!(!answer.is_error, "{name}: {}", answer.text());
        assert_eq!(note(&answer), expected, "{name}");
        let first = answer.value()["items"][0].clone();
        assert_eq!(first, json!(1), "{name}: {}", answer.text());
        assert_eq!(offer.api.requests().len(), requests, "{name}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn what_has_no_pages_is_as_it_was() {
    for reply in [
        Reply::json(r#"{"items":[1]}"#),
        Reply::json(r#"{"items":[1],"others":[2],"next":"a"}"#),
        Reply::json("7"),
        Reply::new(200, "text/plain", "text"),
        Reply::empty(204),
        Reply::new(404, "application/json", r#"{"items":[],"next":"a"}"#),
    ] {
        let plain = offer(json!({}), [reply.clone()]);
        let paged = offer(by_cursor(), [reply]);
        let (plain_answer, paged_answer) = (
            plain.call("list", json!({})).await,
            paged.call("list", json!({})).await,
        );
        assert_eq!(plain_answer.text(), paged_answer.text());
        assert_eq!(plain_answer.structured, paged_answer.structured);
        assert_eq!(paged.api.requests().len(), 1);
    }
}

/// All pages share the time of one call: the upstream's own, and the caller's.
#[tokio::test]
async fn pages_end_with_the_time_of_the_call() {
    let first = || Reply::json(r#"{"items":[1],"next":"a"}"#);
    let hanging = || Reply::json("{").hanging();
    let one_second = serde_json::from_value(json!(1)).unwrap();
    for (name, is_caller_s) in [("the upstream's", false), ("the caller's", true)] {
        let offer = paths(DOCUMENT)
            .pages(by_cursor())
            .upstream(|upstream| {
                if !is_caller_s {
                    upstream.timeout_s = one_second;
                }
            })
            .answering([first().after(Duration::from_millis(300)), hanging()])
            .offer();
        let deadline = Instant::now() + Duration::from_secs(1);
        let context = Context {
            deadline: is_caller_s.then_some(deadline),
            ..Context::default()
        };
        let answer = offer.call_as(&context, "list", json!({})).await;
        assert!(
            note(&answer).starts_with(
                "[1 page is here; the next one could not be had: the API did not answer within"
            ),
            "{name}: {}",
            answer.text()
        );
        assert_eq!(answer.value()["items"], json!([1]), "{name}");
    }
}
