//! The catalog behind its limits.

use std::sync::Arc;

use wharf_model::{CallError, Context};

use super::Catalog;
use crate::limits::{Admission, Admitted, Called, LimitsConfig, SharedLimits};
use crate::pattern::RuleMistake;

impl Catalog {
    /// Lets in only as many calls as the limits permit. `shared` counts for all replicas, where the limits want that.
    pub fn limited(
        mut self,
        config: &LimitsConfig,
        shared: Option<Arc<dyn SharedLimits>>,
    ) -> Result<Self, Vec<RuleMistake>> {
        let sources: Vec<&str> = self.sources.iter().map(|source| source.name()).collect();
        let admission = Admission::new(config, shared, &self.candidates(), &sources)?;
        self.admission = Some(admission);
        Ok(self)
    }

    /// The same limits, counted by itself: for calls that are no replica's, whose process may end at any moment.
    #[must_use]
    pub fn counted_alone(mut self) -> Self {
        if let Some(admission) = &mut self.admission {
            admission.count_alone();
        }
        self
    }

    /// Goes on counting where an earlier catalog is, as far as their limits are the same.
    pub fn continue_from(&mut self, earlier: &Self) {
        if let Some((own, earlier)) = self.admission.as_mut().zip(earlier.admission.as_ref()) {
            own.continue_from(earlier);
        }
    }

    /// A place for a call, which is over when the place is dropped; none where nothing is limited.
    pub(super) async fn enter(
        &self,
        context: &Context,
        what: Called<'_>,
    ) -> Result<Option<Admitted<'_>>, CallError> {
        match &self.admission {
            None => Ok(None),
            Some(admission) => admission.enter(context, what).await.map(Some),
        }
    }
}
