//! What a move did, as far as the monitor looks at it.

use asyncselect_abi::{Reply, SocketHandle, ThreadId, Value, WsaError};
use asyncselect_model::latch::Trigger;
use asyncselect_model::sink::{Message, Standing};
use asyncselect_model::stream::Segment;
use asyncselect_model::{Effect, Sink};

/// What a move did, as far as the monitor looks at it.
#[derive(Clone, Debug, Default)]
pub(in crate::explore) struct Seen {
    pub(super) posts: Vec<(Message, Trigger)>,
    /// One at most: a thread returns at its own call, at its own return, or where something
    /// arrives that it alone waits for.
    pub(super) reply: Option<(ThreadId, Reply)>,
    pub(super) retrieved: Option<(Message, Standing)>,
    pub(super) reset: Option<SocketHandle>,
}

impl Seen {
    pub(in crate::explore) fn clear(&mut self) {
        self.posts.clear();
        (self.reply, self.retrieved, self.reset) = (None, None, None);
    }

    /// What returned, and to which thread.
    pub(in crate::explore) fn reply(&self) -> Option<(ThreadId, Reply)> {
        self.reply
    }

    /// What the call has returned; `None` if it waits.
    pub(super) fn result(&self) -> Option<Result<Value, WsaError>> {
        self.reply.map(|(_, reply)| reply.result)
    }
}

impl Sink for Seen {
    const WANTS_SILENCE: bool = false;

    #[inline]
    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Return { thread, reply, .. } => self.reply = Some((thread, reply)),
            Effect::Post { message, trigger, .. } => self.posts.push((message, trigger)),
            Effect::Retrieve { message, standing, .. } => {
                self.retrieved = Some((message, standing));
            }
            Effect::Deliver { socket, segment: Segment::Rst, .. } => self.reset = socket,
            Effect::Deliver { .. }
            | Effect::Land { .. }
            | Effect::Received(_)
            | Effect::Silent { .. }
            | Effect::Record { .. }
            | Effect::Withdrawn { .. } => {}
        }
    }
}
