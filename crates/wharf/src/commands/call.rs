//! `wharf call`: calls one tool, of a document, a configuration or a running server, and prints the answer.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use wharf_client::Client;
use wharf_model::{CallError, Context, Json, Outcome};

use wharf_upstream::Seconds;

use crate::assemble;
use crate::cli::{Call, Input};
use crate::failure::{self, Failure};
use crate::terminal;

/// How long a running server may take.
const TIMEOUT_S: f64 = 300.0;

pub(crate) async fn run(call: &Call) -> Result<ExitCode, Failure> {
    let arguments = arguments(call)?;
    let result = match &call.url {
        Some(url) => call_running(call, url, &arguments).await?,
        None => call_here(call, &arguments).await?,
    };
    let is_error = result
        .slice()
        .get("isError")
        .and_then(wharf_model::Slice::boolean)
        == Some(true);
    if call.raw {
        terminal::result(result.as_str());
    } else {
        print(&result)?;
    }
    Ok(if is_error {
        failure::tool_error()
    } else {
        failure::DONE
    })
}

/// Builds the tool's source here and calls it: what a server would answer, without one.
async fn call_here(call: &Call, arguments: &Json) -> Result<Json, Failure> {
    let input = Input {
        document: call.document.clone(),
        base_url: call.base_url.clone(),
        config: call.config.clone(),
    };
    let assembled = assemble::assemble(&input).await?;
    let outcome = assembled
        .catalog
        .call_tool(&Context::default(), &call.name, arguments.slice())
        .await;
    match outcome {
        Ok(Outcome::Complete(result)) => Ok(wharf_mcp::tool_result(&result)),
        Ok(Outcome::InputRequired(_)) => Err(Failure::new(format!(
            "`{}` asks for more in the middle of a call",
            call.name
        ))
        .hint("serve it, and call it from a client that a person sits at")),
        Err(CallError::Unknown { name, .. }) => {
            let names: Vec<_> = assembled
                .catalog
                .tools()
                .iter()
                .map(|tool| tool.name.as_str())
                .collect();
            let nearest = wharf_config::nearest(&name, names);
            Err(
                Failure::new(format!("there is no tool `{name}`")).hint(nearest.map_or_else(
                    || "`wharf tools` lists them".to_owned(),
                    |nearest| format!("did you mean `{nearest}`? `wharf tools` lists them all"),
                )),
            )
        }
        Err(error) => Err(Failure::of(&error)),
    }
}

async fn call_running(call: &Call, url: &str, arguments: &Json) -> Result<Json, Failure> {
    let failure = |error: wharf_client::ClientError| Failure::of(&error).hint(error.hint());
    let timeout = Seconds::try_from(TIMEOUT_S).map_err(Failure::new)?;
    let client = Client::connect(url, headers(call)?, timeout)
        .await
        .map_err(failure)?;
    client.call(&call.name, arguments).await.map_err(failure)
}

fn headers(call: &Call) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for header in &call.header {
        let parsed = header.split_once(':').and_then(|(name, value)| {
            Some((
                HeaderName::try_from(name.trim()).ok()?,
                HeaderValue::from_str(value.trim()).ok()?,
            ))
        });
        let (name, value) = parsed.ok_or_else(|| {
            Failure::new("a `--header` is no header")
                .hint("it looks like `--header 'X-Api-Key: secret'`")
        })?;
        headers.append(name, value);
    }
    if let Some(bearer) = &call.bearer {
        let value = HeaderValue::try_from(format!("Bearer {bearer}")).map_err(|_| {
            Failure::new("the `--bearer` token has characters that no header can carry")
        })?;
        headers.insert(http::header::AUTHORIZATION, value);
    }
    Ok(headers)
}

/// `key=text`, `key:=JSON`, or everything as `--json`.
fn arguments(call: &Call) -> Result<Json, Failure> {
    if let Some(json) = &call.json {
        let parsed = Json::parse(json.clone().into()).map_err(|error| {
            Failure::new(format!("`--json` is not JSON: {error}"))
                .hint("it looks like `--json '{\"petId\": 1}'`")
        })?;
        return Ok(parsed);
    }
    let mut object = Map::new();
    for argument in &call.arguments {
        let Some((key, text)) = argument.split_once('=') else {
            return Err(Failure::new(format!("argument `{argument}` has no `=`"))
                .hint("it looks like `petId=1`, or `tags:='[\"a\"]'` for JSON"));
        };
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => {
                let value: Value = serde_json::from_str(text).map_err(|error| {
                    Failure::new(format!("the value of `{key}` is not JSON: {error}"))
                        .hint("`key=text` takes text as it is")
                })?;
                (key, value)
            }
            None => (key, Value::from(text)),
        };
        object.insert(key.to_owned(), value);
    }
    Ok(Json::of(&object))
}

/// The content, for people: text as it is, JSON indented on a terminal, what is no text as a note.
fn print(result: &Json) -> Result<(), Failure> {
    for content in result
        .slice()
        .get("content")
        .map(wharf_model::Slice::items)
        .unwrap_or_default()
    {
        let content: Value = content.to_value();
        let text = |key: &str| content.get(key).and_then(Value::as_str);
        match text("type") {
            Some("text") => print_text(text("text").unwrap_or_default())?,
            Some(kind) => {
                let mime = text("mimeType").or_else(|| {
                    content
                        .pointer("/resource/mimeType")
                        .and_then(Value::as_str)
                });
                let data = text("data")
                    .or_else(|| content.pointer("/resource/blob").and_then(Value::as_str));
                let bytes = data.map_or(0, |data| data.len() / 4 * 3);
                terminal::say(format_args!(
                    "({kind}, {}, about {bytes} bytes; `--raw` prints it)",
                    mime.unwrap_or("unknown type")
                ));
            }
            None => {}
        }
    }
    Ok(())
}

fn print_text(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let pretty = stdout
        .is_terminal()
        .then(|| {
            serde_json::from_str::<Value>(text)
                .ok()
                .filter(|value| value.is_object() || value.is_array())
        })
        .flatten()
        .map(|value| format!("{value:#}"));
    writeln!(stdout, "{}", pretty.as_deref().unwrap_or(text)).or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Failure::new(format!("cannot print: {error}"))),
    })
}
