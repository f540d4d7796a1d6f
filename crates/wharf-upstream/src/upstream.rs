//! One upstream: everything that can be made ready once, and the path of a call.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

use crate::access::{Access, Lent, Means};
use crate::address::{self, Base, Origin};
use crate::breaker::{Breaker, BreakerState, Pass};
use crate::clock::{Clock, Times};
use crate::connect::{Connector, Exempt, Identity};
use crate::exchange::{self, Answer, Client, Outgoing};
use crate::headers::{self, HeaderRules};
use crate::queue::{Queue, Turn};
use crate::schemes;
use crate::tls::{self, Tls};
use crate::token::Way;
use crate::{Config, Request, Response, Retries, Stage, Trust, UpstreamError, redirect, retry};

/// What we call ourselves where nobody says otherwise (RFC 9110 §10.1.5).
const OUR_NAME: HeaderValue =
    HeaderValue::from_static(concat!("wharf/", env!("CARGO_PKG_VERSION")));
/// RFC 9112 §3 asks for at least 8,000 octets; this is as much as any common server takes.
const TARGET_BYTES_MAX: usize = 32 << 10;

/// One upstream, with its pool of connections. Cheap to clone; clones share the pool and the tokens.
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
pub struct Upstream {
    shared: Arc<Shared>,
    access: Arc<Access>,
}

/// What is the same for all operations.
struct Shared {
    client: Client,
    base: Base,
    /// The base's authority, so that no call has to format it.
    host: HeaderValue,
    /// Origins besides the base's that get credentials.
    credential_origins: Vec<Origin>,
    /// By the names of security schemes.
    schemes: HashMap<String, Means>,
    /// The schemes that there are credentials for, or a certificate.
    configured: BTreeSet<String>,
    headers: HeaderRules,
    queue: Queue,
    breaker: Breaker,
    deadline_header: Option<HeaderName>,
    timeout: Duration,
    silence_max: Duration,
    response_bytes_max: usize,
    redirects_max: u32,
    retries: Retries,
}

/// How much an upstream has to do, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Calls under way.
    pub in_flight: usize,
    /// Calls that wait for their turn.
    pub waiting: usize,
    /// What the circuit breaker lets through.
    pub breaker: BreakerState,
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
        let base = match &config.base_url {
            Some(_) => Base::parse(base_url).map_err(UpstreamError::of_setting(["base_url"]))?,
            None => Base::parse(base_url)?,
        };
        let credential_origins = config
            .credential_origins
            .iter()
            .enumerate()
            .map(|(place, url)| {
                Base::parse(url)
                    .and_then(Base::into_origin)
                    .map_err(UpstreamError::of_setting([
                        "credential_origins",
                        &place.to_string(),
                    ]))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let exempt = if config.allow_private_networks {
            Exempt::All
        } else {
            let mut origins = credential_origins.clone();
            if trust == Trust::Operator {
                origins.push(base.origin.clone());
            }
            if !origins.contains(&base.origin) {
                base.origin.refuse_literal()?;
            }
            Exempt::Origins(origins)
        };
        let ca_pem = config.ca_pem.as_deref();
        let identity = match &config.client_certificate {
            Some(certificate) => {
                let mut origins = credential_origins.clone();
                origins.push(base.origin.clone());
                let tls = tls::with_identity(ca_pem, &config.network, certificate)?;
                Some(Identity { tls, origins })
            }
            None => None,
        };
        let network = &config.network;
        let connector = Connector::new(
            exempt,
            Tls::new(ca_pem, network)?,
            identity,
            config.connect_timeout_s.duration(),
            network.clone(),
        );
        let way = Way { ca_pem, network };
        let schemes = config
            .schemes
            .iter()
            .map(|(name, credentials)| {
                let means = Means::new(credentials, way);
                Ok((
                    name.clone(),
                    means.map_err(UpstreamError::of_setting(["schemes", name]))?,
                ))
            })
            .collect::<Result<_, _>>()?;
        let means = Means::new(&config.credentials, way);
        let access = Access::of([&means.map_err(UpstreamError::of_setting(["credentials"]))?]);
        let deadline_header = config.deadline_header.as_deref().map(|name| {
            headers::settable(name).map_err(UpstreamError::of_setting(["deadline_header"]))
        });
        let shared = Shared {
            client: Client::new(connector, config.connections_max, network.clone()),
            host: base.origin.host_header(),
            base,
            credential_origins,
            schemes,
            configured: schemes::is_configured(config),
            headers: HeaderRules::new(config)?,
            queue: Queue::new(config.connections_max, config.waiting_max),
            breaker: Breaker::new(config.breaker),
            deadline_header: deadline_header.transpose()?,
            timeout: config.timeout_s.duration(),
            silence_max: config.read_timeout_s.duration(),
            response_bytes_max: config.response_bytes_max,
            redirects_max: config.redirects_max,
            retries: config.retries,
        };
        Ok(Self {
            shared: Arc::new(shared),
            access: Arc::new(access),
        })
    }

    /// The same upstream for an operation that declares `security`: alternatives, each a list of security schemes that
    /// are needed together. Its requests carry the credentials of the first alternative that has them all; where the
    /// operator gives none by scheme, those that are for everything.
    #[must_use]
    pub fn for_operation(&self, security: &[Vec<String>]) -> Self {
        let Shared {
            schemes,
            configured,
            ..
        } = &*self.shared;
        if schemes.is_empty() {
            return self.clone();
        }
        let chosen = schemes::choose(security, |scheme| configured.contains(scheme));
        let means = chosen.iter().filter_map(|scheme| schemes.get(scheme));
        Self {
            shared: self.shared.clone(),
            access: Arc::new(Access::of(means)),
        }
    }

    /// The base address: origin and path, normalised, without a slash at the end.
    pub fn base_url(&self) -> &str {
        self.shared.base.text()
    }

    /// How much it has to do now.
    pub fn load(&self) -> Load {
        let Shared { queue, breaker, .. } = &*self.shared;
        Load {
            in_flight: queue.in_flight(),
            waiting: queue.waiting(),
            breaker: breaker.state(),
        }
    }

    /// The longest time for a whole call.
    pub fn timeout(&self) -> Duration {
        self.shared.timeout
    }

    /// Sends a request and reads its answer, with redirects and retries as configured.
    ///
    /// `inbound` are the headers of the client's request, of which only the configured ones are sent on. The call ends
    /// at `deadline`, or earlier by the configured limits. Dropping the future closes the connection it uses.
    ///
    /// Boxed: unboxed, each crate that sends would have all of the sending compiled into it once more.
    pub fn send<'a>(
        &'a self,
        request: Request,
        inbound: &HeaderMap,
        deadline: Option<Instant>,
    ) -> Pin<Box<dyn Future<Output = Result<Response, UpstreamError>> + Send + 'a>> {
        match self.prepare(request, inbound) {
            Ok((outgoing, kinship)) => Box::pin(self.send_prepared(outgoing, kinship, deadline)),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    async fn send_prepared(
        &self,
        mut outgoing: Outgoing,
        kinship: Kinship,
        deadline: Option<Instant>,
    ) -> Result<Response, UpstreamError> {
        let upstream = &*self.shared;
        let times = Times::start(upstream.timeout, upstream.silence_max, deadline);
        let alarm = pin!(times.alarm());
        let mut clock = Clock::new(times, alarm);
        let pass = upstream.leave(kinship)?;
        let _turn = upstream.turn(&outgoing, &mut clock, pass.as_ref()).await?;
        let is_probe = pass.as_ref().is_some_and(Pass::is_probe);
        let outcome = self.pursue(&mut outgoing, &mut clock, is_probe).await;
        if let Some(pass) = pass {
            pass.report(&upstream.base.origin, &outcome);
        }
        outcome
    }

    /// Sends a request, again where that helps, and reads the answer.
    async fn pursue(
        &self,
        outgoing: &mut Outgoing,
        clock: &mut Clock<'_>,
        is_probe: bool,
    ) -> Result<Response, UpstreamError> {
        let upstream = &*self.shared;
        let mut redirects = 0;
        // A call that only looks whether the upstream is back looks once.
        let mut retries = if is_probe { upstream.retries.max } else { 0 };
        let mut was_refused = false;
        loop {
            upstream.tell_time(outgoing, clock);
            let lent = self.put_on(outgoing, clock).await?;
            let answer = exchange::send(&upstream.client, outgoing, clock).await;
            if let Ok(answer) = &answer
                && let Some((method, uri)) = self.redirected(outgoing, answer)
            {
                if redirects == upstream.redirects_max {
                    return Err(UpstreamError::TooManyRedirects {
                        origin: outgoing.origin(),
                        max: upstream.redirects_max,
                    });
                }
                redirects += 1;
                outgoing.uri = uri;
                if outgoing.method != method {
                    outgoing.method = method;
                    outgoing.body = Bytes::new();
                    redirect::drop_body_headers(&mut outgoing.headers);
                }
            } else if !was_refused
                && let Ok(refusal) = &answer
                && refusal.status() == StatusCode::UNAUTHORIZED
                && lent.refuse()
            {
                // RFC 9110 §15.5.2: it was not carried out, so it may be sent again whatever its method.
                was_refused = true;
                drop(answer);
            } else if let Some(wait) = upstream.retry_wait(outgoing, &answer, retries)
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
                let answer = exchange::read(answer?, outgoing, bytes_max, clock).await;
                return answer.map(|mut answer| {
                    for proof in &self.access.fixed {
                        proof.hide_in(&mut answer.headers);
                    }
                    answer
                });
            }
            clock.heard();
        }
    }
}

impl Upstream {
    /// The request as it goes over the wire.
    fn prepare(
        &self,
        request: Request,
        inbound: &HeaderMap,
    ) -> Result<(Outgoing, Kinship), UpstreamError> {
        let (uri, kinship) = self.locate(request.target)?;
        let mut headers = request.headers;
        headers::drop_reserved(&mut headers);
        let is_trusted = kinship != Kinship::Stranger;
        if is_trusted {
            self.shared.headers.apply(inbound, &mut headers);
            // Last, so that nothing can stand in for it.
            for proof in &self.access.fixed {
                proof.add_to_headers(&mut headers);
            }
        }
        let host = match kinship {
            Kinship::Base => Some(self.shared.host.clone()),
            Kinship::Listed | Kinship::Stranger => {
                Origin::of_uri(&uri).map(|origin| origin.host_header())
            }
        };
        if let Some(host) = host {
            headers.insert(HOST, host);
        }
        headers.entry(USER_AGENT).or_insert(OUR_NAME);
        let outgoing = Outgoing {
            method: request.method,
            uri,
            headers,
            body: request.body,
            is_trusted,
        };
        Ok((outgoing, kinship))
    }

    /// Where a target leads.
    fn locate(&self, target: String) -> Result<(Uri, Kinship), UpstreamError> {
        let complain = |reason| UpstreamError::Target {
            origin: self.shared.base.origin.to_string(),
            reason,
        };
        if target.len() > TARGET_BYTES_MAX {
            return Err(complain("is longer than 32 KiB"));
        }
        if let Some(rest) = self.shared.base.strip(&target) {
            let uri = self.uri(&self.shared.base.origin, Kinship::Base, rest.to_owned());
            return Ok((uri.map_err(complain)?, Kinship::Base));
        }
        if target.is_empty() || target.starts_with(['/', '?']) {
            let target = match self.shared.base.path.as_str() {
                "" => target,
                path => [path, &target].concat(),
            };
            let uri = self.uri(&self.shared.base.origin, Kinship::Base, target);
            return Ok((uri.map_err(complain)?, Kinship::Base));
        }
        let (url, origin) = address::parse(&target).map_err(|error| match error {
            UpstreamError::Url { reason, .. } => complain(reason),
            other => other,
        })?;
        let kinship = self.shared.kinship(&origin);
        let uri = self.uri(&origin, kinship, redirect::path_and_query(&url));
        Ok((uri.map_err(complain)?, kinship))
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
            for proof in &self.access.fixed {
                proof.add_to_query(&mut path_and_query);
            }
        }
        origin.uri(path_and_query)
    }

    /// Where to go on, and how, when an answer is a redirect to follow: always to the same origin.
    fn redirected(&self, from: &Outgoing, answer: &Answer) -> Option<(Method, Uri)> {
        if self.shared.redirects_max == 0 || !answer.status().is_redirection() {
            return None;
        }
        let (method, url, origin) =
            redirect::location(&from.method, &from.uri, answer.status(), answer.headers())?;
        if Origin::of_uri(&from.uri)? != origin {
            return None;
        }
        let kinship = self.shared.kinship(&origin);
        let uri = self.uri(&origin, kinship, redirect::path_and_query(&url));
        Some((method, uri.ok()?))
    }

    /// Puts on what holds for a time only: tokens, signatures.
    async fn put_on(
        &self,
        outgoing: &mut Outgoing,
        clock: &mut Clock<'_>,
    ) -> Result<Lent<'_>, UpstreamError> {
        if !outgoing.is_trusted || !self.access.is_live() {
            return Ok(Lent::default());
        }
        let lent = clock.bound(pin!(self.access.put_on(outgoing))).await;
        let lent = lent.unwrap_or_else(|expired| {
            Err(exchange::timeout(outgoing, Stage::Credentials, expired))
        })?;
        clock.heard();
        Ok(lent)
    }
}

impl Shared {
    fn kinship(&self, origin: &Origin) -> Kinship {
        if *origin == self.base.origin {
            Kinship::Base
        } else if self.credential_origins.contains(origin) {
            Kinship::Listed
        } else {
            Kinship::Stranger
        }
    }

    /// The circuit breaker's leave, for calls that it looks after.
    fn leave(&self, kinship: Kinship) -> Result<Option<Pass<'_>>, UpstreamError> {
        if kinship != Kinship::Base {
            return Ok(None);
        }
        self.breaker
            .admit()
            .map(Some)
            .map_err(|retry_after| self.left_alone(retry_after))
    }

    fn left_alone(&self, retry_after: Duration) -> UpstreamError {
        UpstreamError::LeftAlone {
            origin: self.base.origin.to_string(),
            retry_after,
        }
    }

    /// Says how much time is left, to whom the operator trusts.
    fn tell_time(&self, outgoing: &mut Outgoing, clock: &Clock<'_>) {
        if let Some(name) = &self.deadline_header
            && outgoing.is_trusted
        {
            let left = u64::try_from(clock.left().as_millis()).unwrap_or(u64::MAX);
            outgoing.headers.insert(name, HeaderValue::from(left));
        }
    }

    /// A place among the calls that are under way.
    async fn turn(
        &self,
        outgoing: &Outgoing,
        clock: &mut Clock<'_>,
        pass: Option<&Pass<'_>>,
    ) -> Result<Turn<'_>, UpstreamError> {
        let turn = self.queue.turn(outgoing, clock).await?;
        // It may have gone down meanwhile, and then whoever still waits would find that out one by one.
        match pass.map(Pass::is_still_good) {
            Some(Err(retry_after)) if turn.has_waited => Err(self.left_alone(retry_after)),
            _ => Ok(turn),
        }
    }

    /// How long to wait before sending again; none when this outcome is final.
    fn retry_wait(
        &self,
        outgoing: &Outgoing,
        answer: &Result<Answer, UpstreamError>,
        earlier: u32,
    ) -> Option<Duration> {
        let is_passing = match answer {
            Ok(answer) => retry::is_passing_status(answer.status()),
            Err(error) => retry::is_passing_failure(error),
        };
        if !is_passing
            || earlier >= self.retries.max
            || !retry::is_idempotent(&outgoing.method)
            || self.breaker.state() != BreakerState::Closed
        {
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
mod tests;
