//! `end-to-end`: whole calls through the release binary, against the raw limit and against the API itself.
//!
//! Three servers, each a process of its own: the API that is called (`direct`), the raw limit before it, and
//! `wharf serve` before it. They are loaded in turn, the order rotating from round to round, so that a machine that gets
//! slower does not favour one of them. See `bench/README.md`.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::runtime;
use wharf_bench::extra::Extra;
use wharf_bench::load;
use wharf_bench::report::{LIMIT, Sample, Section};
use wharf_bench::subject::Subject;
use wharf_bench::workload::{Call, Request};
use wharf_bench::{limit, upstream};

/// The allocator that Wharf uses: the limit gets the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/document.json");
/// Connections get opened and caches warm before anything counts.
const WARM_UP: Duration = Duration::from_millis(300);
const LIMIT_THREADS: usize = 2;

/// Measures whole calls through `wharf serve`, next to a raw limit.
#[derive(Debug, Parser)]
#[command(name = "end-to-end")]
struct Arguments {
    #[command(subcommand)]
    server: Option<Server>,
    /// The binary to measure; without it, the one beside this program.
    #[arg(long, value_name = "FILE")]
    wharf: Option<PathBuf>,
    /// What to call.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "get,list,report,post"
    )]
    calls: Vec<Call>,
    /// How many connections call at once.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    connections: Vec<NonZeroUsize>,
    /// What to switch on: each in a server of its own, beside the one that has nothing.
    #[arg(long, value_enum, value_delimiter = ',')]
    with: Vec<Extra>,
    /// How often everything is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long one measurement takes.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    seconds: f64,
}

/// The servers to compare with: this program again.
#[derive(Debug, Subcommand)]
enum Server {
    /// The API that is called.
    #[command(hide = true)]
    Upstream { listen: SocketAddr },
    /// The raw limit before it.
    #[command(hide = true)]
    Limit {
        listen: SocketAddr,
        upstream: SocketAddr,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.server {
        // One thread for the API and for the load each: they should not crowd out what is measured.
        Some(Server::Upstream { listen }) => runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .and_then(|runtime| {
                runtime.block_on(async { upstream::serve(TcpListener::bind(listen).await?).await })
            }),
        Some(Server::Limit { listen, upstream }) => runtime::Builder::new_multi_thread()
            .worker_threads(LIMIT_THREADS)
            .enable_all()
            .build()
            .and_then(|runtime| {
                runtime.block_on(async {
                    limit::serve(TcpListener::bind(listen).await?, *upstream).await
                })
            }),
        None => runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .and_then(|runtime| runtime.block_on(measure(&arguments))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments) -> io::Result<()> {
    let this = std::env::current_exe()?;
    let wharf = match &arguments.wharf {
        Some(file) => file.clone(),
        None => this.with_file_name("wharf"),
    };
    if !wharf.exists() {
        return Err(io::Error::other(format!(
            "`{}` does not exist\nhint: build it with `cargo build --release -p wharf`, or name another with `--wharf`",
            wharf.display()
        )));
    }
    let folder = std::env::temp_dir().join(format!("wharf-bench-{}", std::process::id()));
    let mut subjects = start(this.as_os_str(), wharf.as_os_str()).await?;
    let api = subjects[0].server.address;
    for &extra in &arguments.with {
        subjects.push(start_with(extra, wharf.as_os_str(), api, &folder).await?);
    }
    let measured = measure_all(arguments, &subjects).await;
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    measured
}

async fn measure_all(arguments: &Arguments, subjects: &[Measured]) -> io::Result<()> {
    for &call in &arguments.calls {
        for subject in subjects {
            check(call, subject).await?;
        }
        for &connections in &arguments.connections {
            let section = rounds(arguments, call, connections.get(), subjects).await?;
            writeln!(io::stdout(), "{section}")?;
        }
    }
    Ok(())
}

/// A server, and who its clients say they are.
struct Measured {
    server: Subject,
    authorization: Option<String>,
}

impl Measured {
    fn open(server: Subject) -> Self {
        Self {
            server,
            authorization: None,
        }
    }

    fn request(&self, call: Call) -> Request {
        let request = match self.server.name {
            "direct" => call.direct(self.server.address),
            _ => call.mcp(self.server.address),
        };
        match &self.authorization {
            Some(authorization) => request.with("authorization", authorization),
            None => request,
        }
    }
}

/// The three servers, the API first.
async fn start(this: &OsStr, wharf: &OsStr) -> io::Result<Vec<Measured>> {
    let direct = Subject::start("direct", this, |listen| {
        vec!["upstream".to_owned(), listen.to_string()]
    })
    .await?;
    let api = direct.address;
    let limit = Subject::start(LIMIT, this, |listen| {
        vec!["limit".to_owned(), listen.to_string(), api.to_string()]
    })
    .await?;
    let wharf = Subject::start("wharf", wharf, |listen| {
        [
            "serve",
            DOCUMENT,
            "--base-url",
            &format!("http://{api}"),
            "--http",
            &listen.to_string(),
            "--log",
            "warn",
        ]
        .map(str::to_owned)
        .into()
    })
    .await?;
    Ok([direct, limit, wharf].map(Measured::open).into())
}

/// A server with one thing switched on.
async fn start_with(
    extra: Extra,
    wharf: &OsStr,
    api: SocketAddr,
    folder: &Path,
) -> io::Result<Measured> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join(format!("{}.yaml", extra.name().trim_start_matches("+ ")));
    std::fs::write(&file, extra.configuration(DOCUMENT, api, folder))?;
    let file = file.display().to_string();
    let server = Subject::start(extra.name(), wharf, |listen| {
        [
            "serve",
            "--config",
            &file,
            "--http",
            &listen.to_string(),
            "--log",
            extra.log(),
        ]
        .map(str::to_owned)
        .into()
    })
    .await?;
    Ok(Measured {
        server,
        authorization: extra.authorization(),
    })
}

/// A server that answers something else is fast for the wrong reason.
async fn check(call: Call, subject: &Measured) -> io::Result<()> {
    let answer = load::ask(subject.server.address, &subject.request(call)).await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer)?;
    let expected: serde_json::Value = serde_json::from_slice(&call.answer())?;
    let structured = &answer["result"]["structuredContent"];
    // An array may come wrapped in an object, for clients that take nothing else.
    if [&answer, structured, &structured["result"]].contains(&&expected) {
        return Ok(());
    }
    let shown: String = answer.to_string().chars().take(500).collect();
    Err(io::Error::other(format!(
        "`{}` does not answer `{}` with what the API says: {shown}",
        subject.server.name,
        call.tool()
    )))
}

async fn rounds(
    arguments: &Arguments,
    call: Call,
    connections: usize,
    subjects: &[Measured],
) -> io::Result<Section> {
    let api = subjects[0].server.address;
    let duration = Duration::from_secs_f64(arguments.seconds);
    let mut samples: Vec<_> = subjects
        .iter()
        .map(|subject| (subject.server.name, Vec::new()))
        .collect();
    for round in 0..arguments.rounds {
        for turn in 0..subjects.len() {
            let at = (round + turn) % subjects.len();
            let request = subjects[at].request(call);
            let subject = &subjects[at].server;
            load::run(subject.address, &request, connections, WARM_UP).await?;
            let answered = upstream_count(api).await?;
            let time = subject.processor_time();
            let measured = load::run(subject.address, &request, connections, duration).await?;
            let time = subject
                .processor_time()
                .zip(time)
                .map(|(after, before)| after.saturating_sub(before));
            let answered = upstream_count(api).await?.saturating_sub(answered);
            samples[at].1.push(Sample::new(&measured, time, answered));
        }
    }
    Ok(Section {
        title: format!("{}, connections: {connections}", call.tool()),
        subjects: samples,
    })
}

async fn upstream_count(api: SocketAddr) -> io::Result<u32> {
    let request = Request::get(api, upstream::COUNT_TARGET);
    Ok(serde_json::from_slice(&load::ask(api, &request).await?)?)
}
