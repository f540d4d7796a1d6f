//! Patterns with `*` and `?`, as people write them to name many things at once.
//!
//! `*` stands for any run of characters and `?` for one. In a path neither crosses a `/`; `**` does. Everything else
//! stands for itself, braces included: `/pets/{petId}` is a path as documents write it.

/// What separates parts that `*` does not cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    /// Nothing does: a tag, a name.
    Word,
    /// A `/` does.
    Path,
}

/// Whether the pattern stands for the text.
///
/// Takes time by the product of both lengths, never more: what a pattern holds cannot make it slow.
pub(crate) fn matches(pattern: &str, text: &str, whole: Whole) -> bool {
    let text: Vec<char> = text.chars().collect();
    // Whether what was read of the pattern stands for the first n characters.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    let mut pattern = pattern.chars().peekable();
    while let Some(symbol) = pattern.next() {
        if symbol == '*' {
            let mut crosses = whole == Whole::Word;
            while pattern.next_if_eq(&'*').is_some() {
                crosses = true;
            }
            for end in 1..reached.len() {
                reached[end] |= reached[end - 1] && (crosses || text[end - 1] != '/');
            }
            continue;
        }
        for end in (1..reached.len()).rev() {
            let character = text[end - 1];
            let fits = match symbol {
                '?' => whole == Whole::Word || character != '/',
                literal => literal == character,
            };
            reached[end] = reached[end - 1] && fits;
        }
        reached[0] = false;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_texts() {
        use Whole::{Path, Word};
        for (pattern, text, whole, expected) in [
            ("pets", "pets", Word, true),
            ("pets", "pet", Word, false),
            ("", "", Word, true),
            ("", "a", Word, false),
            ("*", "", Word, true),
            ("get*", "getPet", Word, true),
            ("*Pet", "getPet", Word, true),
            ("*et*e*", "getPet", Word, true),
            ("*et*g*", "getPet", Word, false),
            ("g?tPet", "getPet", Word, true),
            ("?", "", Word, false),
            ("repos/*", "repos/get/content", Word, true),
            ("/pets/*", "/pets/{petId}", Path, true),
            ("/pets/*", "/pets/{petId}/photos", Path, false),
            ("/pets/**", "/pets/{petId}/photos", Path, true),
            ("/**/photos", "/pets/{petId}/photos", Path, true),
            ("/pets?x", "/pets/x", Path, false),
            ("/pets/{petId}", "/pets/{petId}", Path, true),
            ("*ü*", "Grüße", Word, true),
        ] {
            assert_eq!(matches(pattern, text, whole), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern = "*a".repeat(200);
        let text = "a".repeat(5_000) + "b";
        assert!(!matches(&pattern, &text, Whole::Word));
    }
}
