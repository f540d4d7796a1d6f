//! A coat around a source: it offers less of it.

use std::sync::Arc;

use wharf_model::{
    BoxFuture, CallError, Context, Outcome, Prompt, Source, Tool, ToolCall, ToolResult,
};

/// A source of which only these tools and prompts are offered.
pub(super) struct Coat {
    pub(super) inner: Arc<dyn Source>,
    pub(super) tools: Vec<Arc<Tool>>,
    pub(super) prompts: Vec<Prompt>,
}

impl Source for Coat {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn inner(&self) -> Option<&dyn Source> {
        Some(&*self.inner)
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        self.tools.clone()
    }

    fn prompts(&self) -> Vec<Prompt> {
        self.prompts.clone()
    }

    fn call<'a>(
        &'a self,
        context: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        self.inner.call(context, call)
    }
}
