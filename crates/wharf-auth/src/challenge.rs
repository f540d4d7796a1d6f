//! What somebody is told who is not let in: a status, a sentence, and how to do better (RFC 6750 §3, RFC 9728 §5).

use std::borrow::Cow;
use std::time::Duration;

use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};

use crate::error::TokenError;
use crate::scopes::is_scope;

/// When a second try makes sense where an issuer's keys could not be had.
const KEYS_LATER: Duration = Duration::from_secs(5);

/// An answer instead of a caller.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// The status of the answer.
    pub status: StatusCode,
    /// What is wrong, for whoever wrote the client. Repeats nothing that was sent.
    pub message: Cow<'static, str>,
    /// The whole body, where the answer is not one of the protocol's.
    pub body: Option<String>,
    header: Option<HeaderValue>,
    retry_after: Option<Duration>,
}

impl Challenge {
    /// Writes the headers that go with it.
    pub fn write(&self, headers: &mut HeaderMap) {
        if let Some(header) = &self.header {
            headers.insert(WWW_AUTHENTICATE, header.clone());
        }
        if let Some(after) = self.retry_after {
            headers.insert(RETRY_AFTER, after.as_secs().into());
        }
    }

    /// A status and a body alone.
    pub(crate) fn plain(status: StatusCode, body: String) -> Self {
        Self {
            status,
            message: Cow::Borrowed("not let in"),
            body: Some(body),
            header: None,
            retry_after: None,
        }
    }
}

/// Makes challenges; knows what all of them name.
#[derive(Debug, Default)]
pub(crate) struct Challenger {
    metadata_url: Option<String>,
    scopes: Vec<String>,
}

impl Challenger {
    pub(crate) fn new(metadata_url: Option<String>, scopes: Vec<String>) -> Self {
        Self {
            metadata_url,
            scopes,
        }
    }

    /// Nothing was sent that could prove who calls.
    pub(crate) fn missing(&self) -> Challenge {
        self.challenge(
            StatusCode::UNAUTHORIZED,
            "this needs a caller who has signed in: send a token or a key as `Authorization: Bearer`",
            None,
            &self.scopes,
        )
    }

    /// It was not sent as it must be.
    pub(crate) fn malformed(&self, message: &'static str) -> Challenge {
        let error = Some("invalid_request");
        self.challenge(StatusCode::BAD_REQUEST, message, error, &self.scopes)
    }

    /// What was sent is no good, or cannot be judged now.
    pub(crate) fn invalid(&self, error: &TokenError) -> Challenge {
        if let TokenError::NoKeys(_) | TokenError::NoSecret = error {
            return Challenge {
                status: StatusCode::SERVICE_UNAVAILABLE,
                message: error.to_string().into(),
                body: None,
                header: None,
                retry_after: Some(KEYS_LATER),
            };
        }
        self.challenge(
            StatusCode::UNAUTHORIZED,
            error.to_string(),
            Some("invalid_token"),
            &self.scopes,
        )
    }

    /// It was good, but does not permit what was asked for. With these scopes, all together, it would.
    pub(crate) fn insufficient(&self, scopes: &[String]) -> Challenge {
        self.challenge(
            StatusCode::FORBIDDEN,
            "the token does not permit this",
            Some("insufficient_scope"),
            scopes,
        )
    }

    fn challenge(
        &self,
        status: StatusCode,
        message: impl Into<Cow<'static, str>>,
        error: Option<&str>,
        scopes: &[String],
    ) -> Challenge {
        let message = message.into();
        let mut parameters = Vec::new();
        let mut add =
            |name: &str, value: &str| parameters.push(format!("{name}=\"{}\"", quotable(value)));
        if let Some(error) = error {
            add("error", error);
            add("error_description", &message);
        }
        if let Some(url) = &self.metadata_url {
            add("resource_metadata", url);
        }
        let scopes: Vec<_> = scopes
            .iter()
            .map(String::as_str)
            .filter(|it| is_scope(it))
            .collect();
        if !scopes.is_empty() {
            add("scope", &scopes.join(" "));
        }
        let text = format!("Bearer {}", parameters.join(", "));
        Challenge {
            status,
            message,
            body: None,
            header: HeaderValue::try_from(text.trim_end()).ok(),
            retry_after: None,
        }
    }
}

/// What may stand between the quotes (RFC 6750 §3: no quotes, no backslashes, only ASCII that can be seen).
fn quotable(text: &str) -> String {
    let fit = |it: char| match it {
        '`' | '"' => '\'',
        ' '..='~' if it != '\\' => it,
        _ => '?',
    };
    text.chars().map(fit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(challenge: &Challenge) -> String {
        let mut headers = HeaderMap::new();
        challenge.write(&mut headers);
        let value = headers.get(WWW_AUTHENTICATE);
        value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn challenges_as_clients_read_them() {
        let scopes = vec!["pets:read".to_owned(), "openid".to_owned()];
        let url = "https://mcp.example/.well-known/oauth-protected-resource/mcp";
        let full = Challenger::new(Some(url.to_owned()), scopes);
        let bare = Challenger::default();
        let operation = [
            "pets:read".to_owned(),
            "pets:write".to_owned(),
            "no\"scope".to_owned(),
        ];
        let claim = TokenError::Claim("a\"b\\c\r\nd".to_owned());
        for (challenge, status, expected) in [
            (full.missing(), 401, format!("Bearer resource_metadata=\"{url}\", scope=\"pets:read openid\"")),
            (bare.missing(), 401, "Bearer".to_owned()),
            (
                full.invalid(&TokenError::Expired),
                401,
                format!("Bearer error=\"invalid_token\", error_description=\"the token has expired\", resource_metadata=\"{url}\", scope=\"pets:read openid\""),
            ),
            (
                bare.invalid(&claim),
                401,
                "Bearer error=\"invalid_token\", error_description=\"the token's claim 'a'b?c??d' is not what is required here\"".to_owned(),
            ),
            (
                bare.malformed("twice"),
                400,
                "Bearer error=\"invalid_request\", error_description=\"twice\"".to_owned(),
            ),
            (
                full.insufficient(&operation),
                403,
                format!("Bearer error=\"insufficient_scope\", error_description=\"the token does not permit this\", resource_metadata=\"{url}\", scope=\"pets:read pets:write\""),
            ),
            (bare.invalid(&TokenError::NoKeys(crate::KeysError::Lately)), 503, String::new()),
        ] {
            assert_eq!(header(&challenge), expected);
            assert_eq!(challenge.status.as_u16(), status, "{expected}");
        }
    }
}
