//! The way back from the provider: its code becomes a person, and the person a code for the client.

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use super::attempt::{Attempt, Failure};
use super::authorize::tell_client;
use super::parameters::Parameters;
use super::seal::{OpenError, Purpose};
use super::values::{CODE_LIFE_S, Code, Transaction};
use super::{Facade, answer, now, random};

/// Names a code in the store.
pub(crate) const ID_BYTES: usize = 12;

pub(crate) async fn finish(facade: &Facade, head: &Parts) -> Response<Bytes> {
    let query = head.uri.query().unwrap_or_default();
    let (parameters, transaction) = match read(facade, head, query) {
        Ok(read) => read,
        Err(failure) => {
            // No state of this browser: nobody to send it to.
            let attempt = Attempt::begin(&head.extensions);
            attempt.failed("callback", &failure);
            return facade.pages.failure(&failure, &attempt);
        }
    };
    let attempt = transaction.asked.attempt.clone();
    let to = transaction.asked.redirect_uri.clone();
    let state = transaction.asked.state.clone();
    match code(facade, &parameters, transaction).await {
        Ok(code) => {
            attempt.done("callback");
            let mut parameters = vec![("code", code.as_str()), ("iss", facade.issuer.as_str())];
            parameters.extend(state.as_deref().map(|state| ("state", state)));
            answer::redirect(&to, &parameters)
        }
        Err(failure) => {
            attempt.failed("callback", &failure);
            tell_client(facade, &to, state.as_deref(), &failure, &attempt)
        }
    }
}

fn read(facade: &Facade, head: &Parts, query: &str) -> Result<(Parameters, Transaction), Failure> {
    let parameters = Parameters::parse(query.as_bytes())?;
    let mut transaction: Transaction = facade
        .seals
        .open(Purpose::State, parameters.need("state")?, now())
        .map_err(|error| match error {
            OpenError::Expired => Failure::person(
                "access_denied",
                "the sign-in took too long",
                "begin it anew",
            ),
            OpenError::Foreign => Failure::client(
                "invalid_request",
                "the answer is not to a question of this server, or its key is gone",
                "begin the sign-in anew; replicas must have the same `sign_in.keys`",
            ),
        })?;
    facade.check_browser(&head.headers, &transaction.asked)?;
    transaction.asked.attempt = transaction.asked.attempt.go_on(&head.extensions);
    Ok((parameters, transaction))
}

async fn code(
    facade: &Facade,
    parameters: &Parameters,
    transaction: Transaction,
) -> Result<String, Failure> {
    let Transaction {
        asked,
        verifier,
        nonce,
    } = transaction;
    let issuer = parameters.get("iss");
    if !facade.provider.is_from(issuer, &asked.attempt).await? {
        return Err(Failure::provider(
            "server_error",
            "the answer is from another provider",
            "check that `sign_in.provider` names the provider, to the letter",
        ));
    }
    if let Some(error) = parameters.get("error") {
        return Err(refused(error));
    }
    let redeemed = facade
        .provider
        .redeem(parameters.need("code")?, &verifier, &nonce, &asked.attempt)
        .await?;
    let code = Code {
        id: random::hex::<ID_BYTES>(),
        attempt: asked.attempt,
        client: asked.client,
        redirect_uri: asked.redirect_uri,
        challenge: asked.challenge,
        scopes: asked.scopes,
        person: redeemed.person.unwrap_or_default(),
        providers_own: redeemed.refresh,
    };
    Ok(facade.seals.seal(Purpose::Code, &code, now() + CODE_LIFE_S))
}

/// What a provider's refusal means, by its code; its description may say anything, so it is not repeated.
fn refused(error: &str) -> Failure {
    match error {
        "access_denied" | "login_required" | "consent_required" | "interaction_required" => {
            Failure::person(
                "access_denied",
                "the provider did not sign the person in",
                "sign in with an account that may use this server",
            )
        }
        "temporarily_unavailable" | "server_error" => Failure::provider(
            "temporarily_unavailable",
            "the provider has a problem",
            "try again in a moment",
        ),
        "invalid_scope"
        | "unauthorized_client"
        | "invalid_request"
        | "invalid_client"
        | "unsupported_response_type" => Failure::configuration(
            "server_error",
            "the provider does not accept what this server asks for",
            "check the client's settings there: this server's callback as a redirect address, the code flow, and `sign_in.provider_scopes`",
        ),
        _ => Failure::provider(
            "server_error",
            "the provider refused, for a reason of its own",
            "look into the provider's log",
        ),
    }
}
