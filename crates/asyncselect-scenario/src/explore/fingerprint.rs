//! States as 64 bits: the same in every run, on every machine of one word size.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::{FixedState, FoldHasher};

/// Takes in the words of a packed state.
pub struct Fingerprint(FoldHasher<'static>);

impl Fingerprint {
    /// Of nothing yet.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self(FixedState::with_seed(0).build_hasher())
    }

    /// One more word.
    #[inline]
    pub fn add(&mut self, word: u64) {
        self.0.write_u64(word);
    }

    /// The fingerprint.
    #[inline]
    #[must_use]
    pub fn finish(&self) -> u64 {
        self.0.finish()
    }
}

/// Of any value.
pub(super) fn hash_of(value: impl Hash) -> u64 {
    FixedState::with_seed(0).hash_one(value)
}
