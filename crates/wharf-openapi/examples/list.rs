//! Reads a document and prints what it offers, how large the list is and how long that took:
//! `cargo run --release -p wharf-openapi --example list -- FILE [RUNS]`.

#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;
use std::time::{Duration, Instant};

use wharf_model::{Source as _, Tool};
use wharf_openapi::{Config, Document, OpenApi, Whereabouts};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("which document?")?;
    let runs = arguments.next().map_or(Ok(1), |runs| runs.parse::<u32>())?;
    let mut best = [Duration::MAX; 3];
    let mut last = None;
    for _ in 0..runs {
        let (bytes, read) = timed(|| std::fs::read(&file));
        let bytes = bytes?;
        let (document, indexed) = timed(|| Document::read(bytes));
        let document = document?;
        let (source, built) =
            timed(|| OpenApi::build(document, &Config::default(), Whereabouts::default()));
        last = Some(source?);
        for (best, time) in best.iter_mut().zip([read, indexed, built]) {
            *best = time.min(*best);
        }
    }
    let (source, report) = last.ok_or("no runs")?;
    let tools = source.tools();
    println!(
        "{:?} {:?}: {} operations, {} tools, {} webhooks, {} callbacks, base {:?}",
        report.title,
        report.version,
        report.operations,
        report.tools,
        report.webhooks,
        report.callbacks,
        report.base_url
    );
    for left_out in &report.left_out {
        println!(
            "left out {}: {} {}",
            left_out.operation, left_out.pointer, left_out.reason
        );
    }
    for note in &report.notes {
        println!("note {}: {}", note.pointer, note.text);
    }
    let bytes = |part: fn(&Tool) -> usize| tools.iter().map(|tool| part(tool)).sum::<usize>();
    println!(
        "bytes: names {}, titles {}, descriptions {}, inputs {}, outputs {}",
        bytes(|tool| tool.name.len()),
        bytes(|tool| tool.title.as_ref().map_or(0, String::len)),
        bytes(|tool| tool.description.as_ref().map_or(0, String::len)),
        bytes(|tool| tool.input_schema.as_str().len()),
        bytes(|tool| tool
            .output_schema
            .as_ref()
            .map_or(0, |schema| schema.as_str().len())),
    );
    let mut largest: Vec<_> = tools
        .iter()
        .map(|tool| (tool.input_schema.as_str().len(), &tool.name))
        .collect();
    largest.sort();
    println!(
        "largest inputs: {:?}",
        largest.iter().rev().take(5).collect::<Vec<_>>()
    );
    println!(
        "read {:?}, indexed {:?}, built {:?}",
        best[0], best[1], best[2]
    );
    println!("{}", memory());
    if let Some(name) = arguments.next() {
        for tool in tools.iter().filter(|tool| tool.name == name) {
            println!("{tool:#?}");
        }
    }
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

/// What the kernel says of this process, where it says it.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status
        .lines()
        .filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
    lines.collect::<Vec<_>>().join(", ")
}
