//! Any bytes as what an upstream answers: over a real connection, through the HTTP client, redirects, retries, the charset, the
//! content type, links, and into the result that a model gets.

#![no_main]

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use wharf_model::{Context, Outcome, Slice, Source, ToolCall};
use wharf_openapi::{Document, OpenApi, OutputSchemas, Whereabouts};
use wharf_upstream::{Config, Trust, Upstream};

const DOCUMENT: &str = r#"{"openapi":"3.1.0","info":{"title":"Fuzz","version":"1"},"paths":{"/x":{"get":{"operationId":"x","responses":{
    "200":{"description":"OK","content":{"application/json":{"schema":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}}}},
    "default":{"description":"No","content":{"application/problem+json":{"schema":{"type":"object"}}}}}}}}}"#;

/// No limit of the client is longer, so a call that takes more hangs.
const CALL_MAX: Duration = Duration::from_secs(5);

struct Bench {
    runtime: Runtime,
    source: OpenApi,
    answer: Arc<Mutex<Bytes>>,
}

static BENCH: LazyLock<Bench> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let answer = Arc::new(Mutex::new(Bytes::new()));
    let listener = runtime
        .block_on(TcpListener::bind("127.0.0.1:0"))
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    runtime.spawn(serve(listener, answer.clone()));
    let document = Document::read(Bytes::from_static(DOCUMENT.as_bytes())).expect("a document");
    let config = wharf_openapi::Config {
        output_schemas: OutputSchemas::Full,
        ..Default::default()
    };
    let (source, _) = OpenApi::build(
        document,
        &config,
        Whereabouts {
            base_url: Some(&url),
            document_url: None,
        },
    )
    .expect("an operation");
    let mut config = Config {
        response_bytes_max: 64 << 10,
        ..Config::default()
    };
    config.read_timeout_s = 0.2.try_into().expect("a time");
    config.timeout_s = 0.5.try_into().expect("a time");
    config.retries.max = 1;
    config.retries.wait_s = 0.001.try_into().expect("a time");
    config.breaker.failures = 0;
    let upstream = Upstream::new(&config, &url, Trust::Operator).expect("sane");
    Bench {
        runtime,
        source: source.with_upstream(upstream),
        answer,
    }
});

/// Gives the answer of the moment to every request, and closes.
async fn serve(listener: TcpListener, answer: Arc<Mutex<Bytes>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let answer = answer.lock().expect("not poisoned").clone();
        tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_buf(&mut head).await {
                    Ok(1..) => {}
                    _ => return,
                }
            }
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        });
    }
}

fuzz_target!(|bytes: &[u8]| {
    let bench = &*BENCH;
    *bench.answer.lock().expect("not poisoned") = Bytes::copy_from_slice(bytes);
    bench.runtime.block_on(async {
        let context = Context::default();
        let arguments = Slice::parse("{}").expect("an object");
        let call = bench.source.call(
            &context,
            ToolCall {
                name: "x",
                arguments,
            },
        );
        let outcome = tokio::time::timeout(CALL_MAX, call)
            .await
            .expect("every call ends");
        match outcome.expect("an upstream's failure is a result") {
            // Writing it asserts that it is JSON.
            Outcome::Complete(result) => drop(wharf_mcp::tool_result(&result)),
            Outcome::InputRequired(_) => panic!("nothing is asked"),
        }
    });
});
