//! Well-known public documents, each pinned to a count, so that a regression shows as a number.
//!
//! They are too large for this repository: `../shared/specs` beside the workspace holds them where there is that
//! folder, compressed with `xz`. Elsewhere the tests say that they were skipped.

use std::path::Path;
use std::process::Command;

use wharf_model::Source as _;
use wharf_openapi::Config;

use crate::{build, check, shown};

/// A document, or none where it cannot be had; then standard error says so.
fn document(name: &str) -> Option<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let file = root.join(format!("shared/specs/{name}.json.xz"));
    let output = file
        .exists()
        .then(|| Command::new("xz").arg("-dkc").arg(&file).output().ok())
        .flatten()
        .filter(|output| output.status.success());
    if output.is_none() {
        // Past the test harness, which hides what passing tests print.
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: `{}` or the program `xz` is missing",
            file.display()
        );
    }
    output.map(|output| output.stdout)
}

fn is_read_whole(name: &str, operations: usize, list_bytes_max: usize) {
    let Some(bytes) = document(name) else {
        return;
    };
    let (source, report) = build(bytes.clone(), &Config::default());
    assert_eq!(report.operations, operations, "{name}");
    assert_eq!(report.tools, operations, "{name}: {:?}", report.left_out);
    assert_eq!(report.left_out, [], "{name}");
    let tools = source.tools();
    let list: usize = tools
        .iter()
        .map(|tool| {
            let output = tool
                .output_schema
                .as_ref()
                .map_or(0, |schema| schema.as_str().len());
            let description =
                serde_json::json!([tool.name, tool.title, tool.description, tool.tags]);
            // Keys and annotations.
            output + tool.input_schema.as_str().len() + description.to_string().len() + 160
        })
        .sum();
    assert!(list <= list_bytes_max, "{name}: the list has {list} bytes");
    check(&tools);
    let (again, _) = build(bytes, &Config::default());
    assert_eq!(shown(&source), shown(&again), "{name}: two lists differ");
}

#[test]
fn github_is_read_whole() {
    is_read_whole("github", 1223, 2_000_000);
}

#[test]
fn stripe_is_read_whole() {
    is_read_whole("stripe", 452, 1_250_000);
}

#[test]
fn kubernetes_is_read_whole() {
    is_read_whole("kubernetes", 845, 8_500_000);
}
