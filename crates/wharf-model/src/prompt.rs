//! Prompts: texts that a person picks and a client fills in.

use crate::{Content, Icon, Json};

/// One prompt as its source offers it.
#[derive(Debug, Clone, Default)]
pub struct Prompt {
    /// Unique in its source.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What it can be filled with.
    pub arguments: Vec<PromptArgument>,
    /// The tools of its source that it tells to call, by their names there. Whoever may not call one of them is not shown
    /// the prompt. Not shown to clients.
    pub tools: Vec<String>,
    /// Pictures.
    pub icons: Vec<Icon>,
    /// An object for `_meta`.
    pub meta: Option<Json>,
}

/// One argument of a prompt; its value is always text.
#[derive(Debug, Clone, Default)]
pub struct PromptArgument {
    /// The key.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What to put there.
    pub description: Option<String>,
    /// Whether the prompt can do without.
    pub required: bool,
}

/// A prompt, filled in.
#[derive(Debug, Clone, Default)]
pub struct PromptResult {
    /// What it is for.
    pub description: Option<String>,
    /// The messages in order.
    pub messages: Vec<PromptMessage>,
}

/// One message of a prompt.
#[derive(Debug, Clone)]
pub struct PromptMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: Content,
}

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}
