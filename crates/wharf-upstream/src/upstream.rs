//! One upstream: everything that can be made ready once, and the path of a call.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Uri};
use hyper::body::Incoming;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::address::{self, Base, Origin};
use crate::clock::{Clock, Times};
use crate::connect::{Connector, Exempt};
use crate::credentials::Proof;
use crate::exchange::{self, Client, Outgoing};
use crate::headers::{self, HeaderRules};
use crate::tls::Tls;
use crate::{Config, Request, Response, Retries, Stage, Trust, UpstreamError, redirect, retry};

/// What we call ourselves where nobody says otherwise (RFC 9110 §10.1.5).
const OUR_NAME: HeaderValue =
    HeaderValue::from_static(concat!("wharf/", env!("CARGO_PKG_VERSION")));
/// RFC 9112 §3 asks for at least 8,000 octets; this is as much as any common server takes.
const TARGET_BYTES_MAX: usize = 32 << 10;

/// One upstream, with its pool of connections. Cheap to clone; clones share the pool.
///
/// ```no_run
/// # async fn example() -> Result<(), wharf_upstream::UpstreamError> {
/// use wharf_upstream::{Config, Request, Trust, Upstream};
///
/// let upstream = Upstream::new(&Config::default(), "https://api.example.com/v1", Trust::Operator)?;
/// let request = Request {
///     method: http::Method::GET,
///     target: "/pets?limit=10".to_owned(),
///     headers: http::HeaderMap::new(),
///     body: bytes::Bytes::new(),
/// };
/// let response = upstream.send(request, &http::HeaderMap::new(), None).await?;
/// assert_eq!(response.status, 200);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

struct Inner {
    client: Client,
    base: Base,
    /// The base's authority, so that no call has to format it.
    host: HeaderValue,
    /// Origins besides the base's that get credentials.
    credential_origins: Vec<Origin>,
    proof: Proof,
    headers: HeaderRules,
    turns: Semaphore,
    timeout: Duration,
    silence_max: Duration,
    response_bytes_max: usize,
    redirects_max: u32,
    retries: Retries,
}

/// How an origin stands to this upstream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kinship {
    /// The base's origin.
    Base,
    /// One the operator gives credentials to.
    Listed,
    /// One that only a document names.
    Stranger,
}

impl Upstream {
    /// Checks the configuration and makes everything ready. No connection is opened yet, and no runtime needed.
    pub fn new(config: &Config, base_url: &str, trust: Trust) -> Result<Self, UpstreamError> {
        require_some("response_bytes_max", config.response_bytes_max)?;
        require_some("connections_max", config.connections_max)?;
        let base = Base::parse(base_url)?;
        let credential_origins = config
            .credential_origins
            .iter()
            .map(|url| Base::parse(url)?.into_origin())
            .collect::<Result<Vec<_>, _>>()?;
        let exempt = if config.allow_private_networks {
            Exempt::All
        } else {
            let mut origins = credential_origins.clone();
            if trust == Trust::Operator {
                origins.push(base.origin.clone());
            }
            Exempt::Origins(origins)
        };
        let connector = Connector::new(
            exempt,
            Tls::new(config.ca_pem.as_deref())?,
            config.connect_timeout_s.duration(),
        );
        Ok(Self(Arc::new(Inner {
            client: exchange::client(connector, config.connections_max),
            host: base.origin.host_header(),
            base,
            credential_origins,
            proof: Proof::new(&config.credentials)?,
            headers: HeaderRules::new(config)?,
            turns: Semaphore::new(config.connections_max.min(Semaphore::MAX_PERMITS)),
            timeout: config.timeout_s.duration(),
            silence_max: config.read_timeout_s.duration(),
            response_bytes_max: config.response_bytes_max,
            redirects_max: config.redirects_max,
            retries: config.retries,
        })))
    }

    /// The base address: origin and path, normalised, without a slash at the end.
    pub fn base_url(&self) -> &str {
        self.0.base.text()
    }

    /// Sends a request and reads its answer, with redirects and retries as configured.
    ///
    /// `inbound` are the headers of the client's request, of which only the configured ones are sent on. The call ends
    /// at `deadline`, or earlier by the configured limits. Dropping the future closes the connection it uses.
    pub async fn send(
        &self,
        request: Request,
        inbound: &HeaderMap,
        deadline: Option<Instant>,
    ) -> Result<Response, UpstreamError> {
        let upstream = &*self.0;
        let mut outgoing = upstream.prepare(request, inbound)?;
        let times = Times::start(upstream.timeout, upstream.silence_max, deadline);
        let alarm = pin!(times.alarm());
        let mut clock = Clock::new(times, alarm);
        let _turn = upstream.turn(&outgoing, &mut clock).await?;
        let mut redirects = 0;
        let mut retries = 0;
        loop {
            let answer = exchange::send(&upstream.client, &outgoing, &mut clock).await;
            if let Ok(answer) = &answer
                && let Some(uri) = upstream.redirected(&outgoing, answer)
            {
                if redirects == upstream.redirects_max {
                    return Err(UpstreamError::TooManyRedirects {
                        origin: outgoing.origin(),
                        max: upstream.redirects_max,
                    });
                }
                redirects += 1;
                outgoing.uri = uri;
            } else if let Some(wait) = upstream.retry_wait(&outgoing, &answer, retries)
                && clock.has(wait)
            {
                retries += 1;
                tracing::debug!(
                    upstream = outgoing.origin(),
                    retries,
                    wait_ms = wait.as_millis(),
                    "the upstream failed for now; the request will be sent again"
                );
                // Frees the connection; its body is of no use.
                drop(answer);
                tokio::time::sleep(wait).await;
            } else {
                clock.heard();
                let bytes_max = upstream.response_bytes_max;
                return exchange::read(answer?, &outgoing, bytes_max, &mut clock).await;
            }
            clock.heard();
        }
    }
}

impl Inner {
    /// The request as it goes over the wire.
    fn prepare(&self, request: Request, inbound: &HeaderMap) -> Result<Outgoing, UpstreamError> {
        let (uri, kinship) = self.locate(request.target)?;
        let mut headers = request.headers;
        headers::drop_reserved(&mut headers);
        if kinship != Kinship::Stranger {
            self.headers.apply(inbound, &mut headers);
            // Last, so that nothing can stand in for it.
            self.proof.add_to_headers(&mut headers);
        }
        if kinship == Kinship::Base {
            headers.insert(HOST, self.host.clone());
        }
        headers.entry(USER_AGENT).or_insert(OUR_NAME);
        Ok(Outgoing {
            method: request.method,
            uri,
            headers,
            body: request.body,
        })
    }

    /// Where a target leads.
    fn locate(&self, target: String) -> Result<(Uri, Kinship), UpstreamError> {
        let complain = |reason| UpstreamError::Target {
            origin: self.base.origin.to_string(),
            reason,
        };
        if target.len() > TARGET_BYTES_MAX {
            return Err(complain("is longer than 32 KiB"));
        }
        if let Some(rest) = self.base.strip(&target) {
            let uri = self.uri(&self.base.origin, Kinship::Base, rest.to_owned());
            return Ok((uri.map_err(complain)?, Kinship::Base));
        }
        if target.is_empty() || target.starts_with(['/', '?']) {
            let target = match self.base.path.as_str() {
                "" => target,
                path => [path, &target].concat(),
            };
            let uri = self.uri(&self.base.origin, Kinship::Base, target);
            return Ok((uri.map_err(complain)?, Kinship::Base));
        }
        let (url, origin) = address::parse(&target).map_err(|error| match error {
            UpstreamError::Url { reason, .. } => complain(reason),
            other => other,
        })?;
        let kinship = self.kinship(&origin);
        let uri = self.uri(&origin, kinship, redirect::path_and_query(&url));
        Ok((uri.map_err(complain)?, kinship))
    }

    fn kinship(&self, origin: &Origin) -> Kinship {
        if *origin == self.base.origin {
            Kinship::Base
        } else if self.credential_origins.contains(origin) {
            Kinship::Listed
        } else {
            Kinship::Stranger
        }
    }

    /// An address at `origin`, with the key in its query where one belongs there.
    fn uri(
        &self,
        origin: &Origin,
        kinship: Kinship,
        mut path_and_query: String,
    ) -> Result<Uri, &'static str> {
        if let Some(fragment) = path_and_query.find('#') {
            path_and_query.truncate(fragment);
        }
        if !path_and_query.starts_with('/') {
            path_and_query.insert(0, '/');
        }
        let path = path_and_query.split('?').next().unwrap_or_default();
        if address::has_dot_segments(path) {
            return Err("has a path segment `.` or `..`");
        }
        if kinship != Kinship::Stranger {
            self.proof.add_to_query(&mut path_and_query);
        }
        origin.uri(path_and_query)
    }

    /// A place among the calls that are under way.
    async fn turn(
        &self,
        outgoing: &Outgoing,
        clock: &mut Clock<'_>,
    ) -> Result<SemaphorePermit<'_>, UpstreamError> {
        if let Some(expired) = clock.ended() {
            return Err(exchange::timeout(outgoing, Stage::Turn, expired));
        }
        if let Ok(turn) = self.turns.try_acquire() {
            return Ok(turn);
        }
        let turn = clock
            .bound(self.turns.acquire())
            .await
            .map_err(|expired| exchange::timeout(outgoing, Stage::Turn, expired))?
            .expect("the semaphore is never closed");
        clock.heard();
        Ok(turn)
    }

    /// The address to go on to, when an answer is a redirect to follow: always one of the same origin.
    fn redirected(&self, from: &Outgoing, answer: &http::Response<Incoming>) -> Option<Uri> {
        if self.redirects_max == 0 || !answer.status().is_redirection() {
            return None;
        }
        let (url, origin) =
            redirect::location(&from.method, &from.uri, answer.status(), answer.headers())?;
        if Origin::of_uri(&from.uri)? != origin {
            return None;
        }
        self.uri(
            &origin,
            self.kinship(&origin),
            redirect::path_and_query(&url),
        )
        .ok()
    }

    /// How long to wait before sending again; none when this outcome is final.
    fn retry_wait(
        &self,
        outgoing: &Outgoing,
        answer: &Result<http::Response<Incoming>, UpstreamError>,
        earlier: u32,
    ) -> Option<Duration> {
        let is_passing = match answer {
            Ok(answer) => retry::is_passing_status(answer.status()),
            Err(error) => retry::is_passing_failure(error),
        };
        if !is_passing || earlier >= self.retries.max || !retry::is_idempotent(&outgoing.method) {
            return None;
        }
        let asked = answer
            .as_ref()
            .ok()
            .and_then(|answer| retry::retry_after(answer.headers(), SystemTime::now()));
        Some(asked.unwrap_or_else(|| retry::back_off(&self.retries, earlier)))
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("base_url", &self.base_url())
            .finish_non_exhaustive()
    }
}

fn require_some(key: &'static str, number: usize) -> Result<(), UpstreamError> {
    (number > 0)
        .then_some(())
        .ok_or(UpstreamError::Zero { key })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn upstream() -> Upstream {
        Upstream::new(
            &Config::default(),
            "https://api.example.com/v1",
            Trust::Operator,
        )
        .expect("a sane configuration")
    }

    proptest! {
        /// Whatever a model makes a target of, it stays where the operator pointed to, also when the other side reads
        /// it as browsers and many servers do.
        #[test]
        fn targets_do_not_leave_the_base(target in r"[/?]([a-c.]{1,2}|/|/\.\.|%2[eE]|[\\?#@:;&=%]|\PC?){0,10}") {
            if let Ok((uri, kinship)) = upstream().0.locate(target) {
                prop_assert!(kinship == Kinship::Base);
                let read = Url::parse(&uri.to_string()).expect("a valid address");
                prop_assert_eq!(read.host_str(), Some("api.example.com"));
                prop_assert_eq!(read.scheme(), "https");
                prop_assert!(read.path() == "/v1" || read.path().starts_with("/v1/"), "{}", read);
            }
        }

        #[test]
        fn absolute_targets_are_strangers_unless_they_are_not(target in r"https?://[a-z.@:0-9]{0,12}(api\.example\.com)?[:@/?#.0-9a-z]{0,8}") {
            if let Ok((uri, kinship)) = upstream().0.locate(target) {
                let is_own = uri.scheme_str() == Some("https")
                    && uri.authority().is_some_and(|authority| authority == "api.example.com");
                prop_assert_eq!(kinship == Kinship::Base, is_own, "{}", uri);
            }
        }
    }
}
