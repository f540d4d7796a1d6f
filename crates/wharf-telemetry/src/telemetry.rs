//! The observer: what it is told goes to each part that is configured.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue};
use tracing::field::{DisplayValue, display};
use wharf_model::{
    Ending, Exchange, HttpRequest, Observer, Operation, Span, TraceContext, Trail, Transport,
};

use crate::audit::{self, ending_of, millis};
use crate::config::{Emf, Mistake, Sampler};
use crate::lines::{Lines, Sink};
use crate::metrics::{Gauge, Metrics};
use crate::otlp::{self, Otlp};
use crate::settings::Settings;
use crate::{emf, ids, names};

/// Routes that are asked every few seconds; what they answer is of interest when it is not well.
const PROBES: &[&str] = &["/", "/health", "/healthz", "/ping", "/ready", "/metrics"];

/// Everything that is told of requests, while a server runs.
pub struct Telemetry {
    logs_requests: bool,
    audit: Option<Lines>,
    metrics: Option<Arc<Metrics>>,
    serves_metrics: bool,
    otlp: Option<Otlp>,
    /// Where traces are sent.
    sampler: Option<Sampler>,
    emf: Option<(Emf, Lines)>,
    xray: bool,
    service_name: String,
}

impl Telemetry {
    /// Starts what is configured; none where nothing is, so that requests need not be observed. To be called within a
    /// runtime, which sends what goes to a collector.
    ///
    /// `counts` asks for metrics whoever reads them.
    pub fn start(settings: &Settings, counts: bool) -> Result<Option<Arc<Self>>, Mistake> {
        let logs_requests = settings.request_log
            && tracing::enabled!(target: names::REQUESTS, tracing::Level::INFO);
        let audit = match &settings.audit {
            None => None,
            Some(audit) => {
                let sink = if audit.is_stdout() {
                    Sink::Stdout
                } else {
                    Sink::File(audit.to.clone())
                };
                let lines = Lines::start(sink, audit.is_strict());
                Some(lines.map_err(|source| Mistake::Audit {
                    path: audit.to.clone(),
                    source,
                })?)
            }
        };
        let emf = match &settings.emf {
            None => None,
            Some(emf) => {
                let lines = Lines::start(Sink::Stdout, false).map_err(Mistake::Output)?;
                Some((emf.clone(), lines))
            }
        };
        let collector = settings.collector.as_ref();
        let serves_metrics = settings.prometheus;
        let needs_metrics = counts
            || serves_metrics
            || settings.metrics_http.is_some()
            || collector.is_some_and(|collector| collector.metrics.is_some());
        let metrics = needs_metrics.then(Arc::<Metrics>::default);
        let otlp = collector
            .map(|collector| Otlp::start(collector, settings, metrics.clone()))
            .transpose()
            .map_err(Mistake::Collector)?;
        let is_on = logs_requests
            || audit.is_some()
            || emf.is_some()
            || metrics.is_some()
            || otlp.is_some();
        Ok((is_on || settings.xray).then(|| {
            Arc::new(Self {
                logs_requests,
                audit,
                metrics,
                serves_metrics,
                otlp,
                sampler: collector
                    .filter(|collector| collector.traces.is_some())
                    .map(|collector| collector.sampler),
                emf,
                xray: settings.xray,
                service_name: settings.service_name.clone(),
            })
        }))
    }

    /// What is counted, where anything is.
    pub fn metrics(&self) -> Option<&Arc<Metrics>> {
        self.metrics.as_ref()
    }

    /// Counts what `gauges` knows beside what is counted here.
    pub fn watch(&self, gauges: impl Fn() -> Vec<Gauge> + Send + Sync + 'static) {
        if let Some(metrics) = &self.metrics {
            metrics.watch(gauges);
        }
    }

    /// How many records could not be kept, by kind.
    pub fn dropped(&self) -> Vec<Gauge> {
        let audit = self.audit.as_ref().map(|lines| ("audit", lines.dropped()));
        let emf = self.emf.as_ref().map(|(_, lines)| ("emf", lines.dropped()));
        let spans = self.otlp.as_ref().map(|otlp| ("spans", otlp.dropped()));
        #[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
        let gauge = |(kind, count): (&str, u64)| Gauge {
            name: names::DROPPED,
            help: "Records that could not be kept.",
            label: Some(("kind", kind.to_owned())),
            value: count as f64,
            is_counter: true,
        };
        [audit, emf, spans]
            .into_iter()
            .flatten()
            .map(gauge)
            .collect()
    }

    /// Opens files anew that were moved away.
    pub fn reopen(&self) {
        if let Some(lines) = &self.audit {
            lines.reopen();
        }
    }

    /// Writes and sends what waits, as far as there is time for it.
    pub async fn finish(self: Arc<Self>, within: Duration) {
        let deadline = Instant::now() + within;
        if let Some(otlp) = &self.otlp
            && !otlp.flush(within).await
        {
            tracing::warn!("the collector did not take the last traces and metrics in time");
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let flushed = tokio::task::spawn_blocking(move || {
            let lines = self
                .audit
                .iter()
                .chain(self.emf.iter().map(|(_, lines)| lines));
            lines.filter(|lines| !lines.flush(left)).count() == 0
        });
        if !flushed.await.unwrap_or(false) {
            tracing::error!("the last lines of the audit log or of metrics could not be written");
        }
    }
}

impl Observer for Telemetry {
    fn begin(self: Arc<Self>, transport: Transport, headers: &HeaderMap) -> Trail {
        let given = TraceContext::of_headers(headers).or_else(|| {
            let header = headers.get(ids::XRAY).filter(|_| self.xray)?;
            ids::read_xray(header.to_str().ok()?)
        });
        let span = if transport == Transport::Http {
            if let Some(metrics) = &self.metrics {
                metrics.requests_active.fetch_add(1, Ordering::Relaxed);
            }
            self.span(given.as_ref())
        } else {
            // The operation is all there is of such a message, and has the span.
            Span {
                context: given.clone(),
                parent_id: None,
                is_recorded: false,
                started: Instant::now(),
            }
        };
        let request_id = match (ids::request_id(headers), &span.context) {
            (Some(id), _) => id.to_owned(),
            // One number to look for instead of two.
            (None, Some(context)) if given.is_none() => format!("{:032x}", context.trace_id),
            (None, _) => format!("{:032x}", ids::long()),
        };
        Trail {
            observer: self,
            request_id: request_id.into(),
            span,
            transport,
            asked: std::sync::OnceLock::new(),
            ending: std::sync::OnceLock::new(),
            reason: std::sync::OnceLock::new(),
        }
    }

    fn span(&self, parent: Option<&TraceContext>) -> Span {
        let started = Instant::now();
        let Some(sampler) = self.sampler else {
            // Whoever takes no part passes on what came.
            return Span {
                context: parent.cloned(),
                parent_id: None,
                is_recorded: false,
                started,
            };
        };
        let trace_id = match parent {
            Some(parent) => parent.trace_id,
            None if self.xray => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                ids::xray_trace(since.unwrap_or_default().as_secs())
            }
            None => ids::long(),
        };
        let is_recorded = sampler.decides(trace_id, parent);
        let context = TraceContext {
            trace_id,
            span_id: ids::short(),
            flags: parent.map_or(0, |parent| parent.flags),
            state: parent.and_then(|parent| parent.state.clone()),
        };
        Span {
            context: Some(context.sampled(is_recorded)),
            parent_id: parent.map(|parent| parent.span_id),
            is_recorded,
            started,
        }
    }

    fn admits(&self) -> bool {
        self.audit.as_ref().is_none_or(Lines::admits)
    }

    fn operation_ended(&self, operation: &Operation<'_>) {
        if let Some(lines) = &self.audit
            && let Some(line) = audit::of_operation(operation)
        {
            lines.write(line, operation.is_admitted);
        }
        if let Some(metrics) = &self.metrics {
            metrics.operation(operation);
        }
        if let Some((emf, lines)) = &self.emf
            && let Some(line) = emf::of_operation(emf, &self.service_name, operation)
        {
            lines.write(line, false);
        }
        if let Some(otlp) = &self.otlp
            && operation.span.is_recorded
        {
            otlp.record(otlp::spans::of_operation(operation));
        }
        if self.logs_requests && operation.trail.transport != Transport::Http {
            log_operation(operation);
        }
    }

    fn request_ended(&self, request: &HttpRequest<'_>) {
        if let Some(lines) = &self.audit
            && let Some(line) = audit::of_refusal(request)
        {
            lines.write(line, false);
        }
        if let Some(metrics) = &self.metrics {
            metrics.requests_active.fetch_sub(1, Ordering::Relaxed);
            metrics.request(request);
        }
        if let Some(otlp) = &self.otlp
            && request.trail.span.is_recorded
        {
            otlp.record(otlp::spans::of_request(request));
        }
        if self.logs_requests {
            log_request(request);
        }
    }

    fn request_unread(&self, reason: &dyn fmt::Display) {
        if self.logs_requests {
            tracing::info!(
                target: names::REQUESTS,
                %reason,
                "a request that cannot be read was refused"
            );
        }
    }

    fn exchange_ended(&self, exchange: &Exchange<'_>) {
        if let Some(metrics) = &self.metrics {
            metrics.exchange(exchange);
        }
        if let Some(otlp) = &self.otlp
            && exchange.span.is_recorded
        {
            otlp.record(otlp::spans::of_exchange(exchange));
        }
    }

    fn put_on(&self, context: &TraceContext, headers: &mut HeaderMap) {
        context.put_on(headers);
        if self.xray
            && let Ok(xray) = HeaderValue::try_from(ids::xray(context))
        {
            headers.insert(ids::XRAY, xray);
        }
    }

    fn exposition(&self) -> Option<String> {
        let metrics = self.metrics.as_ref().filter(|_| self.serves_metrics)?;
        Some(metrics.render())
    }
}

/// The line about a request.
fn log_request(request: &HttpRequest<'_>) {
    let is_well = request
        .status
        .is_some_and(|status| !status.is_client_error() && !status.is_server_error());
    if is_well && request.route.is_some_and(|route| PROBES.contains(&route)) {
        return;
    }
    let trail = request.trail;
    let asked = trail.asked.get();
    let trace_id = asked
        .and_then(|asked| asked.trace_id)
        .or_else(|| trail.span.context.as_ref().map(|context| context.trace_id));
    tracing::info!(
        target: names::REQUESTS,
        message = if request.is_whole {
            "a request was answered"
        } else {
            "a request ended early"
        },
        { names::REQUEST_ID } = &*trail.request_id,
        { names::TRACE_ID } = trace_id.map(hex),
        { names::HTTP_METHOD } = crate::metrics::method(request.method),
        { names::HTTP_ROUTE } = request.route,
        { names::HTTP_STATUS } = request.status.map(|status| status.as_u16()),
        { names::MCP_METHOD } = asked.map(|asked| asked.method),
        { names::TOOL } = asked.and_then(|asked| asked.tool.as_deref()),
        { names::OUTCOME } = outcome(request),
        { names::REASON } = trail.reason.get().map(|reason| &**reason),
        { names::HTTP_RESPONSE_BYTES } = request.sent_bytes,
        { names::DURATION_MS } = millis(request.took),
    );
}

/// How a request ended, in a word: as its operation did, and by the status where it never came to one. What was answered
/// well and not taken is cancelled.
fn outcome(request: &HttpRequest<'_>) -> &'static str {
    let trail = request.trail;
    if let Some(ending) = trail.ending.get() {
        return match ending {
            Ending::Ok if !request.is_whole => names::error::CANCELLED,
            ending => ending.as_str(),
        };
    }
    // What was asked for goes on without its client, or was never finished.
    let Some(status) = request.status.filter(|_| trail.asked.get().is_none()) else {
        return names::error::CANCELLED;
    };
    match ending_of(status) {
        Some(ending) => ending.as_str(),
        None if status.is_client_error() => names::error::REFUSED,
        None if status.is_server_error() => names::error::FAILED,
        None => Ending::Ok.as_str(),
    }
}

/// A message that is no HTTP request has its line here.
fn log_operation(operation: &Operation<'_>) {
    let context = operation.span.context.as_ref();
    tracing::info!(
        target: names::REQUESTS,
        message = "a message was answered",
        { names::REQUEST_ID } = &*operation.trail.request_id,
        { names::TRACE_ID } = context.map(|context| hex(context.trace_id)),
        { names::MCP_METHOD } = operation.method,
        { names::TOOL } = operation.tool,
        { names::OUTCOME } = operation.ending.as_str(),
        { names::DURATION_MS } = millis(operation.took),
    );
}

fn hex(trace_id: u128) -> DisplayValue<String> {
    display(format!("{trace_id:032x}"))
}
