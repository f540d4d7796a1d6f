//! Tools: what a model may call.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bytestring::ByteString;

use crate::{Content, Icon, Json, Slice};

/// One tool as its source offers it.
#[derive(Debug, Clone, Default)]
pub struct Tool {
    /// 1–64 of `A–Z a–z 0–9 _ - .`, unique in its source, the same from run to run.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it does, for the model that chooses.
    pub description: Option<String>,
    /// A JSON Schema (draft 2020-12) of `type: object`; self-contained.
    pub input_schema: InputSchema,
    /// A JSON Schema of the structured result. Where it is there, every result that is no error has a structured part.
    pub output_schema: Option<Json>,
    /// Hints on what a call does.
    pub annotations: ToolAnnotations,
    /// Groups to select by; not shown to clients unless `meta` says them.
    pub tags: Vec<String>,
    /// The operation behind it, to select by; not shown to clients.
    pub origin: Option<Origin>,
    /// The OAuth scopes that the operation declares: alternatives, of which one must be there whole. Not shown to clients.
    pub scopes: Vec<Vec<String>>,
    /// Pictures.
    pub icons: Vec<Icon>,
    /// An object for `_meta`.
    pub meta: Option<Json>,
}

/// What a tool takes: JSON Schema that is there, or that its source writes when somebody first looks.
///
/// Most tools of a large API are never looked at: clients search them, or a few are selected. To write their schemas
/// would be most of the work of a start and most of the memory after it.
#[derive(Clone)]
pub struct InputSchema(Written);

#[derive(Clone)]
enum Written {
    Now(Json),
    Later(Arc<dyn LaterSchema>),
}

/// An input schema that a source writes when it is wanted.
pub trait LaterSchema: Send + Sync {
    /// The schema, written at the first time.
    fn schema(&self) -> &Json;

    /// The names of its properties, in their order, which are known before.
    fn properties(&self) -> &[String];
}

impl InputSchema {
    /// A schema that is written when it is wanted.
    pub fn later(schema: Arc<dyn LaterSchema>) -> Self {
        Self(Written::Later(schema))
    }

    /// The names of its properties, in their order; nothing is written for that.
    pub fn properties(&self) -> Vec<Cow<'_, str>> {
        match &self.0 {
            Written::Now(schema) => {
                let properties = schema.slice().get("properties");
                let members = properties.iter().flat_map(|all| all.each_member());
                members.map(|(name, _)| name).collect()
            }
            Written::Later(later) => {
                let names = later.properties().iter();
                names.map(|name| name.as_str().into()).collect()
            }
        }
    }
}

impl Deref for InputSchema {
    type Target = Json;

    fn deref(&self) -> &Json {
        match &self.0 {
            Written::Now(schema) => schema,
            Written::Later(later) => later.schema(),
        }
    }
}

impl From<Json> for InputSchema {
    fn from(schema: Json) -> Self {
        Self(Written::Now(schema))
    }
}

impl Default for InputSchema {
    /// Takes whatever it is given.
    fn default() -> Self {
        Json::default().into()
    }
}

impl fmt::Debug for InputSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Written::Now(schema) => schema.fmt(f),
            Written::Later(_) => f.write_str("(to be written)"),
        }
    }
}

/// The operation of an API that a tool calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// In capitals.
    pub method: String,
    /// As the document writes it, such as `/pets/{petId}`.
    pub path: String,
    /// Its id, as the document writes it.
    pub operation_id: Option<String>,
}

/// Hints for clients that decide when to ask a person; never a protection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ToolAnnotations {
    /// Changes nothing.
    pub read_only: Option<bool>,
    /// May destroy or overwrite.
    pub destructive: Option<bool>,
    /// The second call with the same arguments changes nothing more.
    pub idempotent: Option<bool>,
    /// Reaches things outside of this server.
    pub open_world: Option<bool>,
}

/// A call on its way to a source: the arguments are checked against the tool's schema.
#[derive(Debug, Clone, Copy)]
pub struct ToolCall<'a> {
    /// The tool's name as its source gave it.
    pub name: &'a str,
    /// Always an object; as the client wrote it, numbers included.
    pub arguments: Slice<'a>,
}

/// What a tool answers. A failure that a model can mend is a result too, with `is_error`.
#[derive(Debug, Clone, Default)]
pub struct ToolResult {
    /// For the model to read.
    pub content: Vec<Content>,
    /// For programs. Of any kind; revisions that allow only objects get it only when it is one.
    pub structured: Option<Json>,
    /// The call failed.
    pub is_error: bool,
    /// An object for `_meta`.
    pub meta: Option<Json>,
}

impl ToolResult {
    /// One text.
    pub fn text(text: impl Into<ByteString>) -> Self {
        Self {
            content: vec![Content::text(text)],
            ..Self::default()
        }
    }

    /// A tool execution error: what went wrong and what to change, for the model.
    pub fn error(text: impl Into<ByteString>) -> Self {
        Self {
            is_error: true,
            ..Self::text(text)
        }
    }

    /// A JSON value, as text and as structured content, sharing its bytes.
    pub fn json(json: Json) -> Self {
        Self {
            content: vec![Content::text(json.text())],
            structured: Some(json),
            ..Self::default()
        }
    }
}

impl Default for Json {
    /// The empty object.
    fn default() -> Self {
        Self::empty_object()
    }
}
