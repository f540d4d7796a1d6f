//! The words of complaints: what is wanted, what was found, what to do.

use serde_json::Value;

use crate::schema::{Root, View, views};
use crate::yaml::{Content, Node, Resolved};

/// More names than this are not listed in a complaint: the nearest one is in the hint.
const LISTED_NAMES_MAX: usize = 12;
/// How deep the search for a misplaced key goes.
const HOME_DEPTH_MAX: usize = 5;

/// What the alternatives want, as in "a number of seconds" or "text or a list".
pub(super) fn expected(views: &[&View<'_>], key: Option<&str>) -> String {
    let mut wanted: Vec<String> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for view in views {
        if let Some(literals) = view.literals() {
            names.extend(literals.into_iter().filter_map(Value::as_str));
            continue;
        }
        for (json_type, words) in [
            ("string", "text".to_owned()),
            ("number", number_words(view, key)),
            ("boolean", "`true` or `false`".to_owned()),
            ("array", "a list".to_owned()),
            ("object", "a table of keys and values".to_owned()),
        ] {
            // Asking for `integer` finds both kinds of numbers.
            let json_type = if json_type == "number" {
                "integer"
            } else {
                json_type
            };
            if view.accepts(json_type) && !wanted.contains(&words) {
                wanted.push(words);
            }
        }
    }
    if !names.is_empty() {
        wanted.insert(0, one_of(&names));
    }
    wanted.join(" or ")
}

fn number_words(view: &View<'_>, key: Option<&str>) -> String {
    let kind = if view.accepts("number") {
        "a number"
    } else {
        "a whole number"
    };
    let unit = unit(key.unwrap_or_default());
    let bound = |keyword| view.keyword(keyword).filter(|value| is_worth_saying(value));
    let range = match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" from {least}"),
        (None, Some(most)) => format!(" up to {most}"),
        (None, None) => String::new(),
    };
    format!("{kind}{unit}{range}")
}

/// Limits of machine numbers tell people nothing.
fn is_worth_saying(bound: &Value) -> bool {
    bound
        .as_f64()
        .is_some_and(|bound| bound.abs() <= f64::from(u32::MAX))
}

/// Units stand last in a key, before `_max` and `_min`.
fn unit(key: &str) -> &'static str {
    let key = key
        .strip_suffix("_max")
        .or(key.strip_suffix("_min"))
        .unwrap_or(key);
    match key.rsplit('_').next() {
        Some("s") => " of seconds",
        Some("ms") => " of milliseconds",
        Some("bytes") => " of bytes",
        Some("percent") => " of percent",
        _ => "",
    }
}

/// "`a`", "`a` or `b`"; long lists are cut.
pub(super) fn one_of(names: &[&str]) -> String {
    if names.len() > LISTED_NAMES_MAX {
        let shown = &names[..LISTED_NAMES_MAX];
        return format!(
            "one of {} and {} more",
            ticked(shown),
            names.len() - shown.len()
        );
    }
    match names {
        [] => "nothing".to_owned(),
        [only] => format!("`{only}`"),
        [first, second] => format!("`{first}` or `{second}`"),
        _ => format!("one of {}", ticked(names)),
    }
}

/// "`a`, `b`".
pub(super) fn listed(names: &[&str]) -> String {
    if names.len() > LISTED_NAMES_MAX {
        format!("{}, …", ticked(&names[..LISTED_NAMES_MAX]))
    } else {
        ticked(names)
    }
}

fn ticked(names: &[&str]) -> String {
    format!("`{}`", names.join("`, `"))
}

/// What stands there, by its kind only.
pub(super) fn found(node: &Node) -> String {
    match &node.content {
        Content::Mapping(_) => "a table".to_owned(),
        Content::Sequence(_) => "a list".to_owned(),
        Content::Scalar(scalar) => {
            let kind = match scalar.resolved() {
                Resolved::Null if scalar.references.is_empty() => "nothing",
                Resolved::Null | Resolved::Text => "text",
                Resolved::Bool(_) => "`true` or `false`",
                Resolved::Integer(_) => "a number",
                Resolved::Float(_) => "a number with a fraction",
            };
            if scalar.references.is_empty() {
                kind.to_owned()
            } else {
                format!("{kind} from `{}`", scalar.references.join("`, `"))
            }
        }
    }
}

/// What to do about a value of the wrong kind, where the mistake is a usual one.
pub(super) fn hint_for_kind(views: &[&View<'_>], node: &Node) -> Option<String> {
    let wants = |json_type: &str| views.iter().any(|view| view.accepts(json_type));
    let Content::Scalar(scalar) = &node.content else {
        return (matches!(node.content, Content::Mapping(_)) && wants("array"))
            .then(|| "begin each item of the list with `- `".to_owned());
    };
    if !scalar.references.is_empty() {
        return None;
    }
    let text = scalar.text.to_ascii_lowercase();
    match text.as_str() {
        "yes" | "on" | "y" if wants("boolean") => Some("write `true`".to_owned()),
        "no" | "off" | "n" if wants("boolean") => Some("write `false`".to_owned()),
        _ if scalar.resolved() == Resolved::Null && wants("string") => Some(
            "write the text after the colon; the text `null` itself stands in quotes".to_owned(),
        ),
        _ if !scalar.is_plain && wants("integer") && !wants("string") => {
            Some("remove the quotes".to_owned())
        }
        _ if wants("array") && !wants("object") => {
            Some("a list is written `[a, b]`, or each item on its own line after `- `".to_owned())
        }
        _ if wants("integer")
            && scalar.resolved() == Resolved::Text
            && text.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            Some("write the number alone, without a unit".to_owned())
        }
        _ => None,
    }
}

/// The first sentence of a doc comment, without its full stop.
pub(super) fn first_sentence(text: &str) -> String {
    let paragraph = text
        .split("\n\n")
        .next()
        .unwrap_or_default()
        .replace('\n', " ");
    let end = paragraph.find(". ").unwrap_or(paragraph.len());
    paragraph[..end].trim_end_matches('.').trim().to_owned()
}

/// Where a key that is unknown here is known: the shallowest place.
pub(super) fn home_of(root: &dyn Root, key: &str) -> Option<String> {
    let mut level: Vec<(String, &Value)> = vec![(String::new(), root.schema())];
    for _ in 0..HOME_DEPTH_MAX {
        let mut below = Vec::new();
        for (path, schema) in level {
            for view in views(root, schema) {
                for (name, schema) in view.properties() {
                    let place = if path.is_empty() {
                        name.to_owned()
                    } else {
                        format!("{path}.{name}")
                    };
                    if name == key {
                        return Some(place);
                    }
                    below.push((place, schema));
                }
            }
        }
        level = below;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_in_their_unit() {
        for (key, expected) in [
            ("timeout_s", " of seconds"),
            ("delay_ms", " of milliseconds"),
            ("body_bytes_max", " of bytes"),
            ("s", " of seconds"),
            ("retries", ""),
            ("connections_max", ""),
            ("", ""),
        ] {
            assert_eq!(unit(key), expected, "{key}");
        }
    }

    #[test]
    fn the_first_sentence_is_enough() {
        for (given, expected) in [
            ("Where to listen.", "Where to listen"),
            ("Where to listen. Loopback unless\ntold.", "Where to listen"),
            ("Of two\nlines\n\nand more.", "Of two lines"),
            ("", ""),
        ] {
            assert_eq!(first_sentence(given), expected, "{given:?}");
        }
    }
}
