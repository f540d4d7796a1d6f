//! How a secret in one of AWS's stores is named.

use std::fmt;

use serde_json::Value;
use wharf_model::Secret;

use crate::{AwsError, Service, secrets_manager, ssm};

/// A secret in one of AWS's stores: `ssm:/path/name` or `secretsmanager:name-or-arn`. With `#key` behind it, it is that
/// member of the JSON object that the store holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretReference {
    store: Store,
    name: String,
    member: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Store {
    Ssm,
    SecretsManager,
}

impl Store {
    fn word(self) -> &'static str {
        match self {
            Self::Ssm => "ssm",
            Self::SecretsManager => "secretsmanager",
        }
    }

    pub(crate) fn service(self) -> Service {
        match self {
            Self::Ssm => ssm::SERVICE,
            Self::SecretsManager => secrets_manager::SERVICE,
        }
    }
}

impl SecretReference {
    /// Reads what stands between `${` and `}`.
    pub fn parse(text: &str) -> Result<Self, AwsError> {
        let complain = |reason| AwsError::Reference {
            reference: crate::error::shown(text),
            reason,
        };
        let (word, rest) = text.split_once(':').unwrap_or_default();
        let store = [Store::Ssm, Store::SecretsManager]
            .into_iter()
            .find(|store| store.word() == word)
            .ok_or_else(|| complain("names no store of secrets"))?;
        // Neither service allows this character in a name.
        let (name, member) = match rest.split_once('#') {
            Some((name, member)) => (name, Some(member)),
            None => (rest, None),
        };
        if name.is_empty() || member.is_some_and(str::is_empty) {
            return Err(complain("names nothing"));
        }
        Ok(Self {
            store,
            name: name.to_owned(),
            member: member.map(str::to_owned),
        })
    }

    pub(crate) fn store(&self) -> Store {
        self.store
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The region that an ARN names (`arn:partition:service:region:…`).
    pub(crate) fn region(&self) -> Option<&str> {
        let arn = self.name.strip_prefix("arn:")?;
        arn.split(':').nth(2).filter(|region| !region.is_empty())
    }

    /// The same without the member: what is fetched.
    #[must_use]
    pub fn whole(&self) -> Self {
        Self {
            member: None,
            ..self.clone()
        }
    }

    /// What it stands for, of what the store holds. Nothing of that reaches a message.
    pub fn pick(&self, whole: &Secret) -> Result<Secret, AwsError> {
        let Some(member) = &self.member else {
            return Ok(whole.clone());
        };
        let complain = |reason| AwsError::Reference {
            reference: self.to_string(),
            reason,
        };
        let value = serde_json::from_str::<Value>(whole.expose())
            .map_err(|_| complain("names a member of a text that is no JSON"))?;
        match value.get(member) {
            Some(Value::String(text)) => Ok(Secret::new(text)),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Secret::new(value.to_string())),
            Some(_) => Err(complain("names a member that is no text")),
            None => Err(complain("names a member that the JSON does not have")),
        }
    }
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.store.word(), self.name)?;
        match &self.member {
            Some(member) => write!(f, "#{member}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_written() {
        for (text, region, whole) in [
            ("ssm:/pets/key", None, "ssm:/pets/key"),
            ("ssm:/pets/key:3", None, "ssm:/pets/key:3"),
            (
                "secretsmanager:pets/key#token",
                None,
                "secretsmanager:pets/key",
            ),
            (
                "secretsmanager:arn:aws:secretsmanager:eu-west-1:123:secret:pets-AbCdEf#a#b",
                Some("eu-west-1"),
                "secretsmanager:arn:aws:secretsmanager:eu-west-1:123:secret:pets-AbCdEf",
            ),
        ] {
            let reference = SecretReference::parse(text).unwrap();
            assert_eq!(reference.to_string(), text);
            assert_eq!(reference.region(), region, "{text}");
            assert_eq!(reference.whole().to_string(), whole);
        }
        for text in ["", "ssm", "ssm:", "ssm:#a", "ssm:/a#", "vault:/a", "SSM:/a"] {
            let error = SecretReference::parse(text).expect_err(text);
            assert!(error.hint().is_some(), "{text}");
        }
    }

    #[test]
    fn members_are_picked_without_showing_the_rest() {
        let json = r#"{"token":"t0","port":5432,"list":["hush"]}"#;
        for (member, whole, expected) in [
            (None, "hush", Ok("hush")),
            (Some("token"), json, Ok("t0")),
            (Some("port"), json, Ok("5432")),
            (Some("list"), json, Err("is no text")),
            (Some("hush"), json, Err("does not have")),
            (Some("token"), "hush", Err("no JSON")),
            (Some("0"), r#"["hush"]"#, Err("does not have")),
        ] {
            let text =
                member.map_or_else(|| "ssm:/a".to_owned(), |member| format!("ssm:/a#{member}"));
            let reference = SecretReference::parse(&text).unwrap();
            let picked = reference.pick(&Secret::new(whole));
            match (&picked, expected) {
                (Ok(picked), Ok(expected)) => assert_eq!(picked.expose(), expected, "{text}"),
                (Err(error), Err(complaint)) => {
                    assert!(error.to_string().contains(complaint), "{text}: {error}");
                }
                _ => panic!("{text}: {picked:?}"),
            }
        }
    }
}
