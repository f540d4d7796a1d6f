//! A catalog's tools as one caller sees them.

use std::sync::Arc;

use wharf_model::Tool;

use super::{Access, Permissions, Thing};

/// Some of a catalog's tools, or all.
pub(crate) struct Shown<'c> {
    all: &'c [Arc<Tool>],
    /// Where somebody sees less than all.
    limits: Option<(&'c Access, Permissions)>,
}

impl<'c> Shown<'c> {
    pub(crate) fn new(all: &'c [Arc<Tool>], limits: Option<(&'c Access, Permissions)>) -> Self {
        Self { all, limits }
    }

    /// Whether the tool at this place is one of them.
    pub(crate) fn has(&self, index: usize) -> bool {
        let limits = self.limits.as_ref();
        limits.is_none_or(|(access, permissions)| access.shows(permissions, Thing::Tool(index)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'c Arc<Tool>> {
        let numbered = self.all.iter().enumerate();
        numbered.filter_map(move |(index, tool)| self.has(index).then_some(tool))
    }

    pub(crate) fn count(&self) -> usize {
        match self.limits {
            None => self.all.len(),
            Some(_) => self.iter().count(),
        }
    }

    /// The catalog's tools, whether they are shown or not: what places count.
    pub(crate) fn all(&self) -> &'c [Arc<Tool>] {
        self.all
    }
}
