//! `connections`: what connections cost the server that do nothing, next to nothing, or nothing but wait for news.
//!
//! For each kind: how much memory one takes, and whether a call by somebody else is still answered, and how soon. The
//! client is this process and the server another, so that the memory is the server's alone.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use wharf_bench::document::document;
use wharf_bench::load;
use wharf_bench::report::Spread;
use wharf_bench::subject::Subject;
use wharf_bench::workload::{Request, message};

/// Memory is looked at when the server has had a moment to notice, and its allocator to give some back.
const SETTLE: Duration = Duration::from_millis(1_500);
/// Calls by somebody else, for each kind.
const ASKED: usize = 20;
/// Small, so that an answer does not disappear in the buffers of a reader that does not read.
const RECEIVE_BYTES: u32 = 4 << 10;
/// How often those who are slow do something.
const SLOW: Duration = Duration::from_millis(500);

/// Measures what connections cost that are open and hardly used.
#[derive(Debug, Parser)]
#[command(name = "connections")]
struct Arguments {
    /// The binary to measure; without it, the one beside this program.
    #[arg(long, value_name = "FILE")]
    wharf: Option<PathBuf>,
    /// How many idle connections; as many files must be allowed to be open, here and there.
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// How many of each of the others.
    #[arg(long, default_value_t = 1_000)]
    busy: usize,
}

/// What is done on a connection.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Silent,
    KeptAlive,
    Stream,
    SlowReader,
    SlowWriter,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Silent => "opened, nothing said",
            Self::KeptAlive => "idle after one call",
            Self::Stream => "event streams (`subscriptions/listen`)",
            Self::SlowReader => "a list asked for and hardly read",
            Self::SlowWriter => "a request, a byte every half second",
        }
    }
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
    let folder = std::env::temp_dir().join(format!("wharf-connections-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = report(&wharf, &folder, arguments).await;
    let _ = std::fs::remove_dir_all(&folder);
    result
}

async fn report(wharf: &Path, folder: &Path, arguments: &Arguments) -> io::Result<()> {
    let config = folder.join("wharf.yaml");
    std::fs::write(folder.join("api.json"), document(200))?;
    std::fs::write(
        &config,
        format!(
            "tools_mode: all\nserver: {{limits: {{connections_max: {}}}}}\nsources: {{api: {{openapi: api.json, upstream: {{base_url: 'http://127.0.0.1:9'}}}}}}\n",
            arguments.idle + arguments.busy
        ),
    )?;
    writeln!(
        io::stdout(),
        "| connections | opened | MB before | MB with them | KB each | a list meanwhile, ms |\n|---|--:|--:|--:|--:|--:|"
    )?;
    for (kind, count) in [
        (Kind::Silent, arguments.idle),
        (Kind::KeptAlive, arguments.idle),
        (Kind::Stream, arguments.busy),
        (Kind::SlowReader, arguments.busy),
        (Kind::SlowWriter, arguments.busy),
    ] {
        // A server of its own for each, so that none begins with what the one before left.
        let subject = start(wharf, &config).await?;
        row(&subject, kind, count).await?;
    }
    Ok(())
}

async fn start(wharf: &Path, config: &Path) -> io::Result<Subject> {
    Subject::start("wharf", wharf.as_os_str(), |listen| {
        [
            "serve",
            "--config",
            &config.display().to_string(),
            "--http",
            &listen.to_string(),
            "--log",
            "error",
        ]
        .map(str::to_owned)
        .into()
    })
    .await
}

async fn row(subject: &Subject, kind: Kind, count: usize) -> io::Result<()> {
    let list = Request::mcp(
        subject.address,
        "tools/list",
        None,
        &message("tools/list", ""),
    );
    // Everything that a first answer makes is there before it counts.
    load::ask(subject.address, &list).await?;
    tokio::time::sleep(SETTLE).await;
    let before = resident(subject);

    let mut open = Vec::with_capacity(count);
    for _ in 0..count {
        match connect(subject.address, kind).await {
            Ok(connection) => open.push(connection),
            // As many as the system allows; the report says how many that is.
            Err(error) if open.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    let opened = open.len();
    let slow = tokio::spawn(dawdle(open, kind));
    tokio::time::sleep(SETTLE).await;
    let with = resident(subject);
    let mut milliseconds = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        let begin = Instant::now();
        load::ask(subject.address, &list).await?;
        milliseconds.push(begin.elapsed().as_secs_f64() * 1_000.0);
    }
    slow.abort();
    let opened_f64 = f64::from(u32::try_from(opened).unwrap_or(u32::MAX));
    writeln!(
        io::stdout(),
        "| {} | {opened} | {before:.1} | {with:.1} | {:.1} | {} |",
        kind.words(),
        (with - before) * 1_024.0 / opened_f64,
        Spread::of(milliseconds),
    )
}

fn resident(subject: &Subject) -> f64 {
    subject.memory().map_or(f64::NAN, |(now, _)| now)
}

async fn connect(address: SocketAddr, kind: Kind) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if matches!(kind, Kind::SlowReader) {
        socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    }
    let mut connection = socket.connect(address).await?;
    let ask = |method: &str, params: &str| {
        Request::mcp(address, method, None, &message(method, params)).bytes
    };
    match kind {
        Kind::Silent => {}
        Kind::KeptAlive => {
            let ping = format!("GET /ping HTTP/1.1\r\nhost: {address}\r\n\r\n");
            connection.write_all(ping.as_bytes()).await?;
            read_some(&mut connection).await?;
        }
        Kind::Stream => {
            let listen = ask("subscriptions/listen", r#""notifications":{"tools":true},"#);
            connection.write_all(&listen).await?;
            read_some(&mut connection).await?;
        }
        Kind::SlowReader => connection.write_all(&ask("tools/list", "")).await?,
        Kind::SlowWriter => connection.write_all(&ask("tools/list", "")[..40]).await?,
    }
    Ok(connection)
}

async fn read_some(connection: &mut TcpStream) -> io::Result<()> {
    match connection.read(&mut [0; 4_096]).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// Goes on with what those do who are slow, until aborted; the others are just kept.
async fn dawdle(mut open: Vec<TcpStream>, kind: Kind) {
    loop {
        tokio::time::sleep(SLOW).await;
        for connection in &mut open {
            match kind {
                Kind::SlowReader => {
                    let _ = connection.try_read(&mut [0; 1]);
                }
                Kind::SlowWriter => {
                    let _ = connection.try_write(b"x");
                }
                Kind::Silent | Kind::KeptAlive | Kind::Stream => {}
            }
        }
    }
}
