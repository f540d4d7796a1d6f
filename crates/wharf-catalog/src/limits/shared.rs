//! Counting together with other replicas. What keeps the counts is not known here: the owner of the store hands over a
//! way to count.

use std::sync::Arc;
use std::time::Duration;

use wharf_model::{BoxFuture, CallError, Caller};

use super::admission::{Called, RETRY_AFTER};
use super::{LimitRule, LimitsConfig, Per, WithoutStore};

/// How often something happened in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedCount {
    /// How often, this time included.
    pub count: u64,
    /// When the window ends, and counting begins anew.
    pub ends_in: Duration,
}

/// Counts one more of a name in a window; nothing where there is no answer. A name tells who calls, so whatever keeps
/// it keeps its digest at most.
pub type SharedCounter =
    Arc<dyn Fn(String, Duration) -> BoxFuture<'static, Option<SharedCount>> + Send + Sync>;

/// Counts a call under one rule together with the other replicas.
pub(super) async fn count(
    counter: &SharedCounter,
    config: &LimitsConfig,
    number: usize,
    caller: &Caller,
    what: Called<'_>,
) -> Result<(), CallError> {
    let rule = &config.rules[number];
    let Some(calls_max) = rule.calls_max else {
        return Ok(());
    };
    let window = Duration::from_secs(rule.window_s.get().into());
    let answer = counter(name(rule, number, caller, what), window).await;
    match (answer, config.without_store) {
        (Some(SharedCount { count, ends_in }), _) if count > calls_max.get().into() => {
            Err(CallError::TooManyCalls {
                retry_after: ends_in,
            })
        }
        (Some(_), _) | (None, WithoutStore::Allow) => Ok(()),
        (None, WithoutStore::Refuse) => Err(CallError::Overloaded {
            retry_after: RETRY_AFTER,
        }),
    }
}

/// The same in every replica. Quoted parts cannot run into each other.
fn name(rule: &LimitRule, number: usize, caller: &Caller, what: Called<'_>) -> String {
    let by_caller = matches!(rule.per, Per::Caller | Per::CallerAndTool);
    let by_tool = matches!(rule.per, Per::Tool | Per::CallerAndTool);
    let caller = by_caller.then(|| (caller.issuer(), caller.subject()));
    let tool = by_tool.then_some(what.name);
    format!("limit {number} {caller:?} {tool:?}")
}
