//! One operation, read from its part of the document: what there is to list and what there is to send.
//!
//! Both the tool's schema and the plan of its calls come from the [`Operation`] that is read here, so they cannot
//! disagree. An operation that cannot be read is a [`Fault`], which says where and why; it concerns nobody else.

mod body;
mod members;
mod methods;
mod parameters;
mod path;
mod responses;
mod servers;
mod swagger;

use std::borrow::Cow;
use std::fmt;

use http::Method;
use wharf_model::{JsonKind, Slice};

pub(crate) use members::{ObjectMembers, Openness};
pub(crate) use parameters::ParameterRead;
pub(crate) use responses::{OutputShape, Success};
pub(crate) use servers::{Addresses, base_url};

use self::methods::Listed;
use self::path::Piece;
use crate::document::Version;
use crate::names::{ArgumentNames, Nameable};
use crate::plan::{Body, Choice, Location, Parameter, Plan, Serialization};
use crate::reference::{Referring, Resolver, Unresolved};
use crate::schema::{Keyword, Place, members_once};
use crate::security::is_supplied;

/// Why an operation, or all those of a path, cannot be offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where the trouble is.
    pub(crate) pointer: String,
    pub(crate) reason: String,
}

impl Fault {
    fn new(place: &Place<'_>, reason: impl fmt::Display) -> Self {
        Self {
            pointer: place.to_string(),
            reason: format!("{reason}"),
        }
    }
}

/// The operations of one path and what they share.
#[derive(Debug)]
pub(crate) struct PathItem<'d> {
    path: &'d str,
    operations: Vec<Listed<'d>>,
    parameters: Option<Slice<'d>>,
    servers: Option<Slice<'d>>,
}

/// What a path item refers to.
struct Referred<'d>(Slice<'d>);

impl<'d> Referring<'d> for Referred<'d> {
    fn of(value: Slice<'d>) -> Self {
        Self(value)
    }

    fn reference(&self) -> Option<Slice<'d>> {
        self.0.get("$ref")
    }
}

/// What an operation says itself, before anything it refers to is looked at.
pub(crate) struct Head<'d> {
    path: &'d str,
    pointer: Cow<'d, str>,
    method: Method,
    members: Members<'d>,
}

impl Head<'_> {
    /// What its tool can be named by.
    pub(crate) fn nameable(&self) -> Nameable<'_> {
        Nameable {
            operation_id: self.members.id.as_deref(),
            summary: self.members.summary.as_deref(),
            method: self.method.as_str(),
            path: self.path,
        }
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }
}

/// An operation, ready to be listed and called.
#[derive(Debug)]
pub(crate) struct Operation<'d> {
    pub(crate) method: Method,
    pub(crate) path: &'d str,
    pub(crate) id: Option<Cow<'d, str>>,
    pub(crate) summary: Option<Cow<'d, str>>,
    pub(crate) description: Option<Cow<'d, str>>,
    pub(crate) tags: Vec<String>,
    /// In the order to list them.
    pub(crate) arguments: Vec<Argument<'d>>,
    /// Whether arguments beyond these are members of the body.
    pub(crate) rest: Openness<'d>,
    /// What the body has to be as a whole, which the arguments do not say.
    pub(crate) condition: Option<Keyword>,
    pub(crate) success: Option<Success<'d>>,
    /// The body as the document describes it, for descriptions.
    pub(crate) body_description: Option<Cow<'d, str>>,
    pub(crate) callbacks: usize,
    /// The extension `x-mcp-annotations`: hints on what a call does, as MCP names them.
    pub(crate) hints: Option<Slice<'d>>,
    /// Where it stands in its path item: a pointer without its first slash.
    in_item: Cow<'d, str>,
    version: Version,
    /// The key of the body that is sent, among those that are offered.
    body_media_type: Cow<'d, str>,
    /// Places are those of `arguments`, among which the parameters come first.
    pieces: Vec<Piece<'d>>,
    body: Option<Body>,
    choice: Option<Choice>,
    accept: String,
    server: Option<String>,
    /// Its Security Requirement Objects, or those of the whole document.
    pub(crate) requirements: Option<Slice<'d>>,
    security: Vec<Vec<String>>,
}

/// One argument of a tool.
#[derive(Debug)]
pub(crate) struct Argument<'d> {
    /// Unique in its tool, and one that model providers accept.
    pub(crate) name: String,
    /// What the document calls it.
    pub(crate) wire_name: Cow<'d, str>,
    pub(crate) required: bool,
    pub(crate) schema: ArgumentSchema<'d>,
    pub(crate) description: Option<Cow<'d, str>>,
    pub(crate) deprecated: bool,
    /// How it travels; none for a part of the body.
    pub(crate) wire: Option<(Location, Serialization)>,
    /// The name says the location, because another argument has the document's name.
    pub(crate) renamed: bool,
    pub(crate) spot: Spot,
}

/// Where an argument is described, within its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spot {
    /// Among the operation's parameters.
    Own(usize),
    /// Among the parameters of its path.
    Shared(usize),
    /// It is the body.
    Body,
    /// It is a property of the body.
    Member,
    /// Nowhere: the path template alone calls for it.
    Nowhere,
}

impl Argument<'_> {
    /// Where it goes; none for a part of the body.
    pub(crate) fn location(&self) -> Option<Location> {
        self.wire.as_ref().map(|(location, _)| *location)
    }

    /// Its plan, unless it is a part of the body.
    fn parameter(self) -> Option<Parameter> {
        let (location, serialization) = self.wire?;
        Some(Parameter {
            argument: self.name,
            name: self.wire_name.into_owned(),
            location,
            serialization,
            required: self.required,
        })
    }

    /// Calls `with` with the place of the argument's schema.
    pub(crate) fn at_place(&self, operation: &Operation<'_>, with: impl FnOnce(&Place<'_>)) {
        let paths = Place::at("/paths");
        let item = paths.down(operation.path);
        let own = item.along(&operation.in_item);
        let (holder, number) = match self.spot {
            Spot::Own(number) => (own, number),
            Spot::Shared(number) => (item, number),
            Spot::Body => return operation.at_body(with),
            // A part of the form is a parameter, and its name in the message tells which.
            Spot::Member if operation.version == Version::V20 => return operation.at_body(with),
            Spot::Member => {
                return operation.at_body(|body| {
                    with(&body.down("properties").down(&self.wire_name));
                });
            }
            Spot::Nowhere => return with(&item),
        };
        let list = holder.down("parameters");
        let parameter = list.item(number);
        if operation.version == Version::V20 {
            return with(&parameter);
        }
        with(&parameter.down("schema"));
    }
}

impl Operation<'_> {
    /// Calls `with` with the place of the body's schema.
    pub(crate) fn at_body(&self, with: impl FnOnce(&Place<'_>)) {
        let paths = Place::at("/paths");
        let item = paths.down(self.path);
        let operation = item.along(&self.in_item);
        if self.version == Version::V20 {
            return with(&operation.down("parameters"));
        }
        let body = operation.down("requestBody");
        let content = body.down("content");
        with(&content.down(&self.body_media_type).down("schema"));
    }

    /// Calls `with` with the place of the result's schema.
    pub(crate) fn at_success(&self, success: &Success<'_>, with: impl FnOnce(&Place<'_>)) {
        let paths = Place::at("/paths");
        let item = paths.down(self.path);
        let operation = item.along(&self.in_item);
        let responses = operation.down("responses");
        let response = responses.down(&success.status);
        if self.version == Version::V20 {
            return with(&response.down("schema"));
        }
        let content = response.down("content");
        let media_type = success.media_type.as_deref().unwrap_or_default();
        with(&content.down(media_type).down("schema"));
    }

    /// The security schemes that it declares, as in [`Plan::security`].
    pub(crate) fn security(&self) -> &[Vec<String>] {
        &self.security
    }

    /// Where it stands in the document.
    pub(crate) fn pointer(&self) -> String {
        let paths = Place::at("/paths");
        let item = paths.down(self.path);
        item.along(&self.in_item).to_string()
    }
}

/// What an argument accepts.
#[derive(Debug)]
pub(crate) enum ArgumentSchema<'d> {
    /// What these schemas of the document accept: all of them, if there are several.
    Document(Vec<Slice<'d>>),
    /// One piece of a path, of which nothing more is known.
    Piece,
    /// Text of a media type.
    Text(String),
    /// Bytes of a media type, as base64.
    Base64(String),
    /// A file.
    File,
    /// A list of files.
    Files,
    /// One of these media types.
    MediaTypes(Vec<String>),
}

impl<'d> PathItem<'d> {
    /// Reads what stands at a path.
    pub(crate) fn read(
        resolver: &Resolver<'d>,
        path: &'d str,
        item: Slice<'d>,
    ) -> Result<Self, Fault> {
        let paths = Place::at("/paths");
        let place = paths.down(path);
        let mut read = Self {
            path,
            operations: Vec::new(),
            parameters: None,
            servers: None,
        };
        let document = resolver.document();
        let names = document
            .indexed(document.span_of(item).start())
            .ok_or_else(|| Fault::new(&place, Unresolved::NoObject))?;
        let members = names
            .iter()
            .map(|(name, span)| (Cow::Borrowed(&**name), document.at(*span)));
        read.fill(members.collect(), document.version());
        // What stands beside a reference counts before what it refers to.
        if names.contains_key("$ref") {
            let Referred(target) = resolver
                .read(item)
                .map_err(|unresolved| Fault::new(&place, unresolved))?;
            read.fill(members_once(target), document.version());
        }
        Ok(read)
    }

    /// Takes over what is not there yet.
    fn fill(&mut self, members: Vec<(Cow<'d, str>, Slice<'d>)>, version: Version) {
        let get = |name: &str| {
            let mut members = members.iter();
            members
                .find(|(key, _)| key == name)
                .map(|(_, value)| *value)
        };
        self.parameters = self.parameters.or_else(|| get("parameters"));
        self.servers = self.servers.or_else(|| get("servers"));
        let listed = methods::listed(members, version);
        if self.operations.is_empty() {
            self.operations = listed;
            return;
        }
        for listed in listed {
            let is_there = |known: &Listed<'d>| known.method == listed.method;
            if !self.operations.iter().any(is_there) {
                self.operations.push(listed);
            }
        }
        methods::sort(&mut self.operations);
    }

    pub(crate) fn path(&self) -> &'d str {
        self.path
    }

    /// The methods of the operations, in the order to list them.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &Method> {
        self.operations.iter().map(|listed| &listed.method)
    }

    /// The operation's own members; `method` is one that [`PathItem::methods`] told.
    pub(crate) fn head(&self, method: &Method) -> Result<Head<'d>, Fault> {
        let paths = Place::at("/paths");
        let item = paths.down(self.path);
        let listed = self
            .operations
            .iter()
            .find(|listed| listed.method == *method)
            .expect("the method is one of this path item's");
        let place = item.along(&listed.pointer);
        if let Some(refusal) = &listed.refusal {
            return Err(Fault::new(&place, refusal));
        }
        if listed.value.kind() != JsonKind::Object {
            return Err(Fault::new(&place, "is no object"));
        }
        Ok(Head {
            path: self.path,
            pointer: listed.pointer.clone(),
            method: method.clone(),
            members: Members::of(listed.value),
        })
    }

    /// Reads everything that an operation's own members say or refer to.
    pub(crate) fn operation(
        &self,
        resolver: &Resolver<'d>,
        head: Head<'d>,
        addresses: &Addresses,
    ) -> Result<Operation<'d>, Fault> {
        let Head {
            pointer: in_item,
            method,
            members: own,
            ..
        } = head;
        let document = resolver.document();
        let version = document.version();
        let paths = Place::at("/paths");
        let item = paths.down(self.path);
        let place = item.along(&in_item);
        let requirements = own.security.or_else(|| document.member("security"));
        let security = requirements.map(security).unwrap_or_default();
        let mut parameters =
            parameters::read(resolver, own.parameters, &place, self.parameters, &item)?;
        // A model could only get these wrong.
        parameters.retain(|parameter| {
            let (location, name) = (parameter.location, &parameter.name);
            !is_supplied(&addresses.supplied, &security, location, name)
        });
        let media_types = |own, name| match version {
            Version::V20 => swagger::media_types(document, own, name),
            _ => Vec::new(),
        };
        let body = match own.request_body {
            _ if version == Version::V20 => {
                let consumes = media_types(own.consumes, "consumes");
                swagger::body(resolver, own.parameters, self.parameters, consumes, &place)?
            }
            Some(body) => body::read(resolver, body, &place)?,
            None => None,
        };
        let (pieces, parameters) = path::join(self.path, parameters);
        let mut names = ArgumentNames::default();
        let body_names = body
            .as_ref()
            .map(|body| body.name(&mut names))
            .unwrap_or_default();
        let mut arguments = parameters::arguments(parameters, body.as_ref(), &mut names);
        let mut rest = Openness::Closed;
        let mut condition = None;
        let body_description = body.as_ref().and_then(|body| body.description.clone());
        let body_media_type = body
            .as_ref()
            .map(|body| body.key.clone())
            .unwrap_or_default();
        let mut choice = None;
        let body = body.map(|mut body| {
            rest = body.openness();
            condition = body.condition();
            let others = std::mem::take(&mut body.others);
            if others
                .iter()
                .any(|other| !matches!(other.openness(), Openness::Closed))
            {
                rest = Openness::Any;
            }
            let start = arguments.len();
            let mut body = body.finish(body_names, &mut arguments);
            choice = body::choice::between(&mut body, others, &mut names, &mut arguments, start);
            body
        });
        let produces = media_types(own.produces, "produces");
        let responses = responses::read(resolver, own.responses, &produces);
        let server = match version {
            Version::V20 => addresses.own_scheme(own.schemes),
            _ => addresses.own_server(own.servers.or(self.servers)),
        };
        Ok(Operation {
            method,
            path: self.path,
            id: own.id,
            summary: own.summary,
            description: own.description,
            tags: resolver.with_parents(own.tags),
            arguments,
            rest,
            condition,
            success: responses.success,
            body_description,
            callbacks: own.callbacks,
            hints: own.hints,
            version,
            in_item,
            body_media_type,
            pieces,
            body,
            choice,
            accept: responses.accept,
            server,
            requirements,
            security,
        })
    }
}

impl Operation<'_> {
    /// What a call of this operation does.
    pub(crate) fn plan(self, output: OutputShape) -> Plan {
        Plan {
            method: self.method,
            server: self.server,
            path: self.pieces.into_iter().map(Piece::plan).collect(),
            parameters: self
                .arguments
                .into_iter()
                .filter_map(Argument::parameter)
                .collect(),
            body: self.body,
            choice: self.choice,
            accept: self.accept,
            wraps_result: output == OutputShape::Wrapped,
            has_output_schema: output != OutputShape::None,
            drops_nulls: false,
            security: self.security,
        }
    }
}

/// The members of an Operation Object.
#[derive(Default)]
struct Members<'d> {
    id: Option<Cow<'d, str>>,
    summary: Option<Cow<'d, str>>,
    description: Option<Cow<'d, str>>,
    tags: Vec<String>,
    parameters: Option<Slice<'d>>,
    request_body: Option<Slice<'d>>,
    responses: Option<Slice<'d>>,
    servers: Option<Slice<'d>>,
    security: Option<Slice<'d>>,
    callbacks: usize,
    hints: Option<Slice<'d>>,
    /// Swagger 2.0: media types and schemes.
    consumes: Option<Slice<'d>>,
    produces: Option<Slice<'d>>,
    schemes: Option<Slice<'d>>,
}

impl<'d> Members<'d> {
    fn of(operation: Slice<'d>) -> Self {
        let mut members = Self::default();
        for (key, value) in operation.each_member() {
            match &*key {
                "operationId" => members.id = text(value),
                "summary" => members.summary = text(value),
                "description" => members.description = text(value),
                "tags" => {
                    let tags = value.each_item().filter_map(text);
                    members.tags = tags.map(Cow::into_owned).collect();
                }
                "parameters" => members.parameters = Some(value),
                "requestBody" => members.request_body = Some(value),
                "responses" => members.responses = Some(value),
                "servers" => members.servers = Some(value),
                "security" => members.security = Some(value),
                "consumes" => members.consumes = Some(value),
                "produces" => members.produces = Some(value),
                "schemes" => members.schemes = Some(value),
                "x-mcp-annotations" => members.hints = Some(value),
                "callbacks" => members.callbacks = value.each_member().count(),
                _ => {}
            }
        }
        members
    }
}

/// A text that says something.
fn text(value: Slice<'_>) -> Option<Cow<'_, str>> {
    word(value).filter(|text| !text.trim().is_empty())
}

/// A text, or what YAML made of one that looks like a number or a truth: a tag `2023` is meant as a text.
fn word(value: Slice<'_>) -> Option<Cow<'_, str>> {
    match value.kind() {
        JsonKind::Number | JsonKind::Boolean => Some(Cow::Borrowed(value.as_str())),
        _ => value.text(),
    }
}

fn security(requirements: Slice<'_>) -> Vec<Vec<String>> {
    let names = |requirement: Slice<'_>| {
        requirement
            .each_member()
            .map(|(scheme, _)| scheme.into_owned())
            .collect()
    };
    requirements.each_item().map(names).collect()
}
