//! Everything that flags and variables can say, read once and typed.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use wharf_config::Environment;
use wharf_upstream::{Credentials, Seconds};

use super::arguments::{self, Given, Typed};
use super::credentials;
use super::values::{Said, Values};
use crate::cli::Log;
use crate::failure::Failure;

/// Where the API is when nobody says it. Hardly anybody's API is there, but it is the other server's default.
const API_URL: &str = "https://localhost:8000";

/// What the server is called when neither the document nor anybody else says it.
const API_NAME: &str = "awslabs-openapi-mcp-server";

/// Where metrics are when only `ENABLE_PROMETHEUS` is set.
const METRICS_PORT: u16 = 9090;

/// The other server's limit of connections to the API.
const CONNECTIONS_MAX: usize = 100;

/// Variables that tell of a container: there, what listens on the loopback address cannot be reached.
const CONTAINER_VARIABLES: [&str; 4] = [
    "KUBERNETES_SERVICE_HOST",
    "ECS_CONTAINER_METADATA_URI_V4",
    "ECS_CONTAINER_METADATA_URI",
    "container",
];

/// Files that Docker and Podman put into a container.
const CONTAINER_FILES: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// What the flags and variables come to.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent settings, not states"
)]
pub(crate) struct Settings {
    pub(crate) transport: Transport,
    /// `HOST:PORT`
    pub(crate) http: String,
    pub(super) mcp_path: String,
    pub(super) sessions: bool,
    pub(super) allowed_hosts: Vec<String>,
    pub(super) allowed_origins: Vec<String>,
    pub(super) call_timeout_s: Option<u64>,
    pub(super) shutdown_grace_s: Option<u64>,
    /// Where metrics are served, when they are.
    pub(crate) metrics: Option<String>,
    /// The name by `SERVER_NAME`, which goes before the document's title.
    pub(super) server_name: Option<String>,
    pub(super) api_name: String,
    pub(super) api_url: String,
    /// A URL or a file.
    pub(super) document: Document,
    pub(super) credentials: Credentials,
    pub(super) http_timeout: Option<Seconds>,
    pub(super) connections_max: usize,
    pub(super) retries: bool,
    pub(super) include_tags: Vec<String>,
    pub(super) exclude_tags: Vec<String>,
    /// Somebody asks for output schemas in full.
    pub(super) full_outputs: bool,
    pub(super) prompts: bool,
    pub(super) additional_specs: String,
    pub(super) allow_insecure_http: bool,
    pub(super) allow_private_networks: bool,
    pub(super) allowed_spec_dirs: Vec<PathBuf>,
    /// What was set and cannot be done, for the log once it is open.
    pub(crate) warnings: Vec<String>,
}

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Document {
    Url(String),
    File(String),
}

/// How clients are spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Stdio,
    /// Streamable HTTP, and HTTP+SSE beside it.
    Http,
    /// The same; clients are told of the path of HTTP+SSE.
    Sse,
}

impl FromStr for Transport {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "stdio" => Ok(Self::Stdio),
            "http" | "streamable-http" | "streamable_http" => Ok(Self::Http),
            "sse" => Ok(Self::Sse),
            _ => Err(()),
        }
    }
}

/// How much to log by these arguments: it is needed before anything else is read. Arguments that cannot be understood
/// are told of soon enough.
pub(crate) fn log_level(arguments: &[String], environment: &Environment) -> Log {
    match arguments::read(arguments) {
        Ok(Typed::Serve(given)) => log_level_of(&given, environment),
        Ok(Typed::Help) | Err(_) => Log::Info,
    }
}

fn log_level_of(given: &Given, environment: &Environment) -> Log {
    let values = Values { given, environment };
    let typed = given.value("--log-level").and_then(level);
    let of_variable = |name| values.variable(&[name]).and_then(|said| level(said.value));
    typed
        .or_else(|| given.has("--debug").then_some(Log::Debug))
        .or_else(|| of_variable("LOG_LEVEL"))
        .or_else(|| values.switch("--debug").then_some(Log::Debug))
        .or_else(|| of_variable("FASTMCP_LOG_LEVEL"))
        .unwrap_or(Log::Info)
}

/// Python's names of levels.
fn level(name: &str) -> Option<Log> {
    Some(match name.trim().to_ascii_uppercase().as_str() {
        "DEBUG" => Log::Debug,
        "INFO" => Log::Info,
        "WARNING" | "WARN" => Log::Warn,
        "ERROR" | "CRITICAL" => Log::Error,
        _ => return None,
    })
}

impl Settings {
    /// Reads everything. What the other server only logged is a warning here too; what it could not start with is a
    /// failure.
    pub(crate) fn read(given: &Given, environment: &Environment) -> Result<Self, Failure> {
        let values = Values { given, environment };
        let mut warnings = Vec::new();
        let (transport, is_of_framework) = transport(values)?;
        let host = host(values, transport);
        let port = port(values)?;
        let (allowed_hosts, allowed_origins) = admission(values, &host);
        let list = |name| values.said(name, &[]).map(Said::list).unwrap_or_default();
        let text = |name| values.flag(name).unwrap_or_default().to_owned();
        let api_url = api_url(values)?;
        let settings = Self {
            transport,
            http: join(&host, port),
            mcp_path: mcp_path(values),
            sessions: sessions(values, is_of_framework),
            allowed_hosts,
            allowed_origins,
            call_timeout_s: whole_seconds(values, "SERVER_MESSAGE_TIMEOUT")?,
            shutdown_grace_s: shutdown_grace(values)?,
            metrics: metrics(values)?,
            server_name: values
                .variable(&["SERVER_NAME"])
                .map(|said| said.value.to_owned())
                .filter(|name| !name.is_empty()),
            api_name: values.flag("--api-name").unwrap_or(API_NAME).to_owned(),
            api_url,
            document: document(values)?,
            credentials: credentials::read(values, &mut warnings)?,
            http_timeout: http_timeout(values)?,
            connections_max: connections(values)?,
            retries: !values
                .variable(&["USE_TENACITY"])
                .is_some_and(Said::is_false),
            include_tags: list("--include-tags"),
            exclude_tags: list("--exclude-tags"),
            full_outputs: full_outputs(values),
            prompts: !values
                .variable(&["ENABLE_OPERATION_PROMPTS"])
                .is_some_and(Said::is_false),
            additional_specs: text("--additional-specs"),
            allow_insecure_http: values.switch("--allow-insecure-http"),
            allow_private_networks: values.switch("--allow-private-networks"),
            allowed_spec_dirs: std::env::split_paths(&text("--allowed-spec-dirs"))
                .filter(|folder| !folder.as_os_str().is_empty())
                .collect(),
            warnings: Vec::new(),
        };
        warn_of_the_rest(values, &mut warnings);
        Ok(Self {
            warnings,
            ..settings
        })
    }
}

/// The transport, and whether it is the other server's framework that was told of it.
fn transport(values: Values<'_>) -> Result<(Transport, bool), Failure> {
    let ours = values.given.value("--transport").map(|value| Said {
        by: "--transport",
        value,
    });
    let said = ours
        .or_else(|| values.variable(&["TRANSPORT", "SERVER_TRANSPORT"]))
        .or_else(|| values.variable(&["FASTMCP_TRANSPORT"]));
    let Some(said) = said else {
        return Ok((Transport::Stdio, false));
    };
    let transport = said.value.parse().map_err(|()| {
        Failure::new(format!(
            "`{}` is `{}`, which is no transport",
            said.by, said.value
        ))
        .hint("the transports are `stdio`, `streamable-http` and `sse`")
    })?;
    Ok((transport, said.by == "FASTMCP_TRANSPORT"))
}

fn host(values: Values<'_>, transport: Transport) -> String {
    let said = values
        .said("--host", &["FASTMCP_HOST"])
        .map(|said| said.value.trim())
        .filter(|host| !host.is_empty());
    if let Some(host) = said {
        return host.to_owned();
    }
    let is_reachable_by_default = transport != Transport::Stdio && in_container(values);
    if is_reachable_by_default {
        "0.0.0.0"
    } else {
        "127.0.0.1"
    }
    .to_owned()
}

fn in_container(values: Values<'_>) -> bool {
    values.variable(&CONTAINER_VARIABLES).is_some()
        || CONTAINER_FILES.iter().any(|file| Path::new(file).exists())
}

fn port(values: Values<'_>) -> Result<u16, Failure> {
    let said = values.said("--port", &["FASTMCP_PORT"]);
    said.map_or(Ok(8000), |said| said.number("port"))
}

/// An IPv6 address stands in brackets before a port.
fn join(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// The other server does not look at the host that a client names. Whoever opens the port to others has said that
/// names of this machine are known elsewhere; on the loopback address the check stays, since it costs nobody anything.
fn admission(values: Values<'_>, host: &str) -> (Vec<String>, Vec<String>) {
    let list = |name| {
        values
            .variable(&[name])
            .map(|said| json_or_list(said.value))
    };
    let is_loopback = host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let hosts = list("FASTMCP_HTTP_ALLOWED_HOSTS").unwrap_or_else(|| {
        if is_loopback {
            Vec::new()
        } else {
            vec!["*".to_owned()]
        }
    });
    (
        hosts,
        list("FASTMCP_HTTP_ALLOWED_ORIGINS").unwrap_or_default(),
    )
}

/// The framework reads lists as JSON; people also write commas.
fn json_or_list(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| {
        Said {
            by: "",
            value: text,
        }
        .list()
    })
}

fn mcp_path(values: Values<'_>) -> String {
    let said = values
        .said("--mcp-path", &["FASTMCP_STREAMABLE_HTTP_PATH"])
        .map(|said| said.value.trim())
        .filter(|path| !path.is_empty());
    let path = said.unwrap_or("/mcp");
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    }
}

/// Without sessions by default, so that any replica can answer; with them where the framework was told to serve HTTP,
/// since that is its default.
fn sessions(values: Values<'_>, is_of_framework: bool) -> bool {
    let said = values.variable(&["STATELESS_HTTP", "FASTMCP_STATELESS_HTTP"]);
    said.map_or(is_of_framework, |said| !said.is_true())
}

fn whole_seconds(values: Values<'_>, name: &'static str) -> Result<Option<u64>, Failure> {
    let said = values.variable(&[name]);
    let seconds: Option<u64> = said
        .map(|said| said.number("number of seconds"))
        .transpose()?;
    if seconds == Some(0) {
        return Err(
            Failure::new(format!("`{name}` is 0, so that nothing could ever be done"))
                .hint("give a number of seconds, or unset it for the default"),
        );
    }
    Ok(seconds)
}

fn shutdown_grace(values: Values<'_>) -> Result<Option<u64>, Failure> {
    let is_off = values
        .variable(&["UVICORN_GRACEFUL_SHUTDOWN"])
        .is_some_and(Said::is_false);
    if is_off {
        return Ok(Some(0));
    }
    values
        .variable(&["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"])
        .map(|said| said.number("number of seconds"))
        .transpose()
}

fn metrics(values: Values<'_>) -> Result<Option<String>, Failure> {
    if !values
        .variable(&["ENABLE_PROMETHEUS", "USE_PROMETHEUS"])
        .is_some_and(Said::is_true)
    {
        return Ok(None);
    }
    let port = values
        .variable(&["PROMETHEUS_PORT"])
        .map_or(Ok(METRICS_PORT), |said| said.number("port"))?;
    Ok(Some(format!("0.0.0.0:{port}")))
}

fn api_url(values: Values<'_>) -> Result<String, Failure> {
    let url = values.flag("--api-url").unwrap_or(API_URL).trim();
    if url.is_empty() {
        return Err(Failure::new("the API's address is empty")
            .hint("set `API_BASE_URL`, or `--api-url`, to where the API is"));
    }
    // The other server loses a query as well; a base address with one is refused further down.
    Ok(url.split('?').next().unwrap_or(url).to_owned())
}

fn document(values: Values<'_>) -> Result<Document, Failure> {
    let said = |name| values.flag(name).filter(|value| !value.is_empty());
    match (said("--spec-url"), said("--spec-path")) {
        (Some(url), _) => Ok(Document::Url(url.to_owned())),
        (None, Some(path)) => Ok(Document::File(path.to_owned())),
        (None, None) => Err(Failure::new("no OpenAPI document is named")
            .hint("set `API_SPEC_URL` or `API_SPEC_PATH`, or give `--spec-url` or `--spec-path`")),
    }
}

fn http_timeout(values: Values<'_>) -> Result<Option<Seconds>, Failure> {
    let Some(said) = values.variable(&["HTTP_TIMEOUT"]) else {
        return Ok(None);
    };
    let seconds: f64 = said.number("number of seconds")?;
    Seconds::try_from(seconds)
        .map(Some)
        .map_err(|error| Failure::new(format!("`HTTP_TIMEOUT` is `{}`: {error}", said.value)))
}

fn connections(values: Values<'_>) -> Result<usize, Failure> {
    let said = values.variable(&["HTTP_MAX_CONNECTIONS"]);
    let connections = said.map_or(Ok(CONNECTIONS_MAX), |said| said.number("number"))?;
    if connections == 0 {
        return Err(
            Failure::new("`HTTP_MAX_CONNECTIONS` is 0, so that nothing could be called")
                .hint("give a number above 0, or unset it for 100"),
        );
    }
    Ok(connections)
}

/// Only where somebody asks: the other server checks by default, and so throws away what an upstream answers when it
/// differs from its document by one field. Any value but `false` asks.
fn full_outputs(values: Values<'_>) -> bool {
    !values.given.has("--no-validate-output")
        && values
            .variable(&["VALIDATE_OUTPUT"])
            .is_some_and(|said| !said.value.trim().eq_ignore_ascii_case("false"))
}

/// Says what is set and cannot have the effect that it promises.
fn warn_of_the_rest(values: Values<'_>, warnings: &mut Vec<String>) {
    for (name, usual) in [
        ("FASTMCP_SSE_PATH", "/sse"),
        ("FASTMCP_MESSAGE_PATH", "/messages/"),
    ] {
        if values
            .variable(&[name])
            .is_some_and(|said| said.value.trim_end_matches('/') != usual.trim_end_matches('/'))
        {
            warnings.push(format!("`{name}` has no effect: the path is `{usual}`"));
        }
    }
    for name in ["LOG_LEVEL", "FASTMCP_LOG_LEVEL"] {
        if values
            .variable(&[name])
            .is_some_and(|said| !said.value.is_empty() && level(said.value).is_none())
        {
            warnings.push(format!(
                "`{name}` is none of DEBUG, INFO, WARNING, ERROR and CRITICAL, and has no effect"
            ));
        }
    }
}

#[cfg(test)]
mod tests;
