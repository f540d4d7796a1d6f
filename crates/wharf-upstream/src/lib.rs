//! The way out: one HTTP client with credentials, limits, retries and the address guard.
