//! What a client does not bear of the list.

use serde_json::{Map, Value, json};
use wharf_catalog::{Client, Finding};

use crate::assemble::Assembled;
use crate::terminal::{self, BOLD};

/// A longer table is not read; `--json` has everything.
const SHOWN_MAX: usize = 40;

/// What one client does not bear.
pub(super) struct Verdict {
    client: Client,
    tools: usize,
    pub(super) findings: Vec<Finding>,
}

/// Looks at the list as these clients would.
pub(super) fn judge(clients: &[Client], assembled: &Assembled) -> Vec<Verdict> {
    let tools = assembled.catalog.listed_tools();
    let judge = |client: &Client| Verdict {
        client: *client,
        tools: tools.len(),
        findings: wharf_catalog::lint(*client, &assembled.config.name, tools),
    };
    clients.iter().map(judge).collect()
}

/// Findings by the clients' names.
pub(super) fn as_json(verdicts: &[Verdict]) -> Value {
    let of = |verdict: &Verdict| {
        let findings = verdict.findings.iter().map(|finding| {
            json!({
                "tool": finding.tool,
                "pointer": finding.pointer,
                "rule": finding.rule,
                "what": finding.what,
                "advice": finding.rule.advice(verdict.client),
            })
        });
        (verdict.client.name().to_owned(), findings.collect())
    };
    Value::Object(verdicts.iter().map(of).collect::<Map<_, _>>())
}

impl Verdict {
    pub(super) fn print(&self) {
        let client = terminal::styled_result(BOLD, self.client.name());
        if self.findings.is_empty() {
            terminal::result(format_args!(
                "\n{client} bears all of the {} listed tools.",
                self.tools
            ));
            return;
        }
        terminal::result(format_args!("\n{client} does not bear:"));
        let rows = self.findings.iter().take(SHOWN_MAX).map(|finding| {
            let place = match &finding.pointer {
                Some(pointer) if pointer.is_empty() => "the root",
                Some(pointer) => pointer,
                None => "",
            };
            [
                finding
                    .tool
                    .clone()
                    .unwrap_or_else(|| "(the list)".to_owned()),
                place.to_owned(),
                finding.rule.name().to_owned(),
                format!("{}; {}", finding.what, finding.rule.advice(self.client)),
            ]
        });
        terminal::result(terminal::table(
            ["tool", "where", "rule", "what, and what to do"],
            rows,
        ));
        if self.findings.len() > SHOWN_MAX {
            terminal::result(format_args!(
                "… and {} more; `--json` has them all",
                self.findings.len() - SHOWN_MAX
            ));
        }
    }
}
