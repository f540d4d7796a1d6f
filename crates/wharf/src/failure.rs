//! How commands fail: what happened, the causes, and what to do next.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use wharf_model::with_causes;

/// Everything went well.
pub(crate) const DONE: ExitCode = ExitCode::SUCCESS;

/// Something is wrong; documented in `wharf --help`.
pub(crate) fn wrong() -> ExitCode {
    ExitCode::from(1)
}

/// The command line cannot be understood; documented in `wharf --help`.
pub(crate) fn usage() -> ExitCode {
    ExitCode::from(2)
}

/// The called tool answered with an error; documented in `wharf --help`.
pub(crate) fn tool_error() -> ExitCode {
    ExitCode::from(3)
}

/// What is offered is not what the lock file says; documented in `wharf --help`.
pub(crate) fn drift() -> ExitCode {
    ExitCode::from(4)
}

/// A failure on its way to the terminal.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The line of the configuration that has to change.
    place: Option<String>,
    message: String,
    hint: Option<String>,
}

/// One of several mistakes that are told together.
pub(crate) fn told(
    place: Option<String>,
    mistake: &impl fmt::Display,
    hint: Option<&str>,
) -> String {
    let place = place.map_or_else(String::new, |place| format!("{place}: "));
    let hint = hint.map_or_else(String::new, |hint| format!("\nhint: {hint}"));
    format!("error: {place}{mistake}{hint}")
}

impl Failure {
    /// A failure without a cause worth printing.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            place: None,
            message: message.into(),
            hint: None,
        }
    }

    /// An error with its causes.
    pub(crate) fn of(error: &dyn Error) -> Self {
        Self::new(with_causes(error))
    }

    /// A failure of the way out.
    pub(crate) fn of_upstream(error: &wharf_upstream::UpstreamError) -> Self {
        Self::of(error).hint(error.hint().unwrap_or_default())
    }

    /// Says which line of the configuration has to change, where that is known.
    pub(crate) fn at(mut self, place: Option<String>) -> Self {
        self.place = place;
        self
    }

    /// Says where it happened.
    pub(crate) fn within(mut self, place: &str) -> Self {
        if !self.message.contains(place) {
            self.message.insert_str(0, &format!("{place}: "));
        }
        self
    }

    /// Words the hint by other names: each first one is written as the second.
    pub(crate) fn renamed(mut self, names: &[(&str, &str)]) -> Self {
        for (name, other) in names {
            self.hint = self.hint.map(|hint| hint.replace(name, other));
        }
        self
    }

    /// What happened and where, and what to do about it.
    pub(crate) fn told(&self) -> (String, Option<&str>) {
        let message = self.message.trim_end();
        let message = match &self.place {
            Some(place) => format!("{place}: {message}"),
            None => message.to_owned(),
        };
        (message, self.hint.as_deref())
    }

    /// What to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        self.hint = (!hint.is_empty()).then_some(hint);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (message, hint) = self.told();
        // Some failures are several, and say `error:` for each of them.
        if !self.message.starts_with("error:") {
            f.write_str("error: ")?;
        }
        f.write_str(&message)?;
        if let Some(hint) = hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}
