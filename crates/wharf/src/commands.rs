//! The commands, one module each; the short ones here.

pub(crate) mod call;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod healthcheck;
pub(crate) mod openapi;
pub(crate) mod reload;
pub(crate) mod serve;
pub(crate) mod tools;

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::config::Config;
use crate::failure;
use crate::terminal;

/// `wharf completions SHELL`
pub(crate) fn completions(shell: clap_complete::Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "wharf", &mut script);
    terminal::result(String::from_utf8_lossy(&script).trim_end());
    failure::DONE
}

/// `wharf config-reference`
pub(crate) fn config_reference(json_schema: bool) -> ExitCode {
    let text = if json_schema {
        format!("{:#}", wharf_config::json_schema::<Config>())
    } else {
        wharf_config::reference_page::<Config>("The configuration file `wharf.yaml`")
    };
    terminal::result(text.trim_end());
    failure::DONE
}
