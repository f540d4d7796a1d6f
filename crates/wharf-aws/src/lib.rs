//! AWS, as far as a server needs it while it runs: the thin typed calls of a few services, and secrets from its stores.
//!
//! Connections, signatures and the keys behind them are `wharf-upstream`'s: to it AWS is one more upstream. Here is what
//! the services' own protocol adds: which address, which operation, what a refusal means and when to ask again. Nothing
//! of an answer that is not needed is read, and nothing secret reaches a message.
//!
//! * [`SecretStores`] reads parameters (SSM) and secrets (Secrets Manager) by [`SecretReference`]s.
//! * [`RotatingSecret`] is a secret that is fetched again while it is in use.
//! * [`dynamodb`] keeps marks and counts in a table.

mod client;
mod error;
mod reference;
mod rotating;
mod stores;

pub mod dynamodb;
pub mod secrets_manager;
pub mod ssm;

pub use client::{Client, Service};
pub use error::AwsError;
pub use reference::SecretReference;
pub use rotating::{FetchError, RotatingSecret, RotatingSecretError};
pub use stores::SecretStores;
pub use wharf_upstream::Environment;
