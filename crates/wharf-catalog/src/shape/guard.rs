//! What of jq a filter may use, and where its work is counted.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};

use super::meter::{TICK, TIMES, WEIGH};

/// The functions that a filter can call, with their numbers of arguments. Each does work in proportion to its input,
/// or is counted while it goes.
const FUNCTIONS: &[(&str, &[usize])] = &[
    ("abs", &[0]),
    ("add", &[0, 1]),
    ("all", &[0, 1, 2]),
    ("any", &[0, 1, 2]),
    ("arrays", &[0]),
    ("ascii_downcase", &[0]),
    ("ascii_upcase", &[0]),
    ("booleans", &[0]),
    ("ceil", &[0]),
    ("contains", &[1]),
    ("del", &[1]),
    ("empty", &[0]),
    ("endswith", &[1]),
    ("error", &[0, 1]),
    ("false", &[0]),
    ("first", &[0, 1]),
    ("flatten", &[0]),
    ("floor", &[0]),
    ("from_entries", &[0]),
    ("getpath", &[1]),
    ("group_by", &[1]),
    ("has", &[1]),
    ("index", &[1]),
    ("inside", &[1]),
    ("isempty", &[1]),
    ("iterables", &[0]),
    ("join", &[1]),
    ("keys", &[0]),
    ("keys_unsorted", &[0]),
    ("last", &[0, 1]),
    ("length", &[0]),
    ("limit", &[2]),
    ("ltrim", &[0]),
    ("ltrimstr", &[1]),
    ("map", &[1]),
    ("map_values", &[1]),
    ("max", &[0]),
    ("max_by", &[1]),
    ("min", &[0]),
    ("min_by", &[1]),
    ("not", &[0]),
    ("nth", &[1]),
    ("null", &[0]),
    ("nulls", &[0]),
    ("numbers", &[0]),
    ("objects", &[0]),
    ("paths", &[0, 1]),
    ("pick", &[1]),
    ("range", &[1, 2, 3]),
    ("recurse", &[0]),
    ("reverse", &[0]),
    ("round", &[0]),
    ("rtrim", &[0]),
    ("rtrimstr", &[1]),
    ("scalars", &[0]),
    ("select", &[1]),
    ("skip", &[2]),
    ("sort", &[0]),
    ("sort_by", &[1]),
    ("split", &[1]),
    ("startswith", &[1]),
    ("strings", &[0]),
    ("test", &[1, 2]),
    ("to_entries", &[0]),
    ("tojson", &[0]),
    ("tonumber", &[0]),
    ("tostring", &[0]),
    ("trim", &[0]),
    ("true", &[0]),
    ("type", &[0]),
    ("unique", &[0]),
    ("unique_by", &[1]),
    ("values", &[0]),
    ("walk", &[1]),
    ("with_entries", &[1]),
];

type Guarded<'s> = Result<Term<&'s str>, String>;

/// The term with its work counted, or why it cannot be used.
pub(super) fn guard(term: Term<&str>) -> Guarded<'_> {
    Ok(match term {
        Term::Id | Term::Num(_) | Term::Var(_) | Term::Break(_) => term,
        Term::Recurse => counted(Term::Recurse, TICK),
        Term::Str(format, parts) => counted(text(format, parts)?, WEIGH),
        Term::Arr(items) => counted(Term::Arr(items.map(boxed).transpose()?), WEIGH),
        Term::Obj(members) => {
            let members = members.into_iter().map(member);
            counted(Term::Obj(members.collect::<Result<_, String>>()?), WEIGH)
        }
        Term::Neg(term) => Term::Neg(boxed(term)?),
        Term::BinOp(left, operator, right) => binary(boxed(left)?, operator, boxed(right)?)?,
        Term::Label(name, term) => Term::Label(name, boxed(term)?),
        Term::TryCatch(term, catch) => Term::TryCatch(boxed(term)?, catch.map(boxed).transpose()?),
        Term::IfThenElse(cases, rest) => {
            let cases = cases
                .into_iter()
                .map(|(condition, then)| Ok((guard(condition)?, guard(then)?)));
            Term::IfThenElse(
                cases.collect::<Result<_, String>>()?,
                rest.map(boxed).transpose()?,
            )
        }
        Term::Path(term, path) => counted(Term::Path(boxed(term)?, self::path(path)?), TICK),
        Term::Call(name, arguments) => call(name, arguments)?,
        Term::Fold(..) => {
            return Err(
                "`reduce` and `foreach` are not available; use `map`, `add`, `group_by`".to_owned(),
            );
        }
        Term::Def(..) => return Err("functions cannot be defined here".to_owned()),
    })
}

#[expect(clippy::boxed_local, reason = "terms hold their parts in boxes")]
fn boxed(term: Box<Term<&str>>) -> Result<Box<Term<&str>>, String> {
    guard(*term).map(Box::new)
}

/// The term, and behind it what counts its outputs.
fn counted<'s>(term: Term<&'s str>, by: &'static str) -> Term<&'s str> {
    let count = Term::Call(by, Vec::new());
    Term::BinOp(Box::new(term), BinaryOp::Pipe(None), Box::new(count))
}

fn call<'s>(name: &'s str, arguments: Vec<Term<&'s str>>) -> Guarded<'s> {
    let known = FUNCTIONS
        .binary_search_by(|(known, _)| (*known).cmp(name))
        .is_ok_and(|at| FUNCTIONS[at].1.contains(&arguments.len()));
    if !known {
        let arguments = if arguments.is_empty() { "" } else { "(…)" };
        return Err(format!("there is no `{name}{arguments}` in filters here"));
    }
    let arguments = arguments.into_iter().map(guard);
    let call = Term::Call(name, arguments.collect::<Result<_, String>>()?);
    Ok(counted(call, WEIGH))
}

fn binary<'s>(
    left: Box<Term<&'s str>>,
    operator: BinaryOp<&'s str>,
    right: Box<Term<&'s str>>,
) -> Guarded<'s> {
    Ok(match operator {
        // A text times a number is that many texts: counting them afterwards would be too late.
        BinaryOp::Math(Math::Mul) => counted(Term::Call(TIMES, vec![*left, *right]), WEIGH),
        BinaryOp::UpdateMath(Math::Mul) => {
            return Err("`*=` is not available; use `|= . * …`".to_owned());
        }
        BinaryOp::Math(_)
        | BinaryOp::Assign
        | BinaryOp::Update
        | BinaryOp::UpdateMath(_)
        | BinaryOp::UpdateAlt => counted(Term::BinOp(left, operator, right), WEIGH),
        BinaryOp::Pipe(Some(bound)) => {
            Term::BinOp(left, BinaryOp::Pipe(Some(pattern(bound)?)), right)
        }
        BinaryOp::Pipe(None)
        | BinaryOp::Comma
        | BinaryOp::Alt
        | BinaryOp::Or
        | BinaryOp::And
        | BinaryOp::Cmp(_) => Term::BinOp(left, operator, right),
    })
}

fn pattern(bound: Pattern<&str>) -> Result<Pattern<&str>, String> {
    Ok(match bound {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(items) => {
            let items = items.into_iter().map(pattern);
            Pattern::Arr(items.collect::<Result<_, String>>()?)
        }
        Pattern::Obj(members) => {
            let members = members
                .into_iter()
                .map(|(key, bound)| Ok((key_of(key)?, pattern(bound)?)));
            Pattern::Obj(members.collect::<Result<_, String>>()?)
        }
    })
}

fn member<'s>(
    (key, value): (Term<&'s str>, Option<Term<&'s str>>),
) -> Result<(Term<&'s str>, Option<Term<&'s str>>), String> {
    Ok((key_of(key)?, value.map(guard).transpose()?))
}

/// A key; `{name}` and `{$name}` stay as they are, since they stand for their values as well.
fn key_of(key: Term<&str>) -> Guarded<'_> {
    match key {
        Term::Str(format, parts) => text(format, parts),
        Term::Var(name) => Ok(Term::Var(name)),
        key => guard(key),
    }
}

fn text<'s>(format: Option<&'s str>, parts: Vec<StrPart<&'s str, Term<&'s str>>>) -> Guarded<'s> {
    if let Some(format) = format.filter(|format| !matches!(*format, "@json" | "@text")) {
        return Err(format!("there is no `{format}` in filters here"));
    }
    let parts = parts.into_iter().map(|part| {
        Ok(match part {
            StrPart::Term(term) => StrPart::Term(guard(term)?),
            part => part,
        })
    });
    Ok(Term::Str(format, parts.collect::<Result<_, String>>()?))
}

fn path(path: Path<Term<&str>>) -> Result<Path<Term<&str>>, String> {
    let parts = path.0.into_iter().map(|(part, optional)| {
        let part = match part {
            Part::Index(index) => Part::Index(guard(index)?),
            Part::Range(from, to) => {
                Part::Range(from.map(guard).transpose()?, to.map(guard).transpose()?)
            }
        };
        Ok((part, optional))
    });
    Ok(Path(parts.collect::<Result<_, String>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_are_in_order() {
        assert!(FUNCTIONS.is_sorted());
    }
}
