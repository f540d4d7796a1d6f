//! Orders: placed by anybody, listed with a key.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Id;
use crate::body::JsonBody;
use crate::order::{NewOrder, Order};
use crate::problem::{Kind, Problem};
use crate::store::Shop;

/// The key that the header `X-Api-Key` must hold. Everybody may know it: the shop is for show.
pub const API_KEY: &str = "demo-key";

/// All orders.
#[derive(Serialize)]
pub(super) struct OrderList {
    orders: Vec<Order>,
}

/// Somebody who showed the key. A handler that takes one cannot be reached without.
pub(super) struct Clerk;

impl<S: Send + Sync> FromRequestParts<S> for Clerk {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if parts
            .headers
            .get("x-api-key")
            .is_some_and(|key| key == API_KEY)
        {
            Ok(Self)
        } else {
            Err(Problem::new(
                Kind::Unauthorized,
                "the header `X-Api-Key` must hold the shop's key",
            ))
        }
    }
}

pub(super) async fn list(_: Clerk, State(shop): State<Shop>) -> Json<OrderList> {
    let orders = shop.lock().orders().cloned().collect();
    Json(OrderList { orders })
}

pub(super) async fn place(
    State(shop): State<Shop>,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let order = NewOrder::read(body)?;
    let order = shop.lock().place_order(order)?;
    let location = [(header::LOCATION, format!("/orders/{}", order.id))];
    Ok((StatusCode::CREATED, location, Json(order)).into_response())
}

pub(super) async fn read(State(shop): State<Shop>, Id(id): Id) -> Result<Json<Order>, Problem> {
    shop.lock().order(id).cloned().map(Json)
}

pub(super) async fn cancel(State(shop): State<Shop>, Id(id): Id) -> Result<Json<Order>, Problem> {
    shop.lock().cancel_order(id).map(Json)
}
