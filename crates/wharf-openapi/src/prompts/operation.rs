//! The text of one operation's prompt.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use wharf_model::{JsonKind, Slice};

use super::Place;
use crate::operation::{Argument, ArgumentSchema, Operation};
use crate::plan::Location;
use crate::reference::{Referring, Resolver};
use crate::schema::{Keyword, Keywords};

/// This many allowed values are named; of more, only the number.
const NAMED_VALUES_MAX: usize = 4;

/// How many error responses are described.
const ERRORS_MAX: usize = 2;

/// A longer default or list of allowed values is left to the tool's schema.
const VALUE_BYTES_MAX: usize = 200;

/// An argument as prompts show it.
pub(super) struct Listed<'a, 'd> {
    argument: &'a Argument<'d>,
    types: Vec<&'static str>,
    says: Option<Cow<'d, str>>,
    default: Option<Slice<'d>>,
    values: Vec<Slice<'d>>,
}

impl<'a, 'd> Listed<'a, 'd> {
    pub(super) fn of(argument: &'a Argument<'d>, resolver: &Resolver<'d>) -> Self {
        let schema = match &argument.schema {
            ArgumentSchema::Document(schemas) => schemas.first().copied(),
            _ => None,
        };
        let own = schema.map(Keywords::of).unwrap_or_default();
        let target: Keywords<'d> = schema
            .and_then(|schema| resolver.read(schema).ok())
            .unwrap_or_default();
        // What stands beside a reference counts before what it refers to.
        let get = |keyword| own.get(keyword).or_else(|| target.get(keyword));
        Self {
            argument,
            types: target.types().0,
            says: argument.description.clone().or_else(|| {
                let says = own.text(Keyword::Description);
                says.or_else(|| target.text(Keyword::Description))
            }),
            default: get(Keyword::Default)
                .filter(|default| default.as_str().len() <= VALUE_BYTES_MAX),
            values: get(Keyword::Enum).map(Slice::items).unwrap_or_default(),
        }
    }

    /// What to put there, for the list of prompts.
    pub(super) fn description(&self) -> Option<String> {
        let mut text = self.says.as_deref().unwrap_or_default().trim().to_owned();
        let mut add = |addition: String| {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&addition);
        };
        if let Some(default) = self.default {
            add(format!("Default: {}", shown(default)));
        }
        if let Some(values) = self.allowed() {
            add(format!("Allowed values: {values}"));
        }
        (!text.is_empty()).then_some(text)
    }

    /// `(a, b)`, or how many there are.
    fn allowed(&self) -> Option<String> {
        if self.values.is_empty() {
            return None;
        }
        let names: Vec<_> = self.values.iter().map(|value| shown(*value)).collect();
        let list = names.join(", ");
        let is_short = names.len() <= NAMED_VALUES_MAX && list.len() <= VALUE_BYTES_MAX;
        Some(if is_short {
            format!("({list})")
        } else {
            format!("({} values)", names.len())
        })
    }

    /// What a client gave, which is text, as the JSON that the call needs.
    fn value(&self, text: &str) -> Value {
        let is_text = self.types.is_empty() || self.types.contains(&"string");
        if !is_text && let Ok(value) = serde_json::from_str(text) {
            return value;
        }
        Value::from(text)
    }

    fn line(&self, given: Option<&str>) -> String {
        let mut line = format!("- `{}`", self.argument.name);
        if self.argument.required {
            line.push('*');
        }
        if !self.types.is_empty() {
            let _ = write!(line, " ({})", self.types.join(" or "));
        }
        if let Some(description) = self.description() {
            let _ = write!(line, ": {}", one_line(&description));
        }
        if let Some(given) = given {
            let _ = write!(line, " Given: `{}`", self.value(given));
        }
        line
    }
}

pub(super) fn text<'d>(
    place: &Place,
    id: &str,
    operation: &Operation<'d>,
    resolver: &Resolver<'d>,
    given: Slice<'_>,
) -> String {
    let given: Vec<_> = given
        .each_member()
        .filter_map(|(name, value)| Some((name, value.text()?)))
        .collect();
    let given = |argument: &Argument<'_>| {
        let found = given.iter().find(|(name, _)| *name == argument.name);
        found.map(|(_, value)| value.as_ref())
    };
    let mut text = format!("# {id}\n");
    if let Some(says) = operation
        .summary
        .as_ref()
        .or(operation.description.as_ref())
    {
        let _ = write!(text, "\n{}\n", says.trim());
    }
    let _ = write!(text, "\n**{}** `{}`\n", operation.method, operation.path);
    let raw = Raw::of(place, resolver);
    if let Some(schemes) = raw.schemes(resolver) {
        let _ = write!(text, "\n**Authentication:** {schemes}\n");
    }
    for (heading, location) in [
        ("Path parameters", Some(Location::Path)),
        ("Query parameters", Some(Location::Query)),
        ("Request body", None),
    ] {
        let arguments: Vec<_> = operation
            .arguments
            .iter()
            .filter(|argument| argument.location() == location)
            .collect();
        if arguments.is_empty() {
            continue;
        }
        let _ = write!(text, "\n**{heading}** (* is required):\n");
        for argument in arguments {
            let listed = Listed::of(argument, resolver);
            let _ = writeln!(text, "{}", listed.line(given(argument)));
        }
    }
    raw.responses(&mut text, resolver);
    let mut call = Map::new();
    for argument in &operation.arguments {
        let value = match given(argument) {
            Some(value) => Listed::of(argument, resolver).value(value),
            None if argument.required => Value::from(format!("<{}>", argument.name)),
            None => continue,
        };
        call.insert(argument.name.clone(), value);
    }
    let _ = write!(
        text,
        "\n**Usage:** call the tool `{}` with\n```json\n{:#}\n```\n",
        place.tool,
        Value::Object(call)
    );
    text
}

/// An operation's own part of the document, for what only prompts tell.
#[derive(Default)]
struct Raw<'d> {
    responses: Option<Slice<'d>>,
    security: Option<Slice<'d>>,
}

/// Any object in whose place a reference may stand.
struct Object<'d>(Slice<'d>);

impl<'d> Referring<'d> for Object<'d> {
    fn of(value: Slice<'d>) -> Self {
        Self(value)
    }

    fn reference(&self) -> Option<Slice<'d>> {
        self.0.get("$ref")
    }
}

impl<'d> Raw<'d> {
    fn of(place: &Place, resolver: &Resolver<'d>) -> Self {
        let document = resolver.document();
        let item = document.at(document.paths()[place.spot.path].1);
        let name = place.spot.method.as_str().to_ascii_lowercase();
        let own = item.get(&name).or_else(|| {
            let Object(target) = resolver.read(item).ok()?;
            target.get(&name)
        });
        let Some(operation) = own else {
            return Self::default();
        };
        Self {
            responses: operation.get("responses"),
            security: operation
                .get("security")
                .or_else(|| document.member("security")),
        }
    }

    /// `key (apiKey), login (oauth2)`
    fn schemes(&self, resolver: &Resolver<'d>) -> Option<String> {
        let document = resolver.document();
        let definitions = document
            .member("components")
            .and_then(|components| components.get("securitySchemes"))
            .or_else(|| document.member("securityDefinitions"));
        let mut names: Vec<_> = self
            .security?
            .each_item()
            .flat_map(Slice::each_member)
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        names.dedup();
        let shown: Vec<_> = names
            .into_iter()
            .map(|name| {
                let kind = definitions
                    .and_then(|definitions| definitions.get(&name))
                    .and_then(|scheme| resolver.read::<Object<'d>>(scheme).ok())
                    .and_then(|Object(scheme)| scheme.get("type")?.text());
                match kind {
                    Some(kind) => format!("{name} ({kind})"),
                    None => name.into_owned(),
                }
            })
            .collect();
        (!shown.is_empty()).then(|| shown.join(", "))
    }

    /// The first success and the first errors.
    fn responses(&self, text: &mut String, resolver: &Resolver<'d>) {
        let described: Vec<_> = self
            .responses
            .map(Slice::members)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(status, response)| {
                let Object(response) = resolver.read(response).ok()?;
                let says = response.get("description").and_then(Slice::text);
                Some((status, says.unwrap_or_default()))
            })
            .collect();
        let success = described
            .iter()
            .filter(|(status, _)| status.starts_with('2'));
        let errors = described
            .iter()
            .filter(|(status, _)| status.starts_with(['4', '5']));
        for (number, (status, says)) in success.take(1).chain(errors.take(ERRORS_MAX)).enumerate() {
            if number == 0 {
                text.push_str("\n**Responses:**\n");
            }
            let _ = writeln!(text, "- {status}: {}", one_line(says));
        }
    }
}

/// A value as people write it: text without quotes.
fn shown(value: Slice<'_>) -> Cow<'_, str> {
    match value.kind() {
        JsonKind::String => value.text().unwrap_or_default(),
        _ => value.as_str().into(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
