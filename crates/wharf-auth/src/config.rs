//! The `auth` section of the configuration.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use wharf_aws::RotatingSecret;
use wharf_model::Secret;
use wharf_upstream::Network;

use crate::Algorithm;

/// Who may call. A server without this section asks nobody who they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How callers are judged and refused. Default: `standard`.
    pub style: Style,
    /// Whether requests that prove nothing are let in, as an unknown caller's: `closed` or `open`. Some connectors list
    /// tools before they sign in; with `open` they can, and `access.calls_need_caller` has to be on, so that calls are
    /// refused. What proves something wrongly is refused in any case. Default: `closed`.
    pub lists: Lists,
    /// Whose tokens are taken. A token names its issuer, and that one's rules are applied. Default: none.
    pub issuers: Vec<IssuerConfig>,
    /// API keys, each for one caller. Default: none.
    pub keys: Vec<KeyConfig>,
    /// A header that may carry an API key, such as `x-api-key`, besides `Authorization: Bearer`. Default: none.
    pub key_header: Option<String>,
    /// Scopes that hold others: `admin: [pets:write]` lets a caller with `admin` do what needs `pets:write`. What is
    /// held holds others in turn. Default: none.
    pub implied_scopes: BTreeMap<String, Vec<String>>,
    /// The scopes that a client is told to ask for when it begins. Keep them few; what needs more says so when it is
    /// called. They are not demanded. Default: those of `sign_in.scopes`, all of them.
    pub challenge_scopes: Vec<String>,
}

/// How callers are judged and refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// As MCP and OAuth have it: 401 with a challenge, and the rules of each issuer.
    #[default]
    Standard,
    /// As the Quilt MCP server has it, for clients and alarms that match on its statuses, bodies and log lines: one
    /// issuer with a `secret`, tokens with `id` or `uuid`, `exp` and hardly anything else, and no allowance for clocks.
    Quilt,
}

/// Whether requests that prove nothing are let in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lists {
    /// They are refused.
    #[default]
    Closed,
    /// They are an unknown caller's.
    Open,
}

/// An issuer of tokens, and what is demanded of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IssuerConfig {
    /// Its name, which its tokens have in `iss`, to the letter: an `https:` URL. Its keys are found by the metadata that
    /// it publishes there. Required, except with `secret`, where tokens without `iss` are meant when it is left out.
    pub issuer: Option<String>,
    /// Where its keys are (JWKS), for issuers that publish no metadata, or in a place that this server cannot reach.
    /// Default: as its metadata say.
    pub jwks_url: Option<String>,
    /// A secret that the issuer shares with this server, for tokens signed with HS256: at least 32 bytes. Excludes
    /// `jwks_url` and `algorithms`. Default: none.
    pub secret: Option<Secret>,
    /// The same where it is in a store of secrets: fetched again while it is in use. The binary knows stores.
    #[serde(skip)]
    pub rotating: Option<RotatingSecret>,
    /// The secret before, tried once for a token that `secret` does not fit, while tokens of both are about.
    /// Default: none.
    pub previous_secret: Option<Secret>,
    /// The algorithms that its tokens may be signed with. Default: `[RS256, ES256]`, which nearly all issuers use;
    /// others are permitted by being named.
    pub algorithms: Vec<Algorithm>,
    /// Whom its tokens must be for: one of these must be in `aud`. Default: the address of the MCP endpoint, by
    /// `server.public_url`, which is what clients ask for (RFC 8707); none where `client_ids` is given.
    pub audiences: Vec<String>,
    /// The clients that its tokens may have been given to (`client_id`, or else `azp`, `cid` or `appid`). Needed for
    /// access tokens without `aud`, such as Amazon Cognito's; these must be access tokens then (`token_use`). Together
    /// with `audiences` both are demanded. Default: any.
    pub client_ids: Vec<String>,
    /// Claims that its tokens must have, each with this text, or a list with it. Default: none.
    pub required_claims: BTreeMap<String, String>,
    /// Seconds that its clock may differ from this one, when ends and beginnings are judged. Default: 60; more lets
    /// tokens live longer than their issuer meant.
    #[schemars(range(max = 300))]
    pub clock_skew_s: u16,
    /// The claim that names the caller, for ever the same. Default: `sub`.
    pub subject_claim: String,
    /// The claims that have the caller's groups or roles. Default: `[groups, roles, cognito:groups]`, whichever there
    /// are.
    pub groups_claims: Vec<String>,
    /// Certificates of authorities to trust for the issuer's addresses, besides the public ones, in PEM form.
    pub ca_pem: Option<String>,
    /// Whether its addresses may be `http:` beyond this machine. Default: false, since whoever can change the keys on
    /// their way can write tokens.
    pub allow_http: bool,
    /// Proxies, and authorities that the environment names.
    #[serde(skip)]
    pub network: Network,
}

/// An API key and the caller it stands for. One of `key` and `sha256` is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// The key, by a reference such as `${env:CI_KEY}`: at least 20 bytes. Default: none.
    #[serde(default)]
    pub key: Option<Secret>,
    /// The key's SHA-256 in hexadecimal digits, which may stand here openly. `openssl rand -hex 32` makes a key, and
    /// `printf %s KEY | sha256sum` its hash. Default: none.
    #[serde(default)]
    pub sha256: Option<String>,
    /// The caller's name.
    pub subject: String,
    /// What the key permits. Default: none.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The groups that the caller is in. Default: none.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Above what clocks are off that anybody sets.
pub(crate) const CLOCK_SKEW_S_MAX: u16 = 300;

impl Default for IssuerConfig {
    fn default() -> Self {
        Self {
            issuer: None,
            jwks_url: None,
            secret: None,
            rotating: None,
            previous_secret: None,
            algorithms: Vec::new(),
            audiences: Vec::new(),
            client_ids: Vec::new(),
            required_claims: BTreeMap::new(),
            clock_skew_s: 60,
            subject_claim: "sub".to_owned(),
            groups_claims: ["groups", "roles", "cognito:groups"]
                .map(str::to_owned)
                .to_vec(),
            ca_pem: None,
            allow_http: false,
            network: Network::default(),
        }
    }
}

/// A value that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{at}` {what}")]
pub struct ConfigMistake {
    /// The key.
    pub at: String,
    /// What is wrong with it.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

impl ConfigMistake {
    pub(crate) fn new(
        at: impl Into<String>,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            at: at.into(),
            what: what.into(),
            hint: hint.into(),
        }
    }
}
