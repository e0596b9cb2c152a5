//! Numbers that look like chance and are the same every time.

use asyncselect_model::{Choice, Chooser};

/// SplitMix64 (Steele, Lea and Flood 2014).
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64, world: u64) -> Self {
        let mut random = Self(seed ^ world.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self(random.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a usize")
    }

    /// Whether something happens that does so many times in a thousand.
    pub(crate) fn happens(&mut self, thousandths: usize) -> bool {
        self.below(1000) < thousandths
    }

    pub(crate) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    pub(crate) fn maybe<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        (!all.is_empty()).then(|| self.of(all))
    }
}

impl Chooser for Random {
    fn choose(&mut self, _: Choice, alternatives: u8) -> u8 {
        u8::try_from(self.below(usize::from(alternatives))).expect("alternatives are few")
    }
}
