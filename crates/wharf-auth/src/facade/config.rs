//! The `sign_in` section of the configuration.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use url::{Host, Url};
use wharf_model::Secret;
use wharf_store::WhenDown;
use wharf_upstream::{ClientAuthentication, Network};

use super::redirect::{self, Connector};
use crate::ConfigMistake;

/// Sign-in for clients that register themselves or bring a metadata document, in front of an identity provider that knows
/// neither. It needs `server.public_url`, which is its name as an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInConfig {
    /// Keys of at least 32 bytes that seal what clients and browsers carry, each by reference; every replica has the same.
    /// The first one seals, each one opens. To rotate, add a new one behind everywhere, then put it in front everywhere, and
    /// take the old one away when the refresh tokens it sealed have ended. Clients that it registered have to be added
    /// anew then.
    pub keys: Vec<Secret>,
    /// The identity provider that people sign in with.
    pub provider: ProviderConfig,
    /// The client id that this server has with the provider, where `https://PUBLIC_URL/callback` is a redirect address.
    pub client_id: String,
    /// Its secret there. Default: none, for a public client; PKCE is used in any case.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// How the secret is sent: `basic` or `post`. Default: `basic`, which every provider has to understand.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// The scopes to ask the provider for. Default: what its kind needs for an ID token and a refresh token.
    #[serde(default)]
    pub provider_scopes: Option<Vec<String>>,
    /// More parameters for the provider's sign-in page, such as `prompt: consent`. Default: none, but what its kind needs
    /// for a refresh token.
    #[serde(default)]
    pub provider_parameters: BTreeMap<String, String>,
    /// The claims that have a person's groups. Default: what the provider's kind calls them.
    #[serde(default)]
    pub groups_claims: Option<Vec<String>>,
    /// The claim that names a person, for ever the same. Default: `sub`.
    #[serde(default = "default_subject_claim")]
    pub subject_claim: String,
    /// Claims that a person's ID token must have, each with this text, or a list with it. Whoever has others is sent away.
    /// Default: none.
    #[serde(default)]
    pub required_claims: BTreeMap<String, String>,
    /// Claims to hand on with our tokens, such as `email`. Default: none; what is not needed should not travel.
    #[serde(default)]
    pub handed_on_claims: Vec<String>,
    /// Certificates of authorities to trust for the provider's addresses, besides the public ones, in PEM form.
    #[serde(default)]
    pub ca_pem: Option<String>,
    /// Whether the provider's addresses may be `http:` beyond this machine. Default: false, since whoever stands between
    /// could sign in as anybody.
    #[serde(default)]
    pub allow_http: bool,
    /// Proxies, and authorities that the environment names: for the provider and for documents of clients.
    #[serde(skip)]
    pub network: Network,
    /// The scopes that clients can ask for, by name. One that asks for no scope gets all that the person may have; one that
    /// asks for others alone is told `invalid_scope`. Default: none; then a token says only who somebody is.
    #[serde(default)]
    pub scopes: BTreeMap<String, ScopeConfig>,
    /// Whether clients can register themselves (RFC 7591). Default: true; most of today's clients know no other way.
    #[serde(default = "yes")]
    pub registration: bool,
    /// Clients that bring a document about themselves.
    #[serde(default)]
    pub client_documents: ClientDocuments,
    /// Clients that are known beforehand. Default: none.
    #[serde(default)]
    pub clients: Vec<ClientConfig>,
    /// Well-known programs that may sign people in: `chatgpt`, `claude`, `vscode`, `cursor`. Default: none.
    #[serde(default)]
    pub connectors: Vec<Connector>,
    /// Whether programs on a person's own machine may (redirects to `127.0.0.1`, `[::1]` and `localhost`). Default: true;
    /// they are most clients, and only what runs on that machine gets the code.
    #[serde(default = "yes")]
    pub loopback: bool,
    /// More redirect addresses that may be used, to the letter. Default: none.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// How long an access token is good, in seconds. Default: 3600, as most providers have it. It cannot be taken back
    /// before; what somebody may do is looked at again when it is refreshed.
    #[serde(default = "default_access_token_life_s")]
    #[schemars(range(min = 5, max = 86_400))]
    pub access_token_life_s: u64,
    /// How long a refresh token is good, in seconds. Each refresh gives a new one. Default: 2592000, thirty days; the
    /// provider may end it sooner.
    #[serde(default = "default_refresh_token_life_s")]
    #[schemars(range(min = 5, max = 31_536_000))]
    pub refresh_token_life_s: u64,
    /// How long a person stays signed in, however often the client refreshes, in seconds. Default: 7776000, ninety days.
    #[serde(default = "default_session_life_s")]
    #[schemars(range(min = 5, max = 31_536_000))]
    pub session_life_s: u64,
    /// What happens while the store cannot tell whether a code or a refresh token was used before: `refuse` ends
    /// sign-ins until it is back, `allow` goes on with their short life as the only protection. Default: `refuse`.
    #[serde(default = "default_when_down")]
    pub when_store_is_down: WhenDown,
}

/// An identity provider, with the few values that tell where it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ProviderConfig {
    /// An Amazon Cognito user pool with a hosted sign-in.
    Cognito {
        /// The pool, such as `eu-west-1_AbCdEfGhI`.
        user_pool_id: String,
        /// Where people sign in: `https://NAME.auth.REGION.amazoncognito.com`, or a domain of your own.
        domain: String,
    },
    /// Microsoft Entra ID.
    Entra {
        /// The tenant's id, such as `8eaef023-2b34-4da1-9baa-8bc8c9d6a490`; the name of a domain will not do, since
        /// tokens have the id.
        tenant: String,
    },
    /// Okta.
    Okta {
        /// Your organization's host, such as `dev-123456.okta.com`.
        domain: String,
        /// The authorization server. Default: none, the organization's own; `default` is the one that Okta calls so.
        #[serde(default)]
        authorization_server: Option<String>,
    },
    /// Google.
    Google {
        /// The Google Workspace domain that people must be of. Default: none, so that anybody with an account gets in.
        #[serde(default)]
        hosted_domain: Option<String>,
    },
    /// Any OpenID provider that publishes its metadata.
    Oidc {
        /// Its issuer, to the letter.
        issuer: String,
    },
}

/// A scope that clients can ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScopeConfig {
    /// What it permits, as the consent page says it. Default: its name.
    pub description: Option<String>,
    /// The groups whose members may have it. Default: everybody who can sign in.
    pub groups: Vec<String>,
}

/// Clients that bring a document about themselves: the client id is its address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientDocuments {
    /// Whether they are taken. Default: true; the redirect address has to be permitted all the same.
    pub enabled: bool,
    /// The hosts whose documents are taken. Default: any.
    pub hosts: Vec<String>,
    /// Whether documents may be in private networks. Default: false, since anybody can name an address. What a proxy of the
    /// environment reaches is the proxy's to refuse.
    pub allow_private_networks: bool,
    /// Certificates of authorities to trust for them, besides the public ones, in PEM form.
    pub ca_pem: Option<String>,
}

/// A client that is known beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// Its id.
    pub id: String,
    /// Its secret. Default: none, for a public client.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// What the consent page calls it. Default: its id.
    #[serde(default)]
    pub name: Option<String>,
    /// Where codes for it may be sent, to the letter; the port on loopback may differ.
    pub redirect_uris: Vec<String>,
}

impl Default for ClientDocuments {
    fn default() -> Self {
        Self {
            enabled: true,
            hosts: Vec::new(),
            allow_private_networks: false,
            ca_pem: None,
        }
    }
}

/// Below, tokens end on their way.
const LIFE_S_MIN: u64 = 5;

fn yes() -> bool {
    true
}

fn default_subject_claim() -> String {
    "sub".to_owned()
}

fn default_access_token_life_s() -> u64 {
    3_600
}

fn default_refresh_token_life_s() -> u64 {
    30 * 24 * 3_600
}

fn default_session_life_s() -> u64 {
    90 * 24 * 3_600
}

fn default_when_down() -> WhenDown {
    WhenDown::Refuse
}

impl SignInConfig {
    /// What can be told to be wrong before anything is built.
    pub(crate) fn check(&self) -> Result<(), ConfigMistake> {
        let at = |key: &str| format!("sign_in.{key}");
        for (key, life, max) in [
            ("access_token_life_s", self.access_token_life_s, 86_400),
            (
                "refresh_token_life_s",
                self.refresh_token_life_s,
                31_536_000,
            ),
            ("session_life_s", self.session_life_s, 31_536_000),
        ] {
            if !(LIFE_S_MIN..=max).contains(&life) {
                return Err(ConfigMistake::new(
                    at(key),
                    format!("is not between {LIFE_S_MIN} and {max}"),
                    "leave it out for the default",
                ));
            }
        }
        let is_scope = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
        };
        if let Some(name) = self.scopes.keys().find(|name| !is_scope(name)) {
            return Err(ConfigMistake::new(
                at("scopes"),
                format!("has `{name}`, which is no name of a scope"),
                "names are printable ASCII without spaces and quotes (RFC 6749 §3.3)",
            ));
        }
        for client in &self.clients {
            for address in &client.redirect_uris {
                if let Err(reason) = redirect::sound(address) {
                    return Err(ConfigMistake::new(
                        at("clients"),
                        format!("has `{}` with `{address}`, which {reason}", client.id),
                        "write it to the letter as the client sends it",
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The issuer's address, over TLS unless only this machine is meant.
pub(crate) fn public_address(issuer: &str) -> Result<Url, ConfigMistake> {
    let refuse = |what: &str| {
        ConfigMistake::new(
            "server.public_url",
            format!("is `{issuer}`, {what}"),
            "it looks like `https://mcp.example.com`",
        )
    };
    let url = Url::parse(issuer).map_err(|_| refuse("which is no URL"))?;
    let is_near = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("which has more than a path"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_near => Ok(url),
        _ => Err(refuse("and sign-in needs `https`")),
    }
}
