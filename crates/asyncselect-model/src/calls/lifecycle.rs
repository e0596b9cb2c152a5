//! Calls that make and unmake: WSAStartup, socket, shutdown, closesocket, WSACleanup.
//!
//! Reading list: AS-CLS, AS-CL-20 to AS-CL-22, AS-CAN-05; OQ-15, OQ-28.

use asyncselect_abi::call::{Shutdown, SocketType, Version};
use asyncselect_abi::{HostId, NetworkEvent, SocketHandle, Value, WsaError};

use super::{Outcome, Progress, fails, fails_by, succeeds, unsupported};
use crate::arm::works;
use crate::buffers::Kib;
use crate::chooser::Chooser;
use crate::knob::{
    CleanupData, CleanupMessages, CloseDiscarding, ClosedDatagramHandle, ClosedHandle, HandleReuse,
    Knob, KnobId, LingeringClose, ShutdownBoth,
};
use crate::latch::Trigger;
use crate::more::Parts;
use crate::registration::Registration;
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::{Linger, Socket, SocketIx, SocketState};
use crate::stream::{Arrived, Segment, Side};
use crate::window::{Queued, Standing};
use crate::world::{Context, ModelError, PendingCall, THREADS_MAX, World};

impl World {
    /// WSAStartup; a version before 2.0 asks for a 1.1 environment (AS-HK-01).
    pub(super) fn wsa_startup(&mut self, host: HostId, version: Version) -> Outcome {
        if version.major == 0 {
            return fails(WsaError::WSAVERNOTSUPPORTED);
        }
        let startups = &mut self.startups[usize::from(host.0)];
        let Some(more) = startups.checked_add(1) else {
            return unsupported("WSAStartup", "more than 255 times");
        };
        *startups = more;
        self.faults.winsock_1.set(host, version.major < 2);
        succeeds()
    }

    /// The last WSACleanup closes every socket of its machine (AS-CLS-06).
    pub(super) fn wsa_cleanup<C: Chooser, S: Sink>(
        &mut self,
        host: HostId,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let startups = &mut self.startups[usize::from(host.0)];
        *startups = startups.saturating_sub(1);
        if *startups > 0 {
            return succeeds();
        }
        self.faults.winsock_1.set(host, false);
        if let Some(Parts { provider, .. }) = self.more.existing() {
            provider.startups[usize::from(host.0)] = 0;
            provider.ended.set(host, false);
        }
        self.end_process(host, cx);
        succeeds()
    }

    /// All that a process has of Winsock ends (AS-CLS-06, AS-SPI-15); nothing is posted.
    pub(super) fn end_process<C: Chooser, S: Sink>(
        &mut self,
        host: HostId,
        cx: &mut Context<'_, C, S>,
    ) {
        for slot in (0..THREADS_MAX).filter(|slot| self.hosts[*slot] == host) {
            if self.pending[slot].is_winsock() {
                self.pending[slot] = PendingCall::Cancelled;
                self.more.get_mut().select_left_ms[slot] = 0;
            }
        }
        // AS-CLS-05, X-21: what is queued may be delivered or not.
        let of_process = |sockets: &[Socket], queued: &Queued| {
            queued.is_of_stack() && sockets[queued.socket.at()].host == host
        };
        let mut posted = self.windows.queue.iter().chain(&self.more.provider.posting);
        if posted.any(|queued| of_process(&self.sockets, queued))
            && self.knob::<CleanupMessages>(cx) == CleanupMessages::Withdrawn
        {
            let Self { windows, more, sockets, .. } = self;
            let mut count = windows.queue.len();
            windows.queue.retain(|queued| !of_process(sockets, queued));
            count -= windows.queue.len();
            if let Some(Parts { provider, .. }) = more.existing() {
                count += provider.posting.len();
                provider.posting.retain(|queued| !of_process(sockets, queued));
                count -= provider.posting.len();
            }
            let count = u8::try_from(count).unwrap_or(u8::MAX);
            cx.sink.effect(Effect::Withdrawn { count });
        }
        // AS-CLS-06: what this process registered ends, also where the socket stays (AS-DUP-04);
        // nothing is posted.
        for index in 0..self.sockets.len() {
            let socket = SocketIx(u8::try_from(index).expect("sockets are numbered by a byte"));
            let registered = self.socket(socket).registration;
            if registered.is_some_and(|held| self.socket(held.descriptor).host == host) {
                if !works(Rule::Cls06) {
                    self.evaluate(socket, Trigger::HandleClosed, cx);
                }
                self.forget_registration(socket);
            }
        }
        for index in 0..self.sockets.len() {
            let descriptor = SocketIx(u8::try_from(index).expect("sockets are numbered by a byte"));
            if self.socket(descriptor).host != host || !self.is_open(descriptor) {
                continue;
            }
            let socket = self.behind(descriptor);
            if self.is_shared(descriptor) {
                self.leave_shared(descriptor, cx);
            } else {
                self.socket_mut(socket).registration = None;
                self.lose_data_at_cleanup(socket, cx);
                self.close(socket, cx);
            }
        }
    }

    /// whether what a socket has sent still arrives.
    fn lose_data_at_cleanup<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) {
        let this = *self.socket(socket);
        let SocketState::Connected(link, side) = this.state else { return };
        let peer = side.other();
        if !this.send_shut
            && self.streams.has_data_flying(link, peer)
            && self.knob::<CleanupData>(cx) == CleanupData::Lost
        {
            self.streams.discard_flying(link, peer);
            self.socket_mut(socket).linger = Linger::Abort;
        }
    }

    pub(super) fn socket_call<C: Chooser, S: Sink>(
        &mut self,
        host: HostId,
        kind: SocketType,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if self.more.provider.ended.has(host) {
            return unsupported("socket", "between the last WSPCleanup and the last WSACleanup");
        }
        if let Some(error) = self.lacks_socket() {
            return fails(error);
        }
        let state = match kind {
            SocketType::Stream => SocketState::Unbound,
            SocketType::Datagram => SocketState::Datagram,
        };
        let Some(socket) = self.add_socket(Socket::new(host, state), cx) else {
            return unsupported("socket", "more than 255 sockets");
        };
        if kind == SocketType::Datagram {
            self.more.get_mut().datagrams.add(socket);
        }
        Ok(Progress::Done(Ok(Value::Socket(socket.handle()))))
    }

    /// Gives a new socket its place, and with it its handle.
    pub(super) fn add_socket<C: Chooser, S: Sink>(
        &mut self,
        socket: Socket,
        cx: &mut Context<'_, C, S>,
    ) -> Option<SocketIx> {
        let reused = self.reusable_place(socket.host, cx);
        if let Some(place) = reused {
            let SocketState::Closed { rank: taken } = self.socket(place).state else {
                unreachable!("a place that is free")
            };
            *self.socket_mut(place) = socket;
            for other in self.sockets.iter_mut().filter(|other| other.host == socket.host) {
                if let SocketState::Closed { rank } = &mut other.state
                    && *rank > taken
                {
                    *rank -= 1;
                }
            }
            return Some(place);
        }
        // The last number is that of no socket, and the one before stays free, so that counting
        // through them, and on to one more, ends.
        let free = |number: &u8| *number < Queued::NO_SOCKET.0 - 1;
        let number = u8::try_from(self.sockets.len()).ok().filter(free)?;
        self.sockets.push(socket);
        Some(SocketIx(number))
    }

    /// The place of a closed socket of a machine that a new one gets (AS-CLS-02, X-20).
    fn reusable_place<C: Chooser, S: Sink>(
        &mut self,
        host: HostId,
        cx: &mut Context<'_, C, S>,
    ) -> Option<SocketIx> {
        let is_closed = |socket: &Socket| socket.host == host && socket.is_closed();
        let mut closed = (0..).map(SocketIx).zip(self.sockets.iter());
        if !closed.any(|(place, socket)| is_closed(socket) && self.is_free(place)) {
            return None;
        }
        let policy = self.knob::<HandleReuse>(cx);
        let closed =
            self.sockets.iter().enumerate().filter_map(|(at, socket)| match socket.state {
                SocketState::Closed { rank } => (socket.host == host).then_some((at, rank)),
                SocketState::Unbound
                | SocketState::Bound
                | SocketState::Listening { .. }
                | SocketState::Connecting(_)
                | SocketState::Connected(..)
                | SocketState::Datagram => None,
            });
        let closed = closed.filter(|(at, _)| {
            self.is_free(SocketIx(u8::try_from(*at).expect("sockets are numbered by a byte")))
        });
        let (at, _) = match policy {
            HandleReuse::Never => None,
            HandleReuse::Lowest => closed.min_by_key(|(at, _)| *at),
            HandleReuse::Lifo => closed.min_by_key(|(_, rank)| *rank),
            HandleReuse::Fifo => closed.max_by_key(|(_, rank)| *rank),
        }?;
        u8::try_from(at).ok().map(SocketIx)
    }

    pub(super) fn shutdown<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        how: Shutdown,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let connection = match self.socket(socket).state {
            SocketState::Connected(link, side) => Some((link, side)),
            // Both halves are this side's alone (AS-CL-21).
            SocketState::Datagram => None,
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Listening { .. }
            | SocketState::Connecting(_) => return fails(WsaError::WSAENOTCONN),
        };
        let (receive, send) = match how {
            Shutdown::Receive => (true, false),
            Shutdown::Send => (false, true),
            Shutdown::Both => (true, true),
        };
        if receive && self.pending.iter().any(|pending| pending.waits_on(socket)) {
            return unsupported("shutdown", "ending the receiving under a call that waits");
        }
        let this = self.socket_mut(socket);
        this.receive_shut |= receive;
        let sends_end = send && !this.send_shut;
        this.send_shut |= send;
        let registered = this.registration.is_some();
        if let Some((link, side)) = connection {
            let resets = receive
                && self.streams.has_unread(link, side, true)
                && !self.is_aborted(socket)
                && self.resets_for_unread(link, side, socket, cx);
            if sends_end && !resets && !self.is_aborted(socket) {
                self.streams.push(link, side.other(), Segment::Fin);
            }
        }
        // W-085, C7: does the registration outlive the end of both directions?
        if how == Shutdown::Both
            && registered
            && self.knob::<ShutdownBoth>(cx) == ShutdownBoth::ForgetsRegistration
        {
            self.cancel(socket, cx);
        }
        succeeds()
    }

    pub(super) fn closesocket<C: Chooser, S: Sink>(
        &mut self,
        descriptor: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let socket = self.behind(descriptor);
        if self.waits_here(socket, cx.caller) {
            return unsupported("closesocket", "under a call of another thread");
        }
        // AS-DUP-04: the socket stays while it has another descriptor.
        if self.is_shared(descriptor) && works(Rule::Dup04) {
            self.leave_shared(descriptor, cx);
            return succeeds();
        }
        // AS-SPI-13: the handle goes back, and the socket goes with it.
        if !works(Rule::Spi13) && self.more.provider.own_handles.has(cx.caller) {
            return succeeds();
        }
        if self.lingers(socket, cx)? {
            return fails_by(WsaError::WSAEWOULDBLOCK, Rule::Cls04);
        }
        // AS-CAN-05, AS-CL-06: nothing is posted from here on, nor of the closing.
        if !works(Rule::Can05) {
            self.evaluate(socket, Trigger::HandleClosed, cx);
        }
        self.cancel(socket, cx);
        self.end_session(socket, cx);
        self.close(socket, cx);
        succeeds()
    }

    /// Whether a thread of a process waits in a call on a socket.
    fn waits_here(&self, socket: SocketIx, host: HostId) -> bool {
        let mut threads = self.hosts.iter().zip(&self.pending);
        threads.any(|(on, pending)| *on == host && pending.waits_on(socket))
    }

    /// WSADuplicateSocket and WSASocket in one (AS-DUP-01).
    pub(super) fn duplicate_socket<C: Chooser, S: Sink>(
        &mut self,
        handle: SocketHandle,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let of = self.any_socket(handle).expect("refuse_early has looked");
        // The place of a further descriptor holds no socket.
        let Some(place) = self.add_socket(Socket::closed(cx.caller), cx) else {
            return unsupported("WSADuplicateSocket", "more than 255 sockets");
        };
        // AS-DUP-01: what is registered stays, for all of them.
        if !works(Rule::Dup01) {
            self.cancel(self.behind(of), cx);
        }
        self.share(place, of);
        Ok(Progress::Done(Ok(Value::Socket(place.handle()))))
    }

    /// CloseHandle on a socket: Winsock does not notice.
    pub(super) fn close_handle<C: Chooser, S: Sink>(
        &mut self,
        descriptor: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        const CALL: &str = "CloseHandle";
        if self.more.provider.own_handles.has(cx.caller) {
            return unsupported(CALL, "on a handle from WPUCreateSocketHandle");
        }
        let socket = self.behind(descriptor);
        if self.pending.iter().any(|pending| pending.waits_on(socket)) {
            return unsupported(CALL, "under a call of another thread");
        }
        let done = Ok(Progress::Done(Ok(Value::Int(1))));
        // AS-DUP-04, W-08F: only the last handle counts.
        if self.is_shared(descriptor) {
            self.leave_shared(descriptor, cx);
            return done;
        }
        if self.lingers(socket, cx)? {
            return unsupported(CALL, "that would linger");
        }
        let wants = |held: Registration| held.wants(NetworkEvent::Close);
        if !self.socket(socket).registration.is_some_and(wants) {
            self.cancel(socket, cx);
        } else {
            let posts = match self.socket(socket).state {
                // W-08E, C12.
                SocketState::Connected(..) => self.knob::<ClosedHandle>(cx) == ClosedHandle::Posts,
                // AS-UDP-04 against W-08F.
                SocketState::Datagram => {
                    self.knob::<ClosedDatagramHandle>(cx) == ClosedDatagramHandle::Posts
                }
                SocketState::Closed { .. }
                | SocketState::Unbound
                | SocketState::Bound
                | SocketState::Listening { .. }
                | SocketState::Connecting(_) => {
                    return unsupported(CALL, "on a registered socket that is not connected");
                }
            };
            if posts {
                self.evaluate(socket, Trigger::HandleClosed, cx);
                self.forget_registration(socket);
            } else {
                self.cancel(socket, cx);
            }
        }
        self.end_session(socket, cx);
        self.close(socket, cx);
        done
    }

    /// The registration of a socket is no more; what it posted stays queued.
    fn forget_registration(&mut self, socket: SocketIx) {
        self.make_stale(socket);
        let this = self.socket_mut(socket);
        this.registration = None;
        this.keep_spent(0);
        self.drop_descriptors(socket);
    }

    /// Whether closesocket has to wait for data under way, and so cannot close (AS-CLS-04).
    fn lingers<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Result<bool, ModelError> {
        let this = *self.socket(socket);
        let (Linger::Wait, SocketState::Connected(link, side)) = (this.linger, this.state) else {
            return Ok(false);
        };
        if !self.streams.has_data_flying(link, side.other()) {
            return Ok(false);
        }
        if !this.nonblocking {
            return Err(ModelError::new("closesocket", "that waits for data under way"));
        }
        Ok(self.knob::<LingeringClose>(cx) == LingeringClose::WouldBlock)
    }

    /// What tells the other end that this one is closed: a reset if data was lost, where the stack
    /// has it so (AS-CL-22).
    pub(super) fn last_segment<C: Chooser, S: Sink>(
        &mut self,
        loses_data: bool,
        cx: &mut Context<'_, C, S>,
    ) -> Segment {
        if loses_data && self.knob::<CloseDiscarding>(cx) == CloseDiscarding::Reset {
            Segment::Rst
        } else {
            Segment::Fin
        }
    }

    /// Closes a socket whose registration has ended: the network learns, the handle is free.
    fn close<C: Chooser, S: Sink>(&mut self, socket: SocketIx, cx: &mut Context<'_, C, S>) {
        for queued in self.posted_mut().filter(|queued| queued.socket == socket) {
            queued.standing = Standing::Orphaned;
        }
        if let Some(Parts { provider, .. }) = self.more.existing() {
            provider.spoilt.retain(|spoilt| *spoilt != socket);
        }
        self.streams.release(socket);
        self.operations_of_closed(socket);
        self.drop_record(socket);
        self.forget_notices(socket);
        self.forget_injected(socket);
        self.leave_session(socket);
        self.drop_all_descriptors(socket);
        let this = self.free_place(socket);
        match this.state {
            SocketState::Closed { .. } => unreachable!("an open socket is closed"),
            SocketState::Unbound | SocketState::Bound => {}
            SocketState::Listening { .. } => self.close_listener(socket),
            SocketState::Datagram => self.more.get_mut().datagrams.remove(socket),
            SocketState::Connecting(link) => self.leave(link, Side::Connector, Segment::Rst),
            SocketState::Connected(link, side) => {
                let loses_data = self.streams.has_unread(link, side, true);
                // AS-CL-22: a hard close resets. Whether lost data does too is a knob.
                let both_ended =
                    this.send_shut && self.streams.toward(link, side).arrived == Arrived::End;
                let last = if both_ended && !loses_data {
                    None
                } else if this.linger == Linger::Abort && works(Rule::Cl22) {
                    Some(Segment::Rst)
                } else {
                    let last = self.last_segment(loses_data, cx);
                    (last != Segment::Fin || !this.send_shut).then_some(last)
                };
                match last {
                    Some(segment) => self.leave(link, side, segment),
                    None => self.abandon(link, side),
                }
            }
        }
    }

    /// Frees the place of a descriptor; answers what stood there.
    pub(crate) fn free_place(&mut self, place: SocketIx) -> Socket {
        // Which was closed when is state only where it decides who comes next.
        let ranked = match self.decided(KnobId::HandleReuse).map(HandleReuse::from_index) {
            None | Some(HandleReuse::Lifo | HandleReuse::Fifo) => true,
            Some(HandleReuse::Never | HandleReuse::Lowest) => false,
        };
        let host = self.socket(place).host;
        for other in (0..self.sockets.len()).filter(|_| ranked) {
            let other = SocketIx(u8::try_from(other).expect("sockets are numbered by a byte"));
            if other == place || !self.is_free(other) || self.socket(other).host != host {
                continue;
            }
            if let SocketState::Closed { rank } = &mut self.socket_mut(other).state {
                *rank = rank.saturating_add(1);
            }
        }
        self.set_buffers(place, Kib::USUAL);
        std::mem::replace(self.socket_mut(place), Socket::closed(host))
    }
}
