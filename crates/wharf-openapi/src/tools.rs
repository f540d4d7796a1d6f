//! Operations as tools: names, schemas, hints.

use std::borrow::Cow;
use std::ops::Range;

use http::Method;
use wharf_model::{HashMap, Json, Origin, Slice, Tool, ToolAnnotations};

use crate::config::{Config, OutputSchemas, UnknownArguments};
use crate::description;
use crate::operation::{Argument, ArgumentSchema, Fault, Openness, Operation, OutputShape};
use crate::plan::Location;
use crate::reference::Resolver;
use crate::response::Strictness;
use crate::schema::{Around, Direction, Fragment, Keywords, Note, Place, Schemas};
use crate::security::ScopedSchemes;

/// How to give a file, said with each argument that takes one.
const FILE_HELP: &str = "A file: base64 text, a `data:` URI, or an object with `data` (base64), `filename` and `mime_type`.";

/// What an argument accepts that takes a file.
const FILE_SCHEMA: &str = r#"[{"type":"string"},{"type":"object","properties":{"data":{"type":"string"},"filename":{"type":"string"},"mime_type":{"type":"string"}},"required":["data"],"additionalProperties":false}]"#;

/// A longer summary is no title.
const TITLE_BYTES_MAX: usize = 256;

/// Writes the tools of one document.
pub(crate) struct ToolWriter<'c, 'r, 'd> {
    config: &'c Config,
    resolver: &'r Resolver<'d>,
    inputs: Schemas<'r, 'd>,
    outputs: Schemas<'r, 'd>,
    /// Where tools carry their scopes.
    scopes: Option<ScopedSchemes>,
    /// The shapes of results by the place of their schema's target: to learn one means to scan that schema.
    shapes: HashMap<u32, OutputShape>,
    /// Arguments that several operations have, by the place of their schema.
    shared: HashMap<u32, Shared>,
    /// Where the document has what belongs to one operation.
    paths: Range<usize>,
}

/// An argument as it was written.
struct Shared {
    name: String,
    description: Option<String>,
    location: Option<Location>,
    renamed: bool,
    deprecated: bool,
    written: Fragment,
}

impl<'c, 'r, 'd> ToolWriter<'c, 'r, 'd> {
    pub(crate) fn new(config: &'c Config, resolver: &'r Resolver<'d>) -> Self {
        let document = resolver.document();
        Self {
            config,
            resolver,
            inputs: Schemas::new(resolver, Direction::Input),
            outputs: Schemas::new(resolver, Direction::Output),
            scopes: config.scopes.then(|| ScopedSchemes::of(resolver)),
            shapes: HashMap::default(),
            shared: HashMap::default(),
            paths: document
                .member("paths")
                .map(|paths| document.span_of(paths).range())
                .unwrap_or_default(),
        }
    }

    /// What was read more loosely than it was written.
    pub(crate) fn into_notes(self) -> Vec<Note> {
        let mut notes = self.inputs.into_notes();
        notes.extend(self.outputs.into_notes());
        notes
    }

    /// The operation as a tool, and how its results stand to its output schema.
    pub(crate) fn tool(
        &mut self,
        operation: &Operation<'d>,
        name: String,
    ) -> Result<(Tool, OutputShape), Fault> {
        let input_schema = self.input_schema(operation)?;
        let (output_schema, shape) = self.output_schema(operation);
        let description = description::of(operation, self.resolver, self.config.descriptions);
        let title = operation
            .summary
            .as_deref()
            .filter(|summary| *summary != description && summary.len() <= TITLE_BYTES_MAX);
        let meta = self.config.tags_in_meta.then(|| {
            let mut tags = operation.tags.clone();
            tags.sort();
            Json::of(&serde_json::json!({ "fastmcp": { "tags": tags } }))
        });
        let tool = Tool {
            name,
            title: title.map(str::to_owned),
            description: Some(description),
            input_schema,
            output_schema,
            annotations: annotations(&operation.method, operation.hints),
            tags: operation.tags.clone(),
            origin: Some(Origin {
                method: operation.method.as_str().to_owned(),
                path: operation.path.to_owned(),
                operation_id: operation.id.as_deref().map(str::to_owned),
            }),
            scopes: self
                .scopes
                .as_ref()
                .zip(operation.requirements)
                .map(|(schemes, requirements)| schemes.scopes(requirements))
                .unwrap_or_default(),
            icons: Vec::new(),
            meta,
        };
        Ok((tool, shape))
    }

    fn input_schema(&mut self, operation: &Operation<'d>) -> Result<Json, Fault> {
        let mut fragment = Fragment::default();
        fragment.writer.open_object();
        fragment.writer.member("type", "object");
        fragment.writer.key("properties");
        fragment.writer.open_object();
        for argument in &operation.arguments {
            fragment.writer.key(&argument.name);
            argument.at_place(operation, |place| {
                self.argument(&mut fragment, argument, place);
            });
        }
        fragment.writer.close_object();
        let mut required = operation
            .arguments
            .iter()
            .filter(|argument| argument.required)
            .peekable();
        if required.peek().is_some() {
            fragment.writer.key("required");
            fragment.writer.open_array();
            for argument in required {
                fragment.writer.text(&argument.name);
            }
            fragment.writer.close_array();
        }
        match operation.rest {
            // What is not said is allowed, and what the plan does not know is not sent.
            Openness::Closed if self.config.unknown_arguments == UnknownArguments::Drop => {}
            Openness::Closed => {
                fragment.writer.key("additionalProperties");
                fragment.writer.raw("false");
            }
            Openness::Any => {
                fragment.writer.key("additionalProperties");
                fragment.writer.raw("true");
            }
            Openness::Schema(schema) => {
                fragment.writer.key("additionalProperties");
                operation.at_body(|place| {
                    let place = place.down("additionalProperties");
                    self.inputs
                        .write(&mut fragment, schema, &Around::default(), &place);
                });
            }
        }
        self.inputs
            .write_definitions(&mut fragment, self.config.schema_bytes_max)
            .map_err(|unresolved| Fault {
                pointer: operation.pointer(),
                reason: unresolved.to_string(),
            })?;
        fragment.writer.close_object();
        Ok(json(fragment))
    }

    fn argument(&mut self, fragment: &mut Fragment, argument: &Argument<'d>, place: &Place<'_>) {
        let writer = &mut fragment.writer;
        match &argument.schema {
            ArgumentSchema::Document(schemas) => {
                self.document_schemas(fragment, argument, schemas, place);
            }
            ArgumentSchema::Piece => writer.raw(r#"{"type":["string","integer"]}"#),
            ArgumentSchema::Text(media_type) => {
                let help = format!("The body: `{media_type}` as text.");
                writer.open_object();
                writer.member("type", "string");
                writer.member("description", &with(argument.description.as_deref(), &help));
                writer.close_object();
            }
            ArgumentSchema::Base64(media_type) => {
                let help = format!("The body: `{media_type}` as base64.");
                writer.open_object();
                writer.member("type", "string");
                writer.member("description", &with(argument.description.as_deref(), &help));
                writer.member("contentEncoding", "base64");
                writer.close_object();
            }
            ArgumentSchema::File => {
                writer.open_object();
                writer.member(
                    "description",
                    &with(argument.description.as_deref(), FILE_HELP),
                );
                writer.key("anyOf");
                writer.raw(FILE_SCHEMA);
                writer.close_object();
            }
            ArgumentSchema::MediaTypes(media_types) => {
                writer.open_object();
                writer.member("type", "string");
                if let Some(description) = &argument.description {
                    writer.member("description", description);
                }
                writer.key("enum");
                writer.open_array();
                for media_type in media_types {
                    writer.text(media_type);
                }
                writer.close_array();
                writer.close_object();
            }
            ArgumentSchema::Files => {
                writer.open_object();
                writer.member("type", "array");
                if let Some(description) = &argument.description {
                    writer.member("description", description);
                }
                writer.key("items");
                writer.open_object();
                writer.member("description", FILE_HELP);
                writer.key("anyOf");
                writer.raw(FILE_SCHEMA);
                writer.close_object();
                writer.close_object();
            }
        }
    }

    fn document_schemas(
        &mut self,
        fragment: &mut Fragment,
        argument: &Argument<'d>,
        schemas: &[Slice<'d>],
        place: &Place<'_>,
    ) {
        let addition = argument
            .location()
            .filter(|_| argument.renamed)
            .map(location_note);
        let around = Around::argument(
            &argument.wire_name,
            argument.description.clone(),
            addition,
            argument.deprecated,
        );
        if let [schema] = schemas {
            self.document_schema(fragment, argument, *schema, &around, place);
            return;
        }
        fragment.writer.open_object();
        around.write(&mut fragment.writer);
        if !schemas.is_empty() {
            fragment.writer.key("allOf");
            fragment.writer.open_array();
            for schema in schemas {
                self.inputs
                    .write(fragment, *schema, &Around::default(), place);
            }
            fragment.writer.close_array();
        }
        fragment.writer.close_object();
    }

    /// The schema of one argument; written once where it stands apart from operations, for several of them.
    fn document_schema(
        &mut self,
        fragment: &mut Fragment,
        argument: &Argument<'d>,
        schema: Slice<'d>,
        around: &Around<'_>,
        place: &Place<'_>,
    ) {
        let start = self.resolver.document().span_of(schema).start();
        if self.paths.contains(&(start as usize)) {
            self.inputs.write(fragment, schema, around, place);
            return;
        }
        if let Some(shared) = self.shared.get(&start)
            && shared.is_of(argument)
        {
            fragment.put(&shared.written);
            return;
        }
        let noted = self.inputs.noted();
        let mut written = Fragment::apart(fragment);
        self.inputs.write(&mut written, schema, around, place);
        fragment.put(&written);
        // A note names the operation, so each is to have its own.
        if self.inputs.noted() == noted {
            let shared = Shared {
                name: argument.wire_name.clone().into_owned(),
                description: argument.description.clone().map(Cow::into_owned),
                location: argument.location(),
                renamed: argument.renamed,
                deprecated: argument.deprecated,
                written,
            };
            self.shared.insert(start, shared);
        }
    }

    fn output_schema(&mut self, operation: &Operation<'d>) -> (Option<Json>, OutputShape) {
        let success = operation.success.as_ref();
        let Some((success, schema)) = success.and_then(|success| Some((success, success.json?)))
        else {
            return (None, OutputShape::None);
        };
        let strictness = self.config.strictness();
        if self.config.output_schemas == OutputSchemas::None && strictness == Strictness::None {
            return (None, OutputShape::None);
        }
        let shape = self.shape(operation, schema);
        if strictness != Strictness::None {
            let mut full = None;
            operation.at_success(success, |place| {
                full = self.full_output(schema, shape, place);
            });
            if full.is_some() {
                return (full, shape);
            }
        }
        let open = match shape {
            OutputShape::None => return (None, shape),
            OutputShape::Object => r#"{"type":"object"}"#,
            OutputShape::Wrapped => {
                r#"{"type":"object","properties":{"result":{}},"required":["result"],"x-fastmcp-wrap-result":true}"#
            }
        };
        (Some(Slice::from_checked(open).to_json()), shape)
    }

    fn shape(&mut self, operation: &Operation<'d>, schema: Slice<'d>) -> OutputShape {
        let of_success = || {
            operation
                .success
                .as_ref()
                .map_or(OutputShape::None, |success| success.shape(self.resolver))
        };
        let target = Keywords::of(schema)
            .reference()
            .and_then(|reference| self.resolver.schema(reference).ok());
        match target {
            Some((target, _)) => {
                let start = self.resolver.document().span_of(target).start();
                *self.shapes.entry(start).or_insert_with(of_success)
            }
            None => of_success(),
        }
    }

    /// None when the schema refers out of the document.
    fn full_output(
        &mut self,
        schema: Slice<'d>,
        shape: OutputShape,
        place: &Place<'_>,
    ) -> Option<Json> {
        let mut fragment = Fragment::default();
        // Clients throw away a whole result that breaks the listed schema by one field, so another alternative accepts
        // anything; `Judge` compares with the first one.
        let is_loose = self.config.strictness() == Strictness::Flag;
        match shape {
            OutputShape::None => return None,
            OutputShape::Object if is_loose => {
                fragment.writer.open_object();
                fragment.writer.member("type", "object");
                fragment.writer.key("anyOf");
                fragment.writer.open_array();
                self.outputs
                    .write(&mut fragment, schema, &Around::default(), place);
                fragment.writer.raw("{}");
                fragment.writer.close_array();
            }
            // The root itself must say `type: object`, so it is not left to a reference.
            OutputShape::Object => {
                let mut definitions = Fragment::default();
                self.outputs.write_root(&mut definitions, schema, place);
                fragment = definitions;
                fragment.writer.reopen_object();
            }
            OutputShape::Wrapped => {
                fragment.writer.open_object();
                fragment.writer.member("type", "object");
                fragment.writer.key("properties");
                fragment.writer.open_object();
                fragment.writer.key("result");
                if is_loose {
                    fragment.writer.open_object();
                    fragment.writer.key("anyOf");
                    fragment.writer.open_array();
                }
                self.outputs
                    .write(&mut fragment, schema, &Around::default(), place);
                if is_loose {
                    fragment.writer.raw("{}");
                    fragment.writer.close_array();
                    fragment.writer.close_object();
                }
                fragment.writer.close_object();
                fragment.writer.key("required");
                fragment.writer.raw(r#"["result"]"#);
                fragment.writer.key("x-fastmcp-wrap-result");
                fragment.writer.raw("true");
            }
        }
        self.outputs
            .write_definitions(&mut fragment, self.config.schema_bytes_max)
            .ok()?;
        fragment.writer.close_object();
        Some(json(fragment))
    }
}

impl Shared {
    /// Whether the argument is written the same: a schema may be referred to from several places.
    fn is_of(&self, argument: &Argument<'_>) -> bool {
        self.name == argument.wire_name
            && self.description.as_deref() == argument.description.as_deref()
            && self.location == argument.location()
            && self.renamed == argument.renamed
            && self.deprecated == argument.deprecated
    }
}

fn json(fragment: Fragment) -> Json {
    Slice::from_checked(&fragment.writer.into_string()).to_json()
}

/// A description and what Wharf has to add to it.
fn with<'a>(description: Option<&str>, help: &'a str) -> Cow<'a, str> {
    match description {
        Some(description) => Cow::Owned(format!("{description} {help}")),
        None => Cow::Borrowed(help),
    }
}

fn location_note(location: Location) -> &'static str {
    match location {
        Location::Path => "(Path parameter)",
        Location::Query => "(Query parameter)",
        Location::Querystring => "(The whole query)",
        Location::Header => "(Header parameter)",
        Location::Cookie => "(Cookie parameter)",
    }
}

/// What HTTP says of a method (RFC 9110 §9.2), as hints; where the document's `x-mcp-annotations` says otherwise, that.
fn annotations(method: &Method, own: Option<Slice<'_>>) -> ToolAnnotations {
    let by_method = of_method(method);
    let own = |name| own.and_then(|own| own.get(name)).and_then(Slice::boolean);
    ToolAnnotations {
        read_only: own("readOnlyHint").or(by_method.read_only),
        destructive: own("destructiveHint").or(by_method.destructive),
        idempotent: own("idempotentHint").or(by_method.idempotent),
        open_world: own("openWorldHint").or(by_method.open_world),
    }
}

fn of_method(method: &Method) -> ToolAnnotations {
    // QUERY is a GET with a body.
    let read_only = matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    ) || method.as_str() == "QUERY";
    let idempotent = read_only || matches!(*method, Method::PUT | Method::DELETE);
    // POST may do anything; to create something destroys nothing, but only its document's reader knows.
    let destructive = match *method {
        Method::PUT | Method::DELETE | Method::PATCH => Some(true),
        _ if read_only => Some(false),
        _ => None,
    };
    ToolAnnotations {
        read_only: Some(read_only),
        destructive,
        idempotent: Some(idempotent),
        open_world: Some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_follow_the_method() {
        for (method, read_only, destructive, idempotent) in [
            (Method::GET, true, Some(false), true),
            (Method::HEAD, true, Some(false), true),
            (Method::OPTIONS, true, Some(false), true),
            (Method::PUT, false, Some(true), true),
            (Method::DELETE, false, Some(true), true),
            (Method::PATCH, false, Some(true), false),
            (Method::POST, false, None, false),
        ] {
            let hints = annotations(&method, None);
            assert_eq!(hints.read_only, Some(read_only), "{method}");
            assert_eq!(hints.destructive, destructive, "{method}");
            assert_eq!(hints.idempotent, Some(idempotent), "{method}");
            assert_eq!(hints.open_world, Some(true), "{method}");
        }
    }
}
