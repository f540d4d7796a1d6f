//! The tables that several commands print.

use wharf_model::{Slice, Tool};

use crate::assemble::SourceReport;
use crate::terminal;

/// A description longer than this is cut in the table; `--json` has it whole.
const DESCRIPTION_CHARS_MAX: usize = 120;

/// How much that was read loosely is shown; `--json` has all of it.
const NOTES_SHOWN_MAX: usize = 20;

/// Tools with their arguments, those that are required marked with a star.
pub(crate) fn tools(tools: &[&Tool]) -> comfy_table::Table {
    terminal::table(
        ["tool", "arguments", "what it does"],
        tools.iter().map(|tool| {
            [
                tool.name.clone(),
                arguments(tool),
                summary(tool.description.as_deref().unwrap_or_default()),
            ]
        }),
    )
}

fn arguments(tool: &Tool) -> String {
    let schema = tool.input_schema.slice();
    let required: Vec<_> = schema.get("required").map(Slice::items).unwrap_or_default();
    let is_required = |name: &str| {
        required
            .iter()
            .any(|item| item.text().is_some_and(|text| text == name))
    };
    let properties = schema
        .get("properties")
        .map(Slice::members)
        .unwrap_or_default();
    let names = properties.iter().map(|(name, _)| {
        if is_required(name) {
            format!("{name}*")
        } else {
            name.to_string()
        }
    });
    names.collect::<Vec<_>>().join(", ")
}

/// The first sentence of the first paragraph, in one line.
fn summary(description: &str) -> String {
    let paragraph = description.split("\n\n").next().unwrap_or_default();
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = line
        .find(". ")
        .map_or(line.as_str(), |end| &line[..end])
        .trim_end_matches('.');
    if sentence.chars().count() <= DESCRIPTION_CHARS_MAX {
        return sentence.to_owned();
    }
    let mut cut: String = sentence.chars().take(DESCRIPTION_CHARS_MAX - 1).collect();
    cut.push('…');
    cut
}

/// The operations that were left out.
pub(crate) fn left_out(reports: &[SourceReport]) -> comfy_table::Table {
    let rows = reports.iter().flat_map(|source| &source.report.left_out);
    terminal::table(
        ["operation left out", "where", "why"],
        rows.map(|left_out| {
            [
                left_out.operation.clone(),
                left_out.pointer.clone(),
                left_out.reason.clone(),
            ]
        }),
    )
}

/// What was read more loosely than it is written, the first of it; none where all of it was read as it is.
pub(crate) fn notes(reports: &[SourceReport]) -> Option<String> {
    let mut all = reports.iter().flat_map(|source| &source.report.notes);
    let shown: Vec<_> = all.by_ref().take(NOTES_SHOWN_MAX).collect();
    if shown.is_empty() {
        return None;
    }
    let rows = shown
        .iter()
        .map(|note| [note.pointer.clone(), note.text.clone()]);
    let table = terminal::table(["where", "what"], rows);
    Some(match all.count() {
        0 => table.to_string(),
        rest => format!("{table}\n… and {rest} more; `--json` has all of them"),
    })
}
