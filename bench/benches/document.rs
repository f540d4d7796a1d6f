//! What a document costs before its first tool is listed, by its number of operations.
//!
//! `read` finds out what is where; `build` makes a tool of each operation.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wharf_bench::document::document;
use wharf_model::Source as _;
use wharf_openapi::{Config, Document, OpenApi, Whereabouts};

const OPERATIONS: [usize; 3] = [20, 200, 2_000];

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    for operations in OPERATIONS {
        let text = document(operations);
        let size = u64::try_from(text.len()).expect("documents are small");
        group.throughput(Throughput::Bytes(size));
        group.bench_function(BenchmarkId::from_parameter(operations), |bencher| {
            bencher.iter_batched(
                || text.clone(),
                |text| Document::read(text).expect("the document is valid"),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn build(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("build");
    for operations in OPERATIONS {
        let text = document(operations);
        let count = u64::try_from(operations).expect("documents are small");
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::from_parameter(operations), |bencher| {
            bencher.iter_batched(
                || Document::read(text.clone()).expect("the document is valid"),
                |document| {
                    let (source, report) =
                        OpenApi::build(document, &Config::default(), Whereabouts::default())
                            .expect("the document can be offered");
                    assert_eq!(report.tools, operations);
                    black_box(source.tools())
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, read, build);
criterion_main!(benches);
