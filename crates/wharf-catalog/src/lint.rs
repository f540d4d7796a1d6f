//! What of a list a client would refuse, drop or misread, by the limits of [`crate::client`].
//!
//! The lint only looks. What it finds in schemas, [`crate::profile`] mends; names, numbers of tools and descriptions are
//! their owner's to mend.

use std::borrow::Borrow;

use serde::Serialize;
use serde_json::Value;
use wharf_model::Tool;

use crate::client::{Client, Dialect, Limits, Root, SUBSET, subset_formats};
use crate::schema::{self, ROOT_CONDITIONS};
use crate::{TOOL_NAME_CHARS_MAX, tokens_of_tool};

/// So many findings of one tool say enough.
const FINDINGS_PER_TOOL_MAX: usize = 50;

/// Something that a client does not bear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The tool; none when it is about the whole list.
    pub tool: Option<String>,
    /// Where in its input schema: a JSON pointer.
    pub pointer: Option<String>,
    /// Which rule.
    pub rule: Rule,
    /// What is there.
    pub what: String,
}

/// What clients set limits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "`Rule::advice` says what each is about")]
pub enum Rule {
    ToolCount,
    ListSize,
    NameLength,
    NameAlphabet,
    DescriptionLength,
    ArgumentName,
    RootType,
    RootKeyword,
    Reference,
    Keyword,
    Type,
    Enum,
    Format,
    ArrayItems,
    Required,
    Depth,
}

impl Rule {
    /// As tables and JSON show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ToolCount => "tool-count",
            Self::ListSize => "list-size",
            Self::NameLength => "name-length",
            Self::NameAlphabet => "name-alphabet",
            Self::DescriptionLength => "description-length",
            Self::ArgumentName => "argument-name",
            Self::RootType => "root-type",
            Self::RootKeyword => "root-keyword",
            Self::Reference => "reference",
            Self::Keyword => "keyword",
            Self::Type => "type",
            Self::Enum => "enum",
            Self::Format => "format",
            Self::ArrayItems => "array-items",
            Self::Required => "required",
            Self::Depth => "depth",
        }
    }

    /// What to do about it.
    pub fn advice(self, client: Client) -> String {
        match self {
            Self::ToolCount | Self::ListSize => {
                "offer less: `tools.include`, `tools.exclude`, or search in place of the list"
                    .into()
            }
            Self::NameLength | Self::NameAlphabet => "rename it: `tools.edit.<tool>.name`".into(),
            Self::DescriptionLength => format!(
                "write a shorter one: `tools.edit.<tool>.description`, or have it cut: `client_profile: {}`",
                client.name()
            ),
            Self::ArgumentName => "hide or fix it: `tools.edit.<tool>.arguments`".into(),
            _ => format!("have it rendered: `client_profile: {}`", client.name()),
        }
    }
}

/// What a client does not bear of these tools. `server` is what its user calls the server.
pub fn lint(client: Client, server: &str, tools: &[impl Borrow<Tool>]) -> Vec<Finding> {
    let tools = tools.iter().map(Borrow::borrow);
    let limits = client.limits();
    let mut findings = Vec::new();
    let mut of_list = |rule, what| {
        findings.push(Finding {
            tool: None,
            pointer: None,
            rule,
            what,
        });
    };
    if let Some(most) = limits.tools_max
        && tools.len() > most
    {
        of_list(
            Rule::ToolCount,
            format!("{} tools of at most {most}", tools.len()),
        );
    }
    if let Some(most) = limits.tokens_max {
        let tokens: usize = tools.clone().map(tokens_of_tool).sum();
        if tokens > most {
            let what = format!("the list costs about {tokens} tokens, more than {most}");
            of_list(Rule::ListSize, what);
        }
    }
    for tool in tools {
        let mut of_tool = Findings::default();
        judge_texts(limits, server, tool, &mut of_tool);
        judge_schema(&limits.dialect, &tool.input_schema.to_value(), &mut of_tool);
        findings.extend(of_tool.0.into_iter().map(|(pointer, rule, what)| Finding {
            tool: Some(tool.name.clone()),
            pointer,
            rule,
            what,
        }));
    }
    findings
}

/// Whether a schema needs no rendering.
pub(crate) fn is_within(dialect: &Dialect, schema: &Value) -> bool {
    let mut findings = Findings::default();
    judge_schema(dialect, schema, &mut findings);
    findings.0.is_empty()
}

/// Findings of one tool: pointer, rule, what is there.
#[derive(Default)]
struct Findings(Vec<(Option<String>, Rule, String)>);

impl Findings {
    fn text(&mut self, rule: Rule, what: String) {
        self.0.push((None, rule, what));
    }

    fn at(&mut self, pointer: &str, rule: Rule, what: impl Into<String>) {
        if self.0.len() < FINDINGS_PER_TOOL_MAX {
            self.0.push((Some(pointer.to_owned()), rule, what.into()));
        }
    }
}

fn judge_texts(limits: &Limits, server: &str, tool: &Tool, findings: &mut Findings) {
    let rule = limits.name;
    let name = &tool.name;
    // A server's name is separated from the tool's by one character at least.
    let chars = name.len()
        + if rule.with_server {
            server.len() + 1
        } else {
            0
        };
    if chars > rule.chars_max {
        let with = if rule.with_server {
            format!(" with the server's name `{server}`")
        } else {
            String::new()
        };
        let what = format!("{chars} characters{with}, of at most {}", rule.chars_max);
        findings.text(Rule::NameLength, what);
    }
    let strange = name.chars().find(|c| {
        !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || (rule.dots && *c == '.'))
    });
    if let Some(strange) = strange {
        findings.text(Rule::NameAlphabet, format!("`{strange}` in the name"));
    }
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if rule.letter_first && !starts_well {
        findings.text(
            Rule::NameAlphabet,
            "the name does not begin with a letter".into(),
        );
    }
    let description = tool.description.as_deref().unwrap_or_default();
    if let Some(most) = limits.description_chars_max {
        let chars = description.chars().count();
        if chars > most {
            let what = format!("{chars} characters of description, of at most {most}");
            findings.text(Rule::DescriptionLength, what);
        }
    }
    if limits.argument_names {
        let properties = tool.input_schema.slice().get("properties");
        for (argument, _) in properties.into_iter().flat_map(wharf_model::Slice::members) {
            if !is_plain_argument(&argument) {
                let pointer = format!("/properties/{}", schema::token(&argument));
                findings.at(&pointer, Rule::ArgumentName, "not `^[a-zA-Z0-9_.-]{1,64}$`");
            }
        }
    }
}

fn is_plain_argument(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=TOOL_NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(plain)
}

fn judge_schema(dialect: &Dialect, root: &Value, findings: &mut Findings) {
    let keywords = root.as_object().into_iter().flat_map(serde_json::Map::keys);
    if root.get("type").and_then(Value::as_str) != Some("object") {
        findings.at("", Rule::RootType, "the root is not of `type: object`");
    }
    for keyword in keywords {
        let is_refused = match dialect.root {
            Root::Unconditional => ROOT_CONDITIONS.contains(&keyword.as_str()),
            Root::Plain => !matches!(keyword.as_str(), "type" | "properties" | "required"),
        };
        if is_refused {
            let pointer = format!("/{keyword}");
            findings.at(
                &pointer,
                Rule::RootKeyword,
                format!("`{keyword}` at the root"),
            );
        }
    }
    let mut place = Place {
        dialect,
        pointer: String::new(),
        levels: 0,
        depth: 0,
    };
    place.judge(root, findings);
}

/// Where the lint is in a schema.
struct Place<'d> {
    dialect: &'d Dialect,
    pointer: String,
    /// Objects and arrays around it.
    levels: usize,
    /// Schemas around it.
    depth: usize,
}

impl Place<'_> {
    fn judge(&mut self, schema: &Value, findings: &mut Findings) {
        if self.depth > schema::DEPTH_MAX {
            return;
        }
        let is_nest = ["properties", "items", "additionalProperties"]
            .iter()
            .any(|keyword| schema.get(keyword).is_some());
        if let Some(most) = self.dialect.depth_max
            && is_nest
            && self.levels >= most
        {
            let what = format!("more than {most} objects and arrays inside of each other");
            findings.at(&self.pointer, Rule::Depth, what);
            return;
        }
        self.judge_here(schema, findings);
        for (keyword, step, child) in schema::children(schema) {
            // What is inside of a keyword that is refused does not matter any more.
            if self.dialect.subset && !SUBSET.contains(&keyword) {
                continue;
            }
            let length = self.pointer.len();
            self.pointer.push_str(&step);
            let around = self.levels;
            match keyword {
                "properties"
                | "items"
                | "additionalProperties"
                | "patternProperties"
                | "prefixItems" => self.levels += 1,
                // A definition is judged from its own root on.
                "$defs" | "definitions" => self.levels = 0,
                _ => {}
            }
            self.depth += 1;
            self.judge(child, findings);
            self.depth -= 1;
            self.levels = around;
            self.pointer.truncate(length);
        }
    }

    fn judge_here(&self, schema: &Value, findings: &mut Findings) {
        let at = self.pointer.as_str();
        let dialect = self.dialect;
        let references = ["$ref", "$dynamicRef"];
        let reference = references
            .iter()
            .find(|keyword| schema.get(keyword).is_some());
        if let Some(keyword) = reference
            && !dialect.references
        {
            findings.at(at, Rule::Reference, format!("`{keyword}`"));
        }
        if dialect.array_items && is_of_type(schema, "array") && schema.get("items").is_none() {
            findings.at(at, Rule::ArrayItems, "an array without `items`");
        }
        if let Some(most) = dialect.enum_max
            && let Some(values) = schema.get("enum").and_then(Value::as_array)
            && values.len() > most
        {
            let what = format!("an `enum` of {} values, of at most {most}", values.len());
            findings.at(at, Rule::Enum, what);
        }
        if dialect.subset {
            judge_subset(at, schema, findings);
        }
    }
}

/// What the Gemini API says no to.
fn judge_subset(at: &str, schema: &Value, findings: &mut Findings) {
    let Some(members) = schema.as_object() else {
        findings.at(at, Rule::Type, "a schema that is `true` or `false`");
        return;
    };
    for keyword in members.keys() {
        let is_reference = matches!(keyword.as_str(), "$ref" | "$dynamicRef");
        if !is_reference && !SUBSET.contains(&keyword.as_str()) {
            findings.at(at, Rule::Keyword, format!("`{keyword}`"));
        }
    }
    // Vertex AI: «When using any_of, it must be the only field set».
    if members.contains_key("anyOf") {
        if members.len() > 1 {
            findings.at(at, Rule::Keyword, "keywords beside `anyOf`");
        }
        return;
    }
    let json_type = match members.get("type") {
        Some(Value::String(json_type)) if json_type != "null" => json_type.as_str(),
        Some(_) => {
            // zereight/gitlab-mcp#166: «Invalid value at '….type'».
            findings.at(at, Rule::Type, "a `type` that is not one name");
            return;
        }
        None => {
            findings.at(at, Rule::Type, "no `type`");
            return;
        }
    };
    // directus/directus#27100: «enum: only allowed for STRING type».
    if let Some(values) = members.get("enum") {
        let texts = values.as_array().is_some_and(|values| {
            values
                .iter()
                .all(|value| value.as_str().is_some_and(|text| !text.is_empty()))
        });
        if json_type != "string" || !texts {
            findings.at(at, Rule::Enum, "an `enum` that is not of texts");
        }
    }
    if let Some(format) = members.get("format").and_then(Value::as_str)
        && !subset_formats(json_type).contains(&format)
    {
        findings.at(at, Rule::Format, format!("`format: {format}`"));
    }
    // «required[0]: property is not defined».
    let is_listed = |name: &Value| {
        let properties = members.get("properties");
        name.as_str()
            .is_some_and(|name| properties.is_some_and(|list| list.get(name).is_some()))
    };
    let required = members.get("required").and_then(Value::as_array);
    if let Some(name) = required.into_iter().flatten().find(|name| !is_listed(name)) {
        findings.at(
            at,
            Rule::Required,
            format!("{name} is required and no property"),
        );
    }
}

pub(crate) fn is_of_type(schema: &Value, json_type: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == json_type,
        Some(Value::Array(names)) => names.iter().any(|name| name == json_type),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
