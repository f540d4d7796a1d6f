//! How much callers may call: how often, and how much at one time.
//!
//! Everything stands in front of a call and takes no part in it: [`Admission::enter`] gives a place that is left when
//! the call is over, or says when another try makes sense. What is counted is counted in this process, and under rules on
//! top of that in a store that replicas share, where there is one.

mod admission;
mod places;
mod rate;
mod shared;

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf_model::Caller;

pub(crate) use self::admission::{Admission, Admitted, Called};
pub use self::shared::{NoAnswer, SharedCount, SharedLimits, SharedPlace};
use crate::pattern::ToolPattern;

/// How much callers may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Calls that the whole server works on at one time; more wait. Default: no limit; what the upstreams bear is for
    /// their own limits to say.
    pub calls_in_flight_max: Option<NonZeroU32>,
    /// Calls that may wait for a place of `calls_in_flight_max`; more are refused at once (503 with `Retry-After`), which
    /// keeps a server that has too much to do quick for those it serves. Default: 100.
    pub calls_waiting_max: u32,
    /// Milliseconds that a call may wait for a place before it is refused. Default: 2,000; a client that waits longer has
    /// usually given up, and its call would be work for nobody.
    pub waiting_ms_max: u32,
    /// Whether all replicas keep to the `rules` together, in the store that `store` names. Each counts by itself as well, so
    /// that a caller who has too much does not reach the store. Default: false.
    pub shared: bool,
    /// What is done with a call while the store gives no answer: `allow` or `refuse` it. Default: `allow`; each replica
    /// keeps to its own counts then, and a store that is down takes nothing else down with it.
    pub without_store: WithoutStore,
    /// Limits for callers and tools. Each that fits a call must have room for it.
    pub rules: Vec<LimitRule>,
}

/// What is done with a call that the shared store cannot count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WithoutStore {
    /// It is let through where this replica's own counts permit it.
    #[default]
    Allow,
    /// It is refused with 503.
    Refuse,
}

/// A limit for callers or tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitRule {
    /// The tools whose calls count: those that any of these matches. Default: all, and prompts, resources and searches
    /// for tools as well.
    pub tools: Vec<ToolPattern>,
    /// Who shares the limit. Default: `caller`.
    pub per: Per,
    /// Calls in `window_s`; more are refused (429 with `Retry-After`). Default: no limit.
    pub calls_max: Option<NonZeroU32>,
    /// Seconds that `calls_max` is for. Default: 60.
    pub window_s: NonZeroU32,
    /// How many of `calls_max` may come at once, where nothing came for a while; the others are spread over the window.
    /// Default: all of them.
    pub burst: Option<NonZeroU32>,
    /// Calls at one time; more are refused (429). Default: no limit.
    pub calls_in_flight_max: Option<NonZeroU32>,
}

/// Who shares a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Each caller has the whole limit. All who have not signed in are one caller.
    #[default]
    Caller,
    /// Each tool has it, whoever calls.
    Tool,
    /// Each caller has it for each tool.
    CallerAndTool,
    /// All share one.
    All,
}

impl Per {
    /// Whose a call is, as far as that matters: a subject of an issuer, and a tool. What the call holds has no part in it.
    fn owner<'c>(self, caller: &'c Caller, what: Called<'c>) -> Owner<'c> {
        let by_caller = matches!(self, Self::Caller | Self::CallerAndTool);
        let by_tool = matches!(self, Self::Tool | Self::CallerAndTool);
        Owner {
            caller: by_caller.then(|| (caller.issuer(), caller.subject())),
            tool: by_tool.then_some(what.name),
        }
    }
}

/// Who has a limit of their own.
#[derive(Debug, Hash)]
struct Owner<'c> {
    caller: Option<(Option<&'c str>, Option<&'c str>)>,
    tool: Option<&'c str>,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            calls_in_flight_max: None,
            calls_waiting_max: 100,
            waiting_ms_max: 2_000,
            shared: false,
            without_store: WithoutStore::default(),
            rules: Vec::new(),
        }
    }
}

impl Default for LimitRule {
    fn default() -> Self {
        Self {
            tools: Vec::new(),
            per: Per::default(),
            calls_max: None,
            window_s: const { NonZeroU32::new(60).expect("60 is not 0") },
            burst: None,
            calls_in_flight_max: None,
        }
    }
}
