//! Prompts: one for each operation with an `operationId`, named by it, and a few for operations that go together.
//!
//! The list is made with the tools. What a prompt says is read from the document when somebody asks for it: most prompts
//! are never used. Values that the client gives appear in the text, ready for the call.

mod operation;
mod workflow;

use http::Method;
use wharf_model::{
    Content, HashMap, Json, Prompt, PromptArgument, PromptMessage, PromptResult, Role, Slice,
};

use crate::operation::Operation;
use crate::plan::Location;
use crate::reference::Resolver;
use crate::source::Spot;

use self::operation::Listed;
use self::workflow::Workflows;

/// What a source offers as prompts.
#[derive(Debug, Default)]
pub(crate) struct Prompts {
    pub(crate) list: Vec<Prompt>,
    subjects: HashMap<String, Subject>,
}

/// What a prompt is about.
#[derive(Debug)]
pub(crate) enum Subject {
    /// One operation.
    Operation(Place),
    /// Operations that go together; the text is fixed.
    Workflow(String),
}

/// Where an operation is found again, and its tool.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) spot: Spot,
    pub(crate) tool: String,
}

/// The prompt of an operation, but for what depends on other operations.
pub(crate) struct Draft {
    name: String,
    description: String,
    arguments: Vec<PromptArgument>,
    tags: Vec<String>,
}

/// Collects the prompts of a document's operations.
#[derive(Default)]
pub(crate) struct PromptWriter {
    prompts: Prompts,
    workflows: Workflows,
}

impl Prompts {
    pub(crate) fn subject(&self, name: &str) -> Option<&Subject> {
        self.subjects.get(name)
    }

    pub(crate) fn description(&self, name: &str) -> Option<String> {
        let prompt = self.list.iter().find(|prompt| prompt.name == name)?;
        prompt.description.clone()
    }
}

impl Draft {
    /// Only of methods that people ask for, and where there is a name for it.
    pub(crate) fn of<'d>(operation: &Operation<'d>, resolver: &Resolver<'d>) -> Option<Self> {
        let name = operation.id.as_deref()?.to_owned();
        let is_asked_for = matches!(
            operation.method,
            Method::GET | Method::POST | Method::PUT | Method::PATCH | Method::DELETE
        );
        let says = operation
            .summary
            .as_ref()
            .or(operation.description.as_ref());
        is_asked_for.then(|| Self {
            name,
            description: says.map_or_else(
                || format!("{} {}", operation.method, operation.path),
                |says| says.trim().to_owned(),
            ),
            arguments: arguments(operation, resolver),
            tags: {
                let mut tags = operation.tags.clone();
                tags.sort();
                tags
            },
        })
    }
}

impl PromptWriter {
    /// Adds the prompt of an operation, unless an earlier one has its name. `path` is as the document writes it.
    pub(crate) fn add(&mut self, draft: Draft, spot: &Spot, path: &str, tool: &str) {
        let Draft {
            name,
            description,
            arguments,
            tags,
        } = draft;
        if self.prompts.subjects.contains_key(&name) {
            return;
        }
        self.workflows.add(&name, tool, &spot.method, path);
        let prompt = Prompt {
            name,
            description: Some(description),
            arguments,
            meta: Some(Json::of(
                &serde_json::json!({ "fastmcp": { "tags": tags }, "tools": [tool] }),
            )),
            tools: vec![tool.to_owned()],
            ..Prompt::default()
        };
        let place = Place {
            spot: spot.clone(),
            tool: tool.to_owned(),
        };
        self.prompts.take(prompt, Subject::Operation(place));
    }

    /// All of them, those of workflows last.
    pub(crate) fn finish(self) -> Prompts {
        let Self {
            mut prompts,
            workflows,
        } = self;
        for workflow in workflows.finish() {
            // An operation may have the very name; it was there first.
            if !prompts.subjects.contains_key(&workflow.name) {
                let prompt = Prompt {
                    name: workflow.name,
                    description: Some(workflow.description),
                    meta: Some(Json::of(&serde_json::json!({ "tools": workflow.tools }))),
                    tools: workflow.tools,
                    ..Prompt::default()
                };
                prompts.take(prompt, Subject::Workflow(workflow.text));
            }
        }
        prompts
    }
}

impl Prompts {
    fn take(&mut self, prompt: Prompt, subject: Subject) {
        self.subjects.insert(prompt.name.clone(), subject);
        self.list.push(prompt);
    }
}

/// The text of an operation's prompt, with what the client gave.
pub(crate) fn text_of_operation<'d>(
    place: &Place,
    id: &str,
    operation: &Operation<'d>,
    resolver: &Resolver<'d>,
    given: Slice<'_>,
) -> String {
    operation::text(place, id, operation, resolver, given)
}

/// The text as a prompt's result.
pub(crate) fn result(description: Option<String>, text: String) -> PromptResult {
    PromptResult {
        description,
        messages: vec![PromptMessage {
            role: Role::User,
            content: Content::text(text),
        }],
    }
}

/// Path and query parameters and the members of the body: what a person has to choose.
fn arguments<'d>(operation: &Operation<'d>, resolver: &Resolver<'d>) -> Vec<PromptArgument> {
    operation
        .arguments
        .iter()
        .filter(|argument| {
            matches!(
                argument.location(),
                None | Some(Location::Path | Location::Query)
            )
        })
        .map(|argument| {
            let listed = Listed::of(argument, resolver);
            PromptArgument {
                name: argument.name.clone(),
                title: None,
                description: listed.description(),
                required: argument.required,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
