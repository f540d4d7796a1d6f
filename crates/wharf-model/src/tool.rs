//! Tools: what a model may call.

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
    pub input_schema: Json,
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
