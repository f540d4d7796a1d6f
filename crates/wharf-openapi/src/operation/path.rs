//! Path templates: which pieces stand as they are and which are parameters.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::Spot;
use super::parameters::ParameterRead;
use crate::plan::{Location, PathPiece, Serialization, Style};

/// What cannot stand in a request target (RFC 3986 §3.3). `%` stands for itself, since templates may be encoded
/// already, and `?` too, since some documents write a fixed query into the path.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece<'d> {
    /// As the document writes it.
    Literal(&'d str),
    /// The parameter at this place.
    Parameter(usize),
}

impl Piece<'_> {
    /// The piece as it is sent.
    pub(super) fn plan(self) -> PathPiece {
        match self {
            Self::Literal(text) => {
                PathPiece::Literal(utf8_percent_encode(text, ENCODED).to_string())
            }
            Self::Parameter(place) => PathPiece::Parameter(place),
        }
    }
}

/// The template in pieces, and the parameters that a call takes: those of the template that nobody declared are added,
/// and declared ones that the template has no place for are dropped.
pub(super) fn join<'d>(
    template: &'d str,
    parameters: Vec<ParameterRead<'d>>,
) -> (Vec<Piece<'d>>, Vec<ParameterRead<'d>>) {
    let mut parameters = parameters;
    let mut pieces = Vec::new();
    let mut used = vec![false; parameters.len()];
    // A fragment never goes on the wire; documents use it to tell apart operations on one path.
    let mut rest = template.split('#').next().unwrap_or_default();
    if !rest.starts_with('/') {
        pieces.push(Piece::Literal("/"));
    }
    while let Some((literal, name, behind)) = next_variable(rest) {
        push_literal(&mut pieces, literal);
        let place = declared(&parameters, name).unwrap_or_else(|| {
            parameters.push(undeclared(name));
            used.push(true);
            parameters.len() - 1
        });
        used[place] = true;
        if name.ends_with('+') {
            allow_slashes(&mut parameters[place]);
        }
        pieces.push(Piece::Parameter(place));
        rest = behind;
    }
    push_literal(&mut pieces, rest);
    keep_used(pieces, parameters, &used)
}

/// What stands in front of the next variable, its name, and what stands behind it.
fn next_variable(rest: &str) -> Option<(&str, &str, &str)> {
    let open = rest.find('{')?;
    let close = open + rest[open..].find('}')?;
    Some((&rest[..open], &rest[open + 1..close], &rest[close + 1..]))
}

fn push_literal<'d>(pieces: &mut Vec<Piece<'d>>, literal: &'d str) {
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
}

/// The path parameter of that name. `{proxy+}` and `{id:[0-9]+}` are other tools' ways to write `{proxy}` and `{id}`.
fn declared(parameters: &[ParameterRead<'_>], name: &str) -> Option<usize> {
    let by_name = |name: &str| {
        parameters
            .iter()
            .position(|parameter| parameter.location == Location::Path && parameter.name == name)
    };
    by_name(name).or_else(|| by_name(plain(name)))
}

fn plain(name: &str) -> &str {
    name.split(':').next().unwrap_or(name).trim_end_matches('+')
}

fn undeclared(name: &str) -> ParameterRead<'_> {
    ParameterRead {
        name: Cow::Borrowed(plain(name)),
        location: Location::Path,
        required: true,
        description: None,
        deprecated: false,
        schema: None,
        serialization: Serialization::Style {
            style: Style::Simple,
            explode: false,
            allow_reserved: false,
        },
        spot: Spot::Nowhere,
    }
}

/// `{proxy+}` stands for several segments (AWS API Gateway).
fn allow_slashes(parameter: &mut ParameterRead<'_>) {
    if let Serialization::Style { allow_reserved, .. } = &mut parameter.serialization {
        *allow_reserved = true;
    }
}

fn keep_used<'d>(
    mut pieces: Vec<Piece<'d>>,
    parameters: Vec<ParameterRead<'d>>,
    used: &[bool],
) -> (Vec<Piece<'d>>, Vec<ParameterRead<'d>>) {
    let mut new_places = Vec::with_capacity(parameters.len());
    let mut kept = Vec::with_capacity(parameters.len());
    for (parameter, used) in parameters.into_iter().zip(used) {
        new_places.push(kept.len());
        if *used || parameter.location != Location::Path {
            kept.push(parameter);
        }
    }
    for piece in &mut pieces {
        if let Piece::Parameter(place) = piece {
            *place = new_places[*place];
        }
    }
    (pieces, kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> PathPiece {
        PathPiece::Literal(text.to_owned())
    }

    #[test]
    fn templates_come_apart() {
        let parameter = |name| undeclared(name);
        for (template, declared, pieces, names) in [
            ("/pets", &[][..], vec![literal("/pets")], &[][..]),
            (
                "/pets/{id}/toys",
                &["other", "id"],
                vec![literal("/pets/"), PathPiece::Parameter(0), literal("/toys")],
                &["id"],
            ),
            (
                "/{a}{b}",
                &["b"],
                vec![
                    literal("/"),
                    PathPiece::Parameter(1),
                    PathPiece::Parameter(0),
                ],
                &["b", "a"],
            ),
            (
                "/{proxy+}",
                &["proxy"],
                vec![literal("/"), PathPiece::Parameter(0)],
                &["proxy"],
            ),
            (
                "/{id:[0-9]+}",
                &["id"],
                vec![literal("/"), PathPiece::Parameter(0)],
                &["id"],
            ),
            (
                "/a b/ü/%20?x=1#part",
                &[],
                vec![literal("/a%20b/%C3%BC/%20?x=1")],
                &[],
            ),
            ("pets", &[], vec![literal("/"), literal("pets")], &[]),
            ("/a{b", &[], vec![literal("/a%7Bb")], &[]),
        ] {
            let declared = declared.iter().map(|name| parameter(name)).collect();
            let (found, parameters) = join(template, declared);
            let found: Vec<_> = found.into_iter().map(Piece::plan).collect();
            assert_eq!(found, pieces, "{template}");
            let found: Vec<_> = parameters
                .iter()
                .map(|parameter| &*parameter.name)
                .collect();
            assert_eq!(found, names, "{template}");
        }
    }
}
