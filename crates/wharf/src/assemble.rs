//! From a configuration to everything that is offered: documents read, sources built, one catalog over them.

mod source;
mod together;

use std::sync::Arc;
use std::time::Duration;

use wharf_auth::{Authenticator, Lists, Resource, SignIn};
use wharf_catalog::{Catalog, RuleMistake, ToolsMode};
use wharf_config::Environment;
use wharf_mcp::{Server, Settings};
use wharf_model::Observer;
use wharf_openapi::Report;
use wharf_store::Store;

pub(crate) use self::source::{build_source, meant};
pub(crate) use self::together::places_left;
use crate::cli::Input;
use crate::config::{self, Config, ConfigFile};
use crate::failure::Failure;
use crate::policy;
use crate::secrets;
use crate::watched::Watched;

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
    let store = together::store(&config.store)?;
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
        catalog = catalog
            .limited(limits, together::limits_in(&store))
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

fn of_auth(mistakes: &[wharf_auth::ConfigMistake], file: &ConfigFile) -> Failure {
    let told = mistakes
        .iter()
        .map(|mistake| file.told(&mistake.at, mistake, &mistake.hint));
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
