//! The one big seam: everything that offers tools is a [`Source`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::broadcast;

use crate::{
    CallError, Completion, CompletionRequest, Context, Outcome, Prompt, PromptResult, Resource,
    ResourceContents, ResourceTemplate, Slice, Tool, ToolCall, ToolResult,
};

/// A future that a source hands out.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that offers tools, prompts and resources: an OpenAPI document, a GraphQL API, another MCP server.
///
/// A source knows its own kind of upstream and nothing of MCP's wire. What it offers is fixed when it is built; a
/// changed document is a new source in a new catalog. Every call can be made at any time from any task.
pub trait Source: Send + Sync + 'static {
    /// A short name for messages and logs.
    fn name(&self) -> &str;

    /// The source that it stands around, where it is one that changes another: what it does not say itself, that one
    /// says.
    fn inner(&self) -> Option<&dyn Source> {
        None
    }

    /// Its tools, in the order to list them. Asked once per catalog.
    fn tools(&self) -> Vec<Arc<Tool>> {
        self.inner().map_or_else(Vec::new, Source::tools)
    }

    /// Its prompts, in the order to list them. Asked once per catalog.
    fn prompts(&self) -> Vec<Prompt> {
        self.inner().map_or_else(Vec::new, Source::prompts)
    }

    /// Its resources, in the order to list them. Asked once per catalog.
    fn resources(&self) -> Vec<Resource> {
        self.inner().map_or_else(Vec::new, Source::resources)
    }

    /// Its resource templates, in the order to list them. Asked once per catalog.
    fn resource_templates(&self) -> Vec<ResourceTemplate> {
        self.inner()
            .map_or_else(Vec::new, Source::resource_templates)
    }

    /// Whether it answers [`Source::complete`].
    fn completes(&self) -> bool {
        self.inner().is_some_and(Source::completes)
    }

    /// Calls a tool. Dropping the future stops the call.
    fn call<'a>(
        &'a self,
        context: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>>;

    /// Fills in a prompt; `arguments` is an object with text values.
    fn prompt<'a>(
        &'a self,
        context: &'a Context,
        name: &'a str,
        arguments: Slice<'a>,
    ) -> BoxFuture<'a, Result<Outcome<PromptResult>, CallError>> {
        match self.inner() {
            Some(inner) => inner.prompt(context, name, arguments),
            None => Box::pin(std::future::ready(Err(CallError::Unknown {
                kind: "prompt",
                name: name.to_owned(),
            }))),
        }
    }

    /// Reads a resource; `None` when it has none of that address.
    fn read<'a>(
        &'a self,
        context: &'a Context,
        uri: &'a str,
    ) -> BoxFuture<'a, Result<Option<Outcome<Vec<ResourceContents>>>, CallError>> {
        match self.inner() {
            Some(inner) => inner.read(context, uri),
            None => Box::pin(std::future::ready(Ok(None))),
        }
    }

    /// Suggests values for an argument; `None` when the prompt or template is not its own.
    fn complete<'a>(
        &'a self,
        context: &'a Context,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<Option<Completion>, CallError>> {
        match self.inner() {
            Some(inner) => inner.complete(context, request),
            None => Box::pin(std::future::ready(Ok(None))),
        }
    }

    /// How much its upstream has to do, where that is known.
    fn load(&self) -> Option<Load> {
        None
    }

    /// News of changes, where a source has any.
    fn changes(&self) -> Option<broadcast::Receiver<Change>> {
        self.inner()?.changes()
    }
}

/// How much an upstream has to do, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Calls under way.
    pub in_flight: usize,
    /// Calls that wait for their turn.
    pub waiting: usize,
    /// What is let through to it.
    pub breaker: Breaker,
}

/// What is let through to an upstream, from good to bad; as a number for those who draw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// Everything.
    Closed = 0,
    /// One call, to see whether the upstream is back.
    HalfOpen = 1,
    /// Nothing.
    Open = 2,
}

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The list of tools.
    Tools,
    /// The list of prompts.
    Prompts,
    /// The list of resources.
    Resources,
    /// What one resource holds, by its address.
    Resource(String),
}
