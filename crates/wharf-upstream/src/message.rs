//! What goes to an upstream and what comes back.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

/// What to ask of an upstream.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// `/path?query`, percent-encoded, to append to the base address; or a whole `http` or `https` address.
    pub target: String,
    /// Headers of this call. Those of the connection, `host`, `content-length` and `accept-encoding` are dropped.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
}

/// What an upstream answered.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or as much of it as is allowed.
    pub body: Bytes,
    /// The body goes on, but no more of it is allowed.
    pub truncated: bool,
}

// Targets, header values and bodies hold what people typed and what upstreams know of them; a stray `{:?}` in a log
// statement must not spill it.

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("headers", &Names(&self.headers))
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &Names(&self.headers))
            .field("body_bytes", &self.body.len())
            .field("truncated", &self.truncated)
            .finish()
    }
}

/// Headers without their values.
pub(crate) struct Names<'a>(pub(crate) &'a HeaderMap);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}
