//! Which traces are recorded, by the samplers that OpenTelemetry's variables name.

use wharf_model::TraceContext;

use crate::config::Sampler;

impl Sampler {
    /// Whether a span of `trace_id` under `parent` is recorded.
    pub(crate) fn decides(self, trace_id: u128, parent: Option<&TraceContext>) -> bool {
        match (self, parent) {
            (Self::AlwaysOn {}, _) | (Self::ParentbasedAlwaysOn {}, None) => true,
            (Self::AlwaysOff {}, _) | (Self::ParentbasedAlwaysOff {}, None) => false,
            (Self::Traceidratio { ratio }, _) | (Self::ParentbasedTraceidratio { ratio }, None) => {
                is_within(trace_id, ratio)
            }
            (
                Self::ParentbasedAlwaysOn {}
                | Self::ParentbasedAlwaysOff {}
                | Self::ParentbasedTraceidratio { .. },
                Some(parent),
            ) => parent.is_sampled(),
        }
    }
}

/// By the id's last 56 bits, which are the random ones, so that every service decides alike.
fn is_within(trace_id: u128, ratio: f64) -> bool {
    const BITS: u32 = 56;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of 56 bits, between none and all of it"
    )]
    let bound = (ratio.clamp(0.0, 1.0) * (1_u64 << BITS) as f64) as u128;
    trace_id & ((1 << BITS) - 1) < bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samplers_decide_as_they_are_called() {
        let parent = |is_sampled: bool| {
            TraceContext::parse(
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                None,
            )
            .map(|context| context.sampled(is_sampled))
        };
        let half = 0.5;
        for (sampler, trace_id, parent, expected) in [
            (Sampler::AlwaysOn {}, 1, parent(false), true),
            (Sampler::AlwaysOff {}, 1, parent(true), false),
            (Sampler::ParentbasedAlwaysOn {}, 1, None, true),
            (Sampler::ParentbasedAlwaysOn {}, 1, parent(false), false),
            (Sampler::ParentbasedAlwaysOff {}, 1, None, false),
            (Sampler::ParentbasedAlwaysOff {}, 1, parent(true), true),
            (
                Sampler::Traceidratio { ratio: half },
                1,
                parent(false),
                true,
            ),
            (
                Sampler::Traceidratio { ratio: half },
                (1 << 56) - 1,
                None,
                false,
            ),
            (Sampler::Traceidratio { ratio: 1.0 }, u128::MAX, None, true),
            (Sampler::Traceidratio { ratio: 0.0 }, 0, None, false),
            (
                Sampler::ParentbasedTraceidratio { ratio: 0.0 },
                1,
                None,
                false,
            ),
            (
                Sampler::ParentbasedTraceidratio { ratio: 0.0 },
                1,
                parent(true),
                true,
            ),
        ] {
            let decided = sampler.decides(trace_id, parent.as_ref());
            assert_eq!(decided, expected, "{sampler:?} {trace_id} {parent:?}");
        }
    }
}
