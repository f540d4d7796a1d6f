//! What a call costs between the catalog and the API: arguments to a request, over a pooled connection to an API on
//! loopback, and its response to a result.
//!
//! `direct` is the same request over a bare socket: what is left of `call` without it is the source's and the HTTP
//! client's.

use std::hint::black_box;
use std::net::SocketAddr;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use wharf_bench::load::Connection;
use wharf_bench::upstream;
use wharf_bench::workload::Call;
use wharf_model::{Context, Outcome, Slice, Source as _, ToolCall};
use wharf_openapi::{Document, OpenApi, Whereabouts};
use wharf_upstream::{Trust, Upstream};

const DOCUMENT: &str = include_str!("../document.json");
const CALLS: [Call; 4] = [Call::Get, Call::List, Call::Report, Call::Post];

/// An API on a thread of its own, so that it does not wait for who calls it.
fn api() -> SocketAddr {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            sender
                .send(listener.local_addr()?)
                .expect("the benchmark waits");
            upstream::serve(listener).await
        })
    });
    receiver.recv().expect("the API listens")
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made")
}

fn source(api: SocketAddr) -> OpenApi {
    let document = Document::read(DOCUMENT).expect("the document is valid");
    let base_url = format!("http://{api}");
    let whereabouts = Whereabouts {
        base_url: Some(&base_url),
        ..Whereabouts::default()
    };
    let (source, _) = OpenApi::build(document, &wharf_openapi::Config::default(), whereabouts)
        .expect("the document can be offered");
    let upstream = Upstream::new(
        &wharf_upstream::Config::default(),
        &base_url,
        Trust::Operator,
    );
    source.with_upstream(upstream.expect("the address is valid"))
}

fn all(criterion: &mut Criterion) {
    let api = api();
    let runtime = runtime();
    let source = source(api);
    let context = Context::default();

    let mut group = criterion.benchmark_group("call");
    for call in CALLS {
        let tool_call = ToolCall {
            name: call.tool(),
            arguments: Slice::parse(call.arguments()).expect("the arguments are JSON"),
        };
        group.bench_function(BenchmarkId::from_parameter(call.tool()), |bencher| {
            bencher.iter(|| {
                let outcome = runtime.block_on(source.call(&context, tool_call));
                let Ok(Outcome::Complete(result)) = outcome else {
                    panic!("the call does not end with a result: {outcome:?}");
                };
                assert!(!result.is_error, "{result:?}");
                black_box(result)
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("direct");
    for call in CALLS {
        let request = call.direct(api);
        let mut connection = runtime
            .block_on(Connection::open(api))
            .expect("the API listens");
        group.bench_function(BenchmarkId::from_parameter(call.tool()), |bencher| {
            bencher.iter(|| {
                runtime
                    .block_on(connection.ask(&request.bytes))
                    .map(<[u8]>::len)
                    .expect("the API answers")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, all);
criterion_main!(benches);
