//! The three tools themselves, as a model reads them.

use serde_json::json;
use wharf_model::{Json, Tool, ToolAnnotations};

use super::{DESCRIBED_MAX, FOUND_DEFAULT, FOUND_MAX};

/// Finds tools by what they do.
pub(super) const FIND: &str = "find_tools";
/// Shows the whole definition of tools.
pub(super) const DESCRIBE: &str = "describe_tools";
/// The tool of search mode that calls another by its name: `{name, arguments}`.
pub const CALL: &str = "call_tool";

/// The three, for a catalog of `count` tools.
pub(super) fn tools(count: usize) -> Vec<Tool> {
    vec![find(count), describe(), call()]
}

fn find(count: usize) -> Tool {
    Tool {
        name: FIND.to_owned(),
        title: Some("Find tools".to_owned()),
        description: Some(format!(
            "Finds tools by what they do. This server has {count} tools that are not listed; begin here. \
             Say in a few plain words what you want to do and to what, such as \"list open orders of a customer\". \
             Answers with lines of `name(required arguments) — what it does`, best first. \
             Then call `{DESCRIBE}` to see all arguments of a tool, and `{CALL}` to call it. \
             If nothing fits, try other words."
        )),
        input_schema: Json::of(&json!({
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "What to do, in plain words."},
                "limit": {
                    "type": "integer", "minimum": 1, "maximum": FOUND_MAX,
                    "description": format!("How many tools to find. Default: {FOUND_DEFAULT}.")
                },
            },
            "required": ["query"],
            "additionalProperties": false,
        }))
        .into(),
        annotations: reads(),
        ..Tool::default()
    }
}

fn describe() -> Tool {
    Tool {
        name: DESCRIBE.to_owned(),
        title: Some("Describe tools".to_owned()),
        description: Some(format!(
            "Shows what tools do and all their arguments as JSON Schema. Look before you call a tool for the first \
             time, unless the line that `{FIND}` gave says all you need."
        )),
        input_schema: Json::of(&json!({
            "type": "object",
            "properties": {
                "names": {
                    "type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": DESCRIBED_MAX,
                    "description": format!("Names of tools, exactly as `{FIND}` gave them.")
                },
            },
            "required": ["names"],
            "additionalProperties": false,
        })).into(),
        annotations: reads(),
        ..Tool::default()
    }
}

fn call() -> Tool {
    Tool {
        name: CALL.to_owned(),
        title: Some("Call a tool".to_owned()),
        description: Some(format!(
            "Calls a tool that `{FIND}` found and answers what that tool answers. Arguments that do not fit the \
             tool's schema are refused with a reason, and nothing is done."
        )),
        input_schema: Json::of(&json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "The tool's name."},
                "arguments": {"type": "object", "description": "The tool's arguments. Default: none."},
            },
            "required": ["name"],
            "additionalProperties": false,
        })).into(),
        // What the tool behind it does is not known here; clients then take the worst for granted.
        annotations: ToolAnnotations::default(),
        ..Tool::default()
    }
}

/// Looking at definitions reaches nothing outside of this server.
fn reads() -> ToolAnnotations {
    ToolAnnotations {
        read_only: Some(true),
        destructive: Some(false),
        idempotent: Some(true),
        open_world: Some(false),
    }
}
