//! Reads JSON bodies, and says about every field at once what is wrong with it.

use std::ops::RangeInclusive;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use crate::problem::{FieldProblem, Kind, Problem};

/// A body of `application/json`.
pub(crate) struct JsonBody(pub(crate) Value);

/// A body of `application/merge-patch+json`, RFC 7396.
pub(crate) struct MergePatch(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        read(request, state, "application/json").await.map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for MergePatch {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        read(request, state, "application/merge-patch+json")
            .await
            .map(Self)
    }
}

async fn read<S: Send + Sync>(
    request: Request,
    state: &S,
    media_type: &str,
) -> Result<Value, Problem> {
    if !has_media_type(request.headers(), media_type) {
        return Err(Problem::new(
            Kind::UnsupportedMediaType,
            format!("the body must be {media_type}"),
        ));
    }
    let bytes = Bytes::from_request(request, state)
        .await
        .map_err(|rejection| Problem::new(Kind::TooLarge, rejection.body_text()))?;
    serde_json::from_slice(&bytes).map_err(|error| Problem::new(Kind::NoJson, error.to_string()))
}

/// Whether `Content-Type` is the media type, with any parameters.
fn has_media_type(headers: &HeaderMap, media_type: &str) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
}

/// Applies a merge patch: members replace, objects are merged, null removes (RFC 7396 §2).
pub(crate) fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (name, change) in patch {
            if change.is_null() {
                target.shift_remove(&name);
            } else {
                merge(target.entry(name).or_insert(Value::Null), change);
            }
        }
    }
}

/// A value that has a name on the wire.
pub(crate) trait Named: Copy + Default + 'static {
    /// Every value with its name.
    const NAMES: &'static [(&'static str, Self)];

    fn named(name: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find_map(|(known, value)| (*known == name).then_some(*value))
    }

    /// For messages: "must be one of `a`, `b`".
    fn one_of() -> String {
        let names: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).collect();
        format!("must be one of {}", names.join(", "))
    }
}

/// The members of a JSON object, taken out one by one.
///
/// Each method gives something of its type even when the member is wrong, and notes the mistake: [`Fields::finish`] refuses
/// afterwards. So all mistakes are told at once, and what is left over is told as unknown.
pub(crate) struct Fields {
    members: Map<String, Value>,
    problems: Vec<FieldProblem>,
}

impl Fields {
    pub(crate) fn of(body: Value) -> Result<Self, Problem> {
        match body {
            Value::Object(members) => Ok(Self {
                members,
                problems: Vec::new(),
            }),
            _ => Err(Problem::new(Kind::Invalid, "the body must be an object")),
        }
    }

    pub(crate) fn text(&mut self, name: &str, chars: RangeInclusive<usize>) -> String {
        let value = self.required(name);
        self.as_text(name, value, chars).unwrap_or_default()
    }

    pub(crate) fn optional_text(
        &mut self,
        name: &str,
        chars: RangeInclusive<usize>,
    ) -> Option<String> {
        let value = self.optional(name);
        self.as_text(name, value, chars)
    }

    pub(crate) fn texts(
        &mut self,
        name: &str,
        items_max: usize,
        chars: RangeInclusive<usize>,
    ) -> Vec<String> {
        match self.optional(name) {
            None => Vec::new(),
            Some(Value::Array(items)) if items.len() <= items_max => items
                .into_iter()
                .filter_map(|item| self.as_text(name, Some(item), chars.clone()))
                .collect(),
            Some(_) => {
                self.note(name, format!("must be a list of at most {items_max} texts"));
                Vec::new()
            }
        }
    }

    pub(crate) fn named<T: Named>(&mut self, name: &str) -> T {
        let value = self.required(name);
        self.as_named(name, value)
    }

    pub(crate) fn optional_named<T: Named>(&mut self, name: &str) -> T {
        let value = self.optional(name);
        self.as_named(name, value)
    }

    pub(crate) fn amount(&mut self, name: &str, range: RangeInclusive<f64>) -> f64 {
        let Some(value) = self.required(name) else {
            return 0.0;
        };
        let amount = value.as_f64().filter(|amount| range.contains(amount));
        amount.unwrap_or_else(|| {
            let (least, most) = range.into_inner();
            self.note(name, format!("must be a number from {least} to {most}"));
            0.0
        })
    }

    pub(crate) fn id(&mut self, name: &str) -> u64 {
        let Some(value) = self.required(name) else {
            return 0;
        };
        value.as_u64().unwrap_or_else(|| {
            self.note(name, "must be a whole number");
            0
        })
    }

    pub(crate) fn optional_flag(&mut self, name: &str) -> bool {
        match self.optional(name) {
            None => false,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.note(name, "must be true or false");
                false
            }
        }
    }

    /// Notes a mistake that the caller found.
    pub(crate) fn note(&mut self, name: &str, detail: impl Into<String>) {
        self.problems.push(FieldProblem {
            field: name.to_owned(),
            detail: detail.into(),
        });
    }

    /// Refuses when anything was wrong or is left over.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        let unknown: Vec<String> = self.members.keys().cloned().collect();
        for name in unknown {
            self.note(&name, "is not known here");
        }
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.problems))
        }
    }

    /// The member; null is as good as absent.
    fn optional(&mut self, name: &str) -> Option<Value> {
        self.members
            .shift_remove(name)
            .filter(|value| !value.is_null())
    }

    fn required(&mut self, name: &str) -> Option<Value> {
        let value = self.optional(name);
        if value.is_none() {
            self.note(name, "is missing");
        }
        value
    }

    fn as_text(
        &mut self,
        name: &str,
        value: Option<Value>,
        chars: RangeInclusive<usize>,
    ) -> Option<String> {
        match value? {
            Value::String(text) if chars.contains(&text.chars().count()) => Some(text),
            _ => {
                let (least, most) = chars.into_inner();
                self.note(
                    name,
                    format!("must be a text of {least} to {most} characters"),
                );
                None
            }
        }
    }

    fn as_named<T: Named>(&mut self, name: &str, value: Option<Value>) -> T {
        let Some(value) = value else {
            return T::default();
        };
        value.as_str().and_then(T::named).unwrap_or_else(|| {
            self.note(name, T::one_of());
            T::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patches_follow_rfc_7396() {
        for (target, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (
                json!([1, 2]),
                json!({"a": "b", "c": null}),
                json!({"a": "b"}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            let mut merged = target.clone();
            merge(&mut merged, patch.clone());
            assert_eq!(merged, expected, "{target} with {patch}");
        }
    }
}
