//! What can be set for one upstream. The doc comments are the manual; the texts are checked and made ready in
//! [`crate::Upstream::new`].

mod credentials;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf_model::Secret;

use crate::Network;

pub use credentials::{
    ApiKeyPlace, AwsRole, AwsSurroundings, ClientAuthentication, ClientCertificate, CognitoToken,
    Credentials,
};

/// How to reach one upstream.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address that paths are appended to, such as `https://api.example.com/v1`. Where it is left out, the
    /// address that the document names is used. An address given here may be private.
    pub base_url: Option<String>,
    /// How requests prove who sends them, where nothing is given under `schemes`. Default: `{type: none}`.
    pub credentials: Credentials,
    /// Credentials for the document's security schemes, each under the scheme's name in the document. An operation
    /// gets those of the first alternative that it declares (`security`) for which all are given here; one that
    /// declares none gets none. Names and places of keys come from the document where they are left out. Default: none.
    pub schemes: BTreeMap<String, Credentials>,
    /// A certificate that proves to the API who connects. Default: none.
    pub client_certificate: Option<ClientCertificate>,
    /// More origins, such as `https://files.example.com`, that get the credentials, `headers` and `forward_headers`,
    /// and that may be private. A document can name other origins than the base address; without being listed here
    /// they get none of these. Default: none.
    pub credential_origins: Vec<String>,
    /// Headers that every request carries. They replace headers of the same name that a call sets. Default: none.
    pub headers: BTreeMap<String, Secret>,
    /// Names of headers to pass on from the client's request, where it came over HTTP. `cookie` and `authorization`
    /// are passed on only when named here. Headers of the connection, `host` and `content-*` cannot be. Default: none.
    pub forward_headers: Vec<String>,
    /// The longest wait for a connection: name resolution, TCP and TLS together. Default: 5; a host that is up takes
    /// well under one second, and this leaves room for two lost packets.
    pub connect_timeout_s: Seconds,
    /// The longest wait for the head of an answer, connecting included, and the longest silence inside of its body.
    /// Default: 30, above the 29 seconds after which common API gateways give up themselves.
    pub read_timeout_s: Seconds,
    /// The longest time for a whole call, with all its retries and redirects. Default: 50; MCP clients commonly give
    /// up after 60 seconds, and the explanation should reach them before.
    pub timeout_s: Seconds,
    /// How much of a body is read, in bytes; the rest is cut off and the result says so. Default: 10 MiB, which is more
    /// than any model can read, and keeps a hundred such calls at once within 1 GiB.
    #[schemars(range(min = 1))]
    pub response_bytes_max: usize,
    /// When a failed request is sent again.
    pub retries: Retries,
    /// How many redirects are followed, within the same origin only. Default: 5; more than two is a mistake upstream.
    pub redirects_max: u32,
    /// How many calls are under way at once, and how many idle connections are kept; further calls wait for their
    /// turn within `timeout_s`. Default: 256, above what most APIs allow one client and below the 1,024 files that a
    /// process may commonly open.
    #[schemars(range(min = 1))]
    pub connections_max: usize,
    /// How many calls may wait for their turn; a further one is refused at once with HTTP 503 and `Retry-After`. Default:
    /// 256, as many as are under way: whoever stands further back would wait for two rounds of calls, and is better off
    /// to hear it now.
    pub waiting_max: usize,
    /// When calls are refused at once because the upstream is down.
    pub breaker: Breaker,
    /// Name of a header that tells the upstream how much time is left for the call, in whole milliseconds, such as
    /// `x-request-timeout-ms`: one that reads it can give up what nobody waits for. Default: none; there is no standard
    /// name.
    pub deadline_header: Option<String>,
    /// Certificates of authorities to trust besides the public ones, in PEM form.
    pub ca_pem: Option<String>,
    /// Whether addresses that a document names may be private ones (loopback, local networks, cloud metadata). An
    /// address given in `base_url` always may. Default: false, since a document from elsewhere must not choose
    /// targets inside of your network.
    pub allow_private_networks: bool,
    /// The document's security schemes that `client_certificate` satisfies; filled in by [`Config::completed`].
    #[serde(skip)]
    pub satisfied_schemes: BTreeSet<String>,
    /// Proxies, and authorities that the environment names. They hold for whoever issues tokens as well.
    #[serde(skip)]
    pub network: Network,
}

/// When a failed request is sent again: only with a method that RFC 9110 §9.2.2 calls idempotent, only when no
/// connection could be made or kept, or the answer was 429, 502, 503 or 504, and never past `timeout_s`. `Retry-After`
/// is honoured.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retries {
    /// How often at most; 0 for never. Default: 2, enough for a restart behind a load balancer; more only adds load
    /// to an upstream that is down.
    pub max: u32,
    /// The wait before the first retry where the upstream names none; it doubles with each one. Default: 0.1.
    pub wait_s: Seconds,
}

/// When an upstream counts as down. Calls to it are then refused at once instead of each waiting for a timeout; after
/// `open_s` one call is let through to see whether it is back. What counts: no connection, a lost one, no answer in time, and the
/// statuses 502, 503 and 504. What does not: 500, which as often tells of the arguments, and 429, which tells of who asks.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// How many calls must fail in a row, with none answered in between; 0 turns it off. Default: 20, more than one
    /// model tries in vain, and few enough that a crowd does not wait for timeouts.
    pub failures: u32,
    /// How long calls are refused before one is let through; up to a half of it is cut off at random, so that replicas do
    /// not come back together. Default: 10, within which a restarted service is back, and a person still waits.
    pub open_s: Seconds,
}

/// A time in seconds: more than zero, at most a day.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Seconds(Duration);

/// Who named an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The operator: the address may be private.
    Operator,
    /// A document: the address may not be private, unless [`Config::allow_private_networks`].
    Document,
}

const SECONDS_MAX: f64 = 86_400.0;

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: None,
            credentials: Credentials::default(),
            schemes: BTreeMap::new(),
            client_certificate: None,
            credential_origins: Vec::new(),
            headers: BTreeMap::new(),
            forward_headers: Vec::new(),
            connect_timeout_s: Seconds(Duration::from_secs(5)),
            read_timeout_s: Seconds(Duration::from_secs(30)),
            timeout_s: Seconds(Duration::from_secs(50)),
            response_bytes_max: 10 << 20,
            retries: Retries::default(),
            redirects_max: 5,
            connections_max: 256,
            waiting_max: 256,
            breaker: Breaker::default(),
            deadline_header: None,
            ca_pem: None,
            allow_private_networks: false,
            satisfied_schemes: BTreeSet::new(),
            network: Network::default(),
        }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            max: 2,
            wait_s: Seconds(Duration::from_millis(100)),
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures: 20,
            open_s: Seconds(Duration::from_secs(10)),
        }
    }
}

impl Seconds {
    pub(crate) const MINUTE: Self = Self(Duration::from_secs(60));

    /// A limit of our own.
    pub(crate) const fn of(duration: Duration) -> Self {
        Self(duration)
    }

    /// The time as the standard library has it.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl TryFrom<f64> for Seconds {
    type Error = &'static str;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        // Not a number fails both comparisons; what is too small to be a nanosecond becomes zero.
        if seconds > 0.0 && seconds <= SECONDS_MAX {
            let duration = Duration::from_secs_f64(seconds);
            if !duration.is_zero() {
                return Ok(Self(duration));
            }
        }
        Err("expected a number of seconds above 0 and up to 86400")
    }
}

impl From<Seconds> for f64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0.as_secs_f64()
    }
}

impl JsonSchema for Seconds {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Seconds".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": SECONDS_MAX,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bogus_keys_are_refused_in_every_object() {
        for (given, key) in [
            (json!({"timout_s": 1}), "timout_s"),
            (json!({"retries": {"maximum": 1}}), "maximum"),
            (json!({"breaker": {"half_open": 1}}), "half_open"),
            (
                json!({"credentials": {"type": "none", "token": "t"}}),
                "token",
            ),
            (
                json!({"credentials": {"type": "bearer", "token": "t", "user": "u"}}),
                "user",
            ),
            (
                json!({"credentials": {"type": "api_key", "in": "header", "name": "n", "value": "v", "x": 1}}),
                "x",
            ),
            (json!({"client_certificate": {"pem": ""}}), "pem"),
            (
                json!({"schemes": {"a": {"type": "sigv4", "service": "s", "surroundings": {}}}}),
                "surroundings",
            ),
            (
                json!({"schemes": {"a": {"type": "oauth_client_credentials", "token_uri": ""}}}),
                "token_uri",
            ),
        ] {
            let error = serde_json::from_value::<Config>(given.clone())
                .expect_err("a bogus key")
                .to_string();
            assert!(
                error.contains(&format!("unknown field `{key}`")),
                "{given}: {error}"
            );
        }
    }

    #[test]
    fn every_key_is_read() {
        let config: Config = serde_json::from_value(json!({
            "base_url": "https://api.example.com",
            "credentials": {"type": "api_key", "name": "key", "in": "query", "value": "hush"},
            "schemes": {"petAuth": {"type": "api_key", "value": "hush"}},
            "client_certificate": {"certificate_pem": "", "key_pem": "hush"},
            "credential_origins": ["https://files.example.com"],
            "headers": {"x-tenant": "blue"},
            "forward_headers": ["traceparent"],
            "connect_timeout_s": 1, "read_timeout_s": 0.5, "timeout_s": 2,
            "response_bytes_max": 1000,
            "retries": {"max": 1, "wait_s": 0.25},
            "redirects_max": 1,
            "connections_max": 7,
            "waiting_max": 0,
            "breaker": {"failures": 3, "open_s": 0.5},
            "deadline_header": "x-left-ms",
            "ca_pem": "",
            "allow_private_networks": true,
        }))
        .unwrap();
        assert_eq!(config.read_timeout_s.duration(), Duration::from_millis(500));
        assert_eq!(config.retries.wait_s.duration(), Duration::from_millis(250));
        let shown = format!("{config:?}");
        assert!(
            !shown.contains("hush") && !shown.contains("blue"),
            "{shown}"
        );
    }

    #[test]
    fn the_schema_explains_every_key() {
        let schema = schemars::schema_for!(Config).to_value();
        let mut objects = vec![
            &schema["properties"],
            &schema["$defs"]["Retries"]["properties"],
            &schema["$defs"]["Breaker"]["properties"],
            &schema["$defs"]["ClientCertificate"]["properties"],
        ];
        let credentials = schema["$defs"]["Credentials"]["oneOf"].as_array().unwrap();
        objects.extend(credentials.iter().map(|kind| &kind["properties"]));
        let keys: Vec<_> = objects
            .into_iter()
            .flat_map(|object| object.as_object().unwrap())
            .filter(|(key, _)| *key != "type")
            .collect();
        assert_eq!(keys.len(), 19 + 2 + 2 + 2 + 6 + 6 + 5 + 8 + 5, "{keys:?}");
        for (key, schema) in keys {
            assert!(schema["description"].is_string(), "{key}: {schema}");
        }
    }

    #[test]
    fn seconds_are_sane() {
        for (given, fits) in [
            (1.0, true),
            (0.001, true),
            (86_400.0, true),
            (86_400.5, false),
            (0.0, false),
            (1e-12, false),
            (-1.0, false),
            (f64::NAN, false),
            (f64::INFINITY, false),
        ] {
            assert_eq!(Seconds::try_from(given).is_ok(), fits, "{given}");
        }
    }
}
