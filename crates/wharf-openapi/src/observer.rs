//! Telling somebody of each exchange with the upstream, for counting: what was asked, what came back, how long it took.
//!
//! Without an observer a call does not even look at the clock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};

/// Who is told of exchanges.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(&Exchange<'_>) + Send + Sync>);

/// One request to the upstream, with whatever retries and redirects it took.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path as the document writes it, without the arguments' values.
    pub path: &'a str,
    /// The answer's status; none when there was no answer.
    pub status: Option<StatusCode>,
    /// From sending to the end of the answer.
    pub took: Duration,
}

impl Observer {
    /// An observer that calls `tell`, which must not block.
    pub fn new(tell: impl Fn(&Exchange<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(crate) fn tell(&self, exchange: &Exchange<'_>) {
        (self.0)(exchange);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
