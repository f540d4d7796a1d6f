//! Where the provider is, and asking it.
//!
//! Its addresses are the operator's word, or what the operator's issuer publishes; each is over TLS, unless the issuer itself
//! is not. Of its refusals only the code is repeated: descriptions may say anything.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::Value;
use url::{Url, form_urlencoded};
use wharf_model::Secret;
use wharf_upstream::{ClientAuthentication, Request, Retries, Seconds, Trust, Upstream};

use super::{Provider, Refused};
use crate::Metadata;
use crate::facade::attempt::{Attempt, Failure};

/// A person waits in front of it.
const TIMEOUT_S: f64 = 10.0;
/// Tokens have to fit into heads.
const ANSWER_BYTES_MAX: usize = 256 << 10;
const CONNECTIONS_MAX: usize = 32;
/// No error code of the specifications is longer.
const CODE_CHARS_MAX: usize = 60;

pub(super) struct Endpoints {
    pub(super) authorize: Url,
    pub(super) token: Endpoint,
    pub(super) revoke: Option<Endpoint>,
    pub(super) logout: Option<Logout>,
    /// It names itself in what it sends back (RFC 9207).
    pub(super) names_itself: bool,
}

/// An address and the client for it.
pub(super) struct Endpoint {
    pub(super) upstream: Upstream,
    pub(super) target: String,
}

/// Where people sign out, and what the way back is called there.
pub(super) struct Logout {
    pub(super) at: Url,
    pub(super) way_back: &'static str,
}

impl Provider {
    pub(super) async fn endpoints(&self, attempt: &Attempt) -> Result<&Endpoints, Failure> {
        self.endpoints
            .get_or_try_init(|| self.find_endpoints(attempt))
            .await
    }

    async fn find_endpoints(&self, attempt: &Attempt) -> Result<Endpoints, Failure> {
        if let Some(at) = &self.hosted_at {
            let below = |path: &str| format!("{at}{path}");
            return Ok(Endpoints {
                authorize: self.checked("authorize", &below("/oauth2/authorize"))?,
                token: self.endpoint(&below("/oauth2/token"))?,
                revoke: Some(self.endpoint(&below("/oauth2/revoke"))?),
                logout: Some(Logout {
                    at: self.checked("logout", &below("/logout"))?,
                    way_back: "logout_uri",
                }),
                names_itself: false,
            });
        }
        let issuer = Url::parse(&self.issuer_name).map_err(|_| unusable("issuer"))?;
        let metadata = Metadata::fetch(&issuer, &self.reach).await;
        let metadata = metadata.map_err(|error| {
            attempt.cause("provider metadata", &error);
            Failure::provider(
                "temporarily_unavailable",
                "the provider's metadata cannot be had",
                "check that this server can reach the provider, and that `sign_in.provider` names it rightly",
            )
        })?;
        let need = |name: &'static str| metadata.text(name).ok_or_else(|| unusable(name));
        let revoke = metadata.text("revocation_endpoint");
        let logout = metadata.text("end_session_endpoint");
        Ok(Endpoints {
            authorize: self.checked("authorization_endpoint", &need("authorization_endpoint")?)?,
            token: self.endpoint(&need("token_endpoint")?)?,
            revoke: revoke.map(|url| self.endpoint(&url)).transpose()?,
            logout: match logout {
                Some(url) => Some(Logout {
                    at: self.checked("end_session_endpoint", &url)?,
                    way_back: "post_logout_redirect_uri",
                }),
                None => None,
            },
            names_itself: metadata.is_true("authorization_response_iss_parameter_supported"),
        })
    }

    /// An address over TLS, unless the provider itself is without.
    fn checked(&self, name: &'static str, text: &str) -> Result<Url, Failure> {
        let may_be_http = self.allow_http || self.issuer_name.starts_with("http://");
        Url::parse(text)
            .ok()
            .filter(|url| url.scheme() == "https" || (may_be_http && url.scheme() == "http"))
            .filter(|url| url.fragment().is_none())
            .ok_or_else(|| unusable(name))
    }

    fn endpoint(&self, text: &str) -> Result<Endpoint, Failure> {
        let mut url = self.checked("token_endpoint", text)?;
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        url.set_path("");
        url.set_query(None);
        let config = wharf_upstream::Config {
            timeout_s: Seconds::try_from(TIMEOUT_S).expect("a time within a day"),
            response_bytes_max: ANSWER_BYTES_MAX,
            connections_max: CONNECTIONS_MAX,
            redirects_max: 0,
            retries: Retries {
                max: 0,
                ..Retries::default()
            },
            ca_pem: self.reach.ca_pem.clone(),
            network: self.reach.network.clone(),
            ..wharf_upstream::Config::default()
        };
        let upstream = Upstream::new(&config, url.as_str(), Trust::Operator);
        Ok(Endpoint {
            upstream: upstream.map_err(|_| unusable("token_endpoint"))?,
            target,
        })
    }

    fn request(&self, endpoint: &Endpoint, form: &[(&str, &str)]) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        match (&self.client_secret, self.authentication) {
            (Some(secret), ClientAuthentication::Basic) => {
                headers.insert(AUTHORIZATION, basic(&self.client_id, secret));
            }
            (Some(secret), ClientAuthentication::Post) => {
                body.append_pair("client_id", &self.client_id);
                body.append_pair("client_secret", secret.expose());
            }
            (None, _) => {
                body.append_pair("client_id", &self.client_id);
            }
        }
        Request {
            method: Method::POST,
            target: endpoint.target.clone(),
            headers,
            body: body.finish().into(),
        }
    }

    pub(super) async fn post(
        &self,
        endpoint: &Endpoint,
        form: &[(&str, &str)],
        attempt: &Attempt,
    ) -> Result<Bytes, Refused> {
        let request = self.request(endpoint, form);
        let response = endpoint
            .upstream
            .send(request, &HeaderMap::new(), None)
            .await;
        let response = response.map_err(|error| {
            attempt.cause("provider", &error);
            Refused::Failed(Failure::provider(
                "temporarily_unavailable",
                "the provider cannot be reached",
                "try again in a moment; if it stays, check that this server can reach the provider",
            ))
        })?;
        if response.status == StatusCode::OK && !response.truncated {
            return Ok(response.body);
        }
        let told = serde_json::from_slice::<Value>(&response.body).unwrap_or_default();
        let code = told
            .get("error")
            .and_then(Value::as_str)
            .filter(|code| is_code(code));
        match code {
            Some(code) if response.status.is_client_error() => Err(Refused::Said(code.to_owned())),
            _ => Err(Refused::Failed(Failure::provider(
                "temporarily_unavailable",
                format!(
                    "the provider answered with status {}",
                    response.status.as_u16()
                ),
                "try again in a moment; if it stays, look into the provider's log",
            ))),
        }
    }
}

fn unusable(name: &'static str) -> Failure {
    Failure::provider(
        "server_error",
        format!("the provider's metadata have no usable {name}"),
        "check that `sign_in.provider` names an OpenID provider, over https",
    )
}

fn is_code(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !text.is_empty() && text.len() <= CODE_CHARS_MAX && text.bytes().all(is_plain)
}

/// RFC 6749 §2.3.1: both are encoded before they are joined.
fn basic(id: &str, secret: &Secret) -> HeaderValue {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret.expose()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
        .expect("base64 is made of plain characters");
    value.set_sensitive(true);
    value
}
