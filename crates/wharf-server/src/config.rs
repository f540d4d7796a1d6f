//! The `server` section of the configuration.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// How the server listens, and what it bears.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port to listen on. Only this machine can reach the default; `0.0.0.0:8000` lets everybody in who can
    /// reach this machine, so put sign-in in front of it, and list the name they use in `allowed_hosts`.
    pub http: String,
    /// The address by which clients reach the server from outside, without the endpoint's path, such as
    /// `https://mcp.example.com`. Documents and tokens name the server by it; what a request calls it is never believed.
    /// Default: none, and clients are not told where to sign in.
    pub public_url: Option<String>,
    /// Path of the MCP endpoint (Streamable HTTP).
    pub path: String,
    /// Host names that clients may use to reach the server, besides `localhost` and plain addresses; `*` allows any. A
    /// browser page that re-points its own name at this machine is refused by this check (DNS rebinding).
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may call the server, such as `https://app.example.com`.
    pub allowed_origins: Vec<String>,
    /// Sessions for clients of the revisions before 2026-07-28. Without them the server keeps nothing between requests,
    /// and cannot ask such clients anything in the middle of a call.
    pub sessions: bool,
    /// The HTTP+SSE transport of 2024-11-05 on `/sse` and `/messages`, for old clients.
    pub sse_transport: bool,
    /// How much the server bears.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http: "127.0.0.1:8000".to_owned(),
            public_url: None,
            path: "/mcp".to_owned(),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            sessions: true,
            sse_transport: true,
            limits: Limits::default(),
        }
    }
}

/// What the server bears before it says no.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at one time. On a few more whoever asks for health is still answered, and others hear 503 with
    /// `Retry-After`; the rest wait to be accepted. Default: 10,000, half of the files that a process may commonly open
    /// on a server. An idle one costs about 14 KB.
    pub connections_max: usize,
    /// Seconds that a connection may stand without a whole request head having arrived; it is closed after one to two
    /// times as long. Longer than the 60 seconds after which common load balancers drop their own idle connections, so
    /// that they never meet a closed one.
    pub head_timeout_s: u64,
    /// Seconds in which a request body must have arrived.
    pub body_timeout_s: u64,
    /// Seconds in which a client must take 1 KiB of its answer, where there is as much; otherwise it is cut off.
    pub write_timeout_s: u64,
    /// Size of a request body in bytes. Uploads travel inside of it as base64, which adds a third.
    pub body_bytes_max: usize,
    /// Seconds that one call may take in all.
    pub call_timeout_s: u64,
    /// Size of a request's head in bytes, from 8,192. Default: 131,072: room for large tokens and cookies.
    pub head_bytes_max: usize,
    /// How deep the JSON of a request may be nested, up to 127, which is what the readers behind it can take. Default: 64,
    /// far beyond honest arguments.
    pub nesting_max: usize,
    /// Sessions at one time, where there are any; beyond it one that was never used ends, or the one that was idle
    /// longest. Default: 10,000, about 10 MB.
    pub sessions_max: usize,
    /// Seconds that a session lives without a request. Default: 1,800, longer than a person's pause; clients that come
    /// later begin anew.
    pub session_idle_s: u64,
    /// Calls that one session may have in flight. Default: 256, so that one client cannot take all of an upstream's
    /// connections.
    pub calls_per_session_max: usize,
    /// Seconds that a person may take to answer what a tool asks in the middle of a call. Default: 300, the time for a form.
    pub answer_timeout_s: u64,
    /// Seconds between the signal to stop and the time when new work is refused and the port closes. Meanwhile `/ready`
    /// says 503 and everything else is answered, each answer being the last of its connection. Default: 0, for there is
    /// nobody to wait for on a laptop; behind a load balancer, as long as it takes to notice: the interval of its health
    /// checks times the failures that it wants to see, and a second.
    pub shutdown_delay_s: u64,
    /// Seconds that calls in flight then have to finish. Default: 20, which with the delay stays below the 30 seconds
    /// that Kubernetes and ECS leave a process.
    pub shutdown_grace_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            head_timeout_s: 75,
            body_timeout_s: 30,
            write_timeout_s: 60,
            body_bytes_max: 8 << 20,
            call_timeout_s: 300,
            head_bytes_max: 128 << 10,
            nesting_max: 64,
            sessions_max: 10_000,
            session_idle_s: 30 * 60,
            calls_per_session_max: 256,
            answer_timeout_s: 5 * 60,
            shutdown_delay_s: 0,
            shutdown_grace_s: 20,
        }
    }
}

impl Limits {
    pub(crate) fn head_timeout(&self) -> Duration {
        Duration::from_secs(self.head_timeout_s)
    }

    pub(crate) fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout_s)
    }

    pub(crate) fn write_timeout(&self) -> Duration {
        Duration::from_secs(self.write_timeout_s)
    }

    pub(crate) fn shutdown_delay(&self) -> Duration {
        Duration::from_secs(self.shutdown_delay_s)
    }

    /// The first limit with which nothing would work, and what it has to be.
    fn mistake(&self) -> Option<ConfigMistake> {
        let too_low = |key, given, least| {
            (given < least).then_some(ConfigMistake::TooLow { key, given, least })
        };
        let counts = [
            ("connections_max", self.connections_max),
            ("body_bytes_max", self.body_bytes_max),
            ("nesting_max", self.nesting_max),
            ("calls_per_session_max", self.calls_per_session_max),
        ];
        let times = [
            ("head_timeout_s", self.head_timeout_s),
            ("body_timeout_s", self.body_timeout_s),
            ("write_timeout_s", self.write_timeout_s),
            ("call_timeout_s", self.call_timeout_s),
        ];
        too_low("head_bytes_max", self.head_bytes_max, HEAD_BYTES_MIN)
            .or_else(|| {
                counts
                    .iter()
                    .find_map(|(key, count)| too_low(key, *count, 1))
            })
            .or_else(|| {
                let zero = times.iter().find(|(_, seconds)| *seconds == 0);
                zero.and_then(|(key, _)| too_low(key, 0, 1))
            })
            .or_else(|| {
                (self.nesting_max > NESTING_MAX).then_some(ConfigMistake::TooHigh {
                    key: "nesting_max",
                    given: self.nesting_max,
                    most: NESTING_MAX,
                })
            })
    }

    pub(crate) fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_s)
    }
}

/// hyper reads heads into a buffer that is at least this large.
const HEAD_BYTES_MIN: usize = 8 << 10;

/// The readers of JSON behind the check go no deeper.
const NESTING_MAX: usize = 127;

/// A value that the server cannot work with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigMistake {
    /// The address lacks a host or a port.
    #[error("`server.http` is `{0}`, which is no address with a port")]
    Http(String),
    /// The path does not begin with a slash, or holds what no path can.
    #[error("`server.path` is `{0}`, which is no path of a URL")]
    Path(String),
    /// The path belongs to another route.
    #[error("`server.path` is `{0}`, where the server answers something else")]
    Taken(String),
    /// The origin lacks a scheme, or goes on after the host.
    #[error("`server.allowed_origins` has `{0}`, which is no origin")]
    Origin(String),
    /// Nothing would work with a limit so low.
    #[error("`server.limits.{key}` is {given}, and must be at least {least}")]
    TooLow {
        /// Which one.
        key: &'static str,
        /// As it was given.
        given: usize,
        /// What it has to be.
        least: usize,
    },
    /// What is behind a limit cannot do so much.
    #[error("`server.limits.{key}` is {given}, and can be {most} at most")]
    TooHigh {
        /// Which one.
        key: &'static str,
        /// As it was given.
        given: usize,
        /// What it can be.
        most: usize,
    },
}

impl ConfigMistake {
    /// The keys that lead to the setting that has to change, below `server`.
    pub fn keys(&self) -> Vec<&'static str> {
        match self {
            Self::Http(_) => vec!["http"],
            Self::Path(_) | Self::Taken(_) => vec!["path"],
            Self::Origin(_) => vec!["allowed_origins"],
            Self::TooLow { key, .. } | Self::TooHigh { key, .. } => vec!["limits", key],
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Http(_) => "it looks like `127.0.0.1:8000`",
            Self::Path(_) => "it looks like `/mcp`",
            Self::Taken(_) => "choose another, such as `/mcp`",
            Self::Origin(_) => "it looks like `https://app.example.com`, or is `*` for any",
            Self::TooLow { .. } | Self::TooHigh { .. } => "leave it out to have the default",
        }
    }
}

impl Config {
    /// What can be told to be wrong before the server starts.
    pub fn check(&self) -> Result<(), ConfigMistake> {
        let port = self
            .http
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty());
        if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
            return Err(ConfigMistake::Http(self.http.clone()));
        }
        let is_path = self.path.starts_with('/')
            && self.path.len() > 1
            && !self.path.ends_with('/')
            && self
                .path
                .parse::<http::uri::PathAndQuery>()
                .is_ok_and(|path| path.query().is_none());
        if !is_path {
            return Err(ConfigMistake::Path(self.path.clone()));
        }
        if crate::routes::TAKEN.contains(&self.path.as_str()) {
            return Err(ConfigMistake::Taken(self.path.clone()));
        }
        if let Some(mistake) = self.limits.mistake() {
            return Err(mistake);
        }
        let is_origin = |origin: &str| {
            origin == "*"
                || origin.split_once("://").is_some_and(|(scheme, host)| {
                    matches!(scheme, "http" | "https")
                        && !host.is_empty()
                        && !host.contains(['/', '?', '#', '@'])
                })
        };
        match self
            .allowed_origins
            .iter()
            .find(|origin| !is_origin(origin))
        {
            Some(origin) => Err(ConfigMistake::Origin(origin.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_told() {
        let config = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.check().map_err(|mistake| mistake.to_string())
        };
        assert_eq!(
            Config::default()
                .check()
                .map_err(|mistake| mistake.to_string()),
            Ok(())
        );
        for (change, expected) in [
            (
                (|config| config.http = "localhost".to_owned()) as fn(&mut Config),
                "`server.http` is `localhost`",
            ),
            (
                |config| config.http = ":80".to_owned(),
                "`server.http` is `:80`",
            ),
            (
                |config| config.http = "127.0.0.1:99999".to_owned(),
                "no address with a port",
            ),
            (
                |config| config.path = "mcp".to_owned(),
                "`server.path` is `mcp`",
            ),
            (
                |config| config.path = "/mcp?x=1".to_owned(),
                "no path of a URL",
            ),
            (
                |config| config.path = "/health".to_owned(),
                "answers something else",
            ),
            (
                |config| config.limits.head_bytes_max = 4_096,
                "`server.limits.head_bytes_max` is 4096, and must be at least 8192",
            ),
            (
                |config| config.limits.call_timeout_s = 0,
                "`server.limits.call_timeout_s` is 0, and must be at least 1",
            ),
            (
                |config| config.limits.nesting_max = 128,
                "can be 127 at most",
            ),
            (
                |config| config.allowed_origins = vec!["example.com".to_owned()],
                "`example.com`, which is no origin",
            ),
        ] {
            let mistake = config(change).expect_err(expected);
            assert!(mistake.contains(expected), "{mistake}");
        }
    }
}
