//! What is in what, as far as a file says so: groups in groups, callers in groups, tags in tags, tools in tags.
//!
//! The file can add to what tokens and documents say, and never says anything else: attributes in it would be a second
//! truth of a caller or a tool.

use std::collections::HashSet;

use cedar_policy::{Entities, EntityTypeName, EntityUid};

use crate::mistake::{self, Mistake};
use crate::names::Names;
use crate::policies::Text;
use crate::things::Offered;

/// What is in what.
pub(crate) struct Hierarchy(Entities);

impl Hierarchy {
    /// Without a file nothing is in anything.
    pub(crate) fn empty() -> Self {
        Self(Entities::empty())
    }

    /// Reads a file, or tells everything that is wrong with it.
    pub(crate) fn read(
        file: &Text,
        names: &Names,
        offered: &Offered,
    ) -> Result<Self, Vec<Mistake>> {
        let entities = Entities::from_json_str(&file.text, None).map_err(|error| {
            vec![Mistake::Entities {
                file: file.name.clone(),
                reason: wharf_model::with_causes(&error),
            }]
        })?;
        let read = Self(entities);
        let mut mistakes: Vec<_> = read
            .0
            .iter()
            .flat_map(|entity| {
                let has_more = entity.attrs().next().is_some() || entity.tags().next().is_some();
                let attributes = has_more.then(|| Mistake::Attributes {
                    file: file.name.clone(),
                    entity: entity.uid().to_string(),
                });
                let own = read.check(&entity.uid(), file, names, offered);
                attributes.into_iter().chain(own)
            })
            .collect();
        mistakes.sort_by_cached_key(ToString::to_string);
        if mistakes.is_empty() {
            Ok(read)
        } else {
            Err(mistakes)
        }
    }

    fn check(
        &self,
        entity: &EntityUid,
        file: &Text,
        names: &Names,
        offered: &Offered,
    ) -> Vec<Mistake> {
        let kind = entity.type_name();
        let Some(within) = may_be_in(kind, names) else {
            return vec![Mistake::NoPlace {
                file: file.name.clone(),
                kind: kind.to_string(),
            }];
        };
        let is_unknown = *kind == names.tool && !offered.tools.contains(entity.id().unescaped());
        let unknown = is_unknown.then(|| Mistake::Unknown {
            place: file.name.clone(),
            kind: "tool",
            name: entity.id().unescaped().to_owned(),
            candidates: offered.tools.iter().cloned().collect(),
        });
        let strange = self.ancestors(entity);
        let strange = strange
            .filter(|above| above.type_name() != within)
            .map(|above| Mistake::CannotBeIn {
                file: file.name.clone(),
                entity: entity.to_string(),
                above: above.to_string(),
            });
        unknown.into_iter().chain(strange).collect()
    }

    /// Everything that an entity is in, where these are what it is in by itself.
    pub(crate) fn above(
        &self,
        entity: &EntityUid,
        parents: impl Iterator<Item = EntityUid>,
    ) -> HashSet<EntityUid> {
        let mut above: HashSet<_> = self.ancestors(entity).cloned().collect();
        for parent in parents {
            above.extend(self.ancestors(&parent).cloned());
            above.insert(parent);
        }
        above
    }

    /// Whether the file names it.
    pub(crate) fn knows(&self, entity: &EntityUid) -> bool {
        let mut all = self.0.iter();
        self.0.get(entity).is_some() || all.any(|other| self.0.is_ancestor_of(entity, &other.uid()))
    }

    fn ancestors(&self, entity: &EntityUid) -> impl Iterator<Item = &EntityUid> {
        self.0.ancestors(entity).into_iter().flatten()
    }
}

/// What an entity of this type may be in by the file.
fn may_be_in<'n>(kind: &EntityTypeName, names: &'n Names) -> Option<&'n EntityTypeName> {
    if *kind == names.caller || *kind == names.group {
        Some(&names.group)
    } else if *kind == names.tool || *kind == names.tag {
        Some(&names.tag)
    } else {
        None
    }
}
