//! Errors in the words of the awslabs OpenAPI server, for prompts and programs that look for them.
//!
//! The skeletons are kept, and a body follows as it came: the other server printed JSON in Python's syntax, which
//! nothing can read back. The headers that help follow on lines of their own, which it never showed.

use wharf_model::ToolResult;
use wharf_upstream::{Response, Stage, UpstreamError};

use super::{Limits, notes, refusal_body, status_line};
use crate::plan::Plan;
use crate::request::Complaint;

/// An answer whose status is none of success.
pub(crate) fn refusal(tool: &str, response: &Response, limits: &Limits) -> ToolResult {
    let status = status_line(response.status);
    let mut what = match status.split_once(' ') {
        Some((code, reason)) => format!("HTTP error {code}: {reason}"),
        None => format!("HTTP error {status}"),
    };
    if let Some(body) = refusal_body(response, limits.text_bytes_max) {
        what.push_str(" - ");
        what.push_str(&body);
    }
    let notes = notes::of_refusal(&response.headers);
    if !notes.is_empty() {
        what.push('\n');
        what.push_str(&notes);
    }
    error(tool, &what)
}

/// No answer at all.
pub(crate) fn failure(tool: &str, failed: &UpstreamError) -> ToolResult {
    let class = class(failed);
    let what = match failed {
        UpstreamError::Timeout { .. } => format!("HTTP request timed out ({class})"),
        _ => format!("Request error ({class}): {}", failed.for_caller()),
    };
    error(tool, &what)
}

/// Arguments that make no request.
pub(crate) fn complaint(tool: &str, plan: &Plan, path: &str, complaint: &Complaint) -> ToolResult {
    let method = &plan.method;
    error(
        tool,
        &format!("Error building request for {method} {path}: ValueError: {complaint}"),
    )
}

fn error(tool: &str, what: &str) -> ToolResult {
    ToolResult::error(format!("Error calling tool '{tool}': {what}"))
}

/// What the other server's HTTP library calls it.
fn class(error: &UpstreamError) -> &'static str {
    match error {
        UpstreamError::Timeout { stage, .. } => match stage {
            Stage::Turn => "PoolTimeout",
            Stage::Connection => "ConnectTimeout",
            Stage::Credentials | Stage::Answer | Stage::Body => "ReadTimeout",
        },
        UpstreamError::Resolve { .. }
        | UpstreamError::Connect { .. }
        | UpstreamError::Tls { .. }
        | UpstreamError::LeftAlone { .. }
        | UpstreamError::Refused { .. } => "ConnectError",
        UpstreamError::Interrupted { .. } => "ReadError",
        UpstreamError::Disconnected { .. } | UpstreamError::Protocol { .. } => {
            "RemoteProtocolError"
        }
        UpstreamError::TooManyRedirects { .. } | UpstreamError::RedirectedAway { .. } => {
            "TooManyRedirects"
        }
        UpstreamError::Encoding { .. } => "DecodingError",
        _ => "RequestError",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method, StatusCode};
    use wharf_model::Content;
    use wharf_upstream::TimeLimit;

    use super::*;

    fn said(result: &ToolResult) -> &str {
        assert!(result.is_error);
        match result.content.as_slice() {
            [Content::Text { text, .. }] => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_keeps_its_skeleton() {
        for (status, media, body, retry, expected) in [
            (
                404,
                "application/json",
                "{\"detail\": null}",
                "",
                "HTTP error 404: Not Found - {\"detail\": null}",
            ),
            (
                500,
                "text/html",
                "<b>no</b>",
                "",
                "HTTP error 500: Internal Server Error - <b>no</b>",
            ),
            (
                503,
                "text/plain",
                "",
                "7",
                "HTTP error 503: Service Unavailable\nRetry-After: 7",
            ),
            (599, "text/plain", "", "", "HTTP error 599"),
            (302, "text/plain", "", "", "HTTP error 302: Found"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", HeaderValue::from_static(media));
            if !retry.is_empty() {
                headers.insert("retry-after", HeaderValue::from_static(retry));
            }
            let response = Response {
                status: StatusCode::from_u16(status).unwrap(),
                headers,
                body: Bytes::from_static(body.as_bytes()),
                truncated: false,
            };
            let result = refusal("getPet", &response, &Limits::default());
            let expected = format!("Error calling tool 'getPet': {expected}");
            assert_eq!(said(&result), expected, "{status}");
        }
    }

    #[test]
    fn no_answer_is_named_as_before() {
        let origin = || "https://a.example".to_owned();
        let late = |stage| UpstreamError::Timeout {
            origin: origin(),
            stage,
            limit: TimeLimit::Read,
            after: Duration::from_secs(30),
        };
        for (error, expected) in [
            (late(Stage::Answer), "HTTP request timed out (ReadTimeout)"),
            (
                late(Stage::Connection),
                "HTTP request timed out (ConnectTimeout)",
            ),
            (late(Stage::Turn), "HTTP request timed out (PoolTimeout)"),
            (
                UpstreamError::Connect {
                    origin: origin(),
                    source: std::sync::Arc::new(std::io::Error::other("no")),
                },
                "Request error (ConnectError): ",
            ),
            (
                UpstreamError::TooManyRedirects {
                    origin: origin(),
                    max: 5,
                },
                "Request error (TooManyRedirects): ",
            ),
        ] {
            let result = failure("getPet", &error);
            let said = said(&result);
            let expected = format!("Error calling tool 'getPet': {expected}");
            assert!(said.starts_with(&expected), "{said}");
            assert!(!said.contains("a.example"), "{said}");
        }
    }

    #[test]
    fn arguments_that_make_no_request_name_the_operation() {
        let plan = Plan {
            method: Method::GET,
            ..Plan::default()
        };
        let result = complaint(
            "getPet",
            &plan,
            "/pets/{petId}",
            &Complaint::Empty("petId".into()),
        );
        assert!(
            said(&result).starts_with(
                "Error calling tool 'getPet': Error building request for GET /pets/{petId}: ValueError: argument `petId`"
            ),
            "{result:?}"
        );
    }
}
