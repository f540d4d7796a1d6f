//! What reading a document found: how much of it is offered, and why the rest is not.

use crate::operation::Fault;
use crate::schema::Note;

/// What was found in a document.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The document's title.
    pub title: Option<String>,
    /// The version of the API.
    pub version: Option<String>,
    /// Where calls go, when the document or the operator says it.
    pub base_url: Option<String>,
    /// How many operations there are.
    pub operations: usize,
    /// How many of them are tools.
    pub tools: usize,
    /// Those that are not, each with the reason.
    pub left_out: Vec<LeftOut>,
    /// What was read more loosely than it was written.
    pub notes: Vec<Note>,
    /// Webhooks, which are no tools: the API calls them.
    pub webhooks: usize,
    /// Callbacks, which are no tools for the same reason.
    pub callbacks: usize,
    /// Files that the document refers to and that could not be read: what needs them is left out.
    pub unread: Vec<UnreadFile>,
    /// Tools whose operations want credentials that are given neither for their security schemes nor for all.
    pub without_credentials: Vec<String>,
}

/// A file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadFile {
    /// Where it should be: an absolute URL.
    pub address: String,
    /// Why it could not be read.
    pub reason: String,
}

/// An operation that is not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Method and path, or the path alone when none of its operations could be read.
    pub operation: String,
    /// Where the trouble is: a JSON pointer into the document.
    pub pointer: String,
    /// What the trouble is.
    pub reason: String,
}

impl Report {
    pub(crate) fn leave_out(&mut self, operation: String, fault: Fault) {
        self.left_out.push(LeftOut {
            operation,
            pointer: fault.pointer,
            reason: fault.reason,
        });
    }
}
