//! A coat around a source: it offers less of it, and counts its calls.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::broadcast;
use wharf_model::{
    BoxFuture, CallError, Change, Completion, CompletionRequest, Context, Outcome, Prompt,
    PromptResult, Resource, ResourceContents, ResourceTemplate, Slice, Source, Tool, ToolCall,
    ToolResult,
};

use super::metrics::Metrics;

/// A source of which only these tools and prompts are offered.
pub(super) struct Coat {
    pub(super) inner: Arc<dyn Source>,
    pub(super) tools: Vec<Tool>,
    pub(super) prompts: Vec<Prompt>,
    pub(super) metrics: Option<Arc<Metrics>>,
}

impl Source for Coat {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn tools(&self) -> Vec<Tool> {
        self.tools.clone()
    }

    fn prompts(&self) -> Vec<Prompt> {
        self.prompts.clone()
    }

    fn resources(&self) -> Vec<Resource> {
        self.inner.resources()
    }

    fn resource_templates(&self) -> Vec<ResourceTemplate> {
        self.inner.resource_templates()
    }

    fn completes(&self) -> bool {
        self.inner.completes()
    }

    fn call<'a>(
        &'a self,
        context: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        let Some(metrics) = &self.metrics else {
            return self.inner.call(context, call);
        };
        Box::pin(async move {
            let started = Instant::now();
            let outcome = self.inner.call(context, call).await;
            let is_error = match &outcome {
                Ok(Outcome::Complete(result)) => result.is_error,
                Ok(Outcome::InputRequired(_)) => false,
                Err(_) => true,
            };
            metrics.called(call.name, is_error, started.elapsed());
            outcome
        })
    }

    fn prompt<'a>(
        &'a self,
        context: &'a Context,
        name: &'a str,
        arguments: Slice<'a>,
    ) -> BoxFuture<'a, Result<Outcome<PromptResult>, CallError>> {
        self.inner.prompt(context, name, arguments)
    }

    fn read<'a>(
        &'a self,
        context: &'a Context,
        uri: &'a str,
    ) -> BoxFuture<'a, Result<Option<Outcome<Vec<ResourceContents>>>, CallError>> {
        self.inner.read(context, uri)
    }

    fn complete<'a>(
        &'a self,
        context: &'a Context,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<Option<Completion>, CallError>> {
        self.inner.complete(context, request)
    }

    fn changes(&self) -> Option<broadcast::Receiver<Change>> {
        self.inner.changes()
    }
}
