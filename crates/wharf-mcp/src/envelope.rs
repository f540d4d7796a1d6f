//! One incoming message, split into borrowed slices.
//!
//! A message is looked at once and never becomes a tree: the scan that finds out whether it is JSON notes the members
//! that the protocol itself reads. Arguments stay the text that the client wrote.

use std::borrow::Cow;

use wharf_model::{JsonKind, Scanner, Slice};

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

/// What a message says, as it was found.
struct Envelope<'a> {
    own: Found<'a, { OWN.len() }>,
    params: Found<'a, { PARAMS.len() }>,
    meta: Found<'a, { META.len() }>,
}

/// The members of the message itself.
const OWN: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
const OWN_PARAMS: usize = 3;

/// The members of `params`.
const PARAMS: [&str; 7] = [
    "_meta",
    "name",
    "arguments",
    "uri",
    "cursor",
    "inputResponses",
    "requestState",
];
const PARAMS_META: usize = 0;

/// The members of `_meta`.
const META: [&str; 6] = [
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/logLevel",
    "progressToken",
    "traceparent",
    "tracestate",
];

/// The members of some names in what should be an object.
#[derive(Default)]
struct Found<'a, const N: usize> {
    members: Option<[Option<Slice<'a>>; N]>,
    /// One of them stands there twice.
    has_twins: bool,
}

/// A message that cannot be served, with the id of its request as far as that could be read.
pub(crate) struct Fault<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) error: WireError,
}

/// Splits one message.
pub(crate) fn parse(text: &str) -> Result<Incoming<'_>, Fault<'_>> {
    let Envelope { own, params, meta } = Envelope::scan(text).ok_or_else(|| Fault {
        id: None,
        error: WireError::new(
            StatusCode::BAD_REQUEST,
            errors::PARSE,
            "the message is not JSON",
        ),
    })?;
    let [jsonrpc, id, method, given, result, error] = own.each_once().ok_or_else(|| Fault {
        id: None,
        error: WireError::invalid_request(
            "the message is no JSON-RPC object, or has a member twice",
        ),
    })?;
    let id = id.map(Slice::as_str);
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
    if jsonrpc.map(Slice::as_str) != Some("\"2.0\"") {
        return Err(refuse(WireError::invalid_request(
            "`jsonrpc` must be \"2.0\"",
        )));
    }
    let Some(method) = method.filter(is_there) else {
        return response(id, result, error.filter(is_there)).map_err(refuse);
    };
    let method = method
        .text()
        .ok_or_else(|| refuse(WireError::invalid_request("`method` must be a string")))?;
    let given = given.filter(is_there);
    let Some(id) = id else {
        return Ok(Incoming::Notification(Notification {
            method,
            params: given,
        }));
    };
    let (params, meta) = match given {
        None => Default::default(),
        Some(all) => {
            let params = params.each_once().ok_or_else(|| {
                refuse(WireError::malformed(
                    "`params` must be an object without a member twice",
                ))
            })?;
            Params::of(params, all, meta).ok_or_else(|| {
                refuse(WireError::malformed(
                    "`_meta` must be an object without a member twice",
                ))
            })?
        }
    };
    Ok(Incoming::Request(Request {
        id,
        method,
        params,
        meta,
    }))
}

fn response<'a>(
    id: Option<&'a str>,
    result: Option<Slice<'a>>,
    error: Option<Slice<'a>>,
) -> Result<Incoming<'a>, WireError> {
    let outcome = match (result, error) {
        (Some(result), None) => Ok(result),
        (None, Some(error)) => Err(error),
        _ => return Err(neither()),
    };
    let id = id.ok_or_else(neither)?;
    Ok(Incoming::Response(Response { id, outcome }))
}

fn neither() -> WireError {
    WireError::invalid_request("the message is neither a request nor a notification nor a response")
}

impl<'a> Envelope<'a> {
    /// None when the text is not JSON.
    fn scan(text: &'a str) -> Option<Self> {
        let mut scanner = Scanner::new(text);
        let mut params = Found::default();
        let mut meta = Found::default();
        scanner.skip_white();
        let own = scan(text, &mut scanner, OWN, 0, |scanner, member| {
            if member != OWN_PARAMS {
                return scanner.value(1);
            }
            params = scan(text, scanner, PARAMS, 1, |scanner, member| {
                if member != PARAMS_META {
                    return scanner.value(2);
                }
                meta = scan(text, scanner, META, 2, |scanner, _| scanner.value(3))?;
                Some(())
            })?;
            Some(())
        })?;
        scanner.skip_white();
        scanner
            .peek()
            .is_none()
            .then_some(Self { own, params, meta })
    }
}

/// Steps over the value at the scanner and notes its members of these names, each of which `value` steps over. None when
/// it is not JSON.
fn scan<'a, const N: usize>(
    text: &'a str,
    scanner: &mut Scanner<'a>,
    names: [&str; N],
    depth: usize,
    mut value: impl FnMut(&mut Scanner<'a>, usize) -> Option<()>,
) -> Option<Found<'a, N>> {
    let mut found = Found::default();
    if scanner.peek()? != b'{' {
        scanner.value(depth)?;
        return Some(found);
    }
    let mut members = [None; N];
    scanner.open();
    let mut first = true;
    while let Some(key) = scanner.key(first)? {
        first = false;
        let Some(member) = names.iter().position(|name| *name == key) else {
            scanner.value(depth + 1)?;
            continue;
        };
        let start = scanner.at();
        value(scanner, member)?;
        let slice = Slice::from_checked(&text[start..scanner.at()]);
        found.has_twins |= members[member].replace(slice).is_some();
    }
    found.members = Some(members);
    Some(found)
}

impl<'a, const N: usize> Found<'a, N> {
    /// The members; none when it is no object, or has one of them twice.
    fn each_once(self) -> Option<[Option<Slice<'a>>; N]> {
        self.members.filter(|_| !self.has_twins)
    }
}

impl<'a> Params<'a> {
    /// Together with their `_meta`; none when that cannot be read.
    fn of(
        members: [Option<Slice<'a>>; PARAMS.len()],
        all: Slice<'a>,
        meta: Found<'a, { META.len() }>,
    ) -> Option<(Self, Meta<'a>)> {
        let [
            given,
            name,
            arguments,
            uri,
            cursor,
            input_responses,
            request_state,
        ] = members.map(|member| member.filter(is_there));
        let meta = match given {
            None => Meta::default(),
            Some(_) => Meta::of(meta.each_once()?),
        };
        let params = Self {
            name,
            arguments,
            uri,
            cursor,
            input_responses,
            request_state,
            all: Some(all),
        };
        Some((params, meta))
    }
}

impl<'a> Meta<'a> {
    fn of(members: [Option<Slice<'a>>; META.len()]) -> Self {
        let [
            version,
            capabilities,
            log_level,
            progress_token,
            traceparent,
            tracestate,
        ] = members.map(|member| member.filter(is_there));
        Self {
            version,
            capabilities,
            log_level,
            progress_token,
            traceparent,
            tracestate,
        }
    }
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
