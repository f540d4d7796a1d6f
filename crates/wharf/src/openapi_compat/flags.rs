//! The flags: names, variables, and what a value can be.

/// What follows a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// A text, called so in the help.
    Value(&'static str),
    /// One of these.
    Choice(&'static [&'static str]),
    /// Nothing.
    Nothing,
}

/// One flag.
#[derive(Debug)]
pub(super) struct Flag {
    /// With its dashes.
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    /// The variable that says the same; empty for none.
    variable: &'static str,
    help: &'static str,
    /// The other server has it: a prefix means it before it means one that we added.
    pub(super) original: bool,
}

const LEVELS: &[&str] = &["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
const AUTH_TYPES: &[&str] = &[
    "none",
    "basic",
    "bearer",
    "api_key",
    "cognito",
    "oauth_client_credentials",
];
const PLACES: &[&str] = &["header", "query", "cookie"];
const TRANSPORTS: &[&str] = &["stdio", "sse", "http", "streamable-http"];

/// In the order of the help.
pub(super) const FLAGS: &[Flag] = &[
    kept("--help", Takes::Nothing, "", "Show this help and exit."),
    kept(
        "--log-level",
        Takes::Choice(LEVELS),
        "LOG_LEVEL",
        "How much to log on stderr. Default: INFO.",
    ),
    kept(
        "--api-name",
        Takes::Value("NAME"),
        "API_NAME",
        "The server's name where the document has no title.",
    ),
    kept(
        "--api-url",
        Takes::Value("URL"),
        "API_BASE_URL",
        "Where the API is. Default: https://localhost:8000.",
    ),
    kept(
        "--spec-url",
        Takes::Value("URL"),
        "API_SPEC_URL",
        "The OpenAPI document; goes before --spec-path.",
    ),
    kept(
        "--spec-path",
        Takes::Value("FILE"),
        "API_SPEC_PATH",
        "The OpenAPI document as a file.",
    ),
    kept(
        "--auth-type",
        Takes::Choice(AUTH_TYPES),
        "AUTH_TYPE",
        "How requests prove who sends them. Default: none.",
    ),
    kept(
        "--auth-username",
        Takes::Value("NAME"),
        "AUTH_USERNAME",
        "For basic.",
    ),
    kept(
        "--auth-password",
        Takes::Value("PASSWORD"),
        "AUTH_PASSWORD",
        "For basic.",
    ),
    kept(
        "--auth-token",
        Takes::Value("TOKEN"),
        "AUTH_TOKEN",
        "For bearer.",
    ),
    kept(
        "--auth-api-key",
        Takes::Value("KEY"),
        "AUTH_API_KEY",
        "For api_key.",
    ),
    kept(
        "--auth-api-key-name",
        Takes::Value("NAME"),
        "AUTH_API_KEY_NAME",
        "Default: api_key.",
    ),
    kept(
        "--auth-api-key-in",
        Takes::Choice(PLACES),
        "AUTH_API_KEY_IN",
        "Default: header.",
    ),
    kept(
        "--auth-cognito-client-id",
        Takes::Value("ID"),
        "AUTH_COGNITO_CLIENT_ID",
        "For cognito.",
    ),
    kept(
        "--auth-cognito-username",
        Takes::Value("NAME"),
        "AUTH_COGNITO_USERNAME",
        "For cognito with a user.",
    ),
    kept(
        "--auth-cognito-password",
        Takes::Value("PASSWORD"),
        "AUTH_COGNITO_PASSWORD",
        "For cognito with a user.",
    ),
    kept(
        "--auth-cognito-client-secret",
        Takes::Value("SECRET"),
        "AUTH_COGNITO_CLIENT_SECRET",
        "For cognito without a user; with a user, the app client's secret.",
    ),
    kept(
        "--auth-cognito-domain",
        Takes::Value("PREFIX"),
        "AUTH_COGNITO_DOMAIN",
        "The user pool's domain prefix.",
    ),
    kept(
        "--auth-cognito-scopes",
        Takes::Value("LIST"),
        "AUTH_COGNITO_SCOPES",
        "Separated by commas or spaces.",
    ),
    kept(
        "--auth-cognito-user-pool-id",
        Takes::Value("ID"),
        "AUTH_COGNITO_USER_POOL_ID",
        "For app clients that only an administrator may sign in to.",
    ),
    kept(
        "--auth-cognito-region",
        Takes::Value("REGION"),
        "AUTH_COGNITO_REGION",
        "Default: us-east-1.",
    ),
    kept(
        "--include-tags",
        Takes::Value("LIST"),
        "INCLUDE_TAGS",
        "Offer only operations with one of these tags.",
    ),
    kept(
        "--exclude-tags",
        Takes::Value("LIST"),
        "EXCLUDE_TAGS",
        "Then leave out those with one of these.",
    ),
    kept(
        "--no-validate-output",
        Takes::Nothing,
        "VALIDATE_OUTPUT",
        "Do not list what results must look like.",
    ),
    kept(
        "--additional-specs",
        Takes::Value("JSON"),
        "ADDITIONAL_SPECS",
        "More documents, as a JSON array.",
    ),
    kept(
        "--allow-insecure-http",
        Takes::Nothing,
        "ALLOW_INSECURE_HTTP",
        "Fetch documents without TLS too.",
    ),
    kept(
        "--allow-private-networks",
        Takes::Nothing,
        "ALLOW_PRIVATE_NETWORKS",
        "Fetch documents from private networks too.",
    ),
    kept(
        "--allowed-spec-dirs",
        Takes::Value("PATHS"),
        "ALLOWED_SPEC_DIRS",
        "Where files of additional documents may be.",
    ),
    added(
        "--transport",
        Takes::Choice(TRANSPORTS),
        "SERVER_TRANSPORT",
        "Default: stdio.",
    ),
    added(
        "--host",
        Takes::Value("HOST"),
        "SERVER_HOST",
        "Default: 127.0.0.1; in a container 0.0.0.0.",
    ),
    added(
        "--port",
        Takes::Value("PORT"),
        "SERVER_PORT",
        "Default: 8000.",
    ),
    added(
        "--mcp-path",
        Takes::Value("PATH"),
        "MCP_PATH",
        "Default: /mcp.",
    ),
    added(
        "--debug",
        Takes::Nothing,
        "SERVER_DEBUG",
        "As --log-level DEBUG.",
    ),
    added(
        "--auth-token-ttl",
        Takes::Value("SECONDS"),
        "AUTH_TOKEN_TTL",
        "Accepted; tokens are renewed when they say.",
    ),
    added(
        "--auth-oauth-token-endpoint",
        Takes::Value("URL"),
        "AUTH_OAUTH_TOKEN_ENDPOINT",
        "For oauth_client_credentials.",
    ),
    added(
        "--auth-oauth-client-id",
        Takes::Value("ID"),
        "AUTH_OAUTH_CLIENT_ID",
        "For oauth_client_credentials.",
    ),
    added(
        "--auth-oauth-client-secret",
        Takes::Value("SECRET"),
        "AUTH_OAUTH_CLIENT_SECRET",
        "For oauth_client_credentials.",
    ),
    added(
        "--auth-oauth-scopes",
        Takes::Value("LIST"),
        "AUTH_OAUTH_SCOPES",
        "Separated by commas or spaces.",
    ),
];

const fn kept(
    name: &'static str,
    takes: Takes,
    variable: &'static str,
    help: &'static str,
) -> Flag {
    Flag {
        name,
        takes,
        variable,
        help,
        original: true,
    }
}

const fn added(
    name: &'static str,
    takes: Takes,
    variable: &'static str,
    help: &'static str,
) -> Flag {
    Flag {
        name,
        takes,
        variable,
        help,
        original: false,
    }
}

/// The variable of a flag.
pub(super) fn variable(name: &str) -> &'static str {
    FLAGS
        .iter()
        .find(|flag| flag.name == name)
        .map_or("", |flag| flag.variable)
}

/// Whether `argument` is one of these flags as it is written, and not one that every command has.
pub(super) fn is_known(argument: &str) -> bool {
    let name = argument.split('=').next().unwrap_or_default();
    name != "--help" && FLAGS.iter().any(|flag| flag.name == name)
}

/// One line of usage.
pub(crate) fn usage() -> String {
    let flags: Vec<_> = FLAGS
        .iter()
        .map(|flag| format!("[{}]", written(flag)))
        .collect();
    format!("usage: wharf openapi {}", flags.join(" "))
}

/// What `--help` prints.
pub(crate) fn help() -> String {
    let mut text = "\
Serve an OpenAPI document as MCP, by the flags and variables of awslabs' openapi-mcp-server.

A flag goes before its variable, the variable before the default. `wharf serve` with a `wharf.yaml` can do more.

Usage: wharf openapi [FLAGS]

Flags:
"
    .to_owned();
    for flag in FLAGS {
        text.push_str("  ");
        text.push_str(&written(flag));
        text.push_str("\n          ");
        text.push_str(flag.help);
        if !flag.variable.is_empty() {
            text.push_str(" [env: ");
            text.push_str(flag.variable);
            text.push(']');
        }
        text.push('\n');
    }
    text.push_str(
        "\nExit codes: 0 done, 1 something is wrong, 2 the flags cannot be understood.\n\
         All variables: docs/from-openapi-mcp-server.md",
    );
    text
}

fn written(flag: &Flag) -> String {
    match flag.takes {
        Takes::Value(what) => format!("{} {what}", flag.name),
        Takes::Choice(choices) => format!("{} {{{}}}", flag.name, choices.join(",")),
        Takes::Nothing => flag.name.to_owned(),
    }
}
