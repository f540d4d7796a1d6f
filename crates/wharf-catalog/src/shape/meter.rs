//! What a filter's work costs, and the functions that have to know.
//!
//! Two filters that pass everything on are put into each program: [`TICK`] counts the values that come by, [`WEIGH`]
//! also what is in them, since a value that was built from another twice is twice as large to whoever walks it. When
//! the budget is spent they halt the program, which no `try` in it can catch.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use jaq_core::box_iter::box_once;
use jaq_core::data::HasLut;
use jaq_core::load::parse::Def;
use jaq_core::native::{Fun, bome, v};
use jaq_core::{DataT, Error, Exn, Lut, Native, RunPtr, ValR, ValT as _};
use jaq_json::Val;
use regex::{Regex, RegexBuilder};

/// Counts values.
pub(super) const TICK: &str = "wharf_tick";
/// Counts values and what is in them.
pub(super) const WEIGH: &str = "wharf_weigh";
/// Multiplies anything but texts.
pub(super) const TIMES: &str = "wharf_times";

/// How much a filter may do with any data: some tenths of a second.
const FUEL_MIN: u64 = 2_000_000;
/// How often it may go over large data.
const FUEL_PER_BYTE: u64 = 4;
/// The clock is looked at whenever this much is spent.
const CLOCK_EVERY: u64 = 1 << 14;
/// Bytes of text that cost as much as one value.
const TEXT_BYTES: usize = 16;
/// A regular expression may become this large.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// The budget for data of that size.
pub(super) fn fuel_for(bytes: usize) -> u64 {
    FUEL_MIN + FUEL_PER_BYTE * bytes as u64
}

/// Programs over JSON whose work is counted.
pub(super) struct Metered;

/// What is left for one run.
#[derive(Clone, Copy)]
pub(super) struct Budget<'a> {
    pub(super) lut: &'a Lut<Metered>,
    pub(super) fuel: &'a Cell<u64>,
    pub(super) deadline: Instant,
    /// The last pattern with its flags: a filter tests many texts with one.
    pub(super) pattern: &'a RefCell<Option<(String, String, Regex)>>,
}

impl DataT for Metered {
    type V<'a> = Val;
    type Data<'a> = Budget<'a>;
}

impl<'a> HasLut<'a, Metered> for Budget<'a> {
    fn lut(&self) -> &'a Lut<Metered> {
        self.lut
    }
}

impl Budget<'_> {
    /// Pays, or says that nothing is left.
    fn pay(&self, cost: u64) -> Result<(), Exn<'static, Val>> {
        let before = self.fuel.get();
        let left = before.saturating_sub(cost);
        self.fuel.set(left);
        let looks = before / CLOCK_EVERY != left / CLOCK_EVERY;
        if left == 0 || (looks && Instant::now() > self.deadline) {
            self.fuel.set(0);
            return Err(Exn::halt(1));
        }
        Ok(())
    }

    /// Pays for a value with all that is in it.
    fn pay_whole(&self, value: &Val) -> Result<(), Exn<'static, Val>> {
        match value {
            Val::Arr(items) => {
                self.pay(1 + items.len() as u64)?;
                items.iter().try_for_each(|item| self.pay_whole(item))
            }
            Val::Obj(members) => {
                self.pay(1 + members.len() as u64)?;
                members.iter().try_for_each(|(key, value)| {
                    self.pay_whole(key)?;
                    self.pay_whole(value)
                })
            }
            Val::TStr(text) | Val::BStr(text) => self.pay(1 + (text.len() / TEXT_BYTES) as u64),
            Val::Null | Val::Bool(_) | Val::Num(_) => self.pay(1),
        }
    }
}

/// The language's own definitions that need nothing from outside.
pub(super) fn definitions() -> impl Iterator<Item = Def<&'static str>> {
    // These would need functions that are not here; those among them that are wanted are below.
    const LEFT_OUT: &[&str] = &[
        "@base64",
        "@base64d",
        "@html",
        "@htmld",
        "@json",
        "@sh",
        "@uri",
        "@urid",
        "add",
        "capture",
        "capture_of_match",
        "combinations",
        "contains",
        "debug",
        "drem",
        "env",
        "gamma",
        "gsub",
        "halt",
        "halt_error",
        "input_line_number",
        "inputs",
        "join",
        "logb",
        "match",
        "nexttoward",
        "pow10",
        "scalb",
        "scan",
        "scan_",
        "significand",
        "splits",
        "stderr",
        "sub",
        "test",
        "toboolean",
        "todate",
        "fromdate",
        "tonumber",
        "totype",
        "transpose",
    ];
    jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs())
        .filter(|definition| {
            let splits_by_regex = definition.name == "split" && definition.args.len() > 1;
            let is_json = definition.name == "@json";
            is_json || (!LEFT_OUT.contains(&definition.name) && !splits_by_regex)
        })
}

/// The language's own functions, and ours.
pub(super) fn functions() -> impl Iterator<Item = Fun<Metered>> {
    const REPLACED: &[&str] = &["contains", "env", "halt", "fromjson"];
    jaq_core::funs()
        .chain(jaq_std::base_funs())
        .chain(jaq_json::funs())
        .filter(|(name, ..)| !REPLACED.contains(name))
        .chain(ours())
}

fn ours() -> Vec<Fun<Metered>> {
    let passes = |run: RunPtr<Metered>| {
        Native::<Metered>::new(run)
            .with_paths(|cv| box_once(Ok(cv.1)))
            .with_update(|cv, f| f(cv.1))
    };
    vec![
        (
            TICK,
            v(0),
            passes(|cv| box_once(cv.0.data().pay(1).map(|()| cv.1))),
        ),
        (
            WEIGH,
            v(0),
            passes(|cv| box_once(cv.0.data().pay_whole(&cv.1).map(|()| cv.1))),
        ),
        (
            TIMES,
            v(2),
            Native::new(|mut cv| {
                let right = cv.0.pop_var();
                let left = cv.0.pop_var();
                bome(times(left, right))
            }),
        ),
        ("add", v(0), Native::new(|cv| bome(sum(cv.1)))),
        (
            "join",
            v(1),
            Native::new(|mut cv| {
                let between = cv.0.pop_var();
                bome(join(&cv.1, &between))
            }),
        ),
        (
            "contains",
            v(1),
            Native::new(|mut cv| {
                let part = cv.0.pop_var();
                box_once(contains(cv.0.data(), &cv.1, &part).map(Val::from))
            }),
        ),
        ("tonumber", v(0), Native::new(|cv| bome(number(cv.1)))),
        (
            "test",
            v(1),
            Native::new(|mut cv| {
                let pattern = cv.0.pop_var();
                bome(test(cv.0.data(), &cv.1, &pattern, &Val::Null))
            }),
        ),
        (
            "test",
            v(2),
            Native::new(|mut cv| {
                let flags = cv.0.pop_var();
                let pattern = cv.0.pop_var();
                bome(test(cv.0.data(), &cv.1, &pattern, &flags))
            }),
        ),
    ]
}

fn times(left: Val, right: Val) -> ValR<Val> {
    let is_text = |value: &Val| matches!(value, Val::TStr(_) | Val::BStr(_));
    if is_text(&left) || is_text(&right) {
        return Err(Error::str("texts cannot be multiplied here"));
    }
    left * right
}

/// All items together; texts in one go, since one after the other would copy the first ones again and again.
fn sum(values: Val) -> ValR<Val> {
    let values: Vec<Val> = values.values().collect::<Result<_, _>>()?;
    if !values.is_empty() && values.iter().all(|value| matches!(value, Val::TStr(_))) {
        let mut all = Vec::new();
        for value in &values {
            all.extend_from_slice(text(value)?);
        }
        return Ok(Val::utf8_str(all));
    }
    values
        .into_iter()
        .try_fold(Val::Null, |sum, value| sum + value)
}

fn join(values: &Val, between: &Val) -> ValR<Val> {
    let between = text(between)?;
    let mut all = Vec::new();
    for (place, value) in values.clone().values().enumerate() {
        if place > 0 {
            all.extend_from_slice(between);
        }
        match value? {
            Val::Null => {}
            value => all.extend_from_slice(text(&value.into_string())?),
        }
    }
    Ok(Val::utf8_str(all))
}

/// Whether `part` is in `whole`: a text in a text, each item in some item, each member in that member.
fn contains(budget: &Budget<'_>, whole: &Val, part: &Val) -> Result<bool, Exn<'static, Val>> {
    budget.pay(1)?;
    match (whole, part) {
        (Val::TStr(whole), Val::TStr(part)) => {
            budget.pay((whole.len() / TEXT_BYTES) as u64)?;
            Ok(memchr::memmem::find(whole, part).is_some())
        }
        (Val::Arr(whole), Val::Arr(parts)) => {
            for part in parts.iter() {
                let mut is_in = false;
                for item in whole.iter() {
                    if contains(budget, item, part)? {
                        is_in = true;
                        break;
                    }
                }
                if !is_in {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Val::Obj(whole), Val::Obj(parts)) => {
            for (key, part) in parts.iter() {
                let Some(value) = whole.get(key) else {
                    return Ok(false);
                };
                if !contains(budget, value, part)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (whole, part) => Ok(whole == part),
    }
}

/// A number from its text. The language's own reads any JSON first, as deep as it is.
fn number(value: Val) -> ValR<Val> {
    match &value {
        Val::Num(_) => Ok(value),
        Val::TStr(written) => std::str::from_utf8(written)
            .ok()
            .map(str::trim)
            .filter(|written| written.parse::<f64>().is_ok_and(f64::is_finite))
            .map_or_else(|| Err(Error::str("the text is no number")), Val::from_num),
        _ => Err(Error::str("only texts and numbers can become numbers")),
    }
}

fn test(budget: &Budget<'_>, value: &Val, pattern: &Val, flags: &Val) -> ValR<Val> {
    let flags = match flags {
        Val::Null => "",
        flags => utf8(flags)?,
    };
    let (value, pattern) = (utf8(value)?, utf8(pattern)?);
    let mut last = budget.pattern.borrow_mut();
    let known = last
        .take()
        .filter(|(old, with, _)| old == pattern && with == flags);
    let (.., regex) = match known {
        Some(known) => last.insert(known),
        None => last.insert((pattern.to_owned(), flags.to_owned(), regex(pattern, flags)?)),
    };
    Ok(Val::from(regex.is_match(value)))
}

fn regex(pattern: &str, flags: &str) -> Result<Regex, Error<Val>> {
    if let Some(flag) = flags.chars().find(|flag| !"gimsx".contains(*flag)) {
        return Err(Error::str(format_args!("there is no flag `{flag}`")));
    }
    RegexBuilder::new(pattern)
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .ignore_whitespace(flags.contains('x'))
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|error| Error::str(format_args!("the pattern does not do: {error}")))
}

fn utf8(value: &Val) -> Result<&str, Error<Val>> {
    std::str::from_utf8(text(value)?).map_err(|_| Error::str("the text is no UTF-8"))
}

fn text(value: &Val) -> Result<&[u8], Error<Val>> {
    match value {
        Val::TStr(text) => Ok(text),
        _ => Err(Error::str("only a text can stand here")),
    }
}
