//! An OpenAPI document: its text, and where in the text its parts stand.
//!
//! Reading a document is one scan over its bytes, which checks that they are JSON and notes where each path item and
//! each component begins and ends. No tree is built; an operation is read from its own part of the text when it is
//! needed. YAML is turned into JSON text first, so that everything after this module knows only one syntax.
//!
//! Nothing here does I/O: bytes come in, a [`Document`] or a [`DocumentError`] goes out.

mod index;
mod yaml;

use bytes::Bytes;
use bytestring::ByteString;
use wharf_model::Slice;

use index::Index;
pub(crate) use index::{Names, Span};

/// The longest document that is read. The largest public ones (Microsoft Graph, AWS) stay below 40 MB.
pub const DOCUMENT_BYTES_MAX: usize = 128 * 1024 * 1024;

/// A longer document that looks like JSON is not tried as YAML: a document that is one flow mapping takes ten times its
/// length to parse.
const FLOW_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How deep values may be nested; no serious document reaches 60. All recursion over a document ends by it.
pub(crate) const DEPTH_MAX: usize = 128;

/// A document that was checked to be OpenAPI as far as one look can tell; its operations are read later.
#[derive(Debug)]
pub struct Document {
    text: ByteString,
    index: Index,
    version: Version,
}

/// The versions of OpenAPI that are told apart.
///
/// 3.2 adds to 3.1 without changing it, so it is read as 3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V30,
    V31,
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
    /// It is Swagger 2.0 or older.
    #[error("this is a Swagger {version} document; OpenAPI 3.0 and 3.1 are read")]
    Swagger {
        /// What its `swagger` member says.
        version: String,
    },
    /// It has no `openapi` member.
    #[error("this is not an OpenAPI document: it has no `openapi` member")]
    NotOpenApi,
    /// Its version is not known.
    #[error("`/openapi` says version `{version}`; OpenAPI 3.0 and 3.1 are read")]
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
            Self::Json { .. } | Self::Yaml { .. } => "mend the document at that place",
            Self::Swagger { .. } => {
                "convert it to OpenAPI 3 first, for instance with `npx swagger2openapi`"
            }
            Self::NotOpenApi | Self::Version { .. } => {
                "an OpenAPI document begins like `openapi: 3.1.0`"
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
        let mut document = Self {
            text,
            index,
            version: Version::V31,
        };
        document.version = document.check()?;
        Ok(document)
    }

    /// The document as JSON, whatever it was written in.
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Checks what every document must have and tells its version.
    fn check(&self) -> Result<Version, DocumentError> {
        if let Some(swagger) = self.member("swagger") {
            return Err(DocumentError::Swagger {
                version: words(swagger),
            });
        }
        let openapi = self.member("openapi").ok_or(DocumentError::NotOpenApi)?;
        // YAML writers forget the quotes: `openapi: 3.1` is a number then.
        let text = words(openapi);
        let version = match text.split('.').take(2).collect::<Vec<_>>()[..] {
            ["3", "0"] => Version::V30,
            ["3", "1" | "2"] => Version::V31,
            _ => return Err(DocumentError::Version { version: text }),
        };
        self.object("info", "/info")?;
        match self.object("paths", "/paths") {
            // From 3.1 on a document may describe webhooks alone.
            Err(DocumentError::Missing { .. })
                if version != Version::V30
                    && (self.member("webhooks").is_some()
                        || self.member("components").is_some()) => {}
            other => {
                other?;
            }
        }
        Ok(version)
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
    pub(crate) fn root(&self) -> Slice<'_> {
        Slice::from_checked(&self.text)
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// A member of the document's root.
    pub(crate) fn member(&self, name: &str) -> Option<Slice<'_>> {
        let members = self.index.members(self.index.root_start())?;
        Some(self.at(*members.get(name)?))
    }

    /// The value at a place.
    pub(crate) fn at(&self, span: Span) -> Slice<'_> {
        self.root().part(span.range())
    }

    /// The place of a value of this document.
    pub(crate) fn span_of(&self, value: Slice<'_>) -> Span {
        Span::new(value.range_in(self.root()))
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

/// The bytes as text, without a byte order mark.
fn text_of(bytes: Bytes) -> Result<ByteString, DocumentError> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(DocumentError::TooLong { bytes: bytes.len() });
    }
    if let Err(error) = std::str::from_utf8(&bytes) {
        return Err(DocumentError::NotText {
            at: error.valid_up_to(),
        });
    }
    let text = ByteString::try_from(bytes).map_err(|_| DocumentError::NotText { at: 0 })?;
    let trimmed = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_start();
    if trimmed.is_empty() {
        return Err(DocumentError::Empty);
    }
    Ok(text.slice_ref(text.strip_prefix('\u{feff}').unwrap_or(&text)))
}

/// The text as JSON, and its index.
fn index_of(text: &ByteString) -> Result<(ByteString, Index), DocumentError> {
    let start = text.trim_start();
    if start.starts_with('<') {
        return Err(DocumentError::Html);
    }
    if !start.starts_with(['{', '[', '"']) {
        let json = yaml::to_json(text)?;
        let index = Index::of(&json).ok_or(DocumentError::NotOpenApi)?;
        return Ok((json.into(), index));
    }
    let trimmed = text.slice_ref(text.trim_ascii());
    if let Some(index) = Index::of(&trimmed) {
        return Ok((trimmed, index));
    }
    let error = match serde_json::from_str::<&serde_json::value::RawValue>(text) {
        Ok(_) if start.starts_with('{') => DocumentError::Json {
            line: 1,
            column: 1,
            reason: format!("values are nested deeper than {DEPTH_MAX} levels"),
        },
        Ok(_) => DocumentError::NotOpenApi,
        Err(error) => DocumentError::Json {
            line: error.line(),
            column: error.column(),
            reason: bare(&error.to_string()),
        },
    };
    // YAML's flow style looks like JSON with comments and trailing commas; what is neither is told as JSON.
    let may_be_yaml = text.len() <= FLOW_BYTES_MAX && matches!(error, DocumentError::Json { .. });
    let converted = may_be_yaml.then(|| yaml::to_json(text).ok()).flatten();
    match converted.map(|json| (Index::of(&json), json)) {
        Some((Some(index), json)) => Ok((json.into(), index)),
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
