//! Everything that the walk says: complaints and warnings, each with its place and what to do next.

use serde_json::Value;

use super::Checker;
use super::words::{self, expected, found, listed};
use crate::nearest::nearest;
use crate::path::{Mark, ShownKey};
use crate::schema::{View, outline};
use crate::yaml::{Content, Entry, Node, Scalar};

/// A section with more keys than this is not listed in a hint.
const LISTED_KEYS_MAX: usize = 8;

impl<'s> Checker<'_, 's> {
    pub(super) fn check_range(
        &mut self,
        view: &View<'s>,
        number: &serde_json::Number,
        scalar: &Scalar,
        at: Mark,
    ) {
        let value = number.as_f64().unwrap_or(f64::NAN);
        let bound = |keyword| view.keyword(keyword).and_then(Value::as_f64);
        let fits = bound("minimum").is_none_or(|least| value >= least)
            && bound("maximum").is_none_or(|most| value <= most)
            && bound("exclusiveMinimum").is_none_or(|least| value > least)
            && bound("exclusiveMaximum").is_none_or(|most| value < most);
        if !fits {
            let what = format!(
                "{}expected {}, found {}",
                self.subject(),
                expected(&[view], self.path.last_key()),
                shown_value(scalar)
            );
            self.report.error(at, what, None);
        }
    }

    pub(super) fn check_length(&mut self, view: &View<'s>, length: usize, of: &str, at: Mark) {
        let (least, most) = if of == "item" {
            ("minItems", "maxItems")
        } else {
            ("minLength", "maxLength")
        };
        let bound = |keyword| view.keyword(keyword).and_then(Value::as_u64);
        let length = length as u64;
        let (limit, word) = match (bound(least), bound(most)) {
            (Some(least), _) if length < least => (least, "at least"),
            (_, Some(most)) if length > most => (most, "at most"),
            _ => return,
        };
        let plural = if limit == 1 { "" } else { "s" };
        let what = format!(
            "{}expected {word} {limit} {of}{plural}, found {length}",
            self.subject()
        );
        self.report.error(at, what, None);
    }

    pub(super) fn refuse_kind(&mut self, views: &[&View<'s>], node: &Node, at: Mark) -> Value {
        let what = format!(
            "{}expected {}, found {}",
            self.subject(),
            expected(views, self.path.last_key()),
            found(node)
        );
        let hint = words::hint_for_kind(views, node);
        self.report.error(at, what, hint);
        Value::Null
    }

    pub(super) fn refuse_literal(
        &mut self,
        views: &[&View<'s>],
        scalar: &Scalar,
        at: Mark,
    ) -> Value {
        let names: Vec<&str> = views
            .iter()
            .flat_map(|view| {
                let literals = view.literals().unwrap_or_default();
                let literals = literals.into_iter().filter_map(Value::as_str);
                literals.chain(view.sole_key())
            })
            .collect();
        let node = Node {
            mark: at,
            content: Content::Scalar(scalar.clone()),
        };
        self.refuse_name(&names, &node, at);
        Value::Null
    }

    /// A value that is none of a list of names.
    pub(super) fn refuse_name(&mut self, names: &[&str], node: &Node, at: Mark) {
        let (given, near) = match &node.content {
            Content::Scalar(scalar) if !scalar.is_empty() => {
                // The nearest name would tell what a reference stands for.
                let near = scalar
                    .references
                    .is_empty()
                    .then(|| nearest(&scalar.text, names.iter().copied()))
                    .flatten();
                (shown_value(scalar), near)
            }
            _ => (found(node), None),
        };
        let what = format!(
            "{}expected {}, found {given}",
            self.subject(),
            words::one_of(names)
        );
        self.report
            .error(at, what, near.map(|near| format!("did you mean `{near}`?")));
    }

    /// A key that the section does not know; gives the key that was meant.
    pub(super) fn refuse_key(&mut self, view: &View<'s>, entry: &Entry) -> Option<&'s str> {
        if view.has_number_keys() {
            let path = self.path.child(&entry.key);
            let what = format!("key `{path}` must be a whole number");
            self.report.error(entry.mark, what, None);
            return None;
        }
        let names: Vec<&str> = view
            .properties()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let near = nearest(&entry.key, names.iter().copied());
        let hint = near
            .map(|near| format!("did you mean `{near}`?"))
            .or_else(|| {
                let here = self.path.child(&entry.key).to_string();
                words::home_of(self.root, &entry.key)
                    .filter(|home| *home != here)
                    .map(|home| format!("it belongs at `{home}`"))
            })
            .or_else(|| match names.len() {
                0 => Some("nothing can be set here".to_owned()),
                1..=LISTED_KEYS_MAX => Some(format!("known here: {}", listed(&names))),
                _ => None,
            });
        self.refuse_unknown(entry, hint);
        near
    }

    /// Keys of which exactly one names a variant.
    pub(super) fn refuse_variant(&mut self, names: &[&str], entries: &[Entry], at: Mark) {
        let unknown = entries
            .iter()
            .find(|entry| !names.contains(&entry.key.as_str()));
        if let Some(entry) = unknown {
            let hint = nearest(&entry.key, names.iter().copied()).map_or_else(
                || format!("it takes one of {}", listed(names)),
                |near| format!("did you mean `{near}`?"),
            );
            self.refuse_unknown(entry, Some(hint));
        } else {
            let what = format!(
                "{}expected exactly one of {}, found {}",
                self.subject(),
                listed(names),
                entries.len()
            );
            self.report.error(at, what, None);
        }
    }

    fn refuse_unknown(&mut self, entry: &Entry, hint: Option<String>) {
        let what = format!("unknown key `{}`", self.path.child(&entry.key));
        self.report.error(entry.mark, what, hint);
    }

    pub(super) fn refuse_missing(&mut self, view: &View<'s>, key: &str, at: Mark) {
        let hint = view
            .property(key)
            .and_then(|schema| outline(self.root, schema).text("description"))
            .map_or_else(
                || format!("add `{key}`"),
                |text| format!("add `{key}`: {}", words::first_sentence(text)),
            );
        let what = self.missing(key);
        self.report.error(at, what, Some(hint));
    }

    pub(super) fn missing(&self, key: &str) -> String {
        if self.path.is_root() {
            format!("the key `{key}` is missing")
        } else {
            format!("the key `{key}` is missing in `{}`", self.path)
        }
    }

    /// How a message about the value at this path begins.
    fn subject(&self) -> String {
        if self.path.is_root() {
            String::new()
        } else {
            format!("`{}`: ", self.path)
        }
    }

    pub(super) fn warn_of_deprecated(&mut self, schema: &'s Value, at: Mark) {
        let outline = outline(self.root, schema);
        if outline.flag("deprecated") {
            let what = format!("`{}` is deprecated", self.path);
            let hint = outline.text("description").map(words::first_sentence);
            self.report.warning(at, what, hint);
        }
    }

    /// Secrets are references; one that stands in the file is in every copy and every backup of it.
    pub(super) fn warn_of_open_secret(&mut self, view: &View<'s>, scalar: &Scalar, at: Mark) {
        if view.flag("writeOnly")
            && scalar.references.is_empty()
            && !scalar.text.is_empty()
            && !is_bare_address(&scalar.text)
        {
            self.report.warning(
                at,
                format!("`{}` holds a secret that stands in the file", self.path),
                Some("move it out: `${env:NAME}` or `${file:path}`".to_owned()),
            );
        }
    }
}

/// An address that may hold a secret, and has neither a user nor parameters.
fn is_bare_address(text: &str) -> bool {
    text.contains("://") && !text.contains(['@', '?'])
}

/// A value for a message: what was written, so the reference and not what it stands for.
fn shown_value(scalar: &Scalar) -> String {
    if scalar.references.is_empty() {
        format!("`{}`", ShownKey(&scalar.text))
    } else {
        format!("the value of `{}`", scalar.references.join("`, `"))
    }
}
