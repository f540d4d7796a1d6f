//! How one tool is offered: under another name, with another description, with arguments that are hidden, fixed, or
//! have a default.
//!
//! An edit changes the schema that is listed and, by what [`Additions`] hold, the call. A hidden or fixed argument is
//! gone from the schema and refused when it is given all the same.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use wharf_model::{Json, Slice, Tool};

use crate::schema;
use crate::view::Mistake;

/// How one tool is offered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ToolEdit {
    /// Its name: up to 64 of letters, digits, `_` and `-`.
    pub name: Option<String>,
    /// What it does, for the model that chooses, in place of what the document says.
    pub description: Option<String>,
    /// Its arguments by their names; those that are not here stay as they are.
    pub arguments: BTreeMap<String, ArgumentEdit>,
}

/// How one argument is offered. At most one of `hidden`, `fixed` and `default`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArgumentEdit {
    /// What to put there, in place of what the document says.
    pub description: Option<String>,
    /// Not listed, and never sent. Only for an argument that is not required. Default: false.
    pub hidden: bool,
    /// Not listed, and sent with this value in every call; a client cannot change it.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Value>,
    /// Sent with this value where a call leaves it out; it need not be given then, even where the API requires it.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// A value that is there, be it null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What an edit does to each call.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Additions {
    /// Names that a call must not give.
    refused: Vec<String>,
    fixed: Vec<(String, Json)>,
    defaults: Vec<(String, Json)>,
}

/// A call's arguments after an edit.
#[derive(Debug, PartialEq)]
pub(crate) enum Added {
    /// Nothing to change.
    AsGiven,
    Changed(Json),
    /// The call gives an argument that it must not give.
    Refused(String),
}

impl Additions {
    pub(crate) fn apply(&self, arguments: Slice<'_>) -> Added {
        if *self == Self::default() {
            return Added::AsGiven;
        }
        let given = arguments.members();
        let is_given = |name: &str| given.iter().any(|(key, _)| key == name);
        if let Some(name) = self.refused.iter().find(|name| is_given(name)) {
            return Added::Refused(name.clone());
        }
        let missing = self.defaults.iter().filter(|(name, _)| !is_given(name));
        let mut members = String::new();
        for (name, value) in self.fixed.iter().chain(missing) {
            if !members.is_empty() || !given.is_empty() {
                members.push(',');
            }
            members.push_str(Json::of(name).as_str());
            members.push(':');
            members.push_str(value.as_str());
        }
        if members.is_empty() {
            return Added::AsGiven;
        }
        // The members that were given stay the bytes that the client wrote.
        let text = arguments.as_str();
        let open = text.strip_suffix('}').unwrap_or(text);
        let changed = format!("{open}{members}}}");
        match Slice::parse(&changed) {
            Ok(slice) => Added::Changed(slice.to_json()),
            Err(_) => Added::AsGiven,
        }
    }
}

/// Changes a tool, and tells what that does to its calls. The name is left to the caller, who knows all names.
pub(crate) fn apply(tool: &mut Tool, edit: &ToolEdit, mistakes: &mut Vec<Mistake>) -> Additions {
    if let Some(description) = &edit.description {
        tool.description = Some(description.clone());
    }
    let mut additions = Additions::default();
    if edit.arguments.is_empty() {
        return additions;
    }
    let mut root = tool.input_schema.to_value();
    let whole = root.clone();
    for (name, argument) in &edit.arguments {
        let arguments = Arguments {
            tool: &tool.name,
            whole: &whole,
            root: &mut root,
        };
        match arguments.edit(name, argument, &mut additions) {
            Ok(()) => {}
            Err(mistake) => mistakes.push(mistake),
        }
    }
    schema::prune_definitions(&mut root);
    tool.input_schema = Json::from(&root).into();
    additions
}

/// A tool's arguments while they are edited.
struct Arguments<'a> {
    tool: &'a str,
    /// The schema before any edit.
    whole: &'a Value,
    root: &'a mut Value,
}

impl Arguments<'_> {
    fn edit(
        mut self,
        name: &str,
        edit: &ArgumentEdit,
        additions: &mut Additions,
    ) -> Result<(), Mistake> {
        let properties = self.whole.get("properties").and_then(Value::as_object);
        let Some(property) = properties.and_then(|properties| properties.get(name)) else {
            return Err(Mistake::UnknownArgument {
                tool: self.tool.to_owned(),
                argument: name.to_owned(),
                candidates: properties
                    .into_iter()
                    .flat_map(Map::keys)
                    .cloned()
                    .collect(),
            });
        };
        let ways = [edit.hidden, edit.fixed.is_some(), edit.default.is_some()];
        if ways.into_iter().filter(|is_taken| *is_taken).count() > 1 {
            return Err(self.mistake(name, "can be only one of `hidden`, `fixed` and `default`"));
        }
        for value in [&edit.fixed, &edit.default].into_iter().flatten() {
            self.check_value(name, property, value)?;
        }
        if let Some(value) = &edit.fixed {
            self.refuse_entangled(name)?;
            additions.refused.push(name.to_owned());
            additions.fixed.push((name.to_owned(), Json::from(value)));
            self.remove(name);
        } else if edit.hidden {
            if is_required(self.whole, name) {
                return Err(self.mistake(
                    name,
                    "is required, so it cannot be hidden; give it a value with `fixed`",
                ));
            }
            self.refuse_entangled(name)?;
            additions.refused.push(name.to_owned());
            self.remove(name);
        } else {
            self.describe(name, edit);
            if let Some(value) = &edit.default {
                additions
                    .defaults
                    .push((name.to_owned(), Json::from(value)));
                forget_required(self.root, name);
            }
        }
        Ok(())
    }

    fn mistake(&self, argument: &str, what: &str) -> Mistake {
        Mistake::Argument {
            tool: self.tool.to_owned(),
            argument: argument.to_owned(),
            what: what.to_owned(),
        }
    }

    /// A value that the API would refuse is better refused now.
    fn check_value(&self, name: &str, property: &Value, value: &Value) -> Result<(), Mistake> {
        let mut alone = json!({ "allOf": [property] });
        for keyword in ["$defs", "definitions"] {
            if let Some(definitions) = self.whole.get(keyword) {
                alone[keyword] = definitions.clone();
            }
        }
        // A schema that does not compile checks no call either.
        let Ok(validator) = jsonschema::draft202012::new(&alone) else {
            return Ok(());
        };
        let refusal = validator.validate(value).err();
        refusal.map_or(Ok(()), |error| {
            let what = format!("cannot have that value: {}", error.masked_with("it"));
            Err(self.mistake(name, &what))
        })
    }

    /// An argument that the rest of the schema speaks of cannot be taken out of it.
    fn refuse_entangled(&self, name: &str) -> Result<(), Mistake> {
        let Some(root) = self.whole.as_object() else {
            return Ok(());
        };
        let quoted = Value::from(name).to_string();
        let speaks_of_it = schema::ROOT_CONDITIONS
            .iter()
            .filter_map(|keyword| root.get(*keyword))
            .any(|condition| condition.to_string().contains(&quoted));
        let into = format!("#/properties/{}", schema::token(name));
        if speaks_of_it || schema::has_reference_into(self.whole, &into) {
            return Err(self.mistake(
                name,
                "is needed by conditions of the tool's schema, so it cannot be taken away",
            ));
        }
        Ok(())
    }

    fn remove(&mut self, name: &str) {
        if let Some(properties) = self
            .root
            .get_mut("properties")
            .and_then(Value::as_object_mut)
        {
            properties.shift_remove(name);
        }
        forget_required(self.root, name);
    }

    /// Writes what can be said of an argument that stays. Beside a `$ref` these keywords add to what it refers to.
    fn describe(&mut self, name: &str, edit: &ArgumentEdit) {
        let Some(property) = self
            .root
            .pointer_mut(&format!("/properties/{}", schema::token(name)))
        else {
            return;
        };
        if !property.is_object() {
            *property = json!({});
        }
        if let Some(description) = &edit.description {
            property["description"] = Value::from(description.clone());
        }
        if let Some(value) = &edit.default {
            property["default"] = value.clone();
        }
    }
}

fn is_required(root: &Value, name: &str) -> bool {
    let required = root.get("required").and_then(Value::as_array);
    required.is_some_and(|required| required.iter().any(|item| item == name))
}

fn forget_required(root: &mut Value, name: &str) {
    let Some(members) = root.as_object_mut() else {
        return;
    };
    let Some(required) = members.get_mut("required").and_then(Value::as_array_mut) else {
        return;
    };
    required.retain(|item| item != name);
    if required.is_empty() {
        members.shift_remove("required");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> Tool {
        Tool {
            name: "search".to_owned(),
            description: Some("Searches.".to_owned()),
            input_schema: Json::of(&json!({
                "type": "object",
                "properties": {
                    "query": {"type": "string"},
                    "limit": {"type": "integer", "maximum": 100},
                    "sort": {"$ref": "#/$defs/Sort"},
                    "any": true,
                },
                "required": ["query", "sort"],
                "additionalProperties": false,
                "$defs": {"Sort": {"enum": ["up", "down"]}},
            }))
            .into(),
            ..Tool::default()
        }
    }

    fn edited(edit: &str) -> (Tool, Additions, Vec<Mistake>) {
        let mut tool = tool();
        let mut mistakes = Vec::new();
        let edit: ToolEdit = serde_json::from_str(edit).unwrap();
        let additions = apply(&mut tool, &edit, &mut mistakes);
        (tool, additions, mistakes)
    }

    #[test]
    fn an_edit_changes_the_schema_and_the_call() {
        for (edit, schema, call, expected) in [
            (
                r#"{"arguments":{"limit":{"hidden":true},"any":{"hidden":true}}}"#,
                r##"{"type":"object","properties":{"query":{"type":"string"},"sort":{"$ref":"#/$defs/Sort"}},"required":["query","sort"],"additionalProperties":false,"$defs":{"Sort":{"enum":["up","down"]}}}"##,
                r#"{"query":"x"}"#,
                r#"{"query":"x"}"#,
            ),
            (
                r#"{"arguments":{"sort":{"fixed":"up"},"limit":{"hidden":true},"any":{"hidden":true}}}"#,
                r#"{"type":"object","properties":{"query":{"type":"string"}},"required":["query"],"additionalProperties":false}"#,
                r#"{"query": "x" }"#,
                r#"{"query": "x" ,"sort":"up"}"#,
            ),
            (
                r#"{"arguments":{"query":{"fixed":"x"},"sort":{"default":"up"},"any":{"description":"A."},"limit":{"hidden":true}}}"#,
                r##"{"type":"object","properties":{"sort":{"$ref":"#/$defs/Sort","default":"up"},"any":{"description":"A."}},"additionalProperties":false,"$defs":{"Sort":{"enum":["up","down"]}}}"##,
                "{}",
                r#"{"query":"x","sort":"up"}"#,
            ),
            (
                r#"{"arguments":{"sort":{"default":"up"},"limit":{"hidden":true},"any":{"hidden":true}}}"#,
                r##"{"type":"object","properties":{"query":{"type":"string"},"sort":{"$ref":"#/$defs/Sort","default":"up"}},"required":["query"],"additionalProperties":false,"$defs":{"Sort":{"enum":["up","down"]}}}"##,
                r#"{"query":"x","sort":"down"}"#,
                r#"{"query":"x","sort":"down"}"#,
            ),
        ] {
            let (tool, additions, mistakes) = edited(edit);
            assert!(mistakes.is_empty(), "{edit}: {mistakes:?}");
            assert_eq!(tool.input_schema.as_str(), schema, "{edit}");
            let sent = match additions.apply(Slice::parse(call).unwrap()) {
                Added::AsGiven => call.to_owned(),
                Added::Changed(json) => json.as_str().to_owned(),
                Added::Refused(name) => panic!("{edit}: `{name}` was refused"),
            };
            assert_eq!(sent, expected, "{edit}");
        }
    }

    /// In YAML `fixed: null` stands there as plainly as `fixed: 1`.
    #[test]
    fn null_is_a_value() {
        for (edit, sent) in [
            (
                r#"{"arguments":{"any":{"fixed":null}}}"#,
                r#"{"query":"x","any":null}"#,
            ),
            (
                r#"{"arguments":{"any":{"default":null}}}"#,
                r#"{"query":"x","any":null}"#,
            ),
            (r#"{"arguments":{"any":{}}}"#, r#"{"query":"x"}"#),
        ] {
            let (_, additions, mistakes) = edited(edit);
            assert!(mistakes.is_empty(), "{edit}: {mistakes:?}");
            let applied = match additions.apply(Slice::parse(r#"{"query":"x"}"#).unwrap()) {
                Added::Changed(json) => json.as_str().to_owned(),
                _ => r#"{"query":"x"}"#.to_owned(),
            };
            assert_eq!(applied, sent, "{edit}");
        }
    }

    #[test]
    fn what_is_taken_away_cannot_be_given() {
        let (_, additions, _) =
            edited(r#"{"arguments":{"sort":{"fixed":"up"},"limit":{"hidden":true}}}"#);
        for (call, refused) in [
            (r#"{"query":"x","sort":"down"}"#, "sort"),
            (r#"{"limit":1}"#, "limit"),
            (r#"{"\u006cimit":1}"#, "limit"),
        ] {
            assert_eq!(
                additions.apply(Slice::parse(call).unwrap()),
                Added::Refused(refused.to_owned()),
                "{call}"
            );
        }
    }

    #[test]
    fn edits_that_cannot_be_are_mistakes() {
        for (edit, expected) in [
            (
                r#"{"arguments":{"limt":{"hidden":true}}}"#,
                "tool `search` has no argument `limt`",
            ),
            (
                r#"{"arguments":{"query":{"hidden":true}}}"#,
                "`query` of tool `search` is required, so it cannot be hidden",
            ),
            (
                r#"{"arguments":{"limit":{"hidden":true,"default":3}}}"#,
                "only one of",
            ),
            (
                r#"{"arguments":{"limit":{"fixed":101}}}"#,
                "`limit` of tool `search` cannot have that value",
            ),
            (
                r#"{"arguments":{"sort":{"default":"sideways"}}}"#,
                "`sort` of tool `search` cannot have that value",
            ),
        ] {
            let (.., mistakes) = edited(edit);
            let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            assert!(said.join("; ").contains(expected), "{edit}: {said:?}");
            assert!(
                !said.join("").contains("sideways"),
                "values are not repeated: {said:?}"
            );
        }
    }

    #[test]
    fn an_argument_that_conditions_need_stays() {
        let mut tool = tool();
        tool.input_schema = Json::of(&json!({
            "type": "object",
            "properties": {"a": {}, "b": {}, "c": {"$ref": "#/properties/b"}},
            "anyOf": [{"required": ["a"]}, {"required": ["c"]}],
        }))
        .into();
        for name in ["a", "b"] {
            let edit: ToolEdit =
                serde_json::from_value(json!({"arguments": {name: {"fixed": 1}}})).unwrap();
            let mut mistakes = Vec::new();
            apply(&mut tool.clone(), &edit, &mut mistakes);
            assert_eq!(mistakes.len(), 1, "{name}");
        }
    }
}
