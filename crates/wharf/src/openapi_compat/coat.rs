//! A coat around a source: it offers less of it, and counts its calls.

use std::sync::Arc;
use std::time::Instant;

use wharf_model::{
    BoxFuture, CallError, Context, Outcome, Prompt, Source, Tool, ToolCall, ToolResult,
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

    fn inner(&self) -> Option<&dyn Source> {
        Some(&*self.inner)
    }

    fn tools(&self) -> Vec<Tool> {
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
}
