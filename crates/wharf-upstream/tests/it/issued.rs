//! Tokens that somebody issues for a time, by OAuth and Cognito.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use wharf_model::Secret;
use wharf_upstream::{
    AwsSurroundings, ClientAuthentication, CognitoToken, Credentials, FetchOptions, UpstreamError,
    fetch_document,
};

use crate::server::{Reply, Seen, Server, answer, ok};
use crate::*;

fn oauth(issuer: &Server) -> Credentials {
    Credentials::OauthClientCredentials {
        token_url: format!("{}/token?tenant=1", issuer.url()),
        client_id: "wharf:1".to_owned(),
        client_secret: Secret::new("hu sh"),
        client_authentication: ClientAuthentication::Basic,
        scopes: vec!["read".to_owned(), "write".to_owned()],
        parameters: [("audience".to_owned(), "https://pets.example/".to_owned())].into(),
    }
}

pub(crate) fn with(credentials: Credentials) -> Config {
    Config {
        credentials,
        ..config()
    }
}

/// Issues `token1`, `token2` and so on; each lives for an hour.
async fn issuer() -> Server {
    Server::start(|_, earlier| {
        let token = json!({
            "access_token": format!("token{}", earlier + 1),
            "token_type": "Bearer",
            "expires_in": 3600,
        });
        ok(&token.to_string())
    })
    .await
}

/// An API that takes only `token{n}`, where `n` can be moved on.
async fn api(taken: &Arc<AtomicUsize>) -> Server {
    let taken = taken.clone();
    Server::start(move |seen, _| {
        let expected = format!("Bearer token{}", taken.load(Ordering::SeqCst));
        if seen.header("authorization") == Some(&expected) {
            ok("pets")
        } else {
            answer(401, &[], "no")
        }
    })
    .await
}

#[tokio::test]
async fn one_token_serves_all_calls() {
    let issuer = issuer().await;
    let api = api(&Arc::new(AtomicUsize::new(1))).await;
    let upstream = Upstream::new(&with(oauth(&issuer)), &api.url(), Trust::Operator).unwrap();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let upstream = upstream.clone();
            tokio::spawn(async move { upstream.send(get("/pets"), &HeaderMap::new(), None).await })
        })
        .collect();
    for call in calls {
        assert_eq!(soon(call).await.unwrap().unwrap().status, 200);
    }
    let asked = issuer.seen();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].method, "POST");
    assert_eq!(asked[0].target, "/token?tenant=1");
    assert_eq!(
        asked[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    // Both are encoded as in a form before they are put together (RFC 6749 §2.3.1).
    assert_eq!(
        asked[0].header("authorization"),
        Some("Basic d2hhcmYlM0ExOmh1K3No")
    );
    assert_eq!(
        asked[0].body,
        "grant_type=client_credentials&scope=read+write&audience=https%3A%2F%2Fpets.example%2F"
    );
}

#[tokio::test]
async fn the_secret_can_go_into_the_body() {
    let issuer = issuer().await;
    let api = api(&Arc::new(AtomicUsize::new(1))).await;
    let credentials = Credentials::OauthClientCredentials {
        token_url: issuer.url(),
        client_id: "wharf".to_owned(),
        client_secret: Secret::new("hu sh"),
        client_authentication: ClientAuthentication::Post,
        scopes: Vec::new(),
        parameters: BTreeMap::new(),
    };
    let response = soon(send(&with(credentials), &api.url(), get("/"))).await;
    assert_eq!(response.unwrap().status, 200);
    let asked = issuer.seen().pop().unwrap();
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(
        asked.body,
        "grant_type=client_credentials&client_id=wharf&client_secret=hu+sh"
    );
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_request_repeated() {
    let issuer = issuer().await;
    let taken = Arc::new(AtomicUsize::new(1));
    let api = api(&taken).await;
    let upstream = Upstream::new(&with(oauth(&issuer)), &api.url(), Trust::Operator).unwrap();
    let call = |method: Method| {
        let mut request = request(method, "/pets");
        request.body = "a pet".into();
        let upstream = upstream.clone();
        async move {
            let answer = soon(upstream.send(request, &HeaderMap::new(), None)).await;
            answer.unwrap().status.as_u16()
        }
    };
    assert_eq!(call(Method::GET).await, 200);
    // Revoked: the next call sees a 401 and comes back with the new one, whatever its method.
    taken.store(2, Ordering::SeqCst);
    assert_eq!(call(Method::POST).await, 200);
    let seen = api.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[1].body, seen[2].body);
    assert_eq!(issuer.seen().len(), 2);
    // An API that refuses each token gets its 401 through, and the issuer is left alone.
    taken.store(9, Ordering::SeqCst);
    assert_eq!(call(Method::GET).await, 401);
    assert_eq!(call(Method::GET).await, 401);
    assert_eq!(issuer.seen().len(), 2);
    assert_eq!(api.seen().len(), 5);
}

#[tokio::test]
async fn static_credentials_are_not_tried_twice() {
    let api = Server::script(vec![answer(401, &[], "no")]).await;
    let credentials = Credentials::Bearer {
        token: Secret::new("hush"),
    };
    let response = soon(send(&with(credentials), &api.url(), get("/"))).await;
    assert_eq!(response.unwrap().status, 401);
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_when_its_time_has_come() {
    let issuer = issuer().await;
    let taken = Arc::new(AtomicUsize::new(1));
    let api = api(&taken).await;
    let upstream = Upstream::new(&with(oauth(&issuer)), &api.url(), Trust::Operator).unwrap();
    let nothing = HeaderMap::new();
    for (passes_s, token) in [(0, 1), (3000, 1), (700, 2), (4000, 3)] {
        // The clock moves at once; what is under way over sockets takes no notice.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(passes_s)).await;
        tokio::time::resume();
        taken.store(token, Ordering::SeqCst);
        let response = soon(upstream.send(get("/pets"), &nothing, None)).await;
        assert_eq!(response.unwrap().status, 200, "after {passes_s} more");
        assert_eq!(issuer.seen().len(), token, "after {passes_s} more");
    }
    assert!(
        api.seen()
            .iter()
            .all(|seen| seen.header("authorization").is_some())
    );
}

#[tokio::test]
async fn strangers_get_no_token() {
    let issuer = issuer().await;
    let own = Server::script(vec![ok("")]).await;
    let stranger = Server::script(vec![ok("")]).await;
    let mut config = with(oauth(&issuer));
    config.allow_private_networks = true;
    let target = format!("{}/p", stranger.url());
    soon(send(&config, &own.url(), get(&target))).await.unwrap();
    assert_eq!(stranger.seen()[0].header("authorization"), None);
    assert_eq!(issuer.seen().len(), 0);
}

#[tokio::test]
async fn a_failing_issuer_is_named_and_its_words_are_kept() {
    let token = |value: &str| ok(&format!(r#"{{"access_token":{value}}}"#));
    for (row, reply, complaint) in [
        (
            "refused",
            answer(
                401,
                &[],
                r#"{"error":"invalid_client","error_description":"hush is wrong"}"#,
            ),
            "`invalid_client` with status 401",
        ),
        (
            "not a code",
            answer(400, &[], r#"{"error":"hush is wrong"}"#),
            "it answered with status 400",
        ),
        (
            "a page",
            answer(503, &[], "<html>hush</html>"),
            "it answered with status 503",
        ),
        (
            "elsewhere",
            answer(302, &[("location", "/hush")], ""),
            "it answered with status 302",
        ),
        ("no JSON", ok("hush"), "its answer cannot be read"),
        ("no token", ok(r#"{"hush":1}"#), "its answer cannot be read"),
        ("an empty token", token(r#""""#), "its token cannot be sent"),
        (
            "a broken token",
            token(r#""hush\n""#),
            "its token cannot be sent",
        ),
        (
            "another kind",
            ok(r#"{"access_token":"hush","token_type":"mac"}"#),
            "its token is not a bearer token",
        ),
        (
            "too long",
            ok(&"hush".repeat(100_000)),
            "its answer is too long",
        ),
        ("gone", Reply::Reset(Vec::new()), "could not be asked"),
    ] {
        let issuer = Server::start(move |_, _| reply.clone()).await;
        let api = Server::script(vec![ok("")]).await;
        let error = soon(send(&with(oauth(&issuer)), &api.url(), get("/")))
            .await
            .expect_err(row);
        let text = everything(&error);
        assert!(text.contains(complaint), "{row}: {text}");
        assert!(text.contains(&issuer.url()), "{row}: {text}");
        assert!(
            !text.contains("hush") && !text.contains("hu sh"),
            "{row}: {text}"
        );
        let for_caller = error.for_caller();
        assert!(for_caller.contains("no credentials"), "{row}: {for_caller}");
        assert!(!for_caller.contains("127.0.0.1"), "{row}: {for_caller}");
        assert_eq!(api.seen().len(), 0, "{row}");
    }
}

#[tokio::test]
async fn a_call_waits_for_a_token_no_longer_than_it_may() {
    let issuer = Server::script(vec![Reply::Silent(Vec::new())]).await;
    let api = Server::script(vec![ok("")]).await;
    let mut config = with(oauth(&issuer));
    config.timeout_s = seconds(0.2);
    let error = soon(send(&config, &api.url(), get("/")))
        .await
        .expect_err("no token");
    let is_waiting = matches!(
        error,
        UpstreamError::Timeout {
            stage: wharf_upstream::Stage::Credentials,
            ..
        }
    );
    assert!(is_waiting, "{error:?}");
}

fn cognito(issuer: &Server, client_secret: Option<&str>, token: CognitoToken) -> Credentials {
    Credentials::CognitoPassword {
        region: "eu-west-1".to_owned(),
        client_id: "client1".to_owned(),
        client_secret: client_secret.map(Secret::new),
        username: "ann".to_owned(),
        password: Secret::new("hush"),
        token,
        endpoint: Some(issuer.url()),
        user_pool_id: None,
        surroundings: AwsSurroundings::Nowhere,
    }
}

fn words(seen: &Seen) -> Value {
    serde_json::from_str(&seen.body).unwrap()
}

/// Signs in `ann` by `hush`; her refresh token is good until the `refreshes_end`th request.
async fn user_pool(refreshes_end: usize) -> Server {
    Server::start(move |seen, earlier| {
        assert_eq!(
            seen.header("x-amz-target"),
            Some("AWSCognitoIdentityProviderService.InitiateAuth")
        );
        assert_eq!(
            seen.header("content-type"),
            Some("application/x-amz-json-1.1")
        );
        let given = words(seen);
        let parameters = &given["AuthParameters"];
        let number = earlier + 1;
        let mut result = json!({
            "AccessToken": format!("access{number}"),
            "IdToken": format!("token{number}"),
            "ExpiresIn": 3600,
            "TokenType": "Bearer",
        });
        let refused = r#"{"__type":"com.amazonaws#NotAuthorizedException","message":"hush"}"#;
        match given["AuthFlow"].as_str() {
            Some("USER_PASSWORD_AUTH") if parameters["PASSWORD"] == "hush" => {
                result["RefreshToken"] = "again".into();
            }
            Some("REFRESH_TOKEN_AUTH") if parameters["REFRESH_TOKEN"] == "again" => {
                if number >= refreshes_end {
                    return answer(400, &[], refused);
                }
            }
            _ => return answer(400, &[], refused),
        }
        ok(&json!({"AuthenticationResult": result, "ChallengeParameters": {}}).to_string())
    })
    .await
}

#[tokio::test]
async fn a_user_signs_in_once_and_is_refreshed() {
    let pool = user_pool(3).await;
    let taken = Arc::new(AtomicUsize::new(1));
    let api = api(&taken).await;
    let config = with(cognito(&pool, Some("hush"), CognitoToken::Id));
    let upstream = Upstream::new(&config, &api.url(), Trust::Operator).unwrap();
    let nothing = HeaderMap::new();
    // At first by password, then by the refresh token; when that is refused, by password again.
    for (token, flows) in [
        (1, vec!["USER_PASSWORD_AUTH"]),
        (2, vec!["REFRESH_TOKEN_AUTH"]),
        (4, vec!["REFRESH_TOKEN_AUTH", "USER_PASSWORD_AUTH"]),
    ] {
        taken.store(token, Ordering::SeqCst);
        let before = pool.seen().len();
        let response = soon(upstream.send(get("/"), &nothing, None)).await.unwrap();
        assert_eq!(response.status, 200, "{token}");
        let seen = pool.seen();
        let used: Vec<_> = seen[before..]
            .iter()
            .map(|seen| words(seen)["AuthFlow"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(used, flows, "{token}");
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(3600)).await;
        tokio::time::resume();
    }
    let parameters = &words(&pool.seen()[0])["AuthParameters"];
    assert_eq!(parameters["USERNAME"], "ann");
    assert!(parameters["SECRET_HASH"].is_string());
}

#[tokio::test]
async fn the_access_token_is_sent_where_it_is_wanted() {
    let pool = user_pool(9).await;
    let api = Server::script(vec![ok("")]).await;
    let config = with(cognito(&pool, None, CognitoToken::Access));
    soon(send(&config, &api.url(), get("/"))).await.unwrap();
    assert_eq!(
        api.seen()[0].header("authorization"),
        Some("Bearer access1")
    );
    let given = words(&pool.seen()[0]);
    assert_eq!(given["ClientId"], "client1");
    assert!(given["AuthParameters"].get("SECRET_HASH").is_none());
}

#[tokio::test]
async fn an_administrator_signs_in_where_the_client_does_not_allow_it() {
    for (pool_id, code, works) in [
        (Some("eu-west-1_pool"), "InvalidParameterException", true),
        (Some("eu-west-1_pool"), "NotAuthorizedException", false),
        (None, "InvalidParameterException", false),
    ] {
        let refusal = answer(
            400,
            &[],
            &format!(r#"{{"__type":"{code}","message":"hush"}}"#),
        );
        // As Cognito: only an administrator's request has the pool's name, and it has to be signed.
        let pool = Server::start(move |seen, _| {
            let body = words(seen);
            let signature = seen.header("authorization").unwrap_or_default();
            let target = seen.header("x-amz-target").unwrap_or_default();
            let is_signed = signature.contains("Credential=AKIA/")
                && signature.contains("/eu-west-1/cognito-idp/aws4_request");
            match target.rsplit('.').next() {
                Some("InitiateAuth")
                    if signature.is_empty() && body.get("UserPoolId").is_none() =>
                {
                    refusal.clone()
                }
                Some("AdminInitiateAuth")
                    if is_signed
                        && body["UserPoolId"] == "eu-west-1_pool"
                        && body["AuthFlow"] == "ADMIN_USER_PASSWORD_AUTH"
                        && body["AuthParameters"]["PASSWORD"] == "hush" =>
                {
                    ok(r#"{"AuthenticationResult":{"IdToken":"id1","ExpiresIn":3600}}"#)
                }
                _ => answer(400, &[], r#"{"__type":"SerializationException"}"#),
            }
        })
        .await;
        let api = Server::script(vec![ok("")]).await;
        let mut credentials = cognito(&pool, None, CognitoToken::Id);
        if let Credentials::CognitoPassword {
            user_pool_id,
            surroundings,
            ..
        } = &mut credentials
        {
            *user_pool_id = pool_id.map(str::to_owned);
            *surroundings = AwsSurroundings::Keys {
                access_key_id: "AKIA".to_owned(),
                secret_access_key: Secret::new("hush"),
                session_token: None,
            };
        }
        let outcome = soon(send(&with(credentials), &api.url(), get("/"))).await;
        assert_eq!(outcome.is_ok(), works, "{pool_id:?} {code}");
        match outcome {
            Ok(_) => assert_eq!(api.seen()[0].header("authorization"), Some("Bearer id1")),
            Err(error) => {
                let text = everything(&error);
                assert!(text.contains(code) && !text.contains("hush"), "{text}");
                assert_eq!(pool.seen().len(), 1, "{code}");
            }
        }
    }
}

#[tokio::test]
async fn a_challenge_is_an_error_that_names_it() {
    let pool = Server::script(vec![ok(
        r#"{"ChallengeName":"NEW_PASSWORD_REQUIRED","Session":"hush"}"#,
    )])
    .await;
    let api = Server::script(vec![ok("")]).await;
    let config = with(cognito(&pool, None, CognitoToken::Id));
    let error = soon(send(&config, &api.url(), get("/")))
        .await
        .expect_err("a challenge");
    let text = everything(&error);
    assert!(text.contains("`NEW_PASSWORD_REQUIRED`"), "{text}");
    assert!(!text.contains("hush"), "{text}");
}

#[tokio::test]
async fn a_document_is_fetched_with_credentials_of_its_own() {
    let issuer = issuer().await;
    let documents = api(&Arc::new(AtomicUsize::new(1))).await;
    let options = FetchOptions {
        credentials: oauth(&issuer),
        ..FetchOptions::default()
    };
    let url = format!("{}/openapi.json", documents.url());
    let fetched = soon(fetch_document(&url, &options)).await.unwrap();
    assert_eq!(fetched.body, "pets");
    assert!(!format!("{options:?}").contains("hu sh"));
}
