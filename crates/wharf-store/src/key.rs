//! Keys as they are kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Half of SHA-256: beyond finding a second text for a digest, and short enough for a million of them.
const BYTES: usize = 16;

/// A key's digest: of one length whatever the key is, and telling nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; BYTES]);

impl Key {
    /// `kind` keeps a mark and a count of the same name apart.
    pub(crate) fn new(kind: &'static str, name: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update([u8::try_from(kind.len()).unwrap_or(u8::MAX)]);
        digest.update(kind);
        digest.update(name);
        let digest = digest.finalize();
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(&digest[..BYTES]);
        Self(bytes)
    }

    pub(crate) fn text(&self, prefix: &str) -> String {
        format!("{prefix}{}", URL_SAFE_NO_PAD.encode(self.0))
    }

    /// A number that says which shard it belongs to.
    pub(crate) fn shard(&self, of: usize) -> usize {
        usize::from(self.0[0]) % of
    }
}
