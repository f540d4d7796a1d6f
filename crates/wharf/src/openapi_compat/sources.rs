//! Settings as sources, and the sources as one catalog.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;
use wharf_catalog::{Catalog, Offer};
use wharf_model::{Prompt, Slice, Source};
use wharf_openapi::{ErrorStyle, OutputSchemas, Report};
use wharf_upstream::{Credentials, Retries, Trust};

use super::VARIABLES;
use super::additional;
use super::coat::Coat;
use super::settings::{Document, Settings};
use crate::assemble::{self, SourceReport};
use crate::config::{self, Config, ConfigFile, Rules, SourceConfig};
use crate::failure::Failure;
use crate::watched::Watched;

/// How often fetching a document is tried: the API may be starting at the same time.
const ATTEMPTS_MAX: u32 = 3;

/// Everything that is offered, and how.
pub(crate) struct Sources {
    pub(crate) config: Config,
    pub(crate) catalog: Catalog,
    pub(crate) reports: Vec<SourceReport>,
}

/// Reads the documents and builds everything from them.
pub(crate) async fn build(settings: &Settings) -> Result<Sources, Failure> {
    let main = main_source(settings);
    let mut warnings = Vec::new();
    let additional = additional::read(settings, &main, &mut warnings);
    for warning in &warnings {
        tracing::warn!("{warning}");
    }

    let (offer, report) = assemble::build_source(
        "openapi",
        &main,
        &ConfigFile::default(),
        &mut Watched::default(),
    )
    .await?;
    let name = server_name(settings, &report);
    let mut config = Config {
        name,
        instructions: None,
        client_profile: None,
        server: server_config(settings),
        sources: IndexMap::from([("openapi".to_owned(), main)]),
        ..config::of_document("", None)
    };
    let mut wardrobe = Wardrobe {
        settings,
        taken: HashSet::new(),
    };
    let mut reports = vec![SourceReport {
        name: "openapi".to_owned(),
        report,
    }];
    let mut offers = vec![wardrobe.dress(offer)];
    for (name, source) in additional {
        match additional_source(&name, &source).await {
            Ok((offer, report)) => {
                offers.push(wardrobe.dress(offer));
                config.sources.insert(name.clone(), source);
                reports.push(SourceReport { name, report });
            }
            Err(failure) => {
                let failure = failure.renamed(&VARIABLES);
                tracing::warn!(
                    document = name,
                    "an additional document is skipped: {failure}"
                );
            }
        }
    }
    let catalog = Catalog::build(offers).map_err(|error| Failure::of(&error).hint(error.hint()))?;
    Ok(Sources {
        config,
        catalog,
        reports,
    })
}

async fn additional_source(name: &str, source: &SourceConfig) -> Result<(Offer, Report), Failure> {
    if !source.upstream.allow_private_networks
        && let Some(url) = &source.upstream.base_url
    {
        wharf_upstream::check_address(url)
            .await
            .map_err(|error| Failure::of(&error).hint("`ALLOW_PRIVATE_NETWORKS=true` allows it"))?;
    }
    assemble::build_source(
        name,
        source,
        &ConfigFile::default(),
        &mut Watched::default(),
    )
    .await
}

fn main_source(settings: &Settings) -> SourceConfig {
    let (openapi, document) = match &settings.document {
        Document::Url(url) => (url.clone(), Trust::Document),
        Document::File(path) => (path.clone(), Trust::Operator),
    };
    let mut upstream = wharf_upstream::Config {
        base_url: Some(settings.api_url.clone()),
        credentials: settings.credentials.clone(),
        connections_max: settings.connections_max,
        allow_private_networks: settings.allow_private_networks,
        ..wharf_upstream::Config::default()
    };
    if let Some(timeout) = settings.http_timeout {
        upstream.timeout_s = timeout;
        upstream.read_timeout_s = timeout;
    }
    if !settings.retries {
        upstream.retries = Retries {
            max: 0,
            ..upstream.retries
        };
    }
    SourceConfig {
        document_credentials: document_credentials(settings),
        upstream,
        tools: wharf_openapi::Config {
            tags_in_meta: true,
            error_style: ErrorStyle::Awslabs,
            prompts: settings.prompts,
            output_schemas: if settings.full_outputs {
                OutputSchemas::Full
            } else {
                OutputSchemas::Open
            },
            strict_output: settings.full_outputs,
            ..wharf_openapi::Config::default()
        }
        .into(),
        rules: Rules {
            document,
            base_url: Trust::Operator,
            https_only: !settings.allow_insecure_http,
            attempts_max: ATTEMPTS_MAX,
            may_be_empty: true,
        },
        ..SourceConfig::of_document(&openapi, None)
    }
}

/// A document that comes from the API's own origin is asked for with the API's credentials; no other server sees them.
fn document_credentials(settings: &Settings) -> Credentials {
    let origin = |url: &str| Some(url::Url::parse(url).ok()?.origin());
    match &settings.document {
        Document::Url(url)
            if origin(url).is_some_and(|of| Some(of) == origin(&settings.api_url)) =>
        {
            settings.credentials.clone()
        }
        _ => Credentials::default(),
    }
}

/// The document's title goes before `API_NAME`, as ever; `SERVER_NAME` says outright what is wanted.
fn server_name(settings: &Settings, report: &Report) -> String {
    let title = || report.title.clone().filter(|title| !title.is_empty());
    settings
        .server_name
        .clone()
        .or_else(title)
        .unwrap_or_else(|| settings.api_name.clone())
}

fn server_config(settings: &Settings) -> wharf_server::Config {
    let mut server = wharf_server::Config {
        http: settings.http.clone(),
        path: settings.mcp_path.clone(),
        allowed_hosts: settings.allowed_hosts.clone(),
        allowed_origins: settings.allowed_origins.clone(),
        sessions: settings.sessions,
        sse_transport: true,
        ..wharf_server::Config::default()
    };
    if let Some(seconds) = settings.call_timeout_s {
        server.limits.call_timeout_s = seconds;
    }
    if let Some(seconds) = settings.shutdown_grace_s {
        server.limits.shutdown_grace_s = seconds;
    }
    server
}

/// Puts coats on sources, in their order.
struct Wardrobe<'s> {
    settings: &'s Settings,
    /// Names of tools that earlier documents have; an operation that comes later with such a name is not offered.
    taken: HashSet<String>,
}

impl Wardrobe<'_> {
    /// The same source with fewer tools and prompts; itself where that makes no difference.
    fn dress(&mut self, offer: Offer) -> Offer {
        let source = &offer.source;
        let (mut tools, mut prompts) = (source.tools(), source.prompts());
        let all = (tools.len(), prompts.len());
        tools.retain(|tool| self.is_selected(&tool.tags));
        tools.retain(|tool| {
            let is_free = !self.taken.contains(&tool.name);
            if !is_free {
                tracing::warn!(
                    tool = tool.name,
                    source = source.name(),
                    "an earlier document has a tool of that name; this one is not offered"
                );
            }
            is_free
        });
        let is_offered = |name: &str| tools.iter().any(|tool| tool.name == name);
        prompts.retain(|prompt| tools_of(prompt).iter().all(|name| is_offered(name)));
        self.taken
            .extend(tools.iter().map(|tool| tool.name.clone()));
        if all == (tools.len(), prompts.len()) {
            return offer;
        }
        let coat: Arc<dyn Source> = Arc::new(Coat {
            inner: source.clone(),
            tools,
            prompts,
        });
        Offer {
            source: coat,
            ..offer
        }
    }

    /// Any of the included tags, where there are some; none of the excluded.
    fn is_selected(&self, tags: &[String]) -> bool {
        let any_of = |list: &[String]| tags.iter().any(|tag| list.contains(tag));
        let include = &self.settings.include_tags;
        (include.is_empty() || any_of(include)) && !any_of(&self.settings.exclude_tags)
    }
}

/// The tools that a prompt speaks of.
fn tools_of(prompt: &Prompt) -> Vec<String> {
    let tools = prompt
        .meta
        .as_ref()
        .and_then(|meta| meta.slice().get("tools"));
    tools
        .map(Slice::items)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| Some(name.text()?.into_owned()))
        .collect()
}
