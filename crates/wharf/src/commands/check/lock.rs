//! What is offered now beside what the lock file says.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wharf_catalog::{Difference, DifferenceKind, Lock};

use crate::assemble::Assembled;
use crate::cli::Check;
use crate::failure::Failure;
use crate::terminal;

/// The lock file's name where none is given.
const DEFAULT_FILE: &str = "wharf.lock";
/// A larger file is no lock: Microsoft Graph's 11,000 operations take 4 MB.
const LOCK_BYTES_MAX: u64 = 64 << 20;

/// How what is offered stands to a lock file.
pub(super) struct Comparison {
    file: PathBuf,
    tools: usize,
    /// None where there was no lock file to compare with.
    differences: Option<Vec<Difference>>,
    written: bool,
}

/// Compares with the lock file, and writes it where that is asked for. None when there is nothing to compare with.
pub(super) fn compare(check: &Check, assembled: &Assembled) -> Result<Option<Comparison>, Failure> {
    let Some(file) = lock_file(check, &assembled.config.file.folder)? else {
        return Ok(None);
    };
    let now = Lock::of(&assembled.catalog);
    let before = match read(&file) {
        Ok(before) => Some(before),
        // What is about to be replaced need not be readable.
        Err(_) if check.write_lock => None,
        Err(failure) => return Err(failure),
    };
    if check.write_lock {
        fs::write(&file, now.to_text())
            .map_err(|error| Failure::new(format!("cannot write `{}`: {error}", file.display())))?;
    }
    Ok(Some(Comparison {
        file,
        tools: now.tool_count(),
        differences: before.map(|before| before.differences(&now)),
        written: check.write_lock,
    }))
}

/// The file to compare with or to write.
fn lock_file(check: &Check, folder: &Path) -> Result<Option<PathBuf>, Failure> {
    if let Some(file) = &check.lock {
        return Ok(Some(file.clone()));
    }
    // A document on the command line has nothing to do with a lock file that happens to lie here.
    if check.input.document.is_some() {
        return if check.write_lock {
            Err(Failure::new(format!(
                "there is no configuration to write `{DEFAULT_FILE}` beside"
            ))
            .hint("name the file: `--lock FILE`"))
        } else {
            Ok(None)
        };
    }
    let file = folder.join(DEFAULT_FILE);
    Ok((check.write_lock || file.exists()).then_some(file))
}

fn read(file: &Path) -> Result<Lock, Failure> {
    let place = file.display().to_string();
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::new(format!("cannot read `{place}`: {error}"))
            .hint("`wharf check --write-lock` writes it")
    };
    let size = fs::metadata(file).map_err(|error| cannot(&error))?.len();
    if size > LOCK_BYTES_MAX {
        return Err(cannot(&format!(
            "it has {size} bytes, and a lock file at most {LOCK_BYTES_MAX}"
        )));
    }
    let text = fs::read_to_string(file).map_err(|error| cannot(&error))?;
    Lock::parse(&text).map_err(|error| Failure::of(&error).hint(error.hint()).within(&place))
}

impl Comparison {
    /// Whether somebody has to look at it.
    pub(super) fn is_drift(&self) -> bool {
        let is_different = self
            .differences
            .as_ref()
            .is_some_and(|list| !list.is_empty());
        is_different && !self.written
    }

    pub(super) fn as_json(&self) -> Value {
        json!({
            "file": self.file.display().to_string(),
            "written": self.written,
            "differences": self.differences,
        })
    }

    pub(super) fn print(&self) {
        let file = self.file.display();
        match self.differences.as_deref() {
            Some([]) => terminal::result(format_args!("\nWhat is offered is what `{file}` says.")),
            Some(differences) => {
                terminal::result(format_args!("\nWhat is offered is not what `{file}` says:"));
                let rows = differences.iter().map(|difference| {
                    [
                        difference.tool.clone(),
                        difference.operation.clone().unwrap_or_default(),
                        words(&difference.kind),
                    ]
                });
                terminal::result(terminal::table(
                    ["tool", "operation", "what happened"],
                    rows,
                ));
            }
            None => {}
        }
        if self.written {
            terminal::result(format_args!("\nWrote {} tools to `{file}`.", self.tools));
        } else if self.is_drift() {
            terminal::result("If that is as it should be: `wharf check --write-lock`");
        }
    }
}

fn words(kind: &DifferenceKind) -> String {
    match kind {
        DifferenceKind::Added => "added".to_owned(),
        DifferenceKind::Removed => "removed".to_owned(),
        DifferenceKind::Renamed { from } => format!("renamed from `{from}`"),
        DifferenceKind::Changed { parts } => {
            format!("changed: {}", parts.join(", ").replace('_', " "))
        }
    }
}
