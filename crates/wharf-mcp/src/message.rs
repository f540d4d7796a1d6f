//! One outgoing message as bytes.
//!
//! A list of many megabytes is prepared once; an answer then is three runs of bytes, of which the middle one is shared
//! by all answers and copied by none.

use std::sync::Arc;
use std::time::Duration;

use ::http::StatusCode;
use bytes::Bytes;

/// One JSON-RPC message, ready for the wire, without any framing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    parts: [Bytes; 3],
}

impl Message {
    /// `before`, then the shared bytes, then `after`.
    pub(crate) fn around(before: Vec<u8>, shared: Bytes, after: Bytes) -> Self {
        Self {
            parts: [before.into(), shared, after],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(Bytes::len).sum()
    }

    pub(crate) fn into_parts(self) -> [Bytes; 3] {
        self.parts
    }

    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        for part in &self.parts {
            out.extend_from_slice(part);
        }
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            parts: [bytes.into(), Bytes::new(), Bytes::new()],
        }
    }
}

/// An answer: the message, and the status where it travels alone over HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) message: Message,
    pub(crate) refusal: Option<Refusal>,
}

/// Why somebody who asks properly is sent away. A response that says so over HTTP has it among its extensions, for whoever
/// knows how the caller could prove more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// 401: the caller has to prove who they are.
    Unauthenticated,
    /// 403: the caller lacks these scopes; where there are none, no scope would help.
    Forbidden {
        /// All scopes that the operation needs.
        scopes: Vec<String>,
    },
    /// 429 or 503: another try makes sense after this time. The response has `Retry-After` already.
    Later {
        /// How long to wait.
        retry_after: Duration,
    },
}

impl Reply {
    pub(crate) fn ok(message: impl Into<Message>) -> Self {
        Self {
            status: StatusCode::OK,
            message: message.into(),
            refusal: None,
        }
    }
}

/// The bytes of a request's id as the client wrote them, so that the answer repeats them to the letter.
pub(crate) type Id = bytestring::ByteString;

/// Shared ownership of the server, as every future that outlives a request needs it.
pub(crate) type Shared = Arc<crate::server::Inner>;
