//! Operations as tools: names, schemas, hints.

mod input;

use http::Method;
use wharf_model::{HashMap, InputSchema, Json, Origin, Slice, Tool, ToolAnnotations};

use crate::config::{Config, OutputSchemas};
use crate::description;
use crate::operation::{Operation, OutputShape};
use crate::reference::Resolver;
use crate::response::Strictness;
use crate::schema::{Around, Direction, Fragment, Keywords, Note, Place, Schemas};
use crate::security::ScopedSchemes;

pub(crate) use input::InputWriter;

/// A longer summary is no title.
const TITLE_BYTES_MAX: usize = 256;

/// Writes the tools of one document, but for what they take: see [`InputWriter`].
pub(crate) struct ToolWriter<'c, 'r, 'd> {
    config: &'c Config,
    resolver: &'r Resolver<'d>,
    outputs: Schemas<'r, 'd>,
    /// Where tools carry their scopes.
    scopes: Option<ScopedSchemes>,
    /// The shapes of results by the place of their schema's target: to learn one means to scan that schema.
    shapes: HashMap<u32, OutputShape>,
}

impl<'c, 'r, 'd> ToolWriter<'c, 'r, 'd> {
    pub(crate) fn new(config: &'c Config, resolver: &'r Resolver<'d>) -> Self {
        Self {
            config,
            resolver,
            outputs: Schemas::new(resolver, Direction::Output),
            scopes: config.scopes.then(|| ScopedSchemes::of(resolver)),
            shapes: HashMap::default(),
        }
    }

    /// What was read more loosely than it was written.
    pub(crate) fn into_notes(self) -> Vec<Note> {
        self.outputs.into_notes()
    }

    /// The operation as a tool that has no name yet and takes nothing, and how its results stand to its output schema.
    pub(crate) fn tool(&mut self, operation: &Operation<'d>) -> (Tool, OutputShape) {
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
            name: String::new(),
            title: title.map(str::to_owned),
            description: Some(description),
            input_schema: InputSchema::default(),
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
        (tool, shape)
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

fn json(fragment: Fragment) -> Json {
    Slice::from_checked(&fragment.writer.into_string()).to_json()
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
