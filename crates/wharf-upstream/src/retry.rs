//! When a request is sent again, and after how long.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, StatusCode};

use crate::{Retries, Stage, UpstreamError};

/// The longest wait that we choose ourselves; an upstream can ask for a longer one.
const BACK_OFF_MAX: Duration = Duration::from_secs(10);

/// RFC 9110 §9.2.2: doing it twice is doing it once.
pub(crate) fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE | Method::TRACE
    )
}

/// Statuses that say "not now": 429 (RFC 6585 §4), 502, 503, 504 (RFC 9110 §15.6).
pub(crate) fn is_passing_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// Failures to make or keep a connection. A refused certificate or address stays refused.
pub(crate) fn is_passing_failure(error: &UpstreamError) -> bool {
    matches!(
        error,
        UpstreamError::Connect { .. }
            | UpstreamError::Resolve { .. }
            | UpstreamError::Disconnected { .. }
            | UpstreamError::Timeout {
                stage: Stage::Connection,
                ..
            }
    )
}

/// The wait before retry number `earlier + 1`: it doubles, and is cut by up to a half at random, so that callers who
/// failed together do not return together.
pub(crate) fn back_off(retries: &Retries, earlier: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(earlier);
    let longest = retries
        .wait_s
        .duration()
        .saturating_mul(doubled)
        .min(BACK_OFF_MAX);
    shortened(longest)
}

/// A time, cut by up to a half at random.
pub(crate) fn shortened(longest: Duration) -> Duration {
    longest / 2 + (longest / 2).mul_f64(fraction())
}

/// The wait that an answer asks for (RFC 9110 §10.2.3): seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // Too many digits for a number is a long time, not a malformed one.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// A number from 0 to 1. The standard library seeds its hashers at random, which is random enough to spread retries.
fn fraction() -> f64 {
    let random = RandomState::new().hash_one(()) >> 32;
    f64::from(u32::try_from(random).expect("32 bits are left")) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn methods_follow_rfc_9110() {
        for (method, expected) in [
            ("GET", true),
            ("HEAD", true),
            ("OPTIONS", true),
            ("PUT", true),
            ("DELETE", true),
            ("TRACE", true),
            ("POST", false),
            ("PATCH", false),
            ("CONNECT", false),
            ("QUERY", false),
        ] {
            assert_eq!(
                is_idempotent(&method.parse().unwrap()),
                expected,
                "{method}"
            );
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (given, expected) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:40 GMT", Some(3)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", Some(0)),
            ("Sunday, 06-Nov-94 08:49:40 GMT", Some(3)),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
        ] {
            let headers = [(RETRY_AFTER, HeaderValue::from_static(given))]
                .into_iter()
                .collect();
            assert_eq!(
                retry_after(&headers, now),
                expected.map(Duration::from_secs),
                "{given}"
            );
        }
    }

    #[test]
    fn back_off_doubles_within_bounds() {
        let retries = Retries::default();
        for (earlier, longest_ms) in [
            (0, 100),
            (1, 200),
            (2, 400),
            (6, 6_400),
            (7, 10_000),
            (u32::MAX, 10_000),
        ] {
            let longest = Duration::from_millis(longest_ms);
            for _ in 0..100 {
                let wait = back_off(&retries, earlier);
                assert!(
                    (longest / 2..=longest).contains(&wait),
                    "{earlier}: {wait:?}"
                );
            }
        }
        let waits: std::collections::HashSet<_> = (0..100).map(|_| back_off(&retries, 3)).collect();
        assert!(waits.len() > 50, "not spread: {waits:?}");
    }
}
