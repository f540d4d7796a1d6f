//! The end of a server, as those learn of it who are connected.
//!
//! 1. *Leaving*: `/ready` says 503 and everything is answered as before, but each answer is the last of its connection
//!    (`Connection: close`). So clients and load balancers go elsewhere with their next request, and none of them meets a
//!    connection that closes while its request is on the way.
//! 2. *Closed*: new work is refused with 503 and `Retry-After`; whoever waits to be accepted hears that too. The port
//!    closes, streams end as the protocol says, and calls in flight finish.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Response;
use http::header::{CONNECTION, HeaderValue};

/// How long connections without a request stay open after the port has closed: a request that was on its way hears a
/// reason instead of a reset. As long as a packet takes around the world and back.
pub(crate) const LINGER: Duration = Duration::from_millis(250);

/// Whether the server is about to end.
#[derive(Debug, Default)]
pub(crate) struct Drain(AtomicBool);

impl Drain {
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Makes an answer the last of its connection where the server is about to end.
    pub(crate) fn mark<B>(&self, response: &mut Response<B>) {
        if self.has_begun() {
            make_last(response);
        }
    }
}

/// Makes an answer the last of its connection (RFC 9112 §9.6).
pub(crate) fn make_last<B>(response: &mut Response<B>) {
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
}
