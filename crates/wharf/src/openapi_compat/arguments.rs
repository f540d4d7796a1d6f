//! The command line by the conventions of Python's `argparse`, which people's scripts rely on: `--x v` and `--x=v`,
//! unambiguous prefixes, the last of several counts, and whatever is left over is an error.

use std::collections::BTreeMap;
use std::fmt;

use super::flags::{self, FLAGS, Flag, Takes};

/// What was typed.
#[derive(Debug)]
pub(crate) enum Typed {
    /// Serve, with these flags.
    Serve(Given),
    /// Show the help.
    Help,
}

/// The flags that were given, with their values.
#[derive(Debug, Default, Clone)]
pub(crate) struct Given(BTreeMap<&'static str, String>);

/// Why the command line cannot be understood: usage, and what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nwharf openapi: error: {}", flags::usage(), self.0)
    }
}

impl Given {
    /// The value of a flag; none when it was not given or says nothing.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// Whether a flag without a value was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// Reads what follows the command.
pub(crate) fn read(arguments: &[String]) -> Result<Typed, UsageError> {
    let mut given = Given::default();
    let mut left_over = Vec::new();
    let mut arguments = arguments.iter().peekable();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            left_over.extend(arguments.map(String::as_str));
            break;
        }
        if !is_flag(argument) {
            left_over.push(argument);
            continue;
        }
        let (written, explicit) = match argument.split_once('=') {
            Some((written, value)) => (written, Some(value)),
            None => (argument.as_str(), None),
        };
        let Some(flag) = find(written)? else {
            left_over.push(argument);
            continue;
        };
        let value = match (flag.takes, explicit) {
            (Takes::Nothing, Some(value)) => {
                return Err(wrong(flag, &format!("ignored explicit argument '{value}'")));
            }
            (Takes::Nothing, None) if flag.name == "--help" => return Ok(Typed::Help),
            (Takes::Nothing, None) => String::new(),
            (_, Some(value)) => value.to_owned(),
            (_, None) => arguments
                .next_if(|next| !is_flag(next) && *next != "--")
                .ok_or_else(|| wrong(flag, "expected one argument"))?
                .clone(),
        };
        if let Takes::Choice(choices) = flag.takes
            && !choices.contains(&value.as_str())
        {
            let choices: Vec<_> = choices.iter().map(|choice| format!("'{choice}'")).collect();
            let choices = choices.join(", ");
            let what = format!("invalid choice: '{value}' (choose from {choices})");
            return Err(wrong(flag, &what));
        }
        given.0.insert(flag.name, value);
    }
    if left_over.is_empty() {
        Ok(Typed::Serve(given))
    } else {
        let left_over = left_over.join(" ");
        Err(UsageError(format!("unrecognized arguments: {left_over}")))
    }
}

/// `-` alone, negative numbers and what has a space are values; the rest that begins with a dash is meant as a flag.
fn is_flag(argument: &str) -> bool {
    argument.len() > 1
        && argument.starts_with('-')
        && argument.parse::<f64>().is_err()
        && (argument.contains('=') || !argument.contains(' '))
}

/// The flag of that name, or the only one that begins so.
fn find(written: &str) -> Result<Option<&'static Flag>, UsageError> {
    let written = if written == "-h" { "--help" } else { written };
    if let Some(exact) = FLAGS.iter().find(|flag| flag.name == written) {
        return Ok(Some(exact));
    }
    if !written.starts_with("--") || written.len() < 3 {
        return Ok(None);
    }
    for original in [true, false] {
        let found: Vec<_> = FLAGS
            .iter()
            .filter(|flag| flag.original == original && flag.name.starts_with(written))
            .collect();
        match found.as_slice() {
            [] => {}
            [only] => return Ok(Some(only)),
            several => {
                let names: Vec<_> = several.iter().map(|flag| flag.name).collect();
                let names = names.join(", ");
                return Err(UsageError(format!(
                    "ambiguous option: {written} could match {names}"
                )));
            }
        }
    }
    Ok(None)
}

fn wrong(flag: &Flag, what: &str) -> UsageError {
    UsageError(format!("argument {}: {what}", flag.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &[&str]) -> Result<Typed, UsageError> {
        read(&line.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn flags_are_found_as_argparse_finds_them() {
        for (line, name, value) in [
            (&["--api-name", "x"][..], "--api-name", Some("x")),
            (&["--api-name=x"], "--api-name", Some("x")),
            (&["--api-name=a=b"], "--api-name", Some("a=b")),
            (&["--api-n", "x"], "--api-name", Some("x")),
            (
                &["--api-name=x", "--api-name", "y"],
                "--api-name",
                Some("y"),
            ),
            (&["--api-name="], "--api-name", None),
            (&["--api-name", ""], "--api-name", None),
            (&["--api-name", "-"], "--api-name", Some("-")),
            (&["--auth-token", "-5"], "--auth-token", Some("-5")),
            (&["--auth-token", "-a b"], "--auth-token", Some("-a b")),
            (&["--auth-token=--x"], "--auth-token", Some("--x")),
            (&["--auth-to", "t"], "--auth-token", Some("t")),
            (&["--auth-token-t", "60"], "--auth-token-ttl", Some("60")),
            (&["--sp", "u"], "", None),
            (&["--tr", "sse"], "--transport", Some("sse")),
            (
                &["--auth-type", "oauth_client_credentials"],
                "--auth-type",
                Some("oauth_client_credentials"),
            ),
        ] {
            if name.is_empty() {
                assert!(typed(line).is_err(), "{line:?}");
                continue;
            }
            match typed(line) {
                Ok(Typed::Serve(given)) => assert_eq!(given.value(name), value, "{line:?}"),
                other => panic!("{line:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn switches_take_nothing_and_help_ends() {
        let Ok(Typed::Serve(given)) = typed(&["--no-validate-output", "--allow-p"]) else {
            panic!("switches are flags");
        };
        assert!(given.has("--no-validate-output") && given.has("--allow-private-networks"));
        assert!(!given.has("--allow-insecure-http"));
        for line in [
            &["--help"][..],
            &["-h"],
            &["--h"],
            &["--api-name", "x", "--help", "junk"],
        ] {
            assert!(matches!(typed(line), Ok(Typed::Help)), "{line:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, expected) in [
            (
                &["--api-nam", "x", "more"][..],
                "unrecognized arguments: more",
            ),
            (&["--version"], "unrecognized arguments: --version"),
            (&["-x"], "unrecognized arguments: -x"),
            (&["--", "--api-name"], "unrecognized arguments: --api-name"),
            (
                &["--api-name"],
                "argument --api-name: expected one argument",
            ),
            (
                &["--api-name", "--api-url"],
                "argument --api-name: expected one argument",
            ),
            (
                &["--log-level", "debug"],
                "argument --log-level: invalid choice: 'debug' (choose from 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL')",
            ),
            (
                &["--auth-type="],
                "argument --auth-type: invalid choice: ''",
            ),
            (
                &["--allow-insecure-http=yes"],
                "argument --allow-insecure-http: ignored explicit argument 'yes'",
            ),
            (
                &["--spec", "x"],
                "ambiguous option: --spec could match --spec-url, --spec-path",
            ),
        ] {
            let error = typed(line).expect_err(expected);
            assert!(error.0.starts_with(expected), "{line:?}: {}", error.0);
            assert!(
                error.to_string().starts_with("usage: wharf openapi "),
                "{error}"
            );
        }
    }
}
