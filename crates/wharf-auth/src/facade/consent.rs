//! The person's word: whether this client may act for them.
//!
//! The provider knows one client, this server, and may let everybody through who is signed in already. So without a
//! question of our own any client could have anybody's token for a click (the confused deputy). The answer counts only
//! from the browser that was asked, and only from our own page.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response};

use super::attempt::{Attempt, Failure};
use super::authorize::tell_client;
use super::parameters::{Parameters, malformed};
use super::seal::{OpenError, Purpose, digest, same};
use super::values::{Asked, STATE_LIFE_S, Transaction};
use super::{Facade, answer, now, random};

/// RFC 7636 §4.1 wants 43 characters of one that cannot be guessed.
const VERIFIER_BYTES: usize = 32;
const NONCE_BYTES: usize = 16;

pub(crate) async fn decide(facade: &Facade, head: &Parts, body: &[u8]) -> Response<Bytes> {
    let (asked, allowed) = match read(facade, head, body) {
        Ok(read) => read,
        Err(failure) => {
            // The attempt is not known, or not this browser's.
            let attempt = Attempt::begin(&head.extensions);
            attempt.failed("consent", &failure);
            return facade.pages.failure(&failure, &attempt);
        }
    };
    let attempt = asked.attempt.clone();
    let to_provider = if allowed {
        to_provider(facade, asked.clone()).await
    } else {
        Err(Failure::person(
            "access_denied",
            "the person refused",
            "begin the sign-in anew if that was a mistake",
        ))
    };
    match to_provider {
        Ok(address) => {
            attempt.done("consent");
            answer::redirect(&address, &[])
        }
        Err(failure) => {
            attempt.failed("consent", &failure);
            tell_client(
                facade,
                &asked.redirect_uri,
                asked.state.as_deref(),
                &failure,
                &attempt,
            )
        }
    }
}

fn read(facade: &Facade, head: &Parts, body: &[u8]) -> Result<(Asked, bool), Failure> {
    check_page(facade, &head.headers)?;
    let parameters = Parameters::parse(body)?;
    let mut asked: Asked = facade
        .seals
        .open(Purpose::Consent, parameters.need("question")?, now())
        .map_err(of_page)?;
    facade.check_browser(&head.headers, &asked)?;
    asked.attempt = asked.attempt.go_on(&head.extensions);
    match parameters.need("answer")? {
        "allow" => Ok((asked, true)),
        "refuse" => Ok((asked, false)),
        _ => Err(malformed("the answer is neither allow nor refuse")),
    }
}

/// Whether the form was sent from our own page, as far as the browser tells.
fn check_page(facade: &Facade, headers: &HeaderMap) -> Result<(), Failure> {
    let is_form = headers.get(CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes()
            .to_ascii_lowercase()
            .starts_with(b"application/x-www-form-urlencoded")
    });
    let origin = headers.get(ORIGIN).map(HeaderValue::as_bytes);
    let is_ours = origin.is_none_or(|origin| origin == facade.origin().as_bytes());
    let from = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let is_near = from.is_none_or(|from| from == b"same-origin");
    if is_form && is_ours && is_near {
        return Ok(());
    }
    Err(Failure::client(
        "access_denied",
        "the answer did not come from this server's own page",
        "begin the sign-in anew, and answer on the page that appears",
    ))
}

fn of_page(error: OpenError) -> Failure {
    match error {
        OpenError::Expired => Failure::person(
            "access_denied",
            "the question was open for too long",
            "begin the sign-in anew",
        ),
        OpenError::Foreign => Failure::client(
            "invalid_request",
            "the question is not one of this server's, or its key is gone",
            "begin the sign-in anew; replicas must have the same `sign_in.keys`",
        ),
    }
}

async fn to_provider(facade: &Facade, asked: Asked) -> Result<String, Failure> {
    let attempt = asked.attempt.clone();
    let transaction = Transaction {
        asked,
        verifier: random::hex::<VERIFIER_BYTES>(),
        nonce: random::hex::<NONCE_BYTES>(),
    };
    let state = facade
        .seals
        .seal(Purpose::State, &transaction, now() + STATE_LIFE_S);
    let Transaction {
        verifier, nonce, ..
    } = &transaction;
    facade
        .provider
        .sign_in_address(&state, nonce, verifier, &attempt)
        .await
}

impl Facade {
    /// Whether a step comes from the browser that began.
    pub(crate) fn check_browser(&self, headers: &HeaderMap, asked: &Asked) -> Result<(), Failure> {
        let browser = self.browser(headers);
        if browser.is_some_and(|browser| same(&digest(&browser), &asked.browser)) {
            return Ok(());
        }
        Err(Failure::person(
            "access_denied",
            "the sign-in was begun in another browser, or its cookie is gone",
            "begin the sign-in anew and finish it in the same browser, with cookies permitted",
        ))
    }

    fn origin(&self) -> &str {
        self.issuer
            .strip_suffix(&self.prefix)
            .unwrap_or(&self.issuer)
    }
}
