//! `wharf serve`: offers a configuration or a document over HTTP or stdio.

use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use wharf_catalog::Listing;
use wharf_mcp::Server;
use wharf_model::Caller;
use wharf_server::{Door, Listener};

use crate::assemble::{self, Assembled, Schemas, SourceReport};
use crate::cli::Serve;
use crate::commands::reload::{self, ReadFrom};
use crate::failure::{self, Failure};
use crate::telemetry::{Counts, Telemetry, Way};
use crate::terminal::{self, DIM};
use crate::watched::Watched;

/// How serving came to its end.
#[derive(Clone, Copy)]
#[must_use]
pub(crate) enum Served {
    /// All was finished, or had its time.
    InOrder,
    /// A second signal said not to wait for that.
    CutShort,
}

impl Served {
    pub(crate) fn outcome(self) -> Result<ExitCode, Failure> {
        match self {
            Self::InOrder => Ok(failure::DONE),
            Self::CutShort => Err(Failure::new(
                "a second signal ended it before all was finished",
            )),
        }
    }
}

pub(crate) async fn run(serve: &Serve) -> Result<ExitCode, Failure> {
    // From here on a signal is ours: one that comes while documents are read must not be lost.
    let mut signals = Signals::listen_but_for_hangup()?;
    let hangup = listen(SignalKind::hangup())?;
    let mut files = Watched::default();
    let assembling = assemble::assemble(&serve.input, Schemas::Later, &mut files);
    let Some(assembled) = signals.unless_told(assembling).await else {
        return Ok(failure::DONE);
    };
    let Assembled {
        mut config,
        catalog,
        authenticator,
        reports,
        ..
    } = assembled?;
    warn_of_left_out(&reports);
    let tools = catalog.tools().len();
    tell_listing(catalog.listing());
    if serve.stdio && serve.who.is_none() && catalog.access().is_some() {
        tracing::warn!(
            "`access` says who may call what, and a client on standard input carries no token: it is a stranger here; say who it is with `--as`"
        );
    }
    let read_from = ReadFrom {
        config: config.clone(),
        files,
        unread: reload::unread_files(&reports),
    };
    if let Some(http) = &serve.http {
        config.server.http.clone_from(http);
    }
    config
        .server
        .allowed_hosts
        .extend(serve.allow_host.iter().cloned());
    let way = if serve.stdio { Way::Stdio } else { Way::Http };
    let telemetry = Telemetry::start(&config, Counts::Configured, way)?;
    let server = assemble::server(&config, catalog, telemetry.observer());
    telemetry.watch(&server).await?;
    let door = Door::new(authenticator);
    let reload = tokio::spawn(reload::run(
        server.clone(),
        door.clone(),
        read_from,
        serve.input.clone(),
        serve.watch,
        hangup,
        telemetry.clone(),
    ));
    let ended = if serve.stdio {
        let caller = serve.who.clone().unwrap_or_default();
        serve_stdio(&server, caller, signals).await
    } else {
        let listener = bind(&config.server.http).await?;
        let address = address(&listener)?;
        let url = format!("http://{address}{}", config.server.path);
        terminal::say(format_args!(
            "wharf serves {tools} tools at {url} {}",
            terminal::styled(DIM, "(Ctrl-C ends it)")
        ));
        if config.auth.is_none() && config.sign_in.is_none() {
            warn_of_strangers(
                address,
                "the section `auth` of a configuration says who may",
            );
        }
        Ok(serve_http(server, listener, &config.server, door, signals).await)
    };
    reload.abort();
    if !matches!(ended, Ok(Served::CutShort)) {
        assemble::places_left().await;
        telemetry.finish().await;
    }
    ended?.outcome()
}

/// Says that nobody is asked who they are, where that matters.
pub(crate) fn warn_of_strangers(address: SocketAddr, advice: &str) {
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "everybody who can reach this address may call every tool; {advice}"
        );
    }
}

/// Says whether clients see all tools, and why.
pub(crate) fn tell_listing(listing: Option<&Listing>) {
    let Some(Listing { searches, reason }) = listing else {
        return;
    };
    if *searches {
        tracing::info!(
            reason,
            "clients are shown three tools to find the others with"
        );
    } else {
        tracing::info!(reason, "clients are shown all tools");
    }
}

/// One line for each operation that is not offered.
pub(crate) fn warn_of_left_out(reports: &[SourceReport]) {
    for source in reports {
        for left_out in &source.report.left_out {
            tracing::warn!(
                source = source.name,
                operation = left_out.operation,
                pointer = left_out.pointer,
                reason = left_out.reason,
                "an operation is left out"
            );
        }
    }
}

/// Speaks MCP on standard input and output until either of them, or the process, is to end. A second signal ends it at once.
pub(crate) async fn serve_stdio(
    server: &Server,
    caller: Caller,
    mut signals: Signals,
) -> Result<Served, Failure> {
    let session = server.stdio_as(caller, tokio::io::stdin(), tokio::io::stdout());
    let told = async {
        signals.next().await;
        // The session ends by itself now, with what is in flight, though the input may never end.
        server.close();
        signals.next().await;
    };
    tokio::select! {
        done = session => match done {
            Ok(()) => Ok(Served::InOrder),
            Err(error) => Err(Failure::new(format!("standard input or output broke: {error}"))),
        },
        () = told => Ok(Served::CutShort),
    }
}

/// Opens the port, or says which flag chooses another.
pub(crate) async fn bind(http: &str) -> Result<Listener, Failure> {
    Listener::bind(http)
        .await
        .map_err(|error| Failure::of(&error).hint(error.hint()))
}

/// The address that was opened.
pub(crate) fn address(listener: &Listener) -> Result<SocketAddr, Failure> {
    listener
        .address()
        .map_err(|error| Failure::new(format!("the opened port has no address: {error}")))
}

/// Serves over HTTP until a signal asks to stop; a second one ends it at once.
pub(crate) async fn serve_http(
    server: Server,
    listener: Listener,
    config: &wharf_server::Config,
    door: Door,
    mut signals: Signals,
) -> Served {
    let stop = CancellationToken::new();
    let told = async {
        signals.next().await;
        stop.cancel();
        signals.next().await;
    };
    tokio::select! {
        () = wharf_server::serve(server, listener, config, door, stop.cancelled()) => Served::InOrder,
        () = told => Served::CutShort,
    }
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::new(format!("cannot listen for signals: {error}")))
}

/// The signals that ask a process to end: Ctrl-C, SIGTERM, and a terminal that is gone where that is no word to reload.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    /// From here on they are ours.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let signals = Self::listen_but_for_hangup()?;
        Ok(Self {
            hangup: Some(listen(SignalKind::hangup())?),
            ..signals
        })
    }

    fn listen_but_for_hangup() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: None,
        })
    }

    /// What comes of this work, or nothing where one comes first.
    pub(crate) async fn unless_told<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.next() => {
                tracing::info!("told to end before everything was read");
                None
            }
        }
    }

    /// Done when the next one comes.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            Some(()) = async { self.hangup.as_mut()?.recv().await } => {}
        }
    }
}
