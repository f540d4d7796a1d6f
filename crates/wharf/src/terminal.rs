//! What people see: results on stdout, everything else on stderr, colours only on a terminal.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use serde_json::json;
use tracing::Level;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

use crate::cli::{Log, LogFormat};
use crate::failure::Failure;

/// Width of tables where the terminal does not say its own.
const WIDTH: u16 = 100;

const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default();
/// For headings and names.
pub(crate) const BOLD: Style = Style::new().bold();
/// For what can be skipped.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Why a result could not be printed.
static UNPRINTED: OnceLock<io::Error> = OnceLock::new();

/// Prints a line of the result. [`printed`] says at the end whether that worked.
pub(crate) fn result(line: impl Display) {
    if let Err(error) = writeln!(io::stdout().lock(), "{line}") {
        // The first says why.
        let _ = UNPRINTED.set(error);
    }
}

/// Whether every result was printed. A reader that has gone away (`wharf tools | head`) is no failure.
pub(crate) fn printed() -> Result<(), Failure> {
    match UNPRINTED.get() {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot print: {error}")))
        }
        _ => Ok(()),
    }
}

/// Whether what is said is for a program that reads the log of a server: each line is an object then.
static IS_LOG: AtomicBool = AtomicBool::new(false);

/// Prints a line for the person who watches.
pub(crate) fn say(line: impl Display) {
    if IS_LOG.load(Ordering::Relaxed) {
        return record(Level::INFO, &line.to_string(), None);
    }
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The same for whoever reads the log, at whatever level it is.
fn record(level: Level, message: &str, hint: Option<&str>) {
    let mut timestamp = String::new();
    let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
    let mut record = json!({
        "timestamp": timestamp,
        "level": level.as_str(),
        "fields": {"message": message},
        "target": "wharf",
    });
    if let Some(hint) = hint {
        record["fields"]["hint"] = hint.into();
    }
    let _ = writeln!(io::stderr().lock(), "{record}");
}

/// Prints why the command failed.
pub(crate) fn fail(failure: &Failure) {
    if IS_LOG.load(Ordering::Relaxed) {
        let (message, hint) = failure.told();
        return record(Level::ERROR, &message, hint);
    }
    let coloured = on_stderr(RED).1;
    let mut text = failure.to_string();
    if coloured {
        text = text
            .replace("error:", &format!("{RED}error:{RED:#}"))
            .replace("\nhint:", &format!("\n{CYAN}hint:{CYAN:#}"));
    }
    say(text);
}

/// `text` in a style where stderr shows styles.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    let (style, _) = on_stderr(style);
    format!("{style}{text}{style:#}")
}

/// `text` in a style where stdout shows styles.
pub(crate) fn styled_result(style: Style, text: impl Display) -> String {
    if shows_styles(&io::stdout()) {
        format!("{style}{text}{style:#}")
    } else {
        text.to_string()
    }
}

fn on_stderr(style: Style) -> (Style, bool) {
    if shows_styles(&io::stderr()) && !IS_LOG.load(Ordering::Relaxed) {
        (style, true)
    } else {
        (Style::new(), false)
    }
}

/// <https://no-color.org>: colours only on a terminal, and not when the person says no.
fn shows_styles(stream: &impl IsTerminal) -> bool {
    let environment = wharf_config::Environment::of_process();
    stream.is_terminal()
        && environment.get("NO_COLOR").is_none_or(str::is_empty)
        && environment.get("TERM") != Some("dumb")
}

/// A table as wide as the terminal; cells wrap.
pub(crate) fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Table {
    let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0);
    let mut table = Table::new();
    table
        .load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(head);
    for row in rows {
        table.add_row(row);
    }
    table
}

/// Starts logging to stderr. Where nobody watches, a server's log is for programs; a command that ends by itself is read by
/// people all the same.
pub(crate) fn start_log(level: Log, format: LogFormat, is_server: bool) {
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let level = match level {
        Log::Off => LevelFilter::OFF,
        Log::Error => LevelFilter::ERROR,
        Log::Warn => LevelFilter::WARN,
        Log::Info => LevelFilter::INFO,
        Log::Debug => LevelFilter::DEBUG,
        Log::Trace => LevelFilter::TRACE,
    };
    // What is signed has the arguments of a call in it, and at the last level that library tells it.
    let filter = Targets::new()
        .with_default(level)
        .with_target("aws_sigv4", level.min(LevelFilter::DEBUG));
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr);
    let is_watched = io::stderr().is_terminal() || !is_server;
    let is_json = format == LogFormat::Json || (format == LogFormat::Auto && !is_watched);
    if is_json {
        if is_server {
            IS_LOG.store(true, Ordering::Relaxed);
            std::panic::set_hook(Box::new(|panic| {
                record(Level::ERROR, &panic.to_string(), None);
            }));
        }
        return builder.json().finish().with(filter).init();
    }
    let builder = builder
        .with_ansi(shows_styles(&io::stderr()))
        .with_target(false);
    if format == LogFormat::Auto {
        builder.without_time().finish().with(filter).init();
    } else {
        builder.finish().with(filter).init();
    }
}

/// Says that something is going on, where somebody watches and it takes more than a moment.
pub(crate) async fn while_waiting<T>(what: &str, work: impl Future<Output = T>) -> T {
    if !io::stderr().is_terminal() {
        return work.await;
    }
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
        return done;
    }
    let bar = indicatif::ProgressBar::new_spinner().with_message(what.to_owned());
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    let done = work.await;
    bar.finish_and_clear();
    done
}

/// A wait shorter than this needs no word.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(400);
