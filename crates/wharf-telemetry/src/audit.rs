//! The audit log: one JSON object for each call, and for each that was refused.
//!
//! It says who asked for which tool, what was decided and what came of it. No argument, no body, no token; the subject and
//! the client are those that a checked token named.

use std::time::SystemTime;

use http::StatusCode;
use serde::Serialize;
use wharf_model::calendar::rfc3339;
use wharf_model::{Caller, Ending, HttpRequest, Operation, Trail};

/// One line.
#[derive(Serialize)]
struct Record<'a> {
    time: String,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    subject: Option<&'a str>,
    issuer: Option<&'a str>,
    client_id: Option<&'a str>,
    method: Option<&'static str>,
    tool: Option<&'a str>,
    source: Option<&'a str>,
    decision: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<i32>,
    duration_ms: f64,
    received_bytes: Option<usize>,
    sent_bytes: u64,
}

/// The record of an operation; none for one that nobody has to answer for, such as a list that was given.
pub(crate) fn of_operation(operation: &Operation<'_>) -> Option<Vec<u8>> {
    let decision = decision(operation.ending);
    let is_call = matches!(
        operation.method,
        "tools/call" | "prompts/get" | "resources/read" | "completion/complete"
    );
    if !is_call && decision == PERMITTED {
        return None;
    }
    let error_code = match operation.ending {
        Ending::ProtocolError(code) => Some(code),
        _ => None,
    };
    let context = operation.span.context.as_ref();
    Some(line(&Record {
        method: Some(operation.method),
        tool: operation.tool,
        source: operation.source,
        decision,
        outcome: operation.ending.as_str(),
        error_code,
        duration_ms: millis(operation.took),
        received_bytes: Some(operation.received_bytes),
        sent_bytes: operation.sent_bytes as u64,
        trace_id: context.map(|context| format!("{:032x}", context.trace_id)),
        ..Record::of(operation.trail, operation.caller)
    }))
}

/// The record of a request that was refused before it was known what it asked for.
pub(crate) fn of_refusal(request: &HttpRequest<'_>) -> Option<Vec<u8>> {
    if request.trail.asked.get().is_some() {
        return None;
    }
    // Whoever refused may have said why. A 503 alone decides nothing about whoever asked.
    let ending = match request.trail.ending.get() {
        Some(told) => *told,
        None => ending_of(request.status?).filter(|ending| *ending != Ending::Overloaded)?,
    };
    if decision(ending) == PERMITTED {
        return None;
    }
    let nobody = Caller::default();
    Some(line(&Record {
        decision: decision(ending),
        outcome: ending.as_str(),
        duration_ms: millis(request.took),
        sent_bytes: request.sent_bytes,
        ..Record::of(request.trail, &nobody)
    }))
}

impl<'a> Record<'a> {
    fn of(trail: &'a Trail, caller: &'a Caller) -> Self {
        let identity = caller.identity();
        Self {
            time: rfc3339(SystemTime::now()),
            request_id: &trail.request_id,
            trace_id: None,
            subject: caller.subject(),
            issuer: caller.issuer(),
            client_id: identity.and_then(|identity| identity.client_id.as_deref()),
            method: None,
            tool: None,
            source: None,
            decision: PERMITTED,
            outcome: Ending::Ok.as_str(),
            error_code: None,
            duration_ms: 0.0,
            received_bytes: None,
            sent_bytes: 0,
        }
    }
}

/// What a status says of a request that came to no operation.
pub(crate) fn ending_of(status: StatusCode) -> Option<Ending> {
    Some(match status.as_u16() {
        401 => Ending::Unauthenticated,
        403 => Ending::Forbidden,
        408 => Ending::TimedOut,
        429 => Ending::TooManyCalls,
        503 => Ending::Overloaded,
        _ => return None,
    })
}

const PERMITTED: &str = "permitted";

fn decision(ending: Ending) -> &'static str {
    match ending {
        Ending::Unauthenticated => "unauthenticated",
        Ending::Forbidden => "forbidden",
        Ending::TooManyCalls | Ending::Overloaded => "limited",
        _ => PERMITTED,
    }
}

/// Milliseconds, to the microsecond.
#[expect(
    clippy::cast_precision_loss,
    reason = "centuries of microseconds fit into 53 bits"
)]
pub(crate) fn millis(took: std::time::Duration) -> f64 {
    took.as_micros() as f64 / 1e3
}

fn line(record: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(record).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_alone_says_how_a_request_ended() {
        for (status, ending, decided) in [
            (401, Some("unauthenticated"), "unauthenticated"),
            (403, Some("forbidden"), "forbidden"),
            (408, Some("timed_out"), PERMITTED),
            (429, Some("too_many_calls"), "limited"),
            (503, Some("overloaded"), "limited"),
            (200, None, PERMITTED),
            (400, None, PERMITTED),
            (404, None, PERMITTED),
            (413, None, PERMITTED),
            (500, None, PERMITTED),
        ] {
            let found = ending_of(StatusCode::from_u16(status).unwrap());
            assert_eq!(found.map(Ending::as_str), ending, "{status}");
            assert_eq!(found.map_or(PERMITTED, decision), decided, "{status}");
        }
    }
}
