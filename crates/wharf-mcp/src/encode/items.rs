//! The items of lists: tools, prompts, resources, templates, and the icons they all have.

use wharf_model::{Icon, JsonKind, Prompt, Resource, ResourceTemplate, Tool};

use super::content::annotations;
use super::json::{self, Object, array};

/// Whether every era can show this tool's output schema.
fn has_object_output(tool: &Tool) -> bool {
    tool.output_schema.as_ref().is_none_or(|schema| {
        schema
            .slice()
            .get("type")
            .and_then(wharf_model::Slice::text)
            .as_deref()
            == Some("object")
    })
}

/// Whether the legacy list must differ from the modern one.
pub(crate) fn differs_by_era<'t>(mut tools: impl Iterator<Item = &'t Tool>) -> bool {
    !tools.all(has_object_output)
}

/// One tool. Legacy clients fail the whole list over an output schema that is no object's.
pub(crate) fn tool(out: &mut Vec<u8>, tool: &Tool, modern: bool) {
    let mut object = Object::new(out);
    object.text("name", &tool.name);
    object.optional_text("title", tool.title.as_deref());
    object.optional_text("description", tool.description.as_deref());
    object.raw("inputSchema", tool.input_schema.as_str());
    if let Some(schema) = tool
        .output_schema
        .as_ref()
        .filter(|schema| schema.kind() == JsonKind::Object && (modern || has_object_output(tool)))
    {
        object.raw("outputSchema", schema.as_str());
    }
    let hints = [
        ("readOnlyHint", tool.annotations.read_only),
        ("destructiveHint", tool.annotations.destructive),
        ("idempotentHint", tool.annotations.idempotent),
        ("openWorldHint", tool.annotations.open_world),
    ];
    if hints.iter().any(|(_, hint)| hint.is_some()) {
        let mut annotated = object.object("annotations");
        for (name, hint) in hints {
            if let Some(hint) = hint {
                annotated.boolean(name, hint);
            }
        }
        annotated.end();
    }
    icons(&mut object, &tool.icons);
    if let Some(meta) = &tool.meta {
        object.raw("_meta", meta.as_str());
    }
    object.end();
}

pub(crate) fn prompt(out: &mut Vec<u8>, prompt: &Prompt) {
    let mut object = Object::new(out);
    object.text("name", &prompt.name);
    object.optional_text("title", prompt.title.as_deref());
    object.optional_text("description", prompt.description.as_deref());
    if !prompt.arguments.is_empty() {
        array(
            object.key("arguments"),
            &prompt.arguments,
            |out, argument| {
                let mut object = Object::new(out);
                object.text("name", &argument.name);
                object.optional_text("title", argument.title.as_deref());
                object.optional_text("description", argument.description.as_deref());
                object.boolean("required", argument.required);
                object.end();
            },
        );
    }
    icons(&mut object, &prompt.icons);
    if let Some(meta) = &prompt.meta {
        object.raw("_meta", meta.as_str());
    }
    object.end();
}

pub(crate) fn resource(out: &mut Vec<u8>, resource: &Resource) {
    let mut object = Object::new(out);
    resource_members(&mut object, resource);
    object.end();
}

/// The members that a resource has in a list and in a link alike.
pub(super) fn resource_members(object: &mut Object<'_>, resource: &Resource) {
    object.text("uri", &resource.uri);
    object.text("name", &resource.name);
    object.optional_text("title", resource.title.as_deref());
    object.optional_text("description", resource.description.as_deref());
    object.optional_text("mimeType", resource.mime_type.as_deref());
    if let Some(size) = resource.size {
        object.number("size", size);
    }
    annotations(object, &resource.annotations);
    icons(object, &resource.icons);
    if let Some(meta) = &resource.meta {
        object.raw("_meta", meta.as_str());
    }
}

pub(crate) fn resource_template(out: &mut Vec<u8>, template: &ResourceTemplate) {
    let mut object = Object::new(out);
    object.text("uriTemplate", &template.uri_template);
    object.text("name", &template.name);
    object.optional_text("title", template.title.as_deref());
    object.optional_text("description", template.description.as_deref());
    object.optional_text("mimeType", template.mime_type.as_deref());
    annotations(&mut object, &template.annotations);
    icons(&mut object, &template.icons);
    if let Some(meta) = &template.meta {
        object.raw("_meta", meta.as_str());
    }
    object.end();
}

pub(crate) fn icons(object: &mut Object<'_>, icons: &[Icon]) {
    if icons.is_empty() {
        return;
    }
    array(object.key("icons"), icons, |out, icon| {
        let mut object = Object::new(out);
        object.text("src", &icon.src);
        object.optional_text("mimeType", icon.mime_type.as_deref());
        if !icon.sizes.is_empty() {
            array(object.key("sizes"), &icon.sizes, |out, size| {
                json::text(out, size);
            });
        }
        object.optional_text("theme", icon.theme.as_deref());
        object.end();
    });
}
