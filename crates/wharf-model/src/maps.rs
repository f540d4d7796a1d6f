//! Maps and sets over the names in documents and configurations: looked into for each call, and for each reference of a
//! document.
//!
//! They hash several times as fast as the standard library's. What keeps a stranger from filling a map with names that
//! collide is a seed that nobody outside can see; where strangers choose the keys themselves, as callers do, the standard
//! library's maps stay.

/// How these maps hash.
pub type Hashing = foldhash::fast::RandomState;

/// A map.
pub type HashMap<K, V> = std::collections::HashMap<K, V, Hashing>;

/// A set.
pub type HashSet<T> = std::collections::HashSet<T, Hashing>;
