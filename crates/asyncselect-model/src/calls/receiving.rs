//! recv: what it gives, and when it arms FD_READ and FD_OOB.
//!
//! Reading list: AS-RD, AS-OOB, AS-EN-02, AS-EN-04, AS-EN-09, AS-EN-10; OQ-32, OQ-35;
//! W-063, W-069 to W-076.

use asyncselect_abi::call::MsgFlags;
use asyncselect_abi::{NetworkEvent, WsaError};

use super::{Mode, Outcome, Progress, counted, fails, fails_by, unsupported};
use crate::arm::works;
use crate::chooser::Chooser;
use crate::knob::{
    BadBufferRearms, CallWhileConnecting, EventBadBufferRearms, InlineUrgent, OobRearmedBy,
    OobReceiveRearmsRead, ReceiveAfterReset, ReceiveAtMark, RefusedOobRearms, ResetAfterEnd,
    UrgentPassed,
};
use crate::latch::{Latch, Trigger};
use crate::registration::Target;
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::{SocketIx, SocketState};
use crate::stream::{Arrived, AtUrgent, LinkIx, Reading, Side};
use crate::window::Queued;
use crate::world::{Context, PendingCall, World};

impl World {
    pub(super) fn recv<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        len: i32,
        flags: MsgFlags,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        // W-063: refused before anything is looked at; AS-EN-09 says that it re-enables.
        let Ok(len) = u32::try_from(len) else {
            if self.can_rearm(socket) && self.bad_buffer_rearms(socket, cx) {
                self.rearm_by_receive(socket, flags.oob, cx);
            }
            return fails_by(WsaError::WSAEFAULT, Rule::W063);
        };
        if flags.oob && self.socket(socket).oob_inline {
            if self.can_rearm(socket)
                && self.knob::<RefusedOobRearms>(cx) == RefusedOobRearms::Rearms
            {
                self.rearm_by_receive(socket, true, cx);
            }
            return fails_by(WsaError::WSAEINVAL, Rule::Oob07);
        }
        // AS-OOB-08 was looked at before; a stack that goes on does not look at the flag.
        if flags.oob && self.is_datagram(socket) {
            let mode = self.mode(socket);
            let progress = self.take_datagram(socket, len, flags.peek, mode, cx)?;
            match &progress {
                Progress::Done(_) => self.rearm_by_receive(socket, true, cx),
                Progress::Waits(_) => return unsupported("recv", "MSG_OOB that waits"),
            }
            return Ok(progress);
        }
        if flags.oob {
            let outcome = self.take_urgent(socket, len, flags.peek, cx)?;
            self.rearm_by_receive(socket, true, cx);
            return Ok(outcome);
        }
        self.receive(socket, len, flags.peek, self.mode(socket), cx)
    }

    /// Whether a receive call has anything to arm.
    pub(super) fn can_rearm(&self, socket: SocketIx) -> bool {
        let this = self.socket(socket);
        this.latch(NetworkEvent::Read) == Latch::Spent
            || this.latch(NetworkEvent::Oob) == Latch::Spent
    }

    /// OQ-35; W-063, W-070: stacks answer by how the socket's events are told.
    fn bad_buffer_rearms<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> bool {
        match self.socket(socket).registration.map(|live| live.target) {
            Some(Target::Window { .. }) => {
                self.knob::<BadBufferRearms>(cx) == BadBufferRearms::Rearms
            }
            Some(Target::Event(_)) | None => {
                self.knob::<EventBadBufferRearms>(cx) == EventBadBufferRearms::Rearms
            }
        }
    }

    /// Receives, and arms FD_READ when the call returns: at once, or after it had to wait.
    pub(super) fn receive<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        len: u32,
        peek: bool,
        mode: Mode,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let outcome = self.drain(socket, len, peek, mode, cx);
        if !works(Rule::En18) {
            // A stack that takes back what it told of data that is read.
            let told = (socket, NetworkEvent::Read);
            let is_it = |queued: &Queued| (queued.socket, queued.event) == told;
            self.windows.queue.retain(|queued| !(queued.is_of_stack() && is_it(queued)));
        }
        match &outcome {
            // AS-EN-02, AS-EN-09, AS-EN-10: any receive call, failing and peeking ones too.
            Ok(Progress::Done(Err(_))) if !works(Rule::En09) => {}
            Ok(Progress::Done(_)) if peek && !works(Rule::En10) => {}
            Ok(Progress::Done(_)) => self.rearm_by_receive(socket, false, cx),
            Ok(Progress::Waits(_)) | Err(_) => {}
        }
        outcome
    }

    /// Whether a call that begins now may wait. A registration that another thread makes while it
    /// waits changes nothing for it.
    pub(super) fn mode(&self, socket: SocketIx) -> Mode {
        if self.socket(socket).nonblocking { Mode::NonBlocking } else { Mode::Blocking }
    }

    /// AS-EN-02, AS-EN-04: a receive call arms FD_READ and FD_OOB, with exceptions.
    pub(super) fn rearm_by_receive<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        urgent: bool,
        cx: &mut Context<'_, C, S>,
    ) {
        let spent = |world: &Self, event| world.socket(socket).latch(event) == Latch::Spent;
        // OQ-32: one with MSG_OOB is a call of the same function.
        let reads = !urgent
            || spent(self, NetworkEvent::Read)
                && self.knob::<OobReceiveRearmsRead>(cx) == OobReceiveRearmsRead::Rearms;
        if reads && works(Rule::En02) {
            self.rearm(socket, NetworkEvent::Read, cx);
        }
        // one without MSG_OOB too?
        let oob = urgent
            || spent(self, NetworkEvent::Oob)
                && self.knob::<OobRearmedBy>(cx) == OobRearmedBy::AnyReceive;
        if oob && works(Rule::En04) {
            self.rearm(socket, NetworkEvent::Oob, cx);
        }
        self.evaluate(socket, Trigger::ReceiveCalled, cx);
    }

    /// Takes an urgent byte (AS-OOB-09).
    fn take_urgent<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        len: u32,
        peek: bool,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let this = *self.socket(socket);
        let SocketState::Connected(link, side) = this.state else {
            return unsupported("recv", "MSG_OOB on a socket that is not connected");
        };
        if this.receive_shut {
            return fails_by(WsaError::WSAESHUTDOWN, Rule::Cl21);
        }
        if len == 0 {
            return unsupported("recv", "MSG_OOB with a buffer of no bytes");
        }
        if self.is_aborted(socket) {
            return unsupported("recv", "MSG_OOB after a reset");
        }
        match self.streams.read_urgent(link, side, peek) {
            Some(piece) => {
                cx.sink.effect(Effect::Received(piece));
                counted(1)
            }
            // W-075.
            None if this.nonblocking => fails_by(WsaError::WSAEWOULDBLOCK, Rule::W075),
            None => unsupported("recv", "MSG_OOB without an urgent byte, blocking"),
        }
    }

    pub(super) fn fails_while_connecting<C: Chooser, S: Sink>(
        &mut self,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        // W-038, C15.
        let error = match self.knob::<CallWhileConnecting>(cx) {
            CallWhileConnecting::NotConn => WsaError::WSAENOTCONN,
            CallWhileConnecting::WouldBlock => WsaError::WSAEWOULDBLOCK,
        };
        fails_by(error, Rule::W038)
    }

    /// Takes what is there to receive.
    pub(super) fn drain<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        len: u32,
        peek: bool,
        mode: Mode,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if self.is_datagram(socket) {
            return self.take_datagram(socket, len, peek, mode, cx);
        }
        let this = *self.socket(socket);
        if let SocketState::Listening { .. } = this.state {
            return unsupported("recv", "on a listening socket");
        }
        if let SocketState::Connecting(_) = this.state {
            return self.fails_while_connecting(cx);
        }
        let SocketState::Connected(link, side) = this.state else {
            return fails(WsaError::WSAENOTCONN);
        };
        if this.receive_shut {
            return fails_by(WsaError::WSAESHUTDOWN, Rule::Cl21);
        }
        if self.streams.toward(link, side).urgent_count() > 0
            || self.streams.has_unread(link, side, true)
        {
            let at_urgent = self.at_urgent(link, side, this.oob_inline, cx);
            let unread = self.streams.has_unread(link, side, this.oob_inline);
            let take = |piece| cx.sink.effect(Effect::Received(piece));
            // AS-RD-10.
            let stays = peek && works(Rule::Rd10);
            let taken =
                self.streams.read(link, side, Reading { len, peek: stays, at_urgent }, take);
            if !peek {
                self.return_space(link, side);
            }
            if unread {
                return counted(taken);
            }
        }
        match self.streams.toward(link, side).arrived {
            // AS-CL-15.
            Arrived::End => counted(0),
            // W-08A: a call that waits is told of the reset; one that comes later perhaps not.
            Arrived::Reset if mode == Mode::Waited => fails_by(WsaError::WSAECONNRESET, Rule::W08A),
            Arrived::Reset => match self.knob::<ReceiveAfterReset>(cx) {
                ReceiveAfterReset::ConnReset => fails_by(WsaError::WSAECONNRESET, Rule::Cl15),
                ReceiveAfterReset::Zero => counted(0),
            },
            // AS-CL-08.
            Arrived::OwnReset | Arrived::TimedOut => {
                fails_by(WsaError::WSAECONNABORTED, Rule::Cl08)
            }
            // W-08C.
            Arrived::EndThenReset => match self.knob::<ResetAfterEnd>(cx) {
                ResetAfterEnd::ConnReset => fails_by(WsaError::WSAECONNRESET, Rule::Cl15),
                ResetAfterEnd::ConnAborted => fails(WsaError::WSAECONNABORTED),
                ResetAfterEnd::Zero => counted(0),
            },
            Arrived::Open if mode == Mode::NonBlocking => {
                fails_by(WsaError::WSAEWOULDBLOCK, Rule::Nb09)
            }
            Arrived::Open => {
                if self.more.overlapped.receives_on(socket) {
                    return unsupported("recv", "that waits under an overlapped one");
                }
                if self.pending.iter().any(|call| call.receives_on(socket)) {
                    return unsupported("recv", "under a recv of another thread that waits");
                }
                Ok(Progress::Waits(PendingCall::Receive { socket, len, peek }))
            }
        }
    }

    /// What reading makes of urgent bytes on its way.
    pub(crate) fn at_urgent<C: Chooser, S: Sink>(
        &mut self,
        link: LinkIx,
        side: Side,
        inline: bool,
        cx: &mut Context<'_, C, S>,
    ) -> AtUrgent {
        if self.streams.toward(link, side).urgent_count() == 0 {
            return AtUrgent::Passes { stops: false, loses: false };
        }
        // AS-OOB-10, X-11.
        if inline || !works(Rule::Oob09) {
            return AtUrgent::Inline(self.knob::<InlineUrgent>(cx));
        }
        let stops = self.knob::<ReceiveAtMark>(cx) == ReceiveAtMark::Stops && works(Rule::Oob10);
        // AS-OOB-09.
        let loses = self.streams.has_urgent(link, side)
            && self.knob::<UrgentPassed>(cx) == UrgentPassed::Lost;
        AtUrgent::Passes { stops, loses }
    }
}
