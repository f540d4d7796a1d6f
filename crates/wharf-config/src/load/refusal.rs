//! What the type itself refuses: a text that is no URL, a duration that cannot be.
//!
//! Such messages are written by the type and may repeat the value. Where the value came from a reference, it is a secret
//! until proven otherwise: the message is told only when no piece of the value shows in it.

use std::collections::HashSet;

use serde_path_to_error::Segment;

use crate::error::Report;
use crate::path::{KeyPath, Mark};
use crate::yaml::{Content, Node, Scalar};

/// So many letters and digits in a row that a message and a secret share are no coincidence.
const TELLING_CHARS: usize = 4;

/// Puts what serde refused on its line.
pub(super) fn report(
    error: &serde_path_to_error::Error<serde_json::Error>,
    root: &Node,
    report: &mut Report,
) {
    let Place { node, mark, path } = Place::find(root, error.path());
    let message = error.inner().to_string();
    let mut scalars = Vec::new();
    gather_referenced(node, &mut scalars);
    let reason = if scalars.iter().any(|scalar| shows(&message, &scalar.text)) {
        let references: Vec<&str> = scalars
            .iter()
            .flat_map(|scalar| &scalar.references)
            .map(String::as_str)
            .collect();
        format!(
            "what `{}` stands for is not accepted",
            references.join("`, `")
        )
    } else {
        message
    };
    let what = if path.is_root() {
        reason
    } else {
        format!("`{path}`: {reason}")
    };
    report.error(mark, what, None);
}

/// The place that one of serde's paths leads to, as far as it can be followed.
struct Place<'n> {
    node: &'n Node,
    mark: Mark,
    path: KeyPath,
}

impl<'n> Place<'n> {
    fn find(root: &'n Node, path: &serde_path_to_error::Path) -> Self {
        let mut place = Self {
            node: root,
            mark: Mark::START,
            path: KeyPath::default(),
        };
        for segment in path {
            match (segment, &place.node.content) {
                (Segment::Seq { index }, Content::Sequence(items)) => {
                    let Some(item) = items.get(*index) else {
                        break;
                    };
                    place.path.push_index(*index);
                    (place.node, place.mark) = (item, item.mark);
                }
                (
                    Segment::Map { key } | Segment::Enum { variant: key },
                    Content::Mapping(entries),
                ) => {
                    let Some(entry) = entries.iter().find(|entry| entry.key == *key) else {
                        break;
                    };
                    place.path.push_key(key);
                    (place.node, place.mark) = (&entry.value, entry.mark);
                }
                _ => break,
            }
        }
        place
    }
}

/// The scalars below a node that hold what references stand for.
fn gather_referenced<'n>(node: &'n Node, scalars: &mut Vec<&'n Scalar>) {
    match &node.content {
        Content::Scalar(scalar) if scalar.references.is_empty() => {}
        Content::Scalar(scalar) => scalars.push(scalar),
        Content::Sequence(items) => items
            .iter()
            .for_each(|item| gather_referenced(item, scalars)),
        Content::Mapping(entries) => entries
            .iter()
            .for_each(|entry| gather_referenced(&entry.value, scalars)),
    }
}

/// Whether a message may show a piece of `value`, in whatever quotes, case or escapes. A value with next to no letters
/// and digits cannot be told apart from the message and counts as shown.
fn shows(message: &str, value: &str) -> bool {
    let bare = |text: &str| -> Vec<char> {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let (message, value) = (bare(message), bare(value));
    if value.len() < TELLING_CHARS {
        return true;
    }
    let pieces: HashSet<&[char]> = message.windows(TELLING_CHARS).collect();
    value
        .windows(TELLING_CHARS)
        .any(|piece| pieces.contains(piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_shares_a_piece_with_the_secret_shows_it() {
        for (message, value, expected) in [
            ("relative URL without a base", "hunter2", false),
            (
                "invalid value: \"hunter2\", expected a URL",
                "hunter2",
                true,
            ),
            ("invalid value: \"HUNTER2\"", "hunter2", true),
            ("cannot parse `ter2`", "hunter2", true),
            ("invalid: \"a\\\"b\\\\cd\"", "a\"b\\cd", true),
            ("invalid digit found in string", "12", true),
            ("anything", "", true),
        ] {
            assert_eq!(shows(message, value), expected, "{message} / {value}");
        }
    }
}
