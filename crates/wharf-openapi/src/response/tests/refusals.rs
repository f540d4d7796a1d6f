//! Answers that are none of success, and no answers at all.

use std::sync::Arc;
use std::time::Duration;

use wharf_upstream::{Stage, TimeLimit, UpstreamError};

use super::*;

#[test]
fn refusals_show_status_headers_and_body() {
    let json = ("content-type", "application/problem+json");
    let html = ("content-type", "text/html");
    for (status, headers, body, expected) in [
        (404, vec![], "", "HTTP 404 Not Found"),
        (404, vec![], " \r\n", "HTTP 404 Not Found"),
        (499, vec![], "", "HTTP 499"),
        (
            422,
            vec![json],
            "{\n \"title\": \"no\",\n \"n\": 1.10\n}",
            "HTTP 422 Unprocessable Entity\n\n{\"title\":\"no\",\"n\":1.10}",
        ),
        (
            500,
            vec![html],
            "<h1>Oops</h1>",
            "HTTP 500 Internal Server Error\n\n<h1>Oops</h1>",
        ),
        (
            400,
            vec![json],
            "{broken",
            "HTTP 400 Bad Request\n\n{broken",
        ),
        (400, vec![], "why", "HTTP 400 Bad Request\n\nwhy"),
        (
            502,
            vec![("content-type", "image/png")],
            "\u{89}PNG",
            "HTTP 502 Bad Gateway\n\n\u{89}PNG",
        ),
        (
            429,
            vec![
                ("retry-after", "30"),
                ("x-ratelimit-remaining", "0"),
                ("x-request-id", "abc"),
                ("set-cookie", "secret"),
                ("www-authenticate", "Bearer realm=\"internal\""),
                ("server", "nginx"),
            ],
            "slow down",
            "HTTP 429 Too Many Requests\nRetry-After: 30\nX-Ratelimit-Remaining: 0\nX-Request-Id: abc\n\nslow down",
        ),
        (
            302,
            vec![("location", "https://elsewhere.example/")],
            "",
            "HTTP 302 Found\nLocation: https://elsewhere.example/\n\nThe redirect was not followed: it leads to another server, or redirects are switched off.",
        ),
    ] {
        for plan in [plan(), wrapping()] {
            let result = result(&plan, &answer(status, &headers, body));
            assert_eq!(texts(&result), [expected], "{status} {body}");
            assert!(result.is_error, "{status}");
            assert_eq!(structured(&result), None, "{status}");
        }
    }
}

#[test]
fn a_change_that_redirects_may_have_happened() {
    let plan = Plan {
        method: Method::POST,
        ..plan()
    };
    let result = result(&plan, &answer(303, &[("location", "/jobs/7")], ""));
    assert!(result.is_error);
    assert_eq!(
        texts(&result),
        [
            "HTTP 303 See Other\nLocation: /jobs/7\n\nThe redirect was not followed. The request may have been carried out: check before repeating it."
        ]
    );
}

#[test]
fn refusals_are_cut() {
    let html = [("content-type", "text/html")];
    let refused = result(&plan(), &answer(500, &html, "é".repeat(20_000)));
    let text = texts(&refused)[0];
    assert!(text.len() < ERROR_BYTES_MAX + 200, "{}", text.len());
    assert!(
        text.ends_with(
            "é\n[cut here: the first 20000 of 40000 bytes are shown; ask for less to see all]"
        ),
        "{}",
        &text[text.len() - 90..]
    );
    let binary = result(
        &plan(),
        &answer(500, &[("content-type", "image/png")], &b"\xff\xfe"[..]),
    );
    assert_eq!(
        texts(&binary),
        ["HTTP 500 Internal Server Error\n\n[the body is image/png of 2 bytes and is not shown]"]
    );
}

#[test]
fn failures_say_what_to_try_and_name_no_host() {
    let origin = || "https://internal.example:8443".to_owned();
    let cause = || Arc::new(std::io::Error::other("10.0.0.7 refused"));
    for (error, what, advice) in [
        (
            UpstreamError::Timeout {
                origin: origin(),
                stage: Stage::Answer,
                limit: TimeLimit::Read,
                after: Duration::from_secs(30),
            },
            "did not answer within 30 s",
            "try again later",
        ),
        (
            UpstreamError::Connect {
                origin: origin(),
                source: cause(),
            },
            "cannot be reached",
            "Try again later",
        ),
        (
            UpstreamError::Disconnected {
                origin: origin(),
                source: cause(),
            },
            "closed the connection",
            "check before trying again",
        ),
        (
            UpstreamError::Protocol {
                origin: origin(),
                source: cause(),
            },
            "cannot be read",
            "unlikely to help",
        ),
        (
            UpstreamError::Credentials {
                part: "token",
                reason: "is empty",
            },
            "configuration does not allow",
            "tell whoever runs this server",
        ),
    ] {
        let result = failure(&error, None);
        let text = texts(&result)[0];
        assert!(result.is_error, "{text}");
        assert!(text.contains(what) && text.contains(advice), "{text}");
        for secret in ["internal", "8443", "10.0.0.7", "token"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
