//! When there is no answer at all.

use wharf_model::ToolResult;
use wharf_upstream::{Stage, UpstreamError};

/// What happened and what to try, for the model; neither hosts nor causes.
pub(crate) fn failure(error: &UpstreamError) -> ToolResult {
    let what = error.for_caller();
    ToolResult::error(match advice(error) {
        Some(advice) => format!("The call failed: {what}. {advice}"),
        None => format!("The call failed: {what}."),
    })
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
