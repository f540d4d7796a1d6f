//! What is told of requests, to whom: a line in the log, an audit log, metrics, traces.
//!
//! [`Telemetry`] is the one [`wharf_model::Observer`]. It fans out what it is told to the parts that are configured, none of
//! which a request waits for: counters are atomic, and everything that is written or sent goes through a bounded queue.
//! The names of fields, metrics and attributes stand in one file, [`names`], and follow OpenTelemetry's conventions for
//! HTTP and MCP.
//!
//! The exporter of OTLP is our own: OpenTelemetry's crates for Rust would bring sixteen others and 80 seconds of
//! processor time to each build, make ids from a generator that a snapshot of a process repeats, and have most of their
//! work done already by the seam in `wharf-model`.

mod config;
pub mod names;

mod sampler;
mod settings;
mod telemetry;

mod audit;
mod emf;
mod ids;
mod lines;
mod listener;

pub mod exposition;
mod family;
mod metrics;
mod otlp;

pub use config::{Audit, Config, Emf, Mistake, Otlp, Prometheus, Sampler, WhenFull};
pub use family::Counted;
pub use metrics::{Gauge, Metrics, Tally};
pub use settings::{Collector, Settings};
pub use telemetry::Telemetry;
