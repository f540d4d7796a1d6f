//! What can be set about a document's tools.

use schemars::JsonSchema;
use serde::Deserialize;
use wharf_upstream::Supplied;

use crate::description::Descriptions;
use crate::response::{Limits, Strictness};

/// How a document becomes tools.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent settings, not states"
)]
pub struct Config {
    /// The source's name in messages and logs; whoever builds the source knows it.
    #[serde(skip)]
    pub name: Option<String>,
    /// How much each tool's description says: `brief` or `full`. Default: `brief`, because every word of a list is
    /// paid for in each conversation.
    pub descriptions: Descriptions,
    /// What is listed about results: `none`, `open` or `full`. Default: `open`, since clients refuse results that do
    /// not fit the listed schema, and upstreams often do not keep to their own documents.
    pub output_schemas: OutputSchemas,
    /// How much text of a result is given to the model, in bytes; the rest is cut off and the result says so.
    /// Default: 1 MiB, which is more than most models can take in at once.
    pub result_bytes_max: usize,
    /// How large one tool's schema may become by definitions, in bytes; definitions beyond accept anything. Default:
    /// 65,536: some documents tie all their schemas together, and each tool would list all of them.
    pub schema_bytes_max: usize,
    /// Whether a result that does not fit its schema is an error; lists the whole schemas, whatever `output_schemas`
    /// says. Default: false: the call was made, and its answer is worth more to a model than the mistake in it.
    pub strict_output: bool,
    /// What becomes of arguments that a tool does not have: `refuse` or `drop`. Default: `refuse`, naming those there
    /// are, since a model can mend a misspelt one.
    pub unknown_arguments: UnknownArguments,
    /// Whether arguments that are `null` are left out, also where the document allows `null`. Default: false: a `null`
    /// in a body clears something, and leaving it out changes what is asked.
    pub drop_nulls: bool,
    /// Whether the tools' tags are listed under `_meta`, as `FastMCP` does. Default: false.
    pub tags_in_meta: bool,
    /// How errors of the upstream are worded: `wharf`, or `awslabs` for prompts and programs that look for the words of
    /// the awslabs OpenAPI server. Default: `wharf`, which says more of what to do next.
    pub error_style: ErrorStyle,
    /// Whether there is a prompt for each operation with an `operationId`, and some for operations that go together.
    /// Default: false; many clients list prompts among the commands of a person, where hundreds are in the way.
    pub prompts: bool,
    /// Which parameters the upstream fills in by itself, so that no tool lists them; the upstream's configuration knows.
    #[serde(skip)]
    pub supplied: Supplied,
    /// Whether tools carry the OAuth scopes that their operations declare; rules of access may want them.
    #[serde(skip)]
    pub scopes: bool,
    /// Whether what the tools of a large document take is written when somebody looks: for a server whose clients will
    /// see few of them. Then the report has no notes about it.
    #[serde(skip)]
    pub schemas_later: bool,
}

/// How errors of the upstream are worded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorStyle {
    /// The status, what helps, and the body.
    #[default]
    Wharf,
    /// As the awslabs OpenAPI server says it: `Error calling tool 'name': HTTP error 404: Not Found - ` and the body.
    Awslabs,
}

/// What is listed about results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputSchemas {
    /// Nothing.
    None,
    /// Whether the result is an object, or a value that is wrapped into one.
    #[default]
    Open,
    /// The whole schema. Results that break it are delivered and say so, which is why it is listed as one of two
    /// alternatives, the other of which accepts anything.
    Full,
}

/// What becomes of arguments that a tool does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownArguments {
    /// The call is not made, and its answer names them.
    #[default]
    Refuse,
    /// The call is made without them.
    Drop,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: None,
            descriptions: Descriptions::default(),
            output_schemas: OutputSchemas::default(),
            result_bytes_max: Limits::default().text_bytes_max,
            schema_bytes_max: 64 * 1024,
            strict_output: false,
            unknown_arguments: UnknownArguments::default(),
            drop_nulls: false,
            tags_in_meta: false,
            error_style: ErrorStyle::default(),
            prompts: false,
            supplied: Supplied::default(),
            scopes: false,
            schemas_later: false,
        }
    }
}

impl Config {
    /// How results are held to the listed schemas.
    pub(crate) fn strictness(&self) -> Strictness {
        if self.strict_output {
            Strictness::Refuse
        } else if self.output_schemas == OutputSchemas::Full {
            Strictness::Flag
        } else {
            Strictness::None
        }
    }
}
