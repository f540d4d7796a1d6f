//! `name=value` pairs: queries, cookies and form bodies, in the styles form, spaceDelimited, pipeDelimited and
//! deepObject.
//!
//! OpenAPI defines deepObject for flat objects only. Beyond them this writes what Stripe, Rails, PHP and `qs` read
//! alike: members in brackets at any depth (`a[b][c]=1`), items of a list of plain values with empty brackets
//! (`a[b][]=1`), and items of any other list with their place (`a[0][b]=1`), without which nobody could tell where one
//! item ends and the next begins. A list that itself has the style deepObject is written the same way.

use wharf_model::{JsonKind, Slice};

use super::complaint::Complaint;
use super::percent::{self, Keep};
use super::value::{self, Shape};
use crate::plan::{Parameter, Serialization, Style};
use crate::response::MediaType;

/// How deep deepObject goes.
const DEPTH_MAX: usize = 32;

/// Pairs on their way into a text.
pub(super) struct Pairs<'o> {
    out: &'o mut String,
    /// What to write before the next pair.
    next: &'static str,
    between: &'static str,
    bytes_max: usize,
}

/// A limit that writing ran into.
#[derive(Debug)]
pub(super) enum Excess {
    Bytes(usize),
    Depth,
}

impl Excess {
    pub(super) fn complaint(self, argument: &str) -> Complaint {
        let argument = argument.to_owned();
        match self {
            Self::Bytes(bytes_max) => Complaint::TooLong {
                argument,
                bytes_max,
            },
            Self::Depth => Complaint::TooDeep {
                argument,
                levels_max: DEPTH_MAX,
            },
        }
    }
}

impl<'o> Pairs<'o> {
    /// Pairs behind what `out` holds: `opens_with` before the first, `between` before every other one. `out` may grow
    /// to `bytes_max`: keys are repeated for every item, so a small argument can make a huge text.
    pub(super) fn new(
        out: &'o mut String,
        opens_with: &'static str,
        between: &'static str,
        bytes_max: usize,
    ) -> Self {
        Self {
            out,
            next: opens_with,
            between,
            bytes_max,
        }
    }

    /// One pair.
    pub(super) fn push(&mut self, name: &str, text: &str, keep: Keep) -> Result<(), Excess> {
        self.open(name);
        percent::push(self.out, text, keep);
        self.check()
    }

    fn push_joined<'t>(
        &mut self,
        name: &str,
        texts: impl Iterator<Item = &'t str>,
        separator: &str,
        keep: Keep,
    ) -> Result<(), Excess> {
        self.open(name);
        for (place, text) in texts.enumerate() {
            if place > 0 {
                self.out.push_str(separator);
            }
            percent::push(self.out, text, keep);
        }
        self.check()
    }

    fn open(&mut self, name: &str) {
        self.out.push_str(self.next);
        self.next = self.between;
        percent::push(self.out, name, Keep::Unreserved);
        self.out.push('=');
    }

    fn check(&self) -> Result<(), Excess> {
        if self.out.len() > self.bytes_max {
            return Err(Excess::Bytes(self.bytes_max));
        }
        Ok(())
    }
}

/// A query or cookie parameter.
pub(super) fn write_parameter(
    pairs: &mut Pairs<'_>,
    parameter: &Parameter,
    value: Slice<'_>,
) -> Result<(), Excess> {
    match &parameter.serialization {
        Serialization::Content(media_type) => pairs.push(
            &parameter.name,
            &value::text_as(media_type, value),
            Keep::Unreserved,
        ),
        Serialization::Style {
            style,
            explode,
            allow_reserved,
        } => {
            let keep = keep(*allow_reserved);
            write_styled(pairs, &parameter.name, value, (*style, *explode), keep)
        }
    }
}

/// A value that is a query of its own (OpenAPI 3.2 `in: querystring`): an object as a form where the media type is one,
/// anything else as one text.
pub(super) fn write_querystring(
    out: &mut String,
    opens_with: &'static str,
    parameter: &Parameter,
    value: Slice<'_>,
) -> Result<(), Excess> {
    let media_type = match &parameter.serialization {
        Serialization::Content(media_type) => media_type.as_str(),
        Serialization::Style { .. } => "",
    };
    let essence = MediaType::parse(media_type);
    let is_form = essence.essence() == "application/x-www-form-urlencoded";
    if is_form && value.kind() == JsonKind::Object {
        let mut pairs = Pairs::new(out, opens_with, "&", usize::MAX);
        let style = (Style::Form, true);
        return value.each_member().try_for_each(|(name, value)| {
            write_styled(&mut pairs, &name, value, style, Keep::Unreserved)
        });
    }
    out.push_str(opens_with);
    // What is no object is a query that is written already.
    let keep = if is_form {
        Keep::ReservedInQuery
    } else {
        Keep::Unreserved
    };
    percent::push(out, &value::text_as(media_type, value), keep);
    Ok(())
}

/// What stays as it is in a query or a form.
pub(super) fn keep(allow_reserved: bool) -> Keep {
    if allow_reserved {
        Keep::ReservedInQuery
    } else {
        Keep::Unreserved
    }
}

/// A value by style and explode.
pub(super) fn write_styled(
    pairs: &mut Pairs<'_>,
    name: &str,
    value: Slice<'_>,
    (style, explode): (Style, bool),
    keep: Keep,
) -> Result<(), Excess> {
    if style == Style::DeepObject {
        return write_deep(pairs, name, value, keep);
    }
    let separator = style.encoded_separator();
    match Shape::of(value) {
        Shape::Absent => Ok(()),
        Shape::Primitive(text) => pairs.push(name, &text, keep),
        Shape::List(items) if explode => items
            .iter()
            .try_for_each(|item| pairs.push(name, item, keep)),
        Shape::List(items) => {
            pairs.push_joined(name, items.iter().map(AsRef::as_ref), separator, keep)
        }
        Shape::Pairs(members) if explode => members
            .iter()
            .try_for_each(|(member, text)| pairs.push(member, text, keep)),
        Shape::Pairs(members) => {
            let texts = members
                .iter()
                .flat_map(|(member, text)| [member.as_ref(), text.as_ref()]);
            pairs.push_joined(name, texts, separator, keep)
        }
    }
}

fn write_deep(
    pairs: &mut Pairs<'_>,
    name: &str,
    value: Slice<'_>,
    keep: Keep,
) -> Result<(), Excess> {
    let mut key = name.to_owned();
    write_below(pairs, &mut key, value, keep, 0)
}

/// Writes the value whose key is `key`, not encoded yet; leaves `key` as it was.
fn write_below(
    pairs: &mut Pairs<'_>,
    key: &mut String,
    value: Slice<'_>,
    keep: Keep,
    depth: usize,
) -> Result<(), Excess> {
    if depth > DEPTH_MAX {
        return Err(Excess::Depth);
    }
    let length = key.len();
    match value.kind() {
        JsonKind::Null => {}
        JsonKind::Object => {
            for (member, value) in value.each_member() {
                key.push('[');
                key.push_str(&member);
                key.push(']');
                write_below(pairs, key, value, keep, depth + 1)?;
                key.truncate(length);
            }
        }
        JsonKind::Array => {
            let are_plain = !value::present(value)
                .any(|item| matches!(item.kind(), JsonKind::Array | JsonKind::Object));
            for (place, item) in value::present(value).enumerate() {
                key.push('[');
                if !are_plain {
                    key.push_str(&place.to_string());
                }
                key.push(']');
                write_below(pairs, key, item, keep, depth + 1)?;
                key.truncate(length);
            }
        }
        JsonKind::Boolean | JsonKind::Number | JsonKind::String => {
            pairs.push(key, &value::text(value), keep)?;
        }
    }
    Ok(())
}
