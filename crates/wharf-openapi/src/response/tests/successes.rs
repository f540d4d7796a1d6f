//! Answers that are results.

use super::*;

#[test]
fn json_is_text_and_structure() {
    let json = "application/json";
    for (plan, content_type, body, expected) in [
        (plan(), json, r#"{"a":1.10}"#, r#"{"a":1.10}"#),
        (
            plan(),
            json,
            "{\n  \"a\": [\r\n 12345678901234567890123 ]\n}\n",
            r#"{"a":[12345678901234567890123]}"#,
        ),
        (plan(), json, r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
        (plan(), json, "[1]", "[1]"),
        (plan(), json, "null", "null"),
        (plan(), json, "\u{feff}{}", "{}"),
        (plan(), "application/hal+json; charset=utf-8", "{}", "{}"),
        (with_schema(), json, "{}", "{}"),
        (with_schema(), json, "[1]", r#"{"result":[1]}"#),
        (wrapping(), json, "[1]", r#"{"result":[1]}"#),
        (wrapping(), json, "\"a\"", r#"{"result":"a"}"#),
        (wrapping(), json, "null", r#"{"result":null}"#),
        (wrapping(), json, "{}", r#"{"result":{}}"#),
        // Declared otherwise, but plainly JSON.
        (plan(), "text/html", " {\"a\":1}", r#"{"a":1}"#),
        (plan(), "text/plain; charset=utf-8", "[1]", "[1]"),
        (plan(), "application/octet-stream", "{}", "{}"),
        (plan(), "", "{}", "{}"),
    ] {
        let result = result(&plan, &answer(200, &[("content-type", content_type)], body));
        assert_eq!(structured(&result), Some(expected), "{content_type} {body}");
        assert_eq!(texts(&result), [expected], "{content_type} {body}");
        assert!(!result.is_error, "{content_type} {body}");
    }
}

#[test]
fn text_and_structure_share_their_bytes() {
    let result = result(&plan(), &typed("application/json", br#"{"a":1}"#));
    let [text] = texts(&result)[..] else {
        panic!("one text");
    };
    assert_eq!(text.as_ptr(), structured(&result).unwrap().as_ptr());
}

#[test]
fn what_is_no_json_is_text() {
    for (content_type, body, expected) in [
        ("application/json", &b"{\"a\":NaN}"[..], "{\"a\":NaN}"),
        ("application/json", b"<html>", "<html>"),
        (
            "application/json",
            b"{\"a\":1} {\"a\":2}",
            "{\"a\":1} {\"a\":2}",
        ),
        ("text/html", b"<p>", "<p>"),
        ("text/html", b"{broken", "{broken"),
        ("text/plain", b"5", "5"),
        ("application/xml", b"<a/>", "<a/>"),
        ("image/svg+xml", b"<svg/>", "<svg/>"),
        ("text/csv", b"a,b\r\n", "a,b\r\n"),
        ("application/x-ndjson", b"{}\n{}\n", "{}\n{}\n"),
        ("text/event-stream", b"data: 1\n\n", "data: 1\n\n"),
        ("application/yaml", b"a: 1", "a: 1"),
        ("application/x-www-form-urlencoded", b"a=1", "a=1"),
        ("text/plain; charset=iso-8859-1", b"caf\xe9", "café"),
        ("text/plain; charset=utf-16le", b"h\0i\0", "hi"),
        (
            "application/json; charset=utf-8",
            b"[\"\xe9\"]",
            "[\"\u{fffd}\"]\n[some bytes are no valid text and are shown as \u{fffd}]",
        ),
        (
            "text/plain",
            b"caf\xe9",
            "caf\u{fffd}\n[some bytes are no valid text and are shown as \u{fffd}]",
        ),
        ("", b"plain", "plain"),
    ] {
        let bare = result(&plan(), &typed(content_type, body));
        assert_eq!(texts(&bare), [expected], "{content_type}");
        assert_eq!(structured(&bare), None, "{content_type}");
        for plan in [with_schema(), wrapping()] {
            let shaped = result(&plan, &typed(content_type, body));
            let wrapped = serde_json::json!({ "result": expected }).to_string();
            assert_eq!(structured(&shaped), Some(&*wrapped), "{content_type}");
            assert_eq!(texts(&shaped), [wrapped], "{content_type}");
        }
    }
}

#[test]
fn json_in_other_charsets_is_json() {
    for (content_type, body) in [
        ("application/json; charset=latin1", &b"{\"a\":\"\xe9\"}"[..]),
        (
            "application/json; charset=utf-16",
            b"\xff\xfe{\0\"\0a\0\"\0:\0\"\0\xe9\0\"\0}\0",
        ),
    ] {
        let result = result(&plan(), &typed(content_type, body));
        assert_eq!(structured(&result), Some(r#"{"a":"é"}"#), "{content_type}");
    }
}

#[test]
fn json_is_not_guessed_where_none_is_expected() {
    for (accept, content_type) in [
        ("", "text/plain"),
        ("text/plain", "text/plain"),
        ("text/csv, application/json", "text/plain"),
    ] {
        let plan = Plan {
            accept: accept.to_owned(),
            ..plan()
        };
        let result = result(&plan, &typed(content_type, b"{}"));
        assert_eq!(structured(&result), None, "{accept}");
        assert_eq!(texts(&result), ["{}"], "{accept}");
    }
}

#[test]
fn nothing_is_said_in_words() {
    for (method, status, body, line) in [
        (Method::DELETE, 204, "", "204 No Content"),
        (Method::GET, 200, "", "200 OK"),
        (Method::POST, 205, "", "205 Reset Content"),
        (Method::GET, 304, "", "304 Not Modified"),
        (Method::GET, 204, "stray", "204 No Content"),
        (Method::HEAD, 200, "", "200 OK"),
        (Method::GET, 299, "", "299"),
    ] {
        let asking = |plan: Plan| Plan {
            method: method.clone(),
            ..plan
        };
        let response = answer(status, &[], body);
        let bare = result(&asking(plan()), &response);
        assert_eq!(texts(&bare), [line], "{method} {status}");
        assert_eq!(structured(&bare), None, "{method} {status}");
        let shaped = result(&asking(with_schema()), &response);
        assert_eq!(
            texts(&shaped),
            [r#"{"result":null}"#, line],
            "{method} {status}"
        );
        assert_eq!(
            structured(&shaped),
            Some(r#"{"result":null}"#),
            "{method} {status}"
        );
    }
}

#[test]
fn bytes_keep_their_kind() {
    for (content_type, body, expected) in [
        ("image/png", &b"\x89PNG"[..], "image image/png"),
        ("IMAGE/JPEG; q=1", b"\xff\xd8", "image image/jpeg"),
        ("audio/mpeg", b"ID3", "audio audio/mpeg"),
        (
            "application/pdf",
            b"%PDF",
            "upstream:///getPet application/pdf",
        ),
        ("image/tiff", b"II*", "upstream:///getPet image/tiff"),
        (
            "application/zip",
            b"PK",
            "upstream:///getPet application/zip",
        ),
        (
            "",
            b"\xff\xfe\x00",
            "upstream:///getPet application/octet-stream",
        ),
    ] {
        let described = |content: &Content| match content {
            Content::Image {
                data, mime_type, ..
            } => (data.clone(), format!("image {mime_type}")),
            Content::Audio {
                data, mime_type, ..
            } => (data.clone(), format!("audio {mime_type}")),
            Content::Embedded { resource, .. } => match &resource.body {
                ResourceBody::Blob(data) => {
                    let mime_type = resource.mime_type.as_deref().unwrap();
                    (data.clone(), format!("{} {mime_type}", resource.uri))
                }
                ResourceBody::Text(_) => panic!("{content_type}: text"),
            },
            other => panic!("{content_type}: {other:?}"),
        };
        let response = typed(content_type, body);
        let bare = result(&plan(), &response);
        assert_eq!(bare.content.len(), 1, "{content_type}");
        let expected = (Bytes::from_static(body), expected.to_owned());
        assert_eq!(described(&bare.content[0]), expected, "{content_type}");
        assert_eq!(structured(&bare), None, "{content_type}");

        let shaped = result(&wrapping(), &response);
        let structured = structured(&shaped).unwrap();
        assert!(
            structured.contains(&format!(", {} bytes\"}}", body.len())),
            "{structured}"
        );
        assert_eq!(described(&shaped.content[1]), expected, "{content_type}");
    }
}

#[test]
fn what_is_too_large_is_cut_and_says_so() {
    let long = "x".repeat(50);
    let json = format!("[\"{long}\"]");
    let cut_text = format!(
        "{}\n[cut here: the first 40 of 50 bytes are shown; ask for less to see all]",
        &long[..40]
    );
    let cut_json = format!(
        "{}\n[cut here: the first 40 of 54 bytes are shown; ask for less to see all]",
        &json[..40]
    );
    let cut_stream = "abc\n[cut here: the first 3 bytes are shown, the answer is too large to be read whole; ask for less]";
    for (content_type, body, truncated, expected) in [
        ("text/plain", long.as_bytes(), false, cut_text.as_str()),
        ("application/json", json.as_bytes(), false, &cut_json),
        ("text/plain", b"abc\xc3", true, cut_stream),
        ("application/json", b"abc", true, cut_stream),
        (
            "image/png",
            long.as_bytes(),
            false,
            "[the answer is image/png of 50 bytes and was left out: at most 40 bytes are passed on]",
        ),
        (
            "image/png",
            b"abc",
            true,
            "[the answer is image/png of more than 3 bytes and was left out: at most 40 bytes are passed on]",
        ),
    ] {
        let mut response = answer(200, &[("content-type", content_type)], body.to_vec());
        response.truncated = truncated;
        let bare = read(&plan(), "getPet", &response, &small());
        assert_eq!(texts(&bare), [expected], "{content_type} {truncated}");
        assert_eq!(structured(&bare), None, "{content_type} {truncated}");
        let shaped = read(&wrapping(), "getPet", &response, &small());
        assert_eq!(texts(&shaped), [expected], "{content_type} {truncated}");
        let wrapped = serde_json::json!({ "result": CUT }).to_string();
        assert_eq!(
            structured(&shaped),
            Some(&*wrapped),
            "{content_type} {truncated}: not twice"
        );
    }
}

#[test]
fn headers_that_lead_on_follow_the_result() {
    let link = r#"<https://api.example/pets?page=2>; rel="next""#;
    let headers = [
        ("content-type", "application/json"),
        ("link", link),
        ("set-cookie", "session=secret"),
        ("x-total-count", "31"),
        ("x-request-id", "not an error"),
    ];
    let paged = result(&with_schema(), &answer(200, &headers, "{}"));
    assert_eq!(
        texts(&paged),
        ["{}", &format!("Link: {link}\nX-Total-Count: 31")]
    );
    let created = result(
        &plan(),
        &answer(201, &[("location", "/pets/7"), ("retry-after", "3")], ""),
    );
    assert_eq!(
        texts(&created),
        ["201 Created", "Location: /pets/7\nRetry-After: 3"]
    );
}

#[test]
fn a_head_request_is_answered_by_headers() {
    let plan = Plan {
        method: Method::HEAD,
        ..plan()
    };
    let headers = [
        ("content-type", "image/png"),
        ("content-length", "1234"),
        ("etag", "\"a\""),
        ("x-amz-meta-owner", "me"),
        ("set-cookie", "session=secret"),
        ("server", "nginx"),
    ];
    assert_eq!(
        texts(&result(&plan, &answer(200, &headers, ""))),
        [
            "200 OK",
            "Content-Type: image/png\nContent-Length: 1234\nEtag: \"a\"\nX-Amz-Meta-Owner: me"
        ]
    );
}

#[test]
fn headers_are_bounded() {
    let long = "ü".repeat(2000);
    let mut response = answer(200, &[], "");
    for _ in 0..100 {
        let value = HeaderValue::from_bytes(long.as_bytes()).unwrap();
        response.headers.append("link", value);
    }
    let result = result(&plan(), &response);
    let [_, notes] = texts(&result)[..] else {
        panic!("two texts");
    };
    assert_eq!(notes.lines().count(), 20);
    assert_eq!(
        notes.lines().next(),
        Some(&*format!("Link: {} [cut]", "ü".repeat(500)))
    );
}
