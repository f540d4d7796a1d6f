//! One schema, from the dialect of Swagger 2.0, OpenAPI 3.0 or 3.1 to draft 2020-12.

mod parts;
mod scalars;

use wharf_model::{JsonKind, Slice};

pub(super) use scalars::sound;

use super::around::{Around, annotations};
use super::keywords::{Keyword, Keywords};
use super::{Fragment, Place, Schemas};
use crate::reference::Unresolved;

/// Levels that must be free below a schema for it to be written.
const ROOM: usize = 8;

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
        let version = self.schemas.resolver.document().version();
        if schema.has(Keyword::Ref) && version.has_lone_references() {
            // Before 3.1 nothing counts beside a reference; documents mean these three all the same.
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
        if reference.kind() != JsonKind::String {
            self.schemas
                .note(place, "`$ref` is no text, so it is left out");
            return;
        }
        let resolver = self.schemas.resolver;
        match resolver.schema(reference) {
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
            Err(external @ Unresolved::External { .. }) => {
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
    if alone.lone_reference().is_some() {
        schema.drop(Keyword::AllOf);
        schema.put(Keyword::Ref, alone.get(Keyword::Ref));
    }
}
