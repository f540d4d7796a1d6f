//! One binary that makes APIs into MCP servers.
//!
//! Reads the command line, runs the command, and turns its outcome into an exit code. Only this crate knows arguments,
//! the terminal and exit codes.

mod assemble;
mod cli;
mod commands;
mod config;
mod failure;
mod file;
mod openapi_compat;
mod policy;
mod references;
mod secrets;
mod tables;
mod telemetry;
mod terminal;
mod watched;
mod who;

use std::process::ExitCode;

use clap::Parser as _;
use wharf_config::Environment;

use crate::cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let environment = Environment::of_process();
    let Cli {
        command,
        mut log,
        log_format,
    } = openapi_compat::invoked(std::env::args_os(), &environment)
        .map_or_else(Cli::parse, Cli::openapi);
    if let Command::Openapi { arguments } = &command {
        log = openapi_compat::log_level(arguments, &environment);
    }
    let is_server = matches!(
        command,
        Command::Demo(_) | Command::Serve(_) | Command::Openapi { .. }
    );
    terminal::start_log(log, log_format, is_server);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::fail(&failure::Failure::new(format!("cannot start: {error}")));
            return failure::wrong();
        }
    };
    let outcome = runtime.block_on(async {
        match command {
            Command::Demo(demo) => commands::demo::run(&demo).await,
            Command::Serve(serve) => commands::serve::run(&serve).await,
            Command::Check(check) => commands::check::run(&check).await,
            Command::Tools(tools) => commands::tools::run(&tools).await,
            Command::Call(call) => commands::call::run(&call).await,
            Command::Healthcheck(healthcheck) => commands::healthcheck::run(&healthcheck).await,
            Command::Openapi { arguments } => {
                // Boxed: it is the largest, and all others would be as large.
                Box::pin(commands::openapi::run(&arguments, &environment)).await
            }
            Command::Completions { shell } => Ok(commands::completions(shell)),
            Command::ConfigReference { json_schema } => Ok(commands::config_reference(json_schema)),
        }
    });
    // Standard input is read by a thread that cannot be stopped; the process does not wait for it.
    runtime.shutdown_background();
    let outcome = outcome.and_then(|code| terminal::printed().map(|()| code));
    outcome.unwrap_or_else(|failure| {
        terminal::fail(&failure);
        failure::wrong()
    })
}
