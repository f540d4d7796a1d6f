//! What must happen once, however many replicas there are: a write to DynamoDB that fails where there is something.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;

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

#[derive(Deserialize)]
struct Output {}

/// Writes `key` where it is not there yet, and says whether it did: of all who try, one hears `true`.
///
/// The table has the partition key `id`, a text. What is written is of no use after `ttl`; the table's time to live, on
/// the attribute `expires_at`, then removes it.
///
/// An attempt whose answer was lost may have written: each call leaves a mark of its own, by which a second attempt
/// recognises its own work.
pub async fn put_if_absent(
    client: &Client,
    table: &str,
    key: &str,
    ttl: Duration,
) -> Result<bool, AwsError> {
    let expires_at = SystemTime::now()
        .checked_add(ttl)
        .and_then(|end| end.duration_since(SystemTime::UNIX_EPOCH).ok())
        .unwrap_or(Duration::MAX);
    let writer = mark();
    let input = json!({
        "TableName": table,
        "Item": {
            "id": {"S": key},
            "expires_at": {"N": expires_at.as_secs().to_string()},
            "claimed_by": {"S": writer},
        },
        "ConditionExpression": "attribute_not_exists(id) OR claimed_by = :writer",
        "ExpressionAttributeValues": {":writer": {"S": writer}},
    });
    match client.call::<Output>("PutItem", &input).await {
        Ok(Output {}) => Ok(true),
        Err(AwsError::Refused { code, .. }) if code == "ConditionalCheckFailedException" => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn mark() -> String {
    let mut bytes = [0; WRITER_BYTES];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}
