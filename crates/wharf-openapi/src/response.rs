//! From an upstream's answer to the tool's result.
//!
//! Whatever the upstream answers is delivered: as structured content where it is JSON, as text, picture, sound or
//! embedded bytes where it is not, and never lost because it differs from what the document promised. JSON passes
//! through as bytes after one validity scan; text and structured content share them.
//!
//! * 2xx and 304 are results. Headers that lead on (`Link`, `Location`, totals) follow in a text block of their own.
//! * 4xx and 5xx are tool execution errors: the status, the headers that help, and the body.
//! * 3xx that the client did not follow are errors too, with their `Location`.
//! * Every text is cut at a limit and says so.

pub(crate) mod awslabs;
mod charset;
mod cut;
mod failure;
mod judge;
mod media;
mod notes;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use bytestring::ByteString;
use http::{Method, StatusCode};
use serde::Serialize;
use wharf_model::{Content, Json, JsonKind, ResourceBody, ResourceContents, ToolResult};
use wharf_upstream::Response;

pub(crate) use self::failure::failure;
pub(crate) use self::judge::{Judge, Strictness};

pub(crate) use self::media::{Kind, MediaType};
use crate::plan::Plan;

/// An error's body is read to learn what to change; a page of HTML beyond this teaches nothing.
const ERROR_BYTES_MAX: usize = 20_000;

/// Stands in the structured part for an answer that is cut.
const CUT: &str = "[too long to stand here: see the text beside this]";

/// How much of an answer a result holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// JSON and text beyond this is cut.
    pub(crate) text_bytes_max: usize,
    /// Pictures, sound and other bytes beyond this are left out: half a picture is none.
    pub(crate) binary_bytes_max: usize,
}

impl Default for Limits {
    /// 1 MiB of text is more than most models can take in at once; 5 MiB is what model APIs commonly accept as a
    /// picture.
    fn default() -> Self {
        Self {
            text_bytes_max: 1 << 20,
            binary_bytes_max: 5 << 20,
        }
    }
}

/// The result of the operation behind `tool`. Embedded bytes get the address `upstream:///` and the tool's name.
pub(crate) fn read(plan: &Plan, tool: &str, response: &Response, limits: &Limits) -> ToolResult {
    if is_result(response.status) {
        success(plan, tool, response, limits)
    } else {
        refusal(plan, response, limits)
    }
}

/// Whether an answer of this status is what was asked for.
pub(crate) fn is_result(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::NOT_MODIFIED
}

/// What a body turned out to be.
enum Answer {
    Nothing,
    Json(Json),
    Text(ByteString),
    /// Content that is no text, and a description of it.
    Block(Content, String),
}

fn success(plan: &Plan, tool: &str, response: &Response, limits: &Limits) -> ToolResult {
    let mut result = match answer(plan, tool, response, limits) {
        Answer::Nothing => nothing(plan, response.status),
        Answer::Json(json) => ToolResult::json(in_schema(plan, json)),
        // What was too much to be shown whole is not shown twice.
        Answer::Text(text)
            if plan.has_output_schema
                && (response.truncated || text.len() > limits.text_bytes_max) =>
        {
            ToolResult {
                structured: Some(wrapped_text(CUT)),
                ..ToolResult::text(text)
            }
        }
        Answer::Text(text) if plan.has_output_schema => ToolResult::json(wrapped_text(&text)),
        Answer::Text(text) => ToolResult::text(text),
        Answer::Block(content, description) => block(plan, content, &description),
    };
    let notes = if plan.method == Method::HEAD {
        notes::of_head(&response.headers)
    } else {
        notes::of_success(&response.headers)
    };
    if !notes.is_empty() {
        result.content.push(Content::text(notes));
    }
    result
}

fn answer(plan: &Plan, tool: &str, response: &Response, limits: &Limits) -> Answer {
    let never_has_body = plan.method == Method::HEAD
        || matches!(
            response.status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
        );
    if never_has_body || response.body.is_empty() {
        return Answer::Nothing;
    }
    let media = MediaType::of(&response.headers);
    let kind = if is_undeclared_json(plan, media.kind(), &response.body) {
        Kind::Json
    } else {
        media.kind()
    };
    let essence = media.essence();
    let bytes_max = limits.text_bytes_max;
    let content = match kind {
        Kind::Json => {
            let json = json(&media, response, bytes_max).map(Answer::Json);
            return json
                .unwrap_or_else(|| Answer::Text(text(&media, response, bytes_max, Some(plan))));
        }
        Kind::Text => return Answer::Text(text(&media, response, bytes_max, Some(plan))),
        Kind::Undeclared if charset::is_utf8(&response.body, response.truncated) => {
            return Answer::Text(text(&media, response, bytes_max, Some(plan)));
        }
        _ if response.truncated || response.body.len() > limits.binary_bytes_max => {
            return Answer::Text(left_out(essence, response, limits).into());
        }
        Kind::Image => Content::image(response.body.clone(), essence),
        Kind::Audio => Content::audio(response.body.clone(), essence),
        Kind::Undeclared | Kind::Binary => Content::embedded(ResourceContents {
            uri: format!("upstream:///{tool}"),
            mime_type: Some(essence.to_owned()),
            body: ResourceBody::Blob(response.body.clone()),
            meta: None,
        }),
    };
    let description = format!("{essence}, {} bytes", response.body.len());
    Answer::Block(content, description)
}

/// Some upstreams call their JSON HTML, text or bytes, or nothing at all. It is taken for JSON when JSON was asked for
/// and it begins as an object or array does; what is no JSON after all stays what it was declared.
fn is_undeclared_json(plan: &Plan, declared: Kind, body: &Bytes) -> bool {
    let first = plan.accept.split(',').next().unwrap_or_default();
    let can_be = match declared {
        Kind::Text | Kind::Undeclared | Kind::Binary => true,
        Kind::Json | Kind::Image | Kind::Audio => false,
    };
    can_be
        && matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
        && MediaType::parse(first).is_json()
        && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// A whole answer that is JSON; none when it is not.
pub(crate) fn whole_json(response: &Response) -> Option<Json> {
    json(&MediaType::of(&response.headers), response, usize::MAX)
}

/// The body as JSON; none when it is not, or not in full, or too much, or of a kind that would make a client refuse
/// the whole message.
fn json(media: &MediaType<'_>, response: &Response, bytes_max: usize) -> Option<Json> {
    if response.truncated || response.body.len() > bytes_max {
        return None;
    }
    let body = if media.charset().is_none() {
        charset::without_mark(&response.body)
    } else {
        let decoded = charset::decode(&response.body, media.charset(), false);
        decoded.is_whole.then(|| decoded.text.into_bytes())?
    };
    Json::parse(body)
        .ok()
        .filter(|json| json.slice().is_portable())
}

/// The body as text, decoded and cut.
fn text(
    media: &MediaType<'_>,
    response: &Response,
    bytes_max: usize,
    plan: Option<&Plan>,
) -> ByteString {
    let decoded = charset::decode(&response.body, media.charset(), response.truncated);
    let text = cut::cut(decoded.text, bytes_max, response.truncated, plan);
    if decoded.is_whole {
        return text;
    }
    format!("{text}\n[some bytes are no valid text and are shown as \u{fffd}]").into()
}

fn left_out(essence: &str, response: &Response, limits: &Limits) -> String {
    let size = if response.truncated {
        format!("more than {} bytes", response.body.len())
    } else {
        format!("{} bytes", response.body.len())
    };
    format!(
        "[the answer is {essence} of {size} and was left out: at most {} bytes are passed on]",
        limits.binary_bytes_max
    )
}

/// A result for an answer without a body.
fn nothing(plan: &Plan, status: StatusCode) -> ToolResult {
    let line = Content::text(status_line(status));
    if !plan.has_output_schema {
        return ToolResult {
            content: vec![line],
            ..ToolResult::default()
        };
    }
    let mut result = ToolResult::json(Json::of(&Wrapped::<()> { result: () }));
    result.content.push(line);
    result
}

fn block(plan: &Plan, content: Content, description: &str) -> ToolResult {
    if !plan.has_output_schema {
        return ToolResult {
            content: vec![content],
            ..ToolResult::default()
        };
    }
    let mut result = ToolResult::json(wrapped_text(description));
    result.content.push(content);
    result
}

/// The value in the shape that the tool's output schema has.
fn in_schema(plan: &Plan, json: Json) -> Json {
    let needs_object = plan.has_output_schema && json.kind() != JsonKind::Object;
    if plan.wraps_result || needs_object {
        json.wrapped_in("result")
    } else {
        json
    }
}

fn wrapped_text(text: &str) -> Json {
    Json::of(&Wrapped { result: text })
}

#[derive(Serialize)]
struct Wrapped<T> {
    result: T,
}

/// A tool execution error for a status that is none of success.
fn refusal(plan: &Plan, response: &Response, limits: &Limits) -> ToolResult {
    let mut report = status_line(response.status);
    report.insert_str(0, "HTTP ");
    let notes = notes::of_refusal(&response.headers);
    if !notes.is_empty() {
        report.push('\n');
        report.push_str(&notes);
    }
    if response.status.is_redirection() {
        report.push_str("\n\n");
        report.push_str(if plan.method.is_safe() {
            "The redirect was not followed: it leads to another server, or redirects are switched off."
        } else {
            "The redirect was not followed. The request may have been carried out: check before repeating it."
        });
    }
    if let Some(body) = refusal_body(response, limits.text_bytes_max.min(ERROR_BYTES_MAX)) {
        report.push_str("\n\n");
        report.push_str(&body);
    }
    ToolResult::error(report)
}

fn refusal_body(response: &Response, bytes_max: usize) -> Option<ByteString> {
    if response.body.trim_ascii().is_empty() {
        return None;
    }
    let media = MediaType::of(&response.headers);
    let is_readable = match media.kind() {
        Kind::Json | Kind::Text => true,
        Kind::Undeclared | Kind::Binary | Kind::Image | Kind::Audio => {
            charset::is_utf8(&response.body, response.truncated)
        }
    };
    if !is_readable {
        return Some(
            format!(
                "[the body is {} of {} bytes and is not shown]",
                media.essence(),
                response.body.len()
            )
            .into(),
        );
    }
    let json = (media.kind() == Kind::Json)
        .then(|| json(&media, response, bytes_max))
        .flatten();
    Some(json.map_or_else(
        || text(&media, response, bytes_max, None),
        |json| json.text(),
    ))
}

/// `404 Not Found`; the upstream's own phrase is not trusted, and HTTP/2 has none.
fn status_line(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}
