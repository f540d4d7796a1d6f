//! Text from bytes, by charset: UTF-8, UTF-16, and the Latin-1 family.
//!
//! These are what APIs send. Anything else is read as UTF-8, and what is not shows as U+FFFD.

use bytes::Bytes;
use bytestring::ByteString;

/// The byte order mark in UTF-8, which some servers send and JSON does not allow.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Windows-1252 from 0x80 to 0x9f, by the WHATWG's table: the five bytes without a character stand for themselves.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Decoded text.
pub(super) struct Decoded {
    pub(super) text: ByteString,
    /// Nothing had to be replaced.
    pub(super) is_whole: bool,
}

/// The body without a byte order mark.
pub(super) fn without_mark(body: &Bytes) -> Bytes {
    if body.starts_with(MARK) {
        body.slice(MARK.len()..)
    } else {
        body.clone()
    }
}

/// Whether it is UTF-8; where the end was cut off, a character may be cut as well.
pub(super) fn is_utf8(body: &[u8], is_cut: bool) -> bool {
    match std::str::from_utf8(body) {
        Ok(_) => true,
        Err(error) => is_cut && error.error_len().is_none(),
    }
}

/// The text of a body. `is_cut` when its end is missing.
pub(super) fn decode(body: &Bytes, charset: Option<&str>, is_cut: bool) -> Decoded {
    let charset = charset.unwrap_or_default().to_ascii_lowercase();
    // A mark is part of the bytes, the header often only of the server's defaults: the mark wins.
    match (body.as_ref(), charset.as_str()) {
        ([0xef, 0xbb, 0xbf, ..], _) => utf8(body.slice(MARK.len()..), is_cut),
        ([0xff, 0xfe, rest @ ..], _) if charset.starts_with("utf-16") => {
            utf16(rest, u16::from_le_bytes, is_cut)
        }
        ([0xfe, 0xff, rest @ ..], _) if charset.starts_with("utf-16") => {
            utf16(rest, u16::from_be_bytes, is_cut)
        }
        (_, "utf-16be") => utf16(body, u16::from_be_bytes, is_cut),
        (_, "utf-16" | "utf-16le") => utf16(body, u16::from_le_bytes, is_cut),
        (_, "iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" | "windows-1252" | "cp1252") => {
            latin1(body)
        }
        // Many servers say ASCII and mean UTF-8.
        (_, "us-ascii" | "ascii") if !is_utf8(body, is_cut) => latin1(body),
        _ => utf8(body.clone(), is_cut),
    }
}

fn utf8(body: Bytes, is_cut: bool) -> Decoded {
    let Err(error) = std::str::from_utf8(&body) else {
        let text = ByteString::try_from(body).expect("checked just now");
        return Decoded {
            text,
            is_whole: true,
        };
    };
    let is_only_cut = is_cut && error.error_len().is_none();
    let valid = if is_only_cut {
        &body[..error.valid_up_to()]
    } else {
        &body
    };
    Decoded {
        text: String::from_utf8_lossy(valid).into_owned().into(),
        is_whole: is_only_cut,
    }
}

fn utf16(body: &[u8], unit: fn([u8; 2]) -> u16, is_cut: bool) -> Decoded {
    let (pairs, odd) = body.as_chunks::<2>();
    let mut is_whole = odd.is_empty() || is_cut;
    let last = pairs.len().saturating_sub(1);
    let text: String = char::decode_utf16(pairs.iter().copied().map(unit))
        .enumerate()
        .map(|(place, decoded)| {
            decoded.unwrap_or_else(|_| {
                is_whole &= is_cut && place == last;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    Decoded {
        text: text.into(),
        is_whole,
    }
}

fn latin1(body: &[u8]) -> Decoded {
    let text: String = body
        .iter()
        .map(|byte| match byte {
            0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
            _ => char::from(*byte),
        })
        .collect();
    Decoded {
        text: text.into(),
        is_whole: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets_are_decoded() {
        for (charset, body, is_cut, expected, is_whole) in [
            ("", &b"caf\xc3\xa9"[..], false, "café", true),
            ("utf-8", b"\xef\xbb\xbfa", false, "a", true),
            ("utf-8", b"caf\xe9!", false, "caf\u{fffd}!", false),
            ("utf-8", b"caf\xc3", false, "caf\u{fffd}", false),
            ("utf-8", b"caf\xc3", true, "caf", true),
            ("ISO-8859-1", b"caf\xe9", false, "café", true),
            ("latin1", b"\xef\xbb\xbf\xc3\xa9", false, "é", true),
            ("windows-1252", b"\x80 \x93a\x94", false, "€ “a”", true),
            ("us-ascii", b"caf\xc3\xa9", false, "café", true),
            ("us-ascii", b"caf\xe9", false, "café", true),
            ("utf-16", b"\xff\xfea\0\xac\x20", false, "a€", true),
            ("utf-16", b"\xfe\xff\0a\x20\xac", false, "a€", true),
            ("UTF-16BE", b"\0a\xd8\x3d\xde\x00", false, "a😀", true),
            ("utf-16le", b"a\0\x3d\xd8", false, "a\u{fffd}", false),
            ("utf-16le", b"a\0b", false, "a", false),
            ("utf-16le", b"a\0b", true, "a", true),
            ("koi8-r", b"\xc1", false, "\u{fffd}", false),
        ] {
            let decoded = decode(&Bytes::from_static(body), Some(charset), is_cut);
            assert_eq!(&*decoded.text, expected, "{charset} {body:?} {is_cut}");
            assert_eq!(decoded.is_whole, is_whole, "{charset} {body:?} {is_cut}");
        }
    }
}
