//! What a move did, in order, with reasons.

use asyncselect_abi::{
    EventHandle, Hwnd, MessageId, NetworkEvent, PostedMessage, Reply, SelectReply, SocketHandle,
    ThreadId, WsaError,
};

use crate::datagram::{Fate, Freight};
use crate::latch::{Guard, Trigger};
use crate::rule::Rule;
use crate::stream::{Piece, Segment, Side};
pub use crate::window::Standing;

/// Gets every effect of a move in the order in which they happen.
pub trait Sink {
    /// Whether the sink wants to know why a message was *not* posted. Finding out costs time.
    const WANTS_SILENCE: bool;

    /// One effect.
    fn effect(&mut self, effect: Effect);
}

/// Something that a move did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A call returned.
    Return {
        /// On this thread.
        thread: ThreadId,
        /// With this.
        reply: Reply,
        /// For an error, the rule that demands it, if it has a number.
        rule: Option<Rule>,
    },
    /// Bytes went into a receive buffer; a call may take several pieces.
    Received(Piece),
    /// A message was put into a queue, or the upcall for it was made and takes its time.
    Post {
        /// The message.
        message: Message,
        /// The rule that demands it.
        rule: Rule,
        /// What made the stack look.
        trigger: Trigger,
    },
    /// An event was recorded and its event object set, where others have a message (AS-REP-09).
    Record {
        /// The socket.
        socket: SocketHandle,
        /// The event.
        event: NetworkEvent,
        /// Its error, 0 for none.
        error: WsaError,
        /// The event object; `None` if it was closed.
        object: Option<EventHandle>,
        /// The rule that demands it.
        rule: Rule,
        /// What made the stack look.
        trigger: Trigger,
    },
    /// A message was not posted though the stack looked.
    Silent {
        /// For this socket.
        socket: SocketHandle,
        /// The event that might have been posted.
        event: NetworkEvent,
        /// What stopped it.
        guard: Guard,
        /// What made the stack look.
        trigger: Trigger,
    },
    /// A segment arrived.
    Deliver {
        /// Number of the connection.
        link: u8,
        /// The end at which it arrived.
        toward: Side,
        /// The socket there, if it is somebody's already and still.
        socket: Option<SocketHandle>,
        /// What arrived.
        segment: Segment,
    },
    /// A datagram arrived.
    Land {
        /// The socket that is bound there, if there is one.
        socket: Option<SocketHandle>,
        /// What arrived.
        freight: Freight,
        /// What became of it.
        fate: Fate,
    },
    /// A message was taken from a queue.
    Retrieve {
        /// By this thread.
        thread: ThreadId,
        /// The message.
        message: Message,
        /// Whether its registration still holds.
        standing: Standing,
    },
    /// Messages were taken out of the queue because their registration ended (AS-CAN-03).
    Withdrawn {
        /// How many.
        count: u8,
    },
}

/// A message as the model posts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The window.
    pub hwnd: Hwnd,
    /// The number.
    pub message: MessageId,
    /// The socket, `wParam`.
    pub socket: SocketHandle,
    /// The event, low word of `lParam`.
    pub event: NetworkEvent,
    /// The error, high word of `lParam`.
    pub error: WsaError,
}

impl Message {
    /// The message as a program gets it.
    #[must_use]
    pub fn posted(&self) -> PostedMessage {
        PostedMessage {
            hwnd: self.hwnd,
            message: self.message,
            socket: self.socket,
            reply: SelectReply::new(self.event, self.error),
        }
    }
}

/// Wants nothing; for engines that only need the state.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ignore;

impl Sink for Ignore {
    const WANTS_SILENCE: bool = false;

    fn effect(&mut self, _: Effect) {}
}
