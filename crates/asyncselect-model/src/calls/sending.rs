//! send: what it takes, and when it arms FD_WRITE.
//!
//! Reading list: AS-WR, AS-EN-03, AS-OOB-12; X-09; OQ-09; W-042 to W-046.

use asyncselect_abi::call::MsgFlags;
use asyncselect_abi::{Literal, LiteralId, NetworkEvent, Value, WsaError};

use super::{Mode, Outcome, Progress, counted, fails, fails_by, unsupported};
use crate::arm::works;
use crate::chooser::Chooser;
use crate::knob::{SendUnconnected, ShortSend, ShortSendRearms, WriteRearmedBy};
use crate::latch::{Latch, Trigger};
use crate::registration::{Registration, Target};
use crate::rule::Rule;
use crate::sink::Sink;
use crate::socket::{SocketIx, SocketState};
use crate::stream::{Arrived, Piece, Segment, Space};
use crate::world::{Context, PendingCall, World};

impl World {
    pub(super) fn send<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        data: Literal,
        flags: MsgFlags,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if flags.peek {
            return unsupported("send", "MSG_PEEK");
        }
        if self.streams.is_crowded() {
            return unsupported("send", "with tens of thousands of segments under way or unread");
        }
        if flags.oob {
            return self.send_urgent(socket, data, cx);
        }
        self.transmit(socket, data, self.mode(socket), cx)
    }

    /// Sends data whose last byte is urgent (AS-OOB-12).
    pub(super) fn send_urgent<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        data: Literal,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if data.len == 0 {
            return unsupported("send", "MSG_OOB without a byte");
        }
        let SocketState::Connected(link, side) = self.socket(socket).state else {
            return self.transmit(socket, data, self.mode(socket), cx);
        };
        let peer = side.other();
        let space = self.capacity(link, peer).saturating_sub(self.streams.outstanding(link, peer));
        if data.len >= space {
            return unsupported("send", "MSG_OOB with buffers that are nearly full");
        }
        // A send of nothing tells of everything that is wrong.
        let nothing = Literal { len: 0, ..data };
        match self.transmit(socket, nothing, self.mode(socket), cx)? {
            Progress::Done(Ok(_)) => {}
            Progress::Done(Err(refusal)) => return Ok(Progress::Done(Err(refusal))),
            Progress::Waits(_) => return unsupported("send", "MSG_OOB that has to wait"),
        }
        let piece = Piece { literal: data.id, offset: 0, len: data.len };
        self.streams.push(link, peer, Segment::Urgent(piece));
        counted(data.len)
    }

    /// Sends, and arms FD_WRITE when the call returns: at once, or after it had to wait.
    pub(super) fn transmit<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        data: Literal,
        mode: Mode,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let outcome = self.fill(socket, data, mode, cx);
        match &outcome {
            Ok(Progress::Done(Err(refusal))) => self.rearm_by_send(socket, Err(refusal.error), cx),
            Ok(Progress::Done(Ok(taken))) => {
                self.rearm_by_send(socket, Ok(*taken == Value::Int(i64::from(data.len))), cx);
            }
            Ok(Progress::Waits(_)) | Err(_) => {}
        }
        outcome
    }

    /// AS-EN-03: a send arms FD_WRITE, perhaps; it took all, or a part, or failed.
    pub(super) fn rearm_by_send<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        took_all: Result<bool, WsaError>,
        cx: &mut Context<'_, C, S>,
    ) {
        // AS-WR-07, X-09: a re-enabling call alone is not enough, the buffers must have been full.
        let full = took_all == Err(WsaError::WSAEWOULDBLOCK);
        let this = self.socket(socket);
        // Asked only where there is something to arm.
        let spent = this.latch(NetworkEvent::Write) == Latch::Spent;
        let wanted = match this.registration {
            Some(live @ Registration { target: Target::Window { .. }, .. }) => {
                live.wants(NetworkEvent::Write)
            }
            // For a registration to come, too.
            Some(Registration { target: Target::Event(_), .. }) | None => true,
        };
        if wanted
            && spent
            && works(Rule::En03)
            && (full
                || !works(Rule::Wr07)
                || match self.knob::<WriteRearmedBy>(cx) {
                    WriteRearmedBy::WouldBlock => false,
                    // A connection that was reset is looked at no more.
                    WriteRearmedBy::FailedSend => took_all.is_err() && !self.is_aborted(socket),
                    WriteRearmedBy::AnySend => true,
                }
                // OQ-09.
                || took_all == Ok(false) && self.knob::<ShortSendRearms>(cx) == ShortSendRearms::Rearms)
        {
            self.rearm(socket, NetworkEvent::Write, cx);
            self.evaluate(socket, Trigger::SendCalled, cx);
        }
    }

    /// Puts as much of the data as it takes on its way.
    pub(super) fn fill<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        data: Literal,
        mode: Mode,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let this = *self.socket(socket);
        if let SocketState::Listening { .. } = this.state {
            return unsupported("send", "on a listening socket");
        }
        if let SocketState::Connecting(_) = this.state {
            return self.fails_while_connecting(cx);
        }
        let SocketState::Connected(link, side) = this.state else {
            return fails(match self.knob::<SendUnconnected>(cx) {
                SendUnconnected::NotConn => WsaError::WSAENOTCONN,
                SendUnconnected::ConnReset => WsaError::WSAECONNRESET,
            });
        };
        if this.send_shut {
            return fails_by(WsaError::WSAESHUTDOWN, Rule::Cl20);
        }
        match self.streams.toward(link, side).arrived {
            // AS-CL-17: it can still send.
            Arrived::End if !works(Rule::Cl17) => return fails(WsaError::WSAESHUTDOWN),
            Arrived::Open | Arrived::End => {}
            Arrived::Reset | Arrived::EndThenReset => {
                return fails_by(WsaError::WSAECONNRESET, Rule::W08A);
            }
            Arrived::OwnReset | Arrived::TimedOut => {
                return fails_by(WsaError::WSAECONNABORTED, Rule::Cl08);
            }
        }
        let peer = side.other();
        if self.streams.toward(link, peer).space != Space::Free {
            return if mode == Mode::NonBlocking {
                fails_by(WsaError::WSAEWOULDBLOCK, Rule::Nb09)
            } else if self.more.overlapped.sends_on(socket) {
                unsupported("send", "that waits under an overlapped one")
            } else {
                let Literal { id: LiteralId(literal), len } = data;
                Ok(Progress::Waits(PendingCall::Send { socket, literal, len }))
            };
        }
        if data.len > 0
            && let Some(error) = self.lacks_buffers()
        {
            return fails(error);
        }
        // One byte at least, for a peer that is gone while more than a buffer is under way to it.
        let capacity = self.capacity(link, peer);
        let space = capacity.saturating_sub(self.streams.outstanding(link, peer)).max(1);
        // AS-WR-09: a non-blocking send may take a part. A blocking one takes all, at once: the
        // model does not wait in the middle of a payload.
        let taken = if data.len > space
            && mode == Mode::NonBlocking
            && self.knob::<ShortSend>(cx) == ShortSend::Partial
        {
            space
        } else {
            data.len
        };
        if taken > 0 {
            self.streams.push(
                link,
                peer,
                Segment::Data(Piece { literal: data.id, offset: 0, len: taken }),
            );
        }
        if taken >= space {
            self.streams.toward_mut(link, peer).space = Space::Full;
        }
        counted(taken)
    }
}
