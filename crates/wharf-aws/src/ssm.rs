//! Parameters of AWS Systems Manager.

use serde::Deserialize;
use serde_json::json;
use wharf_model::Secret;

use crate::{AwsError, Client, Service};

/// The service.
pub const SERVICE: Service = Service {
    name: "SSM",
    id: "SSM",
    host: "ssm",
    target: "AmazonSSM",
    json: "1.1",
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    parameter: Parameter,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    value: Secret,
}

/// The value of a parameter, decrypted. `name` is its path or ARN, with `:version` or `:label` behind it where one is
/// wanted.
pub async fn get_parameter(client: &Client, name: &str) -> Result<Secret, AwsError> {
    let input = json!({"Name": name, "WithDecryption": true});
    let output: Output = client.call("GetParameter", &input).await?;
    Ok(output.parameter.value)
}
