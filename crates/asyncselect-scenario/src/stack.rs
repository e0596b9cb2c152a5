//! A backend as the runner uses it: what it is called, what it lacks, what it can tell beyond what
//! a program sees.

use asyncselect_abi::Backend;
use asyncselect_abi::call::Repeat;
use asyncselect_model::{Effect, KnobId};

use crate::script_file::Need;

/// A stack that scenarios run on.
pub trait Stack: Backend {
    /// How reports call it.
    fn label(&self) -> &str;

    /// Whether the stack cannot do what a scenario needs.
    fn lacks(&self, need: Need) -> bool;

    /// The alternative that this run took at a knob, if the stack can tell.
    fn decided(&self, knob: KnobId) -> Option<u8>;

    /// What happened inside since the last call of this method; a live stack cannot tell.
    fn take_effects(&mut self) -> Vec<Effect>;

    /// What the runner will now ask for several times in a row, for stacks behind a pipe.
    fn announce(&mut self, _: Announcement) {}
}

/// Questions that come in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// The next call, so often.
    Calls(Repeat),
    /// The next message, so often or until there is none.
    Messages(u32),
}
