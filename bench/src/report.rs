//! Rounds into a table: medians, and ratios that are taken inside a round.

use std::fmt;
use std::time::Duration;

use crate::load::Measured;

/// The name of the subject that ratios are taken to.
pub const LIMIT: &str = "limit";

/// One subject under one load, once.
#[derive(Debug)]
pub struct Sample {
    rate: f64,
    p50: Duration,
    p99: Duration,
    /// Processor seconds for 1,000 calls.
    processor_s: Option<f64>,
    /// How many requests reached the API for each call.
    upstream_calls: f64,
}

impl Sample {
    /// From a load, the processor time that the subject took meanwhile, and how many requests reached the API.
    pub fn new(measured: &Measured, processor_time: Option<Duration>, upstream_calls: u32) -> Self {
        let calls = measured.calls();
        Self {
            rate: measured.rate(),
            p50: measured.percentile(50),
            p99: measured.percentile(99),
            processor_s: processor_time.map(|time| time.as_secs_f64() * 1_000.0 / calls),
            upstream_calls: f64::from(upstream_calls) / calls,
        }
    }
}

/// All rounds of one load.
#[derive(Debug)]
pub struct Section {
    /// What the load was.
    pub title: String,
    /// Each subject with its samples, one for each round, in the order of the rounds.
    pub subjects: Vec<(&'static str, Vec<Sample>)>,
}

impl Section {
    fn limit(&self) -> Option<&[Sample]> {
        self.subjects
            .iter()
            .find_map(|(name, samples)| (*name == LIMIT).then_some(samples.as_slice()))
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        writeln!(
            f,
            "  {:<9} {:>9}  {:>19}  {:>8}  {:>8}  {:>13}  {:>8}",
            "", "calls/s", "ratio to the limit", "p50 µs", "p99 µs", "CPU s / 1,000", "upstream"
        )?;
        for (name, samples) in &self.subjects {
            let ratios = self.limit().map(|limit| {
                Spread::of(
                    samples
                        .iter()
                        .zip(limit)
                        .map(|(one, limit)| one.rate / limit.rate),
                )
            });
            let processor: Option<Vec<f64>> = samples.iter().map(|one| one.processor_s).collect();
            writeln!(
                f,
                "  {name:<9} {:>9.0}  {:>19}  {:>8.0}  {:>8.0}  {:>13}  {:>8.2}",
                Spread::of(samples.iter().map(|one| one.rate)).median,
                ratios.map_or_else(|| "–".to_owned(), |ratios| ratios.to_string()),
                Spread::of(samples.iter().map(|one| one.p50.as_secs_f64() * 1e6)).median,
                Spread::of(samples.iter().map(|one| one.p99.as_secs_f64() * 1e6)).median,
                processor.map_or_else(
                    || "–".to_owned(),
                    |seconds| format!("{:.4}", Spread::of(seconds).median)
                ),
                Spread::of(samples.iter().map(|one| one.upstream_calls)).median,
            )?;
        }
        Ok(())
    }
}

/// The middle and the ends of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Half of the numbers are below.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// Of any numbers; of none it is not a number.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut numbers: Vec<f64> = numbers.into_iter().collect();
        numbers.sort_by(f64::total_cmp);
        Self {
            median: numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN),
            least: numbers.first().copied().unwrap_or(f64::NAN),
            most: numbers.last().copied().unwrap_or(f64::NAN),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.median, self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_inside_a_round() {
        let samples = |rates: [u64; 3]| {
            rates
                .into_iter()
                .map(|calls| {
                    let measured = Measured {
                        latencies: vec![Duration::from_micros(50); usize::try_from(calls).unwrap()],
                        elapsed: Duration::from_secs(1),
                    };
                    Sample::new(&measured, Some(Duration::from_millis(20)), 100)
                })
                .collect::<Vec<_>>()
        };
        // The machine was twice as fast in the second round: the ratio does not see it.
        let section = Section {
            title: "getPet, connections: 16".to_owned(),
            subjects: vec![
                (LIMIT, samples([100, 200, 100])),
                ("wharf", samples([90, 180, 80])),
            ],
        };
        let table = section.to_string();
        assert!(table.contains("0.90 (0.80–0.90)"), "{table}");
        assert!(table.contains("1.00 (1.00–1.00)"), "{table}");
    }
}
