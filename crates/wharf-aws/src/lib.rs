//! AWS, as far as a server needs it while it runs.
//!
//! [`RotatingSecret`] is a secret that is fetched again while it is in use. Connections, signatures and the keys behind
//! them are `wharf-upstream`'s: to it AWS is one more upstream.

mod rotating;

pub use rotating::{FetchError, RotatingSecret, RotatingSecretError};
