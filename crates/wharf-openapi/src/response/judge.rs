//! Holds results to the schema that is listed for them, where that is the whole one.
//!
//! Upstreams often break their own documents. The answer is delivered all the same and says what is wrong with it;
//! where the configuration is strict, a result that does not fit is an error.

use jsonschema::{ValidationError, Validator};
use serde_json::Value;
use wharf_model::{Content, Effort, Json, ToolResult};

use crate::writer::depth_of;

/// A value longer than this is not repeated.
const SHOWN_VALUE_CHARS_MAX: usize = 80;

/// What happens to a result that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Nobody looks.
    None,
    /// It says so.
    Flag,
    /// It is an error.
    Refuse,
}

/// One tool's output schema, ready to compare with.
pub(crate) struct Judge {
    validator: Validator,
    effort: Effort,
    strictness: Strictness,
}

impl Judge {
    /// A judge by the schema that is listed; none when it does not compile.
    pub(crate) fn new(listed: &Json, strictness: Strictness) -> Option<Self> {
        let mut schema = listed.to_value();
        if strictness == Strictness::Flag {
            tighten(&mut schema);
        }
        let validator = jsonschema::draft202012::new(&schema)
            .inspect_err(|error| tracing::warn!(%error, "a tool's output schema does not compile; its results pass unchecked"))
            .ok()?;
        Some(Self {
            effort: Effort::of(&schema),
            validator,
            strictness,
        })
    }

    /// The result, or what becomes of it when it does not fit.
    pub(crate) fn judge(&self, mut result: ToolResult) -> ToolResult {
        let Some(structured) = &result.structured else {
            return result;
        };
        // An upstream must not be able to keep us busy by what it answers.
        if !self.effort.bears(|| depth_of(structured.slice())) {
            tracing::debug!("a result is nested too deep for its schema to be checked");
            return result;
        }
        let value = structured.to_value();
        let Err(error) = self.validator.validate(&value) else {
            return result;
        };
        let said = said(&error);
        if self.strictness == Strictness::Refuse {
            let complaint = format!(
                "Output validation error: {said}\nThe call was carried out, its answer follows."
            );
            result.content.insert(0, Content::text(complaint));
            result.structured = None;
            result.is_error = true;
        } else {
            let remark = format!("[the answer differs from what the document promises: {said}]");
            result.content.push(Content::text(remark));
        }
        result
    }
}

/// Takes the alternative away that accepts anything; see [`crate::tools`].
fn tighten(schema: &mut Value) {
    let place = if schema.get("anyOf").is_some() {
        Some(schema)
    } else {
        schema.pointer_mut("/properties/result")
    };
    if let Some(Value::Object(place)) = place
        && let Some(Value::Array(mut alternatives)) = place.remove("anyOf")
    {
        alternatives.truncate(1);
        // Of a schema that must fit it is told what does not; of alternatives only that none does.
        place.insert("allOf".to_owned(), Value::Array(alternatives));
    }
}

fn said(error: &ValidationError<'_>) -> String {
    let mut said = if error.instance().to_string().len() > SHOWN_VALUE_CHARS_MAX {
        error.masked_with("the value").to_string()
    } else {
        error.to_string()
    };
    let path = error.instance_path().as_str();
    if !path.is_empty() {
        said.push_str(" at `");
        said.push_str(path);
        said.push('`');
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn results_are_flagged_or_refused() {
        let exact = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
        let loose = json!({"type": "object", "anyOf": [exact, {}]});
        let wrapped = json!({"type": "object", "properties": {"result": {"anyOf": [exact, {}]}}});
        let long = "x".repeat(SHOWN_VALUE_CHARS_MAX);
        for (schema, strictness, value, complaint) in [
            (&loose, Strictness::Flag, json!({"id": 1}), None),
            (&exact, Strictness::Refuse, json!({"id": 1}), None),
            (
                &loose,
                Strictness::Flag,
                json!({"id": "x"}),
                Some("promises: \"x\" is not of type \"integer\" at `/id`]"),
            ),
            (
                &wrapped,
                Strictness::Flag,
                json!({"result": {"id": null}}),
                Some("promises: null is not of type \"integer\" at `/result/id`]"),
            ),
            (
                &exact,
                Strictness::Refuse,
                json!({"id": "x"}),
                Some("Output validation error: \"x\" is not of type \"integer\" at `/id`\n"),
            ),
            (
                &exact,
                Strictness::Refuse,
                json!({"id": long}),
                Some("error: the value is not of type \"integer\" at `/id`\n"),
            ),
        ] {
            let judge = Judge::new(&Json::of(schema), strictness).unwrap();
            let given = ToolResult::json(Json::of(&value));
            let judged = judge.judge(given.clone());
            let is_refused = complaint.is_some() && strictness == Strictness::Refuse;
            assert_eq!(judged.is_error, is_refused, "{strictness:?} {value}");
            assert_eq!(
                judged.structured.is_none(),
                is_refused,
                "{strictness:?} {value}"
            );
            let added = judged.content.len() - given.content.len();
            assert_eq!(
                added,
                usize::from(complaint.is_some()),
                "{strictness:?} {value}"
            );
            let texts: Vec<_> = judged
                .content
                .iter()
                .map(|content| {
                    format!("{content:?}")
                        .replace("\\\"", "\"")
                        .replace("\\n", "\n")
                })
                .collect();
            let said = complaint.is_none_or(|said| texts.iter().any(|text| text.contains(said)));
            assert!(said, "{strictness:?} {value}: {texts:?}");
        }
    }

    #[test]
    fn a_schema_that_does_not_compile_judges_nobody() {
        let schema = Json::of(&json!({"type": "nonsense"}));
        assert!(Judge::new(&schema, Strictness::Refuse).is_none());
    }
}
