//! `jq` filters that always end: compiled once, run within a budget.
//!
//! A model may write the filter, and an upstream the data, so neither is trusted. The language is jq without what can
//! go on for ever or reaches outside: no own functions, no `reduce` and `foreach`, no recursion but over the data, no
//! environment, no clock, no files. What is left always ends, and [`super::meter`] bounds how much it may do before.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use jaq_core::load::lex::Lexer;
use jaq_core::load::parse::{Def, Parser, Term};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars};
use jaq_json::{Val, read};
use wharf_model::Json;

use super::guard::guard;
use super::meter::{self, Budget, Metered};

/// A longer filter is a program.
const FILTER_BYTES_MAX: usize = 1000;
/// Deeper JSON than this is not looked into: what reads it calls itself for each level.
const DEPTH_MAX: usize = 200;
/// How long a filter may run.
const TIME_MAX: Duration = Duration::from_secs(1);
/// How much may come out of a filter; a cap on results may cut it further.
const OUTPUT_BYTES_MAX: usize = 16 << 20;
/// The definition that holds the filter among those of the language.
const MAIN: &str = "wharf_main";

/// A filter, ready to run. What it is made of cannot move between threads, so it is compiled where it runs; a text
/// that has become a `Filter` has been compiled before, and compiles again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter(ByteString);

/// Why a filter did not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FilterError {
    #[error("the filter is longer than {FILTER_BYTES_MAX} bytes")]
    TooLong,
    #[error("the filter is no jq: {0}")]
    Syntax(String),
    #[error("{0}")]
    Refused(String),
    #[error("the data is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    #[error("{0}")]
    Failed(String),
    #[error("it takes too long or makes too much of the data; select earlier or less")]
    Exhausted,
}

type Program = jaq_core::Filter<Metered>;

impl Filter {
    pub(crate) fn new(text: &str) -> Result<Self, FilterError> {
        compile(text)?;
        Ok(Self(text.to_owned().into()))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The one value that the filter makes of `data`, or an array of the values when it makes none or several.
    pub(crate) fn run(&self, data: &str) -> Result<Json, FilterError> {
        let program = compile(&self.0)?;
        if depth(data) > DEPTH_MAX {
            return Err(FilterError::TooDeep);
        }
        let input = read::parse_single(data.as_bytes())
            .map_err(|error| FilterError::Failed(error.to_string()))?;
        let pattern = RefCell::new(None);
        let fuel = Cell::new(meter::fuel_for(data.len()));
        let budget = Budget {
            lut: &program.lut,
            fuel: &fuel,
            deadline: Instant::now() + TIME_MAX,
            pattern: &pattern,
        };
        let context = Ctx::<Metered>::new(budget, Vars::new([]));
        let mut out = Output::default();
        let mut count = 0;
        for value in program.id.run((context, input)) {
            let value = value.map_err(failure)?;
            if count > 0 {
                out.push(",")?;
            }
            count += 1;
            write!(out, "{value}").map_err(|_| FilterError::Exhausted)?;
        }
        let text = if count == 1 {
            out.0
        } else {
            format!("[{}]", out.0)
        };
        // What is no JSON (`nan`) is shown as text by the language; it must not reach a client as structured content.
        Json::parse(text.into()).map_err(|_| {
            FilterError::Failed("the result holds a value that JSON does not have".to_owned())
        })
    }
}

fn failure(exception: jaq_core::Exn<'_, Val>) -> FilterError {
    match exception.get_err() {
        Ok(error) => {
            let text = error.to_string();
            FilterError::Failed(super::shown(&text).to_owned())
        }
        // Only the meter halts.
        Err(_) => FilterError::Exhausted,
    }
}

fn compile<'s>(text: &'s str) -> Result<Program, FilterError> {
    if text.len() > FILTER_BYTES_MAX {
        return Err(FilterError::TooLong);
    }
    let term = parse(text)?;
    let main = Def {
        name: MAIN,
        args: Vec::new(),
        body: guard(term).map_err(FilterError::Refused)?,
    };
    // Definitions that live for ever live as long as the filter does.
    let shorter = |definition: Def<&'static str>| -> Def<&'s str> { definition };
    let loader = Loader::new(meter::definitions().map(shorter).chain([main]));
    let arena = Arena::default();
    let file = File {
        code: MAIN,
        path: (),
    };
    let modules = loader
        .load(&arena, file)
        .map_err(|_| FilterError::Syntax("it cannot be read".to_owned()))?;
    Compiler::default()
        .with_funs(meter::functions())
        .compile(modules)
        .map_err(|errors| {
            let mut unknown = errors.iter().flat_map(|(_, errors)| errors);
            FilterError::Refused(unknown.next().map_or_else(
                || "it cannot be compiled".to_owned(),
                |(name, kind)| format!("there is no {} `{name}`", kind.as_str()),
            ))
        })
}

fn parse(text: &str) -> Result<Term<&str>, FilterError> {
    let tokens = Lexer::new(text).lex().map_err(|errors| {
        FilterError::Syntax(errors.first().map_or_else(String::new, |(expected, at)| {
            found(expected.as_str(), text, at)
        }))
    })?;
    Parser::new(&tokens).parse(Parser::term).map_err(|errors| {
        FilterError::Syntax(errors.first().map_or_else(String::new, |(expected, at)| {
            let at = at.map_or("", |token| token.0);
            found(expected.as_str(), text, at)
        }))
    })
}

/// What was expected where.
fn found(expected: &str, text: &str, at: &str) -> String {
    let expected = if expected.is_empty() {
        "the end"
    } else {
        expected
    };
    if at.is_empty() {
        return format!("expected {expected} at its end");
    }
    let start = (at.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    let near = text.get(start..).unwrap_or(at);
    format!("expected {expected} at `{}`", super::shown(near))
}

/// How deep brackets are nested in valid JSON.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Text up to a limit.
#[derive(Default)]
struct Output(String);

impl Output {
    fn push(&mut self, text: &str) -> Result<(), FilterError> {
        self.write_str(text).map_err(|_| FilterError::Exhausted)
    }
}

impl std::fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if self.0.len() + text.len() > OUTPUT_BYTES_MAX {
            return Err(std::fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PETS: &str = r#"{"items":[{"id":12345678901234567890,"name":"Rex","tags":["a","b"],"age":3.10},{"id":2,"name":"Ida","tags":[],"age":1}],"next":null}"#;

    #[test]
    fn filters_do_what_jq_does() {
        for (filter, expected) in [
            (".", PETS),
            (".items[].name", r#"["Rex","Ida"]"#),
            (".items[0].id", "12345678901234567890"),
            (
                ".items | map({name, age})",
                r#"[{"name":"Rex","age":3.10},{"name":"Ida","age":1}]"#,
            ),
            (".items | map(select(.age > 2)) | length", "1"),
            (
                r#".items[] | select(.name | test("^r"; "i")) | .name"#,
                r#""Rex""#,
            ),
            (".items | sort_by(.age) | .[0].name", r#""Ida""#),
            (
                ".items[] | select(.tags | contains([\"a\"])) | .id",
                "12345678901234567890",
            ),
            (".nothing[]?", "[]"),
            (".nothing // \"none\"", r#""none""#),
            ("del(.items)", r#"{"next":null}"#),
            (".items |= length", r#"{"items":2,"next":null}"#),
            (r#".items[0] | "\(.name) is \(.age)""#, r#""Rex is 3.10""#),
            (".items | map(.tags | join(\"-\"))", r#"["a-b",""]"#),
            (".items | map(.tags) | add", r#"["a","b"]"#),
            (".items | group_by(.age > 2) | map(length)", "[1,1]"),
            (". as {items: [$first]} | $first.name", r#""Rex""#),
            ("if .next then 1 else 2 end", "2"),
            ("[range(3)]", "[0,1,2]"),
            ("\"7\" | tonumber", "7"),
            (
                ".items[0] | to_entries | map(.key)",
                r#"["id","name","tags","age"]"#,
            ),
            ("[.. | strings]", r#"["Rex","a","b","Ida"]"#),
            ("2 * 3", "6"),
            ("[limit(1; .items[].name)]", r#"["Rex"]"#),
            ("try error(\"x\") catch .", r#""x""#),
        ] {
            let result = Filter::new(filter).and_then(|filter| filter.run(PETS));
            assert_eq!(result.as_ref().map(Json::as_str), Ok(expected), "{filter}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (filter, expected) in [
            (".items[", "the filter is no jq"),
            ("", "the filter is no jq: expected term at its end"),
            ("nosuch", "there is no `nosuch`"),
            ("$x", "there is no variable `$x`"),
            ("def f: f; f", "functions cannot be defined"),
            ("reduce .[] as $x (0; .)", "`reduce` and `foreach`"),
            ("env", "there is no `env`"),
            ("$ENV", "there is no variable `$ENV`"),
            ("input", "there is no `input`"),
            ("halt", "there is no `halt`"),
            ("repeat(.)", "there is no `repeat(…)`"),
            ("until(false; .)", "there is no `until(…)`"),
            ("recurse(.)", "there is no `recurse(…)`"),
            (".items.x", "cannot index"),
            ("error(\"no\")", "no"),
            ("\"x\" * 1000000000", "cannot be multiplied"),
            ("\"[\" | tonumber", "is no number"),
            ("nan", "there is no `nan`"),
            ("0 / 0", "JSON does not have"),
        ] {
            let error = Filter::new(filter)
                .and_then(|filter| filter.run(PETS))
                .unwrap_err();
            assert!(error.to_string().contains(expected), "{filter}: {error}");
        }
        let long = ".".repeat(FILTER_BYTES_MAX + 1);
        assert_eq!(Filter::new(&long), Err(FilterError::TooLong));
    }

    /// Each of these would take for ever, or all memory.
    #[test]
    fn what_is_too_much_ends() {
        let many = format!("[{}]", vec!["\"word\""; 20_000].join(","));
        let doubling = vec![". + ."; 100].join(" | ");
        let sharing = vec!["[., .]"; 100].join(" | ");
        for filter in [
            "[range(1000000000000)] | length",
            "[.[] as $a | .[] as $b | .[] as $c | $a] | length",
            "last(.[] | range(1000000000000))",
            "[.[] | try range(1000000000000) catch 1] | length",
            "first(range(1000000000000) | select(. < 0)) // 1",
            ". as $a | [.[] | . as $b | $a | contains([$b + \"x\"])]",
            doubling.as_str(),
            sharing.as_str(),
        ] {
            let started = Instant::now();
            let result = Filter::new(filter).and_then(|filter| filter.run(&many));
            assert_eq!(result, Err(FilterError::Exhausted), "{filter}");
            // Far above the limit, for slow machines; for ever is longer.
            assert!(started.elapsed() < 20 * TIME_MAX, "{filter}");
        }
    }

    #[test]
    fn deep_data_is_refused() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(
            Filter::new(".").and_then(|filter| filter.run(&deep)),
            Err(FilterError::TooDeep)
        );
        assert_eq!(depth(r#"{"a":["[[[","\"[[",{}]}"#), 3);
    }
}
