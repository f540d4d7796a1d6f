//! From results to bytes: one pass into one buffer, no tree between.
//!
//! An upstream's JSON goes through as it came (structured content) and once escaped (the text beside it). What a
//! revision does not know is left out or said in words that it knows.

mod content;
mod items;
pub(crate) mod json;
pub(crate) mod notifications;

use wharf_model::{
    Completion, InputRequest, Json, JsonKind, PromptResult, ResourceContents, Role, ToolResult,
};

pub(crate) use items::{differs_by_era, icons, prompt, resource, resource_template, tool};

use crate::protocol::{Revision, key};
use json::{Object, array};

/// Suggestions beyond this are cut; the specification's own limit.
const COMPLETIONS_MAX: usize = 100;
/// Room for an envelope and the small members of a result.
const ENVELOPE_BYTES: usize = 256;

/// What every answer of one server and one request has in common.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) id: &'a str,
    pub(crate) revision: Revision,
    /// The server's `Implementation` object.
    pub(crate) server_info: &'a str,
}

impl Frame<'_> {
    /// `{"jsonrpc":"2.0","id":…,"result":{` into a buffer with room for `expected` more bytes.
    pub(crate) fn open(self, expected: usize) -> Vec<u8> {
        let mut out =
            Vec::with_capacity(expected + self.id.len() + self.server_info.len() + ENVELOPE_BYTES);
        out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(br#","result":{"#);
        out
    }

    /// The members that close a result of the kind `result_type`, and the envelope.
    fn close(self, mut result: Object<'_>, result_type: &str, meta: Option<&str>) {
        if self.revision.is_modern() {
            result.text("resultType", result_type);
            self.meta(&mut result, meta);
        } else if let Some(meta) = meta {
            result.raw("_meta", meta);
        }
        result.end();
    }

    /// `_meta` with the server's name in it, as modern clients expect it in every result.
    fn meta(self, result: &mut Object<'_>, meta: Option<&str>) {
        let mut object = result.object("_meta");
        object.raw(key::SERVER_INFO, self.server_info);
        if let Some(meta) = meta.and_then(|meta| wharf_model::Slice::parse(meta).ok()) {
            for (name, value) in meta.members() {
                // The server speaks for itself; an upstream's own name must not stand beside it.
                if name != key::SERVER_INFO {
                    object.raw(&name, value.as_str());
                }
            }
        }
        object.end();
    }
}

/// A result of nothing but what the era wants in every result.
pub(crate) fn empty(frame: Frame<'_>) -> Vec<u8> {
    result(frame, 0, |_| ())
}

/// Any small result.
pub(crate) fn result(
    frame: Frame<'_>,
    expected: usize,
    members: impl FnOnce(&mut Object<'_>),
) -> Vec<u8> {
    let mut out = frame.open(expected);
    let mut object = Object::inside(&mut out);
    members(&mut object);
    frame.close(object, "complete", None);
    out.push(b'}');
    out
}

/// What stands behind the shared bytes of a list, or behind any result that may be kept for `ttl_ms`: by whoever asked
/// alone where `cache_scope` is `private`.
pub(crate) fn list_end(frame: Frame<'_>, ttl_ms: u64, cache_scope: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(ENVELOPE_BYTES + frame.server_info.len());
    let mut object = Object::behind(&mut out);
    caching(&mut object, frame.revision, ttl_ms, cache_scope);
    frame.close(object, "complete", None);
    out.push(b'}');
    out
}

/// The caching hints of modern results.
pub(crate) fn caching(result: &mut Object<'_>, revision: Revision, ttl_ms: u64, scope: &str) {
    if revision.is_modern() {
        result.number("ttlMs", ttl_ms);
        result.text("cacheScope", scope);
    }
}

/// A tool's result as the wire has it, without an envelope: what an answer to `tools/call` holds.
#[expect(
    clippy::missing_panics_doc,
    reason = "what is written member by member is JSON"
)]
pub fn tool_result(result: &ToolResult) -> Json {
    let mut out = Vec::with_capacity(tool_result_bytes(result) + ENVELOPE_BYTES);
    let mut object = Object::new(&mut out);
    tool_result_members(&mut object, result, Revision::July2026);
    if let Some(meta) = &result.meta {
        object.raw("_meta", meta.as_str());
    }
    object.end();
    Json::parse(out.into()).expect("what is written member by member is JSON")
}

/// Tools as the wire lists them, without an envelope: the array of an answer to `tools/list`.
#[expect(
    clippy::missing_panics_doc,
    reason = "what is written member by member is JSON"
)]
pub fn tool_list(tools: &[&wharf_model::Tool]) -> Json {
    let mut out = Vec::new();
    json::array(&mut out, tools, |out, one| tool(out, one, true));
    Json::parse(out.into()).expect("what is written member by member is JSON")
}

/// The answer to `tools/call`.
pub(crate) fn tool_answer(frame: Frame<'_>, result: &ToolResult) -> Vec<u8> {
    let mut out = frame.open(tool_result_bytes(result));
    let mut object = Object::inside(&mut out);
    tool_result_members(&mut object, result, frame.revision);
    frame.close(object, "complete", result.meta.as_ref().map(Json::as_str));
    out.push(b'}');
    out
}

fn tool_result_members(object: &mut Object<'_>, result: &ToolResult, revision: Revision) {
    array(object.key("content"), &result.content, |out, block| {
        content::block(out, block, revision);
    });
    // Legacy clients fail the whole call over structured content that is no object.
    if let Some(structured) = &result.structured
        && (revision.is_modern() || structured.kind() == JsonKind::Object)
    {
        object.raw("structuredContent", structured.as_str());
    }
    if result.is_error {
        object.boolean("isError", true);
    }
}

fn tool_result_bytes(result: &ToolResult) -> usize {
    let structured = result
        .structured
        .as_ref()
        .map_or(0, |json| json.as_str().len());
    content::bytes(&result.content) + structured
}

pub(crate) fn prompt_result(frame: Frame<'_>, prompt: &PromptResult) -> Vec<u8> {
    let expected = prompt
        .messages
        .iter()
        .map(|message| content::bytes(std::slice::from_ref(&message.content)))
        .sum();
    result(frame, expected, |object| {
        object.optional_text("description", prompt.description.as_deref());
        array(object.key("messages"), &prompt.messages, |out, message| {
            let mut object = Object::new(out);
            let role = match message.role {
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            object.text("role", role);
            content::block(object.key("content"), &message.content, frame.revision);
            object.end();
        });
    })
}

pub(crate) fn resource_result(frame: Frame<'_>, contents: &[ResourceContents]) -> Vec<u8> {
    let expected = contents.iter().map(content::contents_bytes).sum();
    result(frame, expected, |object| {
        array(object.key("contents"), contents, content::contents);
        // What a resource holds may depend on who asks, and may change at any time.
        caching(object, frame.revision, 0, "private");
    })
}

pub(crate) fn completion_result(frame: Frame<'_>, completion: &Completion) -> Vec<u8> {
    let shown = completion.values.len().min(COMPLETIONS_MAX);
    result(frame, 32 * shown, |result| {
        let mut object = result.object("completion");
        array(
            object.key("values"),
            &completion.values[..shown],
            |out, value| {
                json::text(out, value);
            },
        );
        if let Some(total) = completion.total {
            object.number("total", total);
        }
        object.boolean(
            "hasMore",
            completion.has_more || shown < completion.values.len(),
        );
        object.end();
    })
}

/// A modern result that asks before it can be one.
pub(crate) fn input_required(
    frame: Frame<'_>,
    requests: &[(String, InputRequest)],
    sealed_state: Option<&str>,
) -> Vec<u8> {
    let mut out = frame.open(512 * requests.len());
    let mut object = Object::inside(&mut out);
    if !requests.is_empty() {
        let mut asked = object.object("inputRequests");
        for (key, request) in requests {
            let (method, params) = question(request);
            let mut one = asked.object(key);
            one.text("method", method);
            one.raw("params", params);
            one.end();
        }
        asked.end();
    }
    object.optional_text("requestState", sealed_state);
    frame.close(object, "input_required", None);
    out.push(b'}');
    out
}

/// The end of a subscription, with its id.
pub(crate) fn listen_result(frame: Frame<'_>) -> Vec<u8> {
    let mut meta = Vec::new();
    let mut object = Object::new(&mut meta);
    object.raw(key::SUBSCRIPTION_ID, frame.id);
    object.end();
    let meta = String::from_utf8_lossy(&meta);
    let mut out = frame.open(0);
    frame.close(Object::inside(&mut out), "complete", Some(&meta));
    out.push(b'}');
    out
}

/// The method and the parameters of a question.
pub(crate) fn question(request: &InputRequest) -> (&'static str, &str) {
    match request {
        InputRequest::Elicitation(params) => ("elicitation/create", params.as_str()),
        InputRequest::Sampling(params) => ("sampling/createMessage", params.as_str()),
        InputRequest::Roots => ("roots/list", "{}"),
    }
}

/// A request to a legacy client.
pub(crate) fn request(id: u64, method: &str, params: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(params.len() + ENVELOPE_BYTES);
    let mut object = Object::new(&mut out);
    object.text("jsonrpc", "2.0");
    object.number("id", id);
    object.text("method", method);
    object.raw("params", params);
    object.end();
    out
}
