//! What was counted, by the names that the other server registered and never raised, as text for Prometheus.

use std::collections::BTreeMap;

use wharf_telemetry::exposition::{head, histogram, pair, sample};
use wharf_telemetry::{Counted, Metrics};

/// What was counted under one set of labels.
#[derive(Default)]
struct Sums {
    /// By status.
    by_status: BTreeMap<String, u64>,
    errors: u64,
    took: Counted,
}

type ByLabels = BTreeMap<String, Sums>;

/// Everything, in Prometheus' text format.
pub(crate) fn render(metrics: &Metrics) -> String {
    let mut requests = ByLabels::new();
    metrics.each_exchange(|tally| {
        let [method, path, status] = tally.labels.as_slice() else {
            return;
        };
        let labels = format!("{},{}", pair("method", method), pair("path", path));
        let status = if status.is_empty() { "error" } else { *status };
        add(&mut requests, labels, status, tally.error, &tally.counted);
    });
    let mut tools = ByLabels::new();
    metrics.each_call(|tally| {
        let labels = pair("tool", tally.labels.first().copied().unwrap_or_default());
        let status = if tally.error.is_empty() {
            "success"
        } else {
            "error"
        };
        add(&mut tools, labels, status, tally.error, &tally.counted);
    });
    let mut out = String::new();
    for (family, kind, of_all, of_errors, of_times) in [
        (
            &requests,
            "mcp_api",
            "Requests to the API.",
            "Requests to the API that failed.",
            "Seconds that requests to the API took.",
        ),
        (
            &tools,
            "mcp_tool",
            "Calls of tools.",
            "Calls of tools that failed.",
            "Seconds that calls of tools took.",
        ),
    ] {
        let is_tools = kind == "mcp_tool";
        let all = format!(
            "{kind}_{}_total",
            if is_tools { "calls" } else { "requests" }
        );
        head(&mut out, &all, "counter", of_all);
        for (labels, sums) in family {
            for (status, count) in &sums.by_status {
                let labels = format!("{labels},{}", pair("status", status));
                sample(&mut out, &all, &labels, count);
            }
        }
        let errors = format!("{kind}_errors_total");
        head(&mut out, &errors, "counter", of_errors);
        for (labels, sums) in family {
            sample(&mut out, &errors, labels, sums.errors);
        }
        let times = format!(
            "{kind}_{}duration_seconds",
            if is_tools { "" } else { "request_" }
        );
        head(&mut out, &times, "histogram", of_times);
        for (labels, sums) in family {
            histogram(&mut out, &times, labels, &sums.took);
        }
    }
    out
}

fn add(sums: &mut ByLabels, labels: String, status: &str, error: &str, counted: &Counted) {
    let sums = sums.entry(labels).or_default();
    *sums.by_status.entry(status.to_owned()).or_default() += counted.count;
    if !error.is_empty() {
        sums.errors += counted.count;
    }
    sums.took.add(counted);
}
