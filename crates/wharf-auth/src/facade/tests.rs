//! The whole server without a network: every way to get in that must not be one.

mod browser;
mod edges;
mod tokens;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Extensions, Request, Response, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;
use wharf_store::Store;

use super::attempt::Attempt;
use super::client::mark;
use super::provider::challenge;
use super::seal::Purpose;
use super::values::{Code, Person, Transaction};
use super::{SignIn, SignInConfig, now};

const ISSUER: &str = "https://mcp.example";
const RESOURCE: &str = "https://mcp.example/mcp";
const BACK: &str = "http://127.0.0.1:7/cb";
const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-of-them";

fn config(more: &Value) -> SignInConfig {
    let mut config = json!({
        "keys": ["k".repeat(32)],
        "provider": {
            "type": "cognito",
            "user_pool_id": "eu-west-1_Ab",
            "domain": "https://login.example",
        },
        "client_id": "wharf",
        "client_secret": "hush",
        "scopes": {"read": {}, "write": {"groups": ["editors"]}},
        "clients": [
            {"id": "known", "redirect_uris": [BACK, "https://app.example/cb"]},
            {"id": "secret", "secret": "s3cret", "redirect_uris": [BACK]},
        ],
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    serde_json::from_value(config).unwrap()
}

fn with(more: &Value, issuer: &str, resource: &str) -> SignIn {
    let store = Store::new(&wharf_store::Config::default(), &()).unwrap();
    SignIn::new(&config(more), issuer, resource, store).unwrap()
}

fn sign_in() -> SignIn {
    with(&json!({}), ISSUER, RESOURCE)
}

fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(_, value)| *value != "-"));
    query.finish()
}

async fn get(sign_in: &SignIn, target: &str, cookie: &str) -> Response<Bytes> {
    let request = Request::get(target)
        .header(COOKIE, cookie)
        .body(Bytes::new())
        .unwrap();
    sign_in.handle(request).await
}

async fn post(
    sign_in: &SignIn,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response<Bytes> {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !headers
        .iter()
        .any(|(name, _)| *name == CONTENT_TYPE.as_str())
    {
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    let body = Bytes::copy_from_slice(body.as_bytes());
    sign_in.handle(request.body(body).unwrap()).await
}

fn location(response: &Response<Bytes>) -> Option<&str> {
    response
        .headers()
        .get(LOCATION)
        .map(|value| value.to_str().unwrap())
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

fn told(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_default()
}

fn parameter(address: &str, name: &str) -> Option<String> {
    let (_, query) = address.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(other, _)| other == name)
        .map(|(_, value)| value.into_owned())
}

/// What a good client asks, with changes; `-` leaves a parameter out.
fn asked(changes: &[(&str, &str)]) -> String {
    let challenge = challenge(VERIFIER);
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", "known"),
        ("redirect_uri", BACK),
        ("state", "client state"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("resource", RESOURCE),
    ];
    for &(name, value) in changes {
        match pairs.iter_mut().find(|(other, _)| *other == name) {
            Some(pair) => pair.1 = value,
            None => pairs.push((name, value)),
        }
    }
    format!("/authorize?{}", query(&pairs))
}

/// The cookie and the sealed question of a consent page.
async fn question(sign_in: &SignIn, target: &str) -> (String, String) {
    let page = get(sign_in, target, "").await;
    assert_eq!(page.status(), StatusCode::OK, "{}", text(&page));
    let cookie = page.headers()[SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let (_, rest) = text(&page).split_once("name=question value=\"").unwrap();
    (cookie, rest.split('"').next().unwrap().to_owned())
}

async fn transaction(sign_in: &SignIn, life: i64) -> (String, String) {
    let (cookie, question) = question(sign_in, &asked(&[])).await;
    let seals = &sign_in.0.seals;
    let asked = seals.open(Purpose::Consent, &question, now()).unwrap();
    let transaction = Transaction {
        asked,
        verifier: "v".repeat(64),
        nonce: "n".repeat(32),
    };
    let ends = now().saturating_add_signed(life);
    (cookie, seals.seal(Purpose::State, &transaction, ends))
}

fn code_for(sign_in: &SignIn, client: &str, life: i64, refresh: Option<&str>) -> String {
    let code = Code {
        id: super::cookie::fresh(),
        attempt: Attempt::begin(&Extensions::new()),
        client: mark(client, client),
        redirect_uri: BACK.to_owned(),
        challenge: challenge(VERIFIER),
        scopes: vec!["read".to_owned(), "write".to_owned()],
        person: Person {
            subject: "ann".to_owned(),
            groups: vec!["readers".to_owned()],
            ..Person::default()
        },
        providers_own: refresh.map(str::to_owned),
    };
    let ends = now().saturating_add_signed(life);
    sign_in.0.seals.seal(Purpose::Code, &code, ends)
}

fn redeeming(code: &str, changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "known"),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    for &(name, value) in changes {
        match pairs.iter_mut().find(|(other, _)| *other == name) {
            Some(pair) => pair.1 = value,
            None => pairs.push((name, value)),
        }
    }
    query(&pairs)
}
