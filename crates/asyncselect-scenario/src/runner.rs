//! Runs a script on a stack, and says what can be seen of a run.
//!
//! The runner has no semantics: it never repairs, retries or reorders what a stack did.

use asyncselect_abi::{
    BackendError, Data, EventHandle, Fault, Hwnd, MessageId, NetworkEvent, Reply, SelectReply,
    SocketHandle, ThreadId, Value, WsaError,
};
use asyncselect_model::Effect;

use crate::program::{Pause, Program};
use crate::script::{CallOp, NameId, Script, SocketRef};
use crate::script_file::Need;
use crate::stack::Stack;

/// Where in a run something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// While `setup` was carried out.
    Setup,
    /// In the step of this number, counted from 0.
    Step(usize),
    /// After the last step.
    End,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Setup => f.write_str("setup"),
            Self::Step(index) => write!(f, "step {}", index + 1),
            Self::End => f.write_str("after the last step"),
        }
    }
}

/// A handle in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handle {
    /// That of a socket or window which the script has made.
    Named(NameId),
    /// A value that the script never got.
    Stranger(u64),
}

/// A message as it was retrieved, its handles turned back into names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Retrieved {
    /// The thread that took it.
    pub thread: ThreadId,
    /// The window.
    pub hwnd: Handle,
    /// The number.
    pub message: MessageId,
    /// The socket: the one that has or had the value last.
    pub socket: Handle,
    /// Sockets that had the value before (AS-CLS-02); nobody can tell from the message.
    pub earlier: Vec<NameId>,
    /// `lParam`, taken apart.
    pub reply: SelectReply,
}

impl Retrieved {
    /// Whether a program could take one for the other: which of the sockets that had the value is
    /// meant, it cannot see.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        let names = |message: &Self, handle: Handle| match handle {
            Handle::Named(name) => message.earlier.contains(&name),
            Handle::Stranger(_) => false,
        };
        let same_socket =
            self.socket == other.socket || names(self, other.socket) || names(other, self.socket);
        let Self { thread, hwnd, message, socket: _, earlier: _, reply } = self;
        same_socket
            && (*thread, *hwnd, *message, *reply)
                == (other.thread, other.hwnd, other.message, other.reply)
    }

    /// The event, if the low word is one.
    #[must_use]
    pub fn event(&self) -> Option<NetworkEvent> {
        self.reply.network_event()
    }
}

/// What a program could see of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Observation {
    /// A call returned.
    Return {
        /// Where.
        place: Place,
        /// The C name of the call.
        call: &'static str,
        /// With what.
        result: Result<Value, WsaError>,
        /// What was left in `*lpErrno`.
        lp_errno: Option<WsaError>,
        /// The bytes received, for receive calls that succeeded.
        data: Option<Data>,
    },
    /// A call was repeated as often as allowed and never failed as it should.
    NeverFailed {
        /// Where.
        place: Place,
        /// What it returned last.
        last: Result<Value, WsaError>,
    },
    /// A call that should have waited had returned, or the other way round.
    Waiting {
        /// Where.
        place: Place,
        /// Whether it waits.
        waits: bool,
    },
    /// Messages were claimed, or were left at the end.
    Messages {
        /// Where.
        place: Place,
        /// The messages, in the order of retrieval on each thread.
        messages: Vec<Retrieved>,
    },
}

impl Observation {
    /// Where it was.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::Return { place, .. }
            | Self::NeverFailed { place, .. }
            | Self::Waiting { place, .. }
            | Self::Messages { place, .. } => *place,
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// All steps were carried out.
    Completed,
    /// A call would have waited, and the script did not say `begin`.
    Blocked(Place),
    /// Setting up failed: the scenario was not reached.
    NotSetUp(String),
    /// The stack lacks something.
    NotRunnable(Need),
    /// The stack could not answer.
    Failed(Place, BackendError),
}

/// Is told of everything, as it happens. Every method has a body that does nothing.
pub trait Observer {
    /// Whether the observer wants anything; sparing it costs is the runner's business.
    const LISTENS: bool = true;

    /// A call is made.
    fn called(&mut self, _: Place, _: ThreadId, _: &CallOp) {}
    /// A call returned, with these bytes if it is a receive call.
    fn returned(&mut self, _: Place, _: ThreadId, _: &Reply, _: Option<&Data>) {}
    /// Something happened inside the stack.
    fn happened(&mut self, _: Place, _: Vec<Effect>) {}
    /// A message was retrieved.
    fn retrieved(&mut self, _: Place, _: &Retrieved) {}
    /// The program could see this; judged later.
    fn observed(&mut self, _: Observation) {}
    /// A socket got its handle.
    fn named(&mut self, _: SocketHandle, _: NameId) {}
    /// A window got its handle.
    fn named_window(&mut self, _: Hwnd, _: NameId) {}
    /// An event object got its handle.
    fn named_event(&mut self, _: EventHandle, _: NameId) {}
    /// The network or the machine was disturbed.
    fn disturbed(&mut self, _: Place, _: &Fault<SocketRef>) {}
    /// So much time is to pass, in milliseconds.
    fn waited(&mut self, _: Place, _: u32) {}
    /// So much of it has passed: until a timer ended, or the rest.
    fn passed(&mut self, _: u32) {}
}

/// Hears nothing: for replay.
#[derive(Clone, Copy, Debug)]
pub struct Deaf;

impl Observer for Deaf {
    const LISTENS: bool = false;
}

/// Runs a script: the network comes to rest wherever the script says so, in the stack's own way.
pub fn run<S: Stack, O: Observer>(script: &Script, stack: &mut S, observer: &mut O) -> Ending {
    fn all<S: Stack, O: Observer>(
        script: &Script,
        stack: &mut S,
        observer: &mut O,
    ) -> Result<(), Ending> {
        let mut program = Program::begin(script, stack)?;
        loop {
            match program.proceed(stack, observer)? {
                Pause::Open => {}
                Pause::Rest => program.rest(stack, observer)?,
                Pause::Over => return Ok(()),
            }
        }
    }
    match all(script, stack, observer) {
        Ok(()) => Ending::Completed,
        Err(ending) => ending,
    }
}
