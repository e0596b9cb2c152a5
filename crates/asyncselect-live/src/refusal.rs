//! What this adapter cannot do, in the words of its `unsupported` answers.
//!
//! None of these is an answer of the stack under test.

use asyncselect_abi::{EventHandle, Hwnd, SocketHandle, ThreadId, WsaError, protocol};

/// The longest payload or buffer of one call, in bytes.
pub(crate) const LEN_MAX: usize = 16 << 20;

/// Why a request gets no real answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no provider entry without an installed provider; capability spi")]
    NoProviderEntry,
    #[error("{0}: this adapter does not make it")]
    NotMade(&'static str),
    #[error("an operation on the structure of {0:?}, whose last has not ended")]
    OperationRuns(EventHandle),
    #[error("the result of an operation on the structure of {0:?}, which has had none")]
    NoOperation(EventHandle),
    #[error("a disturbance or a leap in time: the network is a real one")]
    NotSimulated,
    #[error("GetMessage for numbers from {min:#x} to {max:#x}: no message is in there")]
    EmptyFilter { min: u32, max: u32 },
    #[error("GetMessage: a reset ended it")]
    WaitEnded,
    #[error("a length of {0} bytes; at most {max} are possible", max = LEN_MAX)]
    TooLong(usize),
    #[error("{0} sockets in one list of select; at most 64 are possible")]
    TooManySockets(usize),
    #[error("the address space for a receive call with a negative length")]
    NoAddressSpace,
    #[error("message number {0:#x}: the adapter's own fence uses it")]
    FenceNumber(u32),
    #[error("{0:?}: it belongs to the adapter itself; the script's socket of that value is closed")]
    OwnSocket(SocketHandle),
    #[error("CloseHandle on {0:?}, which no call of the script made")]
    ForeignHandle(SocketHandle),
    #[error("{0:?}: no event object that the script has")]
    ForeignEvent(EventHandle),
    #[error("a second job for {0:?}, whose call has not been collected by pending")]
    Busy(ThreadId),
    #[error("pending on {0:?}, which has no pending call")]
    NothingPending(ThreadId),
    #[error("several machines; this is one")]
    OneMachine,
    #[error("several processes; this is one")]
    OneProcess,
    #[error("a reset with fresh set; it needs a new process")]
    NeedsNewProcess,
    #[error("a reset while {0:?} is blocked; closing the sockets did not end its call")]
    StillBlocked(ThreadId),
    #[error("settling: the fence could not be set up, {call} failed with {error}")]
    NoFence { call: &'static str, error: WsaError },
    #[error("settling: the fence message for {hwnd:?} did not come within {ms} ms")]
    FenceLost { hwnd: Hwnd, ms: u128 },
    #[error("protocol version {0}; this adapter speaks {speaks}", speaks = protocol::VERSION)]
    ProtocolVersion(u32),
    #[error("{0:?} did not answer in time")]
    Hung(ThreadId),
}
