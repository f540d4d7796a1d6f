//! Traces and metrics for a collector: OTLP over HTTP, as protobuf.
//!
//! Spans are written where they end and wait in a bounded queue; one task sends them, and the metrics, in their turn. A
//! collector that is slow or away costs the spans that find no room, and those are counted.

mod counted;
mod protobuf;
pub(crate) mod spans;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use wharf_model::with_causes;
use wharf_upstream::{Config, Request, Retries, Trust, Upstream, UpstreamError};

use crate::metrics::Metrics;
use crate::settings::{Collector, Settings};
use protobuf::Message;

/// How many spans may wait, and how many are sent at once: as OpenTelemetry's own processors have it.
const WAITING_MAX: usize = 2_048;
const BATCH_MAX: usize = 512;
/// How long a span waits for others.
const BATCH_EVERY: Duration = Duration::from_secs(1);
/// How often sending is tried, where another try can help.
const ATTEMPTS_MAX: u32 = 3;
/// A collector has little to say.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// How often a failure is logged while it lasts.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// The near end.
pub(crate) struct Otlp {
    spans: mpsc::Sender<Vec<u8>>,
    orders: mpsc::Sender<oneshot::Sender<()>>,
    dropped: Arc<AtomicU64>,
    sending: JoinHandle<()>,
}

impl Otlp {
    pub(crate) fn start(
        collector: &Collector,
        settings: &Settings,
        metrics: Option<Arc<Metrics>>,
    ) -> Result<Self, UpstreamError> {
        let (spans, waiting) = mpsc::channel(WAITING_MAX);
        let (orders, incoming) = mpsc::channel(1);
        let dropped = Arc::<AtomicU64>::default();
        let end = |url: &Option<String>| url.as_deref().map(|url| End::new(url, collector));
        let sender = Sender {
            traces: end(&collector.traces).transpose()?,
            metrics: end(&collector.metrics).transpose()?.zip(metrics),
            headers: headers(&collector.headers),
            resource: resource(settings),
            started: SystemTime::now(),
            dropped: dropped.clone(),
            complained: None,
        };
        let sending = tokio::spawn(sender.run(waiting, incoming, collector.interval));
        Ok(Self {
            spans,
            orders,
            dropped,
            sending,
        })
    }

    /// Hands on a span.
    pub(crate) fn record(&self, span: Vec<u8>) {
        if self.spans.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Sends what waits, and the metrics as they are; whether that was done in time.
    pub(crate) async fn flush(&self, within: Duration) -> bool {
        let (done, flushed) = oneshot::channel();
        let flush = async { self.orders.send(done).await.is_ok() && flushed.await.is_ok() };
        tokio::time::timeout(within, flush).await.unwrap_or(false)
    }
}

impl Drop for Otlp {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

/// Where one signal goes.
struct End(Upstream);

impl End {
    fn new(url: &str, collector: &Collector) -> Result<Self, UpstreamError> {
        let seconds = wharf_upstream::Seconds::try_from(collector.timeout.as_secs_f64());
        let seconds = seconds.unwrap_or(Config::default().timeout_s);
        let config = Config {
            timeout_s: seconds,
            read_timeout_s: seconds,
            response_bytes_max: ANSWER_BYTES_MAX,
            connections_max: 1,
            network: collector.network.clone(),
            // Tried again here, where it is known that a batch may be sent twice.
            retries: Retries {
                max: 0,
                ..Retries::default()
            },
            ..Config::default()
        };
        Upstream::new(&config, url, Trust::Operator).map(Self)
    }
}

fn headers(given: &HeaderMap) -> HeaderMap {
    let mut headers = given.clone();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-protobuf"),
    );
    headers
}

/// Who speaks: the field `resource` of both signals.
fn resource(settings: &Settings) -> Vec<u8> {
    let mut resource = Message::default();
    let sdk = [
        ("service.name", settings.service_name.as_str()),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.name", "wharf"),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ];
    let own = settings.resource.iter();
    let own = own.map(|(key, value)| (key.as_str(), value.as_str()));
    for (key, value) in sdk.into_iter().chain(own) {
        resource.attribute(1, key, value);
    }
    resource.into_bytes()
}

/// One signal's request, both of which have one form: the resource, and below it a scope with what it tells.
fn request(resource: &[u8], told: impl FnOnce(&mut Message)) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |of_resource| {
        of_resource.bytes(1, resource);
        of_resource.message(2, |of_scope| {
            of_scope.message(1, |scope| {
                scope.text(1, "wharf");
                scope.text(2, env!("CARGO_PKG_VERSION"));
            });
            told(of_scope);
        });
    });
    request.into_bytes()
}

/// The far end.
struct Sender {
    traces: Option<End>,
    metrics: Option<(End, Arc<Metrics>)>,
    headers: HeaderMap,
    resource: Vec<u8>,
    started: SystemTime,
    dropped: Arc<AtomicU64>,
    complained: Option<Instant>,
}

impl Sender {
    async fn run(
        mut self,
        mut waiting: mpsc::Receiver<Vec<u8>>,
        mut orders: mpsc::Receiver<oneshot::Sender<()>>,
        interval: Duration,
    ) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut hand_on = tokio::time::interval(BATCH_EVERY);
        hand_on.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tell = tokio::time::interval_at(Instant::now() + interval, interval);
        tell.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let room = BATCH_MAX - batch.len();
            tokio::select! {
                received = waiting.recv_many(&mut batch, room) => {
                    if received == 0 {
                        return;
                    }
                    if batch.len() == BATCH_MAX {
                        self.send_spans(&mut batch).await;
                    }
                }
                _ = hand_on.tick(), if !batch.is_empty() => self.send_spans(&mut batch).await,
                _ = tell.tick() => self.send_metrics().await,
                Some(done) = orders.recv() => {
                    while let Ok(span) = waiting.try_recv() {
                        batch.push(span);
                    }
                    self.send_spans(&mut batch).await;
                    self.send_metrics().await;
                    // Whoever asked may have gone.
                    let _ = done.send(());
                }
            }
        }
    }

    async fn send_spans(&mut self, batch: &mut Vec<Vec<u8>>) {
        let spans = std::mem::take(batch);
        let Some(End(upstream)) = self.traces.as_ref().filter(|_| !spans.is_empty()) else {
            return;
        };
        let body = request(&self.resource, |scope| {
            for span in &spans {
                scope.bytes(2, span);
            }
        });
        let sent = send(&upstream.clone(), &self.headers, body.into()).await;
        if self.is_lost("traces", sent) {
            let lost = u64::try_from(spans.len()).unwrap_or(u64::MAX);
            self.dropped.fetch_add(lost, Ordering::Relaxed);
        }
    }

    async fn send_metrics(&mut self) {
        let Some((End(upstream), metrics)) = &self.metrics else {
            return;
        };
        let body = request(&self.resource, |scope| {
            counted::write(scope, metrics, self.started);
        });
        let sent = send(&upstream.clone(), &self.headers, body.into()).await;
        self.is_lost("metrics", sent);
    }

    fn is_lost(&mut self, signal: &'static str, sent: Result<(), Refused>) -> bool {
        let Err(refused) = sent else {
            self.complained = None;
            return false;
        };
        if self
            .complained
            .is_none_or(|last| last.elapsed() >= COMPLAIN_EVERY)
        {
            self.complained = Some(Instant::now());
            tracing::warn!(
                signal,
                error = %with_causes(&refused),
                "the collector took nothing; what it was sent is lost"
            );
        }
        true
    }
}

/// Why a collector took nothing.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("it answered with status {0}")]
    Status(http::StatusCode),
    #[error("it gave no answer")]
    Silent(#[source] UpstreamError),
}

impl Refused {
    /// By the specification of OTLP, section "Retryable Response Codes".
    fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Self::Silent(error) => error.may_pass(),
        }
    }
}

async fn send(upstream: &Upstream, headers: &HeaderMap, body: Bytes) -> Result<(), Refused> {
    let mut attempt = 1;
    loop {
        let request = Request {
            method: Method::POST,
            target: String::new(),
            headers: headers.clone(),
            body: body.clone(),
        };
        let refused = match upstream.send(request, &HeaderMap::new(), None).await {
            Ok(answer) if answer.status.is_success() => return Ok(()),
            Ok(answer) => Refused::Status(answer.status),
            Err(error) => Refused::Silent(error),
        };
        if attempt == ATTEMPTS_MAX || !refused.may_pass() {
            return Err(refused);
        }
        tokio::time::sleep(Duration::from_secs(attempt.into())).await;
        attempt += 1;
    }
}
