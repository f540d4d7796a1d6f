//! One schema, from OpenAPI 3.0's or 3.1's dialect to draft 2020-12.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;
use wharf_model::{JsonKind, Slice};

use super::keywords::{Keyword, Keywords, members_once};
use super::{Direction, Fragment, Place, Schemas};
use crate::document::Version;
use crate::reference::Unresolved;
use crate::writer::{Writer, depth_of};

/// Levels that must be free below a schema for it to be written.
const ROOM: usize = 8;

/// What the place of a schema adds to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Around<'a> {
    /// The property that the schema describes; a title that only repeats it is dropped.
    name: &'a str,
    /// Stands in for the schema's own description.
    description: Option<Cow<'a, str>>,
    /// Put behind the description.
    addition: Option<&'a str>,
    /// Said of the place itself.
    deprecated: bool,
    /// The schema applies to the same value as the definition that contains it.
    in_place: bool,
    /// Properties that do not exist in this direction, by a schema around this one.
    absent: &'a [String],
}

impl<'a> Around<'a> {
    /// The surroundings of a definition's own schema.
    pub(super) fn definition() -> Self {
        Self {
            in_place: true,
            ..Self::default()
        }
    }

    /// The surroundings of an argument's schema: what the parameter says that the schema may leave unsaid.
    pub(crate) fn argument(
        name: &'a str,
        description: Option<Cow<'a, str>>,
        addition: Option<&'a str>,
        deprecated: bool,
    ) -> Self {
        Self {
            name,
            description,
            addition,
            deprecated,
            ..Self::default()
        }
    }

    /// Writes what the place says where there is no schema to say it with.
    pub(crate) fn write(&self, writer: &mut Writer) {
        annotations(writer, &Keywords::default(), self);
    }
}

/// Writes one schema and the schemas in it.
pub(super) struct Converter<'s, 'r, 'd> {
    schemas: &'s mut Schemas<'r, 'd>,
    /// The definition that is being converted.
    current: Option<usize>,
}

impl<'s, 'r, 'd> Converter<'s, 'r, 'd> {
    pub(super) fn new(schemas: &'s mut Schemas<'r, 'd>, current: Option<usize>) -> Self {
        Self { schemas, current }
    }

    pub(super) fn schema(
        &mut self,
        fragment: &mut Fragment,
        schema: Slice<'d>,
        around: &Around<'_>,
        place: &Place<'_>,
    ) {
        match schema.kind() {
            JsonKind::Object => {
                self.keywords(fragment, Keywords::of(schema), around, place);
            }
            JsonKind::Boolean => {
                // The forms that every reader of schemas takes.
                let accepts = schema.boolean() == Some(true);
                fragment
                    .writer
                    .raw(if accepts { "{}" } else { r#"{"not":{}}"# });
            }
            _ => {
                self.schemas
                    .note(place, "is no schema, so anything is accepted here");
                fragment.writer.raw("{}");
            }
        }
    }

    /// Writes a root schema with its own members, whatever it is.
    pub(super) fn members(
        &mut self,
        fragment: &mut Fragment,
        schema: Slice<'d>,
        place: &Place<'_>,
    ) {
        self.object(
            fragment,
            &Keywords::of(schema),
            &Around::default(),
            place,
            &[],
        );
    }

    fn keywords(
        &mut self,
        fragment: &mut Fragment,
        mut schema: Keywords<'d>,
        around: &Around<'_>,
        place: &Place<'_>,
    ) {
        if fragment.writer.depth_left() < ROOM {
            self.schemas
                .note(place, "is nested too deeply, so anything is accepted here");
            fragment.writer.raw("{}");
            return;
        }
        if schema.has(Keyword::Ref) && self.schemas.resolver.document().version() == Version::V30 {
            // In 3.0 nothing counts beside a reference; documents mean these three all the same.
            schema.keep(&[
                Keyword::Ref,
                Keyword::Description,
                Keyword::Deprecated,
                Keyword::Nullable,
            ]);
        }
        lift_single(&mut schema);
        if !schema.is_true(Keyword::Nullable) {
            self.object(fragment, &schema, around, place, &[]);
            return;
        }
        schema.drop(Keyword::Nullable);
        self.nullable(fragment, schema, around, place);
    }

    /// A schema of which `nullable` was taken away.
    fn nullable(
        &mut self,
        fragment: &mut Fragment,
        mut schema: Keywords<'d>,
        around: &Around<'_>,
        place: &Place<'_>,
    ) {
        let composed = [
            Keyword::Ref,
            Keyword::AllOf,
            Keyword::AnyOf,
            Keyword::OneOf,
            Keyword::Not,
            Keyword::If,
            Keyword::Const,
        ]
        .into_iter()
        .any(|keyword| schema.has(keyword));
        if !composed {
            self.object(fragment, &schema, around, place, &["null"]);
            return;
        }
        // A composition cannot be told to accept null too, so it becomes one of two alternatives.
        let writer = &mut fragment.writer;
        writer.open_object();
        annotations(writer, &schema, around);
        writer.key("anyOf");
        writer.open_array();
        for annotation in [
            Keyword::Title,
            Keyword::Description,
            Keyword::Default,
            Keyword::Deprecated,
        ] {
            schema.drop(annotation);
        }
        let inner = Around {
            in_place: around.in_place,
            absent: around.absent,
            ..Around::default()
        };
        let alternatives = schema.get(Keyword::AnyOf).or(schema.get(Keyword::OneOf));
        match alternatives {
            Some(alternatives)
                if schema.only(&[Keyword::AnyOf]) || schema.only(&[Keyword::OneOf]) =>
            {
                self.list(fragment, alternatives, &inner, &place.down("anyOf"));
            }
            _ => self.object(fragment, &schema, &inner, place, &[]),
        }
        fragment.writer.raw(r#"{"type":"null"}"#);
        fragment.writer.close_array();
        fragment.writer.close_object();
    }

    /// The object with all keywords, where `also` are further types of a value.
    fn object(
        &mut self,
        fragment: &mut Fragment,
        schema: &Keywords<'d>,
        around: &Around<'_>,
        place: &Place<'_>,
        also: &[&'static str],
    ) {
        fragment.writer.open_object();
        self.reference(fragment, schema, around, place);
        let types = self.types(fragment, schema, place, also);
        annotations(&mut fragment.writer, schema, around);
        self.values(fragment, schema, place, !also.is_empty());
        self.bounds(fragment, schema, place);
        self.array(fragment, schema, place, types.contains(&"array"));
        self.properties(fragment, schema, around, place);
        self.compositions(fragment, schema, around, place);
        fragment.writer.close_object();
    }

    fn reference(
        &mut self,
        fragment: &mut Fragment,
        schema: &Keywords<'d>,
        around: &Around<'_>,
        place: &Place<'_>,
    ) {
        let Some(reference) = schema.get(Keyword::Ref) else {
            return;
        };
        let Some(reference) = reference.text() else {
            self.schemas
                .note(place, "`$ref` is no text, so it is left out");
            return;
        };
        let resolver = self.schemas.resolver;
        match resolver.schema(&reference) {
            Ok((target, reference)) => {
                let start = resolver.document().span_of(target).start();
                let id = self.schemas.definitions.id(start, target, &reference);
                if around.in_place
                    && let Some(current) = self.current
                    && self.schemas.definitions.is_cut(current, id)
                {
                    self.schemas.note(
                        place,
                        format!("refers to `{reference}` in a circle without end, so the reference is left out"),
                    );
                    return;
                }
                fragment.reach(id, around.in_place);
                let target = format!("#/$defs/{}", self.schemas.definitions.name(id));
                fragment.writer.member("$ref", &target);
            }
            Err(external @ Unresolved::External(_)) => {
                fragment.external.get_or_insert(external);
            }
            Err(dangling) => {
                self.schemas
                    .note(place, format!("{dangling}; anything is accepted here"));
            }
        }
    }

    fn types(
        &mut self,
        fragment: &mut Fragment,
        schema: &Keywords<'d>,
        place: &Place<'_>,
        also: &[&'static str],
    ) -> Vec<&'static str> {
        let (mut types, odd) = schema.types();
        if odd {
            let text = "`type` names none of JSON Schema's types, so it is left out";
            self.schemas.note(place, text);
            // Of a list the known types alone would refuse what the unknown one allows.
            types.clear();
        }
        if types.is_empty() {
            return types;
        }
        for name in also {
            if !types.contains(name) {
                types.push(name);
            }
        }
        fragment.writer.key("type");
        if let [only] = types[..] {
            fragment.writer.text(only);
        } else {
            fragment.writer.open_array();
            for name in &types {
                fragment.writer.text(name);
            }
            fragment.writer.close_array();
        }
        types
    }

    /// `enum` and `const`.
    fn values(
        &mut self,
        fragment: &mut Fragment,
        schema: &Keywords<'d>,
        place: &Place<'_>,
        nullable: bool,
    ) {
        if let Some(values) = schema.get(Keyword::Enum) {
            let mut seen = HashSet::new();
            let mut texts: Vec<String> = values
                .each_item()
                .filter(|value| sound(*value, fragment.writer.depth_left()))
                .map(compact)
                .filter(|text| seen.insert(text.clone()))
                .collect();
            if nullable && !texts.is_empty() && !seen.contains("null") {
                texts.push("null".to_owned());
            }
            if texts.is_empty() {
                self.schemas
                    .note(place, "`enum` lists no values, so it is left out");
            } else {
                fragment.writer.key("enum");
                fragment.writer.open_array();
                for text in texts {
                    fragment.writer.raw(&text);
                }
                fragment.writer.close_array();
            }
        }
        if let Some(value) = schema.get(Keyword::Const)
            && sound(value, fragment.writer.depth_left())
        {
            fragment.writer.key("const");
            fragment.writer.value(value);
        }
    }

    /// Keywords with a number or a text.
    fn bounds(&mut self, fragment: &mut Fragment, schema: &Keywords<'d>, place: &Place<'_>) {
        for (keyword, exclusive) in [
            (Keyword::Maximum, Keyword::ExclusiveMaximum),
            (Keyword::Minimum, Keyword::ExclusiveMinimum),
        ] {
            let inclusive = schema.get(keyword).filter(|value| number(*value).is_some());
            match schema.get(exclusive) {
                // 3.0: a flag beside the bound. From 3.1 on it is a bound of its own.
                Some(flag) if flag.boolean() == Some(true) => {
                    if let Some(bound) = inclusive {
                        fragment.writer.key(exclusive.name());
                        fragment.writer.value(bound);
                    }
                    continue;
                }
                Some(bound) if number(bound).is_some() => {
                    fragment.writer.key(exclusive.name());
                    fragment.writer.value(bound);
                }
                _ => {}
            }
            if let Some(bound) = inclusive {
                fragment.writer.key(keyword.name());
                fragment.writer.value(bound);
            }
        }
        if let Some(step) = schema.get(Keyword::MultipleOf)
            && number(step).is_some_and(|step| step > 0.0)
        {
            fragment.writer.key(Keyword::MultipleOf.name());
            fragment.writer.value(step);
        }
        for keyword in [
            Keyword::MinLength,
            Keyword::MaxLength,
            Keyword::MinItems,
            Keyword::MaxItems,
            Keyword::MinContains,
            Keyword::MaxContains,
            Keyword::MinProperties,
            Keyword::MaxProperties,
        ] {
            if let Some(count) = schema.get(keyword).and_then(count) {
                fragment.writer.key(keyword.name());
                fragment.writer.raw(&count.to_string());
            }
        }
        if schema.is_true(Keyword::UniqueItems) {
            fragment.writer.key(Keyword::UniqueItems.name());
            fragment.writer.raw("true");
        }
        for keyword in [
            Keyword::Format,
            Keyword::ContentEncoding,
            Keyword::ContentMediaType,
        ] {
            if let Some(text) = schema.text(keyword) {
                fragment.writer.member(keyword.name(), &text);
            }
        }
        if let Some(pattern) = schema.text(Keyword::Pattern) {
            if self.schemas.patterns.valid(&pattern) {
                fragment.writer.member(Keyword::Pattern.name(), &pattern);
            } else {
                let text =
                    "`pattern` is no regular expression that is understood, so it is left out";
                self.schemas.note(place, text);
            }
        }
    }

    /// Keywords about items.
    fn array(
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
    fn properties(
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
                let mut seen = HashSet::new();
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
    fn compositions(
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

    fn list(
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

/// `allOf` with one reference is how 3.0 documents put a description beside a reference.
fn lift_single(schema: &mut Keywords<'_>) {
    let Some(all_of) = schema.get(Keyword::AllOf) else {
        return;
    };
    let mut parts = all_of.each_item();
    let (Some(part), None) = (parts.next(), parts.next()) else {
        return;
    };
    if part.kind() != JsonKind::Object || schema.has(Keyword::Ref) {
        return;
    }
    let alone = Keywords::of(part);
    if alone.reference().is_some() && alone.only(&[Keyword::Ref]) {
        schema.drop(Keyword::AllOf);
        schema.put(Keyword::Ref, alone.get(Keyword::Ref));
    }
}

/// The surroundings of a schema for the same value.
fn beside<'a>(around: &Around<'_>, absent: &'a [String]) -> Around<'a> {
    Around {
        in_place: around.in_place,
        absent,
        ..Around::default()
    }
}

/// Title, description and their like.
fn annotations(writer: &mut Writer, schema: &Keywords<'_>, around: &Around<'_>) {
    if let Some(title) = schema.text(Keyword::Title)
        && !repeats(&title, around.name)
    {
        writer.member("title", &title);
    }
    let own = schema.text(Keyword::Description);
    let description = own.as_ref().or(around.description.as_ref());
    match (description, around.addition) {
        (Some(description), Some(addition)) => {
            writer.member("description", &format!("{description} {addition}"));
        }
        (Some(text), None) => writer.member("description", text),
        (None, Some(text)) => writer.member("description", text),
        (None, None) => {}
    }
    if let Some(value) = schema.get(Keyword::Default)
        && sound(value, writer.depth_left())
    {
        writer.key("default");
        writer.value(value);
    }
    if around.deprecated || schema.is_true(Keyword::Deprecated) {
        writer.key("deprecated");
        writer.raw("true");
    }
}

/// Whether a title says no more than the property's name: `Pet Id` of `pet_id`.
fn repeats(title: &str, name: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars()
            .filter(|character| character.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    !name.is_empty() && letters(title) == letters(name)
}

/// Whether a value can be taken over as it is: some JSON (lone surrogates, `1e999`) is refused by common readers.
fn sound(value: Slice<'_>, depth_left: usize) -> bool {
    match value.kind() {
        JsonKind::Null | JsonKind::Boolean => true,
        JsonKind::Number => number(value).is_some(),
        JsonKind::String => !value.as_str().contains("\\u") || value.text().is_some(),
        JsonKind::Array | JsonKind::Object => {
            depth_of(value) + 2 < depth_left && value.read::<Value>().is_some()
        }
    }
}

fn compact(value: Slice<'_>) -> String {
    let mut writer = Writer::default();
    writer.value(value);
    writer.into_string()
}

/// A number that is finite.
fn number(value: Slice<'_>) -> Option<f64> {
    if value.kind() != JsonKind::Number {
        return None;
    }
    value
        .as_str()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// A count, also where it is written `10.0`.
fn count(value: Slice<'_>) -> Option<u64> {
    let literal = value.as_str();
    let whole = literal
        .split_once('.')
        .map_or(literal, |(whole, fraction)| {
            if fraction.bytes().all(|digit| digit == b'0') {
                whole
            } else {
                literal
            }
        });
    whole.parse().ok()
}
