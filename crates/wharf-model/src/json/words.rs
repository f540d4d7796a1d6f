//! Looking at eight bytes at once.
//!
//! Most strings in JSON are short: to call a vectorised search costs more than to look at them here.

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);

/// A string that goes on after so many words is long enough for the vectorised search.
const SHORT_WORDS: usize = 6;
/// Short enough that what is counted in a block fits a byte, which makes counting fast.
pub(super) const BLOCK_BYTES: usize = 64;

/// The high bit of each byte that is `byte`; exact up to and including the lowest such byte.
fn equal(word: u64, byte: u8) -> u64 {
    let zero = word ^ (ONES * u64::from(byte));
    zero.wrapping_sub(ONES) & !zero & HIGHS
}

fn first_word(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// How many bytes at the beginning stand in a JSON string as they are: up to a quote, a backslash or a control character.
pub fn plain_length(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some(word) = first_word(rest) {
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let found = equal(word, b'"') | equal(word, b'\\') | control;
        if found != 0 {
            return bytes.len() - rest.len() + found.trailing_zeros() as usize / 8;
        }
        rest = &rest[8..];
    }
    let plain = rest
        .iter()
        .take_while(|byte| **byte >= 0x20 && !matches!(byte, b'"' | b'\\'));
    bytes.len() - rest.len() + plain.count()
}

/// How many spaces stand at the beginning: behind a line break they are half of a printed document.
pub fn leading_spaces(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some(word) = first_word(rest) {
        let other = word ^ (ONES * u64::from(b' '));
        if other != 0 {
            return bytes.len() - rest.len() + other.trailing_zeros() as usize / 8;
        }
        rest = &rest[8..];
    }
    let spaces = rest.iter().take_while(|byte| **byte == b' ');
    bytes.len() - rest.len() + spaces.count()
}

/// The index of the first quote or backslash from `at`.
pub(super) fn find_quote_or_escape(bytes: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..SHORT_WORDS {
        let Some(word) = first_word(bytes.get(at..)?) else {
            break;
        };
        let found = equal(word, b'"') | equal(word, b'\\');
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    Some(at + memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?)
}

/// Whether there is a backslash.
pub(super) fn has_escape(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for _ in 0..SHORT_WORDS {
        let Some(word) = first_word(rest) else {
            return rest.contains(&b'\\');
        };
        if equal(word, b'\\') != 0 {
            return true;
        }
        rest = &rest[8..];
    }
    memchr::memchr(b'\\', rest).is_some()
}

/// How often `{` and `[` stand in a text, strings included: it cannot be nested deeper.
pub fn opening_brackets(text: &[u8]) -> usize {
    let blocks = text.chunks(BLOCK_BYTES);
    blocks.map(|block| count_brackets(block, b'{')).sum()
}

/// How often a curly bracket and its square brother stand in a block, which differ in one bit.
pub(super) fn count_brackets(block: &[u8], bracket: u8) -> usize {
    let found = block.iter().map(|byte| u8::from(byte | 0x20 == bracket));
    usize::from(found.sum::<u8>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_find_what_a_plain_look_finds() {
        // Each byte that matters at each place, in front of and behind others.
        for found in [
            b'"', b'\\', 0x00, 0x1f, b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff,
        ] {
            for before in 0..70 {
                for filler in [b'a', 0xa2, 0x22 ^ 0x80, 0xdc, 0x21] {
                    let mut text = vec![filler; before];
                    text.push(found);
                    text.extend([b'x', b'"', b'\\', b'y']);
                    let plain = |byte: &u8| *byte >= 0x20 && !b"\"\\".contains(byte);
                    let stops = |byte: &u8| b"\"\\".contains(byte);
                    let expected = text.iter().position(|byte| !plain(byte));
                    let case = (found, before, filler);
                    assert_eq!(Some(plain_length(&text)), expected, "{case:?}");
                    for at in 0..before.min(3) {
                        let expected = text[at..].iter().position(stops).map(|found| at + found);
                        assert_eq!(find_quote_or_escape(&text, at), expected, "{case:?}");
                    }
                    let short = &text[..=before];
                    assert_eq!(has_escape(short), short.contains(&b'\\'), "{case:?}");
                    let end = short.iter().position(stops);
                    assert_eq!(find_quote_or_escape(short, 0), end, "{case:?}");
                }
            }
        }
        assert_eq!(find_quote_or_escape(b"abc", 9), None);
    }

    #[test]
    fn spaces_are_counted() {
        for spaces in 0..40 {
            for behind in ["", "x", "\t        ", "!! !!! ! !"] {
                let text = " ".repeat(spaces) + behind;
                assert_eq!(leading_spaces(text.as_bytes()), spaces, "{text:?}");
            }
        }
    }

    #[test]
    fn brackets_are_counted() {
        for (text, opening) in [
            (String::new(), 0),
            ("{\"a\":[1,{}],\"b\":\"[{}]\"}".to_owned(), 5),
            ("[{}];;{{{}".repeat(1_000), 5_000),
            ("[".repeat(300), 300),
            ("KkSs\u{5b}\u{db}\u{fb}".to_owned(), 1),
        ] {
            assert_eq!(opening_brackets(text.as_bytes()), opening, "{text:.20}");
        }
    }
}
