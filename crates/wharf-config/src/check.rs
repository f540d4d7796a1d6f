//! Reads the tree as the schema wants it, and says everything that is wrong on the way.
//!
//! What a scalar is depends on what is wanted: `8000` is a number for a port and a text for a name. So the walk through
//! tree and schema does both at once: it builds the JSON value that the type is deserialized from, and it reports unknown
//! keys, missing keys, wrong types, values outside of their range or list. Afterwards there is nothing left to refuse but
//! what only the type itself can judge, such as whether a text is a URL.

use serde_json::{Map, Value};

use crate::error::Report;
use crate::path::{KeyPath, Mark};
use crate::schema::{Root, View, common_tag, views};
use crate::yaml::{Content, Entry, Node, Resolved, Scalar};

mod complaints;
mod words;

use words::listed;

/// Values looked at, tried alternatives included: what an untagged enum in an untagged enum costs grows exponentially.
const STEPS_MAX: usize = 2_000_000;

/// The value of the whole tree; only worth something when nothing was reported.
pub(crate) fn check(schema: &dyn Root, root: &Node, report: &mut Report) -> Value {
    let mut checker = Checker {
        root: schema,
        report,
        path: KeyPath::default(),
        steps: 0,
    };
    checker.value(schema.schema(), root, Mark::START)
}

struct Checker<'a, 's> {
    root: &'s dyn Root,
    report: &'a mut Report,
    path: KeyPath,
    steps: usize,
}

impl<'s> Checker<'_, 's> {
    /// The value of `node`, whose key stands at `at`.
    fn value(&mut self, schema: &'s Value, node: &Node, at: Mark) -> Value {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return untyped(node);
        }
        if matches!(&node.content, Content::Scalar(scalar) if scalar.is_broken) {
            return Value::Null;
        }
        let views = views(self.root, schema);
        if let [view] = views.as_slice() {
            return self.one(view, node, at);
        }
        self.choose(views.iter().collect(), node, at)
    }

    /// The value by the alternative that was meant.
    fn choose(&mut self, mut views: Vec<&View<'s>>, node: &Node, at: Mark) -> Value {
        if node.is_null() && views.iter().any(|view| view.is_null()) {
            return Value::Null;
        }
        views.retain(|view| !view.is_null());
        let all = views.clone();
        match &node.content {
            Content::Scalar(scalar) => {
                if let Some(value) = literal(&views, scalar) {
                    return value;
                }
                if let Some(tag) = common_tag(&views).filter(|_| scalar.is_empty()) {
                    return self.tagged(tag, &views, &[], at);
                }
                views.retain(|view| view.literals().is_some() || accepts_scalar(view, scalar));
                if !views.is_empty() && views.iter().all(|view| view.literals().is_some()) {
                    return self.refuse_literal(&all, scalar, at);
                }
                views.retain(|view| view.literals().is_none());
            }
            Content::Sequence(_) => views.retain(|view| view.accepts("array")),
            Content::Mapping(entries) => {
                views.retain(|view| view.accepts("object"));
                if let Some(tag) = common_tag(&views) {
                    return self.tagged(tag, &views, entries, at);
                }
                let has_choice = all.len() > 1 && !views.is_empty();
                if has_choice && views.iter().all(|view| view.sole_key().is_some()) {
                    return self.externally_tagged(&views, entries, at);
                }
            }
        }
        match views.as_slice() {
            [] => self.refuse_kind(&all, node, at),
            [view] => self.one(view, node, at),
            several => self.first_that_fits(several, node, at),
        }
    }

    /// An untagged enum: tries each alternative, and tells the mistakes of the one with the fewest.
    fn first_that_fits(&mut self, views: &[&View<'s>], node: &Node, at: Mark) -> Value {
        let mut best: Option<(Value, Report)> = None;
        for view in views {
            let mut found = self.report.blank();
            let mut trial = Checker {
                root: self.root,
                report: &mut found,
                path: self.path.clone(),
                steps: self.steps,
            };
            let value = trial.one(view, node, at);
            self.steps = trial.steps;
            if best
                .as_ref()
                .is_none_or(|(_, fewest)| found.errors_len() < fewest.errors_len())
            {
                best = Some((value, found));
            }
        }
        let Some((value, report)) = best else {
            return Value::Null;
        };
        self.report.absorb(report);
        value
    }

    fn one(&mut self, view: &View<'s>, node: &Node, at: Mark) -> Value {
        match &node.content {
            _ if view.is_anything() => untyped(node),
            Content::Scalar(scalar) => self.scalar(view, node, scalar, at),
            Content::Mapping(entries) if view.accepts("object") => {
                Value::Object(self.object(view, entries, None, at))
            }
            Content::Sequence(items) if view.accepts("array") => self.array(view, items, at),
            Content::Mapping(_) | Content::Sequence(_) => self.refuse_kind(&[view], node, at),
        }
    }

    fn scalar(&mut self, view: &View<'s>, node: &Node, scalar: &Scalar, at: Mark) -> Value {
        if view.literals().is_some() {
            return literal(&[view], scalar)
                .unwrap_or_else(|| self.refuse_literal(&[view], scalar, at));
        }
        self.warn_of_open_secret(view, scalar, at);
        match scalar.resolved() {
            Resolved::Null if view.accepts("null") && scalar.references.is_empty() => Value::Null,
            Resolved::Integer(number) if view.accepts("integer") => {
                self.check_range(view, &number, scalar, at);
                Value::Number(number)
            }
            Resolved::Float(number) if view.accepts("number") => {
                self.check_range(view, &number, scalar, at);
                Value::Number(number)
            }
            Resolved::Bool(flag) if view.accepts("boolean") => Value::Bool(flag),
            _ if view.accepts("string") && accepts_scalar(view, scalar) => {
                self.check_length(view, scalar.text.chars().count(), "character", at);
                Value::String(scalar.text.clone())
            }
            // A section of which every line is a comment.
            _ if scalar.is_empty() && view.accepts("object") => {
                Value::Object(self.object(view, &[], None, at))
            }
            _ if scalar.is_empty() && view.accepts("array") => self.array(view, &[], at),
            _ => self.refuse_kind(&[view], node, at),
        }
    }

    fn array(&mut self, view: &View<'s>, items: &[Node], at: Mark) -> Value {
        let anything = &Value::Bool(true);
        let leading = view
            .keyword("prefixItems")
            .and_then(Value::as_array)
            .map_or([].as_slice(), Vec::as_slice);
        let rest = view.keyword("items").unwrap_or(anything);
        self.check_length(view, items.len(), "item", at);
        let values = items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                self.path.push_index(index);
                let value = self.value(leading.get(index).unwrap_or(rest), item, item.mark);
                self.path.pop();
                value
            })
            .collect();
        Value::Array(values)
    }

    /// Reads the keys of an object. `tag` is a key that has been read already.
    fn object(
        &mut self,
        view: &View<'s>,
        entries: &[Entry],
        tag: Option<&str>,
        at: Mark,
    ) -> Map<String, Value> {
        let mut object = Map::new();
        let mut meant = Vec::new();
        for entry in entries {
            let known = view.property(&entry.key);
            let Some(schema) = known.or_else(|| view.additional(&entry.key)) else {
                meant.extend(self.refuse_key(view, entry));
                continue;
            };
            self.path.push_key(&entry.key);
            self.warn_of_deprecated(schema, entry.mark);
            let value = if tag == Some(entry.key.as_str()) {
                untyped(&entry.value)
            } else {
                self.value(schema, &entry.value, entry.mark)
            };
            self.path.pop();
            object.insert(entry.key.clone(), value);
        }
        for key in view.required() {
            // A key that is only misspelt is not missing as well.
            if !meant.contains(&key) && !entries.iter().any(|entry| entry.key == key) {
                self.refuse_missing(view, key, at);
            }
        }
        object
    }

    /// An enum whose variants are told apart by the value of one key.
    fn tagged(&mut self, tag: &str, views: &[&View<'s>], entries: &[Entry], at: Mark) -> Value {
        let names: Vec<&str> = views.iter().filter_map(|view| view.tag(tag)).collect();
        let Some(entry) = entries.iter().find(|entry| entry.key == tag) else {
            let what = self.missing(tag);
            self.report.error(
                at,
                what,
                Some(format!("`{tag}` is one of {}", listed(&names))),
            );
            return Value::Null;
        };
        let meant = match &entry.value.content {
            Content::Scalar(scalar) if scalar.is_broken => return Value::Null,
            Content::Scalar(scalar) => views
                .iter()
                .find(|view| view.tag(tag) == Some(scalar.text.as_str())),
            Content::Sequence(_) | Content::Mapping(_) => None,
        };
        let Some(view) = meant else {
            self.path.push_key(tag);
            self.refuse_name(&names, &entry.value, entry.mark);
            self.path.pop();
            return Value::Null;
        };
        let mut object = self.object(view, entries, Some(tag), at);
        // A name such as `1` or `true` is a text all the same.
        object.insert(tag.to_owned(), Value::from(view.tag(tag)));
        Value::Object(object)
    }

    /// An enum whose variants are told apart by their only key.
    fn externally_tagged(&mut self, views: &[&View<'s>], entries: &[Entry], at: Mark) -> Value {
        let names: Vec<&str> = views.iter().filter_map(|view| view.sole_key()).collect();
        if let [entry] = entries
            && let Some(view) = views
                .iter()
                .find(|view| view.sole_key() == Some(entry.key.as_str()))
        {
            return Value::Object(self.object(view, entries, None, at));
        }
        self.refuse_variant(&names, entries, at);
        Value::Null
    }
}

/// The value of the alternative that is this very literal.
fn literal(views: &[&View<'_>], scalar: &Scalar) -> Option<Value> {
    let given = untyped_scalar(scalar);
    views
        .iter()
        .filter_map(|view| view.literals())
        .flatten()
        .find(|literal| **literal == given || literal.as_str() == Some(&scalar.text))
        .cloned()
}

fn accepts_scalar(view: &View<'_>, scalar: &Scalar) -> bool {
    // `key:` and `key: null` say that there is nothing, which is no text; quotes or a reference make it one.
    let is_nothing = scalar.references.is_empty() && scalar.resolved() == Resolved::Null;
    match scalar.resolved() {
        _ if view.is_anything() => true,
        _ if is_nothing => {
            view.accepts("null")
                || (scalar.is_empty() && (view.accepts("object") || view.accepts("array")))
        }
        Resolved::Integer(_) if view.accepts("integer") => true,
        Resolved::Float(_) if view.accepts("number") => true,
        Resolved::Bool(_) if view.accepts("boolean") => true,
        _ => view.accepts("string"),
    }
}

/// The value that stands there when nobody says what is wanted.
fn untyped(node: &Node) -> Value {
    match &node.content {
        Content::Scalar(scalar) => untyped_scalar(scalar),
        Content::Sequence(items) => items.iter().map(untyped).collect(),
        Content::Mapping(entries) => Value::Object(
            entries
                .iter()
                .map(|entry| (entry.key.clone(), untyped(&entry.value)))
                .collect(),
        ),
    }
}

fn untyped_scalar(scalar: &Scalar) -> Value {
    match scalar.resolved() {
        // What a variable holds is text, unless something else is asked for.
        _ if !scalar.references.is_empty() => Value::String(scalar.text.clone()),
        Resolved::Null => Value::Null,
        Resolved::Bool(flag) => Value::Bool(flag),
        Resolved::Integer(number) | Resolved::Float(number) => Value::Number(number),
        Resolved::Text => Value::String(scalar.text.clone()),
    }
}
