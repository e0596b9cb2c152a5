//! A small latch model, written once, so that engines can be compared on the same states.
//!
//! Sockets whose peers send packets and end the connection, a mask and a latch for each event of a
//! socket, and one queue of messages. It knows two events and none of the fine print: what the
//! project says about `WSAAsyncSelect` is in `asyncselect-model`, not here.

use std::hash::{Hash, Hasher};

/// The sockets that there may be.
const SOCKETS_MAX: usize = 4;

/// The messages that the queue may hold.
const QUEUE_MAX: usize = 8;

/// How large the model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// Sockets, at most 4.
    pub(crate) sockets: u8,
    /// Packets of one socket that are on their way or unread, at most 15.
    pub(crate) packets: u8,
    /// Messages in the queue, at most 8; what is posted to a full queue is lost.
    pub(crate) queue: u8,
}

/// A set of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Events(u8);

impl Events {
    /// None.
    pub(crate) const NONE: Self = Self(0);
    /// FD_READ.
    pub(crate) const READ: Self = Self(1);
    /// FD_CLOSE.
    pub(crate) const CLOSE: Self = Self(2);
    /// Both.
    pub(crate) const BOTH: Self = Self(3);

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// How far the peer's end of a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Peer {
    #[default]
    Open,
    /// Its end is on the way, behind its packets.
    Ending,
    /// Its end has arrived.
    Ended,
}

/// A socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Socket {
    on_way: u8,
    unread: u8,
    peer: Peer,
    mask: Events,
    /// The events that were posted since the call that re-enables them.
    spent: Events,
}

impl Socket {
    /// A socket with packets on their way.
    #[must_use]
    pub(crate) fn with_packets_on_way(packets: u8) -> Self {
        Self { on_way: packets, ..Self::default() }
    }

    /// Registers: every event is armed anew, and what holds already is posted.
    pub(crate) fn select(&mut self, mask: Events, post: impl FnMut(Events)) {
        self.mask = mask;
        self.spent = Events::NONE;
        self.tell(post);
    }

    /// The next packet arrives, or the end behind the last.
    pub(crate) fn arrive(&mut self, post: impl FnMut(Events)) {
        if self.on_way > 0 {
            self.on_way -= 1;
            self.unread += 1;
        } else {
            self.peer = Peer::Ended;
        }
        self.tell(post);
    }

    /// Receives a packet, if there is one; either way FD_READ is armed again.
    pub(crate) fn receive(&mut self, post: impl FnMut(Events)) -> bool {
        let is_there = self.unread > 0;
        self.unread -= u8::from(is_there);
        self.spent = self.spent.without(Events::READ);
        self.tell(post);
        is_there
    }

    /// The events whose condition holds, which are wanted and were not posted.
    fn due(&self) -> Events {
        let mut holding = Events::NONE;
        if self.unread > 0 {
            holding = holding.and(Events::READ);
        } else if self.peer == Peer::Ended {
            holding = holding.and(Events::CLOSE);
        }
        holding.both(self.mask).without(self.spent)
    }

    fn tell(&mut self, mut post: impl FnMut(Events)) {
        let due = self.due();
        if due != Events::NONE {
            self.spent = self.spent.and(due);
            post(due);
        }
    }

    fn can(&self, act: Act, size: Size) -> bool {
        match act {
            Act::Send => self.peer == Peer::Open && self.on_way + self.unread < size.packets,
            Act::End => self.peer == Peer::Open,
            Act::Arrive => self.on_way > 0 || self.peer == Peer::Ending,
            Act::Receive | Act::Select(_) => true,
        }
    }

    fn packed(self) -> u64 {
        let Self { on_way, unread, peer, mask, spent } = self;
        let peer = match peer {
            Peer::Open => 0,
            Peer::Ending => 1,
            Peer::Ended => 2,
        };
        let bits = [(on_way, 4), (unread, 4), (peer, 2), (mask.0, 2), (spent.0, 2)];
        bits.iter().fold(0, |word, (value, len)| word << len | u64::from(*value))
    }
}

/// The messages that were posted and not retrieved: socket and event, the oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Queue {
    messages: [u8; QUEUE_MAX],
    len: u8,
}

impl Queue {
    fn push(&mut self, socket: u8, event: Events, size: Size) {
        if self.len < size.queue {
            self.messages[usize::from(self.len)] = socket << 2 | event.0;
            self.len += 1;
        }
    }

    fn pop(&mut self) {
        self.messages.copy_within(1.., 0);
        self.messages[QUEUE_MAX - 1] = 0;
        self.len -= 1;
    }
}

/// A state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    sockets: [Socket; SOCKETS_MAX],
    queue: Queue,
}

/// Both engines hash a state as it is packed: two words.
impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let sockets = self.sockets.iter();
        state.write_u64(sockets.fold(0, |word, socket| word << 16 | socket.packed()));
        // No message is 0: the length needs no place.
        state.write_u64(u64::from_le_bytes(self.queue.messages));
    }
}

/// What may happen to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Its peer sends a packet.
    Send,
    /// Its peer ends the connection.
    End,
    /// What is first on its way arrives.
    Arrive,
    /// The application receives a packet, or learns that there is none.
    Receive,
    /// The application registers.
    Select(Events),
}

impl Act {
    const ALL: [Self; 7] = [
        Self::Send,
        Self::End,
        Self::Arrive,
        Self::Receive,
        Self::Select(Events::NONE),
        Self::Select(Events::READ),
        Self::Select(Events::BOTH),
    ];
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// To a socket.
    At(u8, Act),
    /// The application takes the oldest message.
    Retrieve,
}

impl State {
    /// What may happen next.
    pub(crate) fn moves(&self, size: Size) -> impl Iterator<Item = Move> + '_ {
        let retrieve = (self.queue.len > 0).then_some(Move::Retrieve);
        let at = (0..size.sockets).zip(&self.sockets).flat_map(move |(number, socket)| {
            let can = Act::ALL.into_iter().filter(move |act| socket.can(*act, size));
            can.map(move |act| Move::At(number, act))
        });
        at.chain(retrieve)
    }

    /// Lets one thing happen.
    pub(crate) fn apply(&mut self, size: Size, mv: Move) {
        let Self { sockets, queue } = self;
        match mv {
            Move::Retrieve => queue.pop(),
            Move::At(number, act) => {
                let socket = &mut sockets[usize::from(number)];
                let post = |event| queue.push(number, event, size);
                match act {
                    Act::Send => socket.on_way += 1,
                    Act::End => socket.peer = Peer::Ending,
                    Act::Arrive => socket.arrive(post),
                    Act::Receive => drop(socket.receive(post)),
                    Act::Select(mask) => socket.select(mask, post),
                }
            }
        }
    }

    /// The invariant that both engines check: whatever is due was posted.
    #[must_use]
    pub(crate) fn no_wake_up_is_lost(&self) -> bool {
        self.sockets.iter().all(|socket| socket.due() == Events::NONE)
    }
}
