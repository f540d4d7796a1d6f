//! Values that must never be printed.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// A secret text. `Debug` and `Display` print stars; only [`Secret::expose`] gives the text.
#[derive(Clone, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(transparent)]
// Tells the manual, editors and warnings that a secret belongs here.
#[schemars(extend("writeOnly" = true))]
pub struct Secret(String);

impl Secret {
    /// Takes a text into safe keeping.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}
