//! What is offered: the tools, prompts and resources of all sources, as one immutable [`Catalog`].
//!
//! A catalog is built whole and swapped whole; nothing on the path of a call takes a lock. It finds the source of a
//! name, checks and mends the arguments against the tool's schema, and hands the call on.

mod catalog;

mod arguments;

mod glob;
mod schema;

mod view;

mod edit;
mod select;

mod access;
mod limits;
mod pattern;

mod client;
mod lint;
mod lock;
mod profile;

mod search;
mod shape;
mod tokens;

pub use access::{
    Access, AccessConfig, AccessRule, CedarConfig, ClaimKind, Everybody, Permissions, Policy,
    Thing, Who,
};
pub use arguments::fit;
pub use catalog::{Catalog, CatalogError, Offer, TOOL_NAME_CHARS_MAX, Visible};
pub use client::Client;
pub use edit::{ArgumentEdit, ToolEdit};
pub use limits::{
    LimitRule, LimitsConfig, NoAnswer, Per, SharedCount, SharedLimits, SharedPlace, WithoutStore,
};
pub use lint::{Finding, Rule, lint};
pub use lock::{Difference, DifferenceKind, Lock, LockError};
pub use pattern::{RuleMistake, ToolPattern};
pub use search::{CALL as CALL_TOOL, Listing, TOOLS_TOKENS_MAX_DEFAULT, ToolsMode};
pub use select::Selector;
pub use shape::{Shape, ShapeError, Shaped};
pub use tokens::{tokens, tokens_of_tool};
pub use view::{Mistake, View, ViewConfig};
