//! Places for work: one item has all of a key, each with its end, as a map.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Number, SERVICE, Span, where_it_holds};
use crate::{AwsError, Client};

const UPDATE: &str = "UpdateItem";
const READ: &str = "GetItem";

/// Between two of these others have taken what had become free, or many that ended were removed.
const ATTEMPTS_MAX: usize = 10;
/// How much longer than its last place an item is kept, which is more than any other place in it may live.
const KEPT_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// How many that ended are removed in one write: an expression is 4 KB long at most.
const REMOVED_AT_ONCE_MAX: usize = 100;

/// Takes a place under `key` as `id`, where fewer than `max` are taken, and says whether it did. It ends after `life`.
///
/// An item has 400 KB at most, which is room for some thousands of places.
pub async fn take_place(
    client: &Client,
    table: &str,
    key: &str,
    id: &str,
    max: u32,
    life: Duration,
) -> Result<bool, AwsError> {
    let max = json!({"N": max.to_string()});
    for _ in 0..ATTEMPTS_MAX {
        let end = Span::from_now(life).end;
        let expires = Span::from_now(life.saturating_add(KEPT_AFTER)).expires;
        let one_more = json!({
            "UpdateExpression": "SET #places.#id = :end, expires_at = :expires",
            // An attempt whose answer was lost may have taken it.
            "ConditionExpression":
                "attribute_exists(#places) AND (size(#places) < :max OR attribute_exists(#places.#id))",
            "ExpressionAttributeNames": {"#places": "places", "#id": id},
            "ExpressionAttributeValues": {":end": end, ":expires": expires, ":max": max},
        });
        if update(client, table, key, one_more).await? {
            return Ok(true);
        }
        let Some(places) = read(client, table, key).await? else {
            let first = json!({
                "UpdateExpression": "SET #places = :places, expires_at = :expires",
                "ConditionExpression": "attribute_not_exists(#places)",
                "ExpressionAttributeNames": {"#places": "places"},
                "ExpressionAttributeValues": {":places": {"M": {id: end}}, ":expires": expires},
            });
            if update(client, table, key, first).await? {
                return Ok(true);
            }
            continue;
        };
        let ended = ended(&places)?;
        if ended.is_empty() {
            return Ok(false);
        }
        remove(client, table, key, &ended).await?;
    }
    Err(AwsError::Contended {
        service: SERVICE.name,
        operation: UPDATE,
    })
}

/// Leaves the place `id` under `key`, if it is still there.
pub async fn leave_place(
    client: &Client,
    table: &str,
    key: &str,
    id: &str,
) -> Result<(), AwsError> {
    remove(client, table, key, &[id]).await
}

/// Does nothing of what is not there.
async fn remove(client: &Client, table: &str, key: &str, ids: &[&str]) -> Result<(), AwsError> {
    let mut names = Map::from_iter([("#places".to_owned(), Value::from("places"))]);
    let mut paths = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        paths.push(format!("#places.#p{number}"));
        names.insert(format!("#p{number}"), Value::from(*id));
    }
    let removal = json!({
        "UpdateExpression": format!("REMOVE {}", paths.join(", ")),
        "ConditionExpression": "attribute_exists(#places)",
        "ExpressionAttributeNames": names,
    });
    update(client, table, key, removal).await.map(drop)
}

/// Whether the condition of the update holds.
async fn update(
    client: &Client,
    table: &str,
    key: &str,
    mut input: Value,
) -> Result<bool, AwsError> {
    input["TableName"] = Value::from(table);
    input["Key"] = json!({"id": {"S": key}});
    let updated = client.call::<Updated>(UPDATE, &input).await;
    Ok(where_it_holds(updated)?.is_some())
}

/// The end of each place.
type Places = BTreeMap<String, Number>;

/// None where nobody has ever had one.
async fn read(client: &Client, table: &str, key: &str) -> Result<Option<Places>, AwsError> {
    let input = json!({
        "TableName": table,
        "Key": {"id": {"S": key}},
        "ConsistentRead": true,
    });
    let Read { item } = client.call(READ, &input).await?;
    Ok(item.map(|item| item.places.members))
}

/// Some of those that ended.
fn ended(places: &Places) -> Result<Vec<&str>, AwsError> {
    let mut ended = Vec::new();
    for (id, end) in places {
        let left = end.ends_in().ok_or(AwsError::Answer {
            service: SERVICE.name,
            operation: READ,
        })?;
        if left.is_zero() && ended.len() < REMOVED_AT_ONCE_MAX {
            ended.push(id.as_str());
        }
    }
    Ok(ended)
}

#[derive(Deserialize)]
struct Updated {}

#[derive(Deserialize)]
struct Read {
    #[serde(rename = "Item")]
    item: Option<Item>,
}

#[derive(Deserialize)]
struct Item {
    places: Members,
}

#[derive(Deserialize)]
struct Members {
    #[serde(rename = "M")]
    members: Places,
}
