//! Why there is no answer from an upstream.
//!
//! `Display` is for the log: it names origins, never a path, a query, a header value or a body, since those can hold
//! arguments and keys. [`UpstreamError::for_caller`] is for whoever called, and names no host either.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use wharf_model::whole_seconds;

/// A cause that several layers may hold.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why there is no answer. A status that tells of a failure (404, 500) is an answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// An address cannot be used.
    #[error("address `{url}` {reason}")]
    Url {
        /// The address without user information and query.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A call's own part of the address cannot be used.
    #[error("a request for `{origin}` has a target that {reason}")]
    Target {
        /// Where it would have gone.
        origin: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A configured header cannot be sent.
    #[error("header `{name}` {reason}")]
    Header {
        /// The header's name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The configured credentials cannot be sent.
    #[error("the credentials' `{part}` {reason}")]
    Credentials {
        /// Which part of them.
        part: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// What the environment names as a proxy cannot be used.
    #[error("proxy `{proxy}` {reason}")]
    Proxy {
        /// Its address without user information.
        proxy: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// What AWS's shared files say of a profile cannot be used.
    #[error("AWS profile `{profile}` {reason}")]
    AwsProfile {
        /// The profile, or the file.
        profile: String,
        /// What is wrong with it; never a key.
        reason: String,
    },
    /// Credentials are given for a security scheme that the document does not have.
    #[error("`schemes.{scheme}`: the document has no security scheme of that name")]
    UnknownScheme {
        /// The name.
        scheme: String,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// What is given for one setting cannot be used.
    #[error("`{}` cannot be used", keys.join("."))]
    Setting {
        /// The keys that lead to it in [`crate::Config`].
        keys: Vec<String>,
        /// Why not.
        source: Arc<UpstreamError>,
    },
    /// An issuer was asked for credentials and gave none.
    #[error("`{issuer}` issued no credentials: {reason}")]
    Token {
        /// The issuer's origin.
        issuer: String,
        /// What it answered; never anything of the request.
        reason: String,
    },
    /// An issuer could not be asked for credentials.
    #[error("`{issuer}` could not be asked for credentials")]
    TokenRequest {
        /// The issuer's origin.
        issuer: String,
        /// Why not.
        source: Arc<UpstreamError>,
    },
    /// The client certificate cannot be used.
    #[error("`client_certificate.{part}` {reason}")]
    ClientCertificate {
        /// Which part of it.
        part: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A number in the configuration makes no sense.
    #[error("`{key}` must be at least 1")]
    Zero {
        /// The key.
        key: &'static str,
    },
    /// The configured certificates cannot be used.
    #[error("`ca_pem` holds no usable certificate: {reason}")]
    CaPem {
        /// What is wrong with it.
        reason: String,
    },
    /// The address guard says no.
    #[error("`{host}` is at {address}, {range}, where a document must not lead")]
    Refused {
        /// The host.
        host: String,
        /// The refused address; a host can have several.
        address: IpAddr,
        /// What that address is.
        range: &'static str,
    },
    /// The host's name leads to no address.
    #[error("host `{host}` cannot be resolved")]
    Resolve {
        /// The host.
        host: String,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// No connection.
    #[error("cannot connect to `{origin}`")]
    Connect {
        /// Where to.
        origin: String,
        /// Why not.
        source: Cause,
    },
    /// A connection, but no trust.
    #[error("cannot speak TLS with `{origin}`")]
    Tls {
        /// With whom.
        origin: String,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// It took too long.
    #[error("{}", waited(origin, *stage, *limit, *after))]
    Timeout {
        /// Who.
        origin: String,
        /// What was waited for.
        stage: Stage,
        /// The limit that was reached.
        limit: TimeLimit,
        /// How long that was.
        after: Duration,
    },
    /// More calls wait for their turn than may.
    #[error("{waiting_max} calls of `{origin}` wait for their turn already")]
    Crowded {
        /// Whose turn it would have been.
        origin: String,
        /// How many may wait.
        waiting_max: usize,
        /// When another try makes sense.
        retry_after: Duration,
    },
    /// The circuit breaker holds calls back.
    #[error("`{origin}` was found gone too often and is left alone for {}", Shown(*retry_after))]
    LeftAlone {
        /// Who.
        origin: String,
        /// When another try makes sense.
        retry_after: Duration,
    },
    /// The upstream sends from one place to the next.
    #[error("`{origin}` redirected more than {max} times")]
    TooManyRedirects {
        /// Who.
        origin: String,
        /// How many are followed.
        max: u32,
    },
    /// A document's address leads to another origin.
    #[error("`{from}` redirects to `{to}`, another origin")]
    RedirectedAway {
        /// The origin that was asked.
        from: String,
        /// The origin it names.
        to: String,
    },
    /// The connection ended before there was an answer.
    #[error("`{origin}` closed the connection without an answer")]
    Disconnected {
        /// Who.
        origin: String,
        /// How.
        source: Cause,
    },
    /// The connection ended within an answer.
    #[error("`{origin}` closed the connection after {received} bytes of the body")]
    Interrupted {
        /// Who.
        origin: String,
        /// How much came.
        received: usize,
        /// How.
        source: Cause,
    },
    /// What came is not HTTP/1.1.
    #[error("the answer of `{origin}` is not valid HTTP")]
    Protocol {
        /// Who.
        origin: String,
        /// Why not.
        source: Cause,
    },
    /// The body is compressed in a way that we do not read, and nobody asked for that.
    #[error("`{origin}` sent a body encoded as `{encoding}`, which was not asked for")]
    Encoding {
        /// Who.
        origin: String,
        /// The content coding.
        encoding: String,
    },
    /// The body is not what its coding says.
    #[error("`{origin}` sent a body that is no valid `{encoding}`")]
    Decoding {
        /// Who.
        origin: String,
        /// The content coding.
        encoding: &'static str,
        /// What is wrong with it.
        source: Arc<io::Error>,
    },
    /// A document could not be had.
    #[error("`{url}` answered with status {status}")]
    Status {
        /// The address without user information and query.
        url: String,
        /// The status.
        status: http::StatusCode,
    },
    /// A document is too large.
    #[error("`{url}` is larger than {max} bytes")]
    TooLarge {
        /// The address without user information and query.
        url: String,
        /// How many bytes are read.
        max: usize,
    },
}

/// What an upstream was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A turn: too many calls were under way.
    Turn,
    /// Credentials that somebody else issues.
    Credentials,
    /// A connection.
    Connection,
    /// The head of the answer.
    Answer,
    /// The body of the answer.
    Body,
}

/// Which limit of time was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// [`crate::Config::connect_timeout_s`].
    Connect,
    /// [`crate::Config::read_timeout_s`].
    Read,
    /// [`crate::Config::timeout_s`].
    Total,
    /// The deadline that came with the call.
    Deadline,
}

impl UpstreamError {
    /// Somebody waits for credentials while the program ends.
    pub(crate) fn given_up(issuer: String) -> Self {
        Self::Token {
            issuer,
            reason: "the request was given up".to_owned(),
        }
    }

    /// Says which setting an error is about.
    pub(crate) fn of_setting<const N: usize>(keys: [&str; N]) -> impl FnOnce(Self) -> Self {
        move |source| Self::Setting {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            source: Arc::new(source),
        }
    }

    /// The keys that lead to the setting that is to be changed, in [`crate::Config`]; none where it is no setting.
    pub fn keys(&self) -> Vec<String> {
        let one = |key: &str| vec![key.to_owned()];
        match self {
            Self::Setting { keys, source } => [keys.clone(), source.keys()].concat(),
            Self::UnknownScheme { scheme, .. } => vec!["schemes".to_owned(), scheme.clone()],
            Self::ClientCertificate { part, .. } => {
                vec!["client_certificate".to_owned(), (*part).to_owned()]
            }
            // Within the credentials that somebody else knows the place of.
            Self::Credentials { part, .. } => one(part),
            Self::Zero { key } => one(key),
            Self::CaPem { .. } => one("ca_pem"),
            _ => Vec::new(),
        }
    }

    /// What the operator can do about it.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::Url { .. } => "write it like `https://api.example.com/v1`".into(),
            Self::Header { .. } => {
                "leave it out; a name is letters, digits and `-`, a value is printable ASCII".into()
            }
            Self::Credentials { reason, .. } if reason.starts_with("is not given") => {
                "give it in the configuration, beside the others of its kind".into()
            }
            Self::Credentials { .. } => {
                "check that the secret was stored whole, without quotes and line ends".into()
            }
            Self::Proxy { .. } => "write it like `http://proxy.example.com:3128`".into(),
            Self::AwsProfile { .. } => {
                "keys of a profile that others make come by `aws configure export-credentials`".into()
            }
            Self::UnknownScheme { nearest, .. } => match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?").into(),
                None => "use the names under the document's `components.securitySchemes`".into(),
            },
            Self::Setting { source, .. } | Self::TokenRequest { source, .. } => {
                return source.hint();
            }
            Self::Token { .. } => {
                "check the client's id and secret, its scopes, and what it is allowed to do there"
                    .into()
            }
            Self::ClientCertificate { .. } => {
                "give the certificate as `-----BEGIN CERTIFICATE-----` and its key, not encrypted, as `-----BEGIN PRIVATE KEY-----`"
                    .into()
            }
            Self::CaPem { .. } => {
                "give certificates that begin with `-----BEGIN CERTIFICATE-----`".into()
            }
            Self::Refused { .. } => {
                "if the document is yours, set `base_url` or `allow_private_networks: true`".into()
            }
            Self::Resolve { .. } => "check the host's spelling, and that this machine's DNS knows it".into(),
            Self::Connect { .. } => {
                "check the address and port, and that the upstream runs and can be reached from here".into()
            }
            Self::Tls { .. } => {
                "for a certificate of your own authority set `ca_pem`; for a server without TLS write `http://`"
                    .into()
            }
            Self::Timeout { limit, stage, .. } => match (limit, stage) {
                (_, Stage::Turn) => "raise `connections_max`, or send less at once".into(),
                (_, Stage::Credentials) => "check that the issuer of the credentials answers".into(),
                (TimeLimit::Connect, _) => {
                    "check that a firewall lets the connection through, or raise `connect_timeout_s`".into()
                }
                (TimeLimit::Read, _) => "raise `read_timeout_s` if the upstream is that slow".into(),
                (TimeLimit::Total, _) => "raise `timeout_s` if the upstream is that slow".into(),
                (TimeLimit::Deadline, _) => return None,
            },
            Self::Crowded { .. } => {
                "raise `connections_max` if the upstream bears it, or add limits for those who call".into()
            }
            Self::LeftAlone { .. } => {
                "see what became of the upstream; `breaker` sets when calls are held back".into()
            }
            Self::TooManyRedirects { .. } => {
                "ask for the address that the redirects end at, if they end".into()
            }
            Self::RedirectedAway { to, .. } => {
                format!("give the address at `{to}` itself, if you trust it").into()
            }
            Self::Protocol { .. } => "check the port and whether the address should be `https://`".into(),
            Self::Encoding { .. } | Self::Decoding { .. } => {
                "set `accept-encoding: identity` in `headers`, which asks for none".into()
            }
            Self::Status { status, .. } if status.is_client_error() => {
                "check the address, and whether reading it needs credentials".into()
            }
            Self::TooLarge { .. } => "give the address of the document itself, or a local file".into(),
            Self::Target { .. }
            | Self::Zero { .. }
            | Self::Disconnected { .. }
            | Self::Interrupted { .. }
            | Self::Status { .. } => return None,
        })
    }

    /// Whether the same may work a moment later, with nothing changed here.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Disconnected { .. }
            | Self::Interrupted { .. }
            | Self::Crowded { .. }
            | Self::LeftAlone { .. } => true,
            Self::Status { status, .. } => {
                status.is_server_error() || matches!(status.as_u16(), 404 | 408 | 425 | 429)
            }
            _ => false,
        }
    }

    /// One word for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Token { .. } | Self::TokenRequest { .. } => "credentials",
            Self::Refused { .. } => "refused",
            Self::Resolve { .. } => "resolve",
            Self::Connect { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Timeout { .. } => "timeout",
            Self::TooManyRedirects { .. } | Self::RedirectedAway { .. } => "redirect",
            Self::Disconnected { .. } | Self::Interrupted { .. } => "disconnected",
            Self::Protocol { .. } | Self::Encoding { .. } => "protocol",
            Self::Crowded { .. } => "crowded",
            Self::LeftAlone { .. } => "breaker_open",
            _ => "other",
        }
    }

    /// The same for whoever called: no host, and nothing about this server's surroundings.
    pub fn for_caller(&self) -> Cow<'static, str> {
        match self {
            Self::Url { .. }
            | Self::Header { .. }
            | Self::Credentials { .. }
            | Self::Proxy { .. }
            | Self::AwsProfile { .. }
            | Self::UnknownScheme { .. }
            | Self::Setting { .. }
            | Self::ClientCertificate { .. }
            | Self::Zero { .. }
            | Self::CaPem { .. }
            | Self::Refused { .. } => {
                "the API cannot be reached: this server's configuration does not allow it".into()
            }
            Self::Token { .. }
            | Self::TokenRequest { .. }
            | Self::Timeout {
                stage: Stage::Credentials,
                ..
            } => "this server got no credentials for the API; nothing was changed".into(),
            Self::Target { reason, .. } => {
                format!("no request was sent: with these arguments its address {reason}").into()
            }
            Self::Resolve { .. } | Self::Connect { .. } | Self::Tls { .. } => {
                "the API cannot be reached; nothing was changed".into()
            }
            Self::Timeout {
                stage: Stage::Turn, ..
            } => "too many calls are under way; nothing was sent, try again later".into(),
            Self::Timeout {
                stage: Stage::Connection,
                ..
            } => "the API cannot be reached in time; nothing was changed".into(),
            Self::Timeout { after, .. } => {
                format!("the API did not answer within {}", Shown(*after)).into()
            }
            Self::Crowded { .. } => {
                "too many calls wait for the API; nothing was sent, try again later".into()
            }
            Self::LeftAlone { retry_after, .. } => format!(
                "the API is down; nothing was sent, try again in {} s",
                whole_seconds(*retry_after)
            )
            .into(),
            Self::TooManyRedirects { .. } => "the API redirects without end".into(),
            Self::RedirectedAway { .. } => {
                "the document's address redirects to another host".into()
            }
            Self::Disconnected { .. } | Self::Interrupted { .. } => {
                "the API closed the connection before its answer was complete".into()
            }
            Self::Protocol { .. } | Self::Encoding { .. } | Self::Decoding { .. } => {
                "the API's answer cannot be read".into()
            }
            Self::Status { status, .. } => {
                format!("the document's address answered with status {status}").into()
            }
            Self::TooLarge { .. } => "the document is too large".into(),
        }
    }
}

fn waited(origin: &str, stage: Stage, limit: TimeLimit, after: Duration) -> String {
    let after = Shown(after);
    match (stage, limit) {
        (Stage::Turn, _) => format!("a call of `{origin}` did not get its turn within {after}"),
        (Stage::Credentials, _) => format!("no credentials for `{origin}` within {after}"),
        (Stage::Connection, _) => format!("no connection to `{origin}` within {after}"),
        (Stage::Answer, _) => format!("`{origin}` sent no answer within {after}"),
        (Stage::Body, TimeLimit::Read) => {
            format!("`{origin}` fell silent in its answer for {after}")
        }
        (Stage::Body, _) => format!("`{origin}` did not complete its answer within {after}"),
    }
}

/// A time as a person writes it: `30 s`, `0.25 s`.
struct Shown(Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded up, since a deadline was computed a moment before it came here.
        let milliseconds = self.0.as_micros().div_ceil(1000);
        match (milliseconds / 1000, milliseconds % 1000) {
            (seconds, 0) => write!(f, "{seconds} s"),
            (seconds, rest) => {
                let rest = format!("{rest:03}");
                write!(f, "{seconds}.{} s", rest.trim_end_matches('0'))
            }
        }
    }
}

#[cfg(test)]
mod tests;
