//! Windows and the message queues of their threads (AS-ORD-01, AS-ORD-05).

use std::num::NonZeroU8;

use asyncselect_abi::{
    Hwnd, MessageId, NetworkEvent, PumpFilter, SocketHandle, ThreadId, WsaError,
};

use crate::arm::works;
use crate::list::List;
use crate::rule::Rule;
use crate::sink::Message;
use crate::socket::SocketIx;

/// Number of a window among those that were made, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WindowIx(NonZeroU8);

impl WindowIx {
    /// Window handles look as on Windows: even, and above 0xffff.
    const FIRST: u64 = 0x1_0000;

    /// The window that was made first.
    pub(crate) const ONE: Self = Self(NonZeroU8::MIN);

    #[inline]
    pub(crate) fn get(self) -> u8 {
        self.0.get()
    }

    #[inline]
    pub(crate) fn handle(self) -> Hwnd {
        Hwnd(Self::FIRST + 2 * u64::from(self.get()))
    }

    fn from_handle(handle: Hwnd) -> Option<Self> {
        let offset = handle.0.checked_sub(Self::FIRST).filter(|offset| offset % 2 == 0)?;
        u8::try_from(offset / 2).ok().and_then(NonZeroU8::new).map(Self)
    }
}

/// Whether the registration that posted a message still holds; only reports depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Standing {
    /// It does.
    Current,
    /// It was cancelled or replaced.
    #[default]
    Stale,
    /// Its socket was closed; the value of the handle may be another's by now.
    Orphaned,
    /// No registration posted it: the program did so itself.
    Own,
}

/// A message in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) window: WindowIx,
    pub(crate) socket: SocketIx,
    pub(crate) event: NetworkEvent,
    pub(crate) standing: Standing,
    /// The low 16 bits are all there are.
    pub(crate) message: u16,
    pub(crate) error: WsaError,
}

impl Queued {
    #[inline]
    pub(crate) fn message(&self) -> Message {
        // AS-MSG-01: the number that was registered; AS-MSG-06: whichever event it is.
        let message = if works(Rule::Msg01) { self.message } else { 0 };
        let other = self.event > NetworkEvent::Read;
        let message = if works(Rule::Msg06) { message } else { message + u16::from(other) };
        Message {
            hwnd: self.window.handle(),
            message: MessageId(u32::from(message)),
            socket: match self.standing {
                Standing::Own if self.socket == Self::NO_SOCKET => SocketHandle(0),
                Standing::Own | Standing::Current | Standing::Stale | Standing::Orphaned => {
                    self.socket.handle()
                }
            },
            event: self.event,
            error: self.error,
        }
    }
}

impl Queued {
    /// The socket of a message of the program's own with a null `wParam`.
    pub(crate) const NO_SOCKET: SocketIx = SocketIx(u8::MAX);

    /// Whether the stack posted it, and not the program.
    #[inline]
    pub(crate) fn is_of_stack(&self) -> bool {
        match self.standing {
            Standing::Current | Standing::Stale | Standing::Orphaned => true,
            Standing::Own => false,
        }
    }

    pub(crate) fn packed(&self) -> u64 {
        let Self { window, socket, event, standing, message, error } = self;
        let standing: u64 = match standing {
            Standing::Current => 0,
            Standing::Stale => 1,
            Standing::Orphaned => 2,
            Standing::Own => 3,
        };
        let event = u64::from(event.bit().0.trailing_zeros());
        u64::from(window.get())
            | u64::from(socket.0) << 8
            | event << 16
            | standing << 20
            | u64::from(*message) << 32
            | u64::from(error.0) << 48
    }
}

impl Default for Queued {
    fn default() -> Self {
        Self {
            window: WindowIx::ONE,
            socket: SocketIx::default(),
            event: NetworkEvent::Read,
            standing: Standing::Stale,
            message: 0,
            error: WsaError(0),
        }
    }
}

/// A thread that owns a window, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owner(NonZeroU8);

impl Owner {
    fn new(thread: ThreadId) -> Self {
        Self(NonZeroU8::MIN.saturating_add(thread.0))
    }

    fn thread(self) -> ThreadId {
        ThreadId(self.0.get() - 1)
    }
}

/// All windows, and the messages that wait for them in the order in which they were posted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    /// The thread that made each window, until it is destroyed; the queue is the thread's
    /// (AS-ORD-05).
    owners: List<Option<Owner>, 7>,
    pub(crate) queue: List<Queued, 8>,
}

impl Clone for Windows {
    fn clone(&self) -> Self {
        Self { owners: self.owners.clone(), queue: self.queue.clone() }
    }

    #[inline]
    fn clone_from(&mut self, source: &Self) {
        let Self { owners, queue } = source;
        self.owners.clone_from(owners);
        self.queue.clone_from(queue);
    }
}

impl Windows {
    pub(crate) fn new() -> Self {
        Self { owners: List::new(), queue: List::new() }
    }

    pub(crate) fn create(&mut self, owner: ThreadId) -> Option<WindowIx> {
        let number = u8::try_from(self.owners.len() + 1).ok().and_then(NonZeroU8::new)?;
        self.owners.push(Some(Owner::new(owner)));
        Some(WindowIx(number))
    }

    #[inline]
    pub(crate) fn find(&self, handle: Hwnd) -> Option<WindowIx> {
        WindowIx::from_handle(handle).filter(|window| self.owner(*window).is_some())
    }

    /// The thread of a window; `None` if there is no such window any more.
    #[inline]
    pub(crate) fn owner(&self, window: WindowIx) -> Option<ThreadId> {
        let owner = self.owners.get(usize::from(window.get()) - 1)?;
        owner.map(Owner::thread)
    }

    /// Destroys a window and drops what was posted to it (AS-Q-07).
    pub(crate) fn destroy(&mut self, window: WindowIx) {
        self.owners[usize::from(window.get()) - 1] = None;
        self.queue.retain(|queued| queued.window != window);
    }

    /// How many messages the queue of a thread holds.
    pub(crate) fn queued_for(&self, thread: ThreadId) -> usize {
        self.queue.iter().filter(|queued| self.owner(queued.window) == Some(thread)).count()
    }

    /// Where the first message is that the filter admits; a filter may take messages out of order
    /// (AS-ORD-02).
    #[inline]
    pub(crate) fn first(&self, filter: &PumpFilter) -> Option<usize> {
        let admits = |queued: &Queued| {
            let message = queued.message();
            let is_in = |(min, max)| min <= message.message && message.message <= max;
            // AS-ORD-05.
            let is_own = self.owner(queued.window) == Some(filter.thread) || !works(Rule::Ord05);
            is_own
                && (!works(Rule::Ord02)
                    || filter.hwnd.is_none_or(|hwnd| hwnd == message.hwnd)
                        && filter.range.is_none_or(is_in))
        };
        // AS-ORD-01.
        if works(Rule::Ord01) {
            self.queue.iter().position(admits)
        } else {
            self.queue.iter().rposition(admits)
        }
    }

    /// Takes the first message that the filter admits.
    #[inline]
    pub(crate) fn retrieve(&mut self, filter: &PumpFilter) -> Option<Queued> {
        let found = self.first(filter)?;
        Some(if filter.remove { self.queue.remove(found) } else { self.queue[found] })
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let count = |len: usize| u64::try_from(len).expect("fits");
        out(count(self.owners.len()) | count(self.queue.len()) << 32);
        for owners in self.owners.chunks(8) {
            let number = |owner: &Option<Owner>| owner.map_or(0, |owner| u64::from(owner.0.get()));
            out(owners.iter().fold(0, |word, owner| word << 8 | number(owner)));
        }
        self.queue.iter().for_each(|queued| out(queued.packed()));
    }
}
