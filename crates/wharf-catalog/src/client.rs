//! What the clients and model APIs that we know bear: one table, read by the lint and by the rendering.
//!
//! No client publishes such a table, and each changes. Every figure below names where it comes from: documentation where
//! there is any, otherwise the error message that users met. A limit that is lifted one day costs a list a little
//! meaning; a limit that is missing here can cost a user all tools at once, since most APIs refuse a whole request for
//! one bad schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A client, or the model API that its tools end up at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Client {
    /// Claude's applications, Claude Code, and Anthropic's API.
    Claude,
    /// `ChatGPT`, Codex, and the API of `OpenAI`.
    Openai,
    /// Gemini's applications and CLI, and Google's API.
    Gemini,
    /// Amazon Bedrock's Converse API, Nova's models included.
    Bedrock,
    /// Cursor.
    Cursor,
    /// Visual Studio Code with GitHub Copilot.
    Vscode,
    /// Windsurf.
    Windsurf,
}

/// What one client bears.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) name: NameRule,
    /// More tools than this are refused or dropped.
    pub(crate) tools_max: Option<usize>,
    /// A longer list works, and works badly.
    pub(crate) tokens_max: Option<usize>,
    pub(crate) description_chars_max: Option<usize>,
    /// Arguments must be named by `^[a-zA-Z0-9_.-]{1,64}$`.
    pub(crate) argument_names: bool,
    pub(crate) dialect: Dialect,
}

/// How a tool may be called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NameRule {
    pub(crate) chars_max: usize,
    /// The server's name counts as part of it.
    pub(crate) with_server: bool,
    pub(crate) dots: bool,
    pub(crate) letter_first: bool,
}

/// Which part of JSON Schema a client understands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) root: Root,
    /// `$ref` is followed.
    pub(crate) references: bool,
    /// Only the keywords of [`SUBSET`], in the way of OpenAPI 3.0: one type, `nullable`, texts in `enum`.
    pub(crate) subset: bool,
    /// An array must say what its items are.
    pub(crate) array_items: bool,
    /// Objects and arrays inside of each other.
    pub(crate) depth_max: Option<usize>,
    /// Values of one `enum`.
    pub(crate) enum_max: Option<usize>,
}

/// What may stand at the root of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// Anything but conditions on the whole: no `anyOf` and its like.
    Unconditional,
    /// `type`, `properties` and `required`.
    Plain,
}

/// The keywords of the Gemini API's `Schema`, as its reference lists them
/// (<https://ai.google.dev/api/caching#Schema>). Its parser refuses the request for any other
/// (promptfoo/promptfoo#6902: `additionalProperties`; pizza-bot-app/pizza-bot#62: `exclusiveMinimum`).
pub(crate) const SUBSET: [&str; 21] = [
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "items",
    "minItems",
    "maxItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "anyOf",
    "default",
    "minimum",
    "maximum",
];

/// The formats that the Gemini API knows for a type (google-gemini/gemini-cli#3178: «only 'enum' and 'date-time' are
/// supported for STRING type»; the numeric ones by the reference of `Schema`).
pub(crate) fn subset_formats(json_type: &str) -> &'static [&'static str] {
    match json_type {
        "string" => &["date-time", "enum"],
        "integer" => &["int32", "int64"],
        "number" => &["float", "double"],
        _ => &[],
    }
}

/// `^[a-zA-Z0-9_-]{1,64}$`: the pattern of `OpenAI` for functions (packit/ai-workflows#619), Bedrock's for a `ToolSpec`
/// (Converse API reference), and what Anthropic's API takes everywhere.
const PLAIN_NAME: NameRule = NameRule {
    chars_max: 64,
    with_server: false,
    dots: false,
    letter_first: false,
};

/// JSON Schema as it comes, but for conditions at the root.
const UNCONDITIONAL: Dialect = Dialect {
    root: Root::Unconditional,
    references: true,
    subset: false,
    array_items: false,
    depth_max: None,
    enum_max: None,
};

const CLAUDE: Limits = Limits {
    name: PLAIN_NAME,
    tools_max: None,
    // Claude Code warns of MCP tools above this (`/doctor`: «Large MCP tools context»).
    tokens_max: Some(25_000),
    description_chars_max: None,
    // aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws#709, twilio-labs/mcp#58:
    // «Property keys should match pattern». Only those of the root are looked at.
    argument_names: true,
    // anthropics/claude-code#5973: «input_schema does not support oneOf, allOf, or anyOf at the top level».
    dialect: UNCONDITIONAL,
};

const OPENAI: Limits = Limits {
    name: PLAIN_NAME,
    // zed-industries/zed#32946: «array too long. Expected an array with maximum length 128».
    tools_max: Some(128),
    tokens_max: None,
    // getsentry/sentry-mcp#106: «Expected a string with maximum length 1024».
    description_chars_max: Some(1024),
    argument_names: false,
    dialect: Dialect {
        // nspady/google-calendar-mcp#39: «not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level».
        root: Root::Unconditional,
        // PrefectHQ/fastmcp#2464: «array schema missing items».
        array_items: true,
        // «Supported schemas» of the guide to structured outputs, which hosts turn on for tools as `strict`
        // (<https://developers.openai.com/api/docs/guides/structured-outputs#supported-schemas>).
        depth_max: Some(10),
        enum_max: Some(1000),
        ..UNCONDITIONAL
    },
};

const GEMINI: Limits = Limits {
    name: NameRule {
        dots: true,
        // google-gemini/gemini-cli#2966: «Must start with a letter or an underscore».
        letter_first: true,
        ..PLAIN_NAME
    },
    // google-gemini/gemini-cli#19083: «At most 512 function declarations can be specified».
    tools_max: Some(512),
    tokens_max: None,
    description_chars_max: None,
    argument_names: false,
    dialect: Dialect {
        root: Root::Unconditional,
        // DEEIX-AI/DEEIX-Chat#546: with `$ref` the parts it names are lost.
        references: false,
        subset: true,
        // cline/cline#7339: «missing array items».
        array_items: true,
        ..UNCONDITIONAL
    },
};

const BEDROCK: Limits = Limits {
    name: PLAIN_NAME,
    tools_max: None,
    tokens_max: None,
    description_chars_max: None,
    argument_names: true, // as Claude, which Converse passes tools on to
    dialect: Dialect {
        // Nova's user guide, «Defining a tool»: at the top level only `type`, `properties` and `required`.
        root: Root::Plain,
        references: false, // `$defs` is another keyword at the top level
        ..UNCONDITIONAL
    },
};

const CURSOR: Limits = Limits {
    name: NameRule {
        // ComposioHQ/composio#2788, executeautomation/mcp-playwright#145: server and tool together; others are dropped.
        chars_max: 60,
        with_server: true,
        ..PLAIN_NAME
    },
    // Cursor warns of more, over all servers together.
    tools_max: Some(40),
    // Its users choose among the models of all the others.
    ..OPENAI
};

const VSCODE: Limits = Limits {
    // microsoft/vscode#243602: the model behind takes 64, with a prefix for the server.
    name: NameRule {
        with_server: true,
        ..PLAIN_NAME
    },
    // microsoft/vscode#258890: «Cannot have more than 128 tools per request».
    tools_max: Some(128),
    ..OPENAI
};

const WINDSURF: Limits = Limits {
    // <https://docs.windsurf.com/windsurf/cascade/mcp>: «a limit of 100 total tools».
    tools_max: Some(100),
    ..OPENAI
};

impl Client {
    /// All that are known.
    pub const ALL: [Self; 7] = [
        Self::Claude,
        Self::Openai,
        Self::Gemini,
        Self::Bedrock,
        Self::Cursor,
        Self::Vscode,
        Self::Windsurf,
    ];

    /// Its name in commands and configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Openai => "openai",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::Cursor => "cursor",
            Self::Vscode => "vscode",
            Self::Windsurf => "windsurf",
        }
    }

    /// The client of that name, or of another name that people know it by.
    pub fn named(name: &str) -> Option<Self> {
        let client = match name.to_ascii_lowercase().as_str() {
            "claude-code" | "claude-desktop" | "anthropic" => Self::Claude,
            "chatgpt" | "codex" => Self::Openai,
            "gemini-cli" | "google" | "vertex" => Self::Gemini,
            "nova" | "converse" => Self::Bedrock,
            "vs-code" | "copilot" | "github-copilot" => Self::Vscode,
            name => return Self::ALL.into_iter().find(|client| client.name() == name),
        };
        Some(client)
    }

    pub(crate) fn limits(self) -> &'static Limits {
        match self {
            Self::Claude => &CLAUDE,
            Self::Openai => &OPENAI,
            Self::Gemini => &GEMINI,
            Self::Bedrock => &BEDROCK,
            Self::Cursor => &CURSOR,
            Self::Vscode => &VSCODE,
            Self::Windsurf => &WINDSURF,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_found_by_name() {
        for client in Client::ALL {
            assert_eq!(Client::named(client.name()), Some(client));
            let in_configuration = serde_json::to_value(client).unwrap();
            assert_eq!(in_configuration, client.name());
        }
        for (name, expected) in [
            ("ChatGPT", Some(Client::Openai)),
            ("copilot", Some(Client::Vscode)),
            ("emacs", None),
            ("", None),
        ] {
            assert_eq!(Client::named(name), expected, "{name}");
        }
    }
}
