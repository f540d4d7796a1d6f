//! Histograms by labels, which are counted into without a lock.
//!
//! A family's members are found in a map that is never changed, only replaced by a larger one, which happens once for
//! each new set of labels. Their number is bounded: what comes beyond is counted together.

use std::array;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use indexmap::{Equivalent, IndexMap};

/// Upper bounds of the buckets in seconds, as OpenTelemetry's conventions for HTTP and MCP advise, with two smaller ones:
/// many tools answer faster than others look at their clock.
pub(crate) const BOUNDS_S: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// How many sets of labels a family has: a thousand tools in use, each with two outcomes. Prometheus keeps twenty series for
/// each.
const MEMBERS_MAX: usize = 2_048;

/// The labels of everything beyond.
pub(crate) const OVERFLOW: &str = "other";

/// How long things took.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// The last one has no bound.
    buckets: [AtomicU64; BOUNDS_S.len() + 1],
    sum_us: AtomicU64,
}

/// What a histogram holds at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counted {
    /// By bucket, not added up.
    pub(crate) buckets: [u64; BOUNDS_S.len() + 1],
    /// All of them.
    pub count: u64,
    /// Seconds, added up.
    pub sum_s: f64,
}

impl Histogram {
    pub(crate) fn add(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS_S.partition_point(|bound| *bound < seconds);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    pub(crate) fn counted(&self) -> Counted {
        let buckets = array::from_fn(|at| self.buckets[at].load(Ordering::Relaxed));
        #[expect(
            clippy::cast_precision_loss,
            reason = "centuries of microseconds fit into 53 bits"
        )]
        let sum_s = self.sum_us.load(Ordering::Relaxed) as f64 / 1e6;
        Counted {
            buckets,
            count: buckets.iter().sum(),
            sum_s,
        }
    }
}

impl Counted {
    /// Takes another together with this.
    pub fn add(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += more;
        }
        self.count += other.count;
        self.sum_s += other.sum_s;
    }
}

/// Histograms of one name, told apart by `N` labels.
#[derive(Debug)]
pub(crate) struct Family<const N: usize> {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) labels: [&'static str; N],
    members: ArcSwap<Members<N>>,
    /// Held only while a member is added.
    growing: Mutex<()>,
}

type Members<const N: usize> = IndexMap<Arc<[Box<str>; N]>, Arc<Histogram>>;

/// Labels that are borrowed: they are copied only for a new member.
#[derive(Clone, Copy)]
struct Borrowed<'a, const N: usize>([&'a str; N]);

impl<const N: usize> Hash for Borrowed<'_, N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<const N: usize> Equivalent<Arc<[Box<str>; N]>> for Borrowed<'_, N> {
    fn equivalent(&self, key: &Arc<[Box<str>; N]>) -> bool {
        self.0
            .iter()
            .zip(&**key)
            .all(|(own, other)| **own == **other)
    }
}

impl<const N: usize> Family<N> {
    pub(crate) fn new(name: &'static str, help: &'static str, labels: [&'static str; N]) -> Self {
        Self {
            name,
            help,
            labels,
            members: ArcSwap::default(),
            growing: Mutex::new(()),
        }
    }

    pub(crate) fn add(&self, labels: [&str; N], took: Duration) {
        if let Some(member) = self.members.load().get(&Borrowed(labels)) {
            member.add(took);
            return;
        }
        self.grow(labels).add(took);
    }

    fn grow(&self, labels: [&str; N]) -> Arc<Histogram> {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let members = self.members.load();
        let labels = if members.len() < MEMBERS_MAX {
            labels
        } else {
            [OVERFLOW; N]
        };
        if let Some(member) = members.get(&Borrowed(labels)) {
            return member.clone();
        }
        let member = Arc::<Histogram>::default();
        let mut larger = Members::clone(&members);
        larger.insert(Arc::new(labels.map(Into::into)), member.clone());
        self.members.store(Arc::new(larger));
        member
    }

    /// Each member as it is now, in the order in which they came.
    pub(crate) fn each(&self, mut take: impl FnMut(&[Box<str>; N], Counted)) {
        for (labels, member) in self.members.load().iter() {
            take(labels, member.counted());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_again_and_bounded() {
        let family = Family::new("a", "b", ["tool", "error"]);
        let took = Duration::from_millis(60);
        family.add(["getPet", ""], took);
        family.add(["getPet", ""], took);
        family.add(["getPet", "x"], took);
        // A label that runs over into the next one is another label.
        family.add(["getPetx", ""], took);
        let mut found = Vec::new();
        family.each(|labels, counted| found.push((labels.join("|"), counted.count)));
        let expected = [("getPet|", 2), ("getPet|x", 1), ("getPetx|", 1)];
        assert_eq!(
            found,
            expected.map(|(labels, count)| (labels.to_owned(), count))
        );

        for number in 0..MEMBERS_MAX + 100 {
            family.add([&number.to_string(), ""], took);
        }
        let (mut members, mut count, mut beyond) = (0, 0, 0);
        family.each(|labels, counted| {
            members += 1;
            count += counted.count;
            if &*labels[0] == OVERFLOW {
                beyond += counted.count;
            }
        });
        assert_eq!(members, MEMBERS_MAX + 1, "and one for the rest");
        assert_eq!(count, 4 + MEMBERS_MAX as u64 + 100, "nothing is lost");
        assert_eq!(beyond, 103);
    }

    #[test]
    fn a_value_on_a_bound_is_below_it() {
        let histogram = Histogram::default();
        for ms in [1, 2, 10_000, 10_001] {
            histogram.add(Duration::from_millis(ms));
        }
        let counted = histogram.counted();
        assert_eq!(counted.buckets[0], 1, "1 ms");
        assert_eq!(counted.buckets[1], 1, "2 ms");
        assert_eq!(counted.buckets[BOUNDS_S.len() - 1], 1, "10 s");
        assert_eq!(counted.buckets[BOUNDS_S.len()], 1, "beyond");
        assert_eq!(counted.count, 4);
        assert!((counted.sum_s - 20.004).abs() < 1e-9);
    }
}
