//! `wharf call`: calls one tool, of a document, a configuration or a running server, and prints the answer.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use wharf_catalog::CALL_TOOL;
use wharf_client::Client;
use wharf_model::{CallError, Caller, Context, Json, JsonKind, Outcome, Slice};

use wharf_upstream::Seconds;

use crate::assemble::{self, Assembled, Schemas};
use crate::cli::{Call, Input};
use crate::failure::{self, Failure};
use crate::watched::Watched;
use crate::{secrets, terminal};

/// How long a running server may take.
const TIMEOUT_S: f64 = 300.0;

pub(crate) async fn run(call: &Call) -> Result<ExitCode, Failure> {
    let arguments = arguments(call)?;
    let calling = async {
        match &call.url {
            Some(url) => Box::pin(call_running(call, url, &arguments)).await,
            None => Box::pin(call_here(call, &arguments)).await,
        }
    };
    let result = terminal::while_waiting(&format!("calling {}", call.name), calling).await?;
    let is_error = result.slice().get("isError").and_then(Slice::boolean) == Some(true);
    if call.raw {
        terminal::result(result.as_str());
    } else {
        print(&result);
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
    let assembled = assemble::assemble(&input, Schemas::Later, &mut Watched::default()).await?;
    let context = Context {
        caller: caller(call, &assembled)?,
        ..Context::default()
    };
    let catalog = assembled.catalog.counted_alone();
    let outcome = catalog
        .call_tool(&context, &call.name, arguments.slice())
        .await;
    match outcome {
        Ok(Outcome::Complete(result)) => Ok(wharf_mcp::tool_result(&result)),
        Ok(Outcome::InputRequired(_)) => Err(Failure::new(format!(
            "`{}` asks for more in the middle of a call",
            call.name
        ))
        .hint("serve it, and call it from a client that a person sits at")),
        Err(CallError::Unknown { name, .. }) => {
            let names = catalog.tools().iter().map(|tool| tool.name.as_str());
            Err(unknown_tool(&name, names))
        }
        Err(CallError::Forbidden { scopes }) => Err(Failure::new("the caller may not do this")
            .hint(format!(
                "these scopes would permit it: `{}`",
                scopes.join("`, `")
            ))),
        Err(error) => Err(Failure::of(&error)),
    }
}

/// Who calls. Where it matters, it must be said: whoever can read the configuration is nobody in its rules.
fn caller(call: &Call, assembled: &Assembled) -> Result<Caller, Failure> {
    match &call.who.who {
        Some(who) => Ok(who.clone()),
        None if assembled.catalog.access().is_none() => Ok(Caller::default()),
        None => Err(
            Failure::new("`access` says who may call what, and nobody calls")
                .hint("say as whom, such as `--as scope=pets:read` or `--as unknown`"),
        ),
    }
}

fn unknown_tool<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    Failure::new(format!("there is no tool `{name}`")).hint(
        wharf_config::nearest(name, known).map_or_else(
            || "`wharf tools` lists those of a document or configuration".to_owned(),
            |nearest| format!("did you mean `{nearest}`?"),
        ),
    )
}

async fn call_running(call: &Call, url: &str, arguments: &Json) -> Result<Json, Failure> {
    let failure = |error: wharf_client::ClientError| Failure::of(&error).hint(error.hint());
    let timeout = Seconds::try_from(TIMEOUT_S).map_err(Failure::new)?;
    let client = Client::connect(url, headers(call)?, timeout, secrets::network()?)
        .await
        .map_err(failure)?;
    // Text from the command line may have to be a number or a list; the tool's schema says so.
    let tools = client.tools().await.map_err(failure)?;
    let is_it = |tool: &Json, name: &str| {
        let own = tool.slice().get("name").and_then(Slice::text);
        own.is_some_and(|own| own == name)
    };
    let Some(tool) = tools.iter().find(|tool| is_it(tool, &call.name)) else {
        if tools.iter().any(|tool| is_it(tool, CALL_TOOL)) {
            // In search mode tools are not listed: the one that calls them fits the arguments, and knows names alike.
            let wanted = json!({"name": call.name, "arguments": arguments});
            return client
                .call(CALL_TOOL, &Json::of(&wanted))
                .await
                .map_err(failure);
        }
        let names: Vec<_> = tools
            .iter()
            .filter_map(|tool| tool.slice().get("name")?.text())
            .collect();
        return Err(unknown_tool(&call.name, names.iter().map(AsRef::as_ref)));
    };
    let schema = tool
        .slice()
        .get("inputSchema")
        .map_or_else(Json::empty_object, Slice::to_json);
    let arguments = wharf_catalog::fit(&schema, arguments);
    client.call(&call.name, &arguments).await.map_err(failure)
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
        if parsed.kind() != JsonKind::Object {
            return Err(Failure::new("`--json` is no object")
                .hint("it looks like `--json '{\"petId\": 1}'`"));
        }
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
fn print(result: &Json) {
    for content in result
        .slice()
        .get("content")
        .map(Slice::items)
        .unwrap_or_default()
    {
        let content: Value = content.to_value();
        let text = |key: &str| content.get(key).and_then(Value::as_str);
        let resource = |key: &str| content.get("resource")?.get(key)?.as_str();
        match (text("type"), text("text").or_else(|| resource("text"))) {
            (Some("text" | "resource"), Some(text)) => print_text(text),
            (Some("resource_link"), _) => print_text(text("uri").unwrap_or_default()),
            (Some(kind), _) => {
                let mime = text("mimeType")
                    .or_else(|| resource("mimeType"))
                    .unwrap_or("unknown type");
                let data = text("data").or_else(|| resource("blob"));
                let bytes = data.map_or(0, |data| data.len() / 4 * 3);
                terminal::say(format_args!(
                    "({kind}, {mime}, about {bytes} bytes; `--raw` prints it)"
                ));
            }
            (None, _) => {}
        }
    }
}

fn print_text(text: &str) {
    let pretty = io::stdout()
        .is_terminal()
        .then(|| {
            serde_json::from_str::<Value>(text)
                .ok()
                .filter(|value| value.is_object() || value.is_array())
        })
        .flatten()
        .map(|value| format!("{value:#}"));
    terminal::result(pretty.as_deref().unwrap_or(text));
}
