//! What one operation's call turns into: fixed when the document is read, followed at every call.
//!
//! The reader writes plans and knows documents; request building follows plans and knows HTTP. Neither knows the other.

use http::Method;

/// How to make the request of one operation from its arguments, and what its result is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// The HTTP method.
    pub(crate) method: Method,
    /// Where requests go when it is not the source's own base URL: an absolute URL without a trailing slash.
    pub(crate) server: Option<String>,
    /// The path template in pieces, to be joined; literal pieces are already percent-encoded.
    pub(crate) path: Vec<PathPiece>,
    /// The parameters in the document's order, path parameters included.
    pub(crate) parameters: Vec<Parameter>,
    /// The request body, where the operation has one.
    pub(crate) body: Option<Body>,
    /// Other bodies in its place.
    pub(crate) choice: Option<Choice>,
    /// For `Accept`: the media types of the success responses, JSON first. Empty: `*/*`.
    pub(crate) accept: String,
    /// The tool lists an output schema that wraps its value in `result`, so every result must be wrapped so.
    pub(crate) wraps_result: bool,
    /// The tool lists an output schema, so every result that is no error must have a structured part.
    pub(crate) has_output_schema: bool,
    /// Arguments that are `null` are taken for absent, in a body too.
    pub(crate) drops_nulls: bool,
    /// The security schemes that the operation declares: any of the outer list will do, all of an inner one are needed.
    /// An empty inner list allows a call without credentials; an empty outer list says that nothing is declared.
    pub(crate) security: Vec<Vec<String>>,
}

impl Plan {
    /// The names of the arguments that it uses, each once at least.
    pub(crate) fn argument_names(&self) -> Vec<&str> {
        let parameters = self.parameters.iter();
        let others = self.choice.iter().flat_map(|choice| &choice.bodies);
        let bodies = self.body.iter().chain(others);
        parameters
            .map(|parameter| parameter.argument.as_str())
            .chain(bodies.flat_map(Body::argument_names))
            .collect()
    }
}

/// One piece of a path template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathPiece {
    /// Sent as it stands.
    Literal(String),
    /// The parameter at this place of [`Plan::parameters`].
    Parameter(usize),
}

/// One parameter (OpenAPI 3.1 §4.8.12).
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    /// The tool's argument that holds its value.
    pub(crate) argument: String,
    /// Its name on the wire.
    pub(crate) name: String,
    /// Where it goes.
    pub(crate) location: Location,
    /// How its value is written.
    pub(crate) serialization: Serialization,
    /// A call without it cannot be made.
    pub(crate) required: bool,
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Location {
    Path,
    Query,
    /// The whole query is this one value (OpenAPI 3.2).
    Querystring,
    Header,
    Cookie,
}

/// How a value is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Serialization {
    /// By `style` and `explode`, with the location's defaults filled in.
    Style {
        /// The style.
        style: Style,
        /// Arrays and objects as one pair for each item or member.
        explode: bool,
        /// Reserved characters (RFC 3986 §2.2) stay as they are.
        allow_reserved: bool,
    },
    /// By `content`: as one text of this media type, JSON where it is JSON.
    Content(String),
}

/// OpenAPI's serialization styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Matrix,
    Label,
    Simple,
    Form,
    SpaceDelimited,
    PipeDelimited,
    /// Swagger 2.0's `tsv`.
    TabDelimited,
    DeepObject,
}

impl Style {
    /// What stands between the items of a list that is not exploded.
    pub(crate) fn separator(self) -> &'static str {
        match self {
            Self::SpaceDelimited => " ",
            Self::PipeDelimited => "|",
            Self::TabDelimited => "\t",
            _ => ",",
        }
    }

    /// The same, percent-encoded.
    pub(crate) fn encoded_separator(self) -> &'static str {
        match self {
            Self::SpaceDelimited => "%20",
            Self::PipeDelimited => "%7C",
            Self::TabDelimited => "%09",
            _ => ",",
        }
    }
}

/// A request body.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    /// For `Content-Type`, as the document writes it.
    pub(crate) media_type: String,
    /// How it is written.
    pub(crate) encoding: BodyEncoding,
    /// Which arguments make it up.
    pub(crate) arguments: BodyArguments,
    /// A call without it cannot be made.
    pub(crate) required: bool,
    /// The arguments that it cannot do without when it is sent, where the tool's schema does not say so: it can be left
    /// out, or another body can be chosen.
    pub(crate) needed: Vec<String>,
}

/// Bodies of other media types.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// The argument that names a media type; without it the plan's own body is sent.
    pub(crate) argument: String,
    /// The bodies to choose from.
    pub(crate) bodies: Vec<Body>,
}

impl Body {
    /// The arguments that it is made of, as far as they have names of their own.
    pub(crate) fn argument_names(&self) -> Vec<&str> {
        match &self.arguments {
            BodyArguments::Whole(name) => vec![name],
            BodyArguments::Members { members, .. } => members
                .iter()
                .map(|(argument, _)| argument.as_str())
                .collect(),
        }
    }
}

/// How a body is written.
#[derive(Debug, Clone)]
pub(crate) enum BodyEncoding {
    /// JSON and `+json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form(Vec<PartEncoding>),
    /// `multipart/*`.
    Multipart(Vec<PartEncoding>),
    /// Text as it stands; a value that is no text is written as its JSON.
    Text,
    /// Bytes: the argument holds base64.
    Binary,
}

/// How one property of a form or multipart body is written (OpenAPI's Encoding Object, defaults filled in).
#[derive(Debug, Clone)]
pub(crate) struct PartEncoding {
    /// The property's name.
    pub(crate) property: String,
    /// The part's media type, where it is not the value's own default.
    pub(crate) content_type: Option<String>,
    /// Form only: style and explode, where the document gives them.
    pub(crate) style: Option<(Style, bool)>,
    /// Reserved characters stay as they are.
    pub(crate) allow_reserved: bool,
    /// The property (or the items of the array it is) holds a file: base64, a `data:` URI, or `{data, filename, mime_type}`.
    pub(crate) file: bool,
}

/// Which arguments make up a body.
#[derive(Debug, Clone)]
pub(crate) enum BodyArguments {
    /// One argument holds the whole body.
    Whole(String),
    /// The body is an object whose members are arguments of their own.
    Members {
        /// Pairs of argument and property, in the document's order.
        members: Vec<(String, String)>,
        /// Arguments that belong to nothing else are members too.
        open: bool,
    },
}
