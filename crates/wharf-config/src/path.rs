//! Where something stands: the way of keys from the root, and the place in the text.

use std::fmt;

/// Longer keys are cut in messages.
const SHOWN_KEY_CHARS_MAX: usize = 60;

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
}

/// The keys and indexes that lead from the root to a value.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyPath(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Index(usize),
}

impl Mark {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

impl KeyPath {
    pub(crate) fn push_key(&mut self, key: &str) {
        self.0.push(Step::Key(key.to_owned()));
    }

    pub(crate) fn push_index(&mut self, index: usize) {
        self.0.push(Step::Index(index));
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path of the value under `key` of the value at this path.
    pub(crate) fn child(&self, key: &str) -> Self {
        let mut child = self.clone();
        child.push_key(key);
        child
    }

    /// The innermost key: what an item of a list is called by as well.
    pub(crate) fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
    }
}

impl fmt::Display for KeyPath {
    /// As in `sources[0].headers."X-Trace.Id"`: a key that could be misread stands in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    if at > 0 {
                        f.write_str(".")?;
                    }
                    write!(f, "{}", ShownKey(key))?;
                }
            }
        }
        Ok(())
    }
}

/// One key as messages show it.
pub(crate) struct ShownKey<'a>(pub(crate) &'a str);

impl fmt::Display for ShownKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '$' | '<');
        let short: String = self.0.chars().take(SHOWN_KEY_CHARS_MAX).collect();
        let rest = if short.len() < self.0.len() {
            "…"
        } else {
            ""
        };
        if !short.is_empty() && short.chars().all(plain) {
            write!(f, "{short}{rest}")
        } else {
            write!(f, "\"{}{rest}\"", short.escape_debug())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_code() {
        let mut path = KeyPath::default();
        assert_eq!(path.to_string(), "");
        path.push_key("sources");
        path.push_index(0);
        path.push_key("headers");
        path.push_key("X-Trace.Id\u{1b}");
        assert_eq!(path.to_string(), r#"sources[0].headers."X-Trace.Id\u{1b}""#);
        path.pop();
        path.push_index(3);
        assert_eq!(path.last_key(), Some("headers"));
        let long = KeyPath::default().child(&"k".repeat(100)).to_string();
        assert_eq!(long, format!("{}…", "k".repeat(60)));
    }
}
