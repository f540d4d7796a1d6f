//! What is offered: the tools, prompts and resources of all sources, as one immutable [`Catalog`].
//!
//! A catalog is built whole and swapped whole; nothing on the path of a call takes a lock. It finds the source of a
//! name, checks and mends the arguments against the tool's schema, and hands the call on.

mod arguments;
mod catalog;
mod tokens;

pub use catalog::{Catalog, CatalogError, Offer, TOOL_NAME_CHARS_MAX};
pub use tokens::{tokens, tokens_of_tool};
