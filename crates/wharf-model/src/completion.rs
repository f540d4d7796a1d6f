//! Completion: suggestions for an argument while a person types.

/// What to complete.
#[derive(Debug, Clone)]
pub struct CompletionRequest {
    /// The prompt or template.
    pub reference: CompletionReference,
    /// The argument's name.
    pub argument: String,
    /// What has been typed.
    pub value: String,
    /// Arguments that are already filled in.
    pub context: Vec<(String, String)>,
}

/// The thing whose argument is completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompletionReference {
    /// A prompt by its name.
    Prompt(String),
    /// A resource template by its template.
    Resource(String),
}

/// Suggestions.
#[derive(Debug, Clone, Default)]
pub struct Completion {
    /// At most 100 are sent.
    pub values: Vec<String>,
    /// How many there are in all.
    pub total: Option<u64>,
    /// There are more than `values`.
    pub has_more: bool,
}
