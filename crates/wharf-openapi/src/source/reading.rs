//! A document, and what it takes to read one of its operations again: most are never wanted.

use std::sync::{Arc, OnceLock};

use http::Method;
use wharf_model::{Json, LaterSchema};

use crate::config::Config;
use crate::document::Document;
use crate::operation::{Addresses, Fault, Operation, PathItem};
use crate::reference::Resolver;
use crate::tools::InputWriter;

/// What all operations are read by.
pub(super) struct Reading {
    pub(super) document: Document,
    pub(super) addresses: Addresses,
    pub(super) config: Config,
}

/// Where an operation is found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The place of its path among the document's.
    pub(crate) path: usize,
    pub(crate) method: Method,
}

/// The input schema of one operation, written when it is wanted.
pub(super) struct InputLater {
    reading: Arc<Reading>,
    spot: Spot,
    properties: Vec<String>,
    schema: OnceLock<Json>,
}

impl Reading {
    /// Calls `with` with an operation, read anew.
    pub(super) fn operation<'d, T>(
        &'d self,
        spot: &Spot,
        with: impl FnOnce(Operation<'d>, &Resolver<'d>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let (path, item) = &self.document.paths()[spot.path];
        let resolver = Resolver::new(&self.document);
        let item = PathItem::read(&resolver, path, self.document.at(*item))?;
        let head = item.head(&spot.method)?;
        let operation = item.operation(&resolver, head, &self.addresses)?;
        with(operation, &resolver)
    }

    /// The path as the document writes it.
    pub(super) fn path(&self, spot: &Spot) -> &str {
        &self.document.paths()[spot.path].0
    }
}

impl InputLater {
    /// The schema of the operation at `spot`, which was read once and has these properties.
    pub(super) fn new(reading: &Arc<Reading>, spot: Spot, properties: Vec<String>) -> Self {
        Self {
            reading: reading.clone(),
            spot,
            properties,
            schema: OnceLock::new(),
        }
    }

    fn write(&self) -> Result<Json, Fault> {
        let Reading { config, .. } = &*self.reading;
        self.reading.operation(&self.spot, |operation, resolver| {
            InputWriter::new(config, resolver).schema(&operation)
        })
    }
}

impl LaterSchema for InputLater {
    fn schema(&self) -> &Json {
        self.schema.get_or_init(|| {
            self.write().unwrap_or_else(|fault| {
                // Only references out of the document fail here, and documents that have any are written at once.
                tracing::error!(
                    pointer = fault.pointer,
                    reason = fault.reason,
                    "a listed tool has no input schema"
                );
                Json::default()
            })
        })
    }

    fn properties(&self) -> &[String] {
        &self.properties
    }
}
