//! States as 64 bits: the same in every run, on every machine of one word size.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::{FixedState, FoldHasher};

/// Takes in the words of a packed state.
pub struct Fingerprint {
    hasher: FoldHasher<'static>,
    /// The first of two words. The hasher takes 128 bits at a time: given them like that, it has
    /// nothing to shift into place, and the same comes of it.
    held: Option<u64>,
}

impl Fingerprint {
    /// Of nothing yet.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self { hasher: FixedState::with_seed(0).build_hasher(), held: None }
    }

    /// One more word.
    #[inline]
    pub fn add(&mut self, word: u64) {
        match self.held.take() {
            Some(held) => self.hasher.write_u128(u128::from(word) << 64 | u128::from(held)),
            None => self.held = Some(word),
        }
    }

    /// The fingerprint.
    #[inline]
    #[must_use]
    pub fn finish(mut self) -> u64 {
        if let Some(held) = self.held {
            self.hasher.write_u64(held);
        }
        self.hasher.finish()
    }
}

/// Of any value.
pub(super) fn hash_of(value: impl Hash) -> u64 {
    FixedState::with_seed(0).hash_one(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_by_twos_are_words_one_by_one() {
        for len in [0, 1, 2, 3, 50] {
            let words = (1..=len).map(|word: u64| word.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let mut by_twos = Fingerprint::new();
            let mut one_by_one = FixedState::with_seed(0).build_hasher();
            for word in words {
                by_twos.add(word);
                one_by_one.write_u64(word);
            }
            assert_eq!(by_twos.finish(), one_by_one.finish(), "{len} words");
        }
    }
}
