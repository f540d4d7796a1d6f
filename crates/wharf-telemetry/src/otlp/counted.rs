//! What was counted, as `opentelemetry.proto.metrics.v1`: sums since the start of the process.

use std::time::SystemTime;

use super::protobuf::Message;
use super::spans::nanos;
use crate::family::{BOUNDS_S, Counted, Family};
use crate::metrics::{Gauge, Metrics};
use crate::names;

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`
const CUMULATIVE: u64 = 2;
/// The field `metrics` of a scope.
const METRICS: u64 = 2;

/// Labels that are numbers by the conventions, though Prometheus has texts alone.
const NUMBERS: [&str; 2] = [names::HTTP_STATUS, names::SERVER_PORT];

pub(crate) fn write(scope: &mut Message, metrics: &Metrics, started: SystemTime) {
    let times = (nanos(started), nanos(SystemTime::now()));
    family(scope, &metrics.operations, times);
    family(scope, &metrics.requests, times);
    family(scope, &metrics.exchanges, times);
    let gauges = metrics.gauges();
    for alike in gauges.chunk_by(|one, next| one.name == next.name) {
        numbers(scope, alike, times);
    }
}

fn family<const N: usize>(scope: &mut Message, family: &Family<N>, times: (u64, u64)) {
    let mut points = Vec::new();
    family.each(|values, counted| {
        let mut point = Message::default();
        for (label, value) in family.labels.iter().zip(values) {
            match value.parse() {
                Ok(number) if NUMBERS.contains(label) => point.whole(9, label, number),
                _ => point.attribute(9, label, value),
            }
        }
        histogram(&mut point, &counted, times);
        points.push(point.into_bytes());
    });
    if points.is_empty() {
        return;
    }
    scope.message(METRICS, |metric| {
        metric.text(1, family.name);
        metric.text(2, family.help);
        metric.text(3, "s");
        metric.message(9, |histogram| {
            for point in &points {
                histogram.bytes(1, point);
            }
            histogram.number(2, CUMULATIVE);
        });
    });
}

fn histogram(point: &mut Message, counted: &Counted, (started, now): (u64, u64)) {
    point.fixed64(2, started);
    point.fixed64(3, now);
    point.fixed64(4, counted.count);
    point.double(5, counted.sum_s);
    point.packed(6, counted.buckets.into_iter());
    point.packed(7, BOUNDS_S.iter().map(|bound| bound.to_bits()));
}

/// Gauges of one name.
fn numbers(scope: &mut Message, gauges: &[Gauge], (started, now): (u64, u64)) {
    let Some(first) = gauges.first() else { return };
    let points = |out: &mut Message| {
        for gauge in gauges {
            out.message(1, |point| {
                point.fixed64(2, started);
                point.fixed64(3, now);
                point.double(4, gauge.value);
                if let Some((label, value)) = &gauge.label {
                    point.attribute(7, label, value);
                }
            });
        }
    };
    scope.message(METRICS, |metric| {
        metric.text(1, first.name);
        metric.text(2, first.help);
        // The only one that the conventions know.
        if first.name == names::REQUESTS_ACTIVE {
            metric.text(3, "{request}");
        }
        if first.is_counter {
            metric.message(7, |sum| {
                points(sum);
                sum.number(2, CUMULATIVE);
                sum.number(3, 1);
            });
        } else {
            metric.message(5, points);
        }
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_the_conventions_require_is_there() {
        let metrics = Metrics::default();
        let took = Duration::from_millis(1);
        metrics.requests.add(["GET", "/mcp", "200", "http"], took);
        let exchange = ["api", "GET", "/x", "404", "404", "api.example.com", "443"];
        metrics.exchanges.add(exchange, took);
        let mut scope = Message::default();
        write(&mut scope, &metrics, SystemTime::now());
        let written = scope.into_bytes();
        for (row, expected) in [
            (
                "the scheme of requests",
                (|out| out.attribute(9, names::URL_SCHEME, "http")) as fn(&mut Message),
            ),
            ("a status", |out| out.whole(9, names::HTTP_STATUS, 404)),
            ("why", |out| out.attribute(9, names::ERROR_TYPE, "404")),
            ("the host", |out| {
                out.attribute(9, names::SERVER_ADDRESS, "api.example.com");
            }),
            ("the port", |out| out.whole(9, names::SERVER_PORT, 443)),
            ("the unit of requests under way", |out| {
                out.text(3, "{request}");
            }),
        ] {
            let mut part = Message::default();
            expected(&mut part);
            let part = part.into_bytes();
            let is_there = written.windows(part.len()).any(|window| window == part);
            assert!(is_there, "{row}");
        }
    }
}
