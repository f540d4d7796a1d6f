//! Reading all operations of a document into tools.
//!
//! A tool's name depends on all others, so the heads of all operations come first. Then each operation is read, and its
//! tool written. Of a large document a second thread takes a part of that, in one of two ways. Where schemas are
//! wanted at once, it reads and the first thread writes what is taken: the two are about as much work, and reading looks
//! at nothing that was written. Where they are not, each thread reads one half, and only faults, names and descriptions remain.

use std::ops::Range;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};

use wharf_model::{HashMap, Hashing, InputSchema, Tool};

use super::Entry;
use super::reading::{InputLater, Reading, Spot};
use crate::document::Document;
use crate::names::tool_names;
use crate::operation::{Fault, Head, Operation, OutputShape, PathItem};
use crate::prompts::{PromptWriter, Prompts};
use crate::reference::Resolver;
use crate::report::Report;
use crate::response::Strictness;
use crate::schema::Note;
use crate::tools::{InputWriter, ToolWriter};

/// With fewer operations a thread costs more than it saves.
const OPERATIONS_FOR_THREAD: usize = 200;
/// The same for paths, which are less work each.
const PATHS_FOR_THREAD: usize = 400;
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
    let Survey {
        items,
        heads,
        operations,
        faults,
    } = Survey::of(document);
    report.operations = operations;
    for (operation, fault) in faults.into_iter().flatten() {
        report.leave_out(operation, fault);
    }
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
        vec![operations.whole(heads, &mut prompts, report)]
    };
    let mut tools = Vec::with_capacity(names.len());
    let mut entries = HashMap::with_capacity_and_hasher(names.len(), Hashing::default());
    for (made, (spot, name)) in made.into_iter().flatten().zip(spots.into_iter().zip(names)) {
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
    /// Reads one operation and makes its tool, but for what it takes.
    fn made(
        &self,
        writer: &mut ToolWriter<'_, '_, 'd>,
        resolver: &Resolver<'d>,
        (number, (place, head)): (usize, Numbered<'d>),
    ) -> Result<(Operation<'d>, Made), Fault> {
        let (_, item) = &self.items[place];
        let operation = item.operation(resolver, head, &self.reading.addresses)?;
        let (tool, output) = writer.tool(&operation, self.names[number].clone());
        let supplied = &self.reading.config.supplied;
        let made = Made {
            tool,
            output,
            callbacks: operation.callbacks,
            has_credentials: supplied.suffices(operation.security()),
        };
        Ok((operation, made))
    }

    /// Reads the operations and writes their tools with all that there is to list.
    fn whole(
        &self,
        heads: Vec<Numbered<'d>>,
        prompts: &mut Prompts,
        report: &mut Report,
    ) -> Vec<Result<Made, Fault>> {
        let Reading {
            document, config, ..
        } = &**self.reading;
        let resolver = &Resolver::new(document);
        let mut inputs = InputWriter::new(config, resolver);
        let mut prompt_writer = config.prompts.then(PromptWriter::default);
        let mut all = Vec::with_capacity(heads.len());
        let notes = self.each(heads, |made| {
            let number = all.len();
            all.push(made.and_then(|(operation, mut made)| {
                made.tool.input_schema = inputs.schema(&operation)?.into();
                if let (Some(prompts), Some(id)) = (&mut prompt_writer, &operation.id) {
                    let spot = &self.spots[number];
                    prompts.add(id, spot, &self.names[number], &operation, resolver);
                }
                Ok(made)
            }));
        });
        report.notes = inputs.into_notes();
        report.notes.extend(notes);
        *prompts = prompt_writer.map(PromptWriter::finish).unwrap_or_default();
        all
    }

    /// Calls `take` with each operation and its tool, in the order of `heads`; tells what was noted about them.
    fn each(
        &self,
        heads: Vec<Numbered<'d>>,
        mut take: impl FnMut(Result<(Operation<'d>, Made), Fault>),
    ) -> Vec<Note> {
        // What a resolver and a writer remember is for one thread.
        let resolver = Resolver::new(&self.reading.document);
        if heads.len() < OPERATIONS_FOR_THREAD {
            let mut writer = ToolWriter::new(&self.reading.config, &resolver);
            for head in heads.into_iter().enumerate() {
                take(self.made(&mut writer, &resolver, head));
            }
            return writer.into_notes();
        }
        std::thread::scope(|scope| {
            let (ahead, batches) = sync_channel(BATCHES_WAITING_MAX);
            let reader = scope.spawn(move || {
                let mut writer = ToolWriter::new(&self.reading.config, &resolver);
                let mut heads = heads.into_iter().enumerate();
                while heads.len() > 0 {
                    let batch = heads.by_ref().take(BATCH);
                    let batch = batch.map(|head| self.made(&mut writer, &resolver, head));
                    if ahead.send(batch.collect::<Vec<_>>()).is_err() {
                        break;
                    }
                }
                writer.into_notes()
            });
            batches.into_iter().flatten().for_each(take);
            // It only panics where this thread would have.
            reader.join().expect("all operations were read")
        })
    }

    /// Reads the operations, half of them on a second thread, and leaves what their tools take to be written later.
    fn in_halves(&self, mut heads: Vec<Numbered<'d>>) -> Vec<Vec<Result<Made, Fault>>> {
        let middle = heads.len() / 2;
        let second = heads.split_off(middle);
        std::thread::scope(|scope| {
            let second = scope.spawn(move || self.without_inputs(second, middle));
            let first = self.without_inputs(heads, 0);
            // It only panics where this thread would have.
            vec![first, second.join().expect("the second half was read")]
        })
    }

    fn without_inputs(&self, heads: Vec<Numbered<'d>>, first: usize) -> Vec<Result<Made, Fault>> {
        let resolver = Resolver::new(&self.reading.document);
        let mut writer = ToolWriter::new(&self.reading.config, &resolver);
        let numbered = (first..).zip(heads);
        numbered
            .map(|(number, head)| {
                let read = self.made(&mut writer, &resolver, (number, head));
                read.map(|(operation, mut made)| {
                    let spot = self.spots[number].clone();
                    let arguments = operation.arguments.into_iter();
                    let properties = arguments.map(|argument| argument.name).collect();
                    let later = InputLater::new(self.reading, spot, properties);
                    made.tool.input_schema = InputSchema::later(Arc::new(later));
                    made
                })
            })
            .collect()
    }
}

/// What there is at the paths, before operations are read.
#[derive(Default)]
struct Survey<'d> {
    /// The path items that can be read, each with its place among the document's.
    items: Vec<(usize, PathItem<'d>)>,
    /// The operations that have a head, by the place of their path item in `items`.
    heads: Vec<Numbered<'d>>,
    operations: usize,
    /// The paths, and then the operations, that cannot be read.
    faults: [Vec<(String, Fault)>; 2],
}

impl<'d> Survey<'d> {
    /// Looks at all paths of a document, at many of them by two threads.
    fn of(document: &'d Document) -> Self {
        let paths = document.paths().len();
        if paths < PATHS_FOR_THREAD {
            return Self::of_paths(document, 0..paths);
        }
        std::thread::scope(|scope| {
            let second = scope.spawn(|| Self::of_paths(document, paths / 2..paths));
            let mut first = Self::of_paths(document, 0..paths / 2);
            // It only panics where this thread would have.
            first.append(second.join().expect("the second half was looked at"));
            first
        })
    }

    fn of_paths(document: &'d Document, places: Range<usize>) -> Self {
        let resolver = Resolver::new(document);
        let mut survey = Self::default();
        survey.items.reserve(places.len());
        survey.heads.reserve(2 * places.len());
        for (place, (path, span)) in places.clone().zip(&document.paths()[places]) {
            if path.starts_with("x-") {
                continue;
            }
            match PathItem::read(&resolver, path, document.at(*span)) {
                Ok(item) => survey.take(place, item),
                Err(fault) => survey.faults[0].push((path.clone().into(), fault)),
            }
        }
        survey
    }

    fn take(&mut self, place: usize, item: PathItem<'d>) {
        for method in item.methods() {
            self.operations += 1;
            match item.head(method) {
                Ok(head) => self.heads.push((self.items.len(), head)),
                Err(fault) => self.faults[1].push((format!("{method} {}", item.path()), fault)),
            }
        }
        self.items.push((place, item));
    }

    fn append(&mut self, other: Self) {
        let before = self.items.len();
        self.items.extend(other.items);
        let heads = other.heads.into_iter();
        self.heads
            .extend(heads.map(|(place, head)| (before + place, head)));
        self.operations += other.operations;
        for (all, more) in self.faults.iter_mut().zip(other.faults) {
            all.extend(more);
        }
    }
}
