//! `startup`: from the start of the process to the last page of the first `tools/list`, and what it then weighs.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::Value;
use wharf_bench::document::document;
use wharf_bench::load;
use wharf_bench::report::Spread;
use wharf_bench::subject::Subject;
use wharf_bench::workload::{Request, message};

/// Its API is never called: nothing listens there.
const BASE_URL: &str = "http://127.0.0.1:9";
/// Memory is looked at when the allocator has had a moment to give some back.
const SETTLE: Duration = Duration::from_millis(300);

/// Measures how long `wharf serve` takes from its start to its first complete tool list.
#[derive(Debug, Parser)]
#[command(name = "startup")]
struct Arguments {
    /// OpenAPI documents; without any, generated ones of 20, 200 and 2,000 operations.
    documents: Vec<PathBuf>,
    /// The binary to measure; without it, the one beside this program.
    #[arg(long, value_name = "FILE")]
    wharf: Option<PathBuf>,
    /// How often each is started.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

/// One start.
struct Start {
    milliseconds: f64,
    processor_s: f64,
    tools: usize,
    list_bytes: usize,
    resident_mb: f64,
    peak_mb: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match measure(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments) -> io::Result<()> {
    let wharf = match &arguments.wharf {
        Some(file) => file.clone(),
        None => std::env::current_exe()?.with_file_name("wharf"),
    };
    let generated = std::env::temp_dir().join(format!("wharf-startup-{}", std::process::id()));
    let documents = if arguments.documents.is_empty() {
        generate(&generated)?
    } else {
        arguments.documents.clone()
    };
    writeln!(
        io::stdout(),
        "{:<28} {:>6} {:>24} {:>7} {:>9} {:>8} {:>8}",
        "document",
        "tools",
        "ms to the whole list",
        "CPU s",
        "list KB",
        "MB",
        "peak MB"
    )?;
    let mut result = Ok(());
    for document in &documents {
        result = report(&wharf, document, arguments.rounds).await;
        if result.is_err() {
            break;
        }
    }
    let _ = std::fs::remove_dir_all(&generated);
    result
}

fn generate(folder: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    [20, 200, 2_000]
        .into_iter()
        .map(|operations| {
            let file = folder.join(format!("generated-{operations}.json"));
            std::fs::write(&file, document(operations))?;
            Ok(file)
        })
        .collect()
}

async fn report(wharf: &Path, document: &Path, rounds: usize) -> io::Result<()> {
    let mut starts = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        starts.push(start(wharf, document).await?);
    }
    let Some(last) = starts.last() else {
        return Ok(());
    };
    let of = |number: fn(&Start) -> f64| Spread::of(starts.iter().map(number));
    writeln!(
        io::stdout(),
        "{:<28} {:>6} {:>24} {:>7.3} {:>9} {:>8.1} {:>8.1}",
        document.file_name().unwrap_or_default().to_string_lossy(),
        last.tools,
        of(|start| start.milliseconds).to_string(),
        of(|start| start.processor_s).median,
        last.list_bytes / 1024,
        of(|start| start.resident_mb).median,
        of(|start| start.peak_mb).median,
    )
}

async fn start(wharf: &Path, document: &Path) -> io::Result<Start> {
    let begin = Instant::now();
    let subject = Subject::start("wharf", wharf.as_os_str(), |listen| {
        [
            "serve",
            &document.display().to_string(),
            "--base-url",
            BASE_URL,
            "--http",
            &listen.to_string(),
            "--log",
            "error",
        ]
        .map(str::to_owned)
        .into()
    })
    .await?;
    let (tools, list_bytes) = list(&subject).await?;
    let milliseconds = begin.elapsed().as_secs_f64() * 1_000.0;
    tokio::time::sleep(SETTLE).await;
    let (resident_mb, peak_mb) = subject.memory().unwrap_or((f64::NAN, f64::NAN));
    let time = subject.processor_time().unwrap_or_default();
    Ok(Start {
        milliseconds,
        processor_s: time.as_secs_f64(),
        tools,
        list_bytes,
        resident_mb,
        peak_mb,
    })
}

/// Every page of the tool list: how many tools, how many bytes.
async fn list(subject: &Subject) -> io::Result<(usize, usize)> {
    let (mut tools, mut bytes, mut params) = (0, 0, String::new());
    loop {
        let message = message("tools/list", &params);
        let request = Request::mcp(subject.address, "tools/list", None, &message);
        let answer = load::ask(subject.address, &request).await?;
        bytes += answer.len();
        let answer: Value = serde_json::from_slice(&answer)?;
        let page = answer["result"]["tools"].as_array().ok_or_else(|| {
            io::Error::other(format!("`wharf` does not list its tools: {answer}"))
        })?;
        tools += page.len();
        match &answer["result"]["nextCursor"] {
            Value::String(cursor) => params = format!(r#""cursor":{},"#, Value::from(&**cursor)),
            _ => return Ok((tools, bytes)),
        }
    }
}
