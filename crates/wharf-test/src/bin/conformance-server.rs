//! Serves the fixture for the official MCP conformance suite:
//! `conformance-server --http HOST:PORT --sessions on|off`, or `conformance-server --stdio`.

use std::process::ExitCode;

use wharf_catalog::{Catalog, Offer};
use wharf_mcp::{Server, Settings};
use wharf_server::{Config, Door, Listener};
use wharf_test::Fixture;

const USAGE: &str = "usage: conformance-server (--http HOST:PORT | --stdio) [--sessions on|off]";

struct Arguments {
    /// None for stdio.
    http: Option<String>,
    sessions: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(
                clippy::print_stderr,
                reason = "the one place where this program says why it ends"
            )]
            {
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { http, sessions } = arguments(std::env::args().skip(1))?;
    let catalog = Catalog::build([Offer {
        source: std::sync::Arc::new(Fixture::new()),
        prefix: None,
    }])?;
    let server = Server::new(
        catalog,
        Settings {
            name: "wharf-conformance".to_owned(),
            sessions,
            sse_transport: true,
            ..Settings::default()
        },
    );
    match http {
        Some(http) => {
            let listener = Listener::bind(&http).await?;
            wharf_server::serve(
                server,
                listener,
                &Config::default(),
                Door::default(),
                std::future::pending(),
            )
            .await;
        }
        None => {
            server
                .stdio(tokio::io::stdin(), tokio::io::stdout())
                .await?;
        }
    }
    Ok(())
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        http: None,
        sessions: true,
    };
    let mut stdio = false;
    while let Some(flag) = given.next() {
        let mut value = || {
            given
                .next()
                .ok_or_else(|| format!("`{flag}` wants a value\n{USAGE}"))
        };
        match flag.as_str() {
            "--stdio" => stdio = true,
            "--http" => arguments.http = Some(value()?),
            "--sessions" => {
                arguments.sessions = match value()?.as_str() {
                    "on" => true,
                    "off" => false,
                    other => {
                        return Err(format!("`--sessions` is on or off, not `{other}`\n{USAGE}"));
                    }
                }
            }
            other => return Err(format!("unknown argument `{other}`\n{USAGE}")),
        }
    }
    if stdio == arguments.http.is_some() {
        return Err(format!("either `--http` or `--stdio`\n{USAGE}"));
    }
    Ok(arguments)
}
