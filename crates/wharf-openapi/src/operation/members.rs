//! The properties of an object body, collected from everything its schema is made of.

use std::borrow::Cow;

use wharf_model::{HashMap, JsonKind, Slice};

use crate::reference::Resolver;
use crate::schema::{Keyword, Keywords, members_once};

/// How deep compositions are looked into.
const DEPTH_MAX: usize = 32;

/// A tool with more arguments than this is better called with one object.
const MEMBERS_MAX: usize = 512;

/// How many schemas are looked at for one body.
const SCHEMAS_MAX: usize = 2000;

/// What a list of members cannot say.
const CONDITIONS: [Keyword; 10] = [
    Keyword::AnyOf,
    Keyword::OneOf,
    Keyword::Not,
    Keyword::If,
    Keyword::DependentRequired,
    Keyword::DependentSchemas,
    Keyword::MinProperties,
    Keyword::MaxProperties,
    Keyword::PropertyNames,
    Keyword::PatternProperties,
];

/// The properties that a body is known to have.
#[derive(Debug, Clone, Default)]
pub(crate) struct ObjectMembers<'d> {
    pub(super) members: Vec<Member<'d>>,
    pub(super) rest: Openness<'d>,
    /// A keyword that says of the object as a whole what its members cannot say one by one.
    pub(super) condition: Option<Keyword>,
}

/// One property; a composition may describe it several times, and then all of it counts.
#[derive(Debug, Clone)]
pub(crate) struct Member<'d> {
    pub(super) name: Cow<'d, str>,
    pub(super) schemas: Vec<Slice<'d>>,
    pub(super) required: bool,
}

/// Whether an object may have members that it does not name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Openness<'d> {
    /// It does not say so, and then a misspelt argument is more likely than a further member.
    #[default]
    Closed,
    /// Any.
    Any,
    /// Those that a schema accepts.
    Schema(Slice<'d>),
}

impl<'d> ObjectMembers<'d> {
    /// None when the properties cannot be known: alternatives, maps, and what is no object.
    pub(super) fn of(resolver: &Resolver<'d>, schema: Slice<'d>) -> Option<Self> {
        let Some(reference) = Keywords::of(schema).lone_reference() else {
            return Self::collected(resolver, schema);
        };
        let (target, _) = resolver.schema(reference).ok()?;
        let start = resolver.document().span_of(target).start();
        let mut bodies = resolver.bodies.borrow_mut();
        bodies
            .entry(start)
            .or_insert_with(|| Self::collected(resolver, schema))
            .clone()
    }

    fn collected(resolver: &Resolver<'d>, schema: Slice<'d>) -> Option<Self> {
        let mut collector = Collector {
            resolver,
            places: HashMap::default(),
            found: Self::default(),
            required: Vec::new(),
            alternatives: Vec::new(),
            absent: Vec::new(),
            closed: false,
            looked_at: 0,
        };
        collector.collect(schema, 0)?;
        collector.finish()
    }
}

struct Collector<'r, 'd> {
    resolver: &'r Resolver<'d>,
    places: HashMap<Cow<'d, str>, usize>,
    found: ObjectMembers<'d>,
    required: Vec<Cow<'d, str>>,
    /// Schemas that apply only sometimes; they may say nothing new about which members there are.
    alternatives: Vec<Slice<'d>>,
    /// Members that exist only in results.
    absent: Vec<Cow<'d, str>>,
    /// Some schema says outright that there are no further members.
    closed: bool,
    looked_at: usize,
}

impl<'d> Collector<'_, 'd> {
    fn collect(&mut self, schema: Slice<'d>, depth: usize) -> Option<()> {
        self.looked_at += 1;
        if depth > DEPTH_MAX || self.looked_at > SCHEMAS_MAX || schema.kind() != JsonKind::Object {
            return None;
        }
        let keywords = Keywords::of(schema);
        if let Some(reference) = keywords.reference() {
            let (target, _) = self.resolver.schema(reference).ok()?;
            self.collect(target, depth + 1)?;
            if self.resolver.document().version().has_lone_references() {
                return Some(());
            }
        }
        let (types, odd) = keywords.types();
        if odd || !(types.is_empty() || types.contains(&"object")) {
            return None;
        }
        for part in items(&keywords, Keyword::AllOf) {
            self.collect(part, depth + 1)?;
        }
        for keyword in [Keyword::AnyOf, Keyword::OneOf] {
            self.alternatives.extend(items(&keywords, keyword));
        }
        for keyword in [Keyword::Then, Keyword::Else, Keyword::DependentSchemas] {
            self.alternatives.extend(keywords.get(keyword));
        }
        let condition = CONDITIONS
            .into_iter()
            .find(|keyword| keywords.has(*keyword));
        self.found.condition = self.found.condition.or(condition);
        self.properties(&keywords)?;
        self.openness(&keywords);
        Some(())
    }

    fn properties(&mut self, keywords: &Keywords<'d>) -> Option<()> {
        if let Some(properties) = keywords.get(Keyword::Properties) {
            for (name, schema) in members_once(properties) {
                if self.resolver.flags(&Keywords::of(schema)).read_only {
                    self.absent.push(name);
                } else {
                    self.property(name, Some(schema))?;
                }
            }
        }
        if let Some(required) = keywords.get(Keyword::Required) {
            self.required
                .extend(required.each_item().filter_map(Slice::text));
        }
        Some(())
    }

    fn property(&mut self, name: Cow<'d, str>, schema: Option<Slice<'d>>) -> Option<()> {
        let members = &mut self.found.members;
        let place = *self.places.entry(name.clone()).or_insert_with(|| {
            members.push(Member {
                name,
                schemas: Vec::new(),
                required: false,
            });
            members.len() - 1
        });
        let schemas = &mut members[place].schemas;
        if let Some(schema) = schema
            && !schemas.contains(&schema)
        {
            schemas.push(schema);
        }
        (members.len() <= MEMBERS_MAX).then_some(())
    }

    fn openness(&mut self, keywords: &Keywords<'d>) {
        let rest = keywords
            .get(Keyword::AdditionalProperties)
            .or(keywords.get(Keyword::UnevaluatedProperties));
        let has_patterns = keywords.has(Keyword::PatternProperties);
        match rest.map(|rest| (rest, rest.boolean())) {
            // What the patterns permit is permitted all the same; the upstream is the judge of which that is.
            Some((_, Some(false))) if has_patterns => {}
            Some((_, Some(false))) => self.closed = true,
            Some((_, Some(true))) => self.found.rest = Openness::Any,
            Some((schema, None)) if schema.kind() == JsonKind::Object => {
                self.found.rest = if schema.each_member().next().is_none() {
                    Openness::Any
                } else {
                    Openness::Schema(schema)
                };
            }
            _ => {}
        }
        if has_patterns {
            self.found.rest = Openness::Any;
        }
    }

    fn finish(mut self) -> Option<ObjectMembers<'d>> {
        let open = !matches!(self.found.rest, Openness::Closed);
        if self.found.members.is_empty() && self.absent.is_empty() && (open || !self.closed) {
            return None;
        }
        if self.closed {
            self.found.rest = Openness::Closed;
        }
        for name in std::mem::take(&mut self.required) {
            if self.absent.contains(&name) {
                continue;
            }
            // Some documents require what they do not describe.
            self.property(name.clone(), None)?;
            let place = self.places[&name];
            self.found.members[place].required = true;
        }
        let alternatives = std::mem::take(&mut self.alternatives);
        for alternative in alternatives {
            if !self.says_nothing_new(alternative) {
                return None;
            }
        }
        Some(self.found)
    }

    /// Whether an alternative only chooses among the members that are known: `{"required": ["a"]}`.
    fn says_nothing_new(&self, alternative: Slice<'d>) -> bool {
        let keywords = Keywords::of(alternative);
        let is_object = keywords.types().0.iter().all(|name| *name == "object");
        let known = |(name, _): (Cow<'d, str>, _)| {
            self.places.contains_key(&name) || self.absent.contains(&name)
        };
        is_object
            && keywords.only(&[
                Keyword::Required,
                Keyword::Type,
                Keyword::Title,
                Keyword::Description,
                Keyword::Properties,
                Keyword::Not,
            ])
            && keywords
                .get(Keyword::Properties)
                .into_iter()
                .flat_map(Slice::each_member)
                .all(known)
    }
}

fn items<'d>(
    keywords: &Keywords<'d>,
    keyword: Keyword,
) -> impl Iterator<Item = Slice<'d>> + use<'d> {
    keywords.get(keyword).into_iter().flat_map(Slice::each_item)
}
