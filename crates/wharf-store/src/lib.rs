//! What several replicas must know together for a short while: marks that can be set once, counts, and places for work.
//!
//! A [`Store`] is the memory of this process, or what all replicas share: a Redis or Valkey server, or a table of
//! DynamoDB. It holds nothing that could not be lost: whatever is in it ends by itself, and a key is kept as its digest
//! only, so that nobody who reads the store learns who signed in or what was called. Every question has a bounded time;
//! what an unanswered one means is the asker's to decide, by a [`WhenDown`] of its own.

mod config;
mod dynamodb;
mod error;
mod key;
mod memory;
mod patience;
mod place;
mod redis;
mod shared;
mod store;

pub use config::{Config, WhenDown};
pub use error::{Outage, StoreError};
pub use place::Place;
pub use shared::{Count, SharedStore};
pub use store::Store;
