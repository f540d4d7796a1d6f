//! What a tool says of itself.

mod example;

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::operation::{Argument, ArgumentSchema, Operation, Success};
use crate::plan::Location;
use crate::reference::Resolver;
use crate::schema::{Keyword, Keywords, members_once};

/// How much a tool's description says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Descriptions {
    /// What the operation says of itself. The arguments are described in the input schema, and nowhere twice.
    #[default]
    Brief,
    /// Followed by sections about parameters, body and response, with an example of a result: the format of the
    /// awslabs OpenAPI server. Several times as long.
    Full,
}

/// Longer descriptions are cut: no operation needs more, and a list is read whole.
const DESCRIPTION_BYTES_MAX: usize = 16 * 1024;

/// How many properties a section lists.
const LISTED_MAX: usize = 100;

pub(crate) fn of<'d>(
    operation: &Operation<'d>,
    resolver: &Resolver<'d>,
    descriptions: Descriptions,
) -> String {
    let own = operation
        .description
        .as_ref()
        .or(operation.summary.as_ref());
    let mut text = own.map_or_else(
        || format!("Executes {} {}", operation.method, operation.path),
        |own| own.trim().to_owned(),
    );
    if descriptions == Descriptions::Full {
        parameters(
            &mut text,
            operation,
            resolver,
            Location::Path,
            "Path Parameters",
        );
        parameters(
            &mut text,
            operation,
            resolver,
            Location::Query,
            "Query Parameters",
        );
        body(&mut text, operation, resolver);
        if let Some(success) = &operation.success {
            response(&mut text, success, resolver);
        }
    }
    cut(text)
}

fn parameters<'d>(
    text: &mut String,
    operation: &Operation<'d>,
    resolver: &Resolver<'d>,
    location: Location,
    heading: &str,
) {
    let arguments = operation
        .arguments
        .iter()
        .filter(|argument| argument.location() == Some(location));
    list(text, arguments, resolver, heading);
}

fn body<'d>(text: &mut String, operation: &Operation<'d>, resolver: &Resolver<'d>) {
    let Some(description) = &operation.body_description else {
        return;
    };
    let _ = write!(text, "\n\n**Request Body:**\n{description}");
    let arguments = operation
        .arguments
        .iter()
        .filter(|argument| argument.location().is_none());
    list(text, arguments, resolver, "Request Properties");
}

fn list<'a, 'd: 'a>(
    text: &mut String,
    arguments: impl Iterator<Item = &'a Argument<'d>>,
    resolver: &Resolver<'d>,
    heading: &str,
) {
    for (number, argument) in arguments.take(LISTED_MAX).enumerate() {
        if number == 0 {
            let _ = write!(text, "\n\n**{heading}:**");
        }
        let required = if argument.required { " (Required)" } else { "" };
        let description = described(argument, resolver);
        let _ = write!(text, "\n- **{}**{required}: {description}", argument.name);
    }
}

fn described<'d>(argument: &Argument<'d>, resolver: &Resolver<'d>) -> String {
    let of_schema = || match &argument.schema {
        ArgumentSchema::Document(schemas) => schemas.iter().find_map(|schema| {
            let own = Keywords::of(*schema).text(Keyword::Description);
            own.or_else(|| {
                let target: Keywords<'d> = resolver.read(*schema).ok()?;
                target.text(Keyword::Description)
            })
        }),
        _ => None,
    };
    argument.description.clone().or_else(of_schema).map_or_else(
        || "No description.".to_owned(),
        |text| text.trim().to_owned(),
    )
}

fn response<'d>(text: &mut String, success: &Success<'d>, resolver: &Resolver<'d>) {
    let description = success.description.as_deref().unwrap_or("No description.");
    let _ = write!(
        text,
        "\n\n**Responses:**\n- **{}** (Success): {}",
        success.status,
        description.trim()
    );
    if let Some(media_type) = &success.media_type {
        let _ = write!(text, "\n  - Content-Type: `{media_type}`");
    }
    let Some(schema) = success.json else {
        return;
    };
    let Ok(mut keywords) = resolver.read::<Keywords<'d>>(schema) else {
        return;
    };
    if let Some(items) = keywords.get(Keyword::Items)
        && let Ok(items) = resolver.read(items)
    {
        keywords = items;
    }
    let properties = keywords.get(Keyword::Properties).map(members_once);
    let described = properties
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, schema)| {
            Some((name, Keywords::of(schema).text(Keyword::Description)?))
        });
    for (number, (name, description)) in described.take(LISTED_MAX).enumerate() {
        if number == 0 {
            text.push_str("\n  - **Response Properties:**");
        }
        let _ = write!(text, "\n    - **{name}**: {}", description.trim());
    }
    if let Some(example) = example::of(resolver, schema) {
        let _ = write!(text, "\n  - **Example:**\n```json\n{example}\n```");
    }
}

fn cut(mut text: String) -> String {
    if text.len() > DESCRIPTION_BYTES_MAX {
        let end = (0..=DESCRIPTION_BYTES_MAX)
            .rev()
            .find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}
