//! Where a program that runs somewhere gets the keys of its AWS identity, told from its surroundings.
//!
//! The order is the one AWS's own tools have: the environment's keys, the profile of the shared files, a token in a file
//! (EKS, CI), the container's address, the instance's metadata service. What is found is a description; nothing is asked
//! for before the keys are needed. Variables and shared files come through [`Environment`]; nothing here reads them.

mod profile;

use std::path::Path;

use wharf_model::Secret;

use self::profile::{Profile, Profiles};
use crate::{AwsRole, AwsSurroundings, Credentials, UpstreamError};

/// The metadata service of an EC2 instance.
const INSTANCE_METADATA: &str = "http://169.254.169.254";
/// Where a container on ECS asks; the environment names a path there.
const CONTAINER_METADATA: &str = "http://169.254.170.2";
/// A chain of profiles that is longer leads in a circle.
const PROFILES_MAX: usize = 8;
/// What a session is called where nobody gives it a name.
const SESSION_NAME: &str = "wharf";
/// Where a role is asked for when no region is known.
const STS_REGION: &str = "us-east-1";

/// The environment as other programs read it: variables, and the files that AWS's tools share.
pub trait Environment {
    /// What an environment variable holds.
    fn variable(&self, name: &str) -> Option<&str>;

    /// What a file holds; none where there is no such file, the reason where it cannot be read.
    fn file(&self, path: &Path) -> Result<Option<String>, String>;
}

/// No variables, no files.
impl Environment for () {
    fn variable(&self, _: &str) -> Option<&str> {
        None
    }

    fn file(&self, _: &Path) -> Result<Option<String>, String> {
        Ok(None)
    }
}

/// A variable that says something.
pub(crate) fn variable<'e>(environment: &'e dyn Environment, name: &str) -> Option<&'e str> {
    environment.variable(name).filter(|value| !value.is_empty())
}

/// The region that the environment or the profile names.
pub fn aws_region(environment: &dyn Environment) -> Result<Option<String>, UpstreamError> {
    let named =
        variable(environment, "AWS_REGION").or_else(|| variable(environment, "AWS_DEFAULT_REGION"));
    if let Some(region) = named {
        return Ok(Some(region.to_owned()));
    }
    let profiles = Profiles::read(environment)?;
    let profile = profiles.chosen(environment)?;
    Ok(profile.and_then(|profile| profile.get("region").map(str::to_owned)))
}

/// The address that the environment gives to an AWS service: `AWS_ENDPOINT_URL_<id>` or `AWS_ENDPOINT_URL`. `id` is the
/// service's name in upper case with underscores.
pub fn aws_endpoint(environment: &dyn Environment, id: &str) -> Option<String> {
    let own = format!("AWS_ENDPOINT_URL_{id}");
    let url = variable(environment, &own).or_else(|| variable(environment, "AWS_ENDPOINT_URL"));
    url.map(str::to_owned)
}

/// A region's own address of an AWS service; `host` is its first part.
pub fn aws_address(host: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://{host}.{region}.amazonaws.com{suffix}/")
}

impl Credentials {
    /// These credentials with what they leave to the environment.
    pub fn completed(&self, environment: &dyn Environment) -> Result<Self, UpstreamError> {
        let mut completed = self.clone();
        match &mut completed {
            Self::SigV4 {
                region,
                access_key_id,
                secret_access_key,
                surroundings,
                ..
            } => {
                if region.is_none() {
                    *region = aws_region(environment)?;
                }
                if access_key_id.is_none() && secret_access_key.is_none() {
                    *surroundings = AwsSurroundings::of(environment)?;
                }
            }
            Self::CognitoPassword {
                user_pool_id: Some(_),
                surroundings,
                ..
            } => *surroundings = AwsSurroundings::of(environment)?,
            _ => {}
        }
        Ok(completed)
    }
}

impl AwsSurroundings {
    /// Where the keys are, by the nearest place that has any.
    pub fn of(environment: &dyn Environment) -> Result<Self, UpstreamError> {
        if let Some(keys) = environment_keys(environment) {
            return Ok(keys);
        }
        let profiles = Profiles::read(environment)?;
        if let Some(profile) = profiles.chosen(environment)?
            && let Some(keys) = profile_keys(environment, &profiles, profile, 0)?
        {
            return Ok(keys);
        }
        if let Some(token_file) = variable(environment, "AWS_WEB_IDENTITY_TOKEN_FILE")
            && let Some(arn) = variable(environment, "AWS_ROLE_ARN")
        {
            let session = variable(environment, "AWS_ROLE_SESSION_NAME");
            return Ok(Self::WebIdentity {
                role: role(environment, arn, session, None)?,
                token_file: token_file.to_owned(),
            });
        }
        Ok(container(environment).unwrap_or_else(|| instance(environment)))
    }
}

fn environment_keys(environment: &dyn Environment) -> Option<AwsSurroundings> {
    Some(AwsSurroundings::Keys {
        access_key_id: variable(environment, "AWS_ACCESS_KEY_ID")?.to_owned(),
        secret_access_key: Secret::new(variable(environment, "AWS_SECRET_ACCESS_KEY")?),
        session_token: variable(environment, "AWS_SESSION_TOKEN").map(Secret::new),
    })
}

/// The container's own address for keys.
fn container(environment: &dyn Environment) -> Option<AwsSurroundings> {
    let relative = variable(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        .map(|path| format!("{CONTAINER_METADATA}{path}"));
    let full = || variable(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI").map(str::to_owned);
    let token_file = variable(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    Some(AwsSurroundings::Container {
        url: relative.or_else(full)?,
        token: variable(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret::new),
        token_file: token_file.map(str::to_owned),
    })
}

fn instance(environment: &dyn Environment) -> AwsSurroundings {
    if variable(environment, "AWS_EC2_METADATA_DISABLED")
        .is_some_and(|word| word.eq_ignore_ascii_case("true"))
    {
        return AwsSurroundings::Nowhere;
    }
    let named = variable(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let url = named.unwrap_or(INSTANCE_METADATA).trim_end_matches('/');
    AwsSurroundings::Instance {
        url: url.to_owned(),
    }
}

/// The keys that a profile holds or leads to; none where it says nothing of keys.
fn profile_keys(
    environment: &dyn Environment,
    profiles: &Profiles,
    profile: &Profile,
    depth: usize,
) -> Result<Option<AwsSurroundings>, UpstreamError> {
    if depth == PROFILES_MAX {
        return Err(profile.complain("is at the end of a chain of `source_profile` without end"));
    }
    let Some(arn) = profile.get("role_arn") else {
        return own_keys(profile);
    };
    let session = profile.get("role_session_name");
    let role = role(environment, arn, session, profile.get("external_id"))?;
    if let Some(token_file) = profile.get("web_identity_token_file") {
        return Ok(Some(AwsSurroundings::WebIdentity {
            role,
            token_file: token_file.to_owned(),
        }));
    }
    let keys = match (
        profile.get("source_profile"),
        profile.get("credential_source"),
    ) {
        // A profile may take on a role with the keys that it holds itself.
        (Some(name), None) if name == profile.name() => own_keys(profile)?,
        (Some(name), None) => {
            let source = profiles.get(name).ok_or_else(|| {
                profile.complain(format!(
                    "names `{name}` as `source_profile`, which is missing"
                ))
            })?;
            profile_keys(environment, profiles, source, depth + 1)?
        }
        (None, Some("Environment")) => environment_keys(environment),
        (None, Some("EcsContainer")) => container(environment),
        (None, Some("Ec2InstanceMetadata")) => Some(instance(environment)),
        (None, Some(other)) => {
            let reason = format!("has the `credential_source` `{other}`, which AWS does not know");
            return Err(profile.complain(reason));
        }
        (Some(_), Some(_)) | (None, None) => {
            let reason = "needs one of `source_profile`, `credential_source` and `web_identity_token_file` beside `role_arn`";
            return Err(profile.complain(reason));
        }
    };
    let keys = keys.ok_or_else(|| profile.complain("takes on a role, and has no keys for that"))?;
    Ok(Some(AwsSurroundings::Role {
        role,
        keys: Box::new(keys),
    }))
}

fn own_keys(profile: &Profile) -> Result<Option<AwsSurroundings>, UpstreamError> {
    let id = profile.get("aws_access_key_id");
    match (id, profile.get("aws_secret_access_key")) {
        (Some(id), Some(secret)) => Ok(Some(AwsSurroundings::Keys {
            access_key_id: id.to_owned(),
            secret_access_key: Secret::new(secret),
            session_token: profile.get("aws_session_token").map(Secret::new),
        })),
        (None, None) => {
            // What only AWS's own command line can do must not lead to another identity.
            for key in ["credential_process", "sso_session", "sso_start_url"] {
                if profile.get(key).is_some() {
                    let reason = format!("gets its keys by `{key}`, which is not supported");
                    return Err(profile.complain(reason));
                }
            }
            Ok(None)
        }
        _ => Err(profile.complain(
            "has one of `aws_access_key_id` and `aws_secret_access_key` without the other",
        )),
    }
}

fn role(
    environment: &dyn Environment,
    arn: &str,
    session: Option<&str>,
    external_id: Option<&str>,
) -> Result<AwsRole, UpstreamError> {
    let region = aws_region(environment)?.unwrap_or_else(|| STS_REGION.to_owned());
    Ok(AwsRole {
        arn: arn.to_owned(),
        session_name: session.unwrap_or(SESSION_NAME).to_owned(),
        external_id: external_id.map(str::to_owned),
        endpoint: aws_endpoint(environment, "STS").unwrap_or_else(|| aws_address("sts", &region)),
        region,
    })
}

#[cfg(test)]
mod tests;
