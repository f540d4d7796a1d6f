//! Reads configuration: a YAML file, with references to the environment and to other files, into any type that derives
//! `Deserialize` and `JsonSchema`.
//!
//! The type is the only description there is. Its JSON Schema directs the reading, so that every mistake is found at
//! once and named with its line, and the same schema becomes the reference manual and what editors complete from. The
//! structs live beside the code they configure and the binary composes them; this crate knows files, keys and lines, and
//! no setting. It is also the one place that reads environment variables: see [`Environment`].
//!
//! ```
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     /// Where to listen.
//!     port: u16,
//! }
//!
//! let environment = wharf_config::Environment::of([("PORT", "8000")]);
//! let loaded = wharf_config::parse::<Config>("port: ${env:PORT}", "wharf.yaml", ".".as_ref(), &environment);
//! assert_eq!(loaded.unwrap().config.port, 8000);
//!
//! let refused = wharf_config::parse::<Config>("prot: 8000", "wharf.yaml", ".".as_ref(), &environment);
//! assert!(refused.err().unwrap().to_string().starts_with(
//!     "error: wharf.yaml:1: unknown key `prot`\nhint: did you mean `port`?"
//! ));
//! ```

mod environment;
mod load;

mod error;
mod path;
mod places;

mod yaml;

mod expand;

mod schema;

mod digest;

mod check;

mod nearest;

mod plant;
mod reference;

pub use digest::digest;
pub use environment::Environment;
pub use error::{ConfigError, ConfigErrors, ConfigWarning};
pub use expand::{Stored, Unavailable, read_text};
pub use load::{Draft, FILE_BYTES_MAX, Loaded, load, parse};
pub use nearest::nearest;
pub use places::Places;
pub use plant::{PLANTED_KEY, plant_unknown_keys};
pub use reference::{json_schema, reference_page};
