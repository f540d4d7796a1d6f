//! Who is calling: from a request's head to a [`wharf_model::Caller`], or to the challenge that says what is missing.
//!
//! A token is an [`UnverifiedToken`] until an [`Issuer`] has judged it; only then there are [`Claims`]. Each issuer has
//! its own keys, algorithms and rules, so that no token can choose how it is checked. The [`Authenticator`] has all of
//! them, and the API keys. A [`SignIn`] is an authorization server of our own, in front of a provider that cannot register
//! clients.

mod authenticator;
mod challenge;
mod config;
mod error;
mod facade;
mod resource;

mod api_keys;
mod cache;
mod quilt;
mod scopes;

mod claims;
mod issuer;
mod token;

mod algorithm;
mod discovery;
mod key_source;
mod keys;
mod shared_secret;
mod strict;

pub use algorithm::Algorithm;
pub use authenticator::Authenticator;
pub use challenge::Challenge;
pub use claims::Claims;
pub use config::{Config, ConfigMistake, IssuerConfig, KeyConfig, Lists, Style};
pub use discovery::Metadata;
pub use error::TokenError;
pub use facade::{
    AccessError, ClientConfig, ClientDocuments, Connector, ProviderConfig, SIGN_IN_BODY_BYTES_MAX,
    ScopeConfig, SignIn, SignInConfig, probe_seal,
};
pub use issuer::Issuer;
pub use key_source::Reach;
pub use keys::KeysError;
pub use resource::Resource;
pub use token::UnverifiedToken;
