//! Reports: counts, a table as CSV, and one that takes its time.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::body::Named;
use crate::order::OrderStatus;
use crate::pet::{PetKind, PetStatus};
use crate::problem::Problem;
use crate::query::Query;
use crate::store::Shop;

const SLOW_SECONDS_DEFAULT: u64 = 2;
/// Long enough to run into anybody's timeout, short enough for a person to wait.
const SLOW_SECONDS_MAX: u64 = 30;

/// The slow report.
#[derive(Serialize)]
pub(super) struct SalesReport {
    waited_seconds: u64,
    pets: usize,
    orders: usize,
    revenue: f64,
}

/// How many pets there are of each status, those with none included.
pub(super) async fn inventory(State(shop): State<Shop>) -> Json<BTreeMap<&'static str, usize>> {
    let store = shop.lock();
    let counts = PetStatus::NAMES.iter().map(|(name, status)| {
        let count = store.pets().filter(|pet| pet.details.status == *status);
        (*name, count.count())
    });
    Json(counts.collect())
}

pub(super) async fn slow(
    State(shop): State<Shop>,
    query: Query,
) -> Result<Json<SalesReport>, Problem> {
    let seconds = query.number("seconds")?.unwrap_or(SLOW_SECONDS_DEFAULT);
    if seconds > SLOW_SECONDS_MAX {
        return Err(Problem::invalid_field(
            "seconds",
            format!("must be from 0 to {SLOW_SECONDS_MAX}"),
        ));
    }
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let store = shop.lock();
    let open = || {
        store
            .orders()
            .filter(|order| order.status == OrderStatus::Placed)
    };
    Ok(Json(SalesReport {
        waited_seconds: seconds,
        pets: store.pets().count(),
        orders: open().count(),
        // An empty sum of floats is minus zero.
        revenue: open().fold(0.0, |sum, order| sum + order.total),
    }))
}

/// All pets as CSV, RFC 4180.
pub(super) async fn export(State(shop): State<Shop>) -> Response {
    let mut table = String::from("id,name,kind,status,price,tags\r\n");
    for pet in shop.lock().pets() {
        let details = &pet.details;
        let row = [
            pet.id.to_string(),
            cell(&details.name),
            name_of::<PetKind>(details.kind).to_owned(),
            name_of::<PetStatus>(details.status).to_owned(),
            details.price.to_string(),
            cell(&details.tags.join(" ")),
        ];
        table.push_str(&row.join(","));
        table.push_str("\r\n");
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"pets.csv\"",
        ),
    ];
    (headers, table).into_response()
}

fn name_of<T: Named + PartialEq>(value: T) -> &'static str {
    T::NAMES
        .iter()
        .find_map(|(name, known)| (*known == value).then_some(*name))
        .unwrap_or_default()
}

/// A text as one cell: in quotes where it holds a comma, a quote or a line break.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        for (text, expected) in [
            ("Otto", "Otto"),
            ("Otto, the old", "\"Otto, the old\""),
            ("\"Otto\"", "\"\"\"Otto\"\"\""),
            ("a\nb", "\"a\nb\""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }
}
