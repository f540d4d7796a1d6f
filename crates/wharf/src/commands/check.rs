//! `wharf check`: what a configuration or a document would give, as `cargo check` explains a crate.

mod clients;
mod lock;

use std::process::ExitCode;

use serde_json::json;
use wharf_catalog::Listing;
use wharf_model::Caller;
use wharf_openapi::Report;

use crate::assemble::{self, Assembled, Schemas, SourceReport};
use crate::cli::Check;
use crate::failure::{self, Failure};
use crate::tables;
use crate::terminal::{self, BOLD};
use crate::watched::Watched;

/// How many of the heaviest tools are shown.
const HEAVIEST: usize = 10;

pub(crate) async fn run(check: &Check) -> Result<ExitCode, Failure> {
    let assembled =
        assemble::assemble_whatever(&check.input, Schemas::Now, &mut Watched::default()).await?;
    let budget = Budget::of(&assembled);
    let comparison = lock::compare(check, &assembled)?;
    let verdicts = clients::judge(&check.client, &assembled);
    let left_out: usize = assembled
        .reports
        .iter()
        .map(|source| source.report.left_out.len())
        .sum();
    if check.json {
        let mut report = as_json(&assembled, &budget);
        if let Some(comparison) = &comparison {
            report["lock"] = comparison.as_json();
        }
        if !verdicts.is_empty() {
            report["clients"] = clients::as_json(&verdicts);
        }
        if let Some(access) = access_as_json(&assembled, check.who.who.as_ref()) {
            report["access"] = access;
        }
        terminal::result(format!("{report:#}"));
    } else {
        print(&assembled, &budget, left_out);
        print_access(&assembled, check.who.who.as_ref());
        verdicts.iter().for_each(clients::Verdict::print);
        if let Some(comparison) = &comparison {
            comparison.print();
        }
    }
    let is_borne = verdicts.iter().all(|verdict| verdict.findings.is_empty());
    let is_empty = assembled.catalog.tools().is_empty();
    if is_empty {
        terminal::fail(&Failure::new("there is no tool to offer"));
    }
    // A document that changed comes first: what is left out of it may have been left out for years.
    Ok(
        if comparison.is_some_and(|comparison| comparison.is_drift()) {
            failure::drift()
        } else if left_out > 0 || is_empty || !is_borne {
            failure::wrong()
        } else {
            failure::DONE
        },
    )
}

/// What the tool list costs a model.
struct Budget {
    total: usize,
    /// What clients are shown: all of it, or what finds the rest.
    listed: usize,
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
            listed: assembled
                .catalog
                .listed_tools()
                .iter()
                .map(|tool| wharf_catalog::tokens_of_tool(tool))
                .sum(),
            heaviest: tools,
        }
    }
}

/// Whether clients are shown the whole list, and why.
fn listing_line(listing: &Listing, budget: &Budget) -> String {
    if listing.searches {
        format!(
            "Clients are shown three tools that find the others, about {} tokens: {}.",
            budget.listed, listing.reason
        )
    } else {
        format!("Clients are shown the whole list: {}.", listing.reason)
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
        "notes": reports().flat_map(|report| &report.notes).map(|note| json!({
            "pointer": note.pointer,
            "text": note.text,
        })).collect::<Vec<_>>(),
        "tokens": budget.total,
        "listed": {
            "search": assembled.catalog.listing().is_some_and(|listing| listing.searches),
            "reason": assembled.catalog.listing().map(|listing| &listing.reason),
            "tokens": budget.listed,
        },
        "heaviest": budget.heaviest.iter().map(|(tokens, name)| json!({"tool": name, "tokens": tokens})).collect::<Vec<_>>(),
        "sources": assembled.reports.iter().map(|source| json!({
            "name": source.name,
            "title": source.report.title,
            "version": source.report.version,
            "operations": source.report.operations,
            "tools": source.report.tools,
            "offered": offered(assembled, source),
            "left_out": source.report.left_out.len(),
            "webhooks": source.report.webhooks,
            "callbacks": source.report.callbacks,
        })).collect::<Vec<_>>(),
    })
}

/// How many tools of a source the configuration selects.
fn offered(assembled: &Assembled, source: &SourceReport) -> usize {
    let catalog = &assembled.catalog;
    let tools = catalog.tools().iter();
    tools
        .filter(|tool| catalog.source_of(&tool.name) == Some(&source.name))
        .count()
}

fn print(assembled: &Assembled, budget: &Budget, left_out: usize) {
    for source in &assembled.reports {
        let report = &source.report;
        let offered = match offered(assembled, source) {
            all if all == report.tools => String::new(),
            some => format!(" ({some} offered)"),
        };
        terminal::result(format_args!(
            "{}: {} {}, {} operations, {} tools{offered}, {} left out",
            terminal::styled_result(BOLD, &source.name),
            report.title.as_deref().unwrap_or("(no title)"),
            report.version.as_deref().unwrap_or_default(),
            report.operations,
            report.tools,
            report.left_out.len(),
        ));
    }
    for source in &assembled.reports {
        let Report {
            webhooks,
            callbacks,
            ..
        } = source.report;
        if webhooks + callbacks > 0 {
            terminal::result(format_args!(
                "{}: {webhooks} webhooks and {callbacks} callbacks are no tools: it is the API that calls them",
                source.name,
            ));
        }
    }
    if left_out > 0 {
        terminal::result(format_args!("\n{}", tables::left_out(&assembled.reports)));
    }
    if let Some(notes) = tables::notes(&assembled.reports) {
        terminal::result(format_args!(
            "\nRead more loosely than it is written, so that more is accepted and the API is the judge:\n{notes}"
        ));
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
    if let Some(listing) = assembled.catalog.listing() {
        terminal::result(listing_line(listing, budget));
    }
}

/// What the rules of access come to: for each kind of callers, and for somebody in particular.
fn print_access(assembled: &Assembled, who: Option<&Caller>) {
    let Some(access) = assembled.catalog.access() else {
        return;
    };
    let all = assembled.catalog.tools().len();
    let rows = access
        .kinds()
        .into_iter()
        .map(|(who, tools)| [who.to_string(), format!("{tools} of {all}")]);
    terminal::result("\nWho may call how many tools:");
    terminal::result(terminal::table(["who", "tools"], rows));
    if let Some((file, policies)) = policy(assembled) {
        terminal::result(format_args!(
            "Each call has to be permitted by the policies of `{file}` as well, which are {policies}. `--as` shows what is left for somebody."
        ));
    }
    if let Some(who) = who {
        let visible = assembled.catalog.visible_to(who).tools();
        terminal::result(format_args!(
            "That caller would see {} of {all}:",
            visible.len()
        ));
        terminal::result(tables::tools(&visible));
    }
}

/// The file of the policies that decide besides the rules, and how many it holds.
fn policy(assembled: &Assembled) -> Option<(&str, usize)> {
    let cedar = assembled.config.access.as_ref()?.cedar.as_ref()?;
    Some((&cedar.policies, assembled.policies?))
}

fn access_as_json(assembled: &Assembled, who: Option<&Caller>) -> Option<serde_json::Value> {
    let catalog = &assembled.catalog;
    let kinds = catalog.access()?.kinds();
    let kinds = kinds
        .into_iter()
        .map(|(who, tools)| json!({"who": who.to_string(), "tools": tools}));
    let visible = who.map(|who| {
        let tools = catalog.visible_to(who).tools();
        tools
            .into_iter()
            .map(|tool| tool.name.clone())
            .collect::<Vec<_>>()
    });
    let mut report = json!({"kinds": kinds.collect::<Vec<_>>(), "visible": visible});
    if let Some((file, policies)) = policy(assembled) {
        report["cedar"] = json!({"file": file, "policies": policies});
    }
    Some(report)
}
