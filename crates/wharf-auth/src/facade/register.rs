//! Dynamic registration (RFC 7591). Nothing is stored: the client id is the registration, sealed.

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::attempt::{Attempt, Failure};
use super::client::{Authentication, displayed};
use super::seal::Purpose;
use super::values::Registration;
use super::{Facade, answer, now};

/// Clients list loopback under several names; more is no client.
const REDIRECT_URIS_MAX: usize = 20;
/// The id goes into addresses, so it must stay short enough for every browser and proxy.
const REGISTRATION_BYTES_MAX: usize = 2 << 10;
/// A registration has no end of its own: it ends with the key that sealed it.
const NEVER: u64 = u64::MAX;

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    redirect_uris: Vec<String>,
    client_name: Option<String>,
    token_endpoint_auth_method: Option<String>,
    response_types: Option<Vec<String>>,
}

pub(crate) fn answer(facade: &Facade, head: &Parts, body: &[u8]) -> Response<Bytes> {
    let attempt = Attempt::begin(&head.extensions);
    match register(facade, body, &attempt) {
        Ok(registered) => answer::json(StatusCode::CREATED, &registered, answer::NO_STORE),
        Err(failure) => {
            attempt.failed("register", &failure);
            answer::refuse(&failure, attempt.id())
        }
    }
}

fn register(facade: &Facade, body: &[u8], attempt: &Attempt) -> Result<Value, Failure> {
    let refuse = |what: &'static str| {
        Failure::client(
            "invalid_client_metadata",
            what,
            "the client must be mended or updated",
        )
    };
    let asked: Asked = serde_json::from_slice(body)
        .map_err(|_| refuse("the registration is not JSON as RFC 7591 has it"))?;
    if asked
        .response_types
        .is_some_and(|types| !types.iter().any(|kind| kind == "code"))
    {
        return Err(refuse(
            "the client does not use the response type code, the only one there is",
        ));
    }
    // What the client asked for may be replaced (RFC 7591 §2); the answer says by what.
    let authentication = asked
        .token_endpoint_auth_method
        .as_deref()
        .and_then(Authentication::named)
        .unwrap_or(Authentication::None);
    let registration = Registration {
        name: displayed(asked.client_name.as_deref().unwrap_or_default()),
        redirect_uris: permitted(facade, asked.redirect_uris)?,
        authentication,
    };
    let bytes = serde_json::to_vec(&registration).map_or(usize::MAX, |bytes| bytes.len());
    if bytes > REGISTRATION_BYTES_MAX {
        return Err(refuse("the registration is too long"));
    }
    let id = facade.seals.seal(Purpose::Client, &registration, NEVER);
    attempt.done_with("register", &registration.name);
    let mut answer = json!({
        "client_id": id,
        "client_id_issued_at": now(),
        "client_name": registration.name,
        "redirect_uris": registration.redirect_uris,
        "token_endpoint_auth_method": authentication.name(),
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    });
    if authentication != Authentication::None {
        answer["client_secret"] = facade.seals.secret_of(&id).into();
        answer["client_secret_expires_at"] = 0.into();
    }
    Ok(answer)
}

/// The addresses that are permitted. Some clients register all that they might use somewhere; one that stays out is no
/// reason to refuse them all.
fn permitted(facade: &Facade, asked: Vec<String>) -> Result<Vec<String>, Failure> {
    if asked.is_empty() || asked.len() > REDIRECT_URIS_MAX {
        return Err(Failure::client(
            "invalid_redirect_uri",
            "there are no redirect addresses, or too many",
            "the client must register the addresses that it uses",
        ));
    }
    let mut refused = None;
    let mut permitted = Vec::new();
    for uri in asked {
        match facade.redirects.permit(&uri) {
            Ok(()) => permitted.push(uri),
            Err(reason) => refused = Some(reason),
        }
    }
    match refused {
        Some(reason) if permitted.is_empty() => Err(Failure::configuration(
            "invalid_redirect_uri",
            format!("the client's redirect address {reason}"),
            "permit it in `sign_in.redirect_uris`, or the program it belongs to in `sign_in.connectors`",
        )),
        _ => Ok(permitted),
    }
}
