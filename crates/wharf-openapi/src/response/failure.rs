//! When there is no answer at all.

use std::fmt::Write as _;

use wharf_model::ToolResult;
use wharf_upstream::{Stage, UpstreamError};

/// What happened and what to try, for the model; neither hosts nor causes.
///
/// The request's id leads whoever runs the server to the cause in the log.
pub(crate) fn failure(error: &UpstreamError, request_id: Option<&str>) -> ToolResult {
    let what = error.for_caller();
    let mut text = match advice(error) {
        Some(advice) => format!("The call failed: {what}. {advice}"),
        None => format!("The call failed: {what}."),
    };
    if let Some(request_id) = request_id {
        let _ = write!(text, " (request {request_id})");
    }
    ToolResult::error(text)
}

fn advice(error: &UpstreamError) -> Option<&'static str> {
    Some(match error {
        // Already says what to do.
        UpstreamError::Timeout {
            stage: Stage::Turn, ..
        }
        | UpstreamError::LeftAlone { .. } => return None,
        UpstreamError::Resolve { .. }
        | UpstreamError::Connect { .. }
        | UpstreamError::Tls { .. }
        | UpstreamError::Timeout {
            stage: Stage::Connection,
            ..
        } => "Try again later; another argument does not help.",
        UpstreamError::Timeout { .. } => {
            "It may have been carried out all the same. Ask for less at once, or try again later."
        }
        UpstreamError::Disconnected { .. } | UpstreamError::Interrupted { .. } => {
            "It may have been carried out all the same: check before trying again."
        }
        UpstreamError::Target { .. } => "Change the arguments.",
        UpstreamError::Protocol { .. } | UpstreamError::Encoding { .. } => {
            "It may have been carried out all the same; trying again is unlikely to help."
        }
        _ => "Trying again does not help; tell whoever runs this server.",
    })
}
