//! Texts that are too long.

use bytestring::ByteString;

/// At most the first `bytes_max` bytes of `text`, and then a line that says so. `goes_on` when `text` itself is only
/// the start of what there was.
pub(super) fn cut(text: ByteString, bytes_max: usize, goes_on: bool) -> ByteString {
    if text.len() <= bytes_max && !goes_on {
        return text;
    }
    let end = char_start(&text, bytes_max);
    let marker = if goes_on {
        format!(
            "[cut here: the first {end} bytes are shown, the answer is too large to be read whole; ask for less]"
        )
    } else {
        format!(
            "[cut here: the first {end} of {} bytes are shown; ask for less to see all]",
            text.len()
        )
    };
    format!("{}\n{marker}", &text[..end]).into()
}

/// The last start of a character at or before `at`.
pub(super) fn char_start(text: &str, at: usize) -> usize {
    let mut start = at.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_fall_between_characters() {
        for (text, bytes_max, goes_on, expected) in [
            ("abc", 3, false, "abc"),
            ("", 0, false, ""),
            (
                "abcd",
                3,
                false,
                "abc\n[cut here: the first 3 of 4 bytes are shown; ask for less to see all]",
            ),
            (
                "a€€",
                6,
                false,
                "a€\n[cut here: the first 4 of 7 bytes are shown; ask for less to see all]",
            ),
            (
                "abc",
                9,
                true,
                "abc\n[cut here: the first 3 bytes are shown, the answer is too large to be read whole; ask for less]",
            ),
        ] {
            let shown = cut(ByteString::from_static(text), bytes_max, goes_on);
            assert_eq!(&*shown, expected, "{text} {bytes_max} {goes_on}");
        }
    }
}
