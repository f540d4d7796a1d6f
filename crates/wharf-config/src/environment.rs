//! The environment variables, read once.

use std::collections::BTreeMap;
use std::fmt;

/// The environment variables as they were when the process started, or as a test wants them.
///
/// Everything that depends on a variable takes one of these, so nothing changes behind a running program's back and a
/// test needs no variable of its own process.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process. Variables that are not UTF-8 are left out: nobody could write down what they hold.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        )
    }

    /// Exactly these variables.
    pub fn of<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    /// What the variable `name` holds; none when it is not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The names of all variables, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Debug for Environment {
    /// Names only: variables are where secrets are kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_by_name_and_never_printed() {
        let environment = Environment::of([("TOKEN", "hunter2"), ("EMPTY", "")]);
        assert_eq!(environment.get("TOKEN"), Some("hunter2"));
        assert_eq!(environment.get("EMPTY"), Some(""));
        assert_eq!(environment.get("token"), None);
        assert_eq!(format!("{environment:?}"), r#"{"EMPTY", "TOKEN"}"#);
    }

    #[test]
    fn the_process_has_variables() {
        assert!(Environment::of_process().get("PATH").is_some());
    }
}
