//! What a question is after: to learn something, or to change something.

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Read,
    Change,
    /// A change that takes something away.
    Remove,
    Unknown,
}

/// The words that say what is wished, as stems.
const READING: &[&str] = &[
    "get", "list", "show", "see", "read", "look", "find", "search", "view", "fetch", "download",
    "check", "brows", "displai", "describ", "count", "number", "compar", "retriev",
];
const CHANGING: &[&str] = &[
    "creat", "add", "make", "new", "delet", "remov", "updat", "chang", "edit", "set", "put", "giv",
    "start", "run", "stop", "cancel", "send", "email", "merg", "open", "clos", "invit", "assign",
    "upload", "publish", "approv", "reject", "store", "writ", "attach", "detach", "enabl",
    "disabl", "replac", "renam", "patch", "protect", "block", "star", "mark", "charg", "refund",
    "schedul", "scal", "ask", "leav", "grant", "revok", "restart", "trigger", "evict",
];
/// Those of them that take something away.
const REMOVING: &[&str] = &[
    "abort",
    "cancel",
    "clean",
    "clear",
    "delet",
    "destroi",
    "detach",
    "discard",
    "drop",
    "empti",
    "eras",
    "kill",
    "leav",
    "purg",
    "remov",
    "revok",
    "stop",
    "unassign",
    "unblock",
    "undo",
    "unfollow",
    "unlink",
    "unlock",
    "unpin",
    "unset",
    "unstar",
    "unsubscrib",
    "unwatch",
    "wipe",
];
/// Questions begin so: they want to know.
const ASKING: &[&str] = &[
    "what", "which", "who", "how", "where", "when", "is", "are", "am", "does", "do",
];

impl Wish {
    /// The first verb says it, or that it is a question. `asked` are the question's words as stems.
    pub(super) fn of(question: &str, asked: &[String]) -> Self {
        let first = question
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_lowercase();
        if ASKING.contains(&first.as_str()) {
            return Self::Read;
        }
        for word in asked {
            if READING.contains(&word.as_str()) {
                return Self::Read;
            }
            if REMOVING.contains(&word.as_str()) {
                return Self::Remove;
            }
            if CHANGING.contains(&word.as_str()) {
                return Self::Change;
            }
        }
        Self::Unknown
    }
}

/// Whether a stem says what is wished.
pub(super) fn is_verb(stem: &str) -> bool {
    [READING, CHANGING, REMOVING]
        .iter()
        .any(|verbs| verbs.contains(&stem))
}

/// Whether a question speaks of things in the plural.
pub(super) fn asks_for_many(question: &str) -> bool {
    question.split(|c: char| !c.is_alphanumeric()).any(|word| {
        word == "all"
            || word == "every"
            || (word.len() > 3
                && word.ends_with('s')
                && !["ss", "us", "is"]
                    .iter()
                    .any(|ending| word.ends_with(ending)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::words::{Word, words};
    use super::*;

    #[test]
    fn the_first_verb_says_what_is_wished() {
        for (question, expected) in [
            ("list orders", Wish::Read),
            ("please show how to cancel", Wish::Read),
            ("What was deleted?", Wish::Read),
            ("deleting orders", Wish::Remove),
            ("add, then delete", Wish::Change),
            ("I want to create a list", Wish::Change),
            ("orders", Wish::Unknown),
            ("", Wish::Unknown),
        ] {
            let mut asked = Vec::new();
            words(question, |word| {
                if let Word::Single(word) = word {
                    asked.push(word.to_owned());
                }
            });
            assert_eq!(Wish::of(question, &asked), expected, "{question}");
        }
    }

    #[test]
    fn plurals_ask_for_many() {
        for (question, expected) in [
            ("orders of a customer", true),
            ("every order", true),
            ("the status of an order", false),
            ("my address", false),
        ] {
            assert_eq!(asks_for_many(question), expected, "{question}");
        }
    }
}
