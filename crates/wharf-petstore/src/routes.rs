//! The routes: which request goes where, and what is true of all of them.

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::routing::get;

use crate::problem::{Kind, Problem};
use crate::store::Shop;

mod orders;
mod pets;
mod pictures;
mod reports;

pub use orders::API_KEY;

/// Large enough for a picture, small enough to keep some in memory.
const BODY_BYTES_MAX: usize = 1024 * 1024;

pub(crate) fn router(shop: Shop) -> Router {
    Router::new()
        .route("/pets", get(pets::list).post(pets::create))
        .route("/pets/search", get(pets::search))
        .route(
            "/pets/{id}",
            get(pets::read)
                .put(pets::replace)
                .patch(pets::change)
                .delete(pets::delete),
        )
        .route("/pets/{id}/care-sheet", get(pets::care_sheet))
        .route(
            "/pets/{id}/picture",
            get(pictures::download).post(pictures::upload),
        )
        .route("/orders", get(orders::list).post(orders::place))
        .route("/orders/{id}", get(orders::read).delete(orders::cancel))
        .route("/inventory", get(reports::inventory))
        .route("/reports/slow", get(reports::slow))
        .route("/reports/pets.csv", get(reports::export))
        .fallback(async || Problem::new(Kind::NotFound, "nothing is served at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                Kind::MethodNotAllowed,
                "the path exists, with other methods",
            )
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(shop)
}

/// The id in a path. What is no number is the id of nothing.
struct Id(u64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Path::<u64>::from_request_parts(parts, state)
            .await
            .map(|Path(id)| Self(id))
            .map_err(|_| Problem::new(Kind::NotFound, "an id is a whole number"))
    }
}
