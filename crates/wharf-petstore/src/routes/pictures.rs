//! Pictures: uploaded as a form, downloaded as a file.

use axum::Json;
use axum::body::Bytes;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Id;
use crate::picture::{badge, is_png};
use crate::problem::{FieldProblem, Kind, Problem};
use crate::store::{Picture, Shop};

const CAPTION_CHARS_MAX: usize = 200;

/// What is said about an uploaded picture.
#[derive(Serialize)]
struct PictureSummary {
    pet_id: u64,
    bytes: usize,
    caption: Option<String>,
}

pub(super) async fn upload(
    State(shop): State<Shop>,
    Id(id): Id,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    shop.lock().pet(id)?;
    let form =
        form.map_err(|rejection| Problem::new(Kind::UnsupportedMediaType, rejection.body_text()))?;
    let picture = read_form(form).await?;
    let summary = PictureSummary {
        pet_id: id,
        bytes: picture.png.len(),
        caption: picture.caption.clone(),
    };
    shop.lock().set_picture(id, picture)?;
    let location = [(header::LOCATION, format!("/pets/{id}/picture"))];
    Ok((StatusCode::CREATED, location, Json(summary)).into_response())
}

pub(super) async fn download(State(shop): State<Shop>, Id(id): Id) -> Result<Response, Problem> {
    let png = {
        let store = shop.lock();
        let kind = store.pet(id)?.details.kind;
        store
            .picture(id)
            .map_or_else(|| Bytes::from(badge(kind)), |picture| picture.png.clone())
    };
    Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
}

/// Reads the parts `file` and `caption`. The body's limit bounds them all together.
async fn read_form(mut form: Multipart) -> Result<Picture, Problem> {
    let mut file: Option<Bytes> = None;
    let mut caption: Option<String> = None;
    let mut problems = Vec::new();
    let mut note = |field: &str, detail: String| {
        problems.push(FieldProblem {
            field: field.to_owned(),
            detail,
        });
    };
    while let Some(part) = form.next_field().await.map_err(|error| refuse(&error))? {
        match part.name() {
            Some("file") => {
                let bytes = part.bytes().await.map_err(|error| refuse(&error))?;
                if !is_png(&bytes) {
                    note("file", "must be a PNG picture".to_owned());
                }
                file = Some(bytes);
            }
            Some("caption") => {
                let text = part.text().await.map_err(|error| refuse(&error))?;
                if text.chars().count() > CAPTION_CHARS_MAX {
                    note(
                        "caption",
                        format!("must have at most {CAPTION_CHARS_MAX} characters"),
                    );
                }
                caption = Some(text);
            }
            name => note(name.unwrap_or_default(), "is not known here".to_owned()),
        }
    }
    if file.is_none() {
        note("file", "is missing".to_owned());
    }
    match file {
        Some(png) if problems.is_empty() => Ok(Picture { png, caption }),
        _ => Err(Problem::invalid(problems)),
    }
}

fn refuse(error: &MultipartError) -> Problem {
    let kind = if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Kind::TooLarge
    } else {
        Kind::NoMultipart
    };
    Problem::new(kind, error.body_text())
}
