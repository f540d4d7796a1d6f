//! Fetching a document, such as an OpenAPI description, from the address somebody named.
//!
//! Nothing is known of the other side, so nothing is sent that the caller does not give: no cookies, and no credentials
//! but those for the document itself. A redirect is followed within the origin, and to the same host with TLS; to
//! another origin it is an error that names it, since who may name a document's address is the operator's decision.

use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::address;
use crate::message::Names;
use crate::{
    ClientCertificate, Config, Credentials, Network, Request, Response, Retries, Seconds, Trust,
    Upstream, UpstreamError, redirect,
};

/// How to fetch a document.
#[derive(Clone)]
pub struct FetchOptions {
    /// Who named the address.
    pub trust: Trust,
    /// As [`Config::allow_private_networks`].
    pub allow_private_networks: bool,
    /// Whether an address without TLS is refused. Default: false.
    pub https_only: bool,
    /// A larger document is refused. Default: 64 MiB; the largest public API descriptions have about 40 MB.
    pub bytes_max: usize,
    /// For everything together. Default: 60, since a slow start is better than none.
    pub timeout_s: Seconds,
    /// How many redirects are followed. Default: 5.
    pub redirects_max: u32,
    /// As [`Config::ca_pem`].
    pub ca_pem: Option<String>,
    /// Headers to send.
    pub headers: HeaderMap,
    /// How the request proves who sends it.
    pub credentials: Credentials,
    /// As [`Config::client_certificate`].
    pub client_certificate: Option<ClientCertificate>,
    /// As [`Config::network`].
    pub network: Network,
}

/// A document that was fetched.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The whole document.
    pub body: Bytes,
    /// Where it is, after redirects: what its relative references are resolved against.
    pub url: String,
    /// The `Content-Type` of the answer.
    pub content_type: Option<String>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            trust: Trust::Operator,
            allow_private_networks: false,
            https_only: false,
            bytes_max: 64 << 20,
            timeout_s: Seconds::MINUTE,
            redirects_max: 5,
            ca_pem: None,
            headers: HeaderMap::new(),
            credentials: Credentials::default(),
            client_certificate: None,
            network: Network::default(),
        }
    }
}

impl fmt::Debug for FetchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchOptions")
            .field("trust", &self.trust)
            .field("allow_private_networks", &self.allow_private_networks)
            .field("https_only", &self.https_only)
            .field("bytes_max", &self.bytes_max)
            .field("timeout_s", &self.timeout_s)
            .field("redirects_max", &self.redirects_max)
            .field("headers", &Names(&self.headers))
            .finish_non_exhaustive()
    }
}

/// Fetches the document at `url`, an `http` or `https` address.
pub async fn fetch_document(url: &str, options: &FetchOptions) -> Result<Fetched, UpstreamError> {
    let deadline = Instant::now() + options.timeout_s.duration();
    let config = Config {
        timeout_s: options.timeout_s,
        response_bytes_max: options.bytes_max,
        ca_pem: options.ca_pem.clone(),
        credentials: options.credentials.clone(),
        client_certificate: options.client_certificate.clone(),
        network: options.network.clone(),
        allow_private_networks: options.allow_private_networks,
        // Ours below also go from http to https.
        redirects_max: 0,
        retries: Retries {
            max: 0,
            ..Retries::default()
        },
        ..Config::default()
    };
    let (mut url, mut origin) = address::parse(url)?;
    if options.https_only && url.scheme() != "https" {
        return Err(UpstreamError::Url {
            url: address::shown(url.as_str()),
            reason: "is not `https`, and nothing else is allowed",
        });
    }
    let mut upstream = Upstream::new(&config, &origin.to_string(), options.trust)?;
    for hop in 0..=options.redirects_max {
        let request = request(redirect::path_and_query(&url), options);
        let response = upstream
            // The first hop has the same limit in its configuration, which says so when it is reached.
            .send(request, &HeaderMap::new(), (hop > 0).then_some(deadline))
            .await?;
        let from = url.as_str().parse().map_err(|_| UpstreamError::Url {
            url: address::shown(url.as_str()),
            reason: "is malformed",
        })?;
        let next = redirect::location(&Method::GET, &from, response.status, &response.headers);
        let Some((_, next_url, next_origin)) = next else {
            return document(url.as_str(), response, options);
        };
        if next_origin != origin {
            if !origin.is_upgraded_by(&next_origin) {
                return Err(UpstreamError::RedirectedAway {
                    from: origin.to_string(),
                    to: next_origin.to_string(),
                });
            }
            upstream = Upstream::new(&config, &next_origin.to_string(), options.trust)?;
        }
        (url, origin) = (next_url, next_origin);
    }
    Err(UpstreamError::TooManyRedirects {
        origin: origin.to_string(),
        max: options.redirects_max,
    })
}

fn request(target: String, options: &FetchOptions) -> Request {
    let mut headers = options.headers.clone();
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static(
        "application/json, application/yaml, text/yaml, */*;q=0.8",
    ));
    Request {
        method: Method::GET,
        target,
        headers,
        body: Bytes::new(),
    }
}

fn document(
    url: &str,
    response: Response,
    options: &FetchOptions,
) -> Result<Fetched, UpstreamError> {
    if response.status != StatusCode::OK {
        return Err(UpstreamError::Status {
            url: address::shown(url),
            status: response.status,
        });
    }
    if response.truncated {
        return Err(UpstreamError::TooLarge {
            url: address::shown(url),
            max: options.bytes_max,
        });
    }
    let content_type = response.headers.get(CONTENT_TYPE);
    Ok(Fetched {
        content_type: content_type
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        body: response.body,
        url: url.to_owned(),
    })
}
