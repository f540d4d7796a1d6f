//! An OpenAPI document: its text, and where in the text its parts stand.
//!
//! Reading a document is one scan over its bytes, which checks that they are JSON and notes where each path item and
//! each component begins and ends. No tree is built; an operation is read from its own part of the text when it is
//! needed. YAML is turned into JSON text first, so that everything after this module knows only one syntax.
//!
//! Nothing here does I/O: bytes come in, a [`Document`] or a [`DocumentError`] goes out.

mod files;
mod index;
mod landmarks;
mod yaml;

use std::sync::OnceLock;

use bytes::Bytes;
use bytestring::ByteString;
use wharf_model::Slice;

pub(crate) use files::{Files, Found};
use index::Index;
pub(crate) use index::{Names, Span};
pub(crate) use landmarks::Landmarks;

/// The longest document that is read. The largest public ones (Microsoft Graph, AWS) stay below 40 MB.
pub const DOCUMENT_BYTES_MAX: usize = 128 * 1024 * 1024;

/// All files of one document together, itself left out.
const FILES_BYTES_MAX: usize = DOCUMENT_BYTES_MAX;

/// A longer document that looks like JSON is not tried as YAML: a document that is one flow mapping takes ten times its
/// length to parse.
const FLOW_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How deep values may be nested; no serious document reaches 60. All recursion over a document ends by it.
pub(crate) const DEPTH_MAX: usize = wharf_model::SCANNED_DEPTH_MAX;

/// A document that was checked to be OpenAPI as far as one look can tell; its operations are read later.
#[derive(Debug)]
pub struct Document {
    /// The document, and behind it the files that were attached.
    text: ByteString,
    /// Where the document ends.
    end: usize,
    index: Index,
    version: Version,
    files: Files,
    landmarks: OnceLock<Landmarks>,
}

/// The versions that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// Swagger 2.0.
    V20,
    V30,
    V31,
    V32,
}

impl Version {
    /// Whether nothing counts beside a schema's `$ref`.
    pub(crate) fn has_lone_references(self) -> bool {
        matches!(self, Self::V20 | Self::V30)
    }

    /// As messages call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V20 => "Swagger 2.0",
            Self::V30 => "OpenAPI 3.0",
            Self::V31 => "OpenAPI 3.1",
            Self::V32 => "OpenAPI 3.2",
        }
    }
}

/// A file that a document refers to, as it was found.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// What is in it: JSON or YAML.
    pub bytes: Bytes,
    /// Where it was found in the end, after redirects: what its own references are relative to.
    pub address: String,
}

/// Why bytes are no document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// There is nothing in it.
    #[error("the document is empty")]
    Empty,
    /// It is longer than anything that is read.
    #[error("the document has {bytes} bytes, more than the {DOCUMENT_BYTES_MAX} that are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is not UTF-8.
    #[error("the document is not UTF-8 text (byte {at})")]
    NotText {
        /// The first byte that does not fit.
        at: usize,
    },
    /// It is an archive, or packed.
    #[error("the document is packed ({format})")]
    Packed {
        /// How.
        format: &'static str,
    },
    /// It is a web page.
    #[error("this is a web page, not an OpenAPI document")]
    Html,
    /// The JSON is broken.
    #[error("line {line}, column {column}: not valid JSON: {reason}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The YAML is broken.
    #[error("line {line}, column {column}: not valid YAML: {reason}")]
    Yaml {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// It is older than Swagger 2.0.
    #[error("this is a Swagger {version} document; Swagger 2.0 and OpenAPI 3.0 to 3.2 are read")]
    Swagger {
        /// What its `swagger` member says.
        version: String,
    },
    /// It has no `openapi` member.
    #[error("this is not an OpenAPI document: it has no `openapi` member")]
    NotOpenApi,
    /// Its version is not known.
    #[error("`/openapi` says version `{version}`; Swagger 2.0 and OpenAPI 3.0 to 3.2 are read")]
    Version {
        /// What it says.
        version: String,
    },
    /// Something that each document must have is missing.
    #[error("the document has no `{member}`")]
    Missing {
        /// The member.
        member: &'static str,
    },
    /// Something is of the wrong kind.
    #[error("`{pointer}` is not {expected}")]
    Kind {
        /// Where it stands.
        pointer: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The configuration asks for something that cannot be.
    #[error("`base_url` is `{url}`, which is no absolute `http` or `https` address")]
    BaseUrl {
        /// What it says.
        url: String,
    },
}

impl DocumentError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::Html => {
                "check that the address or path leads to the document itself, not to a page about it"
            }
            Self::TooLong { .. } => "split the document, or leave out what is not needed",
            Self::NotText { .. } => "save the document as UTF-8",
            Self::Packed { .. } => "unpack it first",
            Self::Json { .. } | Self::Yaml { .. } => "mend the document at that place",
            Self::Swagger { .. } => {
                "convert it to OpenAPI 3 first, for instance with `npx api-spec-converter`"
            }
            Self::NotOpenApi | Self::Version { .. } => {
                "an OpenAPI document begins like `openapi: 3.1.0`; a configuration is named by `--config`"
            }
            Self::Missing { .. } | Self::Kind { .. } => {
                "`openapi`, `info` with `title` and `version`, and `paths` make the smallest document"
            }
            Self::BaseUrl { .. } => "write it like `https://api.example.com/v1`",
        }
    }
}

impl Document {
    /// Reads JSON or YAML; which of them it is shows in its first character.
    pub fn read(bytes: impl Into<Bytes>) -> Result<Self, DocumentError> {
        let text = text_of(bytes.into())?;
        let (text, index) = index_of(&text)?;
        let end = text.len();
        let mut document = Self {
            text,
            end,
            index,
            version: Version::V31,
            files: Files::of_document(Span::new(0..end)),
            landmarks: OnceLock::new(),
        };
        document.version = document.check()?;
        Ok(document)
    }

    /// The document as JSON, whatever it was written in.
    pub fn as_json(&self) -> &str {
        &self.text[..self.end]
    }

    /// Says where the document stands: an absolute URL, of a file or on a server. References to other files are
    /// relative to it; without it they lead nowhere.
    #[must_use]
    pub fn located_at(mut self, address: &str) -> Self {
        let own = self.member("$self").map(words);
        self.files.locate(&self.text, address, own.as_deref());
        self
    }

    /// The addresses of the files that the document and its files refer to and that nobody has told it about yet.
    ///
    /// Whoever has access to files decides which of them may be read, and tells with [`Document::attach`]; what is
    /// attached may refer to further files, so this is asked until nothing is left.
    pub fn external_references(&self) -> Vec<String> {
        self.files.missing()
    }

    /// Takes in files that [`Document::external_references`] named, each with what was found there or with the reason
    /// why there is nothing. What needs a file that is not there, and nothing else, is left out with that reason.
    pub fn attach(&mut self, files: impl IntoIterator<Item = (String, Result<FoundFile, String>)>) {
        let mut text = String::from(&*self.text);
        for (wanted, found) in files {
            let json = found.and_then(|found| match json_of(found.bytes) {
                Ok(json) if text.len() - self.end + json.len() > FILES_BYTES_MAX => Err(format!(
                    "the document's files have more than {FILES_BYTES_MAX} bytes together"
                )),
                Ok(json) => Ok((json, found.address)),
                Err(error) => Err(error.to_string()),
            });
            match json {
                Ok((json, address)) => {
                    text.push('\n');
                    let start = text.len();
                    text.push_str(&json);
                    let span = Span::new(start..text.len());
                    self.files.add(&text, span, &wanted, &address);
                }
                Err(reason) => self.files.refuse(&wanted, reason),
            }
        }
        self.text = text.into();
        self.index.moved_to(&self.text);
        self.landmarks = OnceLock::new();
    }

    /// Checks what every document must have and tells its version.
    fn check(&self) -> Result<Version, DocumentError> {
        let version = self.declared_version()?;
        self.object("info", "/info")?;
        match self.object("paths", "/paths") {
            // From 3.1 on a document may describe webhooks alone.
            Err(DocumentError::Missing { .. })
                if matches!(version, Version::V31 | Version::V32)
                    && (self.member("webhooks").is_some()
                        || self.member("components").is_some()) => {}
            other => {
                other?;
            }
        }
        Ok(version)
    }

    fn declared_version(&self) -> Result<Version, DocumentError> {
        let two = |text: &str| -> Vec<String> {
            let parts = text.split('.').take(2);
            parts.map(str::to_owned).collect()
        };
        let is = |text: &str, expected: [&str; 2]| two(text) == expected;
        // YAML writers forget the quotes: `openapi: 3.1` and `swagger: 2` are numbers then.
        if let Some(openapi) = self.member("openapi") {
            let text = words(openapi);
            return match &text {
                text if is(text, ["3", "0"]) => Ok(Version::V30),
                text if is(text, ["3", "1"]) => Ok(Version::V31),
                text if is(text, ["3", "2"]) => Ok(Version::V32),
                _ => Err(DocumentError::Version { version: text }),
            };
        }
        let swagger = self.member("swagger").ok_or(DocumentError::NotOpenApi)?;
        let text = words(swagger);
        if text == "2" || is(&text, ["2", "0"]) {
            return Ok(Version::V20);
        }
        Err(DocumentError::Swagger { version: text })
    }

    fn object(
        &self,
        member: &'static str,
        pointer: &'static str,
    ) -> Result<Slice<'_>, DocumentError> {
        let value = self
            .member(member)
            .ok_or(DocumentError::Missing { member })?;
        if value.as_str().starts_with('{') {
            Ok(value)
        } else {
            Err(DocumentError::Kind {
                pointer,
                expected: "an object",
            })
        }
    }

    /// The whole document.
    #[cfg(test)]
    pub(crate) fn root(&self) -> Slice<'_> {
        Slice::from_checked(&self.text[..self.end])
    }

    /// The files, this document first.
    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    /// What schemas call themselves, in all files.
    pub(crate) fn landmarks(&self) -> &Landmarks {
        self.landmarks
            .get_or_init(|| Landmarks::of(&self.text, &self.files))
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// A member of the document's root.
    pub(crate) fn member(&self, name: &str) -> Option<Slice<'_>> {
        let members = self.index.members(self.index.root_start())?;
        Some(self.at(*members.get(name)?))
    }

    /// A section of `components`, such as `schemas`, without a walk through all of them.
    pub(crate) fn components(&self, section: &str) -> Option<Slice<'_>> {
        let components = self.span_of(self.member("components")?);
        let sections = self.index.members(components.start())?;
        Some(self.at(*sections.get(section)?))
    }

    /// The value at a place.
    pub(crate) fn at(&self, span: Span) -> Slice<'_> {
        Slice::of_known(&self.text[span.range()], self.index.ends())
    }

    /// The place of a value of this document.
    pub(crate) fn span_of(&self, value: Slice<'_>) -> Span {
        // Of several files the text is several values, of which only the places matter here.
        Span::new(value.range_in(Slice::from_checked(&self.text)))
    }

    /// The paths and their items in the document's order; a path that is written twice has its last item.
    pub(crate) fn paths(&self) -> &[(Box<str>, Span)] {
        self.index.paths()
    }

    /// The members of the object at `start`, when that object was indexed.
    pub(crate) fn indexed(&self, start: u32) -> Option<&Names> {
        self.index.members(start)
    }

    /// `info.title`, or nothing when it is empty.
    pub(crate) fn title(&self) -> Option<String> {
        self.info("title")
    }

    /// `info.version`.
    pub(crate) fn api_version(&self) -> Option<String> {
        self.info("version")
    }

    fn info(&self, name: &str) -> Option<String> {
        Some(words(self.member("info")?.get(name)?)).filter(|text| !text.is_empty())
    }
}

/// The text of a string, or the literal of anything else: `version: 1.0` without quotes means the text `1.0`.
pub(crate) fn words(value: Slice<'_>) -> String {
    value
        .text()
        .map_or_else(|| value.as_str().to_owned(), std::borrow::Cow::into_owned)
        .trim()
        .to_owned()
}

/// How files begin that are packed, none of which is UTF-8.
const PACKED: [(&[u8], &str); 4] = [
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
];

/// The bytes as text, without a byte order mark.
fn text_of(bytes: Bytes) -> Result<ByteString, DocumentError> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(DocumentError::TooLong { bytes: bytes.len() });
    }
    let packed = PACKED
        .into_iter()
        .find(|(start, _)| bytes.starts_with(start));
    let text = ByteString::try_from(bytes).map_err(|error| match packed {
        Some((_, format)) => DocumentError::Packed { format },
        None => DocumentError::NotText {
            at: error.valid_up_to(),
        },
    })?;
    let trimmed = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_start();
    if trimmed.is_empty() {
        return Err(DocumentError::Empty);
    }
    Ok(text.slice_ref(text.strip_prefix('\u{feff}').unwrap_or(&text)))
}

/// Any JSON or YAML value as JSON.
fn json_of(bytes: Bytes) -> Result<ByteString, DocumentError> {
    let text = text_of(bytes)?;
    let trimmed = text.slice_ref(text.trim_ascii());
    if trimmed.starts_with('<') {
        return Err(DocumentError::Html);
    }
    if wharf_model::is_json(&trimmed) {
        return Ok(trimmed);
    }
    let looks_like_json = trimmed.starts_with(['{', '[']);
    if looks_like_json && trimmed.len() > FLOW_BYTES_MAX {
        return Err(broken_json(&trimmed));
    }
    match yaml::to_json(&text) {
        Ok(json) if wharf_model::is_json(&json) => Ok(json.into()),
        Err(error) if !looks_like_json => Err(error),
        _ => Err(broken_json(&trimmed)),
    }
}

/// Why a text that looks like JSON is none.
fn broken_json(text: &str) -> DocumentError {
    match serde_json::from_str::<&serde_json::value::RawValue>(text) {
        Ok(_) => DocumentError::Json {
            line: 1,
            column: 1,
            reason: format!("values are nested deeper than {DEPTH_MAX} levels"),
        },
        Err(error) => DocumentError::Json {
            line: error.line(),
            column: error.column(),
            reason: bare(&error.to_string()),
        },
    }
}

/// The text as JSON, and its index.
fn index_of(text: &ByteString) -> Result<(ByteString, Index), DocumentError> {
    let start = text.trim_start();
    if start.starts_with('<') {
        return Err(DocumentError::Html);
    }
    if !start.starts_with(['{', '[', '"']) {
        let json = ByteString::from(yaml::to_json(text)?);
        let index = Index::of(&json).ok_or(DocumentError::NotOpenApi)?;
        return Ok((json, index));
    }
    let trimmed = text.slice_ref(text.trim_ascii());
    if let Some(index) = Index::of(&trimmed) {
        return Ok((trimmed, index));
    }
    let error = match broken_json(text) {
        DocumentError::Json {
            line: 1, column: 1, ..
        } if !start.starts_with('{') => DocumentError::NotOpenApi,
        error => error,
    };
    // YAML's flow style looks like JSON with comments and trailing commas; what is neither is told as JSON.
    let may_be_yaml = text.len() <= FLOW_BYTES_MAX && matches!(error, DocumentError::Json { .. });
    let converted = may_be_yaml.then(|| yaml::to_json(text).ok()).flatten();
    let converted = converted.map(ByteString::from);
    match converted.map(|json| (Index::of(&json), json)) {
        Some((Some(index), json)) => Ok((json, index)),
        _ => Err(error),
    }
}

/// A message of the JSON library without the place, which stands in front already.
fn bare(message: &str) -> String {
    message
        .rfind(" at line ")
        .map_or(message, |at| &message[..at])
        .to_owned()
}
