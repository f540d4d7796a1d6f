//! What MCP costs without an upstream: one request in, one answer out, no socket.
//!
//! `call` is a call of a tool whose result is ready: reading the envelope, finding the tool, checking the arguments, and
//! wrapping a JSON result of the size that the name tells. `list` is a warm `tools/list` of that many tools.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tokio::runtime::{Builder, Runtime};
use wharf_bench::workload::{Call, REVISION, message};
use wharf_catalog::{Catalog, Offer};
use wharf_mcp::{Server, Settings};
use wharf_model::{
    BoxFuture, CallError, Context, Json, Outcome, Source, Tool, ToolCall, ToolResult,
};

/// Answers every call with the same result.
struct Canned {
    tools: Vec<Tool>,
    result: Json,
}

impl Source for Canned {
    fn name(&self) -> &'static str {
        "canned"
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        self.tools.iter().cloned().map(Arc::new).collect()
    }

    fn call<'a>(
        &'a self,
        _: &'a Context,
        _: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        let result = ToolResult::json(self.result.clone());
        Box::pin(std::future::ready(Ok(Outcome::Complete(result))))
    }
}

fn tool(name: String) -> Tool {
    let schema = br#"{"type":"object","properties":{"petId":{"type":"integer","description":"Which pet."},"status":{"type":"string","enum":["available","sold"]},"name":{"type":"string"},"tag":{"type":"string"}},"additionalProperties":false}"#;
    Tool {
        name,
        description: Some("Finds a pet by its number, or pets by their status.".to_owned()),
        input_schema: Json::parse(Bytes::from_static(schema))
            .expect("the schema is JSON")
            .into(),
        ..Tool::default()
    }
}

fn server(tools: Vec<Tool>, result: Bytes) -> Server {
    let source = Arc::new(Canned {
        tools,
        result: Json::parse(result).expect("the answers are JSON"),
    }) as Arc<dyn Source>;
    let catalog = Catalog::build([Offer::from(source)]).expect("the names differ");
    Server::new(catalog, Settings::default())
}

fn request(method: &str, name: Option<&str>, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::post("/mcp")
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", REVISION)
        .header("mcp-method", method);
    if let Some(name) = name {
        request = request.header("mcp-name", name);
    }
    request
        .body(Full::new(body))
        .expect("the request is well formed")
}

/// Asks and reads the whole answer; gives its length.
fn ask(runtime: &Runtime, server: &Server, request: Request<Full<Bytes>>) -> usize {
    runtime.block_on(async {
        let response = server.handle(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await;
        body.expect("the answer is complete").to_bytes().len()
    })
}

fn call(criterion: &mut Criterion, runtime: &Runtime) {
    let mut group = criterion.benchmark_group("call");
    for call in [Call::Get, Call::List, Call::Report] {
        let server = server(vec![tool(call.tool().to_owned())], call.answer());
        let body = Bytes::from(call.message());
        let size = u64::try_from(call.answer().len()).expect("answers are small");
        group.throughput(Throughput::Bytes(size));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                let request = request("tools/call", Some(call.tool()), body.clone());
                black_box(ask(runtime, &server, request))
            });
        });
    }
    group.finish();
}

fn list(criterion: &mut Criterion, runtime: &Runtime) {
    let mut group = criterion.benchmark_group("list");
    for tools in [20, 1_000] {
        let server = server(
            (0..tools).map(|n| tool(format!("tool{n}"))).collect(),
            Call::Get.answer(),
        );
        let body = Bytes::from(message("tools/list", ""));
        group.bench_function(BenchmarkId::from_parameter(tools), |bencher| {
            bencher.iter(|| {
                let request = request("tools/list", None, body.clone());
                black_box(ask(runtime, &server, request))
            });
        });
    }
    group.finish();
}

fn all(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    call(criterion, &runtime);
    list(criterion, &runtime);
}

criterion_group!(benches, all);
criterion_main!(benches);
