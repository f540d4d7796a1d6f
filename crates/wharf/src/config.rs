//! `wharf.yaml`: the sections of the parts, put together.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use wharf_catalog::{TOOLS_TOKENS_MAX_DEFAULT, ToolsMode};
use wharf_config::{Environment, Places};
use wharf_upstream::{ClientCertificate, Credentials, Trust, UpstreamError};

use crate::cli::Input;
use crate::failure::{self, Failure};
use crate::secrets;
use crate::watched::Watched;

/// Where a configuration is looked for when none is named.
pub(crate) const DEFAULT_FILE: &str = "wharf.yaml";

/// What reading needs to know of [`Config`]. A test compares, and says how to renew it.
const DIGEST: &str = include_str!("config/digest.json").trim_ascii_end();

/// The configuration of a server.
///
/// Every text can refer to a secret instead of holding it: `${env:NAME}` is the environment variable, `${file:path}`
/// the contents of a file, relative to this one. `${ssm:/path/name}` is a parameter of AWS Systems Manager, decrypted,
/// and `${secretsmanager:name-or-arn}` a secret of AWS Secrets Manager, both with `#key` behind the name for one member
/// of a JSON text. They are asked for at the start and at each reload; `auth.issuers[].secret` is looked at again by itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The server's name, as clients show it.
    #[serde(default = "default_name")]
    pub(crate) name: String,
    /// What a model should know before it uses the tools.
    #[serde(default)]
    pub(crate) instructions: Option<String>,
    /// How the server listens, and what it bears.
    #[serde(default)]
    pub(crate) server: wharf_server::Config,
    /// Who may call over HTTP. Default: anybody who can reach the server. Over stdio nobody is asked: whoever started the
    /// process has its rights.
    #[serde(default)]
    pub(crate) auth: Option<wharf_auth::Config>,
    /// What is told of requests, and to whom.
    #[serde(default)]
    pub(crate) telemetry: wharf_telemetry::Config,
    /// Sign-in by an identity provider that cannot register clients. Default: none.
    #[serde(default)]
    pub(crate) sign_in: Option<Box<wharf_auth::SignInConfig>>,
    /// Where replicas keep what they must know together. Default: the memory of each.
    #[serde(default)]
    pub(crate) store: wharf_store::Config,
    /// The client that the list of tools is rendered for, where all clients are of one kind: schemas are brought within
    /// its known limits without changing what a call may hold. `wharf check --client NAME` shows what it would not bear
    /// otherwise. Default: none; the schemas are listed as they are.
    #[serde(default)]
    pub(crate) client_profile: Option<wharf_catalog::Client>,
    /// Whether clients are shown all tools, or three to find, describe and call them with: `all`, `search` or `auto`, which
    /// is `search` when the whole list costs more than `tools_tokens_max`. In each case every tool can be called by its own
    /// name. Default: `auto`: a list that fits is the better one, and one that does not fit is of no use.
    #[serde(default)]
    pub(crate) tools_mode: ToolsMode,
    /// The most that a whole list may cost a model, in tokens, where `tools_mode` is `auto`. Default: 20,000, a tenth of what
    /// common models can take in; the list is paid for in every conversation.
    #[serde(default = "default_tools_tokens_max")]
    pub(crate) tools_tokens_max: usize,
    /// Who may see and call what. Default: everybody everything, as far as they reach the server at all.
    #[serde(default)]
    pub(crate) access: Option<Box<wharf_catalog::AccessConfig>>,
    /// How much callers may call. Default: as much as the server bears.
    #[serde(default)]
    pub(crate) limits: Option<wharf_catalog::LimitsConfig>,
    /// The APIs to offer, each under a name of its own.
    pub(crate) sources: IndexMap<String, SourceConfig>,
    /// What it was read from.
    #[serde(skip)]
    pub(crate) file: ConfigFile,
}

/// The file of a configuration; empty where there is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConfigFile {
    /// The folder that relative paths start from.
    pub(crate) folder: PathBuf,
    /// Where its settings stand.
    pub(crate) places: Places,
}

impl ConfigFile {
    /// Whether there is one.
    pub(crate) fn is_there(&self) -> bool {
        self.places.place(&[] as &[&str]).is_some()
    }

    /// One of several mistakes, by the key that it is about.
    pub(crate) fn told(&self, key: &str, mistake: &impl fmt::Display, hint: &str) -> String {
        failure::told(self.places.place_of(key), mistake, Some(hint))
    }

    /// The place of a setting below a section of a source, for a failure.
    pub(crate) fn of_source(&self, source: &str, section: &str, keys: &[String]) -> Option<String> {
        let keys = keys.iter().map(String::as_str);
        let way: Vec<_> = ["sources", source, section]
            .into_iter()
            .chain(keys)
            .collect();
        self.places.place(&way)
    }

    /// The place of what an error of the way out is about, where that is a setting of the section `upstream`.
    pub(crate) fn of_upstream(&self, source: &str, error: &UpstreamError) -> Option<String> {
        let keys = error.keys();
        (!keys.is_empty()).then(|| self.of_source(source, "upstream", &keys))?
    }

    /// The same for an error of fetching the source's document, which has some settings of its own.
    pub(crate) fn of_document(&self, source: &str, error: &UpstreamError) -> Option<String> {
        match error.keys().split_first() {
            Some((first, _)) if first == "ca_pem" => self.of_upstream(source, error),
            Some((first, rest)) => self.of_source(source, &format!("document_{first}"), rest),
            None if matches!(error, UpstreamError::Url { .. }) => {
                self.of_source(source, "openapi", &[])
            }
            None => None,
        }
    }
}

/// One API to offer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceConfig {
    /// Its OpenAPI document: a file, relative to the configuration, or an `https:` URL.
    pub(crate) openapi: String,
    /// How fetching the document proves who asks. Default: `{type: none}`; the API's own credentials are not sent there.
    #[serde(default)]
    pub(crate) document_credentials: Credentials,
    /// A certificate that proves to the document's server who connects. Default: none.
    #[serde(default)]
    pub(crate) document_client_certificate: Option<ClientCertificate>,
    /// Put before the names of its tools, to tell them from those of other sources.
    #[serde(default)]
    pub(crate) prefix: Option<String>,
    /// How the API is reached.
    #[serde(default)]
    pub(crate) upstream: wharf_upstream::Config,
    /// Which of its operations become tools, and how.
    #[serde(default)]
    pub(crate) tools: ToolsConfig,
    /// How results are gathered, and brought down to what is needed. Default: they stay as they are.
    #[serde(default)]
    pub(crate) results: ResultsConfig,
    /// Who is trusted with its addresses.
    #[serde(skip)]
    pub(crate) rules: Rules,
}

/// Which operations of an API become tools, and how.
///
/// Two parts know of this, and people should not have to: hence `flatten`, with a test that unknown keys are refused.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolsConfig {
    /// How operations become tools.
    #[serde(flatten)]
    pub(crate) openapi: wharf_openapi::Config,
    /// Which of them are offered, and what is changed about them.
    #[serde(flatten)]
    pub(crate) view: wharf_catalog::ViewConfig,
}

/// How results are gathered, and brought down to what is needed.
///
/// Two parts know of this as well.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResultsConfig {
    /// How the pages of results are gathered into one, by the name of the tool as `wharf tools` shows it without `prefix`
    /// and without `tools.edit`; `"*"` is for all tools that are not named and that it suits. Default: none; a result is
    /// one page, and says what leads to the next.
    #[serde(default)]
    pub(crate) pages: BTreeMap<String, wharf_openapi::Pages>,
    /// How results are brought down to what is needed.
    #[serde(flatten)]
    pub(crate) shape: wharf_catalog::Shape,
}

impl From<wharf_openapi::Config> for ToolsConfig {
    fn from(openapi: wharf_openapi::Config) -> Self {
        Self {
            openapi,
            view: wharf_catalog::ViewConfig::default(),
        }
    }
}

impl SourceConfig {
    /// The source that `wharf serve DOCUMENT --base-url URL` stands for.
    pub(crate) fn of_document(document: &str, base_url: Option<String>) -> Self {
        Self {
            openapi: document.to_owned(),
            document_credentials: Credentials::default(),
            document_client_certificate: None,
            prefix: None,
            upstream: wharf_upstream::Config {
                base_url,
                ..wharf_upstream::Config::default()
            },
            tools: ToolsConfig::default(),
            results: ResultsConfig::default(),
            rules: Rules::default(),
        }
    }
}

/// Where a source's addresses may lead, and what about it is no failure.
///
/// Whoever writes a configuration or a command line is trusted with every address. `wharf openapi` is given some of its
/// addresses by others, and keeps to the rules of the server that it replaces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Who named the document's address.
    pub(crate) document: Trust,
    /// Who named `upstream.base_url`.
    pub(crate) base_url: Trust,
    /// A document is fetched over TLS or not at all.
    pub(crate) https_only: bool,
    /// How often fetching a document is tried.
    pub(crate) attempts_max: u32,
    /// A document without any tool is served all the same.
    pub(crate) may_be_empty: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            document: Trust::Operator,
            base_url: Trust::Operator,
            https_only: false,
            attempts_max: 1,
            may_be_empty: false,
        }
    }
}

fn default_tools_tokens_max() -> usize {
    TOOLS_TOKENS_MAX_DEFAULT
}

impl SourceConfig {
    /// Where the document is, as it may be printed: without what a URL keeps secret.
    pub(crate) fn shown(&self) -> String {
        if self.openapi.contains("://") {
            wharf_upstream::shown(&self.openapi)
        } else {
            self.openapi.clone()
        }
    }
}

fn default_name() -> String {
    "wharf".to_owned()
}

/// Reads what the command line names: a configuration, or one document that becomes one. `files` gets those it read.
pub(crate) async fn read(
    input: &Input,
    environment: &Environment,
    files: &mut Watched,
) -> Result<Config, Failure> {
    if let Some(document) = &input.document {
        return Ok(of_document(document, input.base_url.clone()));
    }
    let path = input
        .config
        .clone()
        .unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    if input.config.is_none() && !path.exists() {
        return Err(Failure::new(format!("there is no `{DEFAULT_FILE}` here, and no document was named"))
            .hint("name a document (`wharf serve openapi.yaml --base-url URL`), a configuration (`--config FILE`), or try `wharf demo`"));
    }
    files.add(&path);
    let refused = |errors: wharf_config::ConfigErrors| Failure::new(errors.to_string());
    let draft = wharf_config::Draft::read(&path).map_err(refused)?;
    let draft = draft.with_digest(DIGEST);
    let stored = secrets::ask_stores(draft.stored_references(), environment).await?;
    let loaded = draft
        .load::<Config>(environment, &stored)
        .map_err(refused)?;
    for file in &loaded.files {
        files.add(file);
    }
    for warning in &loaded.warnings {
        let what = warning.details();
        tracing::warn!(hint = what.hint(), "{what}");
    }
    let mut config = loaded.config;
    if let Some(auth) = &mut config.auth {
        secrets::rotate(auth, &loaded.stored, environment)?;
    }
    config.file = ConfigFile {
        folder: path.parent().map(Path::to_path_buf).unwrap_or_default(),
        places: loaded.places,
    };
    if config.sources.is_empty() {
        return Err(Failure::new(format!(
            "{}: `sources` is empty, so there is nothing to serve",
            path.display()
        ))
        .hint("add a source: its name, and below it `openapi:` with a document"));
    }
    Ok(config)
}

/// The configuration that `wharf serve DOCUMENT --base-url URL` stands for.
pub(crate) fn of_document(document: &str, base_url: Option<String>) -> Config {
    let source = SourceConfig::of_document(document, base_url);
    Config {
        name: default_name(),
        instructions: None,
        tools_mode: ToolsMode::default(),
        tools_tokens_max: default_tools_tokens_max(),
        client_profile: None,
        sign_in: None,
        store: wharf_store::Config::default(),
        access: None,
        limits: None,
        server: wharf_server::Config::default(),
        auth: None,
        telemetry: wharf_telemetry::Config::default(),
        sources: IndexMap::from([(document_name(document), source)]),
        file: ConfigFile::default(),
    }
}

/// `./apis/petstore.v1.yaml` as `petstore.v1`.
fn document_name(document: &str) -> String {
    let path = document
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .trim_end_matches('/');
    Path::new(path).file_stem().map_or_else(
        || "api".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_generated() {
        let digest = wharf_config::digest::<Config>();
        if digest != DIGEST {
            let made = std::env::temp_dir().join("digest.json");
            std::fs::write(&made, &digest).unwrap();
            panic!(
                "config/digest.json is not what the types say: cp {} crates/wharf/src/config/digest.json",
                made.display()
            );
        }
    }
}
