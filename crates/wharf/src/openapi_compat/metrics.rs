//! Counters by the names that the other server registered and never raised, as text for Prometheus.
//!
//! Only where metrics are switched on does anything here run. Labels come from the document (paths as it writes them,
//! names of tools), so their number is bounded by it, whatever clients send.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};

/// Upper bounds of the histograms' buckets in seconds: those of Prometheus' client libraries.
const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// What has been counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// By path, then by method.
    requests: Mutex<BTreeMap<String, BTreeMap<String, Requests>>>,
    /// By tool.
    tools: Mutex<BTreeMap<String, Calls>>,
}

#[derive(Debug, Default)]
struct Requests {
    /// By status; 0 where there was no answer.
    by_status: BTreeMap<u16, u64>,
    errors: u64,
    took: Histogram,
}

#[derive(Debug, Default)]
struct Calls {
    succeeded: u64,
    failed: u64,
    took: Histogram,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum_s: f64,
}

impl Metrics {
    /// A request to the API.
    pub(super) fn requested(
        &self,
        method: &Method,
        path: &str,
        status: Option<StatusCode>,
        took: Duration,
    ) {
        let mut requests = lock(&self.requests);
        let requests = entry(entry(&mut requests, path), method.as_str());
        let code = status.map_or(0, |status| status.as_u16());
        *requests.by_status.entry(code).or_default() += 1;
        if status.is_none_or(|status| status.is_client_error() || status.is_server_error()) {
            requests.errors += 1;
        }
        requests.took.add(took);
    }

    /// A call of a tool.
    pub(super) fn called(&self, tool: &str, is_error: bool, elapsed: Duration) {
        let mut tools = lock(&self.tools);
        let calls = entry(&mut tools, tool);
        if is_error {
            calls.failed += 1;
        } else {
            calls.succeeded += 1;
        }
        calls.took.add(elapsed);
    }

    /// Everything, in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        let requests = lock(&self.requests);
        let each = || {
            requests.iter().flat_map(|(path, methods)| {
                methods.iter().map(move |(method, requests)| {
                    let labels = format!("method={},path={}", quoted(method), quoted(path));
                    (labels, requests)
                })
            })
        };
        head(
            &mut out,
            "mcp_api_requests_total",
            "counter",
            "Requests to the API.",
        );
        for (labels, requests) in each() {
            for (status, count) in &requests.by_status {
                let status = if *status == 0 {
                    "error".to_owned()
                } else {
                    status.to_string()
                };
                let labels = format!("{labels},status=\"{status}\"");
                sample(&mut out, "mcp_api_requests_total", &labels, count);
            }
        }
        head(
            &mut out,
            "mcp_api_errors_total",
            "counter",
            "Requests to the API that failed.",
        );
        for (labels, requests) in each() {
            sample(&mut out, "mcp_api_errors_total", &labels, requests.errors);
        }
        let name = "mcp_api_request_duration_seconds";
        head(
            &mut out,
            name,
            "histogram",
            "Seconds that requests to the API took.",
        );
        for (labels, requests) in each() {
            requests.took.render(&mut out, name, &labels);
        }
        drop(requests);

        let tools = lock(&self.tools);
        let each = || {
            tools
                .iter()
                .map(|(tool, calls)| (format!("tool={}", quoted(tool)), calls))
        };
        head(
            &mut out,
            "mcp_tool_calls_total",
            "counter",
            "Calls of tools.",
        );
        for (labels, calls) in each() {
            for (status, count) in [("success", calls.succeeded), ("error", calls.failed)] {
                if count > 0 {
                    let labels = format!("{labels},status=\"{status}\"");
                    sample(&mut out, "mcp_tool_calls_total", &labels, count);
                }
            }
        }
        head(
            &mut out,
            "mcp_tool_errors_total",
            "counter",
            "Calls of tools that failed.",
        );
        for (labels, calls) in each() {
            sample(&mut out, "mcp_tool_errors_total", &labels, calls.failed);
        }
        let name = "mcp_tool_duration_seconds";
        head(
            &mut out,
            name,
            "histogram",
            "Seconds that calls of tools took.",
        );
        for (labels, calls) in each() {
            calls.took.render(&mut out, name, &labels);
        }
        out
    }
}

impl Histogram {
    fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.count += 1;
        self.sum_s += seconds;
        if let Some(place) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            self.buckets[place] += 1;
        }
    }

    fn render(&self, out: &mut String, name: &str, labels: &str) {
        let mut below = 0;
        for (bound, count) in BOUNDS.iter().zip(self.buckets) {
            below += count;
            let labels = format!("{labels},le=\"{bound:?}\"");
            sample(out, &format!("{name}_bucket"), &labels, below);
        }
        let all = format!("{labels},le=\"+Inf\"");
        sample(out, &format!("{name}_bucket"), &all, self.count);
        sample(out, &format!("{name}_sum"), labels, self.sum_s);
        sample(out, &format!("{name}_count"), labels, self.count);
    }
}

/// Counting goes on after a panic elsewhere: a number is never half written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The value of `key`, made where it is not there; the key is copied only then.
fn entry<'m, V: Default>(map: &'m mut BTreeMap<String, V>, key: &str) -> &'m mut V {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), V::default());
    }
    map.get_mut(key)
        .expect("it was put there if it was missing")
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn sample(out: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = writeln!(out, "{name}{{{labels}}} {value}");
}

/// A label's value as the text format wants it.
fn quoted(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_rendered() {
        let metrics = Metrics::default();
        let took = Duration::from_millis(60);
        metrics.requested(&Method::GET, "/pets/{id}", Some(StatusCode::OK), took);
        metrics.requested(
            &Method::GET,
            "/pets/{id}",
            Some(StatusCode::NOT_FOUND),
            took,
        );
        metrics.requested(&Method::GET, "/a\"b\\", None, Duration::from_secs(60));
        metrics.called("getPet", false, took);
        metrics.called("getPet", true, took);
        let text = metrics.render();
        for line in [
            "# TYPE mcp_api_requests_total counter",
            r#"mcp_api_requests_total{method="GET",path="/pets/{id}",status="200"} 1"#,
            r#"mcp_api_requests_total{method="GET",path="/pets/{id}",status="404"} 1"#,
            r#"mcp_api_requests_total{method="GET",path="/a\"b\\",status="error"} 1"#,
            r#"mcp_api_errors_total{method="GET",path="/pets/{id}"} 1"#,
            r#"mcp_api_request_duration_seconds_bucket{method="GET",path="/pets/{id}",le="0.05"} 0"#,
            r#"mcp_api_request_duration_seconds_bucket{method="GET",path="/pets/{id}",le="0.075"} 2"#,
            r#"mcp_api_request_duration_seconds_bucket{method="GET",path="/a\"b\\",le="10.0"} 0"#,
            r#"mcp_api_request_duration_seconds_bucket{method="GET",path="/a\"b\\",le="+Inf"} 1"#,
            r#"mcp_api_request_duration_seconds_count{method="GET",path="/pets/{id}"} 2"#,
            r#"mcp_tool_calls_total{tool="getPet",status="success"} 1"#,
            r#"mcp_tool_calls_total{tool="getPet",status="error"} 1"#,
            r#"mcp_tool_errors_total{tool="getPet"} 1"#,
            r#"mcp_tool_duration_seconds_sum{tool="getPet"} 0.12"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
