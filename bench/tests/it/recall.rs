//! Whether the search finds what people ask for: tasks in plain language over three large documents.
//!
//! The documents are too large for this repository: `../shared/specs` beside the workspace holds them where there is
//! that folder, compressed with `xz`. `cargo run -p wharf-bench --example recall` prints what is scored here.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use wharf_catalog::{Catalog, Offer, ToolsMode};
use wharf_openapi::{Config, Document, OpenApi, Whereabouts};

/// Within how many found tools the right one must be.
pub(crate) const FIRST: usize = 5;

/// The part of the tasks of one half that found the right tool.
pub(crate) struct Score {
    pub(crate) found: usize,
    pub(crate) tasks: usize,
    /// What was found instead, for each task that failed.
    pub(crate) missed: String,
}

/// All tools of a document, or none where it cannot be had.
pub(crate) fn catalog(name: &str) -> Option<Catalog> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join(format!("shared/specs/{name}.json.xz"));
    let output = file
        .exists()
        .then(|| Command::new("xz").arg("-dkc").arg(&file).output().ok())
        .flatten()
        .filter(|output| output.status.success())?;
    let document = Document::read(output.stdout).expect("the document is well known");
    let (source, _) = OpenApi::build(document, &Config::default(), Whereabouts::default())
        .expect("the document is well known");
    let source: Arc<dyn wharf_model::Source> = Arc::new(source);
    let mut catalog =
        Catalog::build([Offer::from(source)]).expect("the names of one source differ");
    catalog
        .list_tools(ToolsMode::Search, 0)
        .expect("no operation is named as the tools of search mode are");
    Some(catalog)
}

/// The score of one half of the tasks over one document.
pub(crate) fn score(name: &str, catalog: &Catalog, half: &str) -> Score {
    let mut score = Score {
        found: 0,
        tasks: 0,
        missed: String::new(),
    };
    for line in include_str!("../tasks.txt").lines() {
        let parts: Vec<_> = line.split('|').map(str::trim).collect();
        let [api, which, task, names] = parts[..] else {
            assert!(line.is_empty() || line.starts_with('#'), "{line}");
            continue;
        };
        if api != name || which != half {
            continue;
        }
        for name in names.split(' ') {
            assert!(catalog.tool(name).is_some(), "no tool `{name}`: {line}");
        }
        score.tasks += 1;
        let found: Vec<_> = catalog
            .find_tools(task, FIRST)
            .into_iter()
            .map(|tool| tool.name.as_str())
            .collect();
        if found
            .iter()
            .any(|found| names.split(' ').any(|name| name == *found))
        {
            score.found += 1;
        } else {
            let _ = writeln!(score.missed, "  {task} ({names})\n    {}", found.join(" "));
        }
    }
    score
}

/// The documents of the tasks.
pub(crate) const DOCUMENTS: [&str; 3] = ["github", "stripe", "kubernetes"];

#[test]
fn the_right_operation_is_among_the_first_five() {
    use std::io::Write as _;
    for half in ["tune", "kept"] {
        let (mut found, mut tasks) = (0, 0);
        for name in DOCUMENTS {
            let Some(catalog) = catalog(name) else {
                // Past the test harness, which hides what passing tests print.
                let _ = writeln!(
                    std::io::stderr(),
                    "SKIPPED: `{name}` or the program `xz` is missing"
                );
                return;
            };
            let score = score(name, &catalog, half);
            found += score.found;
            tasks += score.tasks;
        }
        assert!(tasks >= 30, "{half}: {tasks}");
        assert!(found * 10 >= tasks * 9, "{half}: {found} of {tasks}");
    }
}
