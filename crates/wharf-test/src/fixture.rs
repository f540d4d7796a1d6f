//! The tools, resources and prompts that the official MCP conformance suite expects of a server under test.
//!
//! A [`Fixture`] is an ordinary [`Source`]: whatever it reaches, every source reaches.

mod questions;
mod schemas;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use wharf_model::{
    BoxFuture, CallError, Change, Completion, CompletionReference, CompletionRequest, Content,
    Context, Json, LogLevel, Outcome, Prompt, PromptArgument, PromptMessage, PromptResult,
    Resource, ResourceBody, ResourceContents, ResourceTemplate, Role, Slice, Source, Tool,
    ToolCall, ToolResult,
};

/// A red pixel.
pub const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, b'I', b'D', b'A', b'T',
    0x08, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 0x03, 0x01, 0x01, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0,
    0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// A sound of no length: 8,000 samples a second, one channel, 8 bits.
pub const WAV: &[u8] = &[
    b'R', b'I', b'F', b'F', 36, 0, 0, 0, b'W', b'A', b'V', b'E', b'f', b'm', b't', b' ', 16, 0, 0,
    0, 1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0, b'd', b'a', b't', b'a', 0, 0, 0,
    0,
];

/// Steps of a tool that reports progress are this far apart.
const STEP: Duration = Duration::from_millis(50);
/// Changes that wait for a slow listener.
const CHANGES_KEPT: usize = 16;

/// See the module.
pub struct Fixture {
    changes: broadcast::Sender<Change>,
}

impl Fixture {
    /// A fixture whose resources nobody has subscribed to.
    pub fn new() -> Self {
        Self {
            changes: broadcast::channel(CHANGES_KEPT).0,
        }
    }

    /// Tells everybody who listens. Nobody listening is fine.
    fn announce(&self, change: Change) -> ToolResult {
        let _ = self.changes.send(change);
        ToolResult::text("announced")
    }
}

impl Default for Fixture {
    fn default() -> Self {
        Self::new()
    }
}

impl Source for Fixture {
    fn name(&self) -> &'static str {
        "fixture"
    }

    fn tools(&self) -> Vec<Arc<Tool>> {
        schemas::TOOLS
            .iter()
            .map(|(name, description)| Arc::new(tool(name, description)))
            .collect()
    }

    fn prompts(&self) -> Vec<Prompt> {
        let argument = |name: &str| PromptArgument {
            name: name.to_owned(),
            description: Some(format!("The value for {name}")),
            required: true,
            ..PromptArgument::default()
        };
        [
            ("test_simple_prompt", "A prompt of one message", vec![]),
            (
                "test_prompt_with_arguments",
                "A prompt that shows its two arguments",
                vec![argument("arg1"), argument("arg2")],
            ),
            (
                "test_prompt_with_embedded_resource",
                "A prompt that holds a resource",
                vec![argument("resourceUri")],
            ),
            (
                "test_prompt_with_image",
                "A prompt that holds a picture",
                vec![],
            ),
            (
                "test_input_required_result_prompt",
                "A prompt that asks for its context",
                vec![],
            ),
        ]
        .into_iter()
        .map(|(name, description, arguments)| Prompt {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            arguments,
            ..Prompt::default()
        })
        .collect()
    }

    fn resources(&self) -> Vec<Resource> {
        [
            ("test://static-text", "Static text", "text/plain"),
            ("test://static-binary", "Static picture", "image/png"),
            (
                "test://watched-resource",
                "Text to subscribe to",
                "text/plain",
            ),
        ]
        .into_iter()
        .map(|(uri, name, mime_type)| Resource {
            uri: uri.to_owned(),
            name: name.to_owned(),
            description: Some(format!("{name}, for tests")),
            mime_type: Some(mime_type.to_owned()),
            ..Resource::default()
        })
        .collect()
    }

    fn resource_templates(&self) -> Vec<ResourceTemplate> {
        vec![ResourceTemplate {
            uri_template: "test://template/{id}/data".to_owned(),
            name: "Data by id".to_owned(),
            description: Some("JSON that repeats the id".to_owned()),
            mime_type: Some("application/json".to_owned()),
            ..ResourceTemplate::default()
        }]
    }

    fn completes(&self) -> bool {
        true
    }

    fn call<'a>(
        &'a self,
        context: &'a Context,
        call: ToolCall<'a>,
    ) -> BoxFuture<'a, Result<Outcome<ToolResult>, CallError>> {
        Box::pin(async move {
            if let Some(outcome) = questions::ask(context, call) {
                return Ok(outcome);
            }
            self.answer(context, call).await.map(Outcome::Complete)
        })
    }

    fn prompt<'a>(
        &'a self,
        context: &'a Context,
        name: &'a str,
        arguments: Slice<'a>,
    ) -> BoxFuture<'a, Result<Outcome<PromptResult>, CallError>> {
        Box::pin(std::future::ready(prompt(context, name, arguments)))
    }

    fn read<'a>(
        &'a self,
        _context: &'a Context,
        uri: &'a str,
    ) -> BoxFuture<'a, Result<Option<Outcome<Vec<ResourceContents>>>, CallError>> {
        Box::pin(std::future::ready(Ok(
            read(uri).map(|contents| Outcome::Complete(vec![contents]))
        )))
    }

    fn complete<'a>(
        &'a self,
        _context: &'a Context,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<Option<Completion>, CallError>> {
        let known = CompletionReference::Prompt("test_prompt_with_arguments".to_owned());
        let completion = (request.reference == known).then(|| {
            let values = ["paris", "park", "party"]
                .iter()
                .filter(|value| value.starts_with(&request.value));
            Completion {
                values: values.map(ToString::to_string).collect(),
                ..Completion::default()
            }
        });
        Box::pin(std::future::ready(Ok(completion)))
    }

    fn changes(&self) -> Option<broadcast::Receiver<Change>> {
        Some(self.changes.subscribe())
    }
}

impl Fixture {
    async fn answer(&self, context: &Context, call: ToolCall<'_>) -> Result<ToolResult, CallError> {
        let image = || Content::image(Bytes::from_static(PNG), "image/png");
        let embedded = |uri: &str| {
            Content::embedded(text_resource(uri, "This is an embedded resource content."))
        };
        let blocks = |content: Vec<Content>| ToolResult {
            content,
            ..ToolResult::default()
        };
        Ok(match call.name {
            "test_simple_text" => ToolResult::text("This is a simple text response for testing."),
            "test_image_content" => blocks(vec![image()]),
            "test_audio_content" => {
                blocks(vec![Content::audio(Bytes::from_static(WAV), "audio/wav")])
            }
            "test_embedded_resource" => blocks(vec![embedded("test://embedded-resource")]),
            "test_multiple_content_types" => blocks(vec![
                Content::text("Several kinds of content:"),
                image(),
                embedded("test://mixed-content-resource"),
            ]),
            "test_error_handling" => {
                ToolResult::error("This tool intentionally returns an error for testing")
            }
            "test_tool_with_progress" => {
                for (progress, message) in [(0.0, "started"), (50.0, "half way"), (100.0, "done")] {
                    context
                        .outbox
                        .progress(progress, Some(100.0), Some(message.to_owned()))
                        .await;
                    tokio::time::sleep(STEP).await;
                }
                ToolResult::text("made progress")
            }
            "test_tool_with_logging" | "test_logging_tool" => {
                for message in [
                    "Tool execution started",
                    "Tool processing data",
                    "Tool execution completed",
                ] {
                    context
                        .outbox
                        .log(
                            LogLevel::Info,
                            Some("fixture".to_owned()),
                            Json::of(message),
                        )
                        .await;
                    tokio::time::sleep(STEP).await;
                }
                ToolResult::text("logged")
            }
            "test_reconnection" => {
                context.outbox.detach().await;
                tokio::time::sleep(STEP).await;
                ToolResult::text("the result after coming back")
            }
            "test_trigger_tool_change" => self.announce(Change::Tools),
            "test_trigger_prompt_change" => self.announce(Change::Prompts),
            "json_schema_2020_12_tool" => {
                ToolResult::text(format!("called with {}", call.arguments.as_str()))
            }
            "test_custom_header" => ToolResult::text(argument(call, "region")),
            name => {
                return Err(CallError::Unknown {
                    kind: "tool",
                    name: name.to_owned(),
                });
            }
        })
    }
}

fn tool(name: &str, description: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        input_schema: Json::of(&schemas::input(name)).into(),
        ..Tool::default()
    }
}

/// An argument that the schema says is text.
fn argument(call: ToolCall<'_>, name: &str) -> String {
    call.arguments
        .get(name)
        .and_then(Slice::text)
        .map(Into::into)
        .unwrap_or_default()
}

fn text_resource(uri: &str, text: &str) -> ResourceContents {
    let body = ResourceBody::Text(text.into());
    ResourceContents {
        uri: uri.to_owned(),
        mime_type: Some("text/plain".to_owned()),
        body,
        meta: None,
    }
}

fn prompt(
    context: &Context,
    name: &str,
    arguments: Slice<'_>,
) -> Result<Outcome<PromptResult>, CallError> {
    let argument = |name: &str| {
        arguments
            .get(name)
            .and_then(Slice::text)
            .unwrap_or_default()
    };
    let say = |text: String| PromptMessage {
        role: Role::User,
        content: Content::text(text),
    };
    let messages = match name {
        "test_simple_prompt" => vec![say("This is a simple prompt for testing.".to_owned())],
        "test_prompt_with_arguments" => {
            vec![say(format!(
                "Prompt with arguments: arg1='{}', arg2='{}'",
                argument("arg1"),
                argument("arg2")
            ))]
        }
        "test_prompt_with_embedded_resource" => {
            let resource = text_resource(
                &argument("resourceUri"),
                "Embedded resource content for testing.",
            );
            vec![
                PromptMessage {
                    role: Role::User,
                    content: Content::embedded(resource),
                },
                say("Please process the embedded resource above.".to_owned()),
            ]
        }
        "test_prompt_with_image" => vec![
            PromptMessage {
                role: Role::User,
                content: Content::image(Bytes::from_static(PNG), "image/png"),
            },
            say("Please analyze the image above.".to_owned()),
        ],
        "test_input_required_result_prompt" => {
            match questions::accepted(context, "user_context", "context") {
                Some(said) => vec![say(format!("With this context: {said}"))],
                None => {
                    return Ok(Outcome::InputRequired(questions::form(
                        "user_context",
                        "What is the context?",
                        "context",
                    )));
                }
            }
        }
        name => {
            return Err(CallError::Unknown {
                kind: "prompt",
                name: name.to_owned(),
            });
        }
    };
    Ok(Outcome::Complete(PromptResult {
        description: None,
        messages,
    }))
}

fn read(uri: &str) -> Option<ResourceContents> {
    let contents = match uri {
        "test://static-text" => {
            text_resource(uri, "This is the content of the static text resource.")
        }
        "test://watched-resource" => text_resource(uri, "This resource can be subscribed to."),
        "test://static-binary" => ResourceContents {
            uri: uri.to_owned(),
            mime_type: Some("image/png".to_owned()),
            body: ResourceBody::Blob(Bytes::from_static(PNG)),
            meta: None,
        },
        _ => {
            let id = uri
                .strip_prefix("test://template/")?
                .strip_suffix("/data")?;
            let data: Value =
                json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            ResourceContents {
                mime_type: Some("application/json".to_owned()),
                ..text_resource(uri, &data.to_string())
            }
        }
    };
    Some(contents)
}
