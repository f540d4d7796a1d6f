//! What can be switched on in a server, to see what it costs.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::ValueEnum;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What authenticates: as long as a key has to be.
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://bench.example/mcp";
/// Longer than any run.
const TOKEN_LIFE: Duration = Duration::from_secs(6 * 60 * 60);

/// One thing that is off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Extra {
    /// Callers have a key.
    Key,
    /// Callers have a token, signed with a secret.
    Token,
    /// Callers have a key with a scope, and a rule asks for that.
    Access,
    /// How often each caller may call is counted.
    Limits,
    /// Each request has a line in the log.
    Log,
    /// Each call has a record in a file.
    Audit,
    /// Everything is counted for Prometheus.
    Metrics,
    /// Each call is traced to a collector, none left out.
    Traces,
}

impl Extra {
    /// What the report calls a server that has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "+ key",
            Self::Token => "+ token",
            Self::Access => "+ access",
            Self::Limits => "+ limits",
            Self::Log => "+ log",
            Self::Audit => "+ audit",
            Self::Metrics => "+ metrics",
            Self::Traces => "+ traces",
        }
    }

    /// A configuration with it, for the API at `api`, which takes traces too; files go into `folder`.
    pub fn configuration(self, document: &str, api: SocketAddr, folder: &Path) -> String {
        let mut text = format!(
            "sources:\n  api:\n    openapi: {document}\n    upstream:\n      base_url: http://{api}\n"
        );
        let key = |scopes: &str| {
            format!(
                "auth:\n  keys:\n    - subject: bench\n      key: {SECRET}\n      scopes: [{scopes}]\n"
            )
        };
        let more = match self {
            Self::Key => key(""),
            Self::Token => format!(
                "auth:\n  issuers:\n    - issuer: {ISSUER}\n      secret: {SECRET}\n      audiences: [{AUDIENCE}]\n"
            ),
            Self::Access => {
                key("pets")
                    + "access:\n  rules:\n    - tools: [{name: '*'}]\n      callers: [{scopes: [pets]}]\n"
            }
            Self::Limits => {
                "limits:\n  rules:\n    - calls_max: 1000000000\n      calls_in_flight_max: 10000\n"
                    .to_owned()
            }
            Self::Log => String::new(),
            Self::Audit => format!(
                "telemetry:\n  audit:\n    to: {}\n",
                folder.join("audit.jsonl").display()
            ),
            Self::Metrics => "telemetry:\n  prometheus:\n    enabled: true\n".to_owned(),
            Self::Traces => format!(
                "telemetry:\n  otlp:\n    endpoint: http://{api}\n    metrics: false\n    sampler: {{type: always_on}}\n"
            ),
        };
        let _ = write!(text, "{more}");
        text
    }

    /// The log's level.
    pub fn log(self) -> &'static str {
        match self {
            Self::Log => "info",
            _ => "warn",
        }
    }

    /// What callers send in `Authorization`.
    pub fn authorization(self) -> Option<String> {
        match self {
            Self::Key | Self::Access => Some(format!("Bearer {SECRET}")),
            Self::Token => Some(format!("Bearer {}", token())),
            _ => None,
        }
    }
}

/// A token as RFC 7519 has it.
fn token() -> String {
    let end = (SystemTime::now() + TOKEN_LIFE)
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let claims = format!(
        r#"{{"iss":"{ISSUER}","sub":"bench","aud":"{AUDIENCE}","exp":{}}}"#,
        end.as_secs()
    );
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = [
        encode(br#"{"alg":"HS256","typ":"JWT"}"#),
        encode(claims.as_bytes()),
    ]
    .join(".");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length is a key");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", encode(&mac.finalize().into_bytes()))
}
