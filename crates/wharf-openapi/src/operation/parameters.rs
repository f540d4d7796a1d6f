//! Parameters: where a value goes and how it is written there.

use std::borrow::Cow;

use wharf_model::{JsonKind, Slice};

use super::body::{BodyRead, Media};
use super::{Argument, ArgumentSchema, Fault, Spot, swagger, text, word};
use crate::document::Version;
use crate::names::{ArgumentNames, argument_name};
use crate::plan::{Location, Serialization, Style};
use crate::reference::{Referring, Resolver};
use crate::schema::Place;

/// More parameters in one operation are refused.
const PARAMETERS_MAX: usize = 1000;

/// A parameter as it is read.
#[derive(Debug, Clone)]
pub(crate) struct ParameterRead<'d> {
    pub(super) name: Cow<'d, str>,
    pub(super) location: Location,
    pub(super) required: bool,
    pub(super) description: Option<Cow<'d, str>>,
    pub(super) deprecated: bool,
    /// None accepts anything.
    pub(super) schema: Option<Slice<'d>>,
    pub(super) serialization: Serialization,
    pub(super) spot: Spot,
}

/// The parameters of an operation: its own, then those of its path that it does not replace.
pub(super) fn read<'d>(
    resolver: &Resolver<'d>,
    own: Option<Slice<'d>>,
    operation: &Place<'_>,
    shared: Option<Slice<'d>>,
    item: &Place<'_>,
) -> Result<Vec<ParameterRead<'d>>, Fault> {
    let mut parameters: Vec<ParameterRead<'d>> = Vec::new();
    for (list, place, replaces) in [(own, operation, true), (shared, item, false)] {
        let Some(list) = list.filter(|list| list.kind() != JsonKind::Null) else {
            continue;
        };
        let place = place.down("parameters");
        if list.kind() != JsonKind::Array {
            return Err(Fault::new(&place, "is no list"));
        }
        let before = parameters.len();
        for (number, parameter) in list.each_item().enumerate() {
            if parameters.len() == PARAMETERS_MAX {
                return Err(Fault::new(
                    &place,
                    format!("there are more than {PARAMETERS_MAX}"),
                ));
            }
            let spot = if replaces {
                Spot::Own(number)
            } else {
                Spot::Shared(number)
            };
            let place = place.item(number);
            let Some(parameter) = known_or_read(resolver, parameter, &place)? else {
                continue;
            };
            let parameter = ParameterRead { spot, ..parameter };
            let same = parameters.iter().position(|known| {
                known.location == parameter.location && known.name == parameter.name
            });
            match same {
                // Within one list the last of two counts, as everywhere; the operation's own stand before the path's.
                Some(known) if replaces || known >= before => parameters[known] = parameter,
                Some(_) => {}
                None => parameters.push(parameter),
            }
        }
    }
    query_stands_alone(&parameters).map_err(|reason| Fault::new(operation, reason))?;
    Ok(parameters)
}

/// A parameter that is the whole query leaves no room for another one in it.
fn query_stands_alone(parameters: &[ParameterRead<'_>]) -> Result<(), String> {
    let whole = parameters
        .iter()
        .find(|parameter| parameter.location == Location::Querystring);
    let other = |whole: &ParameterRead<'_>| {
        let in_query = |other: &&ParameterRead<'_>| {
            matches!(other.location, Location::Query | Location::Querystring)
        };
        let mut others = parameters.iter().filter(in_query);
        others.find(|other| other.name != whole.name || other.location != whole.location)
    };
    match whole.and_then(|whole| Some((whole, other(whole)?))) {
        None => Ok(()),
        Some((whole, other)) => Err(format!(
            "parameter `{}` is the whole query, so `{}` cannot be in the query too",
            whole.name, other.name
        )),
    }
}

/// One parameter, which is remembered where it is a reference; none when it is no argument.
fn known_or_read<'d>(
    resolver: &Resolver<'d>,
    parameter: Slice<'d>,
    place: &Place<'_>,
) -> Result<Option<ParameterRead<'d>>, Fault> {
    /// What is longer is hardly a reference.
    const REFERENCE_BYTES_MAX: usize = 256;
    let text = parameter.as_str();
    let refers = text.len() <= REFERENCE_BYTES_MAX
        && parameter
            .each_member()
            .next()
            .is_some_and(|(key, _)| key == "$ref");
    if !refers {
        return one(resolver, parameter, place);
    }
    let document = resolver.document();
    let start = document.span_of(parameter).start();
    let key = (document.files().number_at(start), text);
    if let Some(known) = resolver.parameters.borrow().get(&key) {
        return Ok(known.clone());
    }
    let read = one(resolver, parameter, place)?;
    let mut known = resolver.parameters.borrow_mut();
    known.insert(key, read.clone());
    Ok(read)
}

/// One parameter; none when it is a part of the body, or a header that OpenAPI takes out of parameters' hands.
fn one<'d>(
    resolver: &Resolver<'d>,
    parameter: Slice<'d>,
    place: &Place<'_>,
) -> Result<Option<ParameterRead<'d>>, Fault> {
    let members: Members<'d> = resolver
        .read(parameter)
        .map_err(|unresolved| Fault::new(place, unresolved))?;
    let name = members
        .name
        .clone()
        .ok_or_else(|| Fault::new(place, "has no `name`"))?;
    let version = resolver.document().version();
    let location = match members.location.as_deref() {
        Some("path") => Location::Path,
        Some("query") => Location::Query,
        Some("querystring") if version == Version::V32 => Location::Querystring,
        // Parts of the body, which is read after the parameters.
        Some("body" | "formData" | "form") if version == Version::V20 => return Ok(None),
        Some("header") => Location::Header,
        Some("cookie") => Location::Cookie,
        Some(other) => {
            return Err(Fault::new(
                place,
                format!(
                    "parameter `{name}` is in `{other}`, not in `path`, `query`, `header` or `cookie`"
                ),
            ));
        }
        None => return Err(Fault::new(place, format!("parameter `{name}` has no `in`"))),
    };
    let is_ours = location == Location::Header
        && ["accept", "content-type", "authorization"]
            .iter()
            .any(|ours| name.eq_ignore_ascii_case(ours));
    if is_ours {
        return Ok(None);
    }
    let content = members
        .content
        .and_then(|content| content.each_member().next());
    let serialization = match &content {
        _ if version == Version::V20 => members.collection(location),
        Some((media_type, _)) => Serialization::Content(media_type.clone().into_owned()),
        None if location == Location::Querystring => {
            let reason = format!("parameter `{name}` is the whole query and has no `content`");
            return Err(Fault::new(place, reason));
        }
        None => members.style(location),
    };
    let schema = match content {
        // The parameter itself says what a schema would.
        _ if version == Version::V20 => members.schema.or(Some(members.whole)),
        Some((_, media)) => resolver
            .read::<Media<'d>>(media)
            .ok()
            .and_then(|media| media.schema),
        None => members.schema,
    };
    Ok(Some(ParameterRead {
        required: members.required || location == Location::Path,
        name,
        location,
        description: members.description,
        deprecated: members.deprecated,
        schema,
        serialization,
        spot: Spot::Nowhere,
    }))
}

/// The members of a Parameter Object.
pub(super) struct Members<'d> {
    /// The object itself: in Swagger 2.0 it is a schema too.
    pub(super) whole: Slice<'d>,
    reference: Option<Slice<'d>>,
    pub(super) name: Option<Cow<'d, str>>,
    pub(super) location: Option<Cow<'d, str>>,
    pub(super) description: Option<Cow<'d, str>>,
    pub(super) required: bool,
    deprecated: bool,
    style: Option<Cow<'d, str>>,
    /// What `style` and `explode` are in Swagger 2.0.
    pub(super) collection_format: Option<Cow<'d, str>>,
    explode: Option<bool>,
    allow_reserved: bool,
    pub(super) schema: Option<Slice<'d>>,
    content: Option<Slice<'d>>,
}

impl<'d> Referring<'d> for Members<'d> {
    fn of(parameter: Slice<'d>) -> Self {
        let mut members = Self {
            whole: parameter,
            reference: None,
            name: None,
            location: None,
            description: None,
            required: false,
            deprecated: false,
            style: None,
            collection_format: None,
            explode: None,
            allow_reserved: false,
            schema: None,
            content: None,
        };
        for (key, value) in parameter.each_member() {
            match &*key {
                "$ref" => members.reference = Some(value),
                "name" => members.name = word(value).filter(|name| !name.is_empty()),
                "in" => members.location = value.text(),
                "description" => members.description = text(value),
                "required" => members.required = value.boolean() == Some(true),
                "deprecated" => members.deprecated = value.boolean() == Some(true),
                "style" => members.style = value.text(),
                "collectionFormat" => members.collection_format = value.text(),
                "explode" => members.explode = value.boolean(),
                "allowReserved" => members.allow_reserved = value.boolean() == Some(true),
                "schema" => members.schema = Some(value),
                "content" => members.content = Some(value),
                _ => {}
            }
        }
        members
    }

    fn reference(&self) -> Option<Slice<'d>> {
        self.reference
    }
}

impl Members<'_> {
    /// The style, or the location's default where there is none or one that the location does not have.
    fn style(&self, location: Location) -> Serialization {
        let given = self.style.as_deref().and_then(style_of);
        let style = match (location, given) {
            (Location::Path, Some(style @ (Style::Matrix | Style::Label | Style::Simple)))
            | (
                Location::Query,
                Some(
                    style @ (Style::Form
                    | Style::SpaceDelimited
                    | Style::PipeDelimited
                    | Style::DeepObject),
                ),
            ) => style,
            (Location::Path | Location::Header, _) => Style::Simple,
            (Location::Query | Location::Querystring | Location::Cookie, _) => Style::Form,
        };
        Serialization::Style {
            style,
            explode: self.explode.unwrap_or(style == Style::Form),
            // Of the reserved characters `;` and `=` would begin another cookie.
            allow_reserved: self.allow_reserved && location != Location::Cookie,
        }
    }

    /// The same for Swagger 2.0.
    fn collection(&self, location: Location) -> Serialization {
        let single = match location {
            Location::Path | Location::Header => Style::Simple,
            Location::Query | Location::Querystring | Location::Cookie => Style::Form,
        };
        swagger::serialization(self.collection_format.as_deref(), single)
    }
}

/// A list's style and whether it is exploded, by Swagger 2.0's `collectionFormat`; `single` joins by commas.
pub(super) fn list_style(format: Option<&str>, single: Style) -> (Style, bool) {
    match format {
        Some("ssv") => (Style::SpaceDelimited, false),
        Some("tsv") => (Style::TabDelimited, false),
        Some("pipes") => (Style::PipeDelimited, false),
        // Only what is written as pairs can be written several times.
        Some("multi") if single == Style::Form => (Style::Form, true),
        _ => (single, false),
    }
}

pub(super) fn style_of(name: &str) -> Option<Style> {
    Some(match name {
        "matrix" => Style::Matrix,
        "label" => Style::Label,
        "simple" => Style::Simple,
        "form" => Style::Form,
        "spaceDelimited" => Style::SpaceDelimited,
        "pipeDelimited" => Style::PipeDelimited,
        "deepObject" => Style::DeepObject,
        _ => return None,
    })
}

/// Names the parameters: their own name, or one with the location where another argument has that name too.
pub(super) fn arguments<'d>(
    parameters: Vec<ParameterRead<'d>>,
    body: Option<&BodyRead<'d>>,
    names: &mut ArgumentNames,
) -> Vec<Argument<'d>> {
    let clashes: Vec<bool> = parameters
        .iter()
        .map(|parameter| {
            let twice = parameters
                .iter()
                .any(|other| other.name == parameter.name && other.location != parameter.location);
            twice || body.is_some_and(|body| body.has(&parameter.name))
        })
        .collect();
    parameters
        .into_iter()
        .zip(clashes)
        .map(|(parameter, renamed)| {
            let name = if renamed {
                names.take(&located(&parameter.name, parameter.location))
            } else {
                names.take(&parameter.name)
            };
            Argument {
                name,
                wire_name: parameter.name,
                required: parameter.required,
                schema: match parameter.spot {
                    Spot::Nowhere => ArgumentSchema::Piece,
                    _ => ArgumentSchema::Document(parameter.schema.into_iter().collect()),
                },
                description: parameter.description,
                deprecated: parameter.deprecated,
                wire: Some((parameter.location, parameter.serialization)),
                renamed,
                spot: parameter.spot,
            }
        })
        .collect()
}

/// `id__path`, with room for the location however long the name is.
fn located(name: &str, location: Location) -> String {
    const NAME_CHARS_MAX: usize = 64 - "__querystring".len();
    let mut base = argument_name(name);
    base.truncate(NAME_CHARS_MAX);
    let location = match location {
        Location::Path => "path",
        Location::Query => "query",
        Location::Querystring => "querystring",
        Location::Header => "header",
        Location::Cookie => "cookie",
    };
    format!("{base}__{location}")
}
