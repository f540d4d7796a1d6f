//! The token endpoint: a code, or a refresh token, for tokens of ours.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::attempt::{Attempt, Failure};
use super::parameters::{Parameters, malformed};
use super::provider::challenge;
use super::seal::{OpenError, Purpose, same};
use super::values::{CODE_LIFE_S, ClientMark, Code, Person, Refresh};
use super::{Facade, answer, now};

/// RFC 7636 §4.1.
const VERIFIER_CHARS: std::ops::RangeInclusive<usize> = 43..=128;

/// Longer than a code is good.
const CODE_MARK_LIFE: Duration = Duration::from_secs(CODE_LIFE_S + 1);

pub(crate) async fn answer(facade: &Facade, head: &Parts, body: &[u8]) -> Response<Bytes> {
    // Until the code is opened; then the attempt that it belongs to.
    let mut attempt = Attempt::begin(&head.extensions);
    let mut step = "token";
    match tokens(facade, head, body, &mut attempt, &mut step).await {
        Ok(tokens) => {
            attempt.done(step);
            answer::json(StatusCode::OK, &tokens, answer::NO_STORE)
        }
        Err(failure) => {
            attempt.failed(step, &failure);
            answer::refuse(&failure, attempt.id())
        }
    }
}

async fn tokens(
    facade: &Facade,
    head: &Parts,
    body: &[u8],
    attempt: &mut Attempt,
    step: &mut &'static str,
) -> Result<Value, Failure> {
    let parameters = form(head, body)?;
    let client = facade.authenticated(&head.headers, &parameters)?;
    facade.check_resource(&parameters)?;
    match parameters.need("grant_type")? {
        "authorization_code" => facade.redeem(&parameters, &client, attempt).await,
        "refresh_token" => {
            *step = "refresh";
            facade.renew(&parameters, &client, attempt).await
        }
        _ => Err(Failure::client(
            "unsupported_grant_type",
            "the grant type is neither authorization_code nor refresh_token",
            "the client must use the code flow",
        )),
    }
}

/// The parameters of a form.
pub(crate) fn form(head: &Parts, body: &[u8]) -> Result<Parameters, Failure> {
    let is_form = head.headers.get(CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes()
            .to_ascii_lowercase()
            .starts_with(b"application/x-www-form-urlencoded")
    });
    if !is_form {
        return Err(malformed("the request is not a form"));
    }
    Parameters::parse(body)
}

fn spent(what: &'static str) -> impl Fn(OpenError) -> Failure {
    move |error| match error {
        OpenError::Expired => Failure::client(
            "invalid_grant",
            format!("the {what} has expired"),
            "sign in again",
        ),
        OpenError::Foreign => Failure::client(
            "invalid_grant",
            format!("the {what} is not one of this server's, or its key is gone"),
            "sign in again; replicas must have the same `sign_in.keys`",
        ),
    }
}

fn another_client() -> Failure {
    Failure::client(
        "invalid_grant",
        "it was given to another client",
        "the client must use what it was given itself",
    )
}

impl Facade {
    async fn redeem(
        &self,
        parameters: &Parameters,
        client: &ClientMark,
        attempt: &mut Attempt,
    ) -> Result<Value, Failure> {
        let code: Code = self
            .seals
            .open(Purpose::Code, parameters.need("code")?, now())
            .map_err(spent("code"))?;
        attempt.join(&code.attempt);
        if !same(&code.client.digest, &client.digest) {
            return Err(another_client());
        }
        // OAuth 2.1 dropped it, so that PKCE alone has to do for clients that leave it out.
        if parameters
            .get("redirect_uri")
            .is_some_and(|to| to != code.redirect_uri)
        {
            return Err(Failure::client(
                "invalid_grant",
                "the redirect address is not the one that the code was sent to",
                "the client must send the same one twice",
            ));
        }
        let verifier = parameters.need("code_verifier")?;
        let is_sound = VERIFIER_CHARS.contains(&verifier.len());
        if !is_sound || !same(&challenge(verifier), &code.challenge) {
            return Err(Failure::client(
                "invalid_grant",
                "the code verifier is not the one that the code was asked for with",
                "begin the sign-in anew; if it happens again, somebody else's code is being used",
            ));
        }
        // Last, so that nobody without the verifier can spend it.
        let (mark, life) = (format!("code {}", code.id), CODE_MARK_LIFE);
        self.use_once(&mark, life, &code.id, attempt).await?;
        let began_at = now();
        let refresh = code.providers_own.map(|providers_own| Refresh {
            family: code.id,
            generation: 0,
            attempt: code.attempt,
            client: code.client,
            scopes: code.scopes.clone(),
            person: code.person.clone(),
            providers_own,
            began_at,
        });
        Ok(self.issue(client, &code.person, &code.scopes, refresh))
    }

    async fn renew(
        &self,
        parameters: &Parameters,
        client: &ClientMark,
        attempt: &mut Attempt,
    ) -> Result<Value, Failure> {
        let text = parameters.need("refresh_token")?;
        let old: Refresh = self
            .seals
            .open(Purpose::Refresh, text, now())
            .map_err(spent("refresh token"))?;
        attempt.join(&old.attempt);
        if !same(&old.client.digest, &client.digest) {
            return Err(another_client());
        }
        let scopes = narrowed(&old.scopes, parameters.get("scope"))?;
        let (family, generation) = (&old.family, old.generation);
        self.begin_refresh(family, generation, attempt).await?;
        let renewed = self
            .provider
            .refresh(&old.providers_own, &old.person.subject, attempt)
            .await?;
        // After the provider, so that a provider that is down for a moment does not end the sign-in.
        self.end_refresh(family, generation, attempt).await?;
        let person = renewed.person.unwrap_or(old.person);
        let refresh = Refresh {
            family: old.family,
            generation: old.generation + 1,
            attempt: old.attempt,
            client: old.client,
            scopes: old.scopes,
            person: person.clone(),
            providers_own: renewed.refresh.unwrap_or(old.providers_own),
            began_at: old.began_at,
        };
        Ok(self.issue(client, &person, &scopes, Some(refresh)))
    }

    fn issue(
        &self,
        client: &ClientMark,
        person: &Person,
        asked: &[String],
        refresh: Option<Refresh>,
    ) -> Value {
        let now = now();
        let scope = self.granted(asked, &person.groups).join(" ");
        let began_at = refresh.as_ref().map_or(now, |refresh| refresh.began_at);
        let session_ends = began_at.saturating_add(self.config.session_life_s);
        // Refresh tokens are not good for longer, so something is left.
        let life = self
            .config
            .access_token_life_s
            .min(session_ends.saturating_sub(now));
        let mut claims = person.claims.clone();
        let own = json!({
            "iss": self.issuer,
            "sub": person.subject,
            "aud": self.resource,
            "client_id": client.label,
            "scope": scope,
            "groups": person.groups,
            "iat": now,
            "exp": now + life,
        });
        if let Value::Object(own) = own {
            // What is handed on stands in for nothing of ours.
            claims.extend(own);
        }
        let mut answer = json!({
            "access_token": self.seals.seal(Purpose::Access, &claims, now + life),
            "token_type": "Bearer",
            "expires_in": life,
            "scope": scope,
        });
        if let Some(refresh) = refresh {
            let ends = session_ends.min(now + self.config.refresh_token_life_s);
            answer["refresh_token"] = self.seals.seal(Purpose::Refresh, &refresh, ends).into();
        }
        answer
    }

    /// The scopes that a person of these groups may have, of those that were asked for.
    fn granted(&self, asked: &[String], groups: &[String]) -> Vec<String> {
        let may = |scope: &&String| {
            self.config.scopes.get(*scope).is_some_and(|scope| {
                scope.groups.is_empty() || scope.groups.iter().any(|group| groups.contains(group))
            })
        };
        asked.iter().filter(may).cloned().collect()
    }
}

/// A refresh may ask for less, never for more (RFC 6749 §6).
fn narrowed(had: &[String], asked: Option<&str>) -> Result<Vec<String>, Failure> {
    let Some(asked) = asked else {
        return Ok(had.to_vec());
    };
    let asked: Vec<String> = asked
        .split(' ')
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect();
    if asked.iter().any(|scope| !had.contains(scope)) {
        return Err(Failure::client(
            "invalid_scope",
            "the client asks for more scopes than it was given",
            "begin a new sign-in for more",
        ));
    }
    Ok(asked)
}
