//! Tokens from an issuer: what they have in common, and the client that asks for them.
//!
//! A token endpoint is not the API: it has a client of its own, with small limits, and it gets nothing that is meant
//! for the API. Its answers are read for the few members that are needed; nothing of them but an error's code ever
//! reaches a message, since they hold secrets.

mod cognito;
mod oauth;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use wharf_model::Secret;

pub(crate) use cognito::{Cognito, SignIn};
pub(crate) use oauth::{Client, OAuth, cognito_token_url};

use crate::lease::{Held, Issue, Issuing};
use crate::{
    Config, Credentials, Network, Request, Retries, Seconds, Trust, Upstream, UpstreamError,
    address, redirect,
};

/// A token request that takes longer has failed; calls wait for it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// An answer is longer only by mistake: tokens have to fit into a header.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// One renewal at a time is made; a second connection serves the sign-in after a refused refresh.
const CONNECTIONS_MAX: usize = 2;
/// No error code of the specifications is longer.
const CODE_CHARS_MAX: usize = 60;

/// A token for the `Authorization` header.
pub(crate) struct Token {
    pub(crate) authorization: HeaderValue,
    /// What gets the next one without the password.
    refresh: Option<Secret>,
}

/// Who issues tokens.
pub(crate) enum TokenIssuer {
    OAuth(OAuth),
    Cognito(Cognito),
}

impl Issue for TokenIssuer {
    type Good = Token;
    type Error = UpstreamError;

    fn issuer(&self) -> String {
        match self {
            Self::OAuth(oauth) => oauth.endpoint.issuer(),
            Self::Cognito(cognito) => cognito.endpoint.issuer(),
        }
    }

    fn issue(self: Arc<Self>, earlier: Option<Arc<Held<Token>>>) -> Issuing<Token, UpstreamError> {
        Box::pin(async move {
            match &*self {
                Self::OAuth(oauth) => oauth.issue().await,
                Self::Cognito(cognito) => cognito.issue(earlier.as_deref()).await,
            }
        })
    }

    fn given_up(&self) -> UpstreamError {
        UpstreamError::given_up(self.issuer())
    }
}

impl Token {
    /// A token as RFC 6750 has it, with no characters that it cannot have.
    fn new(text: &str, refresh: Option<Secret>) -> Option<Self> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {text}")).ok()?;
        authorization.set_sensitive(true);
        (!text.is_empty()).then_some(Self {
            authorization,
            refresh,
        })
    }
}

/// The way to whoever issues something: what it shares with the API's own.
#[derive(Clone, Copy)]
pub(crate) struct Way<'c> {
    pub(crate) ca_pem: Option<&'c str>,
    pub(crate) network: &'c Network,
}

/// An address that the operator named, and the client for it.
pub(crate) struct Endpoint {
    upstream: Upstream,
    target: String,
}

impl Endpoint {
    /// Nothing is sent yet.
    pub(crate) fn new(url: &str, way: Way<'_>) -> Result<Self, UpstreamError> {
        Self::with_credentials(url, way, Credentials::default())
    }

    /// One so near that there is no proxy on the way, and no authority but the public ones.
    pub(crate) fn near(url: &str) -> Result<Self, UpstreamError> {
        let way = Way {
            ca_pem: None,
            network: &Network::default(),
        };
        Self::new(url, way)
    }

    /// An issuer that wants to know who asks.
    pub(crate) fn with_credentials(
        url: &str,
        way: Way<'_>,
        credentials: Credentials,
    ) -> Result<Self, UpstreamError> {
        let (url, origin) = address::parse(url)?;
        let config = Config {
            timeout_s: Seconds::of(TIMEOUT),
            response_bytes_max: ANSWER_BYTES_MAX,
            connections_max: CONNECTIONS_MAX,
            redirects_max: 0,
            retries: Retries {
                max: 1,
                ..Retries::default()
            },
            ca_pem: way.ca_pem.map(str::to_owned),
            network: way.network.clone(),
            credentials,
            ..Config::default()
        };
        Ok(Self {
            upstream: Upstream::new(&config, &origin.to_string(), Trust::Operator)?,
            target: redirect::path_and_query(&url),
        })
    }

    /// For messages: the origin.
    pub(crate) fn issuer(&self) -> String {
        self.upstream.base_url().to_owned()
    }

    pub(crate) async fn get(&self, headers: HeaderMap) -> Result<Bytes, UpstreamError> {
        self.ask(Method::GET, &self.target, headers, Bytes::new())
            .await
    }

    pub(crate) async fn post(
        &self,
        headers: HeaderMap,
        body: String,
    ) -> Result<Bytes, UpstreamError> {
        self.ask(Method::POST, &self.target, headers, body.into())
            .await
    }

    pub(crate) async fn post_form(&self, form: String) -> Result<Bytes, UpstreamError> {
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.post([(CONTENT_TYPE, form_type)].into_iter().collect(), form)
            .await
    }

    /// Sends a request and takes nothing but a whole success for an answer.
    pub(crate) async fn ask(
        &self,
        method: Method,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Bytes, UpstreamError> {
        let request = Request {
            method,
            target: target.to_owned(),
            headers,
            body,
        };
        let nothing = HeaderMap::new();
        let sending = self.upstream.send(request, &nothing, None);
        let response = sending
            .await
            .map_err(|source| UpstreamError::TokenRequest {
                issuer: self.issuer(),
                source: Arc::new(source),
            })?;
        if response.truncated {
            return Err(self.complain("its answer is too long"));
        }
        if response.status != StatusCode::OK {
            return Err(self.refusal(response.status, &response.body));
        }
        Ok(response.body)
    }

    /// The members of an answer.
    pub(crate) fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, UpstreamError> {
        // The library's own message may quote the answer.
        serde_json::from_slice(body).map_err(|_| self.complain("its answer cannot be read"))
    }

    pub(crate) fn complain(&self, reason: impl Into<String>) -> UpstreamError {
        UpstreamError::Token {
            issuer: self.issuer(),
            reason: reason.into(),
        }
    }

    /// What a refusal says: its status, and its code where it has one (RFC 6749 §5.2, or AWS's `__type` or `<Code>`).
    fn refusal(&self, status: StatusCode, body: &[u8]) -> UpstreamError {
        let answer = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let code = ["error", "__type", "code", "Code"]
            .iter()
            .find_map(|member| answer.get(member)?.as_str())
            .or_else(|| xml_text(body, "Code"))
            .and_then(plain_code);
        let status = status.as_u16();
        self.complain(match code {
            Some(code) => format!("it answered `{code}` with status {status}"),
            None => format!("it answered with status {status}"),
        })
    }
}

/// The text of the first XML element of that name. It is all of XML that AWS's older services make needed: elements
/// without attributes that hold a name, a key or a time.
pub(crate) fn xml_text<'x>(body: &'x [u8], name: &str) -> Option<&'x str> {
    let (_, rest) = std::str::from_utf8(body)
        .ok()?
        .split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    (!text.contains(['<', '&'])).then(|| text.trim())
}

/// An error's code, when it is nothing else.
fn plain_code(text: &str) -> Option<&str> {
    let text = text.rsplit('#').next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (!text.is_empty() && text.len() <= CODE_CHARS_MAX && text.bytes().all(is_plain)).then_some(text)
}

/// A life in seconds, however it is written: some servers send it as text, or with a fraction.
fn lifetime(seconds: Option<&Value>) -> Option<Duration> {
    let seconds = match seconds? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lives_are_read_as_they_are_written() {
        for (given, expected) in [
            (json!(3600), Some(3600.0)),
            (json!("3600"), Some(3600.0)),
            (json!(59.5), Some(59.5)),
            (json!(0), Some(0.0)),
            (json!(-1), None),
            (json!("soon"), None),
            (json!(1e300), None),
            (json!(null), None),
        ] {
            assert_eq!(
                lifetime(Some(&given)).map(|life| life.as_secs_f64()),
                expected,
                "{given}"
            );
        }
        assert_eq!(lifetime(None), None);
    }

    #[test]
    fn only_codes_are_repeated() {
        for (given, expected) in [
            ("invalid_client", Some("invalid_client")),
            (
                "com.amazon.coral#NotAuthorizedException",
                Some("NotAuthorizedException"),
            ),
            ("the secret hush is wrong", None),
            ("", None),
        ] {
            assert_eq!(plain_code(given), expected, "{given}");
        }
        assert_eq!(plain_code(&"x".repeat(61)), None);
    }

    #[test]
    fn texts_of_elements_are_found() {
        let body = b"<R><Credentials><Token>a+/=\n</Token><Odd>a&amp;b</Odd><T/></Credentials></R>";
        for (name, expected) in [
            ("Token", Some("a+/=")),
            ("Odd", None),
            ("Credentials", None),
            ("Code", None),
        ] {
            assert_eq!(xml_text(body, name), expected, "{name}");
        }
        assert_eq!(xml_text(b"<Code>\xff</Code>", "Code"), None);
    }
}
