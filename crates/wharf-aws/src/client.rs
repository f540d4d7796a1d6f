//! One service in one region, over AWS's JSON protocol: an operation is a header, input and output are JSON.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use wharf_model::with_causes;
use wharf_upstream::{
    Config, Credentials, Environment, Network, Request, Response, Retries, Seconds, Trust,
    Upstream, aws_address, aws_endpoint,
};

use crate::AwsError;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// Starts and sign-ins wait for these calls; what takes longer has failed.
const TIMEOUT_S: f64 = 10.0;
/// The largest answer that is asked for is a secret, of at most 64 KiB.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Many secrets are read at once at a start, and few calls are made later.
const CONNECTIONS_MAX: usize = 16;
/// As AWS's own clients do by default.
const ATTEMPTS_MAX: u32 = 3;
/// The wait before the second attempt; it doubles with each further one.
const WAIT: Duration = Duration::from_millis(100);
/// What the services answer where asking again helps, besides failures of their own.
const PASSING: [&str; 7] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// A service of AWS that speaks JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// For messages.
    pub name: &'static str,
    /// In `AWS_ENDPOINT_URL_<id>`.
    pub id: &'static str,
    /// The first part of its address, and the name that it signs with.
    pub host: &'static str,
    /// What stands before the operation in a request.
    pub target: &'static str,
    /// The version of the JSON protocol.
    pub json: &'static str,
}

/// One service in one region. Cheap to clone; clones share connections and keys.
#[derive(Clone)]
pub struct Client {
    service: Service,
    upstream: Upstream,
}

fn timeout() -> Seconds {
    Seconds::try_from(TIMEOUT_S).expect("more than zero, less than a day")
}

impl Client {
    /// Where and by which keys is told from the environment; `region` goes before the environment's. Nothing is sent yet.
    pub fn new(
        service: Service,
        environment: &dyn Environment,
        region: Option<&str>,
    ) -> Result<Self, AwsError> {
        let setup = |source| AwsError::Setup {
            service: service.name,
            source,
        };
        let signed = Credentials::SigV4 {
            service: service.host.to_owned(),
            region: region.map(str::to_owned),
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            surroundings: wharf_upstream::AwsSurroundings::Nowhere,
        };
        let credentials = signed.completed(environment).map_err(setup)?;
        let Credentials::SigV4 {
            region: Some(region),
            ..
        } = &credentials
        else {
            return Err(AwsError::NoRegion {
                service: service.name,
            });
        };
        let url = aws_endpoint(environment, service.id)
            .unwrap_or_else(|| aws_address(service.host, region));
        let config = Config {
            timeout_s: timeout(),
            response_bytes_max: ANSWER_BYTES_MAX,
            connections_max: CONNECTIONS_MAX,
            redirects_max: 0,
            // Ours below know what the answers mean.
            retries: Retries {
                max: 0,
                ..Retries::default()
            },
            credentials,
            network: Network::of(environment).map_err(setup)?,
            ..Config::default()
        };
        Ok(Self {
            service,
            upstream: Upstream::new(&config, &url, Trust::Operator).map_err(setup)?,
        })
    }

    /// Calls an operation that may be carried out twice without harm.
    pub async fn call<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        input: &Value,
    ) -> Result<T, AwsError> {
        let body = Bytes::from(input.to_string());
        let mut wait = WAIT;
        for _ in 1..ATTEMPTS_MAX {
            match self.attempt(operation, body.clone()).await {
                Err(error) if error.may_pass() => {
                    tracing::debug!(
                        service = self.service.name,
                        operation,
                        error = %with_causes(&error),
                        "the service failed for now; it will be asked again"
                    );
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                outcome => return outcome,
            }
        }
        self.attempt(operation, body).await
    }

    async fn attempt<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        body: Bytes,
    ) -> Result<T, AwsError> {
        let service = self.service.name;
        let response = self
            .upstream
            .send(self.request(operation, body), &HeaderMap::new(), None)
            .await
            .map_err(|source| AwsError::Send {
                service,
                operation,
                source,
            })?;
        if response.status != StatusCode::OK {
            return Err(self.refusal(operation, &response));
        }
        // The library's own message may quote the answer.
        serde_json::from_slice(&response.body)
            .ok()
            .filter(|_| !response.truncated)
            .ok_or(AwsError::Answer { service, operation })
    }

    fn request(&self, operation: &'static str, body: Bytes) -> Request {
        let header = |text: String| HeaderValue::try_from(text).expect("made of constants");
        let content_type = format!("application/x-amz-json-{}", self.service.json);
        let target = format!("{}.{operation}", self.service.target);
        Request {
            method: Method::POST,
            target: String::new(),
            headers: [
                (CONTENT_TYPE, header(content_type)),
                (TARGET, header(target)),
            ]
            .into_iter()
            .collect(),
            body,
        }
    }

    fn refusal(&self, operation: &'static str, response: &Response) -> AwsError {
        let refusal: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let code = member(&refusal, ["__type", "code"]);
        let code = code.rsplit('#').next().unwrap_or_default();
        let is_passing = PASSING.contains(&code)
            || response.status.is_server_error()
            || response.status == StatusCode::TOO_MANY_REQUESTS;
        AwsError::Refused {
            service: self.service.name,
            operation,
            status: response.status.as_u16(),
            code: crate::error::shown(code),
            message: crate::error::shown(member(&refusal, ["message", "Message"])),
            is_passing,
        }
    }
}

/// What a refusal says under either name. Some services use the one, some the other, some both.
fn member<'r>(refusal: &'r Value, names: [&str; 2]) -> &'r str {
    let found = names.iter().find_map(|name| refusal.get(name)?.as_str());
    found.unwrap_or_default()
}
