//! `wharf check`: what a configuration or a document would give, as `cargo check` explains a crate.

use std::process::ExitCode;

use serde_json::json;

use crate::assemble::{self, Assembled};
use crate::cli::Check;
use crate::failure::{self, Failure};
use crate::tables;
use crate::terminal::{self, BOLD};

/// How many of the heaviest tools are shown.
const HEAVIEST: usize = 10;

pub(crate) async fn run(check: &Check) -> Result<ExitCode, Failure> {
    let assembled = assemble::assemble(&check.input).await?;
    let budget = Budget::of(&assembled);
    let left_out: usize = assembled
        .reports
        .iter()
        .map(|source| source.report.left_out.len())
        .sum();
    if check.json {
        terminal::result(format!("{:#}", as_json(&assembled, &budget)));
    } else {
        print(&assembled, &budget, left_out);
    }
    Ok(if left_out == 0 {
        failure::DONE
    } else {
        failure::wrong()
    })
}

/// What the tool list costs a model.
struct Budget {
    total: usize,
    /// Tokens and name, heaviest first.
    heaviest: Vec<(usize, String)>,
}

impl Budget {
    fn of(assembled: &Assembled) -> Self {
        let mut tools: Vec<_> = assembled
            .catalog
            .tools()
            .iter()
            .map(|tool| (wharf_catalog::tokens_of_tool(tool), tool.name.clone()))
            .collect();
        let total = tools.iter().map(|(tokens, _)| tokens).sum();
        tools.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        tools.truncate(HEAVIEST);
        Self {
            total,
            heaviest: tools,
        }
    }
}

fn as_json(assembled: &Assembled, budget: &Budget) -> serde_json::Value {
    let reports = || assembled.reports.iter().map(|source| &source.report);
    json!({
        "operations": reports().map(|report| report.operations).sum::<usize>(),
        "tools": assembled.catalog.tools().len(),
        "left_out": reports().flat_map(|report| &report.left_out).map(|left_out| json!({
            "operation": left_out.operation,
            "pointer": left_out.pointer,
            "reason": left_out.reason,
        })).collect::<Vec<_>>(),
        "tokens": budget.total,
        "heaviest": budget.heaviest.iter().map(|(tokens, name)| json!({"tool": name, "tokens": tokens})).collect::<Vec<_>>(),
        "sources": assembled.reports.iter().map(|source| json!({
            "name": source.name,
            "title": source.report.title,
            "version": source.report.version,
            "operations": source.report.operations,
            "tools": source.report.tools,
            "left_out": source.report.left_out.len(),
        })).collect::<Vec<_>>(),
    })
}

fn print(assembled: &Assembled, budget: &Budget, left_out: usize) {
    for source in &assembled.reports {
        let report = &source.report;
        terminal::result(format_args!(
            "{}: {} {}, {} operations, {} tools, {} left out",
            terminal::styled_result(BOLD, &source.name),
            report.title.as_deref().unwrap_or("(no title)"),
            report.version.as_deref().unwrap_or_default(),
            report.operations,
            report.tools,
            report.left_out.len(),
        ));
    }
    if left_out > 0 {
        terminal::result(format_args!("\n{}", tables::left_out(&assembled.reports)));
    }
    terminal::result(format_args!(
        "\nThe tool list costs a model about {} tokens. The heaviest tools:",
        terminal::styled_result(BOLD, budget.total)
    ));
    let rows = budget
        .heaviest
        .iter()
        .map(|(tokens, name)| [name.clone(), tokens.to_string()]);
    terminal::result(terminal::table(["tool", "tokens"], rows));
}
