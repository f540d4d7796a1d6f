//! `wharf openapi`: the drop-in for awslabs' openapi-mcp-server.

use std::process::ExitCode;

use wharf_config::Environment;
use wharf_model::Caller;
use wharf_server::Door;

use crate::assemble;
use crate::commands::serve;
use crate::failure::{self, Failure};
use crate::openapi_compat::{self, Settings, Sources, Transport, Typed};
use crate::telemetry::{Counts, Telemetry, Way};
use crate::terminal;

pub(crate) async fn run(
    arguments: &[String],
    environment: &Environment,
) -> Result<ExitCode, Failure> {
    let given = match openapi_compat::read(arguments) {
        Ok(Typed::Serve(given)) => given,
        Ok(Typed::Help) => {
            terminal::result(openapi_compat::help());
            return Ok(failure::DONE);
        }
        Err(error) => {
            terminal::say(error);
            return Ok(failure::usage());
        }
    };
    // From here on a signal is ours: one that comes while documents are read must not be lost.
    let mut signals = serve::Signals::listen()?;
    let settings = Settings::read(&given, environment)?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    // Boxed: nothing else of this is as large.
    let building = Box::pin(openapi_compat::build(&settings));
    let Some(built) = signals.unless_told(building).await else {
        return Ok(failure::DONE);
    };
    let Sources {
        config,
        catalog,
        reports,
    } = built.map_err(|failure| failure.renamed(&openapi_compat::VARIABLES))?;
    serve::warn_of_left_out(&reports);
    let (tools, prompts) = (catalog.tools().len(), catalog.prompts().len());
    tracing::info!(name = config.name, tools, prompts, "everything is read");
    if tools == 0 {
        tracing::warn!("there is no tool to offer");
    }
    // The task ends with the runtime; a scrape that is cut off is repeated.
    let stdio = settings.transport == Transport::Stdio;
    let telemetry = Telemetry::start(
        &config,
        if settings.metrics.is_some() {
            Counts::Always
        } else {
            Counts::Configured
        },
        if stdio { Way::Stdio } else { Way::Http },
    )?;
    if let (Some(address), Some(metrics)) = (&settings.metrics, telemetry.metrics()) {
        let listener = serve::bind(address).await.map_err(|failure| {
            failure.hint(
                "`PROMETHEUS_PORT` chooses another port, `ENABLE_PROMETHEUS=false` needs none",
            )
        })?;
        let address = serve::address(&listener)?;
        tracing::info!("metrics are at http://{address}/metrics");
        tokio::spawn(wharf_server::serve_metrics(listener, move || {
            openapi_compat::render(&metrics)
        }));
    }
    let server = assemble::server(&config, catalog, telemetry.observer());
    telemetry.watch(&server).await?;
    let ended = if stdio {
        serve::serve_stdio(&server, Caller::default(), signals).await
    } else {
        let listener = serve::bind(&settings.http).await.map_err(|failure| {
            failure.hint("`SERVER_PORT` chooses another port, `SERVER_HOST` another address")
        })?;
        let address = serve::address(&listener)?;
        let path = match settings.transport {
            Transport::Sse => "/sse",
            _ => &config.server.path,
        };
        terminal::say(format_args!(
            "wharf serves {tools} tools at http://{address}{path}"
        ));
        serve::warn_of_strangers(
            address,
            "`wharf serve` with a section `auth` asks who they are",
        );
        Ok(serve::serve_http(server, listener, &config.server, Door::default(), signals).await)
    };
    if !matches!(ended, Ok(serve::Served::CutShort)) {
        telemetry.finish().await;
    }
    ended?.outcome()
}
