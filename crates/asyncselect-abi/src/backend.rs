//! What a stack under test can be asked, and the ways it may fail to answer.

use std::fmt;
use std::net::SocketAddr;

use crate::call::BackendCall;
use crate::data::Data;
use crate::error::WsaError;
use crate::family::Family;
use crate::fault::Fault;
use crate::handle::{EventHandle, HostId, Hwnd, ProcessId, SocketHandle, ThreadId};
use crate::message::{EventRecord, MessageId, PostedMessage};

/// A stack: the model, or an adapter's process.
///
/// An `Err` of these methods is never something the program under test could see: what a call
/// answered, good or bad, is the [`Reply`].
pub trait Backend {
    /// Forgets every socket, window and message, and learns what the next run is like.
    fn reset(&mut self, start: &Start<'_>) -> Result<(), BackendError>;

    /// Makes one call on a thread of the script.
    fn call(&mut self, thread: ThreadId, call: &BackendCall) -> Result<Outcome, BackendError>;

    /// Waits until the network is quiet and everything that will be posted is in the queues.
    /// Nothing is retrieved.
    fn settle(&mut self) -> Result<(), BackendError>;

    /// Takes the first message that the filter admits, if there is one.
    fn pump(&mut self, filter: &PumpFilter) -> Result<Option<PostedMessage>, BackendError>;

    /// What became of a call that answered [`Outcome::Pending`]; a live stack waits for it up to
    /// `patience_ms`.
    fn pending(&mut self, thread: ThreadId, patience_ms: u32) -> Result<Outcome, BackendError>;

    /// The bytes that the last receive call of the thread filled in, in the form that
    /// [`Data::describe`] gives them.
    fn received(&mut self, thread: ThreadId) -> Data;

    /// Lets simulated time pass, in milliseconds.
    fn advance(&mut self, ms: u32) -> Result<(), BackendError>;

    /// Disturbs the network or the machine.
    fn fault(&mut self, fault: &Fault<SocketHandle>) -> Result<(), BackendError>;
}

/// What a run begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Start<'a> {
    /// The payloads that later calls name by number.
    pub literals: &'a [Data],
    /// Whether a process is needed in which Winsock was never started; a stack that has processes
    /// starts a new one.
    pub fresh: bool,
    /// The machine of each thread; none if there is one machine.
    pub hosts: &'a [HostId],
    /// The process of each thread; none if there is one process on each machine.
    pub processes: &'a [ProcessId],
    /// The family of the sockets and addresses.
    pub family: Family,
}

/// Whether a call has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It has, with this.
    Returned(Reply),
    /// Not yet: it waits for something.
    Pending,
}

/// What a call returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The value, or the error where C has `SOCKET_ERROR` or `INVALID_SOCKET`.
    pub result: Result<Value, WsaError>,
    /// What an SPI call left in `*lpErrno`; `None` if it wrote nothing or has no such parameter.
    pub lp_errno: Option<WsaError>,
}

impl Reply {
    /// A reply without `lpErrno`.
    #[must_use]
    pub const fn new(result: Result<Value, WsaError>) -> Self {
        Self { result, lp_errno: None }
    }

    /// A copy, made part by part as [`Value::copied`] is.
    #[inline]
    #[must_use]
    pub fn copied(&self) -> Self {
        let result = match &self.result {
            Ok(value) => Ok(value.copied()),
            Err(error) => Err(*error),
        };
        Self { result, lp_errno: self.lp_errno }
    }
}

/// The value of a successful call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A number: 0 for most calls, a byte count for the send and receive families, the answer of a
    /// query.
    Int(i64),
    /// A new socket.
    Socket(SocketHandle),
    /// A new window.
    Window(Hwnd),
    /// A new event object.
    Event(EventHandle),
    /// What `WSAEnumNetworkEvents` filled in.
    NetworkEvents(EventRecord),
    /// An address.
    Address(SocketAddr),
    /// The message that `GetMessage` took.
    Message(PostedMessage),
}

impl Value {
    /// A copy. Mostly it is a number: to copy all that a value may be, just after it was written
    /// part by part, takes processors longer than to look.
    #[inline]
    #[must_use]
    pub fn copied(&self) -> Self {
        match self {
            Self::Int(number) => Self::Int(*number),
            other => *other,
        }
    }
}

/// Which message to take, as in `PeekMessage` with `PM_REMOVE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PumpFilter {
    /// The thread whose queue is looked at.
    pub thread: ThreadId,
    /// Only messages of this window; `None` for any.
    pub hwnd: Option<Hwnd>,
    /// The lowest and highest number; `None` for any.
    pub range: Option<(MessageId, MessageId)>,
    /// Whether the message leaves the queue.
    pub remove: bool,
}

impl PumpFilter {
    /// Takes whatever is first in the thread's queue.
    #[must_use]
    pub const fn all(thread: ThreadId) -> Self {
        Self { thread, hwnd: None, range: None, remove: true }
    }
}

/// Why a backend could not do what it was asked. None of these is an answer of the stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BackendError {
    /// The model does not describe this. It never guesses instead.
    NotModelled(String),
    /// The adapter says that it cannot do this.
    Unsupported(String),
    /// The adapter ended, or its pipe did.
    Died(String),
    /// The adapter did not answer in time.
    Hung(String),
    /// The adapter answered with something that is no answer, or not to this question.
    Garbage(String),
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotModelled(what) => write!(f, "not modelled: {what}"),
            Self::Unsupported(what) => write!(f, "not supported by the adapter: {what}"),
            Self::Died(how) => write!(f, "adapter died: {how}"),
            Self::Hung(where_) => write!(f, "adapter hung: {where_}"),
            Self::Garbage(what) => write!(f, "adapter sent garbage: {what}"),
        }
    }
}

impl std::error::Error for BackendError {}
