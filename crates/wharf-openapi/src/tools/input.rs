//! What a tool takes: the arguments of an operation as one schema.

use std::borrow::Cow;
use std::ops::Range;

use wharf_model::{HashMap, Json, Slice};

use super::json;
use crate::config::{Config, UnknownArguments};
use crate::operation::{Argument, ArgumentSchema, Fault, Openness, Operation};
use crate::plan::Location;
use crate::reference::Resolver;
use crate::schema::{Around, Direction, Fragment, Note, Place, Schemas};

/// How to give a file, said with each argument that takes one.
const FILE_HELP: &str = "A file: base64 text, a `data:` URI, or an object with `data` (base64), `filename` and `mime_type`.";

/// What an argument accepts that takes a file.
const FILE_SCHEMA: &str = r#"[{"type":"string"},{"type":"object","properties":{"data":{"type":"string"},"filename":{"type":"string"},"mime_type":{"type":"string"}},"required":["data"],"additionalProperties":false}]"#;

/// Writes the input schemas of one document.
pub(crate) struct InputWriter<'c, 'r, 'd> {
    config: &'c Config,
    resolver: &'r Resolver<'d>,
    schemas: Schemas<'r, 'd>,
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

impl<'c, 'r, 'd> InputWriter<'c, 'r, 'd> {
    pub(crate) fn new(config: &'c Config, resolver: &'r Resolver<'d>) -> Self {
        let document = resolver.document();
        Self {
            config,
            resolver,
            schemas: Schemas::new(resolver, Direction::Input),
            shared: HashMap::default(),
            paths: document
                .member("paths")
                .map(|paths| document.span_of(paths).range())
                .unwrap_or_default(),
        }
    }

    /// What was read more loosely than it was written.
    pub(crate) fn into_notes(self) -> Vec<Note> {
        self.schemas.into_notes()
    }

    /// The schema of all arguments of an operation.
    pub(crate) fn schema(&mut self, operation: &Operation<'d>) -> Result<Json, Fault> {
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
        if let Some(condition) = operation.condition {
            operation.at_body(|place| {
                let text = format!(
                    "`{}` is about the body as a whole, which arguments one by one cannot say; the API is the judge of it",
                    condition.name()
                );
                self.schemas.note(place, text);
            });
        }
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
                    self.schemas
                        .write(&mut fragment, schema, &Around::default(), &place);
                });
            }
        }
        self.schemas
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
                self.schemas
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
            self.schemas.write(fragment, schema, around, place);
            return;
        }
        if let Some(shared) = self.shared.get(&start)
            && shared.is_of(argument)
        {
            fragment.put(&shared.written);
            return;
        }
        let noted = self.schemas.noted();
        let mut written = Fragment::apart(fragment);
        self.schemas.write(&mut written, schema, around, place);
        fragment.put(&written);
        // A note names the operation, so each is to have its own.
        if self.schemas.noted() == noted {
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
