//! Pets: pages, search, and everything that is done to one.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::Id;
use crate::body::{JsonBody, MergePatch, merge};
use crate::pet::{Pet, PetDetails, PetKind, PetStatus};
use crate::problem::Problem;
use crate::query::Query;
use crate::store::Shop;

/// Small, so that the samples make several pages.
const PAGE_LIMIT_DEFAULT: usize = 5;
const PAGE_LIMIT_MAX: usize = 50;

/// One page of pets.
#[derive(Serialize)]
struct PetPage {
    pets: Vec<Pet>,
    next_cursor: Option<String>,
}

/// What a search found.
#[derive(Serialize)]
struct PetMatches {
    total: usize,
    pets: Vec<Pet>,
}

pub(super) async fn list(State(shop): State<Shop>, query: Query) -> Result<Response, Problem> {
    let limit = limit(&query)?;
    let after = query.text("cursor").map_or(Ok(0), read_cursor)?;
    let mut pets: Vec<Pet> = shop
        .lock()
        .pets_after(after)
        .take(limit + 1)
        .cloned()
        .collect();
    let has_more = pets.len() > limit;
    pets.truncate(limit);
    let next_cursor = pets
        .last()
        .filter(|_| has_more)
        .map(|pet| write_cursor(pet.id));
    // RFC 8288: a reference relative to this very request.
    let link = next_cursor
        .as_ref()
        .map(|cursor| format!("</pets?cursor={cursor}&limit={limit}>; rel=\"next\""));
    let links = link.map(|link| [(header::LINK, link)]);
    Ok((links, Json(PetPage { pets, next_cursor })).into_response())
}

pub(super) async fn search(State(shop): State<Shop>, query: Query) -> Result<Response, Problem> {
    let limit = limit(&query)?;
    let statuses: Vec<PetStatus> = query.each_named("status")?;
    let kinds: Vec<PetKind> = query.each_named("kind")?;
    let tags = query.separated("tags");
    let words = query.text("q").unwrap_or_default().to_lowercase();
    let price_min = query.number::<f64>("price_min")?.unwrap_or(f64::MIN);
    let price_max = query.number::<f64>("price_max")?.unwrap_or(f64::MAX);
    if price_min > price_max {
        return Err(Problem::invalid_field(
            "price_min",
            "must not be above price_max",
        ));
    }
    let is_match = |pet: &&Pet| {
        let details = &pet.details;
        (statuses.is_empty() || statuses.contains(&details.status))
            && (kinds.is_empty() || kinds.contains(&details.kind))
            && tags
                .iter()
                .all(|tag| details.tags.iter().any(|has| has == tag))
            && (price_min..=price_max).contains(&details.price)
            && (details.name.to_lowercase().contains(&words)
                || details
                    .note
                    .as_ref()
                    .is_some_and(|note| note.to_lowercase().contains(&words)))
    };
    let mut pets: Vec<Pet> = shop.lock().pets().filter(is_match).cloned().collect();
    let total = pets.len();
    pets.truncate(limit);
    Ok(Json(PetMatches { total, pets }).into_response())
}

pub(super) async fn create(
    State(shop): State<Shop>,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let details = PetDetails::read(body)?;
    let pet = shop.lock().add_pet(details)?;
    let location = [(header::LOCATION, format!("/pets/{}", pet.id))];
    Ok((StatusCode::CREATED, location, Json(pet)).into_response())
}

pub(super) async fn read(State(shop): State<Shop>, Id(id): Id) -> Result<Json<Pet>, Problem> {
    shop.lock().pet(id).cloned().map(Json)
}

pub(super) async fn replace(
    State(shop): State<Shop>,
    Id(id): Id,
    JsonBody(body): JsonBody,
) -> Result<Json<Pet>, Problem> {
    let mut store = shop.lock();
    store.pet(id)?;
    store.replace_pet(id, PetDetails::read(body)?).map(Json)
}

pub(super) async fn change(
    State(shop): State<Shop>,
    Id(id): Id,
    MergePatch(patch): MergePatch,
) -> Result<Json<Pet>, Problem> {
    let mut store = shop.lock();
    let mut details = serde_json::to_value(&store.pet(id)?.details)
        .expect("a pet's details have only texts as keys");
    merge(&mut details, patch);
    store.replace_pet(id, PetDetails::read(details)?).map(Json)
}

pub(super) async fn delete(State(shop): State<Shop>, Id(id): Id) -> Result<StatusCode, Problem> {
    shop.lock().remove_pet(id)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn care_sheet(State(shop): State<Shop>, Id(id): Id) -> Result<Response, Problem> {
    let pet = shop.lock().pet(id)?.clone();
    let (home, food, company) = match pet.details.kind {
        PetKind::Bird => (
            "a cage as wide as a table, away from draughts",
            "seeds and fresh greens",
            "every day; better in pairs",
        ),
        PetKind::Cat => (
            "high places and a window",
            "meat, twice a day",
            "on its own terms",
        ),
        PetKind::Dog => (
            "a basket where the family is",
            "once or twice a day",
            "always; three walks a day",
        ),
        PetKind::Fish => (
            "a tank with a filter, 24 to 26 degrees",
            "a pinch, once a day",
            "of its own kind, unless noted",
        ),
        PetKind::Rabbit => (
            "two square metres with something to dig",
            "hay, and hay, and some greens",
            "never alone",
        ),
        PetKind::Reptile => (
            "a terrarium with a warm and a cool end",
            "crickets, every second day",
            "none needed",
        ),
        PetKind::Rodent => (
            "a deep layer of litter and a wheel",
            "grains and a little fruit",
            "at night",
        ),
    };
    let note = pet
        .details
        .note
        .map(|note| format!("\n> {note}\n"))
        .unwrap_or_default();
    let sheet = format!(
        "# Caring for {}\n{note}\n- Home: {home}\n- Food: {food}\n- Company: {company}\n",
        pet.details.name
    );
    let media_type = [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")];
    Ok((media_type, sheet).into_response())
}

fn limit(query: &Query) -> Result<usize, Problem> {
    let limit = query.number("limit")?.unwrap_or(PAGE_LIMIT_DEFAULT);
    if (1..=PAGE_LIMIT_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::invalid_field(
            "limit",
            format!("must be from 1 to {PAGE_LIMIT_MAX}"),
        ))
    }
}

/// A cursor says where the next page begins; that it holds an id is nobody's business.
fn write_cursor(id: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("after:{id}"))
}

fn read_cursor(cursor: &str) -> Result<u64, Problem> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| {
            String::from_utf8(bytes)
                .ok()?
                .strip_prefix("after:")?
                .parse()
                .ok()
        })
        .ok_or_else(|| {
            Problem::invalid_field("cursor", "must be the `next_cursor` of an earlier page")
        })
}
