//! Resources: things a client can read by their address.

use bytes::Bytes;
use bytestring::ByteString;

use crate::{Annotations, Icon, Json};

/// One resource as its source offers it.
#[derive(Debug, Clone, Default)]
pub struct Resource {
    /// Its address.
    pub uri: String,
    /// A short name.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it holds.
    pub description: Option<String>,
    /// Such as `text/plain`.
    pub mime_type: Option<String>,
    /// In bytes.
    pub size: Option<u64>,
    /// For whom it is.
    pub annotations: Annotations,
    /// Pictures.
    pub icons: Vec<Icon>,
    /// An object for `_meta`.
    pub meta: Option<Json>,
}

/// Resources whose address follows a pattern.
#[derive(Debug, Clone, Default)]
pub struct ResourceTemplate {
    /// An RFC 6570 template such as `db://{table}/{row}`.
    pub uri_template: String,
    /// A short name.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What they hold.
    pub description: Option<String>,
    /// Such as `text/plain`.
    pub mime_type: Option<String>,
    /// For whom they are.
    pub annotations: Annotations,
    /// Pictures.
    pub icons: Vec<Icon>,
    /// An object for `_meta`.
    pub meta: Option<Json>,
}

/// What one resource holds.
#[derive(Debug, Clone)]
pub struct ResourceContents {
    /// Its address.
    pub uri: String,
    /// Such as `text/plain`.
    pub mime_type: Option<String>,
    /// The contents.
    pub body: ResourceBody,
    /// An object for `_meta`.
    pub meta: Option<Json>,
}

/// Text or bytes.
#[derive(Debug, Clone)]
pub enum ResourceBody {
    /// Text.
    Text(ByteString),
    /// Bytes, not encoded.
    Blob(Bytes),
}
