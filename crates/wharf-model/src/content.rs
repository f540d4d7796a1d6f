//! Blocks of content in results and prompts.

use bytes::Bytes;
use bytestring::ByteString;

use crate::{Resource, ResourceContents};

/// One block of content.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Content {
    /// Text.
    Text {
        /// The text.
        text: ByteString,
        /// For whom it is.
        annotations: Annotations,
    },
    /// A picture.
    Image {
        /// The file's bytes, not encoded.
        data: Bytes,
        /// Such as `image/png`.
        mime_type: String,
        /// For whom it is.
        annotations: Annotations,
    },
    /// Sound.
    Audio {
        /// The file's bytes, not encoded.
        data: Bytes,
        /// Such as `audio/wav`.
        mime_type: String,
        /// For whom it is.
        annotations: Annotations,
    },
    /// A resource to fetch later.
    Link(Box<Resource>),
    /// A resource in full.
    Embedded {
        /// What it holds.
        resource: ResourceContents,
        /// For whom it is.
        annotations: Annotations,
    },
}

impl Content {
    /// A text without annotations.
    pub fn text(text: impl Into<ByteString>) -> Self {
        Self::Text {
            text: text.into(),
            annotations: Annotations::default(),
        }
    }

    /// A picture without annotations.
    pub fn image(data: Bytes, mime_type: impl Into<String>) -> Self {
        Self::Image {
            data,
            mime_type: mime_type.into(),
            annotations: Annotations::default(),
        }
    }

    /// Sound without annotations.
    pub fn audio(data: Bytes, mime_type: impl Into<String>) -> Self {
        Self::Audio {
            data,
            mime_type: mime_type.into(),
            annotations: Annotations::default(),
        }
    }

    /// An embedded resource without annotations.
    pub fn embedded(resource: ResourceContents) -> Self {
        Self::Embedded {
            resource,
            annotations: Annotations::default(),
        }
    }
}

/// Hints on a block of content or a resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Annotations {
    /// For whom it is; empty for anybody.
    pub audience: Vec<Audience>,
    /// From 0 (can be left out) to 1 (needed).
    pub priority: Option<f64>,
    /// When it last changed, RFC 3339.
    pub last_modified: Option<String>,
}

/// Who should see a block of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// A picture for a tool, prompt, resource or server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Icon {
    /// An `https:` or `data:` address.
    pub src: String,
    /// Such as `image/svg+xml`.
    pub mime_type: Option<String>,
    /// Such as `48x48` or `any`.
    pub sizes: Vec<String>,
    /// `light` or `dark`.
    pub theme: Option<String>,
}
