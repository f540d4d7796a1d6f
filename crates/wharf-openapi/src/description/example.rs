//! An example of a result, made from its schema; the same one every time.

use serde_json::{Map, Value};
use wharf_model::Slice;

use crate::reference::Resolver;
use crate::schema::{Keyword, Keywords};

/// How deep an example goes; enough to show the shape.
const DEPTH_MAX: usize = 3;

/// How many members of an object are shown.
const MEMBERS_MAX: usize = 12;

/// Longer examples are left out.
const BYTES_MAX: usize = 4096;

/// The example as printed JSON.
pub(super) fn of<'d>(resolver: &Resolver<'d>, schema: Slice<'d>) -> Option<String> {
    let example = value(resolver, schema, 0)?;
    let text = serde_json::to_string_pretty(&example).ok()?;
    (text.len() <= BYTES_MAX).then_some(text)
}

fn value<'d>(resolver: &Resolver<'d>, schema: Slice<'d>, depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    let keywords: Keywords<'d> = resolver.read(schema).ok()?;
    let fixed = keywords
        .get(Keyword::Const)
        .or(keywords.get(Keyword::Default))
        .or_else(|| keywords.get(Keyword::Enum)?.each_item().next());
    if let Some(fixed) = fixed {
        return Some(fixed.to_value());
    }
    let types = keywords.types().0;
    let first = types.iter().find(|name| **name != "null").copied();
    match first {
        Some("string") => Some(text(&keywords)),
        Some("integer") => Some(1.into()),
        Some("number") => Some(1.5.into()),
        Some("boolean") => Some(true.into()),
        Some("array") => {
            let items = keywords
                .get(Keyword::Items)
                .and_then(|items| value(resolver, items, depth + 1));
            Some(Value::Array(items.into_iter().collect()))
        }
        Some("object") => Some(object(resolver, &keywords, depth)),
        _ if keywords.has(Keyword::Properties) || keywords.has(Keyword::AllOf) => {
            Some(object(resolver, &keywords, depth))
        }
        _ => {
            let alternatives = keywords
                .get(Keyword::AnyOf)
                .or(keywords.get(Keyword::OneOf))?;
            value(resolver, alternatives.each_item().next()?, depth + 1)
        }
    }
}

fn text(keywords: &Keywords<'_>) -> Value {
    let example = match keywords.text(Keyword::Format).as_deref() {
        Some("date-time") => "2024-01-01T00:00:00Z",
        Some("date") => "2024-01-01",
        Some("email") => "someone@example.com",
        Some("uri" | "url") => "https://example.com",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => "string",
    };
    example.into()
}

fn object<'d>(resolver: &Resolver<'d>, keywords: &Keywords<'d>, depth: usize) -> Value {
    let mut members = Map::new();
    let parts = keywords
        .get(Keyword::AllOf)
        .into_iter()
        .flat_map(Slice::each_item);
    for part in parts.take(MEMBERS_MAX) {
        if let Some(Value::Object(inherited)) = value(resolver, part, depth + 1) {
            members.extend(inherited);
        }
    }
    let properties = keywords
        .get(Keyword::Properties)
        .into_iter()
        .flat_map(Slice::each_member);
    for (name, schema) in properties.take(MEMBERS_MAX) {
        if resolver.flags(&Keywords::of(schema)).write_only {
            continue;
        }
        if let Some(example) = value(resolver, schema, depth + 1) {
            members.insert(name.into_owned(), example);
        }
    }
    Value::Object(members)
}
