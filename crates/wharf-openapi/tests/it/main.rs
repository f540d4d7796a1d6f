//! What the crate does, from outside: documents become tools, calls become requests.

mod calls;
mod golden;
mod judge;
mod later;
mod malformed;
mod mutation;
mod real;
mod security;
mod traps;
mod versions;

use std::path::PathBuf;

use judge::{check, shown};
use wharf_openapi::{Config, Document, OpenApi, Report, Whereabouts};

/// A document's tools and report.
fn build(bytes: impl Into<bytes::Bytes>, config: &Config) -> (OpenApi, Report) {
    let document = Document::read(bytes).expect("the document can be read");
    OpenApi::build(document, config, Whereabouts::default()).expect("the document is usable")
}

/// The small documents.
fn documents() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/documents");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("the entry can be read").path())
        .collect();
    files.sort();
    files
}
