//! The policies: read and held to the schema once, then asked.
//!
//! Cedar decides over a store of entities. Ours holds two, the caller and the thing, each with everything that it is in
//! directly or not. That is all that a policy can see: the schema gives no attribute that is an entity, and validation
//! refuses a policy that looks into an entity which it names itself. So judging costs the same for ten tools and for
//! ten thousand.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, EvaluationError, Policy as OnePolicy,
    PolicyId, PolicySet, Request, ValidationMode, Validator,
};
use wharf_catalog::{Catalog, CedarConfig, Policy, Thing};
use wharf_model::Caller;

use crate::attributes;
use crate::callers::{Callers, Principal};
use crate::hierarchy::Hierarchy;
use crate::mistake::{self, Mistake};
use crate::names::Names;
use crate::schema;
use crate::things::{Offered, Things};

/// How far a policy may look: at what is known of the caller and of the thing, and no further.
const LEVEL_MAX: u32 = 1;

/// A file that somebody has read.
#[derive(Debug, Clone)]
pub struct Text {
    /// What it is called in messages.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// What a policy is read from.
#[derive(Debug, Clone)]
pub struct Files {
    /// The policies.
    pub policies: Text,
    /// What is in what, where somebody says so.
    pub entities: Option<Text>,
}

/// Policies over the tools and sources of one catalog.
pub struct Policies {
    authorizer: Authorizer,
    set: PolicySet,
    file: Text,
    names: Names,
    hierarchy: Hierarchy,
    callers: Callers,
    things: Things,
    /// The policies that were found not to work, each told once.
    told: Mutex<HashSet<PolicyId>>,
}

impl Text {
    /// File, line and column of what stands there.
    pub(crate) fn place(&self, offset: usize) -> String {
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[start..].chars().count() + 1;
        format!("{}:{line}:{column}", self.name)
    }
}

impl Policies {
    /// Reads policies for what a catalog offers, or tells everything that is wrong with them.
    pub fn new(
        catalog: &Catalog,
        config: &CedarConfig,
        files: Files,
    ) -> Result<Self, Vec<Mistake>> {
        let names = Names::new();
        let offered = Offered::by(catalog);
        let file = files.policies;
        let schema = schema::with_claims(&config.claims)
            .map_err(|reason| vec![Mistake::Claims { reason }])?;
        let hierarchy = match &files.entities {
            Some(entities) => Hierarchy::read(entities, &names, &offered)?,
            None => Hierarchy::empty(),
        };
        let set: PolicySet = file
            .text
            .parse()
            .map_err(|errors| Mistake::of_parsing(&errors, &file))?;
        let templates = set.templates().map(|template| {
            let offset = template.as_ref().loc().map_or(0, |loc| loc.span.offset());
            let place = file.place(offset);
            Mistake::Template { place }
        });
        let validator = Validator::new(schema);
        let result = validator.validate_with_level(&set, ValidationMode::Strict, LEVEL_MAX);
        let mut mistakes: Vec<_> = templates.collect();
        mistakes.extend(Mistake::of_validation(&result, &file));
        mistakes.extend(unknown_names(&set, &file, &names, &offered, &hierarchy));
        mistakes.extend(attributes::unknown(&set, &file, &config.claims));
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        for warning in result.validation_warnings() {
            tracing::warn!(
                place = file.place(mistake::offset(warning)),
                "a policy may not mean what it seems to: {warning}"
            );
        }
        let things = Things::of(catalog, &names, &hierarchy);
        Ok(Self {
            authorizer: Authorizer::new(),
            set,
            file,
            names,
            hierarchy,
            callers: Callers {
                claims: config.claims.clone(),
            },
            things,
            told: Mutex::default(),
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.set.num_of_policies()
    }

    /// Whether they permit one thing; none if that cannot be asked, which is no.
    fn permits_one(&self, principal: &Principal, thing: Thing) -> Option<bool> {
        let (resource, entity) = self.things.get(thing)?;
        let action = match thing {
            Thing::Tool(_) => &self.names.call_tool,
            Thing::Source(_) => &self.names.read_source,
        };
        let known = principal.entity.iter().chain([entity]).cloned();
        let entities = Entities::from_entities(known, None).ok()?;
        let request = Request::new(
            principal.id.clone(),
            action.clone(),
            resource.clone(),
            Context::empty(),
            None,
        );
        let request = request.ok()?;
        let response = self
            .authorizer
            .is_authorized(&request, &self.set, &entities);
        for error in response.diagnostics().errors() {
            let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
            self.tell(error.policy_id(), error.inner());
        }
        Some(response.decision() == Decision::Allow)
    }

    /// Says once that a policy does not work, and of the values in it nothing.
    fn tell(&self, id: &PolicyId, error: &EvaluationError) {
        let told = self.told.lock();
        let is_new = told
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone());
        if is_new {
            let place = self.set.policy(id).map(|policy| place(policy, &self.file));
            let reason = match error {
                EvaluationError::IntegerOverflow(_) => "a number becomes too large",
                EvaluationError::FailedExtensionFunctionExecution(_) => {
                    "a text is not what a function can read"
                }
                _ => "a value is missing, or of another type",
            };
            tracing::warn!(
                place,
                reason,
                "a policy cannot be judged and counts as not there; it is told this once"
            );
        }
    }
}

impl Policy for Policies {
    fn permits(&self, caller: &Caller, things: &[Thing]) -> Vec<bool> {
        let principal = self.callers.principal(caller, &self.names, &self.hierarchy);
        let permits = |thing: &Thing| {
            let principal = principal.as_ref()?;
            self.permits_one(principal, *thing)
        };
        things
            .iter()
            .map(|thing| permits(thing).unwrap_or(false))
            .collect()
    }
}

/// Where a policy begins.
pub(crate) fn place(policy: &OnePolicy, file: &Text) -> String {
    let offset = policy.as_ref().loc().map_or(0, |loc| loc.span.offset());
    file.place(offset)
}

/// The tools, sources and tags that policies name and that are not there. A policy that forbids a misspelt tool forbids
/// nothing, and nobody would see it.
fn unknown_names(
    set: &PolicySet,
    file: &Text,
    names: &Names,
    offered: &Offered,
    hierarchy: &Hierarchy,
) -> Vec<Mistake> {
    let unknown = |policy: &OnePolicy, named: &EntityUid| {
        let kinds = [
            (&names.tool, "tool", &offered.tools),
            (&names.source, "source", &offered.sources),
            (&names.tag, "tag", &offered.tags),
        ];
        let name = named.id().unescaped();
        let (_, kind, known) = kinds
            .into_iter()
            .find(|(kind, _, _)| *kind == named.type_name())?;
        let is_known = known.contains(name) || hierarchy.knows(named);
        (!is_known).then(|| Mistake::Unknown {
            place: place(policy, file),
            kind,
            name: name.to_owned(),
            candidates: known.iter().cloned().collect(),
        })
    };
    let mut mistakes: Vec<_> = set
        .policies()
        .flat_map(|policy| {
            let offset = policy.as_ref().loc().map_or(0, |loc| loc.span.offset());
            let literals = policy.entity_literals().into_iter();
            literals.filter_map(move |named| Some((offset, unknown(policy, &named)?)))
        })
        .collect();
    mistakes.sort_by_key(|(offset, mistake)| (*offset, mistake.to_string()));
    mistakes.dedup();
    mistakes.into_iter().map(|(_, mistake)| mistake).collect()
}
