//! The kinds of credentials by their flags and variables.

use serde_json::{Map, Value};
use wharf_model::Secret;
use wharf_upstream::{
    ApiKeyPlace, AwsSurroundings, ClientAuthentication, CognitoToken, Credentials,
};

use super::values::{Said, Values};
use crate::failure::Failure;

/// How requests to the main API prove who sends them.
pub(super) fn read(values: Values<'_>, warnings: &mut Vec<String>) -> Result<Credentials, Failure> {
    let kind = values.flag("--auth-type").unwrap_or("none");
    match kind.trim().to_ascii_lowercase().as_str() {
        "none" | "" => Ok(Credentials::None {}),
        "bearer" => Ok(Credentials::Bearer {
            token: secret(values, "bearer", "--auth-token")?,
        }),
        "basic" => Ok(Credentials::Basic {
            username: needed(values, "basic", "--auth-username")?,
            password: secret(values, "basic", "--auth-password")?,
        }),
        "api_key" => Ok(Credentials::ApiKey {
            name: Some(
                values
                    .flag("--auth-api-key-name")
                    .unwrap_or("api_key")
                    .to_owned(),
            ),
            place: Some(place(values.flag("--auth-api-key-in").unwrap_or("header"))?),
            value: secret(values, "api_key", "--auth-api-key")?,
        }),
        "cognito" => cognito(values),
        "oauth_client_credentials" => oauth(values),
        _ => {
            // The text is not shown: somebody may have put the secret itself there.
            warnings.push(
                "`AUTH_TYPE` is none of none, basic, bearer, api_key, cognito and oauth_client_credentials; requests go without credentials".to_owned(),
            );
            Ok(Credentials::None {})
        }
    }
}

/// With a domain and a secret the server asks for itself; else for a user.
fn cognito(values: Values<'_>) -> Result<Credentials, Failure> {
    let said = |name| values.flag(name).filter(|value| !value.is_empty());
    let client_id = needed(values, "cognito", "--auth-cognito-client-id")?;
    let region = said("--auth-cognito-region")
        .unwrap_or("us-east-1")
        .to_owned();
    let client_secret = said("--auth-cognito-client-secret").map(Secret::new);
    if let (Some(client_secret), Some(domain)) = (&client_secret, said("--auth-cognito-domain")) {
        return Ok(Credentials::CognitoClientCredentials {
            domain: domain.to_owned(),
            region: Some(region),
            client_id,
            client_secret: client_secret.clone(),
            scopes: scopes(values, "--auth-cognito-scopes"),
        });
    }
    Ok(Credentials::CognitoPassword {
        region,
        client_id,
        client_secret,
        username: needed(values, "cognito", "--auth-cognito-username")?,
        password: secret(values, "cognito", "--auth-cognito-password")?,
        token: CognitoToken::Id,
        // As the AWS libraries have it: the service's own address before that of all services.
        endpoint: values
            .variable(&[
                "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
                "AWS_ENDPOINT_URL",
            ])
            .map(|said| said.value.to_owned())
            .filter(|url| !url.is_empty()),
        user_pool_id: said("--auth-cognito-user-pool-id").map(str::to_owned),
        surroundings: AwsSurroundings::default(),
    })
}

fn oauth(values: Values<'_>) -> Result<Credentials, Failure> {
    let kind = "oauth_client_credentials";
    Ok(Credentials::OauthClientCredentials {
        token_url: needed(values, kind, "--auth-oauth-token-endpoint")?,
        client_id: needed(values, kind, "--auth-oauth-client-id")?,
        client_secret: secret(values, kind, "--auth-oauth-client-secret")?,
        client_authentication: ClientAuthentication::default(),
        scopes: scopes(values, "--auth-oauth-scopes"),
        parameters: std::collections::BTreeMap::new(),
    })
}

fn scopes(values: Values<'_>, name: &'static str) -> Vec<String> {
    values.said(name, &[]).map(Said::words).unwrap_or_default()
}

fn secret(values: Values<'_>, kind: &str, name: &'static str) -> Result<Secret, Failure> {
    needed(values, kind, name).map(Secret::new)
}

fn needed(values: Values<'_>, kind: &str, name: &'static str) -> Result<String, Failure> {
    let value = values.flag(name).filter(|value| !value.is_empty());
    value.map(str::to_owned).ok_or_else(|| {
        let variable = super::flags::variable(name);
        Failure::new(format!(
            "the credentials are `{kind}`, and `{variable}` is not set"
        ))
        .hint(format!("set `{variable}`, or give `{name}`"))
    })
}

fn place(name: &str) -> Result<ApiKeyPlace, Failure> {
    match name.trim().to_ascii_lowercase().as_str() {
        "header" | "" => Ok(ApiKeyPlace::Header),
        "query" => Ok(ApiKeyPlace::Query),
        "cookie" => Ok(ApiKeyPlace::Cookie),
        _ => Err(
            Failure::new("an API key's place is none of header, query and cookie")
                .hint("set `AUTH_API_KEY_IN` to one of these, or unset it for `header`"),
        ),
    }
}

/// The credentials of one additional document, or what is wrong with them; never what they are.
pub(super) fn of_entry(entry: &Map<String, Value>) -> Result<Credentials, String> {
    let text = |key: &str| {
        let value = entry.get(key).and_then(Value::as_str).unwrap_or_default();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let needed = |key: &str| text(key).ok_or_else(|| format!("`{key}` is missing"));
    let kind = text("auth_type").unwrap_or_default().to_ascii_lowercase();
    match kind.as_str() {
        "none" | "" => Ok(Credentials::None {}),
        "bearer" => Ok(Credentials::Bearer {
            token: Secret::new(needed("auth_token")?),
        }),
        "basic" => Ok(Credentials::Basic {
            username: needed("auth_username")?,
            password: Secret::new(needed("auth_password")?),
        }),
        "api_key" => Ok(Credentials::ApiKey {
            name: Some(text("auth_api_key_name").unwrap_or_else(|| "X-API-Key".to_owned())),
            place: Some(
                place(&text("auth_api_key_in").unwrap_or_default())
                    .map_err(|_| "`auth_api_key_in` is none of header, query and cookie")?,
            ),
            value: Secret::new(needed("auth_api_key")?),
        }),
        "cognito" => Err("`auth_type` `cognito` is for the main document only".to_owned()),
        _ => Err("`auth_type` is none of none, basic, bearer and api_key".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use wharf_config::Environment;

    use super::*;
    use crate::openapi_compat::{Typed, read as read_arguments};

    /// What the variables come to, as `Debug` shows it, and the warnings.
    fn shown(variables: &str) -> (Result<String, String>, Vec<String>) {
        let Ok(Typed::Serve(given)) = read_arguments(&[]) else {
            panic!("no flags are flags");
        };
        let variables = variables
            .split_whitespace()
            .map(|variable| variable.split_once('=').expect("NAME=VALUE"));
        let environment = Environment::of(variables);
        let values = Values {
            given: &given,
            environment: &environment,
        };
        let mut warnings = Vec::new();
        let read = read(values, &mut warnings);
        (
            read.map(|credentials| format!("{credentials:?}"))
                .map_err(|failure| failure.to_string()),
            warnings,
        )
    }

    #[test]
    fn each_kind_is_what_its_variables_say() {
        for (variables, expected) in [
            ("", "None"),
            ("AUTH_TYPE=", "None"),
            ("AUTH_TYPE=NONE AUTH_TOKEN=t", "None"),
            ("AUTH_TYPE=Bearer AUTH_TOKEN=t", "Bearer { token: **** }"),
            (
                "AUTH_TYPE=basic AUTH_USERNAME=u AUTH_PASSWORD=p",
                "Basic { username: \"u\", password: **** }",
            ),
            (
                "AUTH_TYPE=api_key AUTH_API_KEY=k",
                "ApiKey { name: Some(\"api_key\"), place: Some(Header), value: **** }",
            ),
            (
                "AUTH_TYPE=api_key AUTH_API_KEY=k AUTH_API_KEY_NAME=q AUTH_API_KEY_IN=query",
                "ApiKey { name: Some(\"q\"), place: Some(Query), value: **** }",
            ),
            (
                "AUTH_TYPE=api_key AUTH_API_KEY=k AUTH_API_KEY_IN=cookie",
                "place: Some(Cookie)",
            ),
            (
                "AUTH_TYPE=cognito AUTH_COGNITO_CLIENT_ID=i AUTH_COGNITO_CLIENT_SECRET=s AUTH_COGNITO_DOMAIN=shop AUTH_COGNITO_SCOPES=a,b",
                "CognitoClientCredentials { domain: \"shop\", region: Some(\"us-east-1\"), client_id: \"i\", client_secret: ****, scopes: [\"a\", \"b\"] }",
            ),
            (
                "AUTH_TYPE=cognito AUTH_COGNITO_CLIENT_ID=i AUTH_COGNITO_USERNAME=u AUTH_COGNITO_PASSWORD=p AUTH_COGNITO_REGION=eu-west-1 AUTH_COGNITO_USER_POOL_ID=pool AWS_ENDPOINT_URL=http://localhost:5000",
                "CognitoPassword { region: \"eu-west-1\", client_id: \"i\", client_secret: None, username: \"u\", password: ****, token: Id, endpoint: Some(\"http://localhost:5000\"), user_pool_id: Some(\"pool\"), surroundings: Nowhere }",
            ),
            (
                "AUTH_TYPE=oauth_client_credentials AUTH_OAUTH_TOKEN_ENDPOINT=https://a.example/token AUTH_OAUTH_CLIENT_ID=i AUTH_OAUTH_CLIENT_SECRET=s",
                "OauthClientCredentials { token_url: \"https://a.example/token\", client_id: \"i\", client_secret: ****",
            ),
        ] {
            let (shown, warnings) = shown(variables);
            let shown = shown.unwrap_or_else(|error| panic!("{variables}: {error}"));
            assert!(shown.contains(expected), "{variables}: {shown}");
            assert!(warnings.is_empty(), "{variables}: {warnings:?}");
        }
    }

    #[test]
    fn what_is_missing_is_named_and_a_bad_kind_is_none() {
        for (variables, missing) in [
            ("AUTH_TYPE=bearer", "AUTH_TOKEN"),
            ("AUTH_TYPE=bearer AUTH_TOKEN=", "AUTH_TOKEN"),
            ("AUTH_TYPE=basic AUTH_USERNAME=u", "AUTH_PASSWORD"),
            ("AUTH_TYPE=basic AUTH_PASSWORD=p", "AUTH_USERNAME"),
            ("AUTH_TYPE=api_key", "AUTH_API_KEY"),
            (
                "AUTH_TYPE=api_key AUTH_API_KEY=k AUTH_API_KEY_IN=body",
                "AUTH_API_KEY_IN",
            ),
            ("AUTH_TYPE=cognito", "AUTH_COGNITO_CLIENT_ID"),
            (
                "AUTH_TYPE=cognito AUTH_COGNITO_CLIENT_ID=i",
                "AUTH_COGNITO_USERNAME",
            ),
            (
                "AUTH_TYPE=oauth_client_credentials",
                "AUTH_OAUTH_TOKEN_ENDPOINT",
            ),
        ] {
            let (shown, _) = shown(variables);
            let error = shown.expect_err(variables);
            assert!(
                error.contains(&format!("`{missing}`")),
                "{variables}: {error}"
            );
        }
        let (kind, warnings) = shown("AUTH_TYPE=hush-this AUTH_TOKEN=t");
        assert_eq!(kind.as_deref(), Ok("None"));
        assert_eq!(warnings.len(), 1);
        assert!(!warnings[0].contains("hush"), "{warnings:?}");
    }
}
