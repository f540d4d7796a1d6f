//! `wharf openapi`: the awslabs OpenAPI MCP server's flags and variables, for a server of ours.
//!
//! What is typed and set is read once into [`Settings`], which become sources of the kind that a configuration gives.
//! From there on everything is as with `wharf serve`; what differs is a rule of the source (who is trusted with its
//! addresses), a setting of its tools (error words, prompts), or a coat around it (tags, names that are taken).
//!
//! Names and defaults are kept as they are known, even where better ones come to mind. What the other server accepted
//! and did nothing with works here; `docs/from-openapi-mcp-server.md` lists it.

mod additional;
mod arguments;
mod coat;
mod credentials;
mod flags;
mod metrics;
mod settings;
mod sources;
mod values;

use std::ffi::OsString;

use wharf_config::Environment;

pub(crate) use arguments::{Typed, read};
pub(crate) use flags::help;
pub(crate) use metrics::render;
pub(crate) use settings::{Settings, Transport, log_level};
pub(crate) use sources::{Sources, build};

/// The variables that say where the document is: with one of them `wharf` alone is `wharf openapi`.
const DOCUMENT_VARIABLES: [&str; 2] = ["API_SPEC_URL", "API_SPEC_PATH"];

/// What a key that a hint names is called here.
pub(crate) const VARIABLES: [(&str, &str); 6] = [
    ("`base_url`", "`API_BASE_URL`"),
    (
        "`allow_private_networks: true`",
        "`ALLOW_PRIVATE_NETWORKS=true`",
    ),
    ("`connections_max`", "`HTTP_MAX_CONNECTIONS`"),
    ("`timeout_s`", "`HTTP_TIMEOUT`"),
    ("`read_timeout_s`", "`HTTP_TIMEOUT`"),
    ("`ca_pem`", "`SSL_CERT_FILE`"),
];

/// What follows `openapi` on the command line. Also where nothing but flags of this command is typed and a variable
/// names a document: that is how the other server's container is started. None when another command is meant.
pub(crate) fn invoked(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Option<Vec<String>> {
    let mut arguments: Vec<_> = arguments
        .into_iter()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    if arguments.first().is_some_and(|first| first == "openapi") {
        arguments.remove(0);
        return Some(arguments);
    }
    let names_document = DOCUMENT_VARIABLES
        .iter()
        .any(|name| environment.get(name).is_some_and(|value| !value.is_empty()));
    let is_ours = arguments.first().is_none_or(|first| flags::is_known(first));
    (names_document && is_ours).then_some(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_in_the_environment_is_enough() {
        let with = Environment::of([("API_SPEC_PATH", "api.json")]);
        let empty = Environment::of([("API_SPEC_URL", "")]);
        let without = Environment::of([("API_NAME", "x")]);
        for (environment, line, expected) in [
            (&with, "wharf", Some("")),
            (&with, "wharf --log-level DEBUG", Some("--log-level DEBUG")),
            (&with, "wharf --api-name=x", Some("--api-name=x")),
            (&with, "wharf openapi --port 1", Some("--port 1")),
            (&with, "wharf serve", None),
            (&with, "wharf --help", None),
            (&with, "wharf --version", None),
            (&with, "wharf --log debug serve", None),
            (&empty, "wharf", None),
            (&without, "wharf", None),
            (&without, "wharf --api-name x", None),
            (&without, "wharf openapi --api-name x", Some("--api-name x")),
        ] {
            let arguments = line.split(' ').map(OsString::from);
            let found = invoked(arguments, environment).map(|arguments| arguments.join(" "));
            assert_eq!(found.as_deref(), expected, "{line}");
        }
    }
}
