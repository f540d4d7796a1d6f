//! One incoming message, split into borrowed slices.
//!
//! A request is looked at twice and never becomes a tree: once for the envelope, once for the few members of `params`
//! that the protocol itself reads. Arguments stay the text that the client wrote.

use std::borrow::Cow;

use wharf_model::{JsonKind, Slice};

use crate::errors::{self, WireError};
use ::http::StatusCode;

/// The longest id that is accepted; it is kept as long as its call and repeated in the answer.
const ID_BYTES_MAX: usize = 1024;

/// What a client sent.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every one is a request; a box would be an allocation for each"
)]
pub(crate) enum Incoming<'a> {
    Request(Request<'a>),
    Notification(Notification<'a>),
    /// The answer to a question of ours.
    Response(Response<'a>),
}

/// A request that wants an answer.
pub(crate) struct Request<'a> {
    pub(crate) id: &'a str,
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Params<'a>,
    pub(crate) meta: Meta<'a>,
}

pub(crate) struct Notification<'a> {
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Option<Slice<'a>>,
}

pub(crate) struct Response<'a> {
    pub(crate) id: &'a str,
    /// The result, or the error.
    pub(crate) outcome: Result<Slice<'a>, Slice<'a>>,
}

/// The members of `params` that the protocol reads; `null` counts as absent.
#[derive(Default)]
pub(crate) struct Params<'a> {
    meta: Option<Slice<'a>>,
    pub(crate) name: Option<Slice<'a>>,
    pub(crate) arguments: Option<Slice<'a>>,
    pub(crate) uri: Option<Slice<'a>>,
    pub(crate) cursor: Option<Slice<'a>>,
    pub(crate) input_responses: Option<Slice<'a>>,
    pub(crate) request_state: Option<Slice<'a>>,
    /// All of it, for the rarer members.
    pub(crate) all: Option<Slice<'a>>,
}

/// The members of `_meta` that the protocol reads.
#[derive(Default)]
pub(crate) struct Meta<'a> {
    pub(crate) version: Option<Slice<'a>>,
    pub(crate) capabilities: Option<Slice<'a>>,
    pub(crate) log_level: Option<Slice<'a>>,
    pub(crate) progress_token: Option<Slice<'a>>,
    pub(crate) traceparent: Option<Slice<'a>>,
    pub(crate) tracestate: Option<Slice<'a>>,
}

/// The members of the message itself.
struct Envelope<'a> {
    jsonrpc: Option<Slice<'a>>,
    /// `null` is an id that is refused.
    id: Option<Slice<'a>>,
    method: Option<Slice<'a>>,
    params: Option<Slice<'a>>,
    /// `null` is a result.
    result: Option<Slice<'a>>,
    error: Option<Slice<'a>>,
}

/// A message that cannot be served, with the id of its request as far as that could be read.
pub(crate) struct Fault<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) error: WireError,
}

/// Splits one message.
pub(crate) fn parse(text: &str) -> Result<Incoming<'_>, Fault<'_>> {
    let message = Slice::parse(text).map_err(|_| Fault {
        id: None,
        error: WireError::new(
            StatusCode::BAD_REQUEST,
            errors::PARSE,
            "the message is not JSON",
        ),
    })?;
    let envelope = Envelope::of(message).ok_or_else(|| Fault {
        id: None,
        error: WireError::invalid_request(
            "the message is no JSON-RPC object, or has a member twice",
        ),
    })?;
    let id = envelope.id.map(Slice::as_str);
    if let Some(id) = id
        && !is_id(id)
    {
        return Err(Fault {
            id: None,
            error: WireError::invalid_request(
                "`id` must be a string or an integer, of at most 1024 bytes",
            ),
        });
    }
    let refuse = |error| Fault { id, error };
    if envelope.jsonrpc.map(Slice::as_str) != Some("\"2.0\"") {
        return Err(refuse(WireError::invalid_request(
            "`jsonrpc` must be \"2.0\"",
        )));
    }
    let Some(method) = envelope.method else {
        return response(id, &envelope).map_err(refuse);
    };
    let method = method
        .text()
        .ok_or_else(|| refuse(WireError::invalid_request("`method` must be a string")))?;
    let Some(id) = id else {
        return Ok(Incoming::Notification(Notification {
            method,
            params: envelope.params,
        }));
    };
    let params = match envelope.params {
        None => Params::default(),
        Some(params) => Params::of(params).ok_or_else(|| {
            refuse(WireError::malformed(
                "`params` must be an object without a member twice",
            ))
        })?,
    };
    let meta = match params.meta {
        None => Meta::default(),
        Some(meta) => Meta::of(meta).ok_or_else(|| {
            refuse(WireError::malformed(
                "`_meta` must be an object without a member twice",
            ))
        })?,
    };
    Ok(Incoming::Request(Request {
        id,
        method,
        params,
        meta,
    }))
}

fn response<'a>(id: Option<&'a str>, envelope: &Envelope<'a>) -> Result<Incoming<'a>, WireError> {
    match (id, envelope.result, envelope.error) {
        (Some(id), Some(result), None) => Ok(Incoming::Response(Response {
            id,
            outcome: Ok(result),
        })),
        (Some(id), None, Some(error)) => Ok(Incoming::Response(Response {
            id,
            outcome: Err(error),
        })),
        _ => Err(WireError::invalid_request(
            "the message is neither a request nor a notification nor a response",
        )),
    }
}

impl<'a> Envelope<'a> {
    fn of(message: Slice<'a>) -> Option<Self> {
        let names = ["jsonrpc", "id", "method", "params", "result", "error"];
        let [jsonrpc, id, method, params, result, error] = members(message, names)?;
        Some(Self {
            jsonrpc,
            id,
            method: method.filter(is_there),
            params: params.filter(is_there),
            result,
            error: error.filter(is_there),
        })
    }
}

impl<'a> Params<'a> {
    fn of(params: Slice<'a>) -> Option<Self> {
        let [
            meta,
            name,
            arguments,
            uri,
            cursor,
            input_responses,
            request_state,
        ] = members(
            params,
            [
                "_meta",
                "name",
                "arguments",
                "uri",
                "cursor",
                "inputResponses",
                "requestState",
            ],
        )?
        .map(|member| member.filter(is_there));
        Some(Self {
            meta,
            name,
            arguments,
            uri,
            cursor,
            input_responses,
            request_state,
            all: Some(params),
        })
    }
}

impl<'a> Meta<'a> {
    fn of(meta: Slice<'a>) -> Option<Self> {
        let [
            version,
            capabilities,
            log_level,
            progress_token,
            traceparent,
            tracestate,
        ] = members(
            meta,
            [
                "io.modelcontextprotocol/protocolVersion",
                "io.modelcontextprotocol/clientCapabilities",
                "io.modelcontextprotocol/logLevel",
                "progressToken",
                "traceparent",
                "tracestate",
            ],
        )?
        .map(|member| member.filter(is_there));
        Some(Self {
            version,
            capabilities,
            log_level,
            progress_token,
            traceparent,
            tracestate,
        })
    }
}

/// The members of these names; none when this is no object, or has one of them twice.
///
/// A walk and not a parser: all of the message was seen to be JSON.
fn members<'a, const N: usize>(
    object: Slice<'a>,
    names: [&str; N],
) -> Option<[Option<Slice<'a>>; N]> {
    if object.kind() != JsonKind::Object {
        return None;
    }
    let mut found = [None; N];
    for (key, value) in object.each_member() {
        if let Some(place) = names.iter().position(|name| *name == key)
            && found[place].replace(value).is_some()
        {
            return None;
        }
    }
    Some(found)
}

/// What is `null` counts as absent.
fn is_there(value: &Slice<'_>) -> bool {
    value.kind() != JsonKind::Null
}

fn is_id(id: &str) -> bool {
    let is_integer = || {
        let digits = id.strip_prefix('-').unwrap_or(id);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    id.len() <= ID_BYTES_MAX && (id.starts_with('"') || is_integer())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_are_none() {
        for (given, code, id) in [
            ("", errors::PARSE, None),
            ("{", errors::PARSE, None),
            ("{} {}", errors::PARSE, None),
            ("7", errors::INVALID_REQUEST, None),
            ("{}", errors::INVALID_REQUEST, None),
            (
                r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
                errors::INVALID_REQUEST,
                Some("1"),
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
                errors::INVALID_REQUEST,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
                errors::INVALID_REQUEST,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1e3,"method":"ping"}"#,
                errors::INVALID_REQUEST,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
                errors::INVALID_REQUEST,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
                errors::INVALID_REQUEST,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
                errors::INVALID_REQUEST,
                Some("1"),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1}"#,
                errors::INVALID_REQUEST,
                Some("1"),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
                errors::INVALID_PARAMS,
                Some("1"),
            ),
            (
                r#"{"jsonrpc":"2.0","id":"a","method":"ping","params":{"_meta":1}}"#,
                errors::INVALID_PARAMS,
                Some("\"a\""),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
                errors::INVALID_PARAMS,
                Some("1"),
            ),
        ] {
            let Err(fault) = parse(given) else {
                panic!("{given} passed")
            };
            assert_eq!((fault.error.code, fault.id), (code, id), "{given}");
        }
        let long = format!(
            r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#,
            "x".repeat(ID_BYTES_MAX)
        );
        assert!(
            parse(&long).is_err(),
            "an id of more than {ID_BYTES_MAX} bytes"
        );
    }

    #[test]
    fn messages_of_every_kind() {
        let given = r#" {"jsonrpc" : "2.0", "id": "a\"b", "method": "tools\/call", "params": {"name": "x", "arguments": null, "_meta": {"progressToken": 7}}} "#;
        let Ok(Incoming::Request(request)) = parse(given) else {
            panic!("a request")
        };
        assert_eq!(request.id, r#""a\"b""#);
        assert_eq!(request.method, "tools/call");
        assert_eq!(request.params.name.map(Slice::as_str), Some("\"x\""));
        assert!(request.params.arguments.is_none(), "null counts as absent");
        assert_eq!(request.meta.progress_token.map(Slice::as_str), Some("7"));

        for (given, ok) in [
            (r#"{"jsonrpc":"2.0","id":1,"result":null}"#, true),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#,
                false,
            ),
        ] {
            let Ok(Incoming::Response(response)) = parse(given) else {
                panic!("{given} is a response")
            };
            assert_eq!(response.outcome.is_ok(), ok, "{given}");
        }
        assert!(matches!(
            parse(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
            Ok(Incoming::Notification(_))
        ));
    }
}
