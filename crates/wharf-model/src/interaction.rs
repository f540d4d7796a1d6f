//! Asking the client in the middle of a call.
//!
//! A call that needs something from the person or the client's model ends with [`Outcome::InputRequired`]: questions,
//! and a state to carry on with. The same call then comes again with the answers. So a source keeps nothing between
//! the two, and any replica can carry on. For clients of older revisions the MCP layer plays the second call itself.

use crate::Json;

/// A finished result, or questions.
#[derive(Debug, Clone)]
pub enum Outcome<T> {
    /// Done.
    Complete(T),
    /// Not yet: the client has to answer first.
    InputRequired(InputRequired),
}

/// Questions to the client.
#[derive(Debug, Clone, Default)]
pub struct InputRequired {
    /// Each with a key that the answer repeats. At least one, unless there is a state.
    pub requests: Vec<(String, InputRequest)>,
    /// Whatever the source must remember; it travels sealed against change and comes back with the answers.
    pub state: Option<String>,
}

/// One question: the parameters of MCP's request of that name, as JSON objects.
#[derive(Debug, Clone)]
pub enum InputRequest {
    /// Ask the person: a form (`message`, `requestedSchema`) or an address to visit (`mode: "url"`, `message`, `url`).
    Elicitation(Json),
    /// Ask the client's model (`messages`, `maxTokens`, …).
    Sampling(Json),
    /// Ask for the client's roots.
    Roots,
}

/// The client's answers, when a call comes again.
#[derive(Debug, Clone, Default)]
pub struct InputAnswers {
    /// Answers by the question's key: MCP's result for that kind of question. Not checked: they come from outside.
    pub responses: Vec<(String, Json)>,
    /// The state of [`InputRequired::state`]; proven to be what this server gave out for this very call.
    pub state: Option<String>,
}

impl InputAnswers {
    /// The answer to the question `key`.
    pub fn response(&self, key: &str) -> Option<&Json> {
        self.responses
            .iter()
            .find_map(|(name, answer)| (name == key).then_some(answer))
    }
}
