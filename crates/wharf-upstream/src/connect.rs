//! Opening a connection: name resolution, the address guard, TCP and TLS, all within one limit of time.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::address::Origin;
use crate::error::Cause;
use crate::guard;
use crate::network::Network;
use crate::tls::Tls;

/// Probes for peers that vanished while a long call waits for them; the kernel's own default is two hours.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);
/// Only so many addresses of one name are tried; more would only use up the limit of time.
const ADDRESSES_MAX: usize = 16;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Opens connections.
pub(crate) struct Connector {
    /// For origins that the operator named.
    open: HttpConnector<Resolver>,
    /// For all others.
    guarded: HttpConnector<Resolver>,
    exempt: Exempt,
    tls: Tls,
    identity: Option<Identity>,
    timeout: Duration,
    network: Network,
}

/// An open connection, to an upstream or to a proxy that reads what goes to one.
pub(crate) struct Opened {
    pub(crate) stream: Stream,
    /// What is sent has to say where to.
    pub(crate) to_proxy: bool,
}

/// With TLS or without.
pub(crate) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Who we are to some origins.
pub(crate) struct Identity {
    pub(crate) tls: Tls,
    pub(crate) origins: Vec<Origin>,
}

/// Which origins the address guard does not look at.
pub(crate) enum Exempt {
    /// All of them.
    All,
    /// Those that the operator named.
    Origins(Vec<Origin>),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectFailure {
    #[error("refused by the address guard")]
    Refused(Refusal),
    #[error("cannot resolve")]
    Resolve(Arc<io::Error>),
    #[error("cannot connect")]
    Tcp(Cause),
    #[error("cannot speak TLS")]
    Tls(Arc<io::Error>),
    #[error("timed out")]
    Timeout(Duration),
}

/// An address that the guard does not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) address: IpAddr,
    pub(crate) range: &'static str,
}

impl Connector {
    pub(crate) fn new(
        exempt: Exempt,
        tls: Tls,
        identity: Option<Identity>,
        timeout: Duration,
        network: Network,
    ) -> Self {
        let http = |guarded| {
            let mut http = HttpConnector::new_with_resolver(Resolver {
                system: GaiResolver::new(),
                guarded,
            });
            // Ours tells http and https apart.
            http.enforce_http(false);
            http.set_nodelay(true);
            http.set_keepalive(Some(TCP_KEEPALIVE));
            // Divided among a name's addresses, so that a dead one does not use up the time of the next.
            http.set_connect_timeout(Some(timeout));
            http
        };
        Self {
            open: http(false),
            guarded: http(true),
            exempt,
            tls,
            identity,
            timeout,
            network,
        }
    }

    /// Opens a connection to the origin of `uri`, or to the proxy on the way there.
    pub(crate) async fn connect(&self, uri: &Uri) -> Result<Opened, ConnectFailure> {
        tokio::time::timeout(self.timeout, self.open(uri.clone()))
            .await
            .unwrap_or(Err(ConnectFailure::Timeout(self.timeout)))
    }

    async fn open(&self, uri: Uri) -> Result<Opened, ConnectFailure> {
        if let Some(proxy) = self.network.proxy(&uri) {
            return self.connect_through(&proxy, uri).await;
        }
        let stream = self.connect_directly(uri).await?;
        Ok(Opened {
            stream,
            to_proxy: false,
        })
    }

    async fn connect_through(&self, proxy: &Intercept, uri: Uri) -> Result<Opened, ConnectFailure> {
        if !self.is_exempt(&uri)
            && let Some(refusal) = look(&uri).await
        {
            return Err(ConnectFailure::Refused(refusal));
        }
        // The operator named the proxy, so it may be anywhere.
        let mut http = self.open.clone();
        if uri.scheme() == Some(&Scheme::HTTPS) {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), http);
            if let Some(value) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(value.clone());
            }
            let mut https = HttpsConnector::from((tunnel, self.tls(&uri).config()));
            let stream = https.call(uri).await.map_err(|error| {
                // Those of TLS, as in `classify`: the tunnel stood.
                if error.is::<io::Error>() {
                    self.classify(error)
                } else {
                    through(proxy, error)
                }
            })?;
            return Ok(Opened {
                stream,
                to_proxy: false,
            });
        }
        let tcp = http.call(proxy.uri().clone()).await;
        let tcp = tcp.map_err(|error| through(proxy, error.into()))?;
        Ok(Opened {
            stream: MaybeHttpsStream::Http(tcp),
            to_proxy: true,
        })
    }

    async fn connect_directly(&self, uri: Uri) -> Result<Stream, ConnectFailure> {
        let mut http = if self.is_exempt(&uri) {
            self.open.clone()
        } else {
            // The connector does not ask its resolver for what already is an address.
            if let Some(refusal) = literal(&uri).and_then(check) {
                return Err(ConnectFailure::Refused(refusal));
            }
            self.guarded.clone()
        };
        if uri.scheme() == Some(&Scheme::HTTPS) {
            let mut https = HttpsConnector::from((http, self.tls(&uri).config()));
            https.call(uri).await.map_err(|error| self.classify(error))
        } else {
            let tcp = http
                .call(uri)
                .await
                .map_err(|error| self.classify(error.into()))?;
            Ok(MaybeHttpsStream::Http(tcp))
        }
    }

    /// Only the operator's own origins learn who we are.
    fn tls(&self, uri: &Uri) -> &Tls {
        let is_known_to = |identity: &&Identity| {
            Origin::of_uri(uri).is_some_and(|origin| identity.origins.contains(&origin))
        };
        let identity = self.identity.as_ref().filter(is_known_to);
        identity.map_or(&self.tls, |identity| &identity.tls)
    }

    fn is_exempt(&self, uri: &Uri) -> bool {
        match &self.exempt {
            Exempt::All => true,
            Exempt::Origins(origins) => {
                Origin::of_uri(uri).is_some_and(|origin| origins.contains(&origin))
            }
        }
    }

    /// What a connector's error means. Errors of TLS come as bare `io::Error`s, those before it in a type that is not
    /// public, with ours or the system's somewhere below.
    fn classify(&self, error: Box<dyn std::error::Error + Send + Sync>) -> ConnectFailure {
        let error = match error.downcast::<io::Error>() {
            Ok(error) => return ConnectFailure::Tls(Arc::new(innermost(*error))),
            Err(error) => error,
        };
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
        while let Some(current) = cause {
            match current.downcast_ref() {
                Some(ResolveFailure::Refused(refusal)) => return ConnectFailure::Refused(*refusal),
                Some(ResolveFailure::Unknown(error)) => {
                    return ConnectFailure::Resolve(error.clone());
                }
                None => {}
            }
            if current
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
            {
                return ConnectFailure::Timeout(self.timeout);
            }
            cause = current.source();
        }
        ConnectFailure::Tcp(Arc::from(error))
    }
}

/// A proxy that is not there, or does not let a request through.
#[derive(Debug, thiserror::Error)]
#[error("no way through the proxy `{proxy}`")]
struct Through {
    proxy: Uri,
    source: Box<dyn std::error::Error + Send + Sync>,
}

fn through(proxy: &Intercept, source: Box<dyn std::error::Error + Send + Sync>) -> ConnectFailure {
    // Without its password, which is kept apart.
    let proxy = proxy.uri().clone();
    ConnectFailure::Tcp(Arc::new(Through { proxy, source }))
}

/// Why a host must not be asked for through a proxy, as far as can be told from here: the proxy resolves names by itself,
/// and many networks with one resolve no others.
async fn look(uri: &Uri) -> Option<Refusal> {
    if let Some(address) = literal(uri) {
        return check(address);
    }
    let mut found = tokio::net::lookup_host((uri.host()?, 0)).await.ok()?;
    found.find_map(|found| check(found.ip()))
}

/// The address that a host already is.
fn literal(uri: &Uri) -> Option<IpAddr> {
    uri.host()?
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn check(address: IpAddr) -> Option<Refusal> {
    guard::refused_range(address).map(|range| Refusal { address, range })
}

/// The innermost of nested I/O errors; the outer ones say nothing.
fn innermost(error: io::Error) -> io::Error {
    match error.downcast::<io::Error>() {
        Ok(inner) => innermost(inner),
        Err(error) => error,
    }
}

/// The system's resolver, and the guard over all that it finds.
#[derive(Clone)]
struct Resolver {
    system: GaiResolver,
    guarded: bool,
}

#[derive(Debug, thiserror::Error)]
enum ResolveFailure {
    #[error("refused by the address guard")]
    Refused(Refusal),
    #[error("cannot resolve")]
    Unknown(Arc<io::Error>),
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveFailure;
    type Future = BoxFuture<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let guarded = self.guarded;
        let found = self.system.call(name);
        Box::pin(async move {
            let addresses: Vec<_> = found
                .await
                .map_err(|error| ResolveFailure::Unknown(Arc::new(error)))?
                .take(ADDRESSES_MAX)
                .collect();
            // A name with one private address is refused whole: which one would be tried first is not ours to guess.
            if guarded && let Some(refusal) = addresses.iter().find_map(|found| check(found.ip())) {
                return Err(ResolveFailure::Refused(refusal));
            }
            Ok(addresses.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_seen_with_and_without_brackets() {
        for (uri, expected) in [
            ("http://127.0.0.1:80/", Some("127.0.0.1")),
            ("http://[::1]/", Some("::1")),
            ("http://[::ffff:10.0.0.1]:8080/", Some("::ffff:10.0.0.1")),
            ("http://localhost/", None),
            // Left to the resolver, which decodes it; what it finds is checked.
            ("http://0x7f000001/", None),
        ] {
            assert_eq!(
                literal(&uri.parse().unwrap()),
                expected.map(|address| address.parse().unwrap()),
                "{uri}"
            );
        }
    }
}
