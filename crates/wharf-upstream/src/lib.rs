//! The way out: the only crate that opens connections to upstreams.
//!
//! An [`Upstream`] is an HTTP/1.1 client for one base address. It knows credentials, limits of time and size, which
//! failures are worth a second try, which redirects may be followed, and which addresses a document must not lead to.
//! Tokens are fetched and renewed here, and requests signed, by the security schemes that an operation declares.
//! [`fetch_document`] reads a document over the same path. What an answer means is for others to say: a status that
//! tells of a failure is an answer here, and bodies are bytes.

mod config;
mod error;
mod message;

mod fetch;
mod schemes;
mod upstream;

mod access;
mod address;
mod breaker;
mod clock;
mod coding;
mod connect;
mod credentials;
mod exchange;
mod guard;
mod headers;
mod lease;
mod network;
mod pool;
mod queue;
mod reach;
mod redirect;
mod retry;
mod signature;
mod surroundings;
mod tls;
mod token;

pub use address::shown;
pub use breaker::BreakerState;
pub use config::{
    ApiKeyPlace, AwsRole, AwsSurroundings, Breaker, ClientAuthentication, ClientCertificate,
    CognitoToken, Config, Credentials, Retries, Seconds, Trust,
};
pub use error::{Cause, Stage, TimeLimit, UpstreamError};
pub use fetch::{FetchOptions, Fetched, fetch_document};
pub use lease::{Held, Issue, Issued, Issuing, Lease};
pub use message::{Request, Response};
pub use network::Network;
pub use reach::check_address;
pub use schemes::{DeclaredScheme, Supplied};
pub use surroundings::{Environment, aws_address, aws_endpoint, aws_region};
pub use upstream::{Load, Upstream};
