//! A place in a trace, in the form of W3C Trace Context: <https://www.w3.org/TR/trace-context/>.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderValue};

/// Longer lists of vendors' entries are dropped whole: the recommendation asks for 512 characters to be passed on (§3.3.1.5).
const STATE_CHARS_MAX: usize = 512;

/// The bit of [`TraceContext::flags`] that says that the caller records the trace.
const SAMPLED: u8 = 1;

/// A span, as others refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The whole trace; never zero.
    pub trace_id: u128,
    /// The span; never zero.
    pub span_id: u64,
    /// Whether it is recorded, and what else the flags say.
    pub flags: u8,
    /// What vendors say of it, passed on as it came.
    pub state: Option<Box<str>>,
}

impl TraceContext {
    /// Reads `traceparent` and, where there is one, `tracestate`. None where the parent is malformed: it is as if it had
    /// not been sent (§4.3).
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let mut parts = traceparent.trim().split('-');
        let mut part = |digits: usize| {
            let part = parts.next()?;
            let is_hex = part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
            (part.len() == digits && is_hex).then_some(part)
        };
        let version = part(2)?;
        let trace_id = u128::from_str_radix(part(32)?, 16).ok()?;
        let span_id = u64::from_str_radix(part(16)?, 16).ok()?;
        let flags = u8::from_str_radix(part(2)?, 16).ok()?;
        // A later version may have more parts, and is read as far as we know it (§4.3).
        let is_known = version == "00";
        let is_read = version != "ff" && (!is_known || parts.next().is_none());
        (is_read && trace_id != 0 && span_id != 0).then(|| Self {
            trace_id,
            span_id,
            flags,
            state: tracestate
                .map(str::trim)
                .filter(|state| !state.is_empty() && state.len() <= STATE_CHARS_MAX)
                .filter(|state| state.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
                .map(Into::into),
        })
    }

    /// The context that a request's headers carry.
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all("traceparent").iter();
        let parent = parents.next()?.to_str().ok()?;
        if parents.next().is_some() {
            return None;
        }
        let states: Vec<_> = headers
            .get_all("tracestate")
            .iter()
            .filter_map(|state| state.to_str().ok())
            .collect();
        Self::parse(parent, Some(&states.join(",")))
    }

    /// Whether the trace is recorded where it comes from.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The same with the decision to record.
    #[must_use]
    pub fn sampled(mut self, is_sampled: bool) -> Self {
        self.flags = self.flags & !SAMPLED | u8::from(is_sampled);
        self
    }

    /// As the header `traceparent`.
    pub fn traceparent(&self) -> String {
        let mut out = String::with_capacity(55);
        let _ = write!(
            out,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.span_id, self.flags
        );
        out
    }

    /// Puts it on a request, in place of any that is there.
    pub fn put_on(&self, headers: &mut HeaderMap) {
        headers.remove("tracestate");
        if let Ok(parent) = HeaderValue::try_from(self.traceparent()) {
            headers.insert("traceparent", parent);
        }
        if let Some(state) = &self.state
            && let Ok(state) = HeaderValue::from_str(state)
        {
            headers.insert("tracestate", state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_read_or_are_as_if_not_sent() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (parent, is_read) in [
            (good, true),
            (
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
                true,
            ),
            // A later version, with more than we know.
            (
                "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
                true,
            ),
            (
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
                false,
            ),
            (
                "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                false,
            ),
            (
                "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                false,
            ),
            (
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                false,
            ),
            (
                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                false,
            ),
            (
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
                false,
            ),
            (
                "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                false,
            ),
            ("00-4bf9-00f067aa0ba902b7-01", false),
            ("", false),
            ("00-é-b-01", false),
        ] {
            assert_eq!(
                TraceContext::parse(parent, None).is_some(),
                is_read,
                "{parent}"
            );
        }
        let context = TraceContext::parse(good, Some(" a=1,b=2 ")).unwrap();
        assert_eq!(context.traceparent(), good);
        assert_eq!(context.state.as_deref(), Some("a=1,b=2"));
        assert!(context.is_sampled());
        assert!(
            context
                .clone()
                .sampled(false)
                .traceparent()
                .ends_with("-00")
        );
        for state in ["", " ", "a=\u{1}", &"x".repeat(STATE_CHARS_MAX + 1)] {
            let context = TraceContext::parse(good, Some(state)).unwrap();
            assert_eq!(context.state, None, "{state:?}");
        }
    }

    #[test]
    fn headers_are_read_and_replaced() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_static(parent));
        headers.append("tracestate", HeaderValue::from_static("a=1"));
        headers.append("tracestate", HeaderValue::from_static("b=2"));
        let context = TraceContext::of_headers(&headers).unwrap();
        assert_eq!(context.state.as_deref(), Some("a=1,b=2"));

        let mut onward = HeaderMap::new();
        onward.append("tracestate", HeaderValue::from_static("of=another"));
        context.put_on(&mut onward);
        assert_eq!(onward.get("traceparent").unwrap(), parent);
        let states: Vec<_> = onward.get_all("tracestate").iter().collect();
        assert_eq!(states, ["a=1,b=2"]);

        headers.append("traceparent", HeaderValue::from_static(parent));
        assert_eq!(
            TraceContext::of_headers(&headers),
            None,
            "two parents are none"
        );
    }
}
