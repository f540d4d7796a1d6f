//! Small documents and what becomes of them, for people to read. A new case is a new file under `documents/`.

use std::fmt::Write as _;

use wharf_model::{Json, Source as _};
use wharf_openapi::{Config, Descriptions, OutputSchemas};

use crate::{build, check, documents};

#[test]
fn documents_become_tools() {
    for file in documents() {
        let name = file
            .file_stem()
            .expect("the file has a name")
            .to_string_lossy()
            .into_owned();
        let bytes = std::fs::read(&file).expect("the file can be read");
        let (source, report) = build(bytes, &Config::default());
        check(&source.tools());
        let mut text = format!(
            "{} {}: {} operations, {} tools, {} webhooks\nbase: {}\n",
            report.title.unwrap_or_default(),
            report.version.unwrap_or_default(),
            report.operations,
            report.tools,
            report.webhooks,
            report.base_url.unwrap_or_default(),
        );
        for left_out in report.left_out {
            let _ = writeln!(
                text,
                "left out: {}\n  {} {}",
                left_out.operation, left_out.pointer, left_out.reason
            );
        }
        for note in report.notes {
            let _ = writeln!(text, "note: {} {}", note.pointer, note.text);
        }
        for tool in source.tools() {
            let _ = writeln!(text, "\n{}\n{}", tool.name, "=".repeat(tool.name.len()));
            if let Some(title) = &tool.title {
                let _ = writeln!(text, "title: {title}");
            }
            let _ = writeln!(
                text,
                "description: {}",
                tool.description.as_deref().unwrap_or_default()
            );
            let _ = writeln!(text, "input: {}", printed(&tool.input_schema));
            if let Some(schema) = &tool.output_schema {
                let _ = writeln!(text, "output: {}", schema.as_str());
            }
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

#[test]
fn more_can_be_listed() {
    let config = Config {
        descriptions: Descriptions::Full,
        output_schemas: OutputSchemas::Full,
        tags_in_meta: true,
        ..Config::default()
    };
    let mut text = String::new();
    for document in [
        include_str!("documents/petstore.yaml"),
        include_str!("documents/results.yaml"),
    ] {
        let (source, _) = build(document.as_bytes(), &config);
        check(&source.tools());
        for tool in source.tools() {
            let _ = writeln!(text, "{}\n{}", tool.name, "=".repeat(tool.name.len()));
            let _ = writeln!(text, "{}", tool.description.as_deref().unwrap_or_default());
            let output = tool.output_schema.as_ref().map(wharf_model::Json::as_str);
            let _ = writeln!(text, "output: {}", output.unwrap_or_default());
            let _ = writeln!(text, "meta: {:?}\n", tool.meta);
        }
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("full", text);
    });
}

/// A schema with one line for each property and definition.
fn printed(schema: &Json) -> String {
    let mut text = String::from("{");
    for (key, value) in schema.slice().members() {
        match &*key {
            "properties" | "$defs" => {
                let _ = write!(text, "\n  {key}:");
                for (name, value) in value.members() {
                    let _ = write!(text, "\n    {name}: {}", value.as_str());
                }
            }
            _ => {
                let _ = write!(text, "\n  {key}: {}", value.as_str());
            }
        }
    }
    text.push_str("\n}");
    text
}
