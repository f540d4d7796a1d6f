//! From a configuration to everything that is offered: documents read, sources built, one catalog over them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use wharf_auth::{Authenticator, Lists, Resource, SignIn};
use wharf_catalog::{
    Catalog, Mistake, NoAnswer, Offer, RuleMistake, ShapeError, Shaped, SharedCount, SharedLimits,
    SharedPlace, ToolsMode, View,
};
use wharf_config::Environment;
use wharf_mcp::{Server, Settings};
use wharf_model::{BoxFuture, Observer, Source, with_causes};
use wharf_openapi::{Document, DocumentError, OpenApi, PagesMistake, Report, Whereabouts};
use wharf_store::{Count, SharedStore, Store, StoreError};
use wharf_upstream::{FetchOptions, Fetched, Trust, Upstream, UpstreamError, fetch_document};

use crate::cli::Input;
use crate::config::{self, Config, ConfigFile, SourceConfig};
use crate::failure::{self, Failure};
use crate::file;
use crate::policy;
use crate::references::{self, Origin};
use crate::secrets::{self, Surroundings};
use crate::terminal;
use crate::watched::Watched;

/// A document file larger than this is not read: the largest public descriptions have about 40 MB.
const DOCUMENT_BYTES_MAX: u64 = 256 << 20;

/// When what tools take is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schemas {
    /// With the tools: all of them are about to be looked at.
    Now,
    /// When somebody looks, where clients will not see all of them anyway.
    Later,
}

/// What a configuration gives.
pub(crate) struct Assembled {
    pub(crate) config: Config,
    pub(crate) catalog: Catalog,
    /// Who finds out who calls, where somebody is asked.
    pub(crate) authenticator: Option<Authenticator>,
    pub(crate) reports: Vec<SourceReport>,
    /// How many policies decide besides the rules, where there is a file of them.
    pub(crate) policies: Option<usize>,
}

/// What one source gave.
pub(crate) struct SourceReport {
    pub(crate) name: String,
    pub(crate) report: Report,
}

/// Reads what the command line names and builds everything from it; a source without a tool is a failure. `files` gets
/// every file that was read or looked for, also where that fails.
pub(crate) async fn assemble(
    input: &Input,
    schemas: Schemas,
    files: &mut Watched,
) -> Result<Assembled, Failure> {
    let assembled = assemble_whatever(input, schemas, files).await?;
    for (source, SourceReport { report, .. }) in
        assembled.config.sources.values().zip(&assembled.reports)
    {
        if report.tools == 0 && !source.rules.may_be_empty {
            let reason = report.left_out.first().map_or_else(
                || "it has no operations".to_owned(),
                |first| {
                    format!(
                        "each of its operations is left out; {}: {}",
                        first.operation, first.reason
                    )
                },
            );
            return Err(Failure::new(format!(
                "{}: there is no tool to offer: {reason}",
                source.shown()
            ))
            .hint("`wharf check` shows each operation that is left out, and why"));
        }
    }
    Ok(assembled)
}

/// Reads what the command line names and builds everything from it, be it nothing.
pub(crate) async fn assemble_whatever(
    input: &Input,
    schemas: Schemas,
    files: &mut Watched,
) -> Result<Assembled, Failure> {
    let config = config::read(input, &Environment::of_process(), files).await?;
    of_config(config, schemas, files).await
}

/// Builds everything from a configuration.
pub(crate) async fn of_config(
    mut config: Config,
    schemas: Schemas,
    files: &mut Watched,
) -> Result<Assembled, Failure> {
    let reads_scopes = config
        .access
        .as_ref()
        .is_some_and(|access| access.document_scopes);
    // A list that is whole, or rendered for a client, takes them all.
    let schemas_later = schemas == Schemas::Later
        && config.tools_mode != ToolsMode::All
        && config.client_profile.is_none();
    for source in config.sources.values_mut() {
        source.tools.openapi.scopes = reads_scopes;
        // A filter as one more argument stands in the schema of each tool.
        source.tools.openapi.schemas_later =
            schemas_later && !source.results.shape.allow_projection;
    }
    config.server.check().map_err(|mistake| {
        let way = [vec!["server"], mistake.keys()].concat();
        Failure::new(mistake.to_string())
            .hint(mistake.hint())
            .at(config.file.places.place(&way))
    })?;
    let store = store(&config.store)?;
    let authenticator = authenticator(&config, &store)?;
    let mut offers = Vec::new();
    let mut reports = Vec::new();
    for (name, source) in &config.sources {
        let (offer, report) = build_source(name, source, &config.file, files)
            .await
            .map_err(|failure| {
                if config.sources.len() > 1 {
                    failure.within(&format!("source `{name}`"))
                } else {
                    failure
                }
            })?;
        offers.push(offer);
        reports.push(SourceReport {
            name: name.clone(),
            report,
        });
    }
    let mut catalog =
        Catalog::build(offers).map_err(|error| Failure::of(&error).hint(error.hint()))?;
    if let Some(client) = config.client_profile {
        catalog = catalog.rendered_for(client);
    }
    catalog
        .list_tools(config.tools_mode, config.tools_tokens_max)
        .map_err(|error| Failure::of(&error).hint(error.hint()))?;
    let mut policies = None;
    if let Some(access) = &config.access {
        let policy = access
            .cedar
            .as_ref()
            .map(|cedar| policy::read(&catalog, cedar, &config.file, files))
            .transpose()?;
        policies = policy.as_ref().map(|(_, count)| *count);
        catalog = catalog
            .restricted(access, policy.map(|(policy, _)| policy))
            .map_err(|mistakes| of_rules(&mistakes, &config.file))?;
    }
    if let Some(limits) = &config.limits {
        let together = store.shared().cloned().map(Together);
        let together = together.map(|together| Arc::new(together) as Arc<dyn SharedLimits>);
        catalog = catalog
            .limited(limits, together)
            .map_err(|mistakes| of_rules(&mistakes, &config.file))?;
    }
    Ok(Assembled {
        config,
        catalog,
        authenticator,
        reports,
        policies,
    })
}

/// The stores that there have been, by what they were configured as. One that is wanted again is the same: a memory forgets
/// nothing by a reload, and one elsewhere keeps its connection.
static STORES: Mutex<Vec<(wharf_store::Config, Store)>> = Mutex::new(Vec::new());

/// Each new password makes another, and calls under the one before end soon.
const STORES_MAX: usize = 4;

/// What replicas know together.
fn store(config: &wharf_store::Config) -> Result<Store, Failure> {
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, store)) = stores.iter().find(|(known, _)| known == config) {
        return Ok(store.clone());
    }
    let environment = Environment::of_process();
    let store = Store::new(config, &Surroundings(&environment))
        .map_err(|error| Failure::of(&error).hint(error.hint()))?;
    if stores.len() == STORES_MAX
        && let Some(oldest) = stores
            .iter()
            .position(|(_, store)| store.shared().is_some())
    {
        stores.remove(oldest);
    }
    stores.push((config.clone(), store.clone()));
    Ok(store)
}

/// Done when every call that has ended has left its place in what replicas share, or that takes too long. A process that
/// ends before would leave them to end by themselves.
pub(crate) async fn places_left() {
    let stores = STORES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    for store in stores.iter().filter_map(|(_, store)| store.shared()) {
        store.left().await;
    }
}

/// Who finds out who calls. Everything that is wrong with the sections is told at once.
fn authenticator(config: &Config, store: &Store) -> Result<Option<Authenticator>, Failure> {
    let public_url = config.server.public_url.as_deref();
    let resource = public_url
        .map(|url| Resource::new(&config.name, url, &config.server.path))
        .transpose()
        .map_err(|mistake| of_auth(&[mistake], &config.file))?;
    let auth = config.auth.as_ref();
    let needs_caller = config
        .access
        .as_ref()
        .is_some_and(|it| it.calls_need_caller);
    if auth.is_some_and(|auth| auth.lists == Lists::Open) && !needs_caller {
        return Err(Failure::new(
            "`auth.lists` is `open`, but calls are not refused to those who did not sign in",
        )
        .hint("add `access: {calls_need_caller: true}`"));
    }
    let sign_in = sign_in(config, resource.as_ref(), store)?;
    if config.auth.is_none() && sign_in.is_none() {
        return Ok(None);
    }
    let mut auth = config.auth.clone().unwrap_or_default();
    for issuer in &mut auth.issuers {
        issuer.network = secrets::network()?;
    }
    Authenticator::new(&auth, resource.as_ref(), sign_in)
        .map(Some)
        .map_err(|mistakes| of_auth(&mistakes, &config.file))
}

/// Who signs people in, if somebody does.
fn sign_in(
    config: &Config,
    resource: Option<&Resource>,
    store: &Store,
) -> Result<Option<SignIn>, Failure> {
    let Some(section) = &config.sign_in else {
        return Ok(None);
    };
    let (Some(public_url), Some(resource)) = (&config.server.public_url, resource) else {
        return Err(Failure::new(
            "`sign_in` is there without `server.public_url`, its name as an issuer",
        )
        .hint(
            "give the address by which clients reach the server, such as `https://mcp.example.com`",
        ));
    };
    let section = wharf_auth::SignInConfig {
        network: secrets::network()?,
        ..(**section).clone()
    };
    SignIn::new(&section, public_url, resource.url(), store.clone())
        .map(Some)
        .map_err(|mistake| of_auth(&[mistake], &config.file))
}

/// What counts calls together with the other replicas.
struct Together(SharedStore);

impl SharedLimits for Together {
    fn count(
        &self,
        name: String,
        window: Duration,
    ) -> BoxFuture<'_, Result<SharedCount, NoAnswer>> {
        Box::pin(async move {
            let counted = self.0.count(&name, window).await;
            let Count { count, ends_in } = counted.map_err(|error| no_answer(&error))?;
            Ok(SharedCount { count, ends_in })
        })
    }

    fn take_place(
        &self,
        name: String,
        max: u32,
        life: Duration,
    ) -> BoxFuture<'_, Result<SharedPlace, NoAnswer>> {
        Box::pin(async move {
            let taken = self.0.take_place(&name, max, life).await;
            Ok(match taken.map_err(|error| no_answer(&error))? {
                Some(place) => SharedPlace::Taken(Box::new(place)),
                None => SharedPlace::Full,
            })
        })
    }
}

fn no_answer(error: &StoreError) -> NoAnswer {
    NoAnswer {
        reason: with_causes(error),
        is_told: matches!(error, StoreError::Resting { .. }),
    }
}

fn of_auth(mistakes: &[wharf_auth::ConfigMistake], file: &ConfigFile) -> Failure {
    let told = mistakes
        .iter()
        .map(|mistake| file.told(&mistake.at, mistake, &mistake.hint));
    Failure::new(told.collect::<Vec<_>>().join("\n"))
}

/// Builds one source; `files` gets those that it was read from.
pub(crate) async fn build_source(
    name: &str,
    source: &SourceConfig,
    file: &ConfigFile,
    files: &mut Watched,
) -> Result<(Offer, Report), Failure> {
    let (document, location) = read_document(name, source, file, files).await?;
    let whereabouts = Whereabouts {
        base_url: source.upstream.base_url.as_deref(),
        document_url: location.as_deref(),
    };
    let environment = Environment::of_process();
    let mut upstream = source
        .upstream
        .completed(&document.security_schemes(), &Surroundings(&environment))
        .map_err(|error| {
            Failure::of_upstream(&error)
                .within(&source.shown())
                .at(file.of_upstream(name, &error))
        })?;
    upstream.network = secrets::network()?;
    let tools = wharf_openapi::Config {
        name: Some(name.to_owned()),
        supplied: upstream.supplied(),
        result_bytes_max: if source.results.shape.is_default() {
            source.tools.openapi.result_bytes_max
        } else {
            // What a filter sees must be whole; what it leaves is cut later.
            source.upstream.response_bytes_max
        },
        ..source.tools.openapi.clone()
    };
    let (openapi, report) = OpenApi::build(document, &tools, whereabouts).map_err(|error| {
        let place = matches!(error, DocumentError::BaseUrl { .. })
            .then(|| file.of_source(name, "upstream", &["base_url".to_owned()]))
            .flatten();
        Failure::of(&error)
            .hint(error.hint())
            .within(&source.shown())
            .at(place)
    })?;
    if let Some(first) = report.without_credentials.first() {
        tracing::warn!(
            source = name,
            tools = report.without_credentials.len(),
            first,
            "tools want credentials for their security schemes that are not given; they are called without"
        );
    }
    let base_url = openapi.base_url().map(str::to_owned).ok_or_else(|| {
        Failure::new(format!(
            "{}: the document does not say where its API is",
            source.shown()
        ))
        .hint(if file.is_there() {
            "say it with `upstream.base_url`"
        } else {
            "say it with `--base-url URL`"
        })
        .at(file.of_source(name, "openapi", &[]))
    })?;
    let trust = if source.upstream.base_url.is_some() {
        source.rules.base_url
    } else {
        Trust::Document
    };
    let upstream = Upstream::new(&upstream, &base_url, trust).map_err(|error| {
        let hint = match (&error, trust) {
            (UpstreamError::Url { .. } | UpstreamError::Refused { .. }, Trust::Document) => format!("if you mean that address, say so: `--base-url {base_url}`, or `upstream.base_url` in the configuration"),
            _ => error.hint().unwrap_or_default().into_owned(),
        };
        Failure::of(&error)
            .hint(hint)
            .within(&source.shown())
            .at(file.of_upstream(name, &error))
    })?;
    let openapi = openapi
        .with_upstream(upstream)
        .with_pages(&source.results.pages)
        .map_err(|mistakes| of_mistakes(name, "results", &mistakes, file))?;
    let view = View::of(Arc::new(openapi), &source.tools.view)
        .map_err(|mistakes| of_mistakes(name, "tools", &mistakes, file))?;
    let offer = Offer {
        source: shaped(view, name, source, file)?,
        prefix: source.prefix.clone(),
    };
    Ok((offer, report))
}

/// Everything that is wrong with a section of a source.
fn of_mistakes(
    source: &str,
    section: &str,
    mistakes: &[impl Misconfigured],
    file: &ConfigFile,
) -> Failure {
    let told = mistakes.iter().map(|mistake| {
        let hint = meant(mistake.misspelling()).or(mistake.hint().map(str::to_owned));
        let place = file.of_source(source, section, &mistake.keys());
        let mistake = format_args!("source `{source}`: {mistake}");
        failure::told(place, &mistake, hint.as_deref())
    });
    Failure::new(told.collect::<Vec<_>>().join("\n"))
}

/// Everything that is wrong with rules over all tools.
fn of_rules(mistakes: &[RuleMistake], file: &ConfigFile) -> Failure {
    let told = mistakes.iter().map(|mistake| {
        let hint = meant(mistake.misspelling()).unwrap_or_else(|| mistake.hint().to_owned());
        file.told(mistake.key(), mistake, &hint)
    });
    Failure::new(told.collect::<Vec<_>>().join("\n"))
}

/// What was probably meant, as a question, where a name is like one of the candidates.
pub(crate) fn meant(misspelling: Option<(&str, &[String])>) -> Option<String> {
    let (given, candidates) = misspelling?;
    let nearest = wharf_config::nearest(given, candidates.iter().map(String::as_str))?;
    Some(format!("did you mean `{nearest}`?"))
}

/// A mistake in the configuration, as one of the parts tells it.
trait Misconfigured: std::fmt::Display {
    fn misspelling(&self) -> Option<(&str, &[String])>;
    fn hint(&self) -> Option<&'static str>;
    fn keys(&self) -> Vec<String>;
}

impl Misconfigured for Mistake {
    fn misspelling(&self) -> Option<(&str, &[String])> {
        Self::misspelling(self)
    }

    fn hint(&self) -> Option<&'static str> {
        Self::hint(self)
    }

    fn keys(&self) -> Vec<String> {
        Self::keys(self)
    }
}

impl Misconfigured for PagesMistake {
    fn misspelling(&self) -> Option<(&str, &[String])> {
        Self::misspelling(self)
    }

    fn hint(&self) -> Option<&'static str> {
        Some(Self::hint(self))
    }

    fn keys(&self) -> Vec<String> {
        Self::keys(self)
    }
}

/// The source with its results shaped, where that is configured.
fn shaped(
    inner: Arc<dyn Source>,
    name: &str,
    source: &SourceConfig,
    file: &ConfigFile,
) -> Result<Arc<dyn Source>, Failure> {
    if source.results.shape.is_default() {
        return Ok(inner);
    }
    let bytes_max = source.tools.openapi.result_bytes_max;
    let shaped = Shaped::new(inner, &source.results.shape, bytes_max).map_err(|error| {
        let hint = match &error {
            ShapeError::UnknownTool { tool, candidates } => meant(Some((tool, candidates)))
                .unwrap_or_else(|| "`wharf tools` lists the names".to_owned()),
            ShapeError::BadFilter { .. } => "docs/results.md says what of jq there is".to_owned(),
        };
        Failure::of(&error)
            .hint(hint)
            .at(file.of_source(name, "results", &error.keys()))
    })?;
    Ok(Arc::new(shaped))
}

/// Reads a document from a file or a URL. Gives the URL it came from, if it did.
async fn read_document(
    name: &str,
    source: &SourceConfig,
    file: &ConfigFile,
    files: &mut Watched,
) -> Result<(Document, Option<String>), Failure> {
    let location = &source.openapi;
    let environment = Environment::of_process();
    if location.starts_with("http://") || location.starts_with("https://") {
        let options = FetchOptions {
            trust: source.rules.document,
            allow_private_networks: source.upstream.allow_private_networks,
            https_only: source.rules.https_only,
            ca_pem: source.upstream.ca_pem.clone(),
            credentials: source
                .document_credentials
                .completed(&Surroundings(&environment))
                .map_err(|error| Failure::of_upstream(&error).within(&source.shown()))?,
            client_certificate: source.document_client_certificate.clone(),
            network: secrets::network()?,
            ..FetchOptions::default()
        };
        // Apart: most documents are files, and all would carry its room.
        let fetching = Box::pin(fetch(location, &options, source.rules.attempts_max));
        let fetched = terminal::while_waiting(&format!("fetching {}", source.shown()), fetching)
            .await
            .map_err(|error| {
                Failure::of_upstream(&error)
                    .within(&source.shown())
                    .at(file.of_document(name, &error))
            })?;
        let document = parse(fetched.body, &source.shown())?;
        let origin = Origin::Server {
            url: &fetched.url,
            options: &options,
        };
        let document = references::attach(document, &origin, files).await;
        return Ok((document, Some(fetched.url)));
    }
    let path = file.folder.join(location);
    files.add(&path);
    let read = read_document_file(&path).map_err(|failure| {
        let place = file.of_source(name, "openapi", &[]);
        failure.at(place)
    })?;
    let document = parse(Bytes::from(read), location)?;
    let document = references::attach(document, &Origin::File(&path), files).await;
    Ok((document, None))
}

fn parse(bytes: Bytes, location: &str) -> Result<Document, Failure> {
    Document::read(bytes).map_err(|error| Failure::of(&error).hint(error.hint()).within(location))
}

/// Fetches, and tries again after one second, then two, …, where another try can help.
async fn fetch(
    location: &str,
    options: &FetchOptions,
    attempts_max: u32,
) -> Result<Fetched, UpstreamError> {
    let mut attempt = 1;
    loop {
        match fetch_document(location, options).await {
            Err(error) if attempt < attempts_max && error.may_pass() => {
                tracing::warn!(
                    error = %with_causes(&error),
                    attempt,
                    "cannot fetch the document; trying again"
                );
                tokio::time::sleep(Duration::from_secs(attempt.into())).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

fn read_document_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let hint = "a document is a file here or an `http(s)://` URL";
    file::read(path, DOCUMENT_BYTES_MAX, hint)
}

/// The MCP server over what was assembled.
pub(crate) fn server(
    config: &Config,
    catalog: Catalog,
    observer: Option<Arc<dyn Observer>>,
) -> Server {
    let limits = &config.server.limits;
    let settings = Settings {
        name: config.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instructions: config.instructions.clone(),
        sessions: config.server.sessions,
        sse_transport: config.server.sse_transport,
        allowed_hosts: config.server.allowed_hosts.clone(),
        allowed_origins: config.server.allowed_origins.clone(),
        limits: wharf_mcp::Limits {
            body_bytes_max: limits.body_bytes_max,
            call_timeout: Duration::from_secs(limits.call_timeout_s),
            nesting_max: limits.nesting_max,
            sessions_max: limits.sessions_max,
            session_idle: Duration::from_secs(limits.session_idle_s),
            calls_per_session_max: limits.calls_per_session_max,
            answer_timeout: Duration::from_secs(limits.answer_timeout_s),
            grace: Duration::from_secs(limits.shutdown_grace_s),
            ..wharf_mcp::Limits::default()
        },
        observer,
        ..Settings::default()
    };
    Server::new(catalog, settings)
}
