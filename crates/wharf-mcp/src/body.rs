//! Bodies of both directions: what a request may send, and what a response is made of.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use ::http::StatusCode;
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use futures_util::Stream;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use wharf_model::opening_brackets;

use crate::errors::{self, WireError};
use crate::message::Message;
use crate::settings::Limits;

/// Beyond this the readers of JSON behind this one give up, and what recurses over arguments could run out of stack.
const NESTING_MAX: usize = 127;

/// A stream of chunks that a response sends as they come.
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// The body of a response: a few chunks of known length, or a stream.
///
/// A list that is prepared once is shared by every answer that holds it, so a body is up to three chunks instead of one
/// buffer.
pub struct Body(Kind);

enum Kind {
    Parts { parts: [Bytes; 3], next: usize },
    Stream(Chunks),
}

impl Body {
    /// Nothing.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    pub(crate) fn stream(chunks: Chunks) -> Self {
        Self(Kind::Stream(chunks))
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Parts {
            parts: [bytes, Bytes::new(), Bytes::new()],
            next: 0,
        })
    }
}

impl From<Message> for Body {
    fn from(message: Message) -> Self {
        Self(Kind::Parts {
            parts: message.into_parts(),
            next: 0,
        })
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Parts { parts, .. } => {
                write!(
                    f,
                    "Body({} bytes)",
                    parts.iter().map(Bytes::len).sum::<usize>()
                )
            }
            Kind::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Kind::Parts { parts, next } => {
                while let Some(part) = parts.get_mut(*next) {
                    *next += 1;
                    if !part.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(std::mem::take(part)))));
                    }
                }
                Poll::Ready(None)
            }
            Kind::Stream(chunks) => chunks
                .as_mut()
                .poll_next(context)
                .map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Parts { parts, next } => parts[*next..].iter().all(Bytes::is_empty),
            Kind::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Parts { parts, next } => {
                SizeHint::with_exact(parts[*next..].iter().map(|part| part.len() as u64).sum())
            }
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

/// Reads a request's body within its limits; what comes out is text, not yet known to be JSON.
pub(crate) async fn read<B>(body: B, limits: &Limits) -> Result<ByteString, WireError>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let max = limits.body_bytes_max;
    // What the client announces is refused before a byte of it is read.
    if usize::try_from(body.size_hint().lower()).map_or(true, |announced| announced > max) {
        return Err(too_long(max));
    }
    let mut body = pin!(body);
    let mut read = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let error = error.into();
            tracing::debug!(%error, "a request's body broke off");
            broken_off(&*error)
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if read.len() + joined.len() + data.len() > max {
            return Err(too_long(max));
        }
        // Nearly every body is one frame, which is taken as it is.
        if read.is_empty() && joined.is_empty() {
            read = data;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut read));
            joined.extend_from_slice(&data);
        }
    }
    let bytes = if joined.is_empty() {
        read
    } else {
        joined.freeze()
    };
    text(bytes, limits)
}

/// What went wrong is told by the transport: a body that took too long is an I/O error of that kind.
fn broken_off(error: &(dyn Error + 'static)) -> WireError {
    let is_late = std::iter::successors(Some(error), |&error| error.source()).any(|error| {
        error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
    });
    if is_late {
        return WireError::new(
            StatusCode::REQUEST_TIMEOUT,
            errors::INVALID_REQUEST,
            "the body did not arrive in time; send the request again",
        );
    }
    WireError::new(StatusCode::BAD_REQUEST, errors::PARSE, "the body broke off")
}

/// One message's bytes as text that is no deeper than the limit.
pub(crate) fn text(bytes: Bytes, limits: &Limits) -> Result<ByteString, WireError> {
    let max = limits.nesting_max.min(NESTING_MAX);
    // Most messages have too few brackets to be looked at closely.
    if opening_brackets(&bytes) > max && is_deeper(&bytes, max) {
        return Err(WireError::invalid_request(format!(
            "the message is nested deeper than {max} levels"
        )));
    }
    ByteString::try_from(bytes).map_err(|_| {
        WireError::new(
            StatusCode::BAD_REQUEST,
            errors::PARSE,
            "the message is not UTF-8",
        )
    })
}

pub(crate) fn too_long(max: usize) -> WireError {
    WireError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        errors::INVALID_REQUEST,
        format!("the message is longer than {max} bytes"),
    )
}

/// Whether brackets stand inside each other deeper than `max`, whatever else is wrong with the text.
fn is_deeper(bytes: &[u8], max: usize) -> bool {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > max {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => at = string_end(bytes, at),
            _ => {}
        }
    }
    false
}

/// The index behind the closing quote of the string whose first byte is at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at = (at + 2).min(bytes.len());
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        for (text, max, expected) in [
            ("{}", 1, false),
            ("{}", 0, true),
            ("[[[]]]", 2, true),
            ("[[[]]]", 3, false),
            (r#"["[[[[", "\"[[["]"#, 1, false),
            (r#"["\\",[[]]]"#, 2, true),
            ("[],[],[]", 1, false),
            ("]]]][", 1, false),
            (r#"["open"#, 1, false),
            (r#"["open\"#, 1, false),
        ] {
            assert_eq!(is_deeper(text.as_bytes(), max), expected, "{text} {max}");
        }
    }
}
