//! What arriving segments do, and what closing an end leaves behind.

use asyncselect_abi::NetworkEvent;

use crate::chooser::Chooser;
use crate::knob::{DataOnReset, SecondClose};
use crate::latch::{Latch, Trigger};
use crate::sink::{Effect, Sink};
use crate::socket::{SocketIx, SocketState};
use crate::stream::{Arrived, CAPACITY, End, LinkIx, Segment, Side, Space};
use crate::world::{Context, ModelError, World};

impl World {
    /// The first segment on its way to `side` arrives.
    pub(crate) fn deliver<C: Chooser, S: Sink>(
        &mut self,
        link: LinkIx,
        side: Side,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let end = self.streams.end(link, side);
        let segment = self.streams.arrive(link, side);
        let socket = match end {
            End::Socket(socket) => Some(socket.handle()),
            End::Nobody | End::HalfOpen(_) | End::Waiting { .. } | End::Gone => None,
        };
        cx.sink.effect(Effect::Deliver { link: link.0, toward: side, socket, segment });
        if end == End::Gone {
            self.arrive_at_nobody(link, side, segment);
            return Ok(());
        }
        match segment {
            Segment::Syn { port } => self.syn_arrives(link, port)?,
            Segment::SynAck => {
                let End::Socket(socket) = end else {
                    unreachable!("only connect's own end is answered")
                };
                self.socket_mut(socket).state = SocketState::Connected(link, Side::Connector);
                self.streams.push(link, Side::Acceptor, Segment::Ack);
                // AS-WR-02: the connection is established.
                self.evaluate(socket, Trigger::Connected, cx);
            }
            Segment::Ack => {
                let End::HalfOpen(listener) = end else {
                    unreachable!("the Ack finds the end that answered")
                };
                let rank = self.streams.waiting(listener);
                self.streams.set_end(link, side, End::Waiting { listener, rank });
            }
            Segment::Data(_) => {
                if let End::Socket(socket) = end {
                    if self.socket(socket).receive_shut {
                        let what = "data that arrives after it (OQ-15)";
                        return Err(ModelError::new("shutdown(SD_RECEIVE)", what));
                    }
                    self.evaluate(socket, Trigger::DataArrived, cx);
                }
            }
            Segment::Fin => {
                self.streams.toward_mut(link, side).arrived = Arrived::End;
                if let End::Socket(socket) = end {
                    self.evaluate(socket, Trigger::EndArrived, cx);
                }
            }
            Segment::Rst => self.reset_arrives(link, side, end, cx),
            Segment::Window => {
                // AS-WR-03: sends are likely to succeed again.
                self.streams.toward_mut(link, side.other()).space = Space::Free;
                if let End::Socket(socket) = end {
                    self.evaluate(socket, Trigger::SpaceArrived, cx);
                }
            }
        }
        Ok(())
    }

    fn syn_arrives(&mut self, link: LinkIx, port: u16) -> Result<(), ModelError> {
        match self.listener_on(port) {
            Some((listener, backlog)) if self.streams.backlog(listener) >= usize::from(backlog) => {
                // Some stacks refuse, some let the client try again.
                return Err(ModelError::new("connect", "to a listener whose backlog is full"));
            }
            Some((listener, _)) => {
                self.streams.set_end(link, Side::Acceptor, End::HalfOpen(listener));
                self.streams.push(link, Side::Connector, Segment::SynAck);
            }
            None => self.leave(link, Side::Acceptor, Segment::Rst),
        }
        Ok(())
    }

    fn reset_arrives<C: Chooser, S: Sink>(
        &mut self,
        link: LinkIx,
        side: Side,
        end: End,
        cx: &mut Context<'_, C, S>,
    ) {
        let arrived = &mut self.streams.toward_mut(link, side).arrived;
        let before = *arrived;
        *arrived = match before {
            Arrived::Open | Arrived::Reset => Arrived::Reset,
            Arrived::End | Arrived::EndThenReset => Arrived::EndThenReset,
        };
        // Nothing that this end sent reaches anybody any more.
        self.streams.discard_flying(link, side.other());
        match end {
            End::Socket(socket) => match self.socket(socket).state {
                SocketState::Connecting(_) => {
                    // AS-CO-13: refused; the socket may try again.
                    self.socket_mut(socket).state = SocketState::Bound;
                    self.socket_mut(socket).refused = true;
                    self.streams.set_end(link, side, End::Gone);
                    self.sweep(link);
                }
                SocketState::Connected(..) => {
                    self.drop_data_on_reset(link, side, cx);
                    // AS-CL-14: the peer's end was told, is its reset told too?
                    if before == Arrived::End
                        && self.socket(socket).latch(NetworkEvent::Close) == Latch::Spent
                        && self.knob::<SecondClose>(cx) == SecondClose::OnReset
                    {
                        self.socket_mut(socket).arm(NetworkEvent::Close);
                    }
                    // AS-CL-05.
                    self.evaluate(socket, Trigger::ResetArrived, cx);
                }
                SocketState::Closed
                | SocketState::Unbound
                | SocketState::Bound
                | SocketState::Listening { .. } => {
                    unreachable!("an end belongs to a socket that connects or is connected")
                }
            },
            End::Nobody | End::HalfOpen(_) | End::Waiting { .. } => {
                self.streams.leave_queue(link, End::Gone);
                self.sweep(link);
            }
            End::Gone => unreachable!("deliver has looked"),
        }
    }

    /// Drops received data where a reset takes it with it (OQ-24).
    fn drop_data_on_reset<C: Chooser, S: Sink>(
        &mut self,
        link: LinkIx,
        side: Side,
        cx: &mut Context<'_, C, S>,
    ) {
        if self.streams.has_unread(link, side)
            && self.knob::<DataOnReset>(cx) == DataOnReset::Discarded
        {
            self.streams.discard_received(link, side);
        }
    }

    /// Tells a sender that ran out of space that half of the buffer is free again.
    pub(crate) fn return_space(&mut self, link: LinkIx, reader: Side) {
        let gone = self.streams.end(link, reader) == End::Gone;
        if self.streams.toward(link, reader).space == Space::Full
            && (gone || self.streams.outstanding(link, reader) <= CAPACITY / 2)
            && self.streams.end(link, reader.other()) != End::Gone
        {
            self.streams.toward_mut(link, reader).space = Space::Returning;
            self.streams.push(link, reader.other(), Segment::Window);
        }
    }

    /// A segment arrives where the socket was closed: data cannot be delivered, and its sender
    /// learns that.
    fn arrive_at_nobody(&mut self, link: LinkIx, side: Side, segment: Segment) {
        match segment {
            Segment::Data(_) | Segment::SynAck => {
                self.streams.discard_received(link, side);
                self.streams.discard_flying(link, side);
                if self.streams.end(link, side.other()) != End::Gone {
                    self.streams.push(link, side.other(), Segment::Rst);
                }
            }
            Segment::Syn { .. } | Segment::Ack | Segment::Fin | Segment::Rst | Segment::Window => {}
        }
        self.sweep(link);
    }

    /// The socket at `side` is gone; the other end hears of it by `last`.
    pub(crate) fn leave(&mut self, link: LinkIx, side: Side, last: Segment) {
        if !self.streams.toward(link, side).arrived.is_reset()
            && self.streams.end(link, side.other()) != End::Gone
        {
            self.streams.push(link, side.other(), last);
        }
        self.abandon(link, side);
    }

    /// The socket at `side` is gone, and there is nothing left to say.
    pub(crate) fn abandon(&mut self, link: LinkIx, side: Side) {
        self.streams.discard_received(link, side);
        self.streams.set_end(link, side, End::Gone);
        // A sender that waits for space must not wait for ever: what it sends next is answered.
        self.return_space(link, side);
        self.sweep(link);
    }

    /// Closes a listener: connections that nobody accepted are reset.
    pub(crate) fn close_listener(&mut self, listener: SocketIx) {
        let mut link = LinkIx(0);
        while link.at() < self.streams.links.len() {
            let before = self.streams.links.len();
            match self.streams.end(link, Side::Acceptor) {
                End::HalfOpen(owner) | End::Waiting { listener: owner, .. }
                    if owner == listener =>
                {
                    self.leave(link, Side::Acceptor, Segment::Rst);
                }
                End::Nobody
                | End::HalfOpen(_)
                | End::Waiting { .. }
                | End::Socket(_)
                | End::Gone => {}
            }
            if self.streams.links.len() == before {
                link.0 += 1;
            }
        }
    }

    /// Forgets a connection that no socket holds and on which nothing moves.
    fn sweep(&mut self, link: LinkIx) {
        let held = Side::ALL.into_iter().any(|side| {
            self.streams.end(link, side) != End::Gone || self.streams.is_flying(link, side)
        });
        if held {
            return;
        }
        self.streams.remove(link);
        for socket in self.sockets.iter_mut() {
            match &mut socket.state {
                SocketState::Connecting(other) | SocketState::Connected(other, _) => {
                    if other.0 > link.0 {
                        other.0 -= 1;
                    }
                }
                SocketState::Closed
                | SocketState::Unbound
                | SocketState::Bound
                | SocketState::Listening { .. } => {}
            }
        }
    }
}
