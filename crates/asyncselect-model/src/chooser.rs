//! Who decides where the real world is free to decide.

use crate::knob::KnobId;

/// Asked whenever more than one thing may happen.
///
/// The engines differ in little else: a simulation takes the canonical alternative, an explorer
/// takes them all in turn.
pub trait Chooser {
    /// The number of the alternative taken, below `alternatives`; 0 is the canonical one.
    fn choose(&mut self, choice: Choice, alternatives: u8) -> u8;
}

/// What is being decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A knob that the profile leaves open. It is decided once a run, when it first matters.
    Knob(KnobId),
}

/// Takes the canonical alternative, always.
#[derive(Clone, Copy, Debug, Default)]
pub struct Canonical;

impl Chooser for Canonical {
    fn choose(&mut self, _: Choice, _: u8) -> u8 {
        0
    }
}

/// Replays a prefix of choices, goes on canonically, and can be moved to the next combination: the
/// way to enumerate everything that one run may do.
///
/// ```
/// use asyncselect_model::chooser::{Choice, Chooser, Enumerating};
/// use asyncselect_model::knob::KnobId;
///
/// let mut seen = Vec::new();
/// let mut chooser = Enumerating::new();
/// loop {
///     let first = chooser.choose(Choice::Knob(KnobId::ResetError), 2);
///     let second = chooser.choose(Choice::Knob(KnobId::HwndCheck), 2);
///     seen.push((first, second));
///     if !chooser.advance() {
///         break;
///     }
/// }
/// assert_eq!(seen, [(0, 0), (0, 1), (1, 0), (1, 1)]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Enumerating {
    /// What was chosen of how many, in order.
    taken: Vec<(u8, u8)>,
    position: usize,
}

impl Enumerating {
    /// Begins with the canonical run.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Prepares the next run; `false` when all combinations were seen.
    pub fn advance(&mut self) -> bool {
        self.taken.truncate(self.position);
        self.position = 0;
        while let Some((taken, alternatives)) = self.taken.pop() {
            if taken + 1 < alternatives {
                self.taken.push((taken + 1, alternatives));
                return true;
            }
        }
        false
    }
}

impl Chooser for Enumerating {
    fn choose(&mut self, _: Choice, alternatives: u8) -> u8 {
        if self.position == self.taken.len() {
            self.taken.push((0, alternatives));
        }
        let (taken, of) = self.taken[self.position];
        assert_eq!(of, alternatives, "a run with the same choices offers the same alternatives");
        self.position += 1;
        taken
    }
}
