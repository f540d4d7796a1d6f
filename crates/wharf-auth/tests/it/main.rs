//! Tokens with real keys, from an issuer on loopback, and what is made of them.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod mistakes;
mod support;
mod verifier;
