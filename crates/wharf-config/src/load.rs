//! From a file to a value of the wanted type, in five steps.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::check::check;
use crate::digest::Digest;
use crate::environment::Environment;
use crate::error::{ConfigErrors, ConfigWarning, Report};
use crate::expand::{Expanded, Stored, expand, stored_references};
use crate::places::Places;
use crate::schema::{self, Root};
use crate::yaml;

mod refusal;

/// The largest configuration file that is read. Documents, which are larger, stand in files of their own.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A configuration and what it was read from.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// Complete: defaults filled in, references replaced.
    pub config: T,
    /// Every file that was read: the configuration first, then what `${file:…}` names. What to watch for changes.
    pub files: Vec<PathBuf>,
    /// The keys whose whole text is in a store of secrets, as in `server.key`, each with what stands between `${` and
    /// `}`: what to ask for again where a secret may change.
    pub stored: BTreeMap<String, String>,
    /// What works and should be changed all the same.
    pub warnings: Vec<ConfigWarning>,
    /// Where the settings stand, for what is found wrong with them later.
    pub places: Places,
}

/// A configuration file that was read, and not yet understood.
#[derive(Debug, Clone)]
pub struct Draft {
    path: PathBuf,
    text: String,
    digest: Option<&'static str>,
}

/// Reads a configuration file, or tells everything that is wrong with it. References to stores of secrets are mistakes:
/// who can ask stores takes a [`Draft`].
pub fn load<T: DeserializeOwned + JsonSchema>(
    path: &Path,
    environment: &Environment,
) -> Result<Loaded<T>, ConfigErrors> {
    Draft::read(path)?.load(environment, &Stored::new())
}

impl Draft {
    /// Reads the file alone.
    pub fn read(path: &Path) -> Result<Self, ConfigErrors> {
        Ok(Self {
            text: read_file(path, &path.display().to_string())?,
            path: path.to_owned(),
            digest: None,
        })
    }

    /// With the [digest](crate::digest()) of the type that it will be loaded as.
    #[must_use]
    pub fn with_digest(mut self, digest: &'static str) -> Self {
        self.digest = Some(digest);
        self
    }

    /// What is to be asked of stores of secrets: what stands between `${` and `}`.
    pub fn stored_references(&self) -> BTreeSet<String> {
        // Most configurations have none, and need not be understood twice.
        if !self.text.contains("${s") {
            return BTreeSet::new();
        }
        // Mistakes are told when it is loaded.
        let root = yaml::read(&self.text, &mut Report::new(""));
        root.as_ref().map(stored_references).unwrap_or_default()
    }

    /// Understands it, with what the stores answered.
    pub fn load<T: DeserializeOwned + JsonSchema>(
        &self,
        environment: &Environment,
        answers: &Stored,
    ) -> Result<Loaded<T>, ConfigErrors> {
        let file_name = self.path.display().to_string();
        let base_dir = self.path.parent().unwrap_or_else(|| Path::new(""));
        let understand = |schema: &dyn Root| {
            understand(
                schema,
                &self.text,
                &file_name,
                base_dir,
                environment,
                answers,
            )
        };
        let digest = self.digest.and_then(Digest::read);
        let mut loaded = match digest.and_then(|digest| understand(&digest).ok()) {
            Some(loaded) if loaded.warnings.is_empty() => loaded,
            // What is wrong is told with the schema's words.
            _ => understand(&schema::of_type::<T>())?,
        };
        loaded.files.insert(0, self.path.clone());
        Ok(loaded)
    }
}

/// Reads a configuration from its text. `file_name` is what messages call it; `${file:…}` is relative to `base_dir`.
pub fn parse<T: DeserializeOwned + JsonSchema>(
    text: &str,
    file_name: &str,
    base_dir: &Path,
    environment: &Environment,
) -> Result<Loaded<T>, ConfigErrors> {
    understand(
        &schema::of_type::<T>(),
        text,
        file_name,
        base_dir,
        environment,
        &Stored::new(),
    )
}

fn understand<T: DeserializeOwned>(
    schema: &dyn Root,
    text: &str,
    file_name: &str,
    base_dir: &Path,
    environment: &Environment,
    answers: &Stored,
) -> Result<Loaded<T>, ConfigErrors> {
    let mut report = Report::new(file_name);
    if text.len() as u64 > FILE_BYTES_MAX {
        refuse_size(&mut report);
        return Err(refuse(report));
    }
    let root = yaml::read(text, &mut report).filter(|root| !root.is_null());
    let Some(mut root) = root else {
        if report.is_clean() {
            report.whole("the file is empty", Some(hint_for_empty(schema.schema())));
        }
        return Err(refuse(report));
    };
    let Expanded { files, stored } = expand(&mut root, base_dir, environment, answers, &mut report);
    let value = check(schema, &root, &mut report);
    if !report.is_clean() {
        return Err(refuse(report));
    }
    match serde_path_to_error::deserialize(value) {
        Ok(config) => Ok(Loaded {
            config,
            files,
            stored,
            warnings: report.finish()?,
            places: Places::of(file_name, &root),
        }),
        Err(error) => {
            refusal::report(&error, &root, &mut report);
            Err(refuse(report))
        }
    }
}

fn refuse(report: Report) -> ConfigErrors {
    report
        .finish()
        .expect_err("a mistake has been reported before")
}

fn refuse_size(report: &mut Report) {
    report.whole(
        format!("larger than {FILE_BYTES_MAX} bytes, too large for a configuration"),
        Some("is this the API's document? name it inside of a configuration".to_owned()),
    );
}

fn hint_for_empty(schema: &Value) -> String {
    let required = schema::outline(schema, schema).required();
    if required.is_empty() {
        "write `{}` to take every default".to_owned()
    } else {
        format!("it needs at least `{}`", required.join("`, `"))
    }
}

fn read_file(path: &Path, file_name: &str) -> Result<String, ConfigErrors> {
    let mut report = Report::new(file_name);
    let mut bytes = Vec::new();
    let outcome =
        File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    match outcome {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            report.whole("there is no such file", Some("check the path".to_owned()));
        }
        Err(error) if error.kind() == ErrorKind::IsADirectory => report.whole(
            "this is a folder",
            Some("name the configuration file in it".to_owned()),
        ),
        Err(error) => report.whole(format!("cannot be read: {error}"), None),
        Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => refuse_size(&mut report),
        Ok(_) => match String::from_utf8(bytes) {
            Ok(text) => return Ok(text),
            Err(error) => {
                let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = before.split(|byte| *byte == b'\n').count();
                report.whole(
                    format!("line {line} is not UTF-8 text"),
                    Some("save the file as UTF-8".to_owned()),
                );
            }
        },
    }
    Err(refuse(report))
}

#[cfg(test)]
mod tests;
