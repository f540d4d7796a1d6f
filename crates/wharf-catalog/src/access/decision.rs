//! The rules as they are asked: grants, which tools they open, and what a caller is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wharf_model::{CallError, Caller, Identity};

use super::policy::{Judge, Verdict};
use super::{AccessConfig, AccessRule, Everybody, Policy, Thing, Who, who};
use crate::pattern::{self, RuleMistake};
use crate::select::Candidate;

/// How many kinds of callers rules can tell apart: the bits of a [`GrantSet`]. A dozen is much for people to keep in mind.
pub(crate) const GRANTS_MAX: usize = 128;

/// The first two kinds of callers, which need no look at a token.
const ANYONE: GrantSet = GrantSet(1);
const SIGNED_IN: GrantSet = GrantSet(1 << 1);

/// Some of the grants, by their numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct GrantSet(u128);

/// The grants that a caller has, and what the policy permits. Whoever has the same sees the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Permissions {
    grants: GrantSet,
    verdict: Option<Arc<Verdict>>,
}

/// Who may see and call what, ready to be asked.
pub struct Access {
    /// By number; the first two are for anyone and for whoever has signed in.
    grants: Vec<Grant>,
    /// What opens each tool, in the catalog's order.
    tools: Vec<GrantSet>,
    /// What opens each source's prompts and resources.
    sources: Vec<GrantSet>,
    /// What has to permit everything besides.
    judge: Option<Judge>,
    calls_need_caller: bool,
    /// Something is open to callers who sign in that is not to others. A policy is taken to be of that kind.
    signing_in_helps: bool,
    /// Nothing at all is open to callers who have not signed in.
    is_closed: bool,
}

/// A kind of callers.
struct Grant {
    who: Who,
    /// For each scope, the scopes that make up for it.
    scopes: Vec<BTreeSet<String>>,
}

/// How somebody is sent away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no such thing, for this caller.
    Hidden,
    Unauthenticated,
    /// With these scopes it would be there.
    Forbidden {
        scopes: Vec<String>,
    },
}

impl GrantSet {
    fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn of(number: usize) -> Self {
        Self(1 << number)
    }

    /// The numbers of its grants.
    fn numbers(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let number = left.trailing_zeros() as usize;
            (number < GRANTS_MAX).then(|| {
                left &= left - 1;
                number
            })
        })
    }
}

impl Access {
    /// Reads the rules for `tools` and `sources`, both in the catalog's order, or tells everything that is wrong.
    pub(crate) fn new(
        config: &AccessConfig,
        policy: Option<Arc<dyn Policy>>,
        tools: &[Candidate<'_>],
        sources: &[&str],
    ) -> Result<Self, Vec<RuleMistake>> {
        let mut builder = Builder {
            grants: Vec::new(),
            implied: &config.implied_scopes,
            mistakes: Vec::new(),
        };
        builder.grant(&Who {
            anyone: true,
            ..Who::default()
        });
        builder.grant(&Who {
            signed_in: true,
            ..Who::default()
        });
        let mut of_tools = vec![None; tools.len()];
        let mut of_sources = vec![None; sources.len()];
        for (number, rule) in config.rules.iter().enumerate() {
            let key = format!("access.rules[{number}]");
            let opened = builder.callers(&key, rule);
            builder.check_patterns(&key, rule, tools, sources);
            for (candidate, grants) in tools.iter().zip(&mut of_tools) {
                if pattern::any_matches(&rule.tools, *candidate) {
                    grants.get_or_insert(GrantSet::default()).add(opened);
                }
            }
            for (source, grants) in sources.iter().zip(&mut of_sources) {
                if pattern::any_matches_source(&rule.tools, source) {
                    grants.get_or_insert(GrantSet::default()).add(opened);
                }
            }
        }
        if config.document_scopes {
            for (candidate, grants) in tools.iter().zip(&mut of_tools) {
                if grants.is_none() && !candidate.tool.scopes.is_empty() {
                    *grants = Some(builder.document_scopes(&candidate.tool.scopes));
                }
            }
        }
        if !builder.mistakes.is_empty() {
            return Err(builder.mistakes);
        }
        let default = match config.default {
            Everybody::Anyone => ANYONE,
            Everybody::SignedIn => SIGNED_IN,
            Everybody::Nobody => GrantSet::default(),
        };
        let filled = |sets: Vec<Option<GrantSet>>| -> Vec<GrantSet> {
            sets.into_iter().map(|set| set.unwrap_or(default)).collect()
        };
        let (tools, sources) = (filled(of_tools), filled(of_sources));
        let signing_in_helps = config.calls_need_caller
            || policy.is_some()
            || tools
                .iter()
                .chain(&sources)
                .any(|set| *set != GrantSet::default() && !set.overlaps(ANYONE));
        let judge = policy.map(|policy| Judge::new(policy, tools.len(), sources.len()));
        let mut access = Self {
            grants: builder.grants,
            tools,
            sources,
            judge,
            calls_need_caller: config.calls_need_caller,
            signing_in_helps,
            is_closed: false,
        };
        access.is_closed = !config.calls_need_caller && access.is_closed_to(&Caller::default());
        Ok(access)
    }

    fn is_closed_to(&self, caller: &Caller) -> bool {
        let permissions = self.permissions(caller);
        let tools = (0..self.tools.len()).map(Thing::Tool);
        let mut all = tools.chain((0..self.sources.len()).map(Thing::Source));
        !all.any(|thing| self.shows(&permissions, thing))
    }

    /// What opens a thing.
    fn grants_of(&self, thing: Thing) -> GrantSet {
        match thing {
            Thing::Tool(index) => self.tools[index],
            Thing::Source(index) => self.sources[index],
        }
    }

    /// What a caller is shown.
    pub fn permissions(&self, caller: &Caller) -> Permissions {
        Permissions {
            grants: self.grants_shown_to(caller),
            verdict: self.judge.as_ref().map(|judge| judge.verdict(caller)),
        }
    }

    /// Whether these permissions are enough to be shown a thing.
    pub(crate) fn shows(&self, permissions: &Permissions, thing: Thing) -> bool {
        let verdict = permissions.verdict.as_ref();
        permissions.grants.overlaps(self.grants_of(thing))
            && verdict.is_none_or(|verdict| verdict.permits(thing))
    }

    fn grants_shown_to(&self, caller: &Caller) -> GrantSet {
        let Some(identity) = caller.identity() else {
            // What opens to nobody is in no set, and stays hidden.
            return if self.calls_need_caller {
                GrantSet(u128::MAX)
            } else {
                ANYONE
            };
        };
        let mut held = ANYONE;
        held.add(SIGNED_IN);
        for (number, grant) in self.grants.iter().enumerate().skip(2) {
            if grant.holds(identity) {
                held.add(GrantSet::of(number));
            }
        }
        held
    }

    /// Whether a caller may have a thing, or what to tell them.
    pub(crate) fn check(&self, caller: &Caller, thing: Thing) -> Result<(), Refused> {
        let opened = self.check_rules(caller, self.grants_of(thing));
        let Some(judge) = &self.judge else {
            return opened;
        };
        match opened {
            Ok(()) if judge.permits(caller, thing) => Ok(()),
            Ok(()) => Err(self.refusal_of_unknown(caller)),
            // Scopes are worth asking for only where the policy would permit it then.
            Err(Refused::Forbidden { scopes })
                if !judge.permits(&with_scopes(caller, &scopes), thing) =>
            {
                Err(Refused::Hidden)
            }
            refused => refused,
        }
    }

    /// Whether the rules let a caller have what these grants open.
    fn check_rules(&self, caller: &Caller, grants: GrantSet) -> Result<(), Refused> {
        let Some(identity) = caller.identity() else {
            return if grants.overlaps(ANYONE) && !self.calls_need_caller {
                Ok(())
            } else {
                Err(self.refusal_of_unknown(caller))
            };
        };
        let mut everybody = ANYONE;
        everybody.add(SIGNED_IN);
        if grants.overlaps(everybody) {
            return Ok(());
        }
        let mut asked: Option<(usize, &Grant)> = None;
        for grant in grants.numbers().map(|number| &self.grants[number]) {
            if !grant.who.matches_but_for_scopes(identity) {
                continue;
            }
            let missing = grant.missing(identity);
            if missing == 0 {
                return Ok(());
            }
            if asked.is_none_or(|(least, _)| missing < least) {
                asked = Some((missing, grant));
            }
        }
        // All scopes that the call needs and not only the missing ones: clients ask for just what they are told.
        Err(
            asked.map_or(Refused::Hidden, |(_, grant)| Refused::Forbidden {
                scopes: grant.who.scopes.clone(),
            }),
        )
    }

    /// Whether every list is empty for a caller who would see more after signing in.
    pub(crate) fn shows_nothing(&self, caller: &Caller) -> bool {
        self.is_closed && self.signing_in_helps && caller.identity().is_none()
    }

    /// What a caller is told of something that is not there for them. Somebody unknown is asked to sign in whether it
    /// exists or not, and so learns nothing.
    pub(crate) fn refusal_of_unknown(&self, caller: &Caller) -> Refused {
        if caller.identity().is_none() && self.signing_in_helps {
            Refused::Unauthenticated
        } else {
            Refused::Hidden
        }
    }

    /// Each kind of callers that the rules name, and how many tools they open to it: for people.
    pub fn kinds(&self) -> Vec<(&Who, usize)> {
        let count = |number| {
            let grant = GrantSet::of(number);
            let mut held = ANYONE;
            if number > 0 {
                held.add(SIGNED_IN);
                held.add(grant);
            }
            self.tools.iter().filter(|set| set.overlaps(held)).count()
        };
        let grants = self.grants.iter().enumerate();
        grants
            .map(|(number, grant)| (&grant.who, count(number)))
            .collect()
    }
}

impl Refused {
    /// As an error, where `hidden` is what a thing that does not exist gives.
    pub(crate) fn or(self, hidden: impl FnOnce() -> CallError) -> CallError {
        match self {
            Self::Hidden => hidden(),
            Self::Unauthenticated => CallError::Unauthenticated,
            Self::Forbidden { scopes } => CallError::Forbidden { scopes },
        }
    }
}

impl Grant {
    fn holds(&self, identity: &Identity) -> bool {
        self.missing(identity) == 0 && self.who.matches_but_for_scopes(identity)
    }

    /// How many scopes are missing.
    fn missing(&self, identity: &Identity) -> usize {
        let is_there = |makers: &&BTreeSet<String>| !makers.is_disjoint(&identity.scopes);
        self.scopes.len() - self.scopes.iter().filter(is_there).count()
    }
}

struct Builder<'c> {
    grants: Vec<Grant>,
    implied: &'c BTreeMap<String, Vec<String>>,
    mistakes: Vec<RuleMistake>,
}

impl Builder<'_> {
    /// The grant of these callers, which is one however often they are named.
    fn grant(&mut self, who: &Who) -> GrantSet {
        if let Some(known) = self.grants.iter().position(|grant| grant.who == *who) {
            return GrantSet::of(known);
        }
        if self.grants.len() == GRANTS_MAX {
            if !self.mistakes.contains(&RuleMistake::TooManyKinds) {
                self.mistakes.push(RuleMistake::TooManyKinds);
            }
            return GrantSet::default();
        }
        let makers = |scope: &String| who::makers(scope, self.implied);
        self.grants.push(Grant {
            scopes: who.scopes.iter().map(makers).collect(),
            who: who.clone(),
        });
        GrantSet::of(self.grants.len() - 1)
    }

    fn callers(&mut self, key: &str, rule: &AccessRule) -> GrantSet {
        let mut opened = GrantSet::default();
        for (number, who) in rule.callers.iter().enumerate() {
            let key = format!("{key}.callers[{number}]");
            let is_everybody = who.anyone || who.signed_in;
            if who.names_something() == is_everybody || (who.anyone && who.signed_in) {
                self.mistakes.push(if is_everybody {
                    RuleMistake::NotAlone { key }
                } else {
                    RuleMistake::EmptyWho { key }
                });
                continue;
            }
            for scope in who.scopes.iter().filter(|scope| !is_scope(scope)) {
                self.mistakes.push(RuleMistake::BadScope {
                    key: format!("{key}.scopes"),
                    scope: scope.clone(),
                });
            }
            opened.add(self.grant(who));
        }
        opened
    }

    fn check_patterns(
        &mut self,
        key: &str,
        rule: &AccessRule,
        tools: &[Candidate<'_>],
        sources: &[&str],
    ) {
        if rule.tools.is_empty() {
            self.mistakes.push(RuleMistake::NoTools {
                key: key.to_owned(),
            });
        }
        let found = pattern::check(key, &rule.tools, tools, sources);
        self.mistakes.extend(found);
    }

    /// Alternatives of scopes, as a document gives them.
    fn document_scopes(&mut self, alternatives: &[Vec<String>]) -> GrantSet {
        let mut opened = GrantSet::default();
        // A document can name what no token can have; that opens nothing.
        let possible = |scopes: &&Vec<String>| scopes.iter().all(|scope| is_scope(scope));
        for scopes in alternatives.iter().filter(possible) {
            opened.add(self.grant(&Who {
                scopes: scopes.clone(),
                signed_in: scopes.is_empty(),
                ..Who::default()
            }));
        }
        opened
    }
}

/// The caller with these scopes as well.
fn with_scopes(caller: &Caller, scopes: &[String]) -> Caller {
    let mut identity = caller.identity().cloned().unwrap_or_default();
    identity.scopes.extend(scopes.iter().cloned());
    Caller::known(identity)
}

/// RFC 6749, section 3.3.
fn is_scope(scope: &str) -> bool {
    let legal = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !scope.is_empty() && scope.bytes().all(legal)
}
