//! What a script in event mode does besides its steps: it makes the event objects that stand for
//! windows and numbers, and takes records where others take messages.

use asyncselect_abi::call::Repeat;
use asyncselect_abi::{Call, Outcome, Reply, SelectReply, Value};

use super::{Acting, Followed, Program};
use crate::runner::{Ending, Handle, Observer, Retrieved};
use crate::script::{CallOp, Cases, EventMode, EventRef, Expected, NameId, SocketRef};
use crate::stack::Stack;

impl Program<'_> {
    /// A call has succeeded: what is registered now?
    pub(super) fn follow(&mut self, op: &CallOp) {
        match &op.call {
            Call::WsaEventSelect { s: SocketRef::Named(s), event, .. } => {
                let followed = &mut self.followed[usize::from(s.0)];
                match event {
                    EventRef::Named(event) => {
                        *followed = Some(Followed { event: *event, stands: true });
                    }
                    EventRef::Null | EventRef::Invalid => {
                        if let Some(followed) = followed {
                            followed.stands = false;
                        }
                    }
                }
            }
            Call::CloseSocket { s: SocketRef::Named(s) } => {
                self.followed[usize::from(s.0)] = None;
            }
            _ => {}
        }
    }

    /// A socket has its handle: it may have come with its listener's registration.
    pub(super) fn inherit(&mut self, socket: NameId) {
        if self.script.event_mode.is_none() {
            return;
        }
        let listener = self.script.listener_of(socket);
        let inherited = listener.and_then(|listener| self.followed[usize::from(listener.0)]);
        self.followed[usize::from(socket.0)] = inherited.filter(|followed| followed.stands);
    }
}

impl<S: Stack, O: Observer> Acting<'_, '_, S, O> {
    /// The event object of a window and number is made when it is first needed.
    pub(super) fn make_event(&mut self, op: &CallOp) -> Result<(), Ending> {
        let Call::WsaEventSelect { event: EventRef::Named(event), .. } = &op.call else {
            return Ok(());
        };
        let Some(mode) = &self.program.script.event_mode else { return Ok(()) };
        if mode.target(*event).is_none() || self.program.events[usize::from(event.0)].is_some() {
            return Ok(());
        }
        let outcome = self.check(|stack| stack.call(op.thread, &Call::WsaCreateEvent {}))?;
        // The runner's own call is not part of the trace.
        drop(self.stack.take_effects());
        match outcome {
            Outcome::Returned(Reply { result: Ok(value @ Value::Event(_)), .. }) => {
                self.bind(*event, &value);
                Ok(())
            }
            other => Err(Ending::NotSetUp(format!("WSACreateEvent answered {other:?}"))),
        }
    }

    /// Takes the records of all sockets that are or were registered, in the order of their names.
    pub(super) fn enumerate(&mut self, mode: &EventMode) -> Result<(), Ending> {
        let slot = usize::from(mode.thread.0);
        let before = self.program.calls[slot];
        for at in 0..self.program.followed.len() {
            let Some(Followed { event, stands }) = self.program.followed[at] else { continue };
            let socket = NameId(u8::try_from(at).expect("names are bytes"));
            let op = CallOp {
                thread: mode.thread,
                call: Call::WsaEnumNetworkEvents {
                    s: SocketRef::Named(socket),
                    event: if stands { EventRef::Named(event) } else { EventRef::Null },
                },
                binds: None,
                settle: false,
                begins: false,
                repeat: Repeat::Times(1),
                expect: Cases { base: Expected::SUCCESS, when: Vec::new() },
            };
            let heard = self.call(&op)?;
            let record = match heard.map(|heard| heard.reply.result) {
                Some(Ok(Value::NetworkEvents(record))) => record,
                other => {
                    let what = format!("WSAEnumNetworkEvents answered {other:?}");
                    return Err(Ending::NotSetUp(what));
                }
            };
            let (hwnd, message) = mode.target(event).expect("only these are followed");
            let retrieved = record.iter().map(|(event, error)| Retrieved {
                thread: mode.thread,
                hwnd: Handle::Named(hwnd),
                message,
                socket: Handle::Named(socket),
                earlier: Vec::new(),
                reply: SelectReply::new(event, error),
            });
            self.program.unclaimed.extend(retrieved);
        }
        self.program.calls[slot] = before;
        Ok(())
    }
}
