//! What arriving segments do, and what closing an end leaves behind.

use asyncselect_abi::{Fault, HostId, NetworkEvent, SocketHandle, ThreadId, WsaError};

use crate::arm::works;
use crate::buffers::Kib;
use crate::chooser::Chooser;
use crate::host::HOSTS_MAX;
use crate::knob::{
    ConnectAgain, ConnectExTells, DataAfterReceiveShutdown, DataOnReset, SecondClose, UrgentBytes,
    WaitingCall, WithdrawnConnection,
};
use crate::latch::{Latch, Trigger};
use crate::rule::Rule;
use crate::shortage::Shortage;
use crate::sink::{Effect, Sink};
use crate::socket::{SocketIx, SocketState};
use crate::stream::{Arrived, End, Hold, HoldKind, LinkIx, Segment, Side, Space};
use crate::world::{Context, ModelError, PendingCall, THREADS_MAX, World};

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
            End::Nobody(_)
            | End::HalfOpen(_)
            | End::Waiting { .. }
            | End::Deferred { .. }
            | End::Gone(_) => None,
        };
        cx.sink.effect(Effect::Deliver { link: link.0, toward: side, socket, segment });
        if end.is_gone() {
            self.arrive_at_nobody(link, side, segment);
            return Ok(());
        }
        match segment {
            Segment::Syn { port } => self.syn_arrives(link, port)?,
            Segment::SynAck => {
                let End::Socket(socket) = end else {
                    unreachable!("only connect's own end is answered")
                };
                let root = self.root_of(socket);
                let told = root.unwrap_or(socket);
                if let Some(error) = self.take_injected(told, NetworkEvent::Connect) {
                    self.streams.push(link, Side::Acceptor, Segment::Rst);
                    self.connect_failed(link, socket, error, cx);
                    return Ok(());
                }
                let this = self.socket_mut(socket);
                this.state = SocketState::Connected(link, Side::Connector);
                this.error = WsaError(0);
                // Perhaps spent on an attempt that failed (OQ-25).
                this.arm(NetworkEvent::Close);
                if let Some(root) = root {
                    self.streams.push(link, Side::Acceptor, Segment::Ack);
                    self.join_ends(root, WsaError(0), cx);
                    // AS-WR-02: the new socket can be used.
                    self.evaluate(socket, Trigger::Joined(WsaError(0)), cx);
                    return Ok(());
                }
                self.connect_ends(socket, |again| again != ConnectAgain::Silent, cx);
                self.streams.push(link, Side::Acceptor, Segment::Ack);
                // AS-CO-05, AS-WR-02: the connection is established. OQ-22: by ConnectEx?
                let extended = self.connect_operation_ends(socket, Ok(0));
                let trigger = if extended { Trigger::Extended } else { Trigger::Connected };
                self.evaluate(socket, trigger, cx);
            }
            Segment::Ack => {
                let End::HalfOpen(listener) = end else {
                    unreachable!("the Ack finds the end that answered")
                };
                let rank = self.streams.waiting(listener);
                self.streams.set_end(link, side, End::Waiting { listener, rank });
                // One that will fail takes nothing.
                if self.more.shortage == Shortage::NONE
                    && let Some(thread) = self.absorbing(|call| call.accepts_on(listener), cx)
                {
                    return self.resume(thread, cx);
                }
                self.arrives(listener, Trigger::ConnectionArrived, Some(NetworkEvent::Accept), cx)?;
            }
            Segment::Data(_) | Segment::Urgent(_) => {
                let urgent = matches!(segment, Segment::Urgent(_));
                if urgent {
                    self.urgent_arrives(link, side, cx);
                }
                if let End::Socket(socket) = end {
                    if self.is_orphan(socket) {
                        let what = "to the root's end of a session whose root was closed";
                        return Err(ModelError::new("send", what));
                    }
                    self.data_arrives((link, side), socket, urgent, cx)?;
                }
            }
            Segment::Fin => {
                let arrived = &mut self.streams.toward_mut(link, side).arrived;
                // What this side has aborted meanwhile stays aborted.
                if *arrived != Arrived::Open {
                    return Ok(());
                }
                *arrived = Arrived::End;
                if let End::Socket(socket) = end {
                    self.receives_end(socket);
                    self.evaluate(socket, Trigger::EndArrived, cx);
                }
            }
            Segment::Rst => self.reset_arrives(link, side, end, cx),
            Segment::Window => {
                // AS-WR-03: sends are likely to succeed again.
                self.streams.toward_mut(link, side.other()).space = Space::Free;
                if let End::Socket(socket) = end {
                    self.arrives(socket, Trigger::SpaceArrived, None, cx)?;
                }
            }
        }
        Ok(())
    }

    /// A thread whose call takes what arrives before anybody is told (OQ-21, W-067).
    pub(crate) fn absorbing<C: Chooser, S: Sink>(
        &mut self,
        is_it: impl Fn(PendingCall) -> bool,
        cx: &mut Context<'_, C, S>,
    ) -> Option<ThreadId> {
        let slot = self.pending.iter().position(|call| is_it(*call))?;
        let thread = ThreadId(u8::try_from(slot).expect("threads are few"));
        (self.knob::<WaitingCall>(cx) == WaitingCall::Absorbs).then_some(thread)
    }

    fn urgent_arrives<C: Chooser, S: Sink>(
        &mut self,
        link: LinkIx,
        side: Side,
        cx: &mut Context<'_, C, S>,
    ) {
        let inline = match self.streams.end(link, side) {
            // A connection that waits will have its listener's option.
            End::Socket(socket)
            | End::HalfOpen(socket)
            | End::Waiting { listener: socket, .. }
            | End::Deferred { listener: socket } => self.socket(socket).oob_inline,
            End::Nobody(_) | End::Gone(_) => false,
        };
        // AS-OOB-12: inline nothing is lost.
        let loses = self.streams.toward(link, side).urgent_count() > 1
            && if inline {
                !works(Rule::Oob12)
            } else {
                self.knob::<UrgentBytes>(cx) == UrgentBytes::LastOnly
            };
        if loses {
            self.streams.keep_last_urgent(link, side);
        }
    }

    fn data_arrives<C: Chooser, S: Sink>(
        &mut self,
        (link, side): (LinkIx, Side),
        socket: SocketIx,
        urgent: bool,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let this = *self.socket(socket);
        if this.receive_shut && self.resets_for_unread(link, side, socket, cx) {
            return Ok(());
        }
        let ordinary = this.oob_inline || self.streams.has_unread(link, side, false);
        let told = this.registration.is_some_and(|live| live.wants(NetworkEvent::Oob));
        if !ordinary && told && self.pending.iter().any(|call| call.receives_on(socket)) {
            // On Wine 8.0 the call that waits swallows FD_OOB; nobody tells of others.
            return Err(ModelError::new("recv", "that waits when an urgent byte arrives"));
        }
        // One that peeks takes nothing, and tells of the data as every receive that leaves some.
        if ordinary && let Some(thread) = self.absorbing(|call| call.receives_on(socket), cx) {
            return self.resume(thread, cx);
        }
        let event = if urgent && !this.oob_inline { NetworkEvent::Oob } else { NetworkEvent::Read };
        self.arrives(socket, Trigger::DataArrived, Some(event), cx)
    }

    /// OQ-11: whether the outcome of a second connect is told is up to the stack.
    pub(crate) fn connect_ends<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        tells: impl Fn(ConnectAgain) -> bool,
        cx: &mut Context<'_, C, S>,
    ) {
        if self.socket(socket).latch(NetworkEvent::Connect) == Latch::Spent
            && tells(self.knob::<ConnectAgain>(cx))
        {
            self.socket_mut(socket).arm(NetworkEvent::Connect);
            // FD_CLOSE may have been spent on the attempt before (OQ-25).
            self.socket_mut(socket).arm(NetworkEvent::Close);
        }
    }

    /// A connect has failed, and the socket is as it was before (AS-CO-13).
    fn connect_failed<C: Chooser, S: Sink>(
        &mut self,
        link: LinkIx,
        socket: SocketIx,
        error: WsaError,
        cx: &mut Context<'_, C, S>,
    ) {
        if let Some(root) = self.root_of(socket) {
            self.socket_mut(socket).state = SocketState::Bound;
            self.end_leaves(link, Side::Connector);
            self.sweep(link);
            return self.join_ends(root, error, cx);
        }
        let this = self.socket_mut(socket);
        this.state = SocketState::Bound;
        this.failed = true;
        this.error = error;
        self.connect_ends(socket, |again| again == ConnectAgain::Posts, cx);
        self.end_leaves(link, Side::Connector);
        self.sweep(link);
        // OQ-22: what is told of a connect is told of ConnectEx, or nothing is.
        if self.connect_operation_ends(socket, Err(error))
            && self.knob::<ConnectExTells>(cx) != ConnectExTells::Both
        {
            return;
        }
        self.evaluate(socket, Trigger::ConnectFailed, cx);
    }

    fn syn_arrives(&mut self, link: LinkIx, port: u16) -> Result<(), ModelError> {
        match self.listener_on(self.host_of_end(link, Side::Acceptor), port) {
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
            Arrived::OwnReset | Arrived::TimedOut => before,
        };
        // Nothing that this end sent reaches anybody any more.
        self.streams.discard_flying(link, side.other());
        match end {
            End::Socket(socket) => match self.socket(socket).state {
                SocketState::Connecting(_) => {
                    let refused = WsaError::WSAECONNREFUSED;
                    let told = self.root_of(socket).unwrap_or(socket);
                    let injected = self.take_injected(told, NetworkEvent::Connect);
                    let error = injected.unwrap_or(refused);
                    self.connect_failed(link, socket, error, cx);
                }
                SocketState::Connected(..) => {
                    self.drop_data_on_reset(link, side, cx);
                    // W-08A.
                    self.operations_fail(socket, WsaError::WSAECONNRESET);
                    // AS-CL-14: the peer's end was told, is its reset told too?
                    if before == Arrived::End
                        && self.socket(socket).latch(NetworkEvent::Close) == Latch::Spent
                        && self.knob::<SecondClose>(cx) == SecondClose::OnReset
                    {
                        self.socket_mut(socket).arm(NetworkEvent::Close);
                    }
                    // AS-CL-05. Of a connection that is over a further one tells nothing.
                    if !before.is_aborted() {
                        self.evaluate(socket, Trigger::ResetArrived, cx);
                    }
                }
                SocketState::Closed { .. }
                | SocketState::Unbound
                | SocketState::Bound
                | SocketState::Listening { .. }
                | SocketState::Datagram => {
                    unreachable!("an end belongs to a socket that connects or is connected")
                }
            },
            // AS-AC-06, FB-49: does accept see a connection that its peer withdrew?
            End::Waiting { .. } | End::Deferred { .. }
                if self.knob::<WithdrawnConnection>(cx) != WithdrawnConnection::Disappears =>
            {
                self.drop_data_on_reset(link, side, cx);
            }
            End::Nobody(_) | End::HalfOpen(_) | End::Waiting { .. } | End::Deferred { .. } => {
                self.end_leaves(link, Side::Acceptor);
                self.sweep(link);
            }
            End::Gone(_) => unreachable!("deliver has looked"),
        }
    }

    /// Drops received data where a reset takes it with it (OQ-24).
    fn drop_data_on_reset<C: Chooser, S: Sink>(
        &mut self,
        link: LinkIx,
        side: Side,
        cx: &mut Context<'_, C, S>,
    ) {
        if self.streams.has_unread(link, side, true)
            && self.knob::<DataOnReset>(cx) == DataOnReset::Discarded
        {
            self.streams.discard_received(link, side);
        }
    }

    /// Tells a sender that ran out of space that half of the buffer is free again.
    #[inline]
    pub(crate) fn return_space(&mut self, link: LinkIx, reader: Side) {
        let gone = self.streams.end(link, reader).is_gone();
        if self.streams.toward(link, reader).space == Space::Full
            && (gone || self.streams.outstanding(link, reader) <= self.capacity(link, reader) / 2)
            && !self.streams.end(link, reader.other()).is_gone()
            && !self.is_cut(link)
        {
            self.streams.toward_mut(link, reader).space = Space::Returning;
            self.streams.push(link, reader.other(), Segment::Window);
        }
    }

    /// The bytes that the direction toward an end holds.
    #[inline]
    pub(crate) fn capacity(&self, link: LinkIx, reader: Side) -> u32 {
        let kib = |side: Side| match self.streams.end(link, side) {
            End::Socket(socket) => self.buffers(socket),
            End::Nobody(_)
            | End::HalfOpen(_)
            | End::Waiting { .. }
            | End::Deferred { .. }
            | End::Gone(_) => Kib::USUAL,
        };
        1024 * (u32::from(kib(reader).receive) + u32::from(kib(reader.other()).send))
    }

    /// A segment arrives where the socket was closed: data cannot be delivered, and its sender
    /// learns that.
    fn arrive_at_nobody(&mut self, link: LinkIx, side: Side, segment: Segment) {
        match segment {
            Segment::Data(_) | Segment::Urgent(_) | Segment::SynAck => {
                self.streams.discard_received(link, side);
                self.streams.discard_flying(link, side);
                if !self.streams.end(link, side.other()).is_gone() {
                    self.streams.push(link, side.other(), Segment::Rst);
                }
            }
            Segment::Syn { .. } | Segment::Ack | Segment::Fin | Segment::Rst | Segment::Window => {}
        }
        self.sweep(link);
    }

    /// The socket at `side` is gone; the other end hears of it by `last`.
    pub(crate) fn leave(&mut self, link: LinkIx, side: Side, last: Segment) {
        if !self.streams.toward(link, side).arrived.is_aborted()
            && !self.streams.end(link, side.other()).is_gone()
            && !self.is_cut(link)
        {
            self.streams.push(link, side.other(), last);
        }
        self.abandon(link, side);
    }

    /// The socket at `side` is gone, and there is nothing left to say.
    pub(crate) fn abandon(&mut self, link: LinkIx, side: Side) {
        self.end_leaves(link, side);
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
                End::HalfOpen(owner)
                | End::Waiting { listener: owner, .. }
                | End::Deferred { listener: owner }
                    if owner == listener =>
                {
                    self.leave(link, Side::Acceptor, Segment::Rst);
                }
                End::Nobody(_)
                | End::HalfOpen(_)
                | End::Waiting { .. }
                | End::Deferred { .. }
                | End::Socket(_)
                | End::Gone(_) => {}
            }
            if self.streams.links.len() == before {
                link.0 += 1;
            }
        }
    }

    /// An end is held by nobody any more, and what has arrived there is no state any more.
    fn end_leaves(&mut self, link: LinkIx, side: Side) {
        self.streams.discard_received(link, side);
        self.streams.toward_mut(link, side).arrived = Arrived::Open;
        let gone = End::Gone(self.host_of_end(link, side));
        match side {
            Side::Connector => self.streams.set_end(link, side, gone),
            Side::Acceptor => self.streams.leave_queue(link, gone),
        }
    }

    /// Forgets a connection that no socket holds and on which nothing moves.
    fn sweep(&mut self, link: LinkIx) {
        let held = Side::ALL.into_iter().any(|side| {
            let moves = self.streams.is_flying(link, side) && !self.is_cut(link);
            moves || !self.streams.end(link, side).is_gone()
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
                SocketState::Closed { .. }
                | SocketState::Unbound
                | SocketState::Bound
                | SocketState::Listening { .. }
                | SocketState::Datagram => {}
            }
        }
    }

    /// Resets the connection from this side because data met a receive side that was shut down
    /// (AS-CL-21), where the stack does; answers whether it did.
    pub(crate) fn resets_for_unread<C: Chooser, S: Sink>(
        &mut self,
        link: LinkIx,
        side: Side,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> bool {
        match self.knob::<DataAfterReceiveShutdown>(cx) {
            DataAfterReceiveShutdown::Kept => return false,
            DataAfterReceiveShutdown::Resets => {}
        }
        self.streams.discard_received(link, side);
        self.streams.discard_flying(link, side);
        self.streams.discard_flying(link, side.other());
        if !self.streams.end(link, side.other()).is_gone() {
            self.streams.push(link, side.other(), Segment::Rst);
        }
        self.streams.toward_mut(link, side).arrived = Arrived::OwnReset;
        self.operations_fail(socket, WsaError::WSAECONNABORTED);
        self.evaluate(socket, Trigger::OwnReset, cx);
        true
    }

    /// The socket at which something arrives that makes no difference to anything else that may
    /// happen by itself, nor that to it, and of which nobody is told: it does not matter when it
    /// comes, as long as no call is made on the socket. `None` if it might.
    #[must_use]
    pub fn is_private(&self, connection: u8, toward: Side) -> Option<SocketHandle> {
        let link = LinkIx(connection);
        let End::Socket(at) = self.streams.end(link, toward) else { return None };
        let socket = self.socket(at);
        let quiet = match self.streams.next(link, toward)? {
            Segment::Data(_) | Segment::Fin | Segment::Window => true,
            Segment::Syn { .. }
            | Segment::SynAck
            | Segment::Ack
            | Segment::Urgent(_)
            | Segment::Rst => false,
        };
        let is_private = quiet
            && matches!(socket.state, SocketState::Connected(..))
            && socket.registration.is_none()
            // Calls on others of its descriptors are calls on it.
            && !self.has_descriptors(at)
            // Closing its root is a call on it.
            && !self.is_leaf(at)
            && !socket.receive_shut
            && !self.pending.iter().any(|call| call.waits_on(at))
            && !self.more.overlapped.runs_on(at)
            // What goes the other way may reset the connection.
            && !self.streams.is_flying(link, toward.other())
            && self.streams.holds.is_empty();
        is_private.then(|| at.handle())
    }

    /// How long it is until something happens by itself, in milliseconds.
    #[must_use]
    pub fn next_timer_ms(&self) -> Option<u32> {
        let held = self.streams.holds.iter().filter_map(|hold| match hold.kind {
            HoldKind::LossUnnoticed => None,
            HoldKind::Delay | HoldKind::Loss => Some(hold.left_ms),
        });
        let selects = self.more.select_left_ms.iter().copied().filter(|left_ms| *left_ms > 0);
        held.chain(selects).min().map(u32::from)
    }

    /// Time passes: delays end, and what was lost times out. What ends within one tick ends
    /// together; [`World::next_timer_ms`] tells how far to go.
    pub(crate) fn tick<C: Chooser, S: Sink>(&mut self, ms: u32, cx: &mut Context<'_, C, S>) {
        let ms = u16::try_from(ms).unwrap_or(u16::MAX);
        if self.more.select_left_ms != [0; THREADS_MAX] {
            for left_ms in &mut self.more.get_mut().select_left_ms {
                *left_ms = left_ms.saturating_sub(ms);
            }
        }
        let mut index = 0;
        while index < self.streams.holds.len() {
            let hold = &mut self.streams.holds[index];
            let expired = match hold.kind {
                HoldKind::LossUnnoticed => false,
                HoldKind::Delay | HoldKind::Loss => {
                    hold.left_ms = hold.left_ms.saturating_sub(ms);
                    hold.left_ms == 0
                }
            };
            if !expired {
                index += 1;
                continue;
            }
            let Hold { socket, kind, .. } = self.streams.holds.remove(index);
            match (kind, self.socket(socket).link()) {
                (HoldKind::Loss, Some((link, _))) => self.time_out(link, cx),
                (HoldKind::Loss, None) | (HoldKind::Delay | HoldKind::LossUnnoticed, _) => {}
            }
        }
    }

    /// A connection ends because nothing arrives, for both sides.
    fn time_out<C: Chooser, S: Sink>(&mut self, link: LinkIx, cx: &mut Context<'_, C, S>) {
        for side in Side::ALL {
            self.streams.discard_flying(link, side);
        }
        // The acceptor's end first: a connector that gives up makes the connection disappear.
        for side in [Side::Acceptor, Side::Connector] {
            match self.streams.end(link, side) {
                End::Socket(socket) => match self.socket(socket).state {
                    SocketState::Connecting(_) => {
                        return self.connect_failed(link, socket, WsaError::WSAETIMEDOUT, cx);
                    }
                    SocketState::Connected(..) => {
                        let down = self.is_network_down(self.socket(socket).host);
                        let silent = down && self.is_cut(link);
                        if !silent && !self.streams.toward(link, side).arrived.is_aborted() {
                            self.streams.toward_mut(link, side).arrived = Arrived::TimedOut;
                            self.drop_data_on_reset(link, side, cx);
                            // AS-CL-08.
                            self.operations_fail(socket, WsaError::WSAECONNABORTED);
                            self.evaluate(socket, Trigger::TimedOut, cx);
                        }
                    }
                    SocketState::Closed { .. }
                    | SocketState::Unbound
                    | SocketState::Bound
                    | SocketState::Listening { .. }
                    | SocketState::Datagram => {
                        unreachable!("an end belongs to a socket that connects or is connected")
                    }
                },
                End::Nobody(_) | End::HalfOpen(_) | End::Waiting { .. } | End::Deferred { .. } => {
                    self.end_leaves(link, Side::Acceptor);
                }
                End::Gone(_) => {}
            }
        }
        self.sweep(link);
    }

    /// Disturbs the network or the machine, as a script wants it.
    pub(crate) fn fault<C: Chooser, S: Sink>(
        &mut self,
        fault: Fault<SocketHandle>,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let machine = |host: Option<HostId>, what| {
            let host = host.unwrap_or_default();
            let known = usize::from(host.0) < HOSTS_MAX;
            if known { Ok(host) } else { Err(ModelError::new(what, "of a machine one too many")) }
        };
        match fault {
            Fault::Lose { toward } => {
                let socket = self.disturbed(toward)?;
                self.lose(socket)?;
                if self.is_datagram(socket)
                    && let Some(place) = self.place_of(socket)
                {
                    self.more.get_mut().datagrams.lose_toward(place);
                }
            }
            Fault::Delay { toward, ms } => {
                let socket = self.disturbed(toward)?;
                self.undisturbed(socket)?;
                if ms > 0 {
                    self.streams.hold(Hold { socket, kind: HoldKind::Delay, left_ms: ms });
                }
            }
            Fault::NetworkDown { host } => {
                self.fail_network(machine(host, "network_down")?)?;
            }
            Fault::PostFails { times } => self.faults.posts = times,
            Fault::EventError { s, event, error } => {
                let socket = self.disturbed(s)?;
                self.more.get_mut().injected.set(socket, event, error);
            }
            Fault::QosChanges { s, token_rate } => {
                let socket = self.disturbed(s)?;
                self.change_qos(socket, token_rate, cx);
            }
            Fault::GroupQosChanges { s } => {
                let socket = self.disturbed(s)?;
                self.change_group_qos(socket, cx);
            }
            Fault::AddressesChange { host } => {
                self.change_addresses(machine(host, "addresses_change")?, cx);
            }
            Fault::RouteChanges { host, to, unreachable } => {
                let to = to.map(|to| machine(Some(to), "route_changes")).transpose()?;
                self.change_route(machine(host, "route_changes")?, to, unreachable, cx)?;
            }
            Fault::NoSockets { times } => self.more.get_mut().shortage.sockets = times,
            Fault::NoBuffers { times } => self.more.get_mut().shortage.buffers = times,
        }
        Ok(())
    }

    /// Refuses what would have to be added to another disturbance, or means nothing.
    pub(crate) fn undisturbed(&self, socket: SocketIx) -> Result<(), ModelError> {
        if matches!(self.socket(socket).state, SocketState::Listening { .. }) {
            return Err(ModelError::new("fault", "on the way to a listening socket"));
        }
        if self.streams.is_disturbed(socket) {
            return Err(ModelError::new("fault", "on a way that is disturbed already"));
        }
        Ok(())
    }

    fn disturbed(&self, handle: SocketHandle) -> Result<SocketIx, ModelError> {
        let unknown = ModelError::new("fault", "of a socket that does not exist");
        self.any_socket(handle).ok_or(unknown)
    }
}
