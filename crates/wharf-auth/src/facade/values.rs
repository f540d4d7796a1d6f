//! What is sealed into what others carry. Names are short where a browser's address has to hold them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::attempt::Attempt;
use super::client::Authentication;

/// A question on the consent page waits for a person who reads.
pub(crate) const CONSENT_LIFE_S: u64 = 10 * 60;
/// A person may have to find a second factor, or a password.
pub(crate) const STATE_LIFE_S: u64 = 15 * 60;
/// A client redeems a code at once; RFC 6749 §4.1.2 permits ten minutes and a shorter one leaks less.
pub(crate) const CODE_LIFE_S: u64 = 60;

/// A registered client: its id is this, sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Registration {
    #[serde(rename = "n")]
    pub(crate) name: String,
    #[serde(rename = "r")]
    pub(crate) redirect_uris: Vec<String>,
    #[serde(rename = "m")]
    pub(crate) authentication: Authentication,
}

/// A client that was found, as later steps know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientMark {
    /// The digest of its id, which may be long.
    #[serde(rename = "d")]
    pub(crate) digest: String,
    /// How callers of its kind are told apart.
    #[serde(rename = "l")]
    pub(crate) label: String,
}

/// What a client asked for, checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    #[serde(rename = "a")]
    pub(crate) attempt: Attempt,
    #[serde(rename = "c")]
    pub(crate) client: ClientMark,
    #[serde(rename = "u")]
    pub(crate) redirect_uri: String,
    #[serde(rename = "s")]
    pub(crate) state: Option<String>,
    #[serde(rename = "h")]
    pub(crate) challenge: String,
    #[serde(rename = "o")]
    pub(crate) scopes: Vec<String>,
    /// The digest of the cookie of the browser that asked.
    #[serde(rename = "b")]
    pub(crate) browser: String,
}

/// A sign-in that is with the provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Transaction {
    #[serde(rename = "q")]
    pub(crate) asked: Asked,
    /// Our own, towards the provider.
    #[serde(rename = "v")]
    pub(crate) verifier: String,
    #[serde(rename = "n")]
    pub(crate) nonce: String,
}

/// Who signed in, as the provider says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Person {
    #[serde(rename = "s")]
    pub(crate) subject: String,
    #[serde(rename = "g")]
    pub(crate) groups: Vec<String>,
    /// The claims that the configuration hands on.
    #[serde(rename = "c")]
    pub(crate) claims: Map<String, Value>,
}

/// An authorization code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Code {
    /// What it is marked as used by.
    #[serde(rename = "i")]
    pub(crate) id: String,
    #[serde(rename = "a")]
    pub(crate) attempt: Attempt,
    #[serde(rename = "c")]
    pub(crate) client: ClientMark,
    #[serde(rename = "u")]
    pub(crate) redirect_uri: String,
    #[serde(rename = "h")]
    pub(crate) challenge: String,
    #[serde(rename = "o")]
    pub(crate) scopes: Vec<String>,
    #[serde(rename = "p")]
    pub(crate) person: Person,
    /// The provider's refresh token, if it gave one.
    #[serde(rename = "r")]
    pub(crate) providers_own: Option<String>,
}

/// A refresh token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refresh {
    /// What all refresh tokens of one sign-in share.
    pub(crate) family: String,
    /// How many came before it.
    pub(crate) generation: u64,
    pub(crate) attempt: Attempt,
    pub(crate) client: ClientMark,
    /// Those that were asked for: a group may open more or fewer of them the next time.
    pub(crate) scopes: Vec<String>,
    pub(crate) person: Person,
    pub(crate) providers_own: String,
    /// When the person signed in, in seconds since 1970.
    pub(crate) began_at: u64,
}
