//! Percent-encoding (RFC 3986): what is not unreserved is encoded, unless the document allows the reserved.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// RFC 3986 §2.3: letters, digits, `-`, `.`, `_`, `~`.
    Unreserved,
    /// With `allowReserved` in a query: also the reserved and what is encoded already, but never what would end the
    /// value (`&`, `#`) or become a space (`+`).
    ReservedInQuery,
    /// With `allowReserved` in a path: also the reserved that a path segment can hold, and what is encoded already.
    ReservedInPath,
}

const UNRESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const IN_BOTH: AsciiSet = UNRESERVED
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';')
    .remove(b'=');
static KEEP_UNRESERVED: AsciiSet = UNRESERVED;
static KEEP_IN_QUERY: AsciiSet = IN_BOTH.remove(b'/').remove(b'?').remove(b'[').remove(b']');
static KEEP_IN_PATH: AsciiSet = IN_BOTH.remove(b'&').remove(b'+');

/// Writes `text`, encoded.
pub(super) fn push(out: &mut String, text: &str, keep: Keep) {
    let encode = match keep {
        Keep::Unreserved => return out.extend(utf8_percent_encode(text, &KEEP_UNRESERVED)),
        Keep::ReservedInQuery => &KEEP_IN_QUERY,
        Keep::ReservedInPath => &KEEP_IN_PATH,
    };
    let mut rest = text;
    while let Some((before, from_percent)) = rest.find('%').map(|at| rest.split_at(at)) {
        out.extend(utf8_percent_encode(before, encode));
        let length = if is_triplet(from_percent.as_bytes()) {
            out.push_str(&from_percent[..3]);
            3
        } else {
            out.push_str("%25");
            1
        };
        rest = &from_percent[length..];
    }
    out.extend(utf8_percent_encode(rest, encode));
}

fn is_triplet(bytes: &[u8]) -> bool {
    matches!(bytes, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// Decodes until nothing is left to decode, as a row of servers behind each other might.
pub(super) fn decode_fully(text: &str) -> Vec<u8> {
    let mut decoded: Vec<u8> = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        decoded.push(byte);
        // A decoded byte can complete another triplet, as in `%%32%65`. Each turn shortens what there is.
        while let Some(byte) = decoded.last_chunk().copied().and_then(triplet_value) {
            decoded.truncate(decoded.len() - 3);
            decoded.push(byte);
        }
    }
    decoded
}

fn triplet_value(bytes: [u8; 3]) -> Option<u8> {
    let [b'%', high, low] = bytes else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_keeps_what_it_may() {
        for (keep, text, expected) in [
            (Keep::Unreserved, "aZ09-._~", "aZ09-._~"),
            (Keep::Unreserved, "a b+c/d?e", "a%20b%2Bc%2Fd%3Fe"),
            (Keep::Unreserved, "%41 é€", "%2541%20%C3%A9%E2%82%AC"),
            (Keep::Unreserved, "\r\n\0\"<>", "%0D%0A%00%22%3C%3E"),
            (
                Keep::ReservedInQuery,
                ":/?#[]@!$&'()*+,;=",
                ":/?%23[]@!$%26'()*%2B,;=",
            ),
            (
                Keep::ReservedInPath,
                ":/?#[]@!$&'()*+,;=",
                ":%2F%3F%23%5B%5D@!$&'()*+,;=",
            ),
            (Keep::ReservedInQuery, "%2F%zz%4", "%2F%25zz%254"),
            (Keep::ReservedInPath, "100% é", "100%25%20%C3%A9"),
        ] {
            let mut out = String::from("=");
            push(&mut out, text, keep);
            assert_eq!(out[1..], *expected, "{keep:?} {text}");
        }
    }

    #[test]
    fn decoding_goes_to_the_bottom() {
        for (text, expected) in [
            ("plain", "plain"),
            ("%2e%2E", ".."),
            ("%252e", "."),
            ("%25252525252e", "."),
            ("%32%65", "2e"),
            ("%%32%65", "."),
            ("%2", "%2"),
            ("%zz", "%zz"),
        ] {
            assert_eq!(
                String::from_utf8_lossy(&decode_fully(text)),
                expected,
                "{text}"
            );
        }
    }
}
