//! Texts as the words to search by: taken apart, without endings, without what every sentence has.
//!
//! Names are written `listPullRequests`, `list_pull_requests` or `/repos/{owner}/pulls`; people ask "what pull requests
//! are open". Both become the same few stems. The rules are for English and know no API.

/// A longer word is no word but a token or a hash; it is cut.
const WORD_CHARS_MAX: usize = 32;

/// What says nothing about what is wanted.
const EMPTY: &[&str] = &[
    "a",
    "about",
    "across",
    "after",
    "again",
    "all",
    "already",
    "am",
    "an",
    "and",
    "any",
    "anybody",
    "anything",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "before",
    "being",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "doing",
    "don",
    "done",
    "each",
    "entire",
    "every",
    "everybody",
    "everything",
    "far",
    "for",
    "from",
    "had",
    "has",
    "have",
    "having",
    "he",
    "her",
    "here",
    "him",
    "his",
    "how",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "itself",
    "just",
    "let",
    "like",
    "ll",
    "many",
    "may",
    "me",
    "might",
    "more",
    "most",
    "much",
    "must",
    "my",
    "need",
    "new",
    "no",
    "not",
    "now",
    "of",
    "off",
    "on",
    "once",
    "one",
    "only",
    "or",
    "other",
    "our",
    "ours",
    "out",
    "own",
    "please",
    "re",
    "s",
    "she",
    "should",
    "single",
    "so",
    "some",
    "somebody",
    "someone",
    "something",
    "such",
    "t",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "to",
    "too",
    "two",
    "up",
    "us",
    "ve",
    "very",
    "via",
    "want",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "while",
    "who",
    "whole",
    "whom",
    "whose",
    "why",
    "will",
    "with",
    "would",
    "you",
    "your",
];

/// A word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// One that stands there.
    Single(&'a str),
    /// Two neighbours as one word, so that `ConfigMap`, "config map" and "configmap" meet.
    Joined(&'a str),
}

/// Calls `each` with every word of `text` that says something, stemmed, and with neighbours joined.
pub(super) fn words(text: &str, mut each: impl FnMut(Word<'_>)) {
    let mut word = String::new();
    let mut before = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let piece = next_piece(&mut rest);
        if piece.is_empty() {
            continue;
        }
        word.clear();
        word.extend(
            piece
                .chars()
                .flat_map(char::to_lowercase)
                .take(WORD_CHARS_MAX),
        );
        if EMPTY.binary_search(&word.as_str()).is_ok() {
            before.clear();
            continue;
        }
        if !before.is_empty() {
            before.push_str(&word);
            stem(&mut before);
            each(Word::Joined(&before));
        }
        before.clear();
        before.push_str(&word);
        stem(&mut word);
        each(Word::Single(&word));
    }
}

/// The next run of letters and digits that belong together.
fn next_piece<'a>(rest: &mut &'a str) -> &'a str {
    *rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    let mut chars = rest.char_indices().peekable();
    let mut end = rest.len();
    let mut last: Option<char> = None;
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        // `petId` before `I`; `HTTPServer` before `S`.
        let splits = c.is_uppercase()
            && last
                .is_some_and(|last| !last.is_uppercase() || next.is_some_and(char::is_lowercase));
        if !c.is_alphanumeric() || splits {
            end = at;
            break;
        }
        last = Some(c);
    }
    let piece = &rest[..end];
    *rest = &rest[end..];
    piece
}

/// Cuts the endings off that English words take without changing what they are about. A stem need not be a word; it is
/// enough that `creates`, `created`, `creating` and `creation` all have the same.
pub(super) fn stem(word: &mut String) {
    if word.len() < 4 || !word.is_ascii() {
        return;
    }
    plural(word);
    for ending in [
        "ization", "isation", "ation", "ition", "ions", "ion", "ing", "ment", "ed",
    ] {
        let Some(rest) = word.strip_suffix(ending) else {
            continue;
        };
        let is_stem = rest.len() >= 3 && rest.bytes().any(is_vowel);
        if is_stem && !(ending == "ation" && rest.len() < 5) {
            word.truncate(word.len() - ending.len());
            undouble(word);
            if ending.starts_with("iz") || ending.starts_with("is") {
                word.push_str("iz");
            }
            break;
        }
    }
    if word.len() > 3 && word.ends_with('e') {
        word.pop();
    }
    if word.len() > 3 && word.ends_with('y') {
        word.pop();
        word.push('i');
    }
}

fn plural(word: &mut String) {
    if word.ends_with("ies") && word.len() > 4 {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if ["sses", "xes", "ches", "shes"]
        .iter()
        .any(|ending| word.ends_with(ending))
    {
        word.truncate(word.len() - 2);
    } else if word.ends_with('s')
        && !["ss", "us", "is"]
            .iter()
            .any(|ending| word.ends_with(ending))
    {
        word.pop();
    }
}

/// `stopp` (of `stopped`) as `stop`; `call` stays.
fn undouble(word: &mut String) {
    let bytes = word.as_bytes();
    if let [.., one, other] = bytes
        && one == other
        && !matches!(one, b'l' | b's' | b'z')
        && !is_vowel(*one)
    {
        word.pop();
    }
}

fn is_vowel(byte: u8) -> bool {
    matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Vec<String>, Vec<String>) {
        let (mut single, mut joined) = (Vec::new(), Vec::new());
        words(text, |word| match word {
            Word::Single(word) => single.push(word.to_owned()),
            Word::Joined(word) => joined.push(word.to_owned()),
        });
        (single, joined)
    }

    #[test]
    fn names_and_sentences_become_the_same_words() {
        for (text, expected) in [
            ("listPullRequests", vec!["list", "pull", "request"]),
            ("list_pull_requests", vec!["list", "pull", "request"]),
            ("/repos/{owner}/pulls", vec!["repo", "owner", "pull"]),
            (
                "What pull requests are open?",
                vec!["pull", "request", "open"],
            ),
            ("HTTPServer2", vec!["http", "server2"]),
            ("readCoreV1Pod", vec!["read", "cor", "v1", "pod"]),
            ("the of and", vec![]),
            ("", vec![]),
            ("Straße über", vec!["straße", "über"]),
        ] {
            assert_eq!(of(text).0, expected, "{text}");
        }
    }

    #[test]
    fn neighbours_are_one_word_too() {
        for (text, expected) in [
            ("ConfigMap", vec!["configmap"]),
            ("config maps", vec!["configmap"]),
            ("map of config", vec![]),
            ("listPullRequests", vec!["listpull", "pullrequest"]),
        ] {
            assert_eq!(of(text).1, expected, "{text}");
        }
    }

    #[test]
    fn words_of_one_family_have_one_stem() {
        for family in [
            &["create", "creates", "created", "creating", "creation"][..],
            &["delete", "deletes", "deleted", "deleting", "deletion"],
            &["branch", "branches"],
            &["policy", "policies"],
            &["stop", "stops", "stopped", "stopping"],
            &["organization", "organizations", "organisation"],
            &["call", "calls", "called", "calling"],
            &["status"],
            &["pay", "payment", "payments"],
        ] {
            let mut stems: Vec<String> = family.iter().map(|word| (*word).to_owned()).collect();
            stems.iter_mut().for_each(stem);
            assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{stems:?}");
        }
    }

    #[test]
    fn the_empty_words_are_in_order() {
        assert!(EMPTY.is_sorted());
    }
}
