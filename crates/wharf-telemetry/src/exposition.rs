//! What was counted, in Prometheus' text format:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>
//!
//! The pieces are for those who give the same numbers other names.

use std::fmt::Write as _;

use crate::family::{BOUNDS_S, Counted, Family};
use crate::metrics::Metrics;

pub(crate) fn render(metrics: &Metrics) -> String {
    let mut out = String::new();
    family(&mut out, &metrics.operations);
    family(&mut out, &metrics.requests);
    family(&mut out, &metrics.exchanges);
    let mut named = "";
    for gauge in metrics.gauges() {
        let mut name = plain(gauge.name);
        if gauge.is_counter {
            name.push_str("_total");
        }
        if named != gauge.name {
            named = gauge.name;
            let kind = if gauge.is_counter { "counter" } else { "gauge" };
            head(&mut out, &name, kind, gauge.help);
        }
        let labels = gauge
            .label
            .map_or_else(String::new, |(label, value)| pair(label, &value));
        sample(&mut out, &name, &labels, gauge.value);
    }
    out
}

fn family<const N: usize>(out: &mut String, family: &Family<N>) {
    let name = format!("{}_seconds", plain(family.name));
    head(out, &name, "histogram", family.help);
    family.each(|values, counted| {
        let pairs: Vec<_> = family
            .labels
            .iter()
            .zip(values)
            .map(|(label, value)| pair(label, value))
            .collect();
        histogram(out, &name, &pairs.join(","), &counted);
    });
}

/// A histogram's samples.
pub fn histogram(out: &mut String, name: &str, labels: &str, counted: &Counted) {
    let mut below = 0;
    for (bound, count) in BOUNDS_S.iter().zip(counted.buckets) {
        below += count;
        let labels = format!("{labels},le=\"{bound:?}\"");
        sample(out, &format!("{name}_bucket"), &labels, below);
    }
    let all = format!("{labels},le=\"+Inf\"");
    sample(out, &format!("{name}_bucket"), &all, counted.count);
    sample(out, &format!("{name}_sum"), labels, counted.sum_s);
    sample(out, &format!("{name}_count"), labels, counted.count);
}

/// OpenTelemetry's names have dots, which not every Prometheus takes.
fn plain(name: &str) -> String {
    name.replace('.', "_")
}

/// A label and its value, as the format wants them.
pub fn pair(label: &str, value: &str) -> String {
    let value = value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("{}=\"{value}\"", plain(label))
}

/// What a metric is, before its samples.
pub fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

/// One sample; `labels` are pairs with commas between them.
pub fn sample(out: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = if labels.is_empty() {
        writeln!(out, "{name} {value}")
    } else {
        writeln!(out, "{name}{{{labels}}} {value}")
    };
}
