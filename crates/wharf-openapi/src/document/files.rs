//! The files of a document: itself, and those that it refers to.
//!
//! All of them stand in one text, the document first, so that a place is one number whichever file it is in, and a
//! slice tells by its place which file it is from. Files are known by their addresses; who has the bytes (a folder, a
//! server) is not known here: [`Files::missing`] says what is needed, and somebody else brings it or says why not.

use memchr::memmem;
use url::Url;
use wharf_model::{HashMap, HashSet, Slice};

use super::Span;

/// How many files a document may refer to. The largest descriptions that are kept in pieces have several hundred.
const FILES_MAX: usize = 2_000;

/// The files of one document, by their order in its text.
#[derive(Debug)]
pub(crate) struct Files {
    list: Vec<File>,
    by_address: HashMap<String, usize>,
    /// Why a file is not there.
    refused: HashMap<String, String>,
    /// What is referred to, in the order of the first mention.
    wanted: Vec<String>,
    known: HashSet<String>,
    /// No reference leads out of its file. Of a document that nobody located this is not known.
    keep_to_themselves: bool,
}

#[derive(Debug)]
struct File {
    span: Span,
    /// What its references are relative to: the address that it gives itself, then the one it came from.
    bases: Vec<Url>,
}

/// A file that a reference may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is there.
    File(usize),
    /// It cannot be had, for this reason.
    Refused(String),
    /// Nobody was asked for it. It may be what a schema calls itself.
    Unknown(Vec<String>),
}

impl Files {
    /// A document alone, of which nobody knows where it came from.
    pub(super) fn of_document(span: Span) -> Self {
        Self {
            list: vec![File {
                span,
                bases: Vec::new(),
            }],
            by_address: HashMap::default(),
            refused: HashMap::default(),
            wanted: Vec::new(),
            known: HashSet::default(),
            keep_to_themselves: false,
        }
    }

    /// Says that the document stands at `address` and calls itself `own`.
    pub(super) fn locate(&mut self, text: &str, address: &str, own: Option<&str>) {
        if let Ok(address) = Url::parse(address) {
            self.keep_to_themselves = true;
            self.settle(text, 0, address, own);
        }
    }

    /// Takes in a file, which stands at `span` of the text: asked for by `wanted`, found at `address`.
    pub(super) fn add(&mut self, text: &str, span: Span, wanted: &str, address: &str) {
        let number = self.list.len();
        self.list.push(File {
            span,
            bases: Vec::new(),
        });
        self.by_address.insert(wanted.to_owned(), number);
        self.known.insert(wanted.to_owned());
        if let Ok(address) = Url::parse(address) {
            let root = Slice::from_checked(&text[span.range()]);
            let own = root.get("$self").and_then(Slice::text);
            self.settle(text, number, address, own.as_deref());
        }
    }

    /// Notes why a file is not there.
    pub(super) fn refuse(&mut self, wanted: &str, reason: String) {
        self.known.insert(wanted.to_owned());
        self.refused.insert(wanted.to_owned(), reason);
    }

    /// The addresses of the files that are referred to and were neither brought nor refused yet.
    pub(super) fn missing(&self) -> Vec<String> {
        let missing = self
            .wanted
            .iter()
            .filter(|wanted| !self.by_address.contains_key(*wanted));
        missing
            .filter(|wanted| !self.refused.contains_key(*wanted))
            .cloned()
            .collect()
    }

    /// The addresses of the files that are not there, each with the reason, in the order of their first mention.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&str, &str)> {
        self.wanted.iter().filter_map(|wanted| {
            let reason = self.refused.get(wanted)?;
            Some((wanted.as_str(), reason.as_str()))
        })
    }

    /// Whether it is known that no reference leads out of its file.
    pub(crate) fn keep_to_themselves(&self) -> bool {
        self.keep_to_themselves
    }

    /// The number of the file that the place `at` is in.
    pub(crate) fn number_at(&self, at: u32) -> usize {
        self.list
            .partition_point(|file| file.span.start() <= at)
            .saturating_sub(1)
    }

    pub(crate) fn span(&self, number: usize) -> Span {
        self.list[number].span
    }

    pub(super) fn spans(&self) -> impl Iterator<Item = Span> {
        self.list.iter().map(|file| file.span)
    }

    /// The file that `address` means in the file `number`. `address` has no fragment and is not empty.
    pub(crate) fn find(&self, number: usize, address: &str) -> Found {
        let candidates = self.absolute(number, address);
        for candidate in &candidates {
            if let Some(found) = self.by_address.get(candidate) {
                return Found::File(*found);
            }
        }
        let refused = candidates
            .iter()
            .find_map(|candidate| self.refused.get(candidate));
        match refused {
            Some(reason) => Found::Refused(reason.clone()),
            None => Found::Unknown(candidates),
        }
    }

    /// What `address` may mean in the file `number`, the likeliest first.
    pub(super) fn absolute(&self, number: usize, address: &str) -> Vec<String> {
        let bases = &self.list[number].bases;
        if bases.is_empty() {
            return Url::parse(address).map(bare).into_iter().collect();
        }
        bases
            .iter()
            .filter_map(|base| base.join(address).ok().map(bare))
            .collect()
    }

    /// Notes the addresses of a file and what it refers to.
    fn settle(&mut self, text: &str, number: usize, address: Url, own: Option<&str>) {
        let span = self.list[number].span;
        let own = own.and_then(|own| address.join(own).ok());
        let address = bare_url(address);
        for base in own.iter().chain([&address]) {
            self.by_address.entry(bare(base.clone())).or_insert(number);
        }
        self.list[number].bases = own.into_iter().chain([address]).collect();
        for reference in references(&text[span.range()]) {
            self.keep_to_themselves = false;
            self.want(number, &reference);
        }
    }

    fn want(&mut self, number: usize, reference: &str) {
        let file = reference.split('#').next().unwrap_or_default();
        if file.is_empty() {
            return;
        }
        let candidates = self.absolute(number, file);
        // The last base is where the file really stands, and what it refers to stands beside it.
        let Some(address) = candidates.last() else {
            return;
        };
        let is_known = candidates
            .iter()
            .any(|candidate| self.by_address.contains_key(candidate));
        if is_known || !self.known.insert(address.clone()) {
            return;
        }
        if self.wanted.len() == FILES_MAX {
            let reason = format!("the document refers to more than {FILES_MAX} files");
            self.refused.insert(address.clone(), reason);
        } else {
            self.wanted.push(address.clone());
        }
    }
}

fn bare_url(mut url: Url) -> Url {
    url.set_fragment(None);
    url
}

fn bare(url: Url) -> String {
    bare_url(url).into()
}

/// The texts of members named `$ref` that lead out of `text`. Some of them may be mere examples: to ask for a file that
/// nobody needs does no harm.
fn references(text: &str) -> impl Iterator<Item = String> {
    memmem::find_iter(text.as_bytes(), b"\"$ref\"").filter_map(move |at| {
        let behind = text[at + "\"$ref\"".len()..].trim_start();
        let value = behind.strip_prefix(':')?.trim_start();
        let inner = value.strip_prefix('"')?;
        if inner.starts_with(['#', '"']) {
            return None;
        }
        let mut escaped = false;
        let end = inner.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })?;
        let reference = Slice::from_checked(&value[..end + 2]).text()?;
        Some(reference.into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_files_are_wanted() {
        let text: Vec<_> = (0..FILES_MAX + 3)
            .map(|number| format!(r#"{{"$ref":"{number}.yaml"}}"#))
            .collect();
        let text = format!("[{}]", text.join(","));
        let mut files = Files::of_document(Span::new(0..text.len()));
        files.locate(&text, "https://a.example/x/", None);
        assert_eq!(files.missing().len(), FILES_MAX);
        let last = format!("{}.yaml", FILES_MAX + 2);
        let found = files.find(0, &last);
        assert!(
            matches!(&found, Found::Refused(reason) if reason.contains("more than")),
            "{found:?}"
        );
    }

    #[test]
    fn references_that_lead_out_are_found() {
        let text = r##"{"$ref":"a.yaml","b":{"$ref" : "#/x"},"c":[{"$ref":
            "d\u002fe.json#/f"}],"g":"\"$ref\":\"no\"","$ref":7,"h":{"$ref":""}}"##;
        let found: Vec<_> = references(text).collect();
        assert_eq!(found, ["a.yaml", "d/e.json#/f"]);
    }
}
