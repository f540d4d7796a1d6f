//! What client and server say of themselves: `initialize` of the legacy era, `server/discover` of the modern one.

use wharf_model::{ClientCapabilities, JsonKind, Slice};

use crate::encode::json::{Object, array, text};
use crate::encode::{self, Frame};
use crate::envelope::Request;
use crate::errors::WireError;
use crate::lists::Offering;
use crate::protocol::Revision;
use crate::server::Inner;
use crate::settings::Settings;

/// What a legacy client said in `initialize`; it holds for its session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Greeting {
    pub(crate) revision: Revision,
    pub(crate) client: ClientCapabilities,
}

impl Default for Greeting {
    fn default() -> Self {
        Self {
            revision: Revision::NEWEST_LEGACY,
            client: ClientCapabilities::default(),
        }
    }
}

/// The revision to speak with this client, and the answer that tells it. `has_session` says whether the server can
/// send anything of itself.
pub(crate) fn initialize(
    server: &Inner,
    request: &Request<'_>,
    has_session: bool,
) -> Result<(Greeting, Vec<u8>), WireError> {
    let params = request.params.all.unwrap_or(Slice::from_checked("{}"));
    let Some(requested) = params.get("protocolVersion").and_then(Slice::text) else {
        return Err(WireError::malformed("`protocolVersion` must be a string"));
    };
    let revision = Revision::parse(&requested)
        .filter(|revision| !revision.is_modern())
        .unwrap_or(Revision::NEWEST_LEGACY);
    let greeting = Greeting {
        revision,
        client: client_capabilities(params.get("capabilities")),
    };
    let frame = server.frame(request.id, revision);
    let offering = server.offering.load();
    let answer = encode::result(frame, 512, |result| {
        result.text("protocolVersion", revision.as_str());
        let mut capabilities = result.object("capabilities");
        server_capabilities(&mut capabilities, &offering, has_session);
        capabilities.end();
        result.raw("serverInfo", frame.server_info);
        result.optional_text("instructions", server.settings.instructions.as_deref());
    });
    Ok((greeting, answer))
}

/// What the server is, for clients without a handshake.
pub(crate) fn discover(server: &Inner, offering: &Offering, frame: Frame<'_>) -> Vec<u8> {
    encode::result(frame, 512, |result| {
        array(
            result.key("supportedVersions"),
            &Revision::ALL,
            |out, revision| {
                text(out, revision.as_str());
            },
        );
        let mut capabilities = result.object("capabilities");
        server_capabilities(&mut capabilities, offering, true);
        capabilities.end();
        result.optional_text("instructions", server.settings.instructions.as_deref());
        encode::caching(
            result,
            frame.revision,
            server.settings.list_ttl_ms,
            "public",
        );
    })
}

/// What is said here is what the methods keep: change news and log messages need a way to the client.
fn server_capabilities(capabilities: &mut Object<'_>, offering: &Offering, reaches_client: bool) {
    let mut tools = capabilities.object("tools");
    if reaches_client {
        tools.boolean("listChanged", true);
    }
    tools.end();
    if offering.has_prompts() {
        let mut prompts = capabilities.object("prompts");
        if reaches_client {
            prompts.boolean("listChanged", true);
        }
        prompts.end();
    }
    if offering.has_resources() {
        let mut resources = capabilities.object("resources");
        if reaches_client {
            resources.boolean("subscribe", true);
            resources.boolean("listChanged", true);
        }
        resources.end();
    }
    if reaches_client {
        capabilities.object("logging").end();
    }
    if offering.catalog.completes() {
        capabilities.object("completions").end();
    }
}

/// What a client says it can be asked.
pub(crate) fn client_capabilities(capabilities: Option<Slice<'_>>) -> ClientCapabilities {
    let Some(capabilities) = capabilities else {
        return ClientCapabilities::default();
    };
    let has = |of: Slice<'_>, name: &str| {
        of.get(name)
            .is_some_and(|value| value.kind() == JsonKind::Object)
    };
    let elicitation = capabilities
        .get("elicitation")
        .filter(|elicitation| elicitation.kind() == JsonKind::Object);
    let url = elicitation.is_some_and(|modes| has(modes, "url"));
    ClientCapabilities {
        // Forms came first: whoever names no mode means them.
        elicitation_form: elicitation.is_some_and(|modes| has(modes, "form") || !url),
        elicitation_url: url,
        sampling: has(capabilities, "sampling"),
        roots: has(capabilities, "roots"),
    }
}

/// The server's `Implementation` object.
pub(crate) fn server_info(settings: &Settings) -> String {
    let mut out = Vec::new();
    let mut object = Object::new(&mut out);
    object.text("name", &settings.name);
    object.optional_text("title", settings.title.as_deref());
    object.text("version", &settings.version);
    object.optional_text("websiteUrl", settings.website.as_deref());
    encode::icons(&mut object, &settings.icons);
    object.end();
    String::from_utf8(out).expect("JSON of texts is text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elicitation_without_modes_means_forms() {
        for (given, form, url) in [
            ("{}", false, false),
            (r#"{"elicitation":{}}"#, true, false),
            (r#"{"elicitation":{"form":{}}}"#, true, false),
            (r#"{"elicitation":{"url":{}}}"#, false, true),
            (r#"{"elicitation":{"url":{},"form":{}}}"#, true, true),
            (r#"{"elicitation":true}"#, false, false),
        ] {
            let client = client_capabilities(Some(Slice::parse(given).unwrap()));
            assert_eq!(
                (client.elicitation_form, client.elicitation_url),
                (form, url),
                "{given}"
            );
        }
    }
}
