//! Who may see and call what.
//!
//! Rules open tools to kinds of callers, and only open: a tool may be called by whoever any rule opens it to. What no rule
//! names is open as `default` says. A tool that somebody may not call is not listed to them, and does not exist for them
//! unless more scopes or a sign-in would help; then the refusal says which. A policy, where there is one, must permit what
//! the rules open.
//!
//! Each kind of caller is a *grant*, numbered when the catalog is built, and each tool knows its grants as a set of bits. A
//! call asks whether its caller has one of its tool's grants; a list depends on the set of grants that a caller has, its
//! *permissions*, so lists are prepared for sets and never for single callers. What a policy says of everything is part
//! of the permissions.

mod cedar;
mod decision;
mod policy;
mod shown;
mod who;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::cedar::{CedarConfig, ClaimKind};
pub use self::decision::{Access, Permissions};
pub(crate) use self::decision::{GRANTS_MAX, Refused};
pub use self::policy::{Policy, Thing};
pub(crate) use self::shown::Shown;
pub use self::who::Who;
use crate::pattern::ToolPattern;

/// Who may see and call what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccessConfig {
    /// Who may call what no rule names: `signed_in` callers, `anyone`, or `nobody`. Default: `signed_in`, so that a new
    /// operation of a document is never open to the world by itself.
    pub default: Everybody,
    /// Shows everything that anybody may call to callers who have not signed in, and asks them to sign in when they call.
    /// Some connectors list tools before they sign in. Default: false; what a caller may not call is not shown.
    pub calls_need_caller: bool,
    /// What opens which tools to whom. A tool is open to whoever any rule opens it to.
    pub rules: Vec<AccessRule>,
    /// Scopes that hold others: `pets:admin: [pets:read, pets:write]` makes a token with the first as good as one with all
    /// three. Default: none; a scope stands for itself.
    pub implied_scopes: BTreeMap<String, Vec<String>>,
    /// Opens each tool that no rule names to callers whose token has the scopes that its operation declares for an OAuth 2
    /// or `OpenID` Connect scheme, where it declares any. Default: false; the scopes of a document are those of the API, and
    /// clients of this server have tokens for this server.
    pub document_scopes: bool,
    /// A policy in the language Cedar that has to permit what the rules open; `default: anyone` leaves everything to it.
    /// Needs a binary that was built with `--features cedar`. Default: none; the rules alone decide.
    pub cedar: Option<CedarConfig>,
}

/// Opens tools to callers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessRule {
    /// The tools: those that any of these matches.
    pub tools: Vec<ToolPattern>,
    /// The callers: those that any of these matches. An empty list opens the tools to nobody, which takes them out of
    /// `default`.
    pub callers: Vec<Who>,
}

/// Callers by nothing but whether they have signed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Everybody {
    /// Whoever asks.
    Anyone,
    /// Whoever proved who they are.
    #[default]
    SignedIn,
    /// Nobody at all.
    Nobody,
}
