//! Keywords that hold further schemas.

use std::borrow::Cow;

use wharf_model::{HashSet, JsonKind, Slice};

use super::Converter;
use crate::schema::around::{Around, beside};
use crate::schema::keywords::{Keyword, Keywords, members_once};
use crate::schema::{Direction, Fragment, Place};

impl<'d> Converter<'_, '_, 'd> {
    /// Keywords about items.
    pub(super) fn array(
        &mut self,
        fragment: &mut Fragment,
        schema: &Keywords<'d>,
        place: &Place<'_>,
        is_array: bool,
    ) {
        let inner = Around::default();
        // Before 2020-12 a list of schemas under `items` was what `prefixItems` is now.
        let items = schema.get(Keyword::Items);
        let listed = items.filter(|items| items.kind() == JsonKind::Array);
        let prefix = schema.get(Keyword::PrefixItems).or(listed);
        if let Some(prefix) = prefix.filter(|prefix| prefix.each_item().next().is_some()) {
            fragment.writer.key(Keyword::PrefixItems.name());
            fragment.writer.open_array();
            self.list(fragment, prefix, &inner, &place.down("prefixItems"));
            fragment.writer.close_array();
        }
        match items.filter(|_| listed.is_none()) {
            Some(items) => self.one(fragment, Keyword::Items, items, &inner, place),
            // Model providers refuse an array that does not say what it holds.
            None if is_array && prefix.is_none() => {
                fragment.writer.key(Keyword::Items.name());
                fragment.writer.raw("{}");
            }
            None => {}
        }
        for keyword in [Keyword::Contains, Keyword::UnevaluatedItems] {
            if let Some(inside) = schema.get(keyword) {
                self.one(fragment, keyword, inside, &inner, place);
            }
        }
    }

    /// Keywords about properties.
    pub(super) fn properties(
        &mut self,
        fragment: &mut Fragment,
        schema: &Keywords<'d>,
        around: &Around<'_>,
        place: &Place<'_>,
    ) {
        let mut absent = around.absent.to_vec();
        if let Some(properties) = schema.get(Keyword::Properties)
            && properties.kind() == JsonKind::Object
        {
            let inside = place.down("properties");
            fragment.writer.key(Keyword::Properties.name());
            fragment.writer.open_object();
            for (name, property) in members_once(properties) {
                let keywords = Keywords::of(property);
                if self.is_absent(&keywords) {
                    absent.push(name.into_owned());
                    continue;
                }
                fragment.writer.key(&name);
                let around = Around {
                    name: &name,
                    ..Around::default()
                };
                let place = inside.down(&name);
                if property.kind() == JsonKind::Object {
                    self.keywords(fragment, keywords, &around, &place);
                } else {
                    self.schema(fragment, property, &around, &place);
                }
            }
            fragment.writer.close_object();
        }
        self.required(fragment, schema, &absent, place);
        let patterns_dropped = self.pattern_properties(fragment, schema, place);
        let inner = Around::default();
        for keyword in [
            Keyword::AdditionalProperties,
            Keyword::UnevaluatedProperties,
        ] {
            match schema.get(keyword) {
                // What is true anyway need not be said.
                Some(rest) if rest.boolean() == Some(true) || rest.as_str() == "{}" => {}
                Some(_) if patterns_dropped => {}
                Some(rest) if rest.boolean() == Some(false) => {
                    fragment.writer.key(keyword.name());
                    fragment.writer.raw("false");
                }
                Some(rest) => self.one(fragment, keyword, rest, &inner, place),
                None => {}
            }
        }
        if let Some(names) = schema.get(Keyword::PropertyNames) {
            self.one(fragment, Keyword::PropertyNames, names, &inner, place);
        }
        self.dependents(fragment, schema, around, place);
    }

    fn is_absent(&self, property: &Keywords<'d>) -> bool {
        let flags = self.schemas.resolver.flags(property);
        match self.schemas.direction {
            Direction::Input => flags.read_only,
            Direction::Output => flags.write_only,
        }
    }

    fn required(
        &mut self,
        fragment: &mut Fragment,
        schema: &Keywords<'d>,
        absent: &[String],
        place: &Place<'_>,
    ) {
        let Some(required) = schema.get(Keyword::Required) else {
            return;
        };
        if required.kind() != JsonKind::Array {
            // A flag at the property itself, as at parameters, is a common slip and says nothing here.
            if required.kind() != JsonKind::Boolean {
                self.schemas
                    .note(place, "`required` is no list of names, so it is left out");
            }
            return;
        }
        let mut seen: HashSet<Cow<'_, str>> =
            absent.iter().map(|name| name.as_str().into()).collect();
        let names: Vec<_> = required
            .each_item()
            .filter_map(Slice::text)
            .filter(|name| seen.insert(name.clone()))
            .collect();
        if names.is_empty() {
            return;
        }
        fragment.writer.key(Keyword::Required.name());
        fragment.writer.open_array();
        for name in names {
            fragment.writer.text(&name);
        }
        fragment.writer.close_array();
    }

    /// Whether an entry had to be dropped: then "all other properties" would mean too many.
    fn pattern_properties(
        &mut self,
        fragment: &mut Fragment,
        schema: &Keywords<'d>,
        place: &Place<'_>,
    ) -> bool {
        let Some(patterns) = schema.get(Keyword::PatternProperties) else {
            return false;
        };
        let inside = place.down("patternProperties");
        let mut dropped = false;
        fragment.writer.key(Keyword::PatternProperties.name());
        fragment.writer.open_object();
        for (pattern, property) in members_once(patterns) {
            if self.schemas.patterns.valid(&pattern) {
                fragment.writer.key(&pattern);
                self.schema(
                    fragment,
                    property,
                    &Around::default(),
                    &inside.down(&pattern),
                );
            } else {
                let text = "is no regular expression that is understood, so it is left out";
                self.schemas.note(&inside.down(&pattern), text);
                dropped = true;
            }
        }
        fragment.writer.close_object();
        dropped
    }

    fn dependents(
        &mut self,
        fragment: &mut Fragment,
        schema: &Keywords<'d>,
        around: &Around<'_>,
        place: &Place<'_>,
    ) {
        if let Some(lists) = schema.get(Keyword::DependentRequired)
            && lists.kind() == JsonKind::Object
        {
            fragment.writer.key(Keyword::DependentRequired.name());
            fragment.writer.open_object();
            for (name, needed) in members_once(lists) {
                fragment.writer.key(&name);
                fragment.writer.open_array();
                let mut seen = HashSet::default();
                for name in needed.each_item().filter_map(Slice::text) {
                    if seen.insert(name.clone()) {
                        fragment.writer.text(&name);
                    }
                }
                fragment.writer.close_array();
            }
            fragment.writer.close_object();
        }
        if let Some(dependents) = schema.get(Keyword::DependentSchemas)
            && dependents.kind() == JsonKind::Object
        {
            let inside = place.down("dependentSchemas");
            let inner = beside(around, around.absent);
            fragment.writer.key(Keyword::DependentSchemas.name());
            fragment.writer.open_object();
            for (name, dependent) in members_once(dependents) {
                fragment.writer.key(&name);
                self.schema(fragment, dependent, &inner, &inside.down(&name));
            }
            fragment.writer.close_object();
        }
    }

    /// `allOf` and its like: schemas for the same value.
    pub(super) fn compositions(
        &mut self,
        fragment: &mut Fragment,
        schema: &Keywords<'d>,
        around: &Around<'_>,
        place: &Place<'_>,
    ) {
        let absent = self.absent_of(schema, around);
        let inner = beside(around, &absent);
        let mut alternatives = schema.get(Keyword::AnyOf);
        let all_of = schema.get(Keyword::AllOf);
        let mut one_of = schema.get(Keyword::OneOf);
        if alternatives.is_none() {
            // Variants overlap in practice, and a value that fits two of them is sent without harm.
            alternatives = one_of.take();
        }
        for (keyword, schemas) in [
            (Keyword::AllOf, all_of),
            (Keyword::AnyOf, alternatives),
            (Keyword::OneOf, one_of),
        ] {
            let Some(schemas) = schemas.filter(|schemas| schemas.each_item().next().is_some())
            else {
                continue;
            };
            fragment.writer.key(keyword.name());
            fragment.writer.open_array();
            self.list(fragment, schemas, &inner, &place.down(keyword.name()));
            fragment.writer.close_array();
        }
        if self.schemas.direction == Direction::Input {
            discriminator(fragment, schema);
        }
        for keyword in [Keyword::Not, Keyword::If, Keyword::Then, Keyword::Else] {
            if let Some(inside) = schema.get(keyword) {
                self.one(fragment, keyword, inside, &inner, place);
            }
        }
    }

    /// The properties that do not exist here, by this schema or those it is made of: a sibling may still require them.
    fn absent_of(&self, schema: &Keywords<'d>, around: &Around<'_>) -> Vec<String> {
        let mut absent = around.absent.to_vec();
        let Some(all_of) = schema.get(Keyword::AllOf) else {
            return absent;
        };
        let resolver = self.schemas.resolver;
        let parts = all_of
            .each_item()
            .filter_map(|part| resolver.read::<Keywords<'d>>(part).ok());
        let own = schema.get(Keyword::Properties);
        let inherited = parts.filter_map(|part| part.get(Keyword::Properties));
        for properties in own.into_iter().chain(inherited) {
            for (name, property) in properties.each_member() {
                if self.is_absent(&Keywords::of(property)) {
                    absent.push(name.into_owned());
                }
            }
        }
        absent
    }

    fn one(
        &mut self,
        fragment: &mut Fragment,
        keyword: Keyword,
        schema: Slice<'d>,
        around: &Around<'_>,
        place: &Place<'_>,
    ) {
        fragment.writer.key(keyword.name());
        self.schema(fragment, schema, around, &place.down(keyword.name()));
    }

    pub(super) fn list(
        &mut self,
        fragment: &mut Fragment,
        schemas: Slice<'d>,
        around: &Around<'_>,
        place: &Place<'_>,
    ) {
        for (number, schema) in schemas.each_item().enumerate() {
            self.schema(fragment, schema, around, &place.item(number));
        }
    }
}

/// The property that tells variants apart must be given (OpenAPI 3.1 §4.8.25), as one of the values that the document
/// maps; many documents say neither in the variants themselves.
fn discriminator(fragment: &mut Fragment, schema: &Keywords<'_>) {
    let variants = schema.get(Keyword::OneOf).or(schema.get(Keyword::AnyOf));
    let (Some(variants), Some(discriminator)) = (variants, schema.get(Keyword::Discriminator))
    else {
        return;
    };
    // 3.2: without the property it is the default variant.
    let is_optional = discriminator.get("defaultMapping").is_some();
    let is_taken = schema.has(Keyword::Properties) || schema.has(Keyword::Required);
    let Some(property) = discriminator.get("propertyName").and_then(Slice::text) else {
        return;
    };
    if is_optional || is_taken {
        return;
    }
    let mapping = discriminator.get("mapping");
    let values = mapping.map(members_once).unwrap_or_default();
    // What is not mapped goes by the name of its schema, which documents often do not keep to.
    if !values.is_empty() && values.len() >= variants.each_item().count() {
        fragment.writer.key(Keyword::Properties.name());
        fragment.writer.open_object();
        fragment.writer.key(&property);
        fragment.writer.open_object();
        fragment.writer.key(Keyword::Enum.name());
        fragment.writer.open_array();
        for (value, _) in &values {
            fragment.writer.text(value);
        }
        fragment.writer.close_array();
        fragment.writer.close_object();
        fragment.writer.close_object();
    }
    fragment.writer.key(Keyword::Required.name());
    fragment.writer.open_array();
    fragment.writer.text(&property);
    fragment.writer.close_array();
}
