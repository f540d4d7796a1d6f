//! The first step in the browser: what a client asks for, checked, becomes a question to the person.
//!
//! Until the client and its redirect address are known to belong together nothing is ever redirected (RFC 6749 §4.1.2.1):
//! the person sees a page. After that the client is told, with our name in `iss` (RFC 9207).

use bytes::Bytes;
use http::Response;
use http::header::SET_COOKIE;
use http::request::Parts;

use super::attempt::{Attempt, Failure};
use super::parameters::{Parameters, malformed};
use super::seal::{Purpose, digest};
use super::values::{Asked, CONSENT_LIFE_S};
use super::{Facade, answer, client, cookie, now};

/// A client's own state travels along. The longest known ones have a few hundred.
const STATE_BYTES_MAX: usize = 2 << 10;
/// Base64url of SHA-256 (RFC 7636 §4.2).
const CHALLENGE_CHARS: usize = 43;

/// Who is told of a failure.
enum Refusal {
    /// The person alone.
    Shown(Failure),
    /// The client, at its checked address.
    Sent {
        to: String,
        state: Option<String>,
        failure: Failure,
    },
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Shown(failure)
    }
}

pub(crate) async fn begin(facade: &Facade, head: &Parts) -> Response<Bytes> {
    let attempt = Attempt::begin(&head.extensions);
    let browser = facade.browser(&head.headers).unwrap_or_else(cookie::fresh);
    let query = head.uri.query().unwrap_or_default();
    match ask(facade, query, &browser, &attempt).await {
        Ok((asked, name)) => {
            attempt.done_with("authorize", &asked.client.label);
            let sealed = facade
                .seals
                .seal(Purpose::Consent, &asked, now() + CONSENT_LIFE_S);
            let mut page = facade.pages.consent(facade, &asked, &name, &sealed);
            page.headers_mut()
                .insert(SET_COOKIE, facade.cookie(&browser));
            page
        }
        Err(Refusal::Shown(failure)) => {
            attempt.failed("authorize", &failure);
            facade.pages.failure(&failure, &attempt)
        }
        Err(Refusal::Sent { to, state, failure }) => {
            attempt.failed("authorize", &failure);
            tell_client(facade, &to, state.as_deref(), &failure, &attempt)
        }
    }
}

/// What the client asks for, and what it calls itself.
async fn ask(
    facade: &Facade,
    query: &str,
    browser: &str,
    attempt: &Attempt,
) -> Result<(Asked, String), Refusal> {
    let parameters = Parameters::parse(query.as_bytes())?;
    let client = facade
        .client(parameters.need("client_id")?, attempt)
        .await?;
    let redirect_uri = parameters.get("redirect_uri");
    let redirect_uri = client.redirect_uri(redirect_uri, facade)?.to_owned();
    let state = parameters.get("state");
    if state.is_some_and(|state| state.len() > STATE_BYTES_MAX) {
        return Err(malformed("the parameter state is too long").into());
    }
    let checked = check(facade, &parameters);
    let (challenge, scopes) = checked.map_err(|failure| Refusal::Sent {
        to: redirect_uri.clone(),
        state: state.map(str::to_owned),
        failure,
    })?;
    let asked = Asked {
        attempt: attempt.clone(),
        client: client.mark,
        redirect_uri,
        state: state.map(str::to_owned),
        challenge,
        scopes,
        browser: digest(browser),
    };
    Ok((asked, client::displayed(&client.name)))
}

/// What may be told to the client when it is wrong.
fn check(facade: &Facade, parameters: &Parameters) -> Result<(String, Vec<String>), Failure> {
    if parameters.need("response_type")? != "code" {
        return Err(Failure::client(
            "unsupported_response_type",
            "the response type is not code",
            "the client must use the code flow",
        ));
    }
    if parameters
        .get("response_mode")
        .is_some_and(|mode| mode != "query")
    {
        return Err(malformed("the response mode is not query"));
    }
    let challenge = parameters.need("code_challenge")?;
    // Without the method it would be `plain`, which protects nothing.
    if parameters.get("code_challenge_method") != Some("S256") {
        return Err(malformed("the code challenge method is not S256"));
    }
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if challenge.len() != CHALLENGE_CHARS || !challenge.bytes().all(is_base64url) {
        return Err(malformed("the code challenge is not one of S256"));
    }
    // The person is always asked (OpenID Connect Core §3.1.2.6).
    if parameters.get("prompt") == Some("none") {
        return Err(Failure::client(
            "consent_required",
            "the client wants nobody to be asked",
            "the client must leave out `prompt=none`; refresh tokens renew a sign-in without a question",
        ));
    }
    facade.check_resource(parameters)?;
    let scopes = facade.asked_scopes(parameters.get("scope"))?;
    Ok((challenge.to_owned(), scopes))
}

impl Facade {
    /// Tokens are for this server alone (RFC 8707). A client that names none gets one for it.
    pub(crate) fn check_resource(&self, parameters: &Parameters) -> Result<(), Failure> {
        let without_slash = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
        let ours = without_slash(&self.resource);
        if parameters
            .all("resource")
            .all(|resource| without_slash(resource) == ours)
        {
            return Ok(());
        }
        Err(Failure::client(
            "invalid_target",
            "the client wants a token for another server",
            "the client must send the resource of this server's metadata; the owner checks `server.public_url`",
        ))
    }

    /// Those that are offered here, of those that were asked for; all, where the client asks for none. It must not get all
    /// for asking for one that is not there (RFC 6749 §4.1.2.1), but where none is offered there is nothing to get.
    fn asked_scopes(&self, asked: Option<&str>) -> Result<Vec<String>, Failure> {
        let offered = &self.config.scopes;
        let asked = asked.unwrap_or_default();
        let asked: Vec<_> = asked.split(' ').filter(|scope| !scope.is_empty()).collect();
        if asked.is_empty() {
            return Ok(offered.keys().cloned().collect());
        }
        let mut scopes: Vec<String> = Vec::new();
        for scope in asked {
            if offered.contains_key(scope) && !scopes.iter().any(|other| other == scope) {
                scopes.push(scope.to_owned());
            }
        }
        if scopes.is_empty() && !offered.is_empty() {
            return Err(Failure::client(
                "invalid_scope",
                "no scope that the client asks for is one of this server's",
                "the client must ask for scopes of the metadata, or for none; the owner checks `sign_in.scopes`",
            ));
        }
        Ok(scopes)
    }
}

/// Sends the browser back to the client with an error. `to` was checked, here or in a step before.
pub(crate) fn tell_client(
    facade: &Facade,
    to: &str,
    state: Option<&str>,
    failure: &Failure,
    attempt: &Attempt,
) -> Response<Bytes> {
    // The codes of the token endpoint have no place here (RFC 6749 §4.1.2.1).
    let code = match failure.code {
        "invalid_grant" => "server_error",
        code => code,
    };
    let description = answer::description(failure, attempt.id());
    let mut parameters = vec![
        ("error", code),
        ("error_description", description.as_str()),
        ("iss", facade.issuer.as_str()),
    ];
    parameters.extend(state.map(|state| ("state", state)));
    answer::redirect(to, &parameters)
}
