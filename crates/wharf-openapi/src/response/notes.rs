//! The few response headers that help whoever called: where to go on, how long to wait, what to quote to support.
//!
//! A result holds those that lead on, an error also those that explain it, the answer to a `HEAD` request is nothing
//! but headers. Cookies, and what is between the client and the upstream, are never shown.

use http::{HeaderMap, HeaderName};

use super::cut::char_start;

/// How many headers are shown.
const LINES_MAX: usize = 20;
/// How much of each is shown; a `Link` with four relations has about 500 bytes.
const VALUE_BYTES_MAX: usize = 1000;

/// Pages and places.
pub(super) fn of_success(headers: &HeaderMap) -> String {
    lines(headers, leads_on)
}

/// Also what to wait for and what to quote.
pub(super) fn of_refusal(headers: &HeaderMap) -> String {
    lines(headers, |name| leads_on(name) || explains(name))
}

/// Also what the body would be, and the upstream's own headers.
pub(super) fn of_head(headers: &HeaderMap) -> String {
    lines(headers, |name| {
        leads_on(name) || describes_body(name) || name.starts_with("x-")
    })
}

fn leads_on(name: &str) -> bool {
    matches!(
        name,
        "allow"
            | "content-range"
            | "link"
            | "location"
            | "operation-location"
            | "retry-after"
            | "x-has-more"
            | "x-next-cursor"
            | "x-next-page"
            | "x-page"
            | "x-pagination"
            | "x-per-page"
            | "x-total"
            | "x-total-count"
            | "x-total-pages"
    )
}

fn explains(name: &str) -> bool {
    matches!(
        name,
        "cf-ray"
            | "request-id"
            | "x-amz-request-id"
            | "x-amzn-errortype"
            | "x-amzn-requestid"
            | "x-correlation-id"
            | "x-github-request-id"
            | "x-ms-request-id"
            | "x-request-id"
            | "x-trace-id"
    ) || ["ratelimit", "x-ratelimit", "x-rate-limit"]
        .iter()
        .any(|start| name.starts_with(start))
}

fn describes_body(name: &str) -> bool {
    matches!(
        name,
        "accept-ranges"
            | "cache-control"
            | "content-disposition"
            | "content-encoding"
            | "content-language"
            | "content-length"
            | "content-type"
            | "etag"
            | "expires"
            | "last-modified"
    )
}

/// One line for each header that `is_shown`, in the upstream's order.
fn lines(headers: &HeaderMap, is_shown: impl Fn(&str) -> bool) -> String {
    let mut lines = String::new();
    let shown = headers
        .iter()
        .filter(|(name, _)| is_shown(name.as_str()))
        .take(LINES_MAX);
    for (name, value) in shown {
        if !lines.is_empty() {
            lines.push('\n');
        }
        push_title_case(&mut lines, name);
        lines.push_str(": ");
        let value = String::from_utf8_lossy(value.as_bytes());
        let end = char_start(&value, VALUE_BYTES_MAX);
        lines.push_str(&value[..end]);
        if end < value.len() {
            lines.push_str(" [cut]");
        }
    }
    lines
}

/// `Retry-After`, as people write it; the wire has lower case.
fn push_title_case(out: &mut String, name: &HeaderName) {
    let mut starts = true;
    for c in name.as_str().chars() {
        out.push(if starts { c.to_ascii_uppercase() } else { c });
        starts = c == '-';
    }
}
