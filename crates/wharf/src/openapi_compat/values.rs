//! One setting from its flag, its variables or its default, in this order.
//!
//! A variable that is set to nothing counts as set; a flag with nothing does not, just as the other server has it.

use wharf_config::Environment;

use super::arguments::Given;
use super::flags;
use crate::failure::Failure;

/// The flags and the variables.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) given: &'a Given,
    pub(super) environment: &'a Environment,
}

/// A value, and the flag or variable that says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said<'a> {
    pub(super) by: &'a str,
    pub(super) value: &'a str,
}

impl<'a> Values<'a> {
    /// A flag, or else its own variable.
    pub(super) fn flag(self, name: &'static str) -> Option<&'a str> {
        self.said(name, &[]).map(|said| said.value)
    }

    /// A flag, or else its own variable, or else these.
    pub(super) fn said(self, name: &'static str, variables: &[&'static str]) -> Option<Said<'a>> {
        let typed = self.given.value(name).map(|value| Said { by: name, value });
        typed
            .or_else(|| self.variable(&[flags::variable(name)]))
            .or_else(|| self.variable(variables))
    }

    /// The first of these variables that is set.
    pub(super) fn variable(self, names: &[&'static str]) -> Option<Said<'a>> {
        names.iter().find_map(|name| {
            let value = self.environment.get(name)?;
            Some(Said { by: name, value })
        })
    }

    /// A flag without a value, or else its variable by `is_true`.
    pub(super) fn switch(self, name: &'static str) -> bool {
        self.given.has(name)
            || self
                .variable(&[flags::variable(name)])
                .is_some_and(Said::is_true)
    }
}

impl Said<'_> {
    /// `true`, `1`, `yes` or `on`, in capitals or not.
    pub(super) fn is_true(self) -> bool {
        let value = self.value.trim();
        ["true", "1", "yes", "on"]
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word))
    }

    /// `false`, `0`, `no` or `off`, in capitals or not.
    pub(super) fn is_false(self) -> bool {
        let value = self.value.trim();
        ["false", "0", "no", "off"]
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word))
    }

    /// A number, where there must be one.
    pub(super) fn number<T: std::str::FromStr>(self, what: &str) -> Result<T, Failure> {
        self.value.trim().parse().map_err(|_| {
            Failure::new(format!(
                "`{}` is `{}`, which is no {what}",
                self.by, self.value
            ))
            .hint("give a plain number, or unset it for the default")
        })
    }

    /// The parts between commas, trimmed, without those that are empty.
    pub(super) fn list(self) -> Vec<String> {
        split(self.value, |character| character == ',')
    }

    /// The parts between commas or spaces.
    pub(super) fn words(self) -> Vec<String> {
        split(self.value, |character| {
            character == ',' || character.is_whitespace()
        })
    }
}

fn split(text: &str, separates: impl Fn(char) -> bool) -> Vec<String> {
    text.split(separates)
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi_compat::{Typed, read};

    #[test]
    fn a_flag_goes_before_a_variable_and_an_empty_variable_counts() {
        for (line, variable, expected) in [
            ("--api-name=a", Some("b"), Some("a")),
            ("--api-name=", Some("b"), Some("b")),
            ("", Some("b"), Some("b")),
            ("", Some(""), Some("")),
            ("--api-name=", Some(""), Some("")),
            ("--api-name=", None, None),
            ("", None, None),
        ] {
            let arguments: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            let Ok(Typed::Serve(given)) = read(&arguments) else {
                panic!("{line}");
            };
            let environment = Environment::of(variable.map(|value| ("API_NAME", value)));
            let values = Values {
                given: &given,
                environment: &environment,
            };
            assert_eq!(values.flag("--api-name"), expected, "{line} {variable:?}");
        }
    }

    #[test]
    fn truth_has_several_words() {
        for (value, is_true, is_false) in [
            ("true", true, false),
            ("True", true, false),
            ("1", true, false),
            ("YES", true, false),
            ("on", true, false),
            ("false", false, true),
            ("0", false, true),
            ("No", false, true),
            ("", false, false),
            ("maybe", false, false),
        ] {
            let said = Said { by: "X", value };
            assert_eq!(
                (said.is_true(), said.is_false()),
                (is_true, is_false),
                "{value}"
            );
        }
    }

    #[test]
    fn lists_are_trimmed() {
        let said = |value| Said { by: "X", value };
        assert_eq!(said(" a, b c ,,d").list(), ["a", "b c", "d"]);
        assert_eq!(said(" a, b c ,,d").words(), ["a", "b", "c", "d"]);
        assert!(said("").list().is_empty());
        assert!(said("x").number::<u16>("port").is_err());
        assert_eq!(said(" 8 ").number::<u16>("port").ok(), Some(8));
    }
}
