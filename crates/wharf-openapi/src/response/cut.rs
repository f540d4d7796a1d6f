//! Texts that are too long, and the way to shorter ones.

use bytestring::ByteString;

use crate::plan::Plan;

/// Arguments by which APIs let a caller ask for less, or for the next part: without case, `_` and `-`.
const NARROWING: &[&str] = &[
    "after",
    "before",
    "continue",
    "count",
    "cursor",
    "endingbefore",
    "expand",
    "fields",
    "filter",
    "first",
    "limit",
    "maxresults",
    "offset",
    "page",
    "pagesize",
    "pagetoken",
    "perpage",
    "q",
    "range",
    "select",
    "since",
    "skip",
    "startingafter",
    "take",
    "top",
];
/// More names than that are no help.
const NAMED_MAX: usize = 4;

/// At most the first `bytes_max` bytes of `text`, and then a line that says so, and how to ask for less by `plan`.
/// `goes_on` when `text` itself is only the start of what there was.
pub(super) fn cut(
    text: ByteString,
    bytes_max: usize,
    goes_on: bool,
    plan: Option<&Plan>,
) -> ByteString {
    if text.len() <= bytes_max && !goes_on {
        return text;
    }
    let end = char_start(&text, bytes_max);
    let way = plan.map(way).unwrap_or_default();
    let marker = if goes_on {
        format!(
            "[cut here: the first {end} bytes are shown, the answer is too large to be read whole; ask for less{way}]"
        )
    } else {
        format!(
            "[cut here: the first {end} of {} bytes are shown; ask for less{way} to see all]",
            text.len()
        )
    };
    format!("{}\n{marker}", &text[..end]).into()
}

/// The arguments that narrow an answer or lead on, as a part of the sentence; nothing where there is none.
fn way(plan: &Plan) -> String {
    let narrows = |name: &str| {
        let letters = name.chars().filter(|c| !matches!(c, '_' | '-' | '$'));
        let bare: String = letters.flat_map(char::to_lowercase).collect();
        NARROWING.contains(&bare.as_str())
    };
    let names: Vec<_> = plan
        .parameters
        .iter()
        .map(|parameter| parameter.argument.as_str())
        .filter(|name| narrows(name))
        .take(NAMED_MAX)
        .collect();
    if names.is_empty() {
        return String::new();
    }
    format!(" with `{}`", names.join("`, `"))
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
            let shown = cut(ByteString::from_static(text), bytes_max, goes_on, None);
            assert_eq!(&*shown, expected, "{text} {bytes_max} {goes_on}");
        }
    }

    #[test]
    fn the_way_to_less_is_named() {
        use crate::plan::{Location, Parameter, Serialization};
        for (arguments, expected) in [
            (
                &["id", "per_page", "page"][..],
                "a\n[cut here: the first 1 of 3 bytes are shown; ask for less with `per_page`, `page` to see all]",
            ),
            (
                &["$top", "fieldSelector", "pageToken"],
                "a\n[cut here: the first 1 of 3 bytes are shown; ask for less with `$top`, `pageToken` to see all]",
            ),
            (
                &["id"],
                "a\n[cut here: the first 1 of 3 bytes are shown; ask for less to see all]",
            ),
        ] {
            let parameters = arguments.iter().map(|name| Parameter {
                argument: (*name).to_owned(),
                name: (*name).to_owned(),
                location: Location::Query,
                serialization: Serialization::Content(String::new()),
                required: false,
            });
            let plan = Plan {
                parameters: parameters.collect(),
                ..Plan::default()
            };
            let shown = cut(ByteString::from_static("abc"), 1, false, Some(&plan));
            assert_eq!(&*shown, expected, "{arguments:?}");
        }
    }
}
