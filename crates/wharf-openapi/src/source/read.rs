//! Reading all operations of a document into tools.
//!
//! A tool's name depends on all others, so the heads of all operations come first. Then each operation is read, and its
//! tool written. The two are about as much work, and reading looks at nothing that was written: of a large document a
//! second thread reads what the first one writes. What comes out is the same.

use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;

use http::Method;
use wharf_model::{HashMap, Hashing, Tool};

use super::Entry;
use crate::config::Config;
use crate::document::Document;
use crate::names::tool_names;
use crate::operation::{Addresses, Fault, Head, Operation, PathItem};
use crate::prompts::{PromptWriter, Prompts};
use crate::reference::Resolver;
use crate::report::Report;
use crate::tools::ToolWriter;

/// With fewer operations a thread costs more than it saves.
const OPERATIONS_FOR_THREAD: usize = 200;
/// How many operations are handed over at once, so that handing over costs nothing.
const BATCH: usize = 32;
/// How many batches may wait, so that neither thread waits for the other's slowest operation.
const BATCHES_WAITING_MAX: usize = 16;

/// What a document offers.
pub(super) struct Offered {
    pub(super) tools: Vec<Tool>,
    pub(super) entries: HashMap<String, Entry>,
    pub(super) prompts: Prompts,
}

/// An operation that was read, or why it cannot be.
struct Read<'d> {
    /// The place of its path among the document's.
    path: usize,
    method: Method,
    operation: Result<Operation<'d>, Fault>,
}

/// Reads all operations; `report` gets what was found.
pub(super) fn read(
    document: &Document,
    config: &Config,
    addresses: &Addresses,
    report: &mut Report,
) -> Offered {
    let resolver = Resolver::new(document);
    let items = items(document, &resolver, report);
    let heads = heads(&items, report);
    let nameable: Vec<_> = heads.iter().map(|(_, head)| head.nameable()).collect();
    let mut names = tool_names(&nameable).into_iter();
    let mut writer = ToolWriter::new(config, &resolver);
    let mut prompts = config.prompts.then(PromptWriter::default);
    let mut tools = Vec::with_capacity(names.len());
    let mut entries = HashMap::with_capacity_and_hasher(names.len(), Hashing::default());
    each_operation(&resolver, &items, heads, addresses, |read| {
        let Read {
            path,
            method,
            operation,
        } = read;
        let name = names.next().expect("each operation has a name");
        let written = operation.and_then(|operation| {
            report.callbacks += operation.callbacks;
            let tool = writer.tool(&operation, name.clone())?;
            if !config.supplied.suffices(operation.security()) {
                report.without_credentials.push(name.clone());
            }
            if let (Some(prompts), Some(id)) = (&mut prompts, &operation.id) {
                prompts.add(id, path, &name, &operation, &resolver);
            }
            Ok(tool)
        });
        match written {
            Ok((tool, output)) => {
                tools.push(tool);
                let entry = Entry {
                    path,
                    method,
                    output,
                    plan: OnceLock::new(),
                    upstream: OnceLock::new(),
                    judge: OnceLock::new(),
                };
                entries.insert(name, entry);
            }
            Err(fault) => {
                let (path, _) = &document.paths()[path];
                report.leave_out(format!("{method} {path}"), fault);
            }
        }
    });
    report.tools = tools.len();
    report.notes = writer.into_notes();
    Offered {
        tools,
        entries,
        prompts: prompts.map(PromptWriter::finish).unwrap_or_default(),
    }
}

/// Calls `take` with each operation, in the order of `heads`.
fn each_operation<'d>(
    resolver: &Resolver<'d>,
    items: &[(usize, PathItem<'d>)],
    heads: Vec<(usize, Head<'d>)>,
    addresses: &Addresses,
    take: impl FnMut(Read<'d>),
) {
    let read = |resolver: &Resolver<'d>, (place, head): (usize, Head<'d>)| {
        let (path, item) = &items[place];
        Read {
            path: *path,
            method: head.method().clone(),
            operation: item.operation(resolver, head, addresses),
        }
    };
    if heads.len() < OPERATIONS_FOR_THREAD {
        heads
            .into_iter()
            .map(|head| read(resolver, head))
            .for_each(take);
        return;
    }
    let document = resolver.document();
    std::thread::scope(|scope| {
        let (ahead, batches) = sync_channel(BATCHES_WAITING_MAX);
        scope.spawn(move || {
            // What a resolver remembers is for one thread.
            let resolver = Resolver::new(document);
            let mut heads = heads.into_iter();
            while heads.len() > 0 {
                let batch = heads.by_ref().take(BATCH);
                let batch: Vec<_> = batch.map(|head| read(&resolver, head)).collect();
                if ahead.send(batch).is_err() {
                    return;
                }
            }
        });
        batches.into_iter().flatten().for_each(take);
    });
}

/// The path items that can be read, each with its place among the document's.
fn items<'d>(
    document: &'d Document,
    resolver: &Resolver<'d>,
    report: &mut Report,
) -> Vec<(usize, PathItem<'d>)> {
    let mut items = Vec::with_capacity(document.paths().len());
    for (place, (path, span)) in document.paths().iter().enumerate() {
        if path.starts_with("x-") {
            continue;
        }
        match PathItem::read(resolver, path, document.at(*span)) {
            Ok(item) => items.push((place, item)),
            Err(fault) => report.leave_out(path.clone().into(), fault),
        }
    }
    items
}

/// The operations' own members, each with the place of its path item in `items`.
fn heads<'d>(items: &[(usize, PathItem<'d>)], report: &mut Report) -> Vec<(usize, Head<'d>)> {
    let mut heads = Vec::new();
    for (place, (_, item)) in items.iter().enumerate() {
        for method in item.methods() {
            report.operations += 1;
            match item.head(method) {
                Ok(head) => heads.push((place, head)),
                Err(fault) => report.leave_out(format!("{method} {}", item.path()), fault),
            }
        }
    }
    heads
}
