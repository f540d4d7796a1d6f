//! Protocol errors: what went wrong, as a code, a sentence and a status.
//!
//! From a failed call to the wire is one function that reads like a table. The reader of these texts is a client
//! program and the person who wrote it; nothing of an upstream and no value of an argument goes in.

use std::borrow::Cow;

use ::http::StatusCode;
use wharf_model::{CallError, Json, whole_seconds};

use crate::encode::json::Object;
use crate::message::{Refusal, Reply};
use crate::protocol::Revision;

pub(crate) const PARSE: i32 = -32700;
pub(crate) const INVALID_REQUEST: i32 = -32600;
pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
pub(crate) const INVALID_PARAMS: i32 = -32602;
pub(crate) const INTERNAL: i32 = -32603;
/// A header is missing, malformed, or says something else than the body.
pub(crate) const HEADER_MISMATCH: i32 = -32020;
pub(crate) const MISSING_CAPABILITY: i32 = -32021;
pub(crate) const UNSUPPORTED_VERSION: i32 = -32022;
/// Resource not found, in legacy revisions only.
const LEGACY_RESOURCE_NOT_FOUND: i32 = -32002;

/// A protocol error on its way out.
#[derive(Debug, Clone)]
pub(crate) struct WireError {
    pub(crate) status: StatusCode,
    pub(crate) code: i32,
    pub(crate) message: Cow<'static, str>,
    pub(crate) data: Option<Json>,
    pub(crate) refusal: Option<Refusal>,
}

impl WireError {
    pub(crate) fn new(
        status: StatusCode,
        code: i32,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            data: None,
            refusal: None,
        }
    }

    pub(crate) fn with_data(mut self, write: impl FnOnce(&mut Object<'_>)) -> Self {
        let mut out = Vec::new();
        let mut object = Object::new(&mut out);
        write(&mut object);
        object.end();
        self.data = Json::parse(out.into()).ok();
        self
    }

    /// Says which request it was, where only the log says what went wrong.
    pub(crate) fn of_request(mut self, request_id: &str) -> Self {
        if self.code == INTERNAL {
            self.message = format!("{} (request {request_id})", self.message).into();
        }
        self
    }

    pub(crate) fn with_refusal(mut self, refusal: Refusal) -> Self {
        self.refusal = Some(refusal);
        self
    }

    /// Not a JSON-RPC request that anybody could answer.
    pub(crate) fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, message)
    }

    /// A request whose form is wrong.
    pub(crate) fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_PARAMS, message)
    }

    /// A well-formed request that asks for something that is not there.
    pub(crate) fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::OK, INVALID_PARAMS, message)
    }

    pub(crate) fn header_mismatch(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, HEADER_MISMATCH, message)
    }

    pub(crate) fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::OK, INTERNAL, message)
    }

    pub(crate) fn method_not_found(method: &str, revision: Revision) -> Self {
        Self::new(
            not_found_status(revision),
            METHOD_NOT_FOUND,
            format!("method `{}` is not available", shown(method)),
        )
    }

    /// A call that ended in a protocol error, for a client of `revision`.
    pub(crate) fn of_call(error: CallError, revision: Revision) -> Self {
        let modern = revision.is_modern();
        let message = error.to_string();
        let (status, code) = match &error {
            CallError::Unknown { .. } | CallError::InvalidParams(_) => {
                (StatusCode::OK, INVALID_PARAMS)
            }
            CallError::ResourceNotFound { .. } if modern => (StatusCode::OK, INVALID_PARAMS),
            CallError::ResourceNotFound { .. } => (StatusCode::OK, LEGACY_RESOURCE_NOT_FOUND),
            CallError::MissingCapability { .. } if modern => {
                (StatusCode::BAD_REQUEST, MISSING_CAPABILITY)
            }
            CallError::MissingCapability { .. } => (StatusCode::OK, INVALID_REQUEST),
            CallError::Unsupported => (not_found_status(revision), METHOD_NOT_FOUND),
            CallError::Unauthenticated => (StatusCode::UNAUTHORIZED, INVALID_REQUEST),
            CallError::Forbidden { .. } => (StatusCode::FORBIDDEN, INVALID_REQUEST),
            CallError::TooManyCalls { .. } => (StatusCode::TOO_MANY_REQUESTS, INTERNAL),
            CallError::Overloaded { .. } => (StatusCode::SERVICE_UNAVAILABLE, INTERNAL),
            _ => (StatusCode::OK, INTERNAL),
        };
        let wire = Self::new(status, code, message);
        match error {
            CallError::Unauthenticated => wire.with_refusal(Refusal::Unauthenticated),
            CallError::Forbidden { scopes } => wire.with_refusal(Refusal::Forbidden { scopes }),
            CallError::TooManyCalls { retry_after } | CallError::Overloaded { retry_after } => wire
                .with_data(|data| data.raw("retryAfter", &whole_seconds(retry_after).to_string()))
                .with_refusal(Refusal::Later { retry_after }),
            CallError::ResourceNotFound { uri } => wire.with_data(|data| data.text("uri", &uri)),
            CallError::MissingCapability { capabilities } => {
                wire.with_data(|data| data.raw("requiredCapabilities", capabilities.as_str()))
            }
            _ => wire,
        }
    }

    /// As an answer to the request `id`, or to nobody in particular.
    pub(crate) fn reply(&self, id: Option<&str>) -> Reply {
        let mut out = Vec::with_capacity(256);
        let mut object = Object::new(&mut out);
        object.text("jsonrpc", "2.0");
        if let Some(id) = id {
            object.raw("id", id);
        }
        let mut error = object.object("error");
        error.raw("code", &self.code.to_string());
        error.text("message", &self.message);
        if let Some(data) = &self.data {
            error.raw("data", data.as_str());
        }
        error.end();
        object.end();
        Reply {
            status: self.status,
            message: out.into(),
            refusal: self.refusal.clone(),
        }
    }
}

/// Modern clients are told over HTTP as well that a method is missing; legacy ones take 404 for the end of a session.
fn not_found_status(revision: Revision) -> StatusCode {
    if revision.is_modern() {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    }
}

/// How much of a text that a client chose is repeated to it.
const SHOWN_CHARS_MAX: usize = 64;

/// A text from outside, cut to what a message can bear.
pub(crate) fn shown(text: &str) -> &str {
    text.char_indices()
        .nth(SHOWN_CHARS_MAX)
        .map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_calls_by_era() {
        let unknown = || CallError::Unknown {
            kind: "tool",
            name: "x".into(),
        };
        let missing = || CallError::ResourceNotFound {
            uri: "a://b".into(),
        };
        let incapable = || CallError::MissingCapability {
            capabilities: Json::of(&serde_json::json!({"sampling": {}})),
        };
        let (modern, legacy) = (Revision::July2026, Revision::June2025);
        for (error, revision, status, expected) in [
            (
                unknown(),
                modern,
                200,
                r#""code":-32602,"message":"unknown tool `x`""#,
            ),
            (unknown(), legacy, 200, r#""code":-32602"#),
            (
                missing(),
                modern,
                200,
                r#""code":-32602,"message":"no resource `a://b`","data":{"uri":"a://b"}"#,
            ),
            (missing(), legacy, 200, r#""code":-32002"#),
            (
                incapable(),
                modern,
                400,
                r#""data":{"requiredCapabilities":{"sampling":{}}}"#,
            ),
            (incapable(), legacy, 200, r#""code":-32600"#),
            (CallError::Unsupported, modern, 404, r#""code":-32601"#),
            (CallError::Unsupported, legacy, 200, r#""code":-32601"#),
            (
                CallError::Internal("no luck".into()),
                modern,
                200,
                r#""code":-32603,"message":"no luck""#,
            ),
            (
                CallError::InvalidParams("no".into()),
                legacy,
                200,
                r#""code":-32602,"message":"no""#,
            ),
        ] {
            let reply = WireError::of_call(error.clone(), revision).reply(Some("\"1\""));
            let mut text = Vec::new();
            reply.message.append_to(&mut text);
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains(expected), "{error:?} {revision:?}: {text}");
            assert!(
                text.starts_with(r#"{"jsonrpc":"2.0","id":"1","error":{"#),
                "{text}"
            );
            assert_eq!(reply.status.as_u16(), status, "{error:?} {revision:?}");
        }
    }
}
