//! Reading all operations of a document into tools.
//!
//! A tool's name depends on all others, so the heads of all operations come first. Then each operation is read, and its
//! tool written. Of a large document a second thread takes a part of that, in one of two ways. Where schemas are
//! wanted at once, it reads what the first thread writes: the two are about as much work, and reading looks at nothing
//! that was written. Where they are not, each thread reads one half, and only faults, names and descriptions remain.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};

use wharf_model::{HashMap, Hashing, InputSchema, Tool};

use super::Entry;
use super::reading::{InputLater, Reading, Spot};
use crate::names::tool_names;
use crate::operation::{Fault, Head, Operation, OutputShape, PathItem};
use crate::prompts::{PromptWriter, Prompts};
use crate::reference::Resolver;
use crate::report::Report;
use crate::response::Strictness;
use crate::tools::{InputWriter, ToolWriter};

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

/// What an operation's own members say, and the place of its path item among those that can be read.
type Numbered<'d> = (usize, Head<'d>);

/// An operation that became a tool.
struct Made {
    tool: Tool,
    output: OutputShape,
    callbacks: usize,
    has_credentials: bool,
}

/// Reads all operations; `report` gets what was found.
pub(super) fn read(reading: &Arc<Reading>, report: &mut Report) -> Offered {
    let Reading {
        document, config, ..
    } = &**reading;
    let resolver = Resolver::new(document);
    let items = items(&resolver, report);
    let heads = heads(&items, report);
    let nameable: Vec<_> = heads.iter().map(|(_, head)| head.nameable()).collect();
    let names = tool_names(&nameable);
    let spots: Vec<_> = heads
        .iter()
        .map(|(place, head)| Spot {
            path: items[*place].0,
            method: head.method().clone(),
        })
        .collect();
    let operations = Operations {
        reading,
        items: &items,
        spots: &spots,
        names: &names,
    };
    let mut prompts = Prompts::default();
    let made = if config.schemas_later
        && heads.len() >= OPERATIONS_FOR_THREAD
        && !config.prompts
        && config.strictness() == Strictness::None
        && document.files().keep_to_themselves()
    {
        operations.in_halves(heads)
    } else {
        operations.whole(heads, &resolver, &mut prompts, report)
    };
    let mut tools = Vec::with_capacity(made.len());
    let mut entries = HashMap::with_capacity_and_hasher(made.len(), Hashing::default());
    for (made, (spot, name)) in made.into_iter().zip(spots.into_iter().zip(names)) {
        match made {
            Ok(made) => {
                report.callbacks += made.callbacks;
                if !made.has_credentials {
                    report.without_credentials.push(name.clone());
                }
                tools.push(made.tool);
                let entry = Entry {
                    spot,
                    output: made.output,
                    plan: OnceLock::new(),
                    upstream: OnceLock::new(),
                    judge: OnceLock::new(),
                };
                entries.insert(name, entry);
            }
            Err(fault) => {
                let operation = format!("{} {}", spot.method, reading.path(&spot));
                report.leave_out(operation, fault);
            }
        }
    }
    report.tools = tools.len();
    Offered {
        tools,
        entries,
        prompts,
    }
}

/// All operations that have a head, by their order.
#[derive(Clone, Copy)]
struct Operations<'a, 'd> {
    reading: &'a Arc<Reading>,
    items: &'a [(usize, PathItem<'d>)],
    spots: &'a [Spot],
    names: &'a [String],
}

impl<'a, 'd> Operations<'a, 'd>
where
    'a: 'd,
{
    fn read(
        &self,
        resolver: &Resolver<'d>,
        (place, head): Numbered<'d>,
    ) -> Result<Operation<'d>, Fault> {
        let (_, item) = &self.items[place];
        item.operation(resolver, head, &self.reading.addresses)
    }

    fn made(
        &self,
        writer: &mut ToolWriter<'_, '_, 'd>,
        number: usize,
        operation: &Operation<'d>,
        schema: InputSchema,
    ) -> Made {
        let (tool, output) = writer.tool(operation, self.names[number].clone(), schema);
        let supplied = &self.reading.config.supplied;
        Made {
            tool,
            output,
            callbacks: operation.callbacks,
            has_credentials: supplied.suffices(operation.security()),
        }
    }

    /// Reads the operations and writes their tools with all that there is to list.
    fn whole(
        &self,
        heads: Vec<Numbered<'d>>,
        resolver: &Resolver<'d>,
        prompts: &mut Prompts,
        report: &mut Report,
    ) -> Vec<Result<Made, Fault>> {
        let config = &self.reading.config;
        let mut inputs = InputWriter::new(config, resolver);
        let mut writer = ToolWriter::new(config, resolver);
        let mut prompt_writer = config.prompts.then(PromptWriter::default);
        let mut all = Vec::with_capacity(heads.len());
        self.each(heads, resolver, |operation| {
            let number = all.len();
            let made = operation.and_then(|operation| {
                let schema = inputs.schema(&operation)?.into();
                let made = self.made(&mut writer, number, &operation, schema);
                if let (Some(prompts), Some(id)) = (&mut prompt_writer, &operation.id) {
                    let spot = &self.spots[number];
                    prompts.add(id, spot, &self.names[number], &operation, resolver);
                }
                Ok(made)
            });
            all.push(made);
        });
        report.notes = inputs.into_notes();
        report.notes.extend(writer.into_notes());
        *prompts = prompt_writer.map(PromptWriter::finish).unwrap_or_default();
        all
    }

    /// Calls `take` with each operation, in the order of `heads`.
    fn each(
        &self,
        heads: Vec<Numbered<'d>>,
        resolver: &Resolver<'d>,
        take: impl FnMut(Result<Operation<'d>, Fault>),
    ) {
        if heads.len() < OPERATIONS_FOR_THREAD {
            let heads = heads.into_iter();
            heads.map(|head| self.read(resolver, head)).for_each(take);
            return;
        }
        std::thread::scope(|scope| {
            let (ahead, batches) = sync_channel(BATCHES_WAITING_MAX);
            scope.spawn(move || {
                // What a resolver remembers is for one thread.
                let resolver = Resolver::new(&self.reading.document);
                let mut heads = heads.into_iter();
                while heads.len() > 0 {
                    let batch = heads.by_ref().take(BATCH);
                    let batch: Vec<_> = batch.map(|head| self.read(&resolver, head)).collect();
                    if ahead.send(batch).is_err() {
                        return;
                    }
                }
            });
            batches.into_iter().flatten().for_each(take);
        });
    }

    /// Reads the operations, half of them on a second thread, and leaves what their tools take to be written later.
    fn in_halves(&self, mut heads: Vec<Numbered<'d>>) -> Vec<Result<Made, Fault>> {
        let middle = heads.len() / 2;
        let second = heads.split_off(middle);
        std::thread::scope(|scope| {
            let second = scope.spawn(move || self.without_inputs(second, middle));
            let mut all = self.without_inputs(heads, 0);
            // It only panics where this thread would have.
            all.extend(second.join().expect("the second half was read"));
            all
        })
    }

    fn without_inputs(&self, heads: Vec<Numbered<'d>>, first: usize) -> Vec<Result<Made, Fault>> {
        let resolver = Resolver::new(&self.reading.document);
        let mut writer = ToolWriter::new(&self.reading.config, &resolver);
        let mut made = Vec::with_capacity(heads.len());
        for (number, head) in (first..).zip(heads) {
            made.push(self.read(&resolver, head).map(|operation| {
                let spot = self.spots[number].clone();
                let names = operation.arguments.iter();
                let properties = names.map(|argument| argument.name.clone()).collect();
                let later = InputLater::new(self.reading, spot, properties);
                let schema = InputSchema::later(Arc::new(later));
                self.made(&mut writer, number, &operation, schema)
            }));
        }
        made
    }
}

/// The path items that can be read, each with its place among the document's.
fn items<'d>(resolver: &Resolver<'d>, report: &mut Report) -> Vec<(usize, PathItem<'d>)> {
    let document = resolver.document();
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
fn heads<'d>(items: &[(usize, PathItem<'d>)], report: &mut Report) -> Vec<Numbered<'d>> {
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
