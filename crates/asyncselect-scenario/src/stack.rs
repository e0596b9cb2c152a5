//! A backend as the runner uses it: what it is called, what it lacks, what it can tell beyond what
//! a program sees.

use std::fmt;

use asyncselect_abi::call::Repeat;
use asyncselect_abi::{Backend, BackendError, ThreadId};
use asyncselect_model::stream::Side;
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

    /// How long it is until something happens by itself, in milliseconds, if the stack can tell.
    fn next_timer_ms(&self) -> Option<u32> {
        None
    }

    /// Lets one thing happen that happens by itself.
    ///
    /// # Errors
    ///
    /// If nobody can order a real network about, or it cannot happen now.
    fn happen(&mut self, happening: Happening) -> Result<(), BackendError> {
        Err(BackendError::Unsupported(format!("{happening} at a chosen time")))
    }

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

/// Something that happens by itself, at a time of a network's own choosing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happening {
    /// The first segment on its way arrives.
    Deliver {
        /// The number of the connection, as traces have it.
        connection: u8,
        /// At this end of it.
        toward: Side,
    },
    /// A datagram under way arrives.
    Land {
        /// Which, counted from the one that was sent first.
        number: u8,
    },
    /// The call that a thread waits for returns.
    Return {
        /// The thread.
        thread: ThreadId,
    },
    /// The first upcall under way returns.
    Upcall,
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deliver { connection, toward } => {
                let end = match toward {
                    Side::Connector => "connector",
                    Side::Acceptor => "acceptor",
                };
                write!(f, "an arrival at the {end} of connection {connection}")
            }
            Self::Land { number } => write!(f, "the arrival of datagram {number} under way"),
            Self::Return { thread } => write!(f, "the return of the call of thread {}", thread.0),
            Self::Upcall => f.write_str("the return of an upcall"),
        }
    }
}
