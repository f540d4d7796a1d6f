//! The demo API: a real HTTP service on loopback and its OpenAPI document.
