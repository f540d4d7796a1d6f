//! Secrets of AWS Secrets Manager.

use serde::Deserialize;
use serde_json::json;
use wharf_model::Secret;

use crate::{AwsError, Client, Service};

/// The service.
pub const SERVICE: Service = Service {
    name: "Secrets Manager",
    id: "SECRETS_MANAGER",
    host: "secretsmanager",
    target: "secretsmanager",
    json: "1.1",
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    secret_string: Option<Secret>,
}

/// The current text of a secret; `id` is its name or ARN.
pub async fn get_secret_value(client: &Client, id: &str) -> Result<Secret, AwsError> {
    let output: Output = client
        .call("GetSecretValue", &json!({"SecretId": id}))
        .await?;
    output.secret_string.ok_or_else(|| AwsError::Reference {
        reference: format!("secretsmanager:{id}"),
        reason: "holds bytes, and a text is wanted",
    })
}
