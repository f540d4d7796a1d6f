//! The files that AWS's tools share: `~/.aws/credentials` and `~/.aws/config`.
//!
//! Sections in brackets, keys and values below them, comments by `#` and `;`. Indented lines belong to the key above,
//! and to settings that nobody here needs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Environment, variable};
use crate::UpstreamError;

const DEFAULT: &str = "default";

/// All profiles, from both files. It prints nothing.
pub(super) struct Profiles(BTreeMap<String, Profile>);

/// One profile.
#[derive(Default)]
pub(super) struct Profile {
    name: String,
    values: BTreeMap<String, String>,
}

impl Profiles {
    pub(super) fn read(environment: &dyn Environment) -> Result<Self, UpstreamError> {
        let mut profiles = Self(BTreeMap::new());
        // What both say, the file of credentials says better.
        for (named, usual, is_config) in [
            ("AWS_CONFIG_FILE", "config", true),
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials", false),
        ] {
            let Some(path) = path(environment, named, usual) else {
                continue;
            };
            let text = environment
                .file(&path)
                .map_err(|reason| UpstreamError::AwsProfile {
                    profile: path.display().to_string(),
                    reason,
                })?;
            profiles.add(&text.unwrap_or_default(), is_config);
        }
        Ok(profiles)
    }

    /// The profile that `AWS_PROFILE` names, which has to exist, or the default one.
    pub(super) fn chosen(
        &self,
        environment: &dyn Environment,
    ) -> Result<Option<&Profile>, UpstreamError> {
        let named = variable(environment, "AWS_PROFILE")
            .or_else(|| variable(environment, "AWS_DEFAULT_PROFILE"));
        let Some(name) = named else {
            return Ok(self.get(DEFAULT));
        };
        let profile = self.get(name);
        if profile.is_none() && name != DEFAULT {
            return Err(UpstreamError::AwsProfile {
                profile: name.to_owned(),
                reason: "is named by `AWS_PROFILE`, and in neither of the shared files".to_owned(),
            });
        }
        Ok(profile)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Profile> {
        self.0.get(name)
    }

    fn add(&mut self, text: &str, is_config: bool) {
        let mut current = None;
        for line in text.lines() {
            let is_indented = line.starts_with([' ', '\t']);
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(section) = line.strip_prefix('[') {
                let section = section.split(']').next().unwrap_or_default().trim();
                current = profile_name(section, is_config);
                continue;
            }
            let (Some(name), false) = (current, is_indented) else {
                continue;
            };
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let profile = self.0.entry(name.to_owned()).or_insert_with(|| Profile {
                name: name.to_owned(),
                values: BTreeMap::new(),
            });
            let value = without_comment(value).trim().to_owned();
            profile
                .values
                .insert(key.trim().to_ascii_lowercase(), value);
        }
    }
}

impl Profile {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A value that says something.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let value = self.values.get(key).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    pub(super) fn complain(&self, reason: impl Into<String>) -> UpstreamError {
        UpstreamError::AwsProfile {
            profile: self.name.clone(),
            reason: reason.into(),
        }
    }
}

/// The configuration writes `[profile name]`, and has sections of other kinds.
fn profile_name(section: &str, is_config: bool) -> Option<&str> {
    if !is_config || section == DEFAULT {
        return Some(section);
    }
    let name = section.strip_prefix("profile")?;
    let name = name.strip_prefix([' ', '\t'])?.trim();
    Some(name.trim_matches('"'))
}

/// A comment behind a value has a blank before it; a `#` inside of a key does not begin one.
fn without_comment(value: &str) -> &str {
    let end = [" #", " ;", "\t#", "\t;"]
        .iter()
        .filter_map(|mark| value.find(mark))
        .min();
    &value[..end.unwrap_or(value.len())]
}

fn path(environment: &dyn Environment, named: &str, usual: &str) -> Option<PathBuf> {
    if let Some(path) = variable(environment, named) {
        return Some(PathBuf::from(path));
    }
    let home = variable(environment, "HOME").or_else(|| variable(environment, "USERPROFILE"))?;
    Some(PathBuf::from(home).join(".aws").join(usual))
}
