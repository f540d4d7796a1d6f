//! Upstreams on loopback, well-behaved and not, and what a call makes of them.

#![expect(
    clippy::unwrap_used,
    reason = "how a test fails; the lint's own exception does not see the helpers of a test"
)]

mod aws;
mod breaker;
mod credentials;
mod faults;
mod fetch;
mod guard;
mod issued;
mod limits;
mod pool;
mod proxies;
mod redirects;
mod retries;
mod schemes;
mod server;
mod tls;

use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method};
use wharf_upstream::{Config, Request, Response, Retries, Seconds, Trust, Upstream, UpstreamError};

/// A configuration that does not make tests wait.
fn config() -> Config {
    Config {
        retries: Retries {
            max: 2,
            wait_s: seconds(0.01),
        },
        ..Config::default()
    }
}

fn seconds(seconds: f64) -> Seconds {
    Seconds::try_from(seconds).expect("a valid time")
}

fn request(method: Method, target: &str) -> Request {
    Request {
        method,
        target: target.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

fn get(target: &str) -> Request {
    request(Method::GET, target)
}

/// Sends one request to an upstream that the operator named.
async fn send(config: &Config, base: &str, request: Request) -> Result<Response, UpstreamError> {
    Upstream::new(config, base, Trust::Operator)?
        .send(request, &HeaderMap::new(), None)
        .await
}

/// Everything an error can show to anybody.
fn everything(error: &UpstreamError) -> String {
    let mut text = format!(
        "{error}\n{error:?}\n{:?}\n{}",
        error.hint(),
        error.for_caller()
    );
    let mut cause = error.source();
    while let Some(current) = cause {
        text = format!("{text}\n{current}\n{current:?}");
        cause = current.source();
    }
    text
}

/// Fails when `work` takes longer than a limit that is far above what it needs.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), work)
        .await
        .expect("ends by itself")
}

fn since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64()
}
