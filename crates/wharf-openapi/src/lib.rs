//! OpenAPI documents as a source of tools: reading, naming, schemas, requests, results.
//!
//! Reading goes from bytes to tools: [`Document`] checks a text and knows where its parts stand, an operation is read
//! from its part, its schemas become JSON Schema, and [`OpenApi`] offers the tools. A call goes the other way by the
//! operation's plan: arguments become a request, the response becomes a result. All of it is pure; only
//! `wharf-upstream`, which [`OpenApi`] is given, opens connections.

mod document;
mod reference;
mod writer;

mod names;
mod operation;
mod schema;
mod security;

mod description;
mod prompts;
mod tools;

mod plan;
mod request;
mod response;

mod config;
mod pages;
mod report;
mod source;

pub use config::{Config, ErrorStyle, OutputSchemas, UnknownArguments};
pub use description::Descriptions;
pub use document::{DOCUMENT_BYTES_MAX, Document, DocumentError, FoundFile};
pub use pages::{Cursor, Next, Pages, PagesMistake};
pub use report::{LeftOut, Report, UnreadFile};
pub use schema::Note;
pub use source::{OpenApi, Whereabouts};
