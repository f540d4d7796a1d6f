//! More documents beside the main one: a JSON array, each entry on its own.
//!
//! An entry has nothing of the main document's: no credentials, no address, no prompts. It may have been written by
//! somebody who is not trusted with this machine, so its addresses and its files keep to rules, and one that breaks
//! them is skipped with a warning while the rest is served.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use wharf_upstream::{Credentials, Trust};

use super::credentials;
use super::settings::Settings;
use crate::config::{Rules, SourceConfig};

/// Folders that no document comes from. They count where no folder is allowed by name.
const REFUSED_FOLDERS: [&str; 5] = ["/etc", "/root", "/proc", "/sys", "/var/run"];

/// More entries are not looked at.
const ENTRIES_MAX: usize = 100;

/// What a file of a document is called.
const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];

/// What an entry can say.
const KEYS: [&str; 11] = [
    "name",
    "base_url",
    "spec_url",
    "spec_path",
    "auth_type",
    "auth_token",
    "auth_api_key",
    "auth_api_key_name",
    "auth_api_key_in",
    "auth_username",
    "auth_password",
];

/// The sources that the entries describe, by name; what is wrong with the others becomes warnings.
pub(super) fn read(
    settings: &Settings,
    source: &SourceConfig,
    warnings: &mut Vec<String>,
) -> Vec<(String, SourceConfig)> {
    if settings.additional_specs.trim().is_empty() {
        return Vec::new();
    }
    let entries = match serde_json::from_str::<Value>(&settings.additional_specs) {
        Ok(Value::Array(entries)) => entries,
        Ok(_) => {
            warnings.push(
                "`ADDITIONAL_SPECS` is no JSON array; there are no additional documents".to_owned(),
            );
            return Vec::new();
        }
        Err(error) => {
            warnings.push(format!(
                "`ADDITIONAL_SPECS` is not JSON ({error}); there are no additional documents"
            ));
            return Vec::new();
        }
    };
    if entries.len() > ENTRIES_MAX {
        warnings.push(format!(
            "`ADDITIONAL_SPECS` has {} entries; the first {ENTRIES_MAX} are read",
            entries.len()
        ));
    }
    let mut read = Vec::new();
    for (number, entry) in entries.iter().take(ENTRIES_MAX).enumerate() {
        let name = entry
            .get("name")
            .and_then(Value::as_str)
            .filter(|name| !name.is_empty())
            .map_or_else(|| format!("additional {}", number + 1), str::to_owned);
        match of_entry(settings, source, entry) {
            Ok(source) => {
                if let Some(unknown) = unknown_key(entry) {
                    warnings.push(format!(
                        "additional document `{name}`: nothing is known of `{unknown}`"
                    ));
                }
                read.push((name, source));
            }
            Err(reason) => {
                warnings.push(format!("additional document `{name}` is skipped: {reason}"));
            }
        }
    }
    read
}

fn unknown_key(entry: &Value) -> Option<&str> {
    let mut keys = entry.as_object()?.keys().map(String::as_str);
    keys.find(|key| !KEYS.contains(key))
}

/// `source` is the main document's, for what is the same for all: limits and error words.
fn of_entry(
    settings: &Settings,
    source: &SourceConfig,
    entry: &Value,
) -> Result<SourceConfig, String> {
    let entry = entry.as_object().ok_or("it is no object")?;
    let base_url = text(entry, "base_url").ok_or("`base_url` is missing")?;
    check_url(settings, "base_url", base_url)?;
    let openapi = match (text(entry, "spec_url"), text(entry, "spec_path")) {
        (Some(url), _) => {
            check_url(settings, "spec_url", url)?;
            url.to_owned()
        }
        (None, Some(path)) => {
            let path = check_path(&settings.allowed_spec_dirs, Path::new(path))?;
            path.to_str().ok_or("`spec_path` is no text")?.to_owned()
        }
        (None, None) => return Err("neither `spec_url` nor `spec_path` is given".to_owned()),
    };
    Ok(SourceConfig {
        openapi,
        upstream: wharf_upstream::Config {
            base_url: Some(base_url.split('?').next().unwrap_or(base_url).to_owned()),
            credentials: credentials::of_entry(entry)?,
            redirects_max: 0,
            ..source.upstream.clone()
        },
        tools: wharf_openapi::Config {
            prompts: false,
            ..source.tools.openapi.clone()
        }
        .into(),
        document_credentials: Credentials::default(),
        rules: Rules {
            base_url: Trust::Document,
            ..source.rules
        },
        ..source.clone()
    })
}

fn text<'a>(entry: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    let text = entry.get(key)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

/// Where a name leads is looked at when it is connected to, so that it cannot lead elsewhere by then.
fn check_url(settings: &Settings, key: &str, url: &str) -> Result<(), String> {
    let scheme = url
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("https") => Ok(()),
        Some("http") if settings.allow_insecure_http => Ok(()),
        Some("http") => Err(format!(
            "`{key}` is not `https`; `ALLOW_INSECURE_HTTP=true` allows it"
        )),
        _ => Err(format!("`{key}` is no `https` address")),
    }
}

/// The file behind a path, past links, where it may be read from.
fn check_path(allowed: &[PathBuf], path: &Path) -> Result<PathBuf, String> {
    let has_ending = |path: &Path| {
        path.extension()
            .and_then(|ending| ending.to_str())
            .is_some_and(|ending| {
                ENDINGS
                    .iter()
                    .any(|known| ending.eq_ignore_ascii_case(known))
            })
    };
    let path = path
        .canonicalize()
        .map_err(|error| format!("`spec_path` cannot be read: {error}"))?;
    // The ending of what is read, not of a link to it.
    if !has_ending(&path) {
        return Err("`spec_path` must end in .json, .yaml or .yml".to_owned());
    }
    let lies_in = |folder: &Path| {
        folder
            .canonicalize()
            .is_ok_and(|folder| path.starts_with(folder))
    };
    if !allowed.is_empty() {
        return if allowed.iter().any(|folder| lies_in(folder)) {
            Ok(path)
        } else {
            Err("`spec_path` is in none of the folders of `ALLOWED_SPEC_DIRS`".to_owned())
        };
    }
    match REFUSED_FOLDERS
        .iter()
        .find(|folder| lies_in(Path::new(folder)))
    {
        Some(folder) => Err(format!(
            "`spec_path` is below `{folder}`, where no document is read from"
        )),
        None => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_only_from_where_they_may_be() {
        let folder = std::env::temp_dir().join(format!("wharf-additional-{}", std::process::id()));
        let inner = folder.join("inner");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(inner.join("api.yaml"), "").unwrap();
        std::fs::write(folder.join("other.yml"), "").unwrap();
        std::fs::write(folder.join("secret.txt"), "").unwrap();
        std::os::unix::fs::symlink(folder.join("other.yml"), inner.join("out.yaml")).unwrap();
        std::os::unix::fs::symlink(folder.join("secret.txt"), inner.join("text.json")).unwrap();
        let allowed = [inner.clone()];
        for (path, allowed, expected) in [
            (inner.join("api.yaml"), &[][..], ""),
            (inner.join("api.yaml"), &allowed[..], ""),
            (folder.join("other.yml"), &[], ""),
            (folder.join("other.yml"), &allowed, "in none of the folders"),
            (
                inner.join("../other.yml"),
                &allowed,
                "in none of the folders",
            ),
            (inner.join("out.yaml"), &allowed, "in none of the folders"),
            (inner.join("text.json"), &[], "must end in"),
            (inner.join("gone.json"), &[], "cannot be read"),
            (PathBuf::from("/proc/self/status"), &[], "must end in"),
        ] {
            let error = check_path(allowed, &path).err().unwrap_or_default();
            assert_eq!(
                error.is_empty(),
                expected.is_empty(),
                "{}: {error}",
                path.display()
            );
            assert!(error.contains(expected), "{}: {error}", path.display());
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
