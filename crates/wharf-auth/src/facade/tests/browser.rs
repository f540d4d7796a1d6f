//! What a browser is shown, and where it is sent.

use http::StatusCode;
use http::header::{CONTENT_TYPE, ORIGIN, SET_COOKIE};
use serde_json::json;

use super::{
    BACK, ISSUER, RESOURCE, asked, get, location, parameter, post, query, question, sign_in, text,
    told, transaction, with,
};
use crate::facade::now;
use crate::facade::seal::Purpose;
use crate::facade::values::Asked;

#[tokio::test]
async fn nothing_goes_to_an_unchecked_address() {
    let sign_in = sign_in();
    let long = format!("http://127.0.0.1/{}", "a".repeat(5_000));
    for changes in [
        &[("redirect_uri", "https://evil.example/")][..],
        &[("redirect_uri", "https://app.example/cb/")],
        &[("redirect_uri", "https://app.example/cb?x=1")],
        &[("redirect_uri", "https://app.example/cb#x")],
        &[("redirect_uri", "https://app.example@evil.example/cb")],
        &[("redirect_uri", "http://127.0.0.1.evil.example:7/cb")],
        &[("redirect_uri", "http://127.0.0.1:7@evil.example/cb")],
        &[("redirect_uri", "http://localhost:7/cb")],
        &[("redirect_uri", "javascript:alert(1)")],
        &[("redirect_uri", &long)],
        // One of two, so it has to be named.
        &[("redirect_uri", "-")],
        &[("client_id", "-")],
        &[("client_id", "nobody")],
        &[("client_id", "wharf-client-AAAA")],
        &[("client_id", "https://127.0.0.1/client.json")],
        &[("client_id", "https://169.254.169.254/latest/meta-data")],
        &[("client_id", "https://[::1]/client.json")],
        &[
            ("client_id", "nobody"),
            ("redirect_uri", "https://evil.example/"),
        ],
        &[("state", &"s".repeat(5_000))],
    ] {
        let page = get(&sign_in, &asked(changes), "").await;
        assert!(
            page.status().is_client_error(),
            "{changes:?}: {}",
            page.status()
        );
        assert_eq!(location(&page), None, "{changes:?}");
        assert!(
            text(&page).contains("Whoever runs this server"),
            "{changes:?}"
        );
        assert!(!text(&page).contains("evil"), "{changes:?}");
    }
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example%2F", asked(&[]));
    let page = get(&sign_in, &twice, "").await;
    assert_eq!(
        (page.status(), location(&page)),
        (StatusCode::BAD_REQUEST, None)
    );
}

#[tokio::test]
async fn what_a_client_does_wrong_is_told_at_its_checked_address() {
    let sign_in = sign_in();
    for (changes, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", "-"), "invalid_request"),
        (("response_mode", "fragment"), "invalid_request"),
        (("code_challenge", "-"), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", "-"), "invalid_request"),
        (("resource", "https://other.example/mcp"), "invalid_target"),
        (("resource", "https://mcp.example"), "invalid_target"),
        (("scope", "bogus"), "invalid_scope"),
        (("prompt", "none"), "consent_required"),
        (("scope", "READ bogus"), "invalid_scope"),
    ] {
        let answer = get(&sign_in, &asked(&[changes]), "").await;
        let to = location(&answer).unwrap_or_else(|| panic!("{changes:?}"));
        assert!(to.starts_with(&format!("{BACK}?")), "{changes:?}: {to}");
        assert_eq!(
            parameter(to, "error").as_deref(),
            Some(error),
            "{changes:?}"
        );
        assert_eq!(
            parameter(to, "state").as_deref(),
            Some("client state"),
            "{changes:?}"
        );
        assert_eq!(parameter(to, "iss").as_deref(), Some(ISSUER), "{changes:?}");
        assert_eq!(parameter(to, "code"), None, "{changes:?}");
    }
    let both = format!("{}&resource=https%3A%2F%2Fother.example", asked(&[]));
    let answer = get(&sign_in, &both, "").await;
    let to = location(&answer).unwrap();
    assert_eq!(parameter(to, "error").as_deref(), Some("invalid_target"));
}

#[tokio::test]
async fn the_port_of_a_loopback_address_may_differ() {
    let sign_in = sign_in();
    let (_, question) = question(
        &sign_in,
        &asked(&[("redirect_uri", "http://127.0.0.1:9/cb")]),
    )
    .await;
    let asked: Asked = sign_in
        .0
        .seals
        .open(Purpose::Consent, &question, now())
        .unwrap();
    assert_eq!(asked.redirect_uri, "http://127.0.0.1:9/cb");
}

#[tokio::test]
async fn a_consent_page_is_plain_and_framed_nowhere() {
    let sign_in = sign_in();
    let body =
        json!({"client_name": "<script>alert('x')</script>\u{202e}\"", "redirect_uris": [BACK]});
    let json_type = [(CONTENT_TYPE.as_str(), "application/json")];
    let registered = told(&post(&sign_in, "/register", &json_type, &body.to_string()).await);
    let id = registered["client_id"].as_str().unwrap();
    let page = get(&sign_in, &asked(&[("client_id", id)]), "").await;
    let html = text(&page);
    assert!(
        html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;"),
        "{html}"
    );
    assert!(!html.contains("<script"), "{html}");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    assert_eq!(page.headers()["cache-control"], "no-store");
    let cookie = page.headers()[SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-wharf-sign-in="), "{cookie}");
    for attribute in ["; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn a_consent_counts_from_the_browser_that_was_asked() {
    let sign_in = sign_in();
    let (cookie, question) = question(&sign_in, &asked(&[])).await;
    let (other_cookie, _) = self::question(&sign_in, &asked(&[])).await;
    let seals = &sign_in.0.seals;
    let asked: Asked = seals.open(Purpose::Consent, &question, now()).unwrap();
    let expired = seals.seal(Purpose::Consent, &asked, now() - 1);
    let of_another_purpose = seals.seal(Purpose::State, &asked, now() + 60);
    let two = format!("{cookie}; {other_cookie}");
    let good_origin = (ORIGIN.as_str(), ISSUER);
    for (case, cookie, question, header, good) in [
        (
            "as it should be",
            cookie.as_str(),
            question.as_str(),
            good_origin,
            true,
        ),
        (
            "same-origin",
            &cookie,
            &question,
            ("sec-fetch-site", "same-origin"),
            true,
        ),
        ("no cookie", "", &question, good_origin, false),
        (
            "another browser's cookie",
            &other_cookie,
            &question,
            good_origin,
            false,
        ),
        ("two cookies", &two, &question, good_origin, false),
        (
            "another page",
            &cookie,
            &question,
            (ORIGIN.as_str(), "https://evil.example"),
            false,
        ),
        (
            "an opaque page",
            &cookie,
            &question,
            (ORIGIN.as_str(), "null"),
            false,
        ),
        (
            "another site",
            &cookie,
            &question,
            ("sec-fetch-site", "cross-site"),
            false,
        ),
        (
            "a sibling site",
            &cookie,
            &question,
            ("sec-fetch-site", "same-site"),
            false,
        ),
        (
            "no form",
            &cookie,
            &question,
            (CONTENT_TYPE.as_str(), "text/plain"),
            false,
        ),
        ("too late", &cookie, &expired, good_origin, false),
        ("a state", &cookie, &of_another_purpose, good_origin, false),
        ("made up", &cookie, "wharf-consent-AAAA", good_origin, false),
    ] {
        let body = query(&[("question", question), ("answer", "allow")]);
        let answer = post(&sign_in, "/authorize", &[("cookie", cookie), header], &body).await;
        assert_eq!(
            location(&answer).is_some(),
            good,
            "{case}: {}",
            text(&answer)
        );
        if good {
            let to = location(&answer).unwrap();
            assert!(
                to.starts_with("https://login.example/oauth2/authorize?"),
                "{to}"
            );
            assert_eq!(
                parameter(to, "code_challenge_method").as_deref(),
                Some("S256")
            );
            assert_eq!(
                parameter(to, "redirect_uri").as_deref(),
                Some("https://mcp.example/callback")
            );
            assert_eq!(parameter(to, "client_id").as_deref(), Some("wharf"));
            assert!(
                parameter(to, "nonce").is_some_and(|nonce| nonce.len() >= 32),
                "{to}"
            );
            let state = parameter(to, "state").unwrap();
            assert!(!state.contains("client state"), "{state}");
        }
    }
    let body = query(&[("question", &question), ("answer", "refuse")]);
    let answer = post(&sign_in, "/authorize", &[("cookie", &cookie)], &body).await;
    assert_eq!(
        parameter(location(&answer).unwrap(), "error").as_deref(),
        Some("access_denied")
    );
}

#[tokio::test]
async fn a_client_asks_for_scopes_that_are_offered_or_for_none() {
    let offering = sign_in();
    let without = with(&json!({"scopes": {}}), ISSUER, RESOURCE);
    for (server, scope, expected) in [
        (&offering, "-", &["read", "write"][..]),
        (&offering, "", &["read", "write"]),
        (&offering, " ", &["read", "write"]),
        (&offering, "read", &["read"]),
        (&offering, "openid read  read", &["read"]),
        (&without, "-", &[]),
        (&without, "openid", &[]),
    ] {
        let (_, question) = question(server, &asked(&[("scope", scope)])).await;
        let seals = &server.0.seals;
        let found: Asked = seals.open(Purpose::Consent, &question, now()).unwrap();
        assert_eq!(found.scopes, expected, "{scope:?}");
    }
}

/// A sign-in that is with the provider: the cookie of its browser, and the state.

#[tokio::test]
async fn a_providers_answer_counts_for_its_question() {
    let sign_in = sign_in();
    let (cookie, state) = transaction(&sign_in, 60).await;
    let (other_cookie, _) = transaction(&sign_in, 60).await;
    let (late_cookie, late) = transaction(&sign_in, -1).await;
    // Nobody to tell: the page.
    for (case, cookie, pairs) in [
        ("no state", cookie.as_str(), vec![("code", "c")]),
        (
            "made up",
            &cookie,
            vec![("state", "wharf-state-AAAA"), ("code", "c")],
        ),
        (
            "injected into another browser",
            &other_cookie,
            vec![("state", &state), ("code", "c")],
        ),
        (
            "without its cookie",
            "",
            vec![("state", &state), ("code", "c")],
        ),
        (
            "too late",
            &late_cookie,
            vec![("state", &late), ("code", "c")],
        ),
        (
            "two codes",
            &cookie,
            vec![("state", &state), ("code", "c"), ("code", "d")],
        ),
    ] {
        let page = get(&sign_in, &format!("/callback?{}", query(&pairs)), cookie).await;
        assert!(page.status().is_client_error(), "{case}: {}", page.status());
        assert_eq!(location(&page), None, "{case}");
    }
    for (case, pairs, error) in [
        ("refused", vec![("error", "access_denied")], "access_denied"),
        (
            "overloaded",
            vec![("error", "server_error")],
            "temporarily_unavailable",
        ),
        (
            "misconfigured",
            vec![("error", "invalid_scope")],
            "server_error",
        ),
        ("anything", vec![("error", "<script>")], "server_error"),
        (
            "another provider",
            vec![("iss", "https://evil.example"), ("code", "c")],
            "server_error",
        ),
        ("no code", vec![("x", "y")], "invalid_request"),
    ] {
        let pairs = [vec![("state", state.as_str())], pairs].concat();
        let answer = get(&sign_in, &format!("/callback?{}", query(&pairs)), &cookie).await;
        let to = location(&answer).unwrap_or_else(|| panic!("{case}: {}", text(&answer)));
        assert!(to.starts_with(&format!("{BACK}?")), "{case}: {to}");
        assert_eq!(parameter(to, "error").as_deref(), Some(error), "{case}");
        assert_eq!(parameter(to, "code"), None, "{case}");
        assert!(!to.contains("%3Cscript"), "{case}: {to}");
    }
}

#[tokio::test]
async fn a_sign_out_leads_to_the_provider_and_nowhere_else() {
    let sign_in = sign_in();
    for target in ["/logout", "/logout?redirect_uri=https%3A%2F%2Fevil.example"] {
        let answer = get(&sign_in, target, "").await;
        let to = location(&answer).unwrap();
        assert!(
            to.starts_with("https://login.example/logout?client_id=wharf&logout_uri="),
            "{to}"
        );
        assert!(!to.contains("evil"), "{to}");
    }
}
