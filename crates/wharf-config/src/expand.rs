//! Replaces references in texts: `${env:NAME}` by an environment variable, `${file:path}` by what a file holds, and
//! `${ssm:…}` and `${secretsmanager:…}` by what a store of secrets holds.
//!
//! Asking a store takes a network and time, and is for others: [`stored_references`] says what to ask for before the
//! answers are put in.
//!
//! `$${` stands for `${` itself. Nothing is expanded twice, keys are left alone, and there are no default values: a
//! setting that may be missing has its default in the type. What a reference stands for never appears in a message.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::error::Report;
use crate::nearest::nearest;
use crate::path::{KeyPath, Mark};
use crate::yaml::{Content, Node, Scalar};

/// Keys and certificates are far smaller; a log that is named by mistake is not.
const REFERENCED_FILE_BYTES_MAX: u64 = 256 * 1024;
/// References in one configuration, and so files read for it.
const REFERENCES_MAX: usize = 1000;
/// A reference that is wrong is repeated in the message up to here.
const SHOWN_REFERENCE_CHARS_MAX: usize = 60;

/// The stores of secrets that a reference can name.
const STORES: [&str; 2] = ["ssm", "secretsmanager"];

/// What stores of secrets hold, or why it is not to be had, by what stands between `${` and `}`.
pub type Stored = BTreeMap<String, Result<String, Unavailable>>;

/// Why a secret is not to be had.
#[derive(Debug, Clone)]
pub struct Unavailable {
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What was read beside the configuration.
pub(crate) struct Expanded {
    pub(crate) files: Vec<PathBuf>,
    /// The keys whose whole text is in a store of secrets, each with its reference.
    pub(crate) stored: BTreeMap<String, String>,
}

/// Replaces every reference below `root`.
pub(crate) fn expand(
    root: &mut Node,
    base_dir: &Path,
    environment: &Environment,
    answers: &Stored,
    report: &mut Report,
) -> Expanded {
    let mut expander = Expander {
        base_dir,
        environment,
        answers,
        report,
        path: KeyPath::default(),
        files: BTreeMap::new(),
        stored: BTreeMap::new(),
        references: 0,
    };
    expander.node(root);
    Expanded {
        files: expander.files.into_keys().collect(),
        stored: expander.stored,
    }
}

/// What below `root` is to be asked of stores: what stands between `${` and `}`.
pub(crate) fn stored_references(root: &Node) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![root];
    while let Some(node) = waiting.pop() {
        match &node.content {
            Content::Scalar(scalar) => {
                let references = pieces(&scalar.text)
                    .into_iter()
                    .filter_map(|piece| match piece {
                        Piece::Reference(inner) if is_stored(inner) => Some(inner.to_owned()),
                        _ => None,
                    });
                found.extend(references.take(REFERENCES_MAX - found.len()));
            }
            Content::Sequence(items) => waiting.extend(items),
            Content::Mapping(entries) => waiting.extend(entries.iter().map(|entry| &entry.value)),
        }
    }
    found
}

/// Whether a reference names a store, and something in it.
fn is_stored(inner: &str) -> bool {
    let named = inner.split_once(':');
    named.is_some_and(|(store, name)| STORES.contains(&store) && !name.is_empty())
}

struct Expander<'a> {
    base_dir: &'a Path,
    environment: &'a Environment,
    answers: &'a Stored,
    report: &'a mut Report,
    path: KeyPath,
    /// What each file holds, or why it cannot be read. A file is read once, so that all that name it agree.
    files: BTreeMap<PathBuf, Result<String, String>>,
    stored: BTreeMap<String, String>,
    references: usize,
}

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Literal(&'t str),
    /// What stands between `${` and `}`.
    Reference(&'t str),
    /// A `${` that never ends.
    Unclosed(&'t str),
}

/// What is wrong with a reference, and what to do about it.
struct Refusal {
    what: String,
    hint: Option<String>,
}

impl Expander<'_> {
    fn node(&mut self, node: &mut Node) {
        match &mut node.content {
            Content::Scalar(scalar) => self.scalar(scalar, node.mark),
            Content::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.path.push_index(index);
                    self.node(item);
                    self.path.pop();
                }
            }
            Content::Mapping(entries) => {
                for entry in entries {
                    self.path.push_key(&entry.key);
                    self.node(&mut entry.value);
                    self.path.pop();
                }
            }
        }
    }

    fn scalar(&mut self, scalar: &mut Scalar, mark: Mark) {
        if !scalar.text.contains("${") {
            return;
        }
        let mut expanded = String::new();
        let mut references = Vec::new();
        let mut is_broken = false;
        for piece in pieces(&scalar.text) {
            let value = match piece {
                Piece::Literal(text) => {
                    expanded.push_str(text);
                    continue;
                }
                Piece::Reference(inner) => {
                    self.references += 1;
                    if self.references > REFERENCES_MAX {
                        is_broken = true;
                        self.refuse_more(mark);
                        break;
                    }
                    references.push(format!("${{{inner}}}"));
                    self.value_of(inner)
                }
                Piece::Unclosed(rest) => Err(Refusal {
                    what: format!("the reference `{}` has no `}}`", shown(rest)),
                    hint: Some("write `$${` for the characters `${` themselves".to_owned()),
                }),
            };
            match value {
                Ok(value) => expanded.push_str(&value),
                Err(Refusal { what, hint }) => {
                    is_broken = true;
                    let what = if self.path.is_root() {
                        what
                    } else {
                        format!("`{}`: {what}", self.path)
                    };
                    self.report.error(mark, what, hint);
                }
            }
        }
        if let [
            Piece::Literal(""),
            Piece::Reference(inner),
            Piece::Literal(""),
        ] = pieces(&scalar.text).as_slice()
            && is_stored(inner)
        {
            let inner = (*inner).to_owned();
            self.stored.insert(self.path.to_string(), inner);
        }
        scalar.text = expanded;
        scalar.references = references;
        scalar.is_broken = is_broken;
    }

    /// Says once that there are too many references.
    fn refuse_more(&mut self, mark: Mark) {
        if self.references == REFERENCES_MAX + 1 {
            let what = format!("more than {REFERENCES_MAX} references in one configuration");
            self.report.error(mark, what, None);
        }
    }

    fn value_of(&mut self, inner: &str) -> Result<String, Refusal> {
        match inner.split_once(':') {
            Some(("env", name)) if is_variable_name(name) => self.variable(name),
            Some(("file", path)) if !path.is_empty() => self.file(path),
            _ if is_stored(inner) => self.stored(inner),
            _ => Err(Refusal {
                what: format!(
                    "`{}` is neither a variable nor a file nor in a store of secrets",
                    shown(&format!("${{{inner}}}"))
                ),
                hint: Some(if is_variable_name(inner) {
                    format!(
                        "write `${{env:{inner}}}` for the environment variable, or `$${{` for the characters `${{` themselves"
                    )
                } else {
                    "write `${env:NAME}`, `${file:path}`, `${ssm:name}`, `${secretsmanager:name}`, or `$${` for the characters `${` themselves"
                        .to_owned()
                }),
            }),
        }
    }

    fn variable(&self, name: &str) -> Result<String, Refusal> {
        self.environment
            .get(name)
            .map(str::to_owned)
            .ok_or_else(|| Refusal {
                what: format!("the environment variable `{name}` is not set"),
                hint: Some(match nearest(name, self.environment.names()) {
                    Some(near) => format!("set it, or did you mean `{near}`?"),
                    None => format!("set `{name}` where this program is started"),
                }),
            })
    }

    fn stored(&self, inner: &str) -> Result<String, Refusal> {
        let (reason, hint) = match self.answers.get(inner) {
            Some(Ok(text)) => return Ok(text.clone()),
            Some(Err(Unavailable { reason, hint })) => (reason.as_str(), hint.clone()),
            None => ("no store of secrets was asked", None),
        };
        let shown = shown(&format!("${{{inner}}}"));
        Err(Refusal {
            what: format!("`{shown}` is not to be had: {reason}"),
            hint,
        })
    }

    fn file(&mut self, path: &str) -> Result<String, Refusal> {
        let path = self.base_dir.join(path);
        self.files
            .entry(path.clone())
            .or_insert_with(|| read_text(&path)?.ok_or_else(|| "does not exist".to_owned()))
            .clone()
            .map_err(|reason| Refusal {
                what: format!("the file `{}` {reason}", path.display()),
                hint: Some(
                    "the path is taken from the folder of the configuration file".to_owned(),
                ),
            })
    }
}

/// What a file holds, without one line break at its end: editors and `echo` leave one that belongs to no secret. None
/// where there is no such file; the error says what is wrong with the one there is.
pub fn read_text(path: &Path) -> Result<Option<String>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| {
        file.take(REFERENCED_FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
    });
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    }
    if bytes.len() as u64 > REFERENCED_FILE_BYTES_MAX {
        return Err(format!("is larger than {REFERENCED_FILE_BYTES_MAX} bytes"));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(Some(text))
}

/// Cuts a text at its references; `$${` becomes a literal `${`.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if at > 0 && rest.as_bytes()[at - 1] == b'$' {
            pieces.push(Piece::Literal(&rest[..at - 1]));
            pieces.push(Piece::Literal(&rest[at..at + 2]));
            rest = &rest[at + 2..];
            continue;
        }
        pieces.push(Piece::Literal(&rest[..at]));
        let Some(length) = rest[at..].find('}') else {
            pieces.push(Piece::Unclosed(&rest[at..]));
            return pieces;
        };
        pieces.push(Piece::Reference(&rest[at + 2..at + length]));
        rest = &rest[at + length + 1..];
    }
    pieces.push(Piece::Literal(rest));
    pieces
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn shown(reference: &str) -> String {
    let short: String = reference
        .chars()
        .take(SHOWN_REFERENCE_CHARS_MAX)
        .collect::<String>()
        .escape_debug()
        .to_string();
    if reference.chars().count() > SHOWN_REFERENCE_CHARS_MAX {
        short + "…"
    } else {
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_references() {
        use Piece::{Literal, Reference, Unclosed};
        for (text, expected) in [
            ("a$b", vec![Literal("a$b")]),
            (
                "${env:A}",
                vec![Literal(""), Reference("env:A"), Literal("")],
            ),
            (
                "x${a}y${b}z",
                vec![
                    Literal("x"),
                    Reference("a"),
                    Literal("y"),
                    Reference("b"),
                    Literal("z"),
                ],
            ),
            (
                "$${env:A}",
                vec![Literal(""), Literal("${"), Literal("env:A}")],
            ),
            ("$$${a}", vec![Literal("$"), Literal("${"), Literal("a}")]),
            ("ü${a", vec![Literal("ü"), Unclosed("${a")]),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
        }
    }
}
