//! The `telemetry` section of the configuration.

use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use wharf_model::Secret;
use wharf_upstream::Seconds;

/// What is told of requests, and to whom.
///
/// The standard variables of OpenTelemetry (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and the
/// like) are heeded where this section says nothing.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether the log has a line for each request, where it shows the level `info`. Health checks that pass have none.
    /// Default: true.
    pub request_log: bool,
    /// A record of each call, and of each that was refused: who, which tool, what was decided, what came of it. Default: none.
    pub audit: Option<Audit>,
    /// Metrics for Prometheus to fetch. Default: none are served.
    pub prometheus: Prometheus,
    /// Traces and metrics for an OpenTelemetry collector. Default: none are sent.
    pub otlp: Otlp,
    /// A record of each call of a tool on stdout, from which Amazon CloudWatch makes metrics (embedded metric format): for AWS
    /// Lambda, and wherever stdout ends in CloudWatch. Not with stdio. Default: none.
    pub emf: Option<Emf>,
    /// Whether AWS X-Ray's header `X-Amzn-Trace-Id` is read where there is no `traceparent`, and sent upstream beside it.
    /// Default: false, as it is of no use outside of AWS.
    pub xray: bool,
    /// The name of this server in traces and metrics. Default: `OTEL_SERVICE_NAME`, or the server's name.
    pub service_name: Option<String>,
    /// What else traces and metrics say of this server, such as `deployment.environment.name`. Default: what
    /// `OTEL_RESOURCE_ATTRIBUTES` says.
    pub resource: IndexMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            request_log: true,
            audit: None,
            prometheus: Prometheus::default(),
            otlp: Otlp::default(),
            emf: None,
            xray: false,
            service_name: None,
            resource: IndexMap::new(),
        }
    }
}

/// Where the audit log goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// The file that records are appended to, one JSON object on each line, or `stdout`. A file is opened anew on SIGHUP, after
    /// it was moved away. `stdout` is not for stdio.
    pub to: PathBuf,
    /// What happens when records cannot be written, because the disk is full or slow: `drop` them and count those, or
    /// `refuse` calls, since none may go unrecorded. Default: `drop`.
    #[serde(default)]
    pub when_full: WhenFull,
}

/// What happens when records cannot be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// Records are dropped and counted; calls go on.
    #[default]
    Drop,
    /// Calls are refused until records can be written again.
    Refuse,
}

/// Metrics for Prometheus to fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Prometheus {
    /// Whether `/metrics` is served on the port of the clients. It names tools and asks for no token. Default: false.
    pub enabled: bool,
    /// Address and port of a listener for `/metrics` alone, such as `127.0.0.1:9090`. Default: none.
    pub http: Option<String>,
}

/// Traces and metrics for an OpenTelemetry collector, by OTLP over HTTP as protobuf.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Otlp {
    /// The collector, such as `http://localhost:4318`; `/v1/traces` and `/v1/metrics` are put behind it. Default:
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`; without either nothing is sent.
    pub endpoint: Option<String>,
    /// Headers to send along, such as a collector's key. Default: `OTEL_EXPORTER_OTLP_HEADERS`.
    pub headers: IndexMap<String, Secret>,
    /// Whether traces are sent. Default: true, unless `OTEL_TRACES_EXPORTER` is `none`.
    pub traces: Option<bool>,
    /// Whether metrics are sent. Default: true, unless `OTEL_METRICS_EXPORTER` is `none`.
    pub metrics: Option<bool>,
    /// Which traces are recorded. Default: `OTEL_TRACES_SAMPLER`, or `{type: parentbased_always_on}`: what the client decided,
    /// and all where it decided nothing.
    pub sampler: Option<Sampler>,
    /// How often metrics are sent. Default: `OTEL_METRIC_EXPORT_INTERVAL`, or 60.
    pub interval_s: Option<Seconds>,
    /// How long the collector may take to answer. Default: `OTEL_EXPORTER_OTLP_TIMEOUT`, or 10.
    pub timeout_s: Option<Seconds>,
}

/// Which traces are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Sampler {
    /// All.
    AlwaysOn {},
    /// None.
    AlwaysOff {},
    /// This share of all, by the trace's id.
    Traceidratio {
        /// Between 0 and 1.
        ratio: f64,
    },
    /// What the client decided; all where it decided nothing.
    ParentbasedAlwaysOn {},
    /// What the client decided; none where it decided nothing.
    ParentbasedAlwaysOff {},
    /// What the client decided; this share where it decided nothing.
    ParentbasedTraceidratio {
        /// Between 0 and 1.
        ratio: f64,
    },
}

/// Records for Amazon CloudWatch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Emf {
    /// The namespace of the metrics. Default: `Wharf`.
    pub namespace: String,
}

impl Default for Emf {
    fn default() -> Self {
        Self {
            namespace: "Wharf".to_owned(),
        }
    }
}

/// Why this section, or a variable beside it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Mistake {
    /// An address is none.
    #[error("{origin} is no `http` or `https` address")]
    Endpoint {
        /// The key or the variable.
        origin: &'static str,
    },
    /// A header is none.
    #[error("{origin} has `{name}`, which is no header that can be sent")]
    Header {
        /// The key or the variable.
        origin: &'static str,
        /// The header's name.
        name: String,
    },
    /// A variable is not what it should be.
    #[error("the variable `{variable}` is not {wanted}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// A share is none.
    #[error("`telemetry.otlp.sampler.ratio` is not between 0 and 1")]
    Ratio,
    /// A namespace is none that CloudWatch takes.
    #[error("`telemetry.emf.namespace` is not 1 to 255 of `A-Z a-z 0-9 . - _ / # :`")]
    Namespace,
    /// What goes to stdout would stand between messages.
    #[error("`{key}` writes to stdout, which belongs to the protocol with stdio")]
    Stdout {
        /// The key.
        key: &'static str,
    },
    /// The audit log cannot be opened.
    #[error("cannot write the audit log `{}`", path.display())]
    Audit {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The writer for stdout cannot be started.
    #[error("cannot write to stdout")]
    Output(#[source] std::io::Error),
    /// The collector's address cannot be used.
    #[error("the collector cannot be reached that way")]
    Collector(#[source] wharf_upstream::UpstreamError),
}

impl Mistake {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Endpoint { .. } | Self::Collector(_) => "it looks like `http://localhost:4318`",
            Self::Header { .. } => "headers look like `api-key=value,other=value`",
            Self::Variable { .. } => {
                "set it otherwise, or unset it; `OTEL_SDK_DISABLED=true` sends nothing at all"
            }
            Self::Ratio => "`ratio: 0.1` records one trace in ten",
            Self::Namespace => "it looks like `Wharf` or `Team/Wharf`",
            Self::Stdout { .. } => "write the audit log to a file, or serve over HTTP",
            Self::Audit { .. } => {
                "the folder has to be there, and this process must be allowed to write"
            }
            Self::Output(_) => "the system has no room for another thread",
        }
    }
}
