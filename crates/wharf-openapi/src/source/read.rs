//! Reading all operations of a document into tools.
//!
//! A large document is read in two parts, each by a thread of its own. Each is surveyed first: the heads of its operations
//! say what their tools can be named by, and a name depends on all others. Then each operation is read, and its tool
//! written; what the tool takes only where somebody wants it at once.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{Builder, scope};

use wharf_model::{HashMap, HashSet, Hashing, InputSchema, Tool};

use super::Entry;
use super::reading::{InputLater, Reading, Spot};
use crate::document::{Document, Span};
use crate::names::{Stem, tool_names};
use crate::operation::{Fault, Head, OutputShape, PathItem};
use crate::prompts::{self, PromptWriter, Prompts};
use crate::reference::Resolver;
use crate::report::Report;
use crate::response::Strictness;
use crate::schema::{NOTES_MAX, Note};
use crate::tools::{InputWriter, ToolWriter};

/// With fewer paths a thread costs more than it saves.
const PATHS_FOR_THREAD: usize = 100;
/// With fewer operations it does not pay to read them again when somebody wants to know what their tools take.
const OPERATIONS_FOR_LATER: usize = 200;

/// What a document offers.
pub(super) struct Offered {
    pub(super) tools: Vec<Arc<Tool>>,
    pub(super) entries: HashMap<String, Entry>,
    pub(super) prompts: Prompts,
}

/// An operation that became a tool, which has no name yet.
struct Made {
    tool: Arc<Tool>,
    output: OutputShape,
    callbacks: usize,
    has_credentials: bool,
    prompt: Option<Box<prompts::Draft>>,
}

/// What one thread made.
struct Share {
    made: Vec<(Spot, Result<Made, Fault>)>,
    /// About what tools take, and about what they give.
    notes: [Vec<Note>; 2],
}

/// Reads all operations; `report` gets what was found.
pub(super) fn read(reading: &Arc<Reading>, report: &mut Report) -> Offered {
    let mut surveys = Survey::all(&reading.document);
    for faults in [Survey::path_faults, Survey::operation_faults] {
        for (operation, fault) in surveys.iter_mut().flat_map(faults) {
            report.leave_out(operation, fault);
        }
    }
    report.operations = surveys.iter().map(|survey| survey.operations).sum();
    let stems: Vec<_> = surveys.iter_mut().flat_map(Survey::stems).collect();
    let is_later = stems.len() >= OPERATIONS_FOR_LATER && can_be_later(reading);
    let mut surveys = surveys.into_iter();
    let (first, second) = (surveys.next(), surveys.next());
    let share = move |survey| share(reading, survey, is_later);
    let ((names, first), second) = both(
        || (tool_names(stems), first.map(share)),
        second.map(|survey| move || share(survey)),
    );
    let shares = first.into_iter().chain(second);
    let mut tools = Vec::with_capacity(names.len());
    let mut entries = HashMap::with_capacity_and_hasher(names.len(), Hashing::default());
    let mut prompts = PromptWriter::default();
    let mut names = names.into_iter();
    let mut notes = [Vec::new(), Vec::new()];
    for Share { made, notes: more } in shares {
        for (all, more) in notes.iter_mut().zip(more) {
            all.extend(more);
        }
        for ((spot, made), name) in made.into_iter().zip(names.by_ref()) {
            match made {
                Ok(Made {
                    mut tool,
                    output,
                    callbacks,
                    has_credentials,
                    prompt,
                }) => {
                    report.callbacks += callbacks;
                    if !has_credentials {
                        report.without_credentials.push(name.clone());
                    }
                    if let Some(prompt) = prompt {
                        prompts.add(*prompt, &spot, reading.path(&spot), &name);
                    }
                    Arc::make_mut(&mut tool).name.clone_from(&name);
                    tools.push(tool);
                    let entry = Entry {
                        spot,
                        output,
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
    }
    report.tools = tools.len();
    report.notes = notes.into_iter().flat_map(first_of_each).collect();
    Offered {
        tools,
        entries,
        prompts: prompts.finish(),
    }
}

/// Whether what tools take can be written when somebody wants to know.
fn can_be_later(reading: &Reading) -> bool {
    let Reading {
        document, config, ..
    } = reading;
    config.schemas_later
        && !config.prompts
        && config.strictness() == Strictness::None
        && document.files().keep_to_themselves()
}

/// Reads the operations of one part, and writes their tools.
fn share<'d>(reading: &'d Arc<Reading>, survey: Survey<'d>, is_later: bool) -> Share {
    let Reading {
        document,
        config,
        addresses,
    } = &**reading;
    let Survey { items, heads, .. } = survey;
    // What these remember is for one thread.
    let resolver = Resolver::new(document);
    let mut tools = ToolWriter::new(config, &resolver);
    let mut inputs = InputWriter::new(config, &resolver);
    let made = heads.into_iter().map(|(place, head)| {
        let (path, item) = &items[place];
        let spot = Spot {
            path: *path,
            method: head.method().clone(),
        };
        let operation = item.operation(&resolver, head, addresses);
        let made = operation.and_then(|operation| {
            let (mut tool, output) = tools.tool(&operation);
            tool.input_schema = if is_later {
                let arguments = operation.arguments.iter();
                let properties = arguments.map(|argument| argument.name.clone()).collect();
                let later = InputLater::new(reading, spot.clone(), properties);
                InputSchema::later(Arc::new(later))
            } else {
                inputs.schema(&operation)?.into()
            };
            let prompt = || prompts::Draft::of(&operation, &resolver).map(Box::new);
            Ok(Made {
                tool: Arc::new(tool),
                output,
                callbacks: operation.callbacks,
                has_credentials: config.supplied.suffices(operation.security()),
                prompt: config.prompts.then(prompt).flatten(),
            })
        });
        (spot, made)
    });
    let made = made.collect();
    Share {
        made,
        notes: [inputs.into_notes(), tools.into_notes()],
    }
}

/// What two threads came by is told once, and no more of it than one would have kept.
fn first_of_each(notes: Vec<Note>) -> impl Iterator<Item = Note> {
    let mut told = HashSet::default();
    notes
        .into_iter()
        .filter(move |note| told.insert(note.clone()))
        .take(NOTES_MAX)
}

/// What there is at some paths, before operations are read.
#[derive(Default)]
struct Survey<'d> {
    /// The path items that can be read, each with its place among the document's.
    items: Vec<(usize, PathItem<'d>)>,
    /// The operations that have a head, by the place of their path item in `items`.
    heads: Vec<(usize, Head<'d>)>,
    /// What their tools can be named by.
    stems: Vec<Stem>,
    operations: usize,
    path_faults: Vec<(String, Fault)>,
    operation_faults: Vec<(String, Fault)>,
}

impl<'d> Survey<'d> {
    /// Looks at all paths of a document, at many of them by two threads.
    fn all(document: &'d Document) -> Vec<Self> {
        let paths = document.paths();
        if paths.len() < PATHS_FOR_THREAD {
            return vec![Self::of(document, 0, paths)];
        }
        let middle = middle(paths);
        let (first, second) = paths.split_at(middle);
        let (first, second) = both(
            || Self::of(document, 0, first),
            Some(move || Self::of(document, middle, second)),
        );
        [first].into_iter().chain(second).collect()
    }

    /// `first` is the place of the first of the paths among all of the document's.
    fn of(document: &'d Document, first: usize, paths: &'d [(Box<str>, Span)]) -> Self {
        let resolver = Resolver::new(document);
        let mut survey = Self::default();
        survey.items.reserve(paths.len());
        survey.heads.reserve(2 * paths.len());
        survey.stems.reserve(2 * paths.len());
        for (place, (path, span)) in (first..).zip(paths) {
            if path.starts_with("x-") {
                continue;
            }
            match PathItem::read(&resolver, path, document.at(*span)) {
                Ok(item) => survey.take(place, item),
                Err(fault) => survey.path_faults.push((path.clone().into(), fault)),
            }
        }
        survey
    }

    fn take(&mut self, place: usize, item: PathItem<'d>) {
        for method in item.methods() {
            self.operations += 1;
            match item.head(method) {
                Ok(head) => {
                    self.stems.push(Stem::of(&head.nameable()));
                    self.heads.push((self.items.len(), head));
                }
                Err(fault) => {
                    let operation = format!("{method} {}", item.path());
                    self.operation_faults.push((operation, fault));
                }
            }
        }
        self.items.push((place, item));
    }

    fn path_faults(&mut self) -> Vec<(String, Fault)> {
        std::mem::take(&mut self.path_faults)
    }

    fn operation_faults(&mut self) -> Vec<(String, Fault)> {
        std::mem::take(&mut self.operation_faults)
    }

    fn stems(&mut self) -> Vec<Stem> {
        std::mem::take(&mut self.stems)
    }
}

/// Where half of what the paths take of the document is in front of and half behind.
fn middle(paths: &[(Box<str>, Span)]) -> usize {
    let start = |path: &(Box<str>, Span)| path.1.start();
    let ends = paths.first().zip(paths.last());
    let middle = ends.map_or(0, |(first, last)| start(first).midpoint(start(last)));
    paths.partition_point(|path| start(path) < middle)
}

/// Does the one here and the other, if there is one, by another thread meanwhile; after it where the system has no more
/// threads. The other thread panics only where this one would have.
fn both<A, B: Send>(
    here: impl FnOnce() -> A,
    there: Option<impl FnOnce() -> B + Send>,
) -> (A, Option<B>) {
    let Some(there) = there else {
        return (here(), None);
    };
    // Lent, so that it is not lost with a thread that does not start.
    let there = Mutex::new(Some(there));
    let there = || {
        let work = there.lock().unwrap_or_else(PoisonError::into_inner).take();
        work.map(|work| work())
    };
    scope(|scope| {
        let thread = Builder::new().spawn_scoped(scope, there);
        let here = here();
        let there = match thread {
            Ok(thread) => thread.join().expect("no thread panics by itself"),
            Err(_) => there(),
        };
        (here, there)
    })
}
