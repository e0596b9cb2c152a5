//! The fingerprints of the states that were seen.

/// In how many parts the set is cut, each filled by one thread at a time. What is found does not
/// depend on it.
pub(super) const SHARDS: usize = 64;

/// A set of fingerprints.
pub(super) struct Visited {
    shards: Vec<Shard>,
}

/// One part: open addressing, 0 for an empty place.
pub(super) struct Shard {
    places: Vec<u64>,
    len: usize,
}

impl Visited {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard { places: vec![0; 16], len: 0 }).collect() }
    }

    #[inline]
    pub(super) fn has(&self, fingerprint: u64) -> bool {
        self.shards[shard_of(fingerprint)].place(fingerprint).is_err()
    }

    pub(super) fn shards_mut(&mut self) -> &mut [Shard] {
        &mut self.shards
    }

    pub(super) fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.places.capacity() * size_of::<u64>()).sum()
    }
}

impl Shard {
    /// Whether it was new.
    #[inline]
    pub(super) fn insert(&mut self, fingerprint: u64) -> bool {
        let Ok(place) = self.place(fingerprint) else { return false };
        self.places[place] = never_zero(fingerprint);
        self.len += 1;
        // Four fifths full at most, a little over half after growing.
        if self.len * 5 > self.places.len() * 4 {
            self.grow();
        }
        true
    }

    /// Where it is (`Err`) or belongs (`Ok`).
    #[inline]
    fn place(&self, fingerprint: u64) -> Result<usize, usize> {
        let wanted = never_zero(fingerprint);
        let mut place = self.home(wanted);
        loop {
            match self.places[place] {
                0 => return Ok(place),
                held if held == wanted => return Err(place),
                _ => place = if place + 1 == self.places.len() { 0 } else { place + 1 },
            }
        }
    }

    /// The high bits decide, the low ones have chosen the shard: any length will do, not powers of
    /// two alone.
    #[inline]
    fn home(&self, fingerprint: u64) -> usize {
        let len = self.places.len() as u128;
        usize::try_from((u128::from(fingerprint) * len) >> 64).expect("below the length")
    }

    fn grow(&mut self) {
        let len = self.places.len() + self.places.len() / 2;
        let old = std::mem::replace(&mut self.places, vec![0; len]);
        for fingerprint in old.into_iter().filter(|fingerprint| *fingerprint != 0) {
            let place = self.place(fingerprint).expect("each stood once");
            self.places[place] = fingerprint;
        }
    }
}

/// The shard of a fingerprint.
#[inline]
pub(super) fn shard_of(fingerprint: u64) -> usize {
    never_zero(fingerprint) as usize % SHARDS
}

/// 0 stands for nothing. One more pair of states that cannot be told apart, of 2^64.
#[inline]
fn never_zero(fingerprint: u64) -> u64 {
    if fingerprint == 0 { 1 } else { fingerprint }
}
