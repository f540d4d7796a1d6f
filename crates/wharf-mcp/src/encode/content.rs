//! Blocks of content and what resources hold.

use bytestring::ByteString;
use wharf_model::{Annotations, Audience, Content, ResourceBody, ResourceContents};

use super::items;
use super::json::{self, Object, array};
use crate::protocol::Revision;

/// About how many bytes the blocks take.
pub(super) fn bytes(blocks: &[Content]) -> usize {
    blocks
        .iter()
        .map(|block| match block {
            // Room for an escape in every eighth place, as JSON inside of a text has it.
            Content::Text { text, .. } => text.len() + text.len() / 8 + 64,
            Content::Image { data, .. } | Content::Audio { data, .. } => data.len() / 3 * 4 + 128,
            Content::Embedded { resource, .. } => contents_bytes(resource),
            _ => 512,
        })
        .sum()
}

pub(super) fn contents_bytes(contents: &ResourceContents) -> usize {
    let body = match &contents.body {
        ResourceBody::Text(text) => text.len() + text.len() / 8,
        ResourceBody::Blob(bytes) => bytes.len() / 3 * 4,
    };
    body + contents.uri.len() + 128
}

pub(super) fn block(out: &mut Vec<u8>, block: &Content, revision: Revision) {
    match block {
        Content::Text { text, annotations } => text_block(out, text, annotations),
        Content::Image {
            data,
            mime_type,
            annotations: hints,
        } => {
            let mut object = Object::new(out);
            object.text("type", "image");
            json::base64(object.key("data"), data);
            object.text("mimeType", mime_type);
            annotations(&mut object, hints);
            object.end();
        }
        Content::Audio {
            data,
            mime_type,
            annotations: hints,
        } if revision.has_audio() => {
            let mut object = Object::new(out);
            object.text("type", "audio");
            json::base64(object.key("data"), data);
            object.text("mimeType", mime_type);
            annotations(&mut object, hints);
            object.end();
        }
        // A block of an unknown kind would cost an old client the whole result.
        Content::Audio {
            mime_type,
            annotations,
            ..
        } => text_block(
            out,
            &format!(
                "(sound of type {mime_type}, which this client's revision of MCP cannot take)"
            )
            .into(),
            annotations,
        ),
        Content::Link(resource) if revision.has_resource_links() => {
            let mut object = Object::new(out);
            object.text("type", "resource_link");
            items::resource_members(&mut object, resource);
            object.end();
        }
        Content::Link(resource) => text_block(
            out,
            &format!("{}: {}", resource.name, resource.uri).into(),
            &resource.annotations,
        ),
        Content::Embedded {
            resource,
            annotations: hints,
        } => {
            let mut object = Object::new(out);
            object.text("type", "resource");
            contents(object.key("resource"), resource);
            annotations(&mut object, hints);
            object.end();
        }
        // The model may learn kinds before the wire does; then at least say that something was there.
        _ => text_block(
            out,
            &ByteString::from_static("(content of an unknown kind)"),
            &Annotations::default(),
        ),
    }
}

fn text_block(out: &mut Vec<u8>, text: &ByteString, hints: &Annotations) {
    out.extend_from_slice(br#"{"type":"text","text":"#);
    json::text(out, text);
    let mut object = Object::behind(out);
    annotations(&mut object, hints);
    object.end();
}

pub(super) fn contents(out: &mut Vec<u8>, contents: &ResourceContents) {
    let mut object = Object::new(out);
    object.text("uri", &contents.uri);
    object.optional_text("mimeType", contents.mime_type.as_deref());
    match &contents.body {
        ResourceBody::Text(text) => object.text("text", text),
        ResourceBody::Blob(bytes) => json::base64(object.key("blob"), bytes),
    }
    if let Some(meta) = &contents.meta {
        object.raw("_meta", meta.as_str());
    }
    object.end();
}

pub(super) fn annotations(object: &mut Object<'_>, hints: &Annotations) {
    if hints.audience.is_empty() && hints.priority.is_none() && hints.last_modified.is_none() {
        return;
    }
    let mut hinted = object.object("annotations");
    if !hints.audience.is_empty() {
        array(hinted.key("audience"), &hints.audience, |out, audience| {
            let audience = match audience {
                Audience::User => "user",
                Audience::Assistant => "assistant",
            };
            json::text(out, audience);
        });
    }
    if let Some(priority) = hints.priority {
        hinted.float("priority", priority);
    }
    hinted.optional_text("lastModified", hints.last_modified.as_deref());
    hinted.end();
}
