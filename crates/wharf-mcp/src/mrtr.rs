//! Calls that ask before they answer: multi-round-trip requests.
//!
//! A source knows one form, [`wharf_model::Outcome::InputRequired`]. A modern client gets the questions as a result and
//! calls again with the answers; what the source must remember travels with it, sealed. For a legacy client this module
//! plays the second call itself: it sends the questions as requests of the server and waits for the answers.

mod play;
mod seal;

pub(crate) use play::{Line, Way, play};
pub(crate) use seal::{Purpose, Sealer};

use wharf_model::{
    CallError, ClientCapabilities, InputAnswers, InputRequest, InputRequired, Json, JsonKind, Slice,
};

use crate::encode::json::Object;
use crate::encode::{self, Frame};
use crate::envelope::Params;
use crate::errors::WireError;
use crate::message::Id;
use crate::server::Inner;

/// Refuses questions that the client did not say it can be asked.
pub(crate) fn check_capabilities(
    requests: &[(String, InputRequest)],
    client: ClientCapabilities,
) -> Result<(), CallError> {
    let (mut form, mut url, mut sampling, mut roots) = (false, false, false, false);
    for (_, request) in requests {
        match request {
            InputRequest::Elicitation(params) if is_url(params) => url |= !client.elicitation_url,
            InputRequest::Elicitation(_) => form |= !client.elicitation_form,
            InputRequest::Sampling(_) => sampling |= !client.sampling,
            InputRequest::Roots => roots |= !client.roots,
        }
    }
    if !(form || url || sampling || roots) {
        return Ok(());
    }
    let mut out = Vec::new();
    let mut missing = Object::new(&mut out);
    if form || url {
        let mut modes = missing.object("elicitation");
        for (is_missing, mode) in [(form && url, "form"), (url, "url")] {
            if is_missing {
                modes.object(mode).end();
            }
        }
        modes.end();
    }
    for (is_missing, name) in [(sampling, "sampling"), (roots, "roots")] {
        if is_missing {
            missing.object(name).end();
        }
    }
    missing.end();
    Err(CallError::MissingCapability {
        capabilities: Json::parse(out.into()).unwrap_or_default(),
    })
}

fn is_url(params: &Json) -> bool {
    params.slice().get("mode").and_then(Slice::text).as_deref() == Some("url")
}

/// The questions as a modern result.
pub(crate) fn ask(
    server: &Inner,
    frame: Frame<'_>,
    asked: &InputRequired,
    purpose: &Purpose,
) -> Vec<u8> {
    let sealed = asked.state.as_ref().map(|state| {
        server
            .sealer
            .seal(state, purpose, server.settings.limits.state_lifetime)
    });
    encode::input_required(frame, &asked.requests, sealed.as_deref())
}

/// What a modern client brings to a call that asked before; `purpose` is what the call is about.
pub(crate) fn answers(
    server: &Inner,
    params: &Params<'_>,
    text: &Id,
    purpose: impl FnOnce() -> Purpose,
) -> Result<InputAnswers, WireError> {
    let mut answers = InputAnswers::default();
    if let Some(responses) = params.input_responses {
        if responses.kind() != JsonKind::Object {
            return Err(WireError::malformed("`inputResponses` must be an object"));
        }
        answers.responses = responses
            .each_member()
            .map(|(key, response)| (key.into_owned(), response.share(text)))
            .collect();
    }
    if let Some(state) = params.request_state {
        let state = state
            .text()
            .ok_or_else(|| WireError::malformed("`requestState` must be a string"))?;
        let opened = server.sealer.open(&state, &purpose());
        answers.state = Some(opened.map_err(WireError::invalid_params)?);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_client_can_be_asked() {
        let form =
            || InputRequest::Elicitation(Json::of(&json!({"message": "?", "requestedSchema": {}})));
        let url =
            || InputRequest::Elicitation(Json::of(&json!({"mode": "url", "url": "https://a"})));
        let sampling = || InputRequest::Sampling(Json::empty_object());
        let none = ClientCapabilities::default();
        let all = ClientCapabilities {
            elicitation_form: true,
            elicitation_url: true,
            sampling: true,
            roots: true,
        };
        let forms = ClientCapabilities {
            elicitation_form: true,
            ..none
        };
        for (requests, client, missing) in [
            (
                vec![form(), url(), sampling(), InputRequest::Roots],
                all,
                None,
            ),
            (vec![form()], forms, None),
            (vec![form()], none, Some(r#"{"elicitation":{}}"#)),
            (vec![url()], forms, Some(r#"{"elicitation":{"url":{}}}"#)),
            (
                vec![form(), url()],
                none,
                Some(r#"{"elicitation":{"form":{},"url":{}}}"#),
            ),
            (
                vec![form(), sampling(), InputRequest::Roots],
                forms,
                Some(r#"{"sampling":{},"roots":{}}"#),
            ),
        ] {
            let requests: Vec<_> = requests
                .into_iter()
                .map(|request| ("k".to_owned(), request))
                .collect();
            let found = match check_capabilities(&requests, client) {
                Ok(()) => None,
                Err(CallError::MissingCapability { capabilities }) => {
                    Some(capabilities.as_str().to_owned())
                }
                Err(other) => panic!("{other}"),
            };
            assert_eq!(found.as_deref(), missing, "{requests:?} {client:?}");
        }
    }
}
