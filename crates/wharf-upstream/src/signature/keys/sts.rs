//! Roles that are taken on, from AWS's Security Token Service: an API of forms and XML.

use url::form_urlencoded::Serializer;
use wharf_model::Secret;

use super::{Answer, read_token};
use crate::credentials::require;
use crate::token::{Endpoint, Way, xml_text};
use crate::{AwsRole, AwsSurroundings, Credentials, UpstreamError};

const VERSION: &str = "2011-06-15";

/// A role, and what is asked for its keys.
pub(in crate::signature) struct Role {
    endpoint: Endpoint,
    /// All but the token.
    form: String,
    token_file: Option<String>,
}

impl Role {
    /// Taken on with the keys of another identity.
    pub(super) fn assumed(
        role: &AwsRole,
        keys: &AwsSurroundings,
        way: Way<'_>,
    ) -> Result<Self, UpstreamError> {
        let signed = Credentials::SigV4 {
            service: "sts".to_owned(),
            region: Some(role.region.clone()),
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            surroundings: keys.clone(),
        };
        let mut form = form("AssumeRole", role)?;
        if let Some(id) = &role.external_id {
            form.append_pair("ExternalId", id);
        }
        Ok(Self {
            endpoint: Endpoint::with_credentials(&role.endpoint, way, signed)?,
            form: form.finish(),
            token_file: None,
        })
    }

    /// Taken on with a token, which proves by itself who asks.
    pub(super) fn of_token(
        role: &AwsRole,
        token_file: &str,
        way: Way<'_>,
    ) -> Result<Self, UpstreamError> {
        Ok(Self {
            endpoint: Endpoint::new(&role.endpoint, way)?,
            form: form("AssumeRoleWithWebIdentity", role)?.finish(),
            token_file: Some(token_file.to_owned()),
        })
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(super) async fn ask(&self) -> Result<Answer, UpstreamError> {
        let mut form = self.form.clone();
        if let Some(file) = &self.token_file {
            let token = read_token(file, &self.endpoint).await?;
            form = Serializer::new(form)
                .append_pair("WebIdentityToken", &token)
                .finish();
        }
        let body = self.endpoint.post_form(form).await?;
        let text = |name| xml_text(&body, name).map(str::to_owned);
        let answer = || {
            Some(Answer {
                access_key_id: text("AccessKeyId")?,
                secret_access_key: Secret::new(text("SecretAccessKey")?),
                token: Some(Secret::new(text("SessionToken")?)),
                expiration: text("Expiration"),
            })
        };
        answer().ok_or_else(|| self.endpoint.complain("its answer cannot be read"))
    }
}

fn form(action: &str, role: &AwsRole) -> Result<Serializer<'static, String>, UpstreamError> {
    require(!role.arn.is_empty(), "role_arn", "is empty")?;
    let mut form = Serializer::new(String::new());
    form.append_pair("Action", action)
        .append_pair("Version", VERSION)
        .append_pair("RoleArn", &role.arn)
        .append_pair("RoleSessionName", &role.session_name);
    Ok(form)
}
