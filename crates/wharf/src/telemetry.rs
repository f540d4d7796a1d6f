//! What is told of requests, from start to end: the parts that the configuration names, and who fetches from them.

use std::sync::Arc;
use std::time::Duration;

use wharf_config::Environment;
use wharf_mcp::Server;
use wharf_model::{Load, Observer};
use wharf_telemetry::{Gauge, Metrics, Mistake, names};

use crate::commands::serve;
use crate::config::Config;
use crate::failure::Failure;
use crate::secrets;

/// How long the last records may take to be written and sent, after the last call: well within the time that platforms give
/// a process to stop.
const FINISH: Duration = Duration::from_secs(5);

/// What observes a server's requests, where anything does. Clones share it.
#[derive(Clone)]
pub(crate) struct Telemetry {
    started: Option<Arc<wharf_telemetry::Telemetry>>,
    /// Where metrics have a port of their own.
    metrics_http: Option<String>,
}

/// Whether metrics are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// Where the configuration wants them.
    Configured,
    /// For somebody else, whatever the configuration says.
    Always,
}

/// How clients come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Http,
    Stdio,
}

impl Telemetry {
    /// Starts what is configured, in the file or by OpenTelemetry's variables.
    pub(crate) fn start(config: &Config, counts: Counts, way: Way) -> Result<Self, Failure> {
        let environment = Environment::of_process();
        let version = env!("CARGO_PKG_VERSION");
        let settings = config
            .telemetry
            .completed(&config.name, version, &config.file.folder, |name| {
                environment.get(name)
            })
            .map_err(|mistake| failure(&mistake))?
            .reaching_by(secrets::network()?);
        if way == Way::Stdio {
            settings
                .check_stdio()
                .map_err(|mistake| failure(&mistake))?;
        }
        let counts = counts == Counts::Always;
        let started = wharf_telemetry::Telemetry::start(&settings, counts)
            .map_err(|mistake| failure(&mistake))?;
        Ok(Self {
            started,
            metrics_http: settings.metrics_http,
        })
    }

    /// Who is told of requests.
    pub(crate) fn observer(&self) -> Option<Arc<dyn Observer>> {
        let started = self.started.clone()?;
        Some(started)
    }

    /// What is counted, where anything is.
    pub(crate) fn metrics(&self) -> Option<Arc<Metrics>> {
        self.started.as_ref()?.metrics().cloned()
    }

    /// Counts what the server knows beside its requests, and opens the port for metrics.
    pub(crate) async fn watch(&self, server: &Server) -> Result<(), Failure> {
        let Some(started) = &self.started else {
            return Ok(());
        };
        let (server, own) = (server.clone(), Arc::downgrade(started));
        started.watch(move || {
            let dropped = own.upgrade().map(|own| own.dropped());
            let mut gauges = gauges(&server);
            gauges.extend(dropped.unwrap_or_default());
            gauges
        });
        let (Some(address), Some(metrics)) = (&self.metrics_http, self.metrics()) else {
            return Ok(());
        };
        let listener = serve::bind(address)
            .await
            .map_err(|failure| failure.hint("`telemetry.prometheus.http` chooses another port"))?;
        let address = serve::address(&listener)?;
        tracing::info!("metrics are at http://{address}/metrics");
        // The task ends with the runtime; a scrape that is cut off is repeated.
        tokio::spawn(wharf_server::serve_metrics(listener, move || {
            metrics.render()
        }));
        Ok(())
    }

    /// Opens files anew that were moved away.
    pub(crate) fn reopen(&self) {
        if let Some(started) = &self.started {
            started.reopen();
        }
    }

    /// Writes and sends what waits.
    pub(crate) async fn finish(self) {
        if let Some(started) = self.started {
            started.finish(FINISH).await;
        }
    }
}

fn gauges(server: &Server) -> Vec<Gauge> {
    let catalog = server.catalog();
    let mut gauges = vec![
        gauge(
            names::SESSIONS,
            "Legacy sessions that are kept.",
            server.sessions(),
        ),
        gauge(
            names::STREAMS,
            "Event streams that are open.",
            server.streams(),
        ),
        gauge(
            names::TOOLS,
            "Tools that are offered.",
            catalog.tools().len(),
        ),
        gauge(
            names::CALLS_ACTIVE,
            "Calls under way, be it without their client.",
            usize::try_from(server.calls().in_flight).unwrap_or(usize::MAX),
        ),
    ];
    let sources = catalog.sources().iter();
    let loads: Vec<_> = sources
        .filter_map(|source| Some((source.name(), source.load()?)))
        .collect();
    let of_each = |name, help, read: fn(&Load) -> usize| {
        loads.iter().map(move |(source, load)| Gauge {
            label: Some((names::SOURCE, (*source).to_owned())),
            ..gauge(name, help, read(load))
        })
    };
    gauges.extend(of_each(
        names::UPSTREAM_ACTIVE,
        "Requests to an upstream under way.",
        |load| load.in_flight,
    ));
    gauges.extend(of_each(
        names::UPSTREAM_WAITING,
        "Requests that wait for their turn.",
        |load| load.waiting,
    ));
    gauges.extend(of_each(
        names::UPSTREAM_BREAKER,
        "Whether an upstream is left alone: 0 no, 1 one request tries it, 2 yes.",
        |load| load.breaker as usize,
    ));
    gauges
}

fn gauge(name: &'static str, help: &'static str, value: usize) -> Gauge {
    Gauge {
        name,
        help,
        label: None,
        #[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
        value: value as f64,
        is_counter: false,
    }
}

fn failure(mistake: &Mistake) -> Failure {
    Failure::of(mistake).hint(mistake.hint())
}
