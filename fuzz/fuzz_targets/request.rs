//! Any bytes as an HTTP request to the MCP endpoint: the readers of headers (revision, session, event id, mirrored
//! parameters in base64), of the JSON-RPC envelope, and what dispatches on them, up to the tools of the test fixture.
//!
//! The first line is the method, then come headers, then an empty line and the body. `SESSION` in a header stands for the
//! id of a session that there is. Time passes as fast as nothing happens, so no tool makes the fuzzer wait.

#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use wharf_catalog::{Catalog, Offer};
use wharf_mcp::{Body, Server, Settings};
use wharf_test::Fixture;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"fuzz","version":"1"}}}"#;

/// Frames of one answer that are looked at; a stream need not end.
const FRAMES_MAX: usize = 64;

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
}

fuzz_target!(|bytes: &[u8]| RUNTIME.with(|runtime| runtime.block_on(ask(bytes))));

async fn ask(bytes: &[u8]) {
    let source = Arc::new(Fixture::new());
    let offer = Offer {
        source,
        prefix: None,
    };
    let catalog = Catalog::build([offer]).expect("one source does not clash");
    let server = Server::new(
        catalog,
        Settings {
            sse_transport: true,
            ..Settings::default()
        },
    );
    let greeting = request(
        b"POST\ncontent-type: application/json",
        INITIALIZE.as_bytes(),
        "",
    );
    let greeted = server.handle(greeting.expect("a request")).await;
    let session = greeted.headers()["mcp-session-id"]
        .to_str()
        .expect("hexadecimal")
        .to_owned();

    let (head, body) = match bytes.windows(2).position(|two| two == b"\n\n") {
        Some(end) => (&bytes[..end], &bytes[end + 2..]),
        None => (bytes, &b""[..]),
    };
    let Some(request) = request(head, body, &session) else {
        return;
    };
    let path = request.headers().get("x-path").cloned();
    let asked = async {
        match path.as_ref().map(HeaderValue::as_bytes) {
            Some(b"/sse") => server.handle_sse(request).await,
            Some(b"/messages") => server.handle_message(request).await,
            _ => server.handle(request).await,
        }
    };
    // Longer than any call may take; the clock jumps there when nothing else is left to happen.
    let limit = server.settings().limits.call_timeout * 2;
    let response = tokio::time::timeout(limit, asked)
        .await
        .expect("every call ends");
    judge(response).await;
    server.close();
}

fn request(head: &[u8], body: &[u8], session: &str) -> Option<Request<Full<Bytes>>> {
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut request = Request::new(Full::new(Bytes::copy_from_slice(body)));
    *request.method_mut() = Method::from_bytes(lines.next()?).ok()?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("localhost"));
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = line[colon + 1..].trim_ascii();
        let value = if value == b"SESSION" {
            session.as_bytes()
        } else {
            value
        };
        headers.append(name, HeaderValue::from_bytes(value).ok()?);
    }
    Some(request)
}

/// What is said to be JSON is JSON, also in the events of a stream.
async fn judge(response: Response<Body>) {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE).cloned();
    let kind = kind.as_ref().map_or(&b""[..], HeaderValue::as_bytes);
    let is_stream = kind.starts_with(b"text/event-stream");
    let mut body = response.into_body();
    let mut whole = Vec::new();
    for _ in 0..FRAMES_MAX {
        let frame = tokio::time::timeout(std::time::Duration::from_secs(1), body.frame()).await;
        let Ok(Some(Ok(frame))) = frame else { break };
        if let Ok(data) = frame.into_data() {
            whole.extend_from_slice(&data);
        }
    }
    let text = String::from_utf8(whole).expect("answers are UTF-8");
    if is_stream {
        // An event that is not complete yet has no empty line behind it.
        for event in text
            .split_inclusive("\n\n")
            .filter(|event| event.ends_with("\n\n"))
        {
            let data: Vec<_> = event
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
                .collect();
            let data = data.concat();
            if data.starts_with('{') || data.starts_with('[') {
                parse(&data);
            }
        }
    } else if kind.starts_with(b"application/json") {
        parse(&text);
    } else {
        assert!(text.is_empty(), "{status}: a body of no type: {text}");
    }
}

fn parse(text: &str) {
    let parsed = serde_json::from_str::<&serde_json::value::RawValue>(text);
    assert!(parsed.is_ok(), "{parsed:?}: {text}");
}
