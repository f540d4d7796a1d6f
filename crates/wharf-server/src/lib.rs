//! The HTTP side around an MCP endpoint: listening, limits on connections, routes, health, shutting down.
//!
//! A request goes straight from the connection to the MCP endpoint when its path is the endpoint's; everything else
//! goes through a small router. Nothing here knows MCP's messages.

mod config;
mod connection;
mod door;
mod drain;
mod health;
mod lanes;
mod listen;
mod metrics;
mod observed;
mod pace;
mod routes;
mod stall;

pub use config::{Config, ConfigMistake, Limits};
pub use door::Door;
pub use listen::{BindError, Listener, serve};
pub use metrics::serve_metrics;
