//! What a client is told when something is wrong: problem details, RFC 9457.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The media type of problem details.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// One problem: its kind, and what it is about this time.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    fields: Vec<FieldProblem>,
}

/// What is wrong with one field or parameter.
#[derive(Debug, Serialize)]
pub(crate) struct FieldProblem {
    pub(crate) field: String,
    pub(crate) detail: String,
}

/// The kinds of problems; each has its status and its title in [`Kind::describe`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    NoJson,
    NoMultipart,
    Unauthorized,
    NotFound,
    MethodNotAllowed,
    Conflict,
    TooLarge,
    UnsupportedMediaType,
    Invalid,
    Full,
}

/// The wire form.
#[derive(Serialize)]
struct Details<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldProblem],
}

impl Kind {
    /// Status, the end of the type's name, title.
    fn describe(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NoJson => (StatusCode::BAD_REQUEST, "no-json", "The body is not JSON"),
            Self::NoMultipart => (
                StatusCode::BAD_REQUEST,
                "no-multipart",
                "The body is not a multipart form",
            ),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "An API key is needed",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "The method does not apply here",
            ),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "conflict",
                "The current state does not allow this",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The body is too large",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The body has the wrong media type",
            ),
            Self::Invalid => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "Some values are not valid",
            ),
            Self::Full => (
                StatusCode::INSUFFICIENT_STORAGE,
                "full",
                "The shop has no room left",
            ),
        }
    }
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            fields: Vec::new(),
        }
    }

    pub(crate) fn not_found(what: &str, id: u64) -> Self {
        Self::new(Kind::NotFound, format!("there is no {what} with id {id}"))
    }

    /// Values that are not valid, each named.
    pub(crate) fn invalid(fields: Vec<FieldProblem>) -> Self {
        let names: Vec<&str> = fields
            .iter()
            .map(|problem| problem.field.as_str())
            .collect();
        Self {
            kind: Kind::Invalid,
            detail: format!("not valid: {}", names.join(", ")),
            fields,
        }
    }

    /// One value that is not valid.
    pub(crate) fn invalid_field(field: &str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldProblem {
            field: field.to_owned(),
            detail: detail.into(),
        }])
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, name, title) = self.kind.describe();
        let details = Details {
            r#type: &format!("/problems/{name}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            errors: &self.fields,
        };
        let mut response = (status, Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §15.5.2 asks for a challenge with every 401.
            let challenge = HeaderValue::from_static("ApiKey realm=\"petstore\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
