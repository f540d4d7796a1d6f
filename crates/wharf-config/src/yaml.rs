//! YAML as a tree in which every key and value knows its line.
//!
//! Nothing is typed here: a scalar stays the text that was written, and what it is depends on what is wanted there. So a
//! setting that is a text can be given as `8000` or `1.0` and keeps its digits. The tree is bounded in depth and weight,
//! with everything that aliases repeat counted in.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use crate::error::Report;
use crate::path::{KeyPath, Mark, ShownKey};

mod scalar;

pub(crate) use scalar::{Resolved, resolve};

/// Deeper nesting is a mistake: real settings stay under ten.
const DEPTH_MAX: usize = 64;
/// How heavy a tree may get: aliases of aliases grow exponentially. A file of the largest size fits, unless it is made
/// of next to nothing but brackets.
const WEIGHT_MAX: usize = 32 * 1024 * 1024;
/// What a node weighs besides its text, about.
const NODE_WEIGHT: usize = 64;

/// A value and where it starts.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) content: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value. Keys are unique in their mapping.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) mark: Mark,
    pub(crate) value: Node,
}

/// A scalar as it was written, or what its references stand for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Written without quotes, so that it can be a number, a switch or nothing.
    pub(crate) is_plain: bool,
    /// The references that were replaced, as written: `${env:NAME}`.
    pub(crate) references: Vec<String>,
    /// A mistake in it has been reported; what it holds means nothing.
    pub(crate) is_broken: bool,
}

impl Scalar {
    /// What it is by itself. What a reference stands for counts as written without quotes.
    pub(crate) fn resolved(&self) -> Resolved {
        if self.is_plain || !self.references.is_empty() {
            resolve(&self.text)
        } else {
            Resolved::Text
        }
    }

    /// Written as nothing at all, as in `key:`.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_plain && self.text.is_empty() && self.references.is_empty()
    }
}

impl Node {
    fn weight(&self) -> usize {
        NODE_WEIGHT
            + match &self.content {
                Content::Scalar(scalar) => scalar.text.len(),
                Content::Sequence(items) => items.iter().map(Self::weight).sum(),
                Content::Mapping(entries) => entries
                    .iter()
                    .map(|entry| entry.key.len() + entry.value.weight())
                    .sum(),
            }
    }

    /// Whether there is nothing: the file holds only comments, or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar(scalar) if scalar.resolved() == Resolved::Null)
    }
}

/// Reads the one document of `text`. None when it holds nothing, or a mistake after which reading cannot go on; the
/// mistake is in the report.
pub(crate) fn read(text: &str, report: &mut Report) -> Option<Node> {
    let mut reader = Reader {
        report,
        stack: Vec::new(),
        anchors: HashMap::new(),
        weight: 0,
        root: None,
    };
    // A byte order mark is no part of the text.
    for event in Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        let outcome = match event {
            Ok((event, span)) => reader.take(event, span),
            Err(error) => {
                let mark = mark_of(*error.marker());
                Err(Stop {
                    mark,
                    what: format!("the YAML cannot be read: {}", error.info()),
                    hint: hint_for_line(text, mark.line),
                })
            }
        };
        if let Err(Stop { mark, what, hint }) = outcome {
            reader.report.syntax(mark, what, hint);
            return None;
        }
    }
    reader.root
}

/// A mistake after which reading cannot go on.
struct Stop {
    mark: Mark,
    what: String,
    hint: Option<String>,
}

struct Reader<'r> {
    report: &'r mut Report,
    /// The collections that are open, outermost first.
    stack: Vec<Frame>,
    /// Finished nodes that aliases may repeat, with their weight.
    anchors: HashMap<usize, (Node, usize)>,
    weight: usize,
    root: Option<Node>,
}

/// A collection that is being read.
struct Frame {
    mark: Mark,
    anchor: usize,
    collection: Collection,
}

enum Collection {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        lines: HashMap<String, usize>,
        /// The key whose value comes next.
        key: Option<Key>,
    },
}

struct Key {
    name: String,
    mark: Mark,
    /// The mapping has it already: the value is read and dropped.
    is_repeated: bool,
}

impl Reader<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        let mark = mark_of(span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = is_text_tag(tag.as_deref(), mark)?;
                let scalar = Scalar {
                    text: text.into_owned(),
                    is_plain: style == ScalarStyle::Plain && !is_text,
                    ..Scalar::default()
                };
                self.scalar(scalar, mark, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                is_text_tag(tag.as_deref(), mark)?;
                self.open(mark, anchor, Collection::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                is_text_tag(tag.as_deref(), mark)?;
                let collection = Collection::Mapping {
                    entries: Vec::new(),
                    lines: HashMap::new(),
                    key: None,
                };
                self.open(mark, anchor, collection)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, mark),
            Event::DocumentStart(_) if self.root.is_some() => Err(Stop {
                mark,
                what: "a second YAML document begins here".to_owned(),
                hint: Some("a configuration is one document: remove the `---`".to_owned()),
            }),
            Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::StreamStart
            | Event::StreamEnd
            | Event::Nothing => Ok(()),
        }
    }

    fn open(&mut self, mark: Mark, anchor: usize, collection: Collection) -> Result<(), Stop> {
        if self.expects_key() {
            return Err(key_is_no_text(mark));
        }
        if self.stack.len() == DEPTH_MAX {
            return Err(Stop {
                mark,
                what: format!("nested more than {DEPTH_MAX} levels deep"),
                hint: None,
            });
        }
        self.weigh(NODE_WEIGHT, mark)?;
        self.stack.push(Frame {
            mark,
            anchor,
            collection,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Stop> {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        let content = match frame.collection {
            Collection::Sequence(items) => Content::Sequence(items),
            Collection::Mapping { entries, .. } => Content::Mapping(entries),
        };
        let node = Node {
            mark: frame.mark,
            content,
        };
        self.remember(frame.anchor, &node)?;
        self.place(node);
        Ok(())
    }

    fn scalar(&mut self, scalar: Scalar, mark: Mark, anchor: usize) -> Result<(), Stop> {
        self.weigh(NODE_WEIGHT + scalar.text.len(), mark)?;
        let node = Node {
            mark,
            content: Content::Scalar(scalar),
        };
        self.remember(anchor, &node)?;
        self.place_or_key(node)
    }

    fn alias(&mut self, anchor: usize, mark: Mark) -> Result<(), Stop> {
        let Some((node, weight)) = self.anchors.get(&anchor) else {
            return Err(Stop {
                mark,
                what: "an alias stands inside of what it repeats".to_owned(),
                hint: None,
            });
        };
        let (mut node, weight) = (node.clone(), *weight);
        self.weigh(weight, mark)?;
        if self.stack.len() + depth(&node) > DEPTH_MAX {
            return Err(Stop {
                mark,
                what: format!("nested more than {DEPTH_MAX} levels deep by aliases"),
                hint: None,
            });
        }
        node.mark = mark;
        self.place_or_key(node)
    }

    /// Puts a finished node where it belongs: as the next key, or as a value.
    fn place_or_key(&mut self, node: Node) -> Result<(), Stop> {
        if !self.expects_key() {
            self.place(node);
            return Ok(());
        }
        let Content::Scalar(scalar) = node.content else {
            return Err(key_is_no_text(node.mark));
        };
        if scalar.is_empty() {
            return Err(key_is_no_text(node.mark));
        }
        self.key(scalar.text, node.mark);
        Ok(())
    }

    fn key(&mut self, name: String, mark: Mark) {
        let Some(Frame {
            collection: Collection::Mapping { lines, key, .. },
            ..
        }) = self.stack.last_mut()
        else {
            return;
        };
        let first = lines.get(&name).copied();
        if first.is_none() {
            lines.insert(name.clone(), mark.line);
        }
        *key = Some(Key {
            name,
            mark,
            is_repeated: first.is_some(),
        });
        if let Some(first) = first {
            let path = self.path();
            self.report.error(
                mark,
                format!("key `{path}` is given twice"),
                Some(format!("remove one; the first is on line {first}")),
            );
        }
    }

    fn place(&mut self, node: Node) {
        match self.stack.last_mut().map(|frame| &mut frame.collection) {
            None => self.root = Some(node),
            Some(Collection::Sequence(items)) => items.push(node),
            Some(Collection::Mapping { entries, key, .. }) => {
                if let Some(key) = key.take().filter(|key| !key.is_repeated) {
                    entries.push(Entry {
                        key: key.name,
                        mark: key.mark,
                        value: node,
                    });
                }
            }
        }
    }

    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), Stop> {
        if anchor != 0 {
            let weight = node.weight();
            self.weigh(weight, node.mark)?;
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        Ok(())
    }

    fn weigh(&mut self, weight: usize, mark: Mark) -> Result<(), Stop> {
        self.weight = self.weight.saturating_add(weight);
        if self.weight > WEIGHT_MAX {
            return Err(Stop {
                mark,
                what: "too much to be a configuration, with everything that aliases repeat"
                    .to_owned(),
                hint: None,
            });
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.stack.last(),
            Some(Frame {
                collection: Collection::Mapping { key: None, .. },
                ..
            })
        )
    }

    /// The path of the value that is being read.
    fn path(&self) -> KeyPath {
        let mut path = KeyPath::default();
        for frame in &self.stack {
            match &frame.collection {
                Collection::Sequence(items) => path.push_index(items.len()),
                Collection::Mapping { key, .. } => {
                    if let Some(key) = key {
                        path.push_key(&key.name);
                    }
                }
            }
        }
        path
    }
}

/// What is usually wrong where YAML refuses a line.
fn hint_for_line(text: &str, line: usize) -> Option<String> {
    let begins_with_tab = |line: &str| line.trim_start_matches(' ').starts_with('\t');
    let mut lines = text.lines().skip(line - 1);
    let refused = lines.next().unwrap_or_default();
    // A plain text goes on in the next line, so a tab there is noticed too early.
    let hint = if begins_with_tab(refused) || lines.next().is_some_and(begins_with_tab) {
        "indent with spaces: YAML takes no tabs"
    } else if refused.contains("${") {
        "between `[` and `]`, or `{` and `}`, a reference stands in quotes"
    } else if refused.matches(": ").count() > 1 {
        "a text that holds `: ` stands in quotes"
    } else {
        return None;
    };
    Some(hint.to_owned())
}

fn depth(node: &Node) -> usize {
    match &node.content {
        Content::Scalar(_) => 0,
        Content::Sequence(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Content::Mapping(entries) => {
            1 + entries
                .iter()
                .map(|entry| depth(&entry.value))
                .max()
                .unwrap_or(0)
        }
    }
}

/// Whether the tag says that a scalar is a text, whatever it looks like. Tags outside of the core schema are refused:
/// nothing here knows what they mean.
fn is_text_tag(tag: Option<&Tag>, mark: Mark) -> Result<bool, Stop> {
    let Some(tag) = tag else {
        return Ok(false);
    };
    let is_non_specific = tag.suffix.is_empty() || (tag.handle.is_empty() && tag.suffix == "!");
    let is_core = tag.is_yaml_core_schema()
        && matches!(
            tag.suffix.as_str(),
            "str" | "int" | "float" | "bool" | "null" | "seq" | "map"
        );
    if is_non_specific || is_core {
        return Ok(is_non_specific || tag.suffix == "str");
    }
    Err(Stop {
        mark,
        what: format!("the tag `{}` has no meaning here", ShownKey(&tag.suffix)),
        hint: Some("remove it; a text that begins with `!` stands in quotes".to_owned()),
    })
}

fn key_is_no_text(mark: Mark) -> Stop {
    Stop {
        mark,
        what: "a key must be a text".to_owned(),
        hint: Some(
            "a value that begins with `{`, `[`, `?`, `*` or `:` stands in quotes".to_owned(),
        ),
    }
}

fn mark_of(marker: Marker) -> Mark {
    Mark {
        line: marker.line().max(1),
        column: marker.col() + 1,
    }
}

#[cfg(test)]
mod tests;
