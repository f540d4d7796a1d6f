//! Registration, metadata, limits, and what is wrong at the start.

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::json;
use wharf_store::Store;

use super::{
    BACK, ISSUER, RESOURCE, code_for, config, get, post, redeeming, sign_in, text, told, with,
};
use crate::facade::{SIGN_IN_BODY_BYTES_MAX, SignIn};

#[tokio::test]
async fn registrations_are_judged() {
    let sign_in = with(&json!({"connectors": ["claude"]}), ISSUER, RESOURCE);
    let claude = "https://claude.ai/api/mcp/auth_callback";
    let many = vec![BACK; 21];
    for (case, body, expected) in [
        ("loopback", json!({"redirect_uris": [BACK]}), Ok(1)),
        ("a connector", json!({"redirect_uris": [claude]}), Ok(1)),
        (
            "what is not permitted is left out",
            json!({"redirect_uris": ["https://evil.example/", claude]}),
            Ok(1),
        ),
        (
            "nothing that is permitted",
            json!({"redirect_uris": ["https://evil.example/"]}),
            Err("invalid_redirect_uri"),
        ),
        (
            "another connector",
            json!({"redirect_uris": ["https://vscode.dev/redirect"]}),
            Err("invalid_redirect_uri"),
        ),
        ("nothing", json!({}), Err("invalid_redirect_uri")),
        (
            "too many",
            json!({"redirect_uris": many}),
            Err("invalid_redirect_uri"),
        ),
        (
            "too long",
            json!({"redirect_uris": (0..20).map(|n| format!("http://127.0.0.1/{n}{}", "a".repeat(200))).collect::<Vec<_>>()}),
            Err("invalid_client_metadata"),
        ),
        (
            "another flow",
            json!({"redirect_uris": [BACK], "response_types": ["token"]}),
            Err("invalid_client_metadata"),
        ),
        ("no object", json!([]), Err("invalid_client_metadata")),
        (
            "a text for addresses",
            json!({"redirect_uris": "x"}),
            Err("invalid_client_metadata"),
        ),
    ] {
        let answer = post(&sign_in, "/register", &[], &body.to_string()).await;
        let told = told(&answer);
        let got = match answer.status() {
            StatusCode::CREATED => Ok(told["redirect_uris"].as_array().unwrap().len()),
            _ => Err(told["error"].as_str().unwrap()),
        };
        assert_eq!(got, expected, "{case}: {told}");
    }
    let body = json!({"redirect_uris": [BACK], "token_endpoint_auth_method": "client_secret_post"});
    let told = told(&post(&sign_in, "/register", &[], &body.to_string()).await);
    let (id, secret) = (
        told["client_id"].as_str().unwrap(),
        told["client_secret"].as_str().unwrap(),
    );
    assert_eq!(told["client_secret_expires_at"], 0);
    for (secret, good) in [(secret, true), ("wrong", false), ("-", false)] {
        let code = code_for(&sign_in, id, 60, None);
        let changes = [("client_id", id), ("client_secret", secret)];
        let answer = post(&sign_in, "/token", &[], &redeeming(&code, &changes)).await;
        assert_eq!(
            answer.status() == StatusCode::OK,
            good,
            "{secret}: {}",
            text(&answer)
        );
    }
}

#[tokio::test]
async fn metadata_are_where_clients_look() {
    let plain = sign_in();
    let staged = with(
        &json!({}),
        "https://mcp.example/stage/",
        "https://mcp.example/stage/mcp",
    );
    for (server, path, found) in [
        (&plain, "/.well-known/oauth-authorization-server", true),
        (&plain, "/.well-known/openid-configuration", true),
        (&plain, "/.well-known/oauth-authorization-server/mcp", true),
        (&plain, "/mcp/.well-known/openid-configuration", true),
        (
            &plain,
            "/.well-known/oauth-authorization-server/other",
            false,
        ),
        (
            &staged,
            "/.well-known/oauth-authorization-server/stage",
            true,
        ),
        (&staged, "/stage/.well-known/openid-configuration", true),
        (&staged, "/.well-known/openid-configuration/stage/mcp", true),
    ] {
        assert_eq!(server.serves(path), found, "{path}");
        if !found {
            continue;
        }
        // What stands around it is not counted apart.
        let route = server.route(path).unwrap();
        assert!(super::super::METADATA.contains(&route), "{path}: {route}");
        let answer = get(server, path, "").await;
        let metadata = told(&answer);
        assert_eq!(metadata["issuer"], server.issuer(), "{path}");
        assert_eq!(
            metadata["token_endpoint"],
            format!("{}/token", server.issuer()),
            "{path}"
        );
        assert_eq!(
            answer.headers()["access-control-allow-origin"],
            "*",
            "{path}"
        );
    }
    assert!(staged.serves("/stage/token") && staged.serves("/token"));
    assert_eq!(staged.route("/stage/token"), Some("/token"));
    assert_eq!(staged.route("/stage/other"), None);
    assert_eq!(staged.issuer(), "https://mcp.example/stage");
}

#[tokio::test]
async fn methods_and_sizes_are_bounded() {
    let sign_in = sign_in();
    let huge = "a".repeat(SIGN_IN_BODY_BYTES_MAX + 1);
    let answer = post(&sign_in, "/token", &[], &huge).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let many = "a=1&".repeat(SIGN_IN_BODY_BYTES_MAX / 4);
    let answer = post(&sign_in, "/token", &[], &many).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    for path in ["/token", "/register", "/revoke"] {
        let answer = get(&sign_in, path, "").await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let request = Request::options(path).body(Bytes::new()).unwrap();
        let answer = sign_in.handle(request).await;
        assert_eq!(
            answer.headers()["access-control-allow-origin"],
            "*",
            "{path}"
        );
    }
    // People's pages are no business of other pages.
    for path in ["/authorize", "/callback", "/logout"] {
        let request = Request::options(path).body(Bytes::new()).unwrap();
        let answer = sign_in.handle(request).await;
        assert!(
            !answer.headers().contains_key("access-control-allow-origin"),
            "{path}"
        );
    }
}

#[test]
fn configurations_are_judged() {
    for (more, issuer, at) in [
        (json!({"keys": []}), ISSUER, "sign_in.keys"),
        (json!({"keys": ["short"]}), ISSUER, "sign_in.keys"),
        (json!({}), "http://mcp.example", "server.public_url"),
        (
            json!({"redirect_uris": ["http://a.example/"]}),
            ISSUER,
            "sign_in.redirect_uris",
        ),
        (
            json!({"redirect_uris": ["javascript:x"]}),
            ISSUER,
            "sign_in.redirect_uris",
        ),
        (
            json!({"clients": [{"id": "a", "redirect_uris": ["x"]}]}),
            ISSUER,
            "sign_in.clients",
        ),
        (json!({"scopes": {"a b": {}}}), ISSUER, "sign_in.scopes"),
        (
            json!({"access_token_life_s": 0}),
            ISSUER,
            "sign_in.access_token_life_s",
        ),
        (
            json!({"provider_parameters": {"state": "x"}}),
            ISSUER,
            "sign_in.provider_parameters",
        ),
        (
            json!({"provider": {"type": "entra", "tenant": "x"}}),
            ISSUER,
            "sign_in.provider.tenant",
        ),
    ] {
        let store = Store::new(&wharf_store::Config::default(), &()).unwrap();
        let mistake = SignIn::new(&config(&more), issuer, RESOURCE, store).err();
        assert_eq!(
            mistake.map(|mistake| mistake.at).as_deref(),
            Some(at),
            "{more}"
        );
    }
}
