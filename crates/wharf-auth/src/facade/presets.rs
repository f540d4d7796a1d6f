//! What is particular to each identity provider.

use std::collections::BTreeMap;

use url::Url;

use super::ProviderConfig;
use crate::ConfigMistake;

/// Where a provider is and what it calls things.
#[derive(Debug)]
pub(crate) struct Preset {
    /// As its tokens have it in `iss`.
    pub(crate) issuer: String,
    /// Where it differs from what the issuer's metadata name.
    pub(crate) hosted_at: Option<String>,
    pub(crate) scopes: &'static [&'static str],
    pub(crate) parameters: BTreeMap<&'static str, String>,
    pub(crate) groups_claims: &'static [&'static str],
    pub(crate) required_claims: BTreeMap<&'static str, String>,
}

impl Preset {
    pub(crate) fn of(config: &ProviderConfig) -> Result<Self, ConfigMistake> {
        let mut parameters = BTreeMap::new();
        let mut required_claims = BTreeMap::new();
        let mut hosted_at = None;
        let (issuer, scopes, groups_claims): (_, &[_], &[_]) = match config {
            ProviderConfig::Cognito {
                user_pool_id,
                domain,
            } => {
                let region = user_pool_id.split_once('_').map(|(region, _)| region);
                let region = region.filter(|_| is_name(user_pool_id)).ok_or_else(|| {
                    refuse(
                        "user_pool_id",
                        "is no pool",
                        "it looks like `eu-west-1_AbCdEfGhI`",
                    )
                })?;
                let at = https("domain", domain)?;
                hosted_at = Some(at.as_str().trim_end_matches('/').to_owned());
                // A token of the pool's own API is signed by the same keys.
                required_claims.insert("token_use", "id".to_owned());
                let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
                (
                    format!("https://cognito-idp.{region}.amazonaws.com{suffix}/{user_pool_id}"),
                    &["openid", "email"],
                    &["cognito:groups"],
                )
            }
            ProviderConfig::Entra { tenant } => {
                let is_id = tenant.len() == 36
                    && tenant
                        .bytes()
                        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
                if !is_id {
                    return Err(refuse(
                        "tenant",
                        "is no tenant's id",
                        "it is on the tenant's overview page, and looks like `8eaef023-2b34-4da1-9baa-8bc8c9d6a490`",
                    ));
                }
                (
                    format!("https://login.microsoftonline.com/{tenant}/v2.0"),
                    &["openid", "profile", "email", "offline_access"],
                    &["groups", "roles"],
                )
            }
            ProviderConfig::Okta {
                domain,
                authorization_server,
            } => {
                let at = https("domain", &format!("https://{domain}"))?;
                let server = authorization_server.as_deref();
                if server.is_some_and(|server| !is_name(server)) {
                    return Err(refuse(
                        "authorization_server",
                        "is no name of one",
                        "it looks like `default`, or `aus1a2b3c4`",
                    ));
                }
                let path = server.map(|server| format!("/oauth2/{server}"));
                // The org's own server puts the groups claim into tokens of this scope alone; others do not know the scope
                // unless somebody added it, and refuse what they do not know.
                let scopes: &[&str] = match server {
                    None => &["openid", "email", "offline_access", "groups"],
                    Some(_) => &["openid", "email", "offline_access"],
                };
                (
                    format!(
                        "{}{}",
                        at.as_str().trim_end_matches('/'),
                        path.unwrap_or_default()
                    ),
                    scopes,
                    &["groups"],
                )
            }
            ProviderConfig::Google { hosted_domain } => {
                // Google's way of asking for a refresh token; without the prompt there is only one, the first time.
                parameters.insert("access_type", "offline".to_owned());
                parameters.insert("prompt", "consent".to_owned());
                if let Some(domain) = hosted_domain {
                    parameters.insert("hd", domain.clone());
                    // The parameter is a hint to the page; the claim is the proof.
                    required_claims.insert("hd", domain.clone());
                }
                (
                    "https://accounts.google.com".to_owned(),
                    &["openid", "email"],
                    &["groups"],
                )
            }
            ProviderConfig::Oidc { issuer } => {
                let url = Url::parse(issuer);
                if url.is_err() {
                    return Err(refuse(
                        "issuer",
                        "is no URL",
                        "it looks like `https://login.example.com`",
                    ));
                }
                (
                    issuer.clone(),
                    &["openid", "email", "offline_access"],
                    &["groups", "roles"],
                )
            }
        };
        Ok(Self {
            issuer,
            hosted_at,
            scopes,
            parameters,
            groups_claims,
            required_claims,
        })
    }
}

fn refuse(key: &str, what: &str, hint: &str) -> ConfigMistake {
    ConfigMistake::new(format!("sign_in.provider.{key}"), what, hint)
}

fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(is_plain)
}

fn https(key: &str, text: &str) -> Result<Url, ConfigMistake> {
    Url::parse(text)
        .ok()
        .filter(|url| {
            url.scheme() == "https"
                && url.path() == "/"
                && url.query().is_none()
                && url.username().is_empty()
        })
        .ok_or_else(|| {
            refuse(
                key,
                "is no `https` address of a host",
                "it looks like `https://login.example.com`, without a path",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_told_by_few_values() {
        let issuer = |provider: &str| {
            let config = serde_json::from_str::<ProviderConfig>(provider).unwrap();
            Preset::of(&config)
                .map(|preset| preset.issuer)
                .map_err(|mistake| mistake.at)
        };
        let scopes = |provider: &str| {
            let config = serde_json::from_str::<ProviderConfig>(provider).unwrap();
            Preset::of(&config).unwrap().scopes
        };
        let org = scopes(r#"{"type":"okta","domain":"dev-1.okta.com"}"#);
        assert!(org.contains(&"groups"), "{org:?}");
        let of_ours =
            scopes(r#"{"type":"okta","domain":"dev-1.okta.com","authorization_server":"default"}"#);
        assert!(!of_ours.contains(&"groups"), "{of_ours:?}");
        for (provider, expected) in [
            (
                r#"{"type":"cognito","user_pool_id":"eu-west-1_AbC","domain":"https://x.auth.eu-west-1.amazoncognito.com"}"#,
                Ok("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC"),
            ),
            (
                r#"{"type":"cognito","user_pool_id":"AbC","domain":"https://x.example"}"#,
                Err("sign_in.provider.user_pool_id"),
            ),
            (
                r#"{"type":"cognito","user_pool_id":"eu-west-1_A","domain":"x.example"}"#,
                Err("sign_in.provider.domain"),
            ),
            (
                r#"{"type":"entra","tenant":"8eaef023-2b34-4da1-9baa-8bc8c9d6a490"}"#,
                Ok("https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0"),
            ),
            (
                r#"{"type":"entra","tenant":"contoso.com"}"#,
                Err("sign_in.provider.tenant"),
            ),
            (
                r#"{"type":"okta","domain":"dev-1.okta.com"}"#,
                Ok("https://dev-1.okta.com"),
            ),
            (
                r#"{"type":"okta","domain":"dev-1.okta.com","authorization_server":"default"}"#,
                Ok("https://dev-1.okta.com/oauth2/default"),
            ),
            (
                r#"{"type":"okta","domain":"dev-1.okta.com/x"}"#,
                Err("sign_in.provider.domain"),
            ),
            (r#"{"type":"google"}"#, Ok("https://accounts.google.com")),
            (
                r#"{"type":"oidc","issuer":"https://a.example/b/"}"#,
                Ok("https://a.example/b/"),
            ),
            (
                r#"{"type":"oidc","issuer":"a"}"#,
                Err("sign_in.provider.issuer"),
            ),
        ] {
            let issuer = issuer(provider);
            assert_eq!(
                issuer.as_deref().map_err(String::as_str),
                expected,
                "{provider}"
            );
        }
    }
}
