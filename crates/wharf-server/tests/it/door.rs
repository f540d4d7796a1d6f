//! Who is let in where, what the others are told, and what reaches a tool.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_auth::{Authenticator, IssuerConfig, KeyConfig, Resource};
use wharf_catalog::{Catalog, Offer};
use wharf_model::{
    BoxFuture, CallError, Context, Json, Outcome, Secret, Source, Tool, ToolCall, ToolResult,
};
use wharf_server::{Config, Door};

use crate::support::Bench;

const KEY: &str = "a-key-that-is-long-enough";
const METADATA: &str = "/.well-known/oauth-protected-resource";
const METADATA_URL: &str = "https://mcp.example/.well-known/oauth-protected-resource/tenant/mcp";

/// Says who calls, or refuses, by the tool's name.
struct Porter;

impl Source for Porter {
    fn name(&self) -> &'static str {
        "porter"
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        let tool = |name: &str| Tool {
            name: name.to_owned(),
            input_schema: Json::of(&json!({"type": "object"})).into(),
            ..Tool::default()
        };
        ["whoAmI", "signIn", "forOwners", "forNobody"]
            .map(|name| Arc::new(tool(name)))
            .into()
    }

    fn call<'a>(
        &'a self,
        context: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        let answer = match call.name {
            "signIn" => Err(CallError::Unauthenticated),
            "forOwners" => Err(CallError::Forbidden {
                scopes: vec!["pets:read".to_owned(), "pets:own".to_owned()],
            }),
            "forNobody" => Err(CallError::Forbidden { scopes: Vec::new() }),
            _ => {
                let subject = context.caller.subject().unwrap_or("nobody");
                Ok(Outcome::Complete(ToolResult::text(format!(
                    "it is {subject}"
                ))))
            }
        };
        Box::pin(std::future::ready(answer))
    }
}

fn authenticator() -> Authenticator {
    let config = wharf_auth::Config {
        keys: vec![KeyConfig {
            key: Some(Secret::new(KEY)),
            subject: "ann".to_owned(),
            ..KeyConfig::default()
        }],
        issuers: vec![IssuerConfig {
            issuer: Some("https://login.example".to_owned()),
            ..IssuerConfig::default()
        }],
        challenge_scopes: vec!["pets:read".to_owned()],
        ..wharf_auth::Config::default()
    };
    let resource = Resource::new("pets", "https://mcp.example/tenant", "/mcp").unwrap();
    Authenticator::new(&config, Some(&resource), None).unwrap()
}

async fn bench(door: Door) -> Bench {
    let offer = Offer {
        source: Arc::new(Porter),
        prefix: None,
    };
    let catalog = Catalog::build([offer]).unwrap();
    Bench::offering(catalog, door, Config::default()).await
}

/// A call of a tool, with more headers.
fn call(tool: &str, headers: &[&str]) -> String {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool,
        "arguments": {},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }})
    .to_string();
    let more: Vec<_> = headers
        .iter()
        .flat_map(|header| [*header, "\r\n"])
        .collect();
    let more = more.concat();
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {tool}\r\n{more}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

#[tokio::test]
async fn calls_are_answered_by_who_calls() {
    let bench = bench(Door::new(Some(authenticator()))).await;
    let good = format!("authorization: Bearer {KEY}");
    let good = good.as_str();
    let bad = "authorization: Bearer another-key-that-is-long";
    let challenge = format!("resource_metadata=\"{METADATA_URL}\", scope=\"pets:read\"");
    let invalid = "error=\"invalid_token\", error_description=\"neither a key nor a token that is known here was sent\"";
    let step_up = format!(
        "error=\"insufficient_scope\", error_description=\"the token does not permit this\", \
         resource_metadata=\"{METADATA_URL}\", scope=\"pets:read pets:own\""
    );
    for (case, tool, sent, code, told, expected) in [
        ("a key", "whoAmI", good, 200, "it is ann", None),
        (
            "nothing",
            "whoAmI",
            "x: y",
            401,
            "\"code\":-32600",
            Some(challenge.clone()),
        ),
        (
            "a wrong key",
            "whoAmI",
            bad,
            401,
            "\"code\":-32600",
            Some(format!("{invalid}, {challenge}")),
        ),
        (
            "more is needed",
            "forOwners",
            good,
            403,
            "\"id\":1",
            Some(step_up),
        ),
        (
            "nothing would help",
            "forNobody",
            good,
            403,
            "\"id\":1",
            None,
        ),
        (
            "somebody else is needed",
            "signIn",
            good,
            401,
            "\"id\":1",
            Some(challenge.clone()),
        ),
    ] {
        let answer = bench.exchange(&call(tool, &[sent]), "}}").await;
        assert_eq!(status(&answer), code, "{case}: {answer}");
        assert!(answer.contains(told), "{case}: {answer}");
        assert!(answer.contains("\"jsonrpc\":\"2.0\""), "{case}: {answer}");
        let expected = expected.map(|parameters| format!("Bearer {parameters}"));
        assert_eq!(
            header(&answer, "www-authenticate"),
            expected.as_deref(),
            "{case}"
        );
    }
    let in_the_address = call("whoAmI", &[]).replace("/mcp ", "/mcp?access_token=x ");
    let answer = bench.exchange(&in_the_address, "}}").await;
    assert_eq!(status(&answer), 400, "{answer}");
    assert!(answer.contains("ends up in logs"), "{answer}");
}

#[tokio::test]
async fn without_a_section_everybody_calls() {
    let bench = bench(Door::default()).await;
    let answer = bench
        .exchange(&call("whoAmI", &["authorization: Bearer x"]), "}}")
        .await;
    assert!(answer.contains("it is nobody"), "{answer}");
    // A 401 has a challenge even so.
    let answer = bench.exchange(&call("signIn", &[]), "}}").await;
    assert_eq!(
        header(&answer, "www-authenticate"),
        Some("Bearer"),
        "{answer}"
    );
    let answer = bench
        .exchange(
            &format!("GET {METADATA} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
            "\r\n\r\n",
        )
        .await;
    assert_eq!(status(&answer), 404);
}

#[tokio::test]
async fn which_routes_need_a_caller() {
    let bench = bench(Door::new(Some(authenticator()))).await;
    let key = format!("authorization: Bearer {KEY}");
    let key = key.as_str();
    for (request, headers, expected) in [
        ("GET /", "", 200),
        ("GET /health", "", 200),
        ("GET /healthz", "", 200),
        ("GET /ping", "", 200),
        ("GET /ready", "", 200),
        ("GET /.well-known/oauth-protected-resource", "", 200),
        (
            "GET /.well-known/oauth-protected-resource/tenant/mcp",
            "",
            200,
        ),
        ("GET /.well-known/oauth-protected-resource/mcp", "", 404),
        ("GET /.well-known/oauth-protected-resourceful", "", 404),
        ("POST /.well-known/oauth-protected-resource", "", 405),
        ("GET /mcp", "", 401),
        ("GET /mcp/", "", 401),
        ("DELETE /mcp", "", 401),
        ("PUT /mcp", "", 401),
        ("GET /mcp", key, 405),
        ("GET /sse", "", 401),
        ("GET /sse", key, 200),
        ("POST /messages?session_id=x", "", 401),
        ("POST /messages?session_id=x", key, 404),
        ("OPTIONS /mcp", "", 204),
        ("OPTIONS /sse", "", 204),
        ("GET /mcp?a=b", "", 401),
        // Nothing else is the endpoint.
        ("GET //mcp", "", 404),
        ("GET /MCP", "", 404),
        ("GET /mcp/x", "", 404),
        ("GET /%6dcp", "", 404),
    ] {
        let more = if headers.is_empty() {
            String::new()
        } else {
            format!("{headers}\r\n")
        };
        let request = format!("{request} HTTP/1.1\r\nhost: localhost\r\n{more}\r\n");
        let answer = bench.exchange(&request, "\r\n\r\n").await;
        assert_eq!(status(&answer), expected, "{request}: {answer}");
    }
}

#[tokio::test]
async fn the_resource_is_described() {
    let bench = bench(Door::new(Some(authenticator()))).await;
    for path in [METADATA.to_owned(), format!("{METADATA}/tenant/mcp")] {
        // What a request calls the server does not matter.
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: evil.example\r\norigin: https://any.example\r\n\r\n"
        );
        let answer = bench.exchange(&request, "}").await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let document: Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            document,
            json!({
                "resource": "https://mcp.example/tenant/mcp",
                "authorization_servers": ["https://login.example"],
                "bearer_methods_supported": ["header"],
                "resource_name": "pets",
                "scopes_supported": ["pets:read"],
            })
        );
        assert_eq!(header(&answer, "access-control-allow-origin"), Some("*"));
        assert_eq!(header(&answer, "content-type"), Some("application/json"));
    }
    let asked = format!(
        "OPTIONS {METADATA} HTTP/1.1\r\nhost: localhost\r\norigin: https://any.example\r\n\r\n"
    );
    let answer = bench.exchange(&asked, "\r\n\r\n").await;
    assert_eq!(status(&answer), 204);
    assert_eq!(header(&answer, "access-control-allow-headers"), Some("*"));
}

#[tokio::test]
async fn a_page_reads_its_challenge_and_a_foreign_one_does_not() {
    let bench = bench(Door::new(Some(authenticator()))).await;
    let answer = bench
        .exchange(&call("whoAmI", &["origin: https://app.example"]), "}}")
        .await;
    assert_eq!(status(&answer), 401);
    assert_eq!(
        header(&answer, "access-control-allow-origin"),
        Some("https://app.example")
    );
    let exposed = header(&answer, "access-control-expose-headers").unwrap();
    assert!(exposed.contains("www-authenticate"), "{exposed}");
    for foreign in [
        call("whoAmI", &["origin: https://evil.example"]),
        call("whoAmI", &[]).replace("host: localhost", "host: evil.example"),
    ] {
        let answer = bench.exchange(&foreign, "}}").await;
        assert_eq!(status(&answer), 403, "{answer}");
        assert_eq!(header(&answer, "www-authenticate"), None, "{answer}");
    }
}

#[tokio::test]
async fn another_door_counts_from_the_next_request() {
    let door = Door::new(Some(authenticator()));
    let bench = bench(door.clone()).await;
    let request = call("whoAmI", &[]);
    let answer = bench.exchange(&request, "}}").await;
    assert_eq!(status(&answer), 401);
    door.replace(None);
    let answer = bench.exchange(&request, "}}").await;
    assert_eq!(status(&answer), 200, "{answer}");
}
