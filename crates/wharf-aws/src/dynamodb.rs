//! What replicas must know together, in a table of DynamoDB: marks that are set once, counts, and places for work.
//!
//! The table has the partition key `id`, a text. An item is of no use after `ends_at` (milliseconds since 1970), and is
//! treated as absent from then on; the table's time to live, on `expires_at` (seconds), removes it some time later. The
//! replicas' clocks decide, so they should agree to a second, as those of AWS do.

mod places;

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::places::{leave_place, take_place};
use crate::{AwsError, Client, Service};

/// The service.
pub const SERVICE: Service = Service {
    name: "DynamoDB",
    id: "DYNAMODB",
    host: "dynamodb",
    target: "DynamoDB_20120810",
    json: "1.0",
};

/// Tells two writers apart; none of them guesses another's.
const WRITER_BYTES: usize = 16;
/// Between two of these another replica has begun a new window, and by then that one counts for all.
const COUNT_ATTEMPTS_MAX: usize = 3;

/// Writes `key` where it is not there, or no longer of use, and says whether it did: of all who try, one hears `true`.
/// It is there for `ttl`.
///
/// An attempt whose answer was lost may have written: each call leaves a mark of its own, by which a second attempt
/// recognises its own work.
pub async fn put_if_absent(
    client: &Client,
    table: &str,
    key: &str,
    ttl: Duration,
) -> Result<bool, AwsError> {
    let Span { now, end, expires } = Span::from_now(ttl);
    let writer = mark();
    let input = json!({
        "TableName": table,
        "Item": {
            "id": {"S": key},
            "ends_at": end,
            "expires_at": expires,
            "claimed_by": {"S": writer},
        },
        "ConditionExpression": "attribute_not_exists(id) OR ends_at <= :now OR claimed_by = :writer",
        "ExpressionAttributeValues": {":now": now, ":writer": {"S": writer}},
    });
    let written = client.call::<Written>("PutItem", &input).await;
    Ok(where_it_holds(written)?.is_some())
}

/// How long `key` is still there. None where it is not, or is no longer of use.
pub async fn ends_in(
    client: &Client,
    table: &str,
    key: &str,
) -> Result<Option<Duration>, AwsError> {
    const OPERATION: &str = "GetItem";
    let input = json!({
        "TableName": table,
        "Key": {"id": {"S": key}},
        "ConsistentRead": true,
    });
    let Read { item } = client.call(OPERATION, &input).await?;
    let Some(item) = item else { return Ok(None) };
    let ends_in = item.ends_at.ends_in().ok_or(AwsError::Answer {
        service: SERVICE.name,
        operation: OPERATION,
    })?;
    Ok((!ends_in.is_zero()).then_some(ends_in))
}

/// Counts one more under `key`, in a window that begins with the first and ends after `window`. Gives how many there
/// are, this one included, and how long the window still is.
///
/// An attempt whose answer was lost may have counted, and is counted again.
pub async fn count(
    client: &Client,
    table: &str,
    key: &str,
    window: Duration,
) -> Result<(u64, Duration), AwsError> {
    const OPERATION: &str = "UpdateItem";
    for _ in 0..COUNT_ATTEMPTS_MAX {
        let Span { now, end, expires } = Span::from_now(window);
        let update = |update: &str, condition: &str| {
            json!({
                "TableName": table,
                "Key": {"id": {"S": key}},
                "UpdateExpression": update,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": {
                    ":now": now, ":end": end, ":expires": expires, ":one": {"N": "1"},
                },
                "ReturnValues": "ALL_NEW",
            })
        };
        for input in [
            update(
                "ADD hits :one SET ends_at = if_not_exists(ends_at, :end), expires_at = if_not_exists(expires_at, :expires)",
                "attribute_not_exists(ends_at) OR ends_at > :now",
            ),
            update(
                "SET hits = :one, ends_at = :end, expires_at = :expires",
                "ends_at <= :now",
            ),
        ] {
            let updated = client.call::<Updated>(OPERATION, &input).await;
            if let Some(Updated { attributes }) = where_it_holds(updated)? {
                let counted = attributes.counted();
                return counted.ok_or(AwsError::Answer {
                    service: SERVICE.name,
                    operation: OPERATION,
                });
            }
        }
    }
    Err(AwsError::Contended {
        service: SERVICE.name,
        operation: OPERATION,
    })
}

#[derive(Deserialize)]
struct Written {}

#[derive(Deserialize)]
struct Read {
    #[serde(rename = "Item")]
    item: Option<Item>,
}

#[derive(Deserialize)]
struct Item {
    ends_at: Number,
}

#[derive(Deserialize)]
struct Updated {
    #[serde(rename = "Attributes")]
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    hits: Number,
    ends_at: Number,
}

/// A number as DynamoDB writes it: a text.
#[derive(Deserialize)]
struct Number {
    #[serde(rename = "N")]
    digits: String,
}

impl Attributes {
    fn counted(&self) -> Option<(u64, Duration)> {
        Some((self.hits.digits.parse().ok()?, self.ends_at.ends_in()?))
    }
}

impl Number {
    /// Until the moment that this is the milliseconds since 1970 of.
    fn ends_in(&self) -> Option<Duration> {
        let ends_at: u64 = self.digits.parse().ok()?;
        let ends_in = ends_at.saturating_sub(millis(since_1970()));
        Some(Duration::from_millis(ends_in))
    }
}

/// From now until something ends, as the table has it.
struct Span {
    now: Value,
    end: Value,
    expires: Value,
}

impl Span {
    fn from_now(length: Duration) -> Self {
        let now = since_1970();
        let end = now.saturating_add(length);
        let number = |number: u64| json!({"N": number.to_string()});
        Self {
            now: number(millis(now)),
            end: number(millis(end)),
            expires: number(end.as_secs().saturating_add(1)),
        }
    }
}

fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// None where the condition of a write does not hold.
fn where_it_holds<T>(outcome: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match outcome {
        Ok(output) => Ok(Some(output)),
        Err(AwsError::Refused { code, .. }) if code == "ConditionalCheckFailedException" => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn mark() -> String {
    let mut bytes = [0; WRITER_BYTES];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}
