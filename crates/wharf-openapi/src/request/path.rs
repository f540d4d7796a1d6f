//! The path: its literal pieces, and its parameters in the styles simple, label and matrix.
//!
//! A value stays inside of its place. Slashes are encoded, and a path in which a value makes a step `.` or `..` is
//! refused, however often it is encoded: somewhere on the way somebody would decode and follow it.

use wharf_model::Slice;

use super::complaint::Complaint;
use super::percent::{self, Keep};
use super::value::{self, Shape};
use crate::plan::{Parameter, PathPiece, Plan, Serialization, Style};

/// Writes the path behind what `out` holds.
pub(super) fn write(
    out: &mut String,
    plan: &Plan,
    values: &[Option<Slice<'_>>],
) -> Result<(), Complaint> {
    let start = out.len();
    let mut dotted = None;
    for piece in &plan.path {
        match piece {
            PathPiece::Literal(text) => out.push_str(text),
            PathPiece::Parameter(place) => {
                let parameter = &plan.parameters[*place];
                let value =
                    values[*place].ok_or_else(|| Complaint::Missing(parameter.argument.clone()))?;
                let value_start = out.len();
                write_value(out, parameter, value)?;
                if out[value_start..].contains(['.', '%']) {
                    dotted = Some(parameter);
                }
            }
        }
    }
    if let Some(parameter) = dotted
        && has_dot_segment(&out[start..])
    {
        return Err(Complaint::DotSegment(parameter.argument.clone()));
    }
    if !out[start..].starts_with('/') {
        out.insert(start, '/');
    }
    Ok(())
}

fn write_value(out: &mut String, parameter: &Parameter, value: Slice<'_>) -> Result<(), Complaint> {
    let start = out.len();
    let mut empty_is = start;
    if let Some(text) = value::content(&parameter.serialization, value) {
        percent::push(out, &text, Keep::Unreserved);
    } else if let Serialization::Style {
        style,
        explode,
        allow_reserved,
    } = &parameter.serialization
    {
        let keep = if *allow_reserved {
            Keep::ReservedInPath
        } else {
            Keep::Unreserved
        };
        let shape = Shape::of(value);
        match style {
            Style::Label => {
                out.push('.');
                empty_is = out.len();
                write_list(
                    out,
                    &shape,
                    if *explode { "." } else { "," },
                    *explode,
                    keep,
                );
            }
            Style::Matrix => write_matrix(out, &parameter.name, &shape, *explode, keep),
            _ => write_list(out, &shape, style.encoded_separator(), *explode, keep),
        }
    }
    if out.len() == empty_is {
        return Err(Complaint::Empty(parameter.argument.clone()));
    }
    Ok(())
}

/// All values with `separator` between them; exploded members as `name=value`, others as two values.
fn write_list(out: &mut String, shape: &Shape<'_>, separator: &str, explode: bool, keep: Keep) {
    match shape {
        Shape::Absent => {}
        Shape::Primitive(text) => percent::push(out, text, keep),
        Shape::List(items) => {
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push_str(separator);
                }
                percent::push(out, item, keep);
            }
        }
        Shape::Pairs(members) => {
            for (place, (name, text)) in members.iter().enumerate() {
                if place > 0 {
                    out.push_str(separator);
                }
                percent::push(out, name, Keep::Unreserved);
                out.push_str(if explode { "=" } else { separator });
                percent::push(out, text, keep);
            }
        }
    }
}

/// `;name=value`, once or for each item or member; RFC 6570 §3.2.7 writes no `=` before an empty value.
fn write_matrix(out: &mut String, name: &str, shape: &Shape<'_>, explode: bool, keep: Keep) {
    let mut pair = |name: &str, write: &dyn Fn(&mut String)| {
        out.push(';');
        percent::push(out, name, Keep::Unreserved);
        let before = out.len();
        out.push('=');
        write(out);
        if out.len() == before + 1 {
            out.truncate(before);
        }
    };
    match shape {
        Shape::Absent => {}
        Shape::List(items) if explode => {
            for item in items {
                pair(name, &|out| percent::push(out, item, keep));
            }
        }
        Shape::Pairs(members) if explode => {
            for (member, text) in members {
                pair(member, &|out| percent::push(out, text, keep));
            }
        }
        _ => pair(name, &|out| write_list(out, shape, ",", false, keep)),
    }
}

/// Whether any step of the path is, or can be decoded to, `.` or `..`; some servers drop what follows a `;` first.
fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| {
        percent::decode_fully(segment)
            .split(|byte| matches!(byte, b'/' | b'\\'))
            .filter_map(|step| step.split(|byte| *byte == b';').next())
            .any(|step| matches!(step, b"." | b".."))
    })
}
