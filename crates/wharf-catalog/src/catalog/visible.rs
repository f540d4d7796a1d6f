//! The catalog as one caller sees it, and what the others may reach of it.
//!
//! Every way to a tool, a prompt or a source's resources goes through a `reach…` of this file: what was not checked there
//! cannot be called.

use std::sync::Arc;

use wharf_model::{
    CallError, Caller, HashMap, Prompt, Resource, ResourceTemplate, Slice, Source, Tool,
};

use super::{Catalog, Route, unknown};
use crate::access::{Access, AccessConfig, Permissions, Policy, Refused, Shown, Thing};
use crate::pattern::RuleMistake;
use crate::search::{Search, SearchTool};
use crate::select::Candidate;

/// What limits a catalog to what its callers may see.
pub(super) struct Restriction {
    access: Access,
    /// For each prompt what must be open, all of it; none for one whose tools are not all offered.
    prompts: Vec<Option<Vec<Thing>>>,
}

/// What one caller sees of a catalog. Whoever has the same permissions sees the same.
#[derive(Clone)]
pub struct Visible<'c> {
    catalog: &'c Catalog,
    /// None where nothing is hidden from anybody.
    permissions: Option<Permissions>,
}

impl Catalog {
    /// Shows and opens everything only to whom the rules open it and the policy, where there is one, permits it.
    pub fn restricted(
        mut self,
        config: &AccessConfig,
        policy: Option<Arc<dyn Policy>>,
    ) -> Result<Self, Vec<RuleMistake>> {
        let sources: Vec<&str> = self.sources.iter().map(|source| source.name()).collect();
        let access = Access::new(config, policy, &self.candidates(), &sources)?;
        let prompts = self.things_of_prompts();
        self.restriction = Some(Restriction { access, prompts });
        Ok(self)
    }

    /// The tools and where they are from, in their order.
    pub(crate) fn candidates(&self) -> Vec<Candidate<'_>> {
        let source = |tool: &Tool| self.source_of(&tool.name).unwrap_or_default();
        self.tools
            .iter()
            .map(|tool| Candidate {
                tool,
                source: source(tool),
            })
            .collect()
    }

    /// A prompt goes with its tools; one without is its source's.
    fn things_of_prompts(&self) -> Vec<Option<Vec<Thing>>> {
        let tools: HashMap<(usize, &str), usize> = self
            .tool_routes
            .values()
            .map(|route| ((route.source, route.own_name.as_str()), route.index))
            .collect();
        self.prompts
            .iter()
            .map(|prompt| {
                let source = self.prompt_routes[&prompt.name].source;
                let of_tool = |tool: &String| {
                    let index = tools.get(&(source, tool.as_str()))?;
                    Some(Thing::Tool(*index))
                };
                if prompt.tools.is_empty() {
                    Some(vec![Thing::Source(source)])
                } else {
                    // What belongs to a tool that is not offered is open to nobody.
                    prompt.tools.iter().map(of_tool).collect()
                }
            })
            .collect()
    }

    /// The rules, where there are any.
    pub fn access(&self) -> Option<&Access> {
        self.restriction
            .as_ref()
            .map(|restriction| &restriction.access)
    }

    /// What a caller sees.
    pub fn visible_to(&self, caller: &Caller) -> Visible<'_> {
        Visible {
            catalog: self,
            permissions: self.access().map(|access| access.permissions(caller)),
        }
    }

    /// What whoever sees everything sees.
    pub fn visible(&self) -> Visible<'_> {
        Visible {
            catalog: self,
            permissions: None,
        }
    }

    /// Whether a caller may ask for a list. Somebody unknown for whom it would be empty is asked to sign in: most clients
    /// do so only when they are told.
    pub fn check_list(&self, caller: &Caller) -> Result<(), CallError> {
        match self.access() {
            Some(access) if access.shows_nothing(caller) => Err(CallError::Unauthenticated),
            _ => Ok(()),
        }
    }

    /// Whether a caller may call a tool, asked before anything runs. [`Catalog::call_tool`] asks again.
    pub fn check_tool(
        &self,
        caller: &Caller,
        name: &str,
        arguments: Slice<'_>,
    ) -> Result<(), CallError> {
        if self.restriction.is_none() {
            return Ok(());
        }
        let Err(refused) = self.reach_tool(caller, name) else {
            return Ok(());
        };
        let searching = self.search.as_ref().and_then(|_| SearchTool::named(name));
        match searching {
            None => Err(refused.or(|| unknown("tool", name))),
            Some(SearchTool::Find | SearchTool::Describe) => Ok(()),
            Some(SearchTool::Call) => {
                // What is no name, or names nothing, is for the model to mend: the call itself says so.
                let Some(name) = arguments.get("name").and_then(Slice::text) else {
                    return Ok(());
                };
                match self.reach_tool(caller, &name) {
                    Ok(_) | Err(Refused::Hidden) => Ok(()),
                    Err(refused) => Err(refused.or(|| unknown("tool", &name))),
                }
            }
        }
    }

    /// Whether a caller may ask for a prompt.
    pub fn check_prompt(&self, caller: &Caller, name: &str) -> Result<(), CallError> {
        if self.restriction.is_none() {
            return Ok(());
        }
        self.reach_prompt(caller, name)
            .map(drop)
            .map_err(|refused| refused.or(|| unknown("prompt", name)))
    }

    /// Whether a caller may read or watch a resource, as far as that is known without asking its source.
    pub fn check_resource(&self, caller: &Caller, uri: &str) -> Result<(), CallError> {
        let Some(access) = self.access() else {
            return Ok(());
        };
        let mut refused = access.refusal_of_unknown(caller);
        let mut is_any_open = false;
        for at in 0..self.sources.len() {
            let lists_it = || {
                let of_source = self.resources.iter().zip(&self.resource_sources);
                of_source
                    .filter(|(_, source)| **source == at)
                    .any(|(resource, _)| resource.uri == uri)
            };
            match self.reach_source(caller, at) {
                Ok(_) if lists_it() => return Ok(()),
                Ok(_) => is_any_open = true,
                Err(reason) if lists_it() => {
                    return Err(reason.or(|| not_found(uri)));
                }
                Err(reason @ Refused::Forbidden { .. }) => refused = reason,
                Err(_) => {}
            }
        }
        if is_any_open {
            return Ok(());
        }
        Err(refused.or(|| not_found(uri)))
    }

    pub(super) fn reach_tool(&self, caller: &Caller, name: &str) -> Result<&Route, Refused> {
        let route = self.tool_routes.get(name);
        let Some(access) = self.access() else {
            return route.ok_or(Refused::Hidden);
        };
        let route = route.ok_or_else(|| access.refusal_of_unknown(caller))?;
        access.check(caller, Thing::Tool(route.index))?;
        Ok(route)
    }

    pub(super) fn reach_prompt(&self, caller: &Caller, name: &str) -> Result<&Route, Refused> {
        let route = self.prompt_routes.get(name);
        let Some(restriction) = &self.restriction else {
            return route.ok_or(Refused::Hidden);
        };
        let access = &restriction.access;
        let route = route.ok_or_else(|| access.refusal_of_unknown(caller))?;
        let things = restriction.prompts[route.index].as_ref();
        for thing in things.ok_or_else(|| access.refusal_of_unknown(caller))? {
            access.check(caller, *thing)?;
        }
        Ok(route)
    }

    /// The source at this place, for its resources and completions.
    pub(super) fn reach_source(&self, caller: &Caller, at: usize) -> Result<&dyn Source, Refused> {
        if let Some(access) = self.access() {
            access.check(caller, Thing::Source(at))?;
        }
        Ok(&*self.sources[at])
    }
}

pub(super) fn not_found(uri: &str) -> CallError {
    CallError::ResourceNotFound {
        uri: uri.to_owned(),
    }
}

impl<'c> Visible<'c> {
    /// What whoever sees this has; none where nothing is hidden from anybody.
    pub fn permissions(&self) -> Option<&Permissions> {
        self.permissions.as_ref()
    }

    /// The tools, in the order to list them.
    pub fn tools(&self) -> Vec<&'c Tool> {
        self.shown().iter().map(Arc::as_ref).collect()
    }

    /// The tools that clients are shown: all that are visible, or those that find the others.
    pub fn listed_tools(&self) -> Vec<Arc<Tool>> {
        match &self.catalog.search {
            None => self.shown().iter().cloned().collect(),
            Some(search) if self.permissions.is_none() => search.listed().to_vec(),
            Some(_) => match self.shown().count() {
                // To find nothing, nothing is needed.
                0 => Vec::new(),
                count => Search::listed_for(count, self.catalog.client),
            },
        }
    }

    /// The prompts, in the order to list them.
    pub fn prompts(&self) -> Vec<&'c Prompt> {
        let Some((restriction, permissions)) = self.limits() else {
            return self.catalog.prompts.iter().collect();
        };
        let is_open = |thing: &Thing| restriction.access.shows(permissions, *thing);
        let are_open = |things: &Vec<Thing>| things.iter().all(is_open);
        let prompts = self.catalog.prompts.iter().zip(&restriction.prompts);
        prompts
            .filter(|(_, things)| things.as_ref().is_some_and(are_open))
            .map(|(prompt, _)| prompt)
            .collect()
    }

    /// The resources, in the order to list them.
    pub fn resources(&self) -> Vec<&'c Resource> {
        self.of_sources(&self.catalog.resources, &self.catalog.resource_sources)
    }

    /// The resource templates, in the order to list them.
    pub fn resource_templates(&self) -> Vec<&'c ResourceTemplate> {
        let catalog = self.catalog;
        self.of_sources(&catalog.resource_templates, &catalog.template_sources)
    }

    pub(crate) fn shown(&self) -> Shown<'c> {
        let limits = self.limits();
        let limits =
            limits.map(|(restriction, permissions)| (&restriction.access, permissions.clone()));
        Shown::new(&self.catalog.tools, limits)
    }

    fn limits(&self) -> Option<(&'c Restriction, &Permissions)> {
        let restriction = self.catalog.restriction.as_ref()?;
        Some((restriction, self.permissions.as_ref()?))
    }

    fn of_sources<T>(&self, all: &'c [T], sources: &'c [usize]) -> Vec<&'c T> {
        let limits = self.limits();
        let is_open = |source: usize| {
            limits.is_none_or(|(restriction, permissions)| {
                restriction.access.shows(permissions, Thing::Source(source))
            })
        };
        let each = all.iter().zip(sources);
        each.filter(|(_, source)| is_open(**source))
            .map(|(one, _)| one)
            .collect()
    }
}
