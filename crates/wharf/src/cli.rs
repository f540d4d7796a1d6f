//! The command line: what can be typed, and what it means.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use wharf_catalog::Client;
use wharf_model::Caller;

use crate::who;

/// Makes APIs into MCP servers.
#[derive(Debug, Parser)]
#[command(name = "wharf", version, about, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How much to log on stderr.
    #[arg(long, global = true, value_enum, default_value_t = Log::Info, value_name = "LEVEL", env = "WHARF_LOG")]
    pub(crate) log: Log,
    /// How the log is written: `auto` is text on a terminal, and one JSON object a line otherwise.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Auto, value_name = "FORMAT", env = "WHARF_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,
}

impl Cli {
    /// `wharf openapi`, whatever it is followed by.
    pub(crate) fn openapi(arguments: Vec<String>) -> Self {
        Self {
            command: Command::Openapi { arguments },
            log: Log::Info,
            log_format: LogFormat::Auto,
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something is wrong: the configuration, a document, a server that does not answer
  2  the command line cannot be understood
  3  `wharf call`: the tool answered with an error
  4  `wharf check`: what is offered is not what the lock file says";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a pet store API and serve it as MCP, to try everything without an API of your own.
    Demo(Demo),
    /// Serve APIs as MCP, from a configuration or straight from an OpenAPI document.
    Serve(Serve),
    /// Show what a configuration or a document would give, what is left out and why.
    Check(Check),
    /// List the tools that a client can call, in search mode too, where it is shown three to find them with.
    Tools(Tools),
    /// Call one tool and print its answer.
    Call(Call),
    /// Ask a running server whether it is well; for containers without a shell.
    Healthcheck(Healthcheck),
    /// Serve a document by the flags and variables of awslabs' openapi-mcp-server; the default command where
    /// `API_SPEC_URL` or `API_SPEC_PATH` is set.
    #[command(disable_help_flag = true)]
    Openapi {
        /// Its flags: `wharf openapi --help`.
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "FLAGS"
        )]
        arguments: Vec<String>,
    },
    /// Print a script that completes `wharf` commands in a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual of `wharf.yaml`, or its JSON Schema for editors.
    #[command(name = "config-reference")]
    ConfigReference {
        /// The JSON Schema instead of the manual.
        #[arg(long)]
        json_schema: bool,
    },
}

/// What to offer: a configuration, or one document.
#[derive(Debug, Args, Default, Clone)]
pub(crate) struct Input {
    /// An OpenAPI document to offer: a file or a URL.
    #[arg(value_name = "DOCUMENT", conflicts_with = "config")]
    pub(crate) document: Option<String>,
    /// Where the document's API is; without it, where the document says.
    #[arg(
        long,
        value_name = "URL",
        requires = "document",
        conflicts_with = "config"
    )]
    pub(crate) base_url: Option<String>,
    /// A configuration to offer; `wharf.yaml` when there is neither it nor a document.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Somebody to try rules of access as.
#[derive(Debug, Args, Clone)]
pub(crate) struct As {
    /// Who asks, where `access` says who may see what: `unknown`, or what a token would say, such as
    /// `scope=pets:read,group=admins`. The keys are `scope`, `group`, `subject`, `issuer`, `client` and `claim.NAME`.
    #[arg(long = "as", value_name = "WHO", value_parser = who::parse)]
    pub(crate) who: Option<Caller>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Address and port of the MCP server; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000")]
    pub(crate) http: String,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Speak MCP on standard input and output instead of HTTP.
    #[arg(long, conflicts_with = "http")]
    pub(crate) stdio: bool,
    /// Address and port to listen on; port 0 takes a free one. [default: 127.0.0.1:8000]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) http: Option<String>,
    /// A host name that clients use to reach the server, besides `localhost` and plain addresses; `*` for any.
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// Read everything again when a file changes.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Who the client on standard input is, where `access` says who may see what; see `wharf tools --help`.
    #[arg(long = "as", value_name = "WHO", requires = "stdio", value_parser = who::parse)]
    pub(crate) who: Option<Caller>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) who: As,
    /// Show what a client, or the model API behind it, does not bear of the list; can be repeated. One of `claude`,
    /// `openai`, `gemini`, `bedrock`, `cursor`, `vscode` and `windsurf`.
    #[arg(long, value_name = "NAME", value_parser = client)]
    pub(crate) client: Vec<Client>,
    /// Write down what is offered, for later checks to compare with: after looking at the differences.
    #[arg(long)]
    pub(crate) write_lock: bool,
    /// The lock file. [default: `wharf.lock` beside the configuration, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// The report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

fn client(name: &str) -> Result<Client, String> {
    Client::named(name).ok_or_else(|| {
        let known = Client::ALL.map(Client::name).join("`, `");
        format!("it is none of `{known}`")
    })
}

#[derive(Debug, Args)]
pub(crate) struct Tools {
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) who: As,
    /// The tools as JSON, just as a client would get them.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The tool's name.
    pub(crate) name: String,
    /// Arguments: `key=text`, or `key:=JSON` where the JSON must be taken as it stands.
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) arguments: Vec<String>,
    /// All arguments as one JSON object.
    #[arg(long, value_name = "JSON", conflicts_with = "arguments")]
    pub(crate) json: Option<String>,
    /// Call the tool of a document: a file or a URL.
    #[arg(long, short, value_name = "DOCUMENT", conflicts_with_all = ["config", "url"])]
    pub(crate) document: Option<String>,
    /// Where the document's API is; without it, where the document says.
    #[arg(
        long,
        value_name = "URL",
        requires = "document",
        conflicts_with = "config"
    )]
    pub(crate) base_url: Option<String>,
    /// Call the tool of a configuration; `wharf.yaml` when nothing else is named.
    #[arg(long, short, value_name = "FILE", conflicts_with = "url")]
    pub(crate) config: Option<PathBuf>,
    /// Call the tool of a running server: the URL of its MCP endpoint.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// A header for the running server.
    #[arg(long, value_name = "NAME: VALUE", requires = "url")]
    pub(crate) header: Vec<String>,
    /// A bearer token for the running server.
    #[arg(
        long,
        value_name = "TOKEN",
        requires = "url",
        env = "WHARF_BEARER",
        hide_env_values = true
    )]
    pub(crate) bearer: Option<String>,
    #[command(flatten)]
    pub(crate) who: As,
    /// The whole result as JSON, instead of its content for people.
    #[arg(long)]
    pub(crate) raw: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Healthcheck {
    /// The address to ask.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8000/health"
    )]
    pub(crate) url: String,
    /// Seconds to wait for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub(crate) timeout: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Auto,
    Text,
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
