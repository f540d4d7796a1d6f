//! What is wrong with a configuration, all at once.

use std::fmt;

use crate::path::Mark;

/// More mistakes than this are counted, not told: nobody mends a hundred at a time.
const ERRORS_MAX: usize = 50;

/// One mistake: what, where, and what to do next.
///
/// Shows nothing of the values that references stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    file: String,
    line: Option<usize>,
    column: Option<usize>,
    what: String,
    hint: Option<String>,
}

/// Everything that is wrong with one configuration; at least one mistake, in the order of the lines.
///
/// `Display` prints a block for each, ready for the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

/// Something that works today and should be changed all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigWarning(ConfigError);

impl ConfigError {
    /// The file, as the caller named it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1; none when the mistake is the file as a whole.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The column, from 1; only for mistakes in the YAML itself.
    pub fn column(&self) -> Option<usize> {
        self.column
    }

    /// What is wrong, without the place.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for ConfigError {
    /// The place and what is wrong there, without the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigErrors {
    /// The mistakes.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a ConfigErrors {
    type Item = &'a ConfigError;
    type IntoIter = std::slice::Iter<'a, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let line_break = if at == 0 { "" } else { "\n" };
            write!(f, "{line_break}error: {error}")?;
            if let Some(hint) = error.hint() {
                write!(f, "\nhint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl ConfigWarning {
    /// What should be changed and where.
    pub fn details(&self) -> &ConfigError {
        &self.0
    }
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "warning: {}", self.0)?;
        match self.0.hint() {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Where mistakes are gathered while a file is read.
pub(crate) struct Report {
    file: String,
    errors: Vec<ConfigError>,
    untold: usize,
    warnings: Vec<ConfigWarning>,
}

impl Report {
    pub(crate) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            errors: Vec::new(),
            untold: 0,
            warnings: Vec::new(),
        }
    }

    /// A mistake on a line.
    pub(crate) fn error(&mut self, mark: Mark, what: impl Into<String>, hint: Option<String>) {
        let error = self.note(Some(mark.line), None, what.into(), hint);
        self.keep(error);
    }

    /// A mistake in the YAML itself, where the column helps.
    pub(crate) fn syntax(&mut self, mark: Mark, what: impl Into<String>, hint: Option<String>) {
        let error = self.note(Some(mark.line), Some(mark.column), what.into(), hint);
        self.keep(error);
    }

    /// A mistake of the file as a whole.
    pub(crate) fn whole(&mut self, what: impl Into<String>, hint: Option<String>) {
        let error = self.note(None, None, what.into(), hint);
        self.keep(error);
    }

    pub(crate) fn warning(&mut self, mark: Mark, what: impl Into<String>, hint: Option<String>) {
        if self.warnings.len() < ERRORS_MAX {
            let warning = self.note(Some(mark.line), None, what.into(), hint);
            self.warnings.push(ConfigWarning(warning));
        }
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    /// How many mistakes there are, told or not.
    pub(crate) fn errors_len(&self) -> usize {
        self.errors.len() + self.untold
    }

    /// The same file with nothing wrong yet, for trying something out.
    pub(crate) fn blank(&self) -> Self {
        Self::new(&self.file)
    }

    /// Takes over what a trial found.
    pub(crate) fn absorb(&mut self, trial: Self) {
        self.untold += trial.untold;
        trial.errors.into_iter().for_each(|error| self.keep(error));
        self.warnings.extend(trial.warnings);
        self.warnings.truncate(ERRORS_MAX);
    }

    /// The warnings, or everything that is wrong.
    pub(crate) fn finish(mut self) -> Result<Vec<ConfigWarning>, ConfigErrors> {
        if self.errors.is_empty() {
            self.warnings.sort_by_key(|warning| warning.0.line);
            return Ok(self.warnings);
        }
        self.errors.sort_by_key(|error| error.line);
        if self.untold > 0 {
            let rest = format!("and {} mistakes more", self.untold);
            let rest = self.note(None, None, rest, None);
            self.errors.push(rest);
        }
        Err(ConfigErrors(self.errors))
    }

    fn note(
        &self,
        line: Option<usize>,
        column: Option<usize>,
        what: String,
        hint: Option<String>,
    ) -> ConfigError {
        ConfigError {
            file: self.file.clone(),
            line,
            column,
            what,
            hint,
        }
    }

    fn keep(&mut self, error: ConfigError) {
        if self.errors.len() == ERRORS_MAX {
            self.untold += 1;
        } else {
            self.errors.push(error);
        }
    }
}
