//! The name that was probably meant.

/// The candidate that is close enough to `name` to be what somebody meant.
///
/// Case, `_` and `-` do not count, so `timeoutS` finds `timeout_s`. A name that is a part of a candidate, or the other way
/// round, counts as close when nothing else is.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = bare(name);
    let slips_max = given.len() / 4 + 1;
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let known = bare(candidate);
            let slips = strsim::damerau_levenshtein(&given, &known);
            let is_close = slips <= slips_max && slips < given.len().max(known.len());
            let is_part = given.len() >= PART_LEN_MIN
                && known.len() >= PART_LEN_MIN
                && (given.contains(&known) || known.contains(&given));
            (is_close || is_part).then_some((!is_close, slips, candidate))
        })
        .min_by_key(|(is_part, slips, _)| (*is_part, *slips))
        .map(|(.., candidate)| candidate)
}

/// A shorter text is part of too many names.
const PART_LEN_MIN: usize = 3;
/// Longer names are compared by their beginning: the distance takes time by the product of both lengths.
const COMPARED_CHARS_MAX: usize = 80;

fn bare(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .take(COMPARED_CHARS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_their_name() {
        const KEYS: [&str; 6] = [
            "timeout_s",
            "base_url",
            "port",
            "path",
            "to",
            "body_bytes_max",
        ];
        for (given, expected) in [
            ("timout_s", Some("timeout_s")),
            ("timeoutS", Some("timeout_s")),
            ("timeout", Some("timeout_s")),
            ("prot", Some("port")),
            ("url", Some("base_url")),
            // Words in another order are more than slips.
            ("max_body_bytes", None),
            ("x", None),
            ("ab", None),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, KEYS), expected, "{given}");
        }
    }
}
