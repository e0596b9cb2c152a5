//! Calls that make and unmake: WSAStartup, socket, shutdown, closesocket, WSACleanup.
//!
//! Reading list: AS-CLS, AS-CL-20 to AS-CL-22, AS-CAN-05; OQ-15, OQ-28.

use asyncselect_abi::call::{Shutdown, SocketType, Version};
use asyncselect_abi::{HostId, Value, WsaError};

use super::{Outcome, Progress, fails, fails_by, succeeds, unsupported};
use crate::chooser::Chooser;
use crate::knob::{
    CleanupMessages, CloseDiscarding, HandleReuse, Knob, KnobId, LingeringClose, ShutdownBoth,
};
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::{Linger, Socket, SocketIx, SocketState};
use crate::stream::{Arrived, Segment, Side};
use crate::window::Standing;
use crate::world::{Context, ModelError, World};

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
        if self.is_waiting(host) {
            return unsupported("WSACleanup", "under a call of another thread");
        }
        self.faults.winsock_1.set(host, false);
        // AS-CLS-05, X-21: what is queued may be delivered or not.
        let queue = &self.windows.queue;
        if queue.iter().any(|queued| self.socket(queued.socket).host == host)
            && self.knob::<CleanupMessages>(cx) == CleanupMessages::Withdrawn
        {
            let (before, sockets) = (self.windows.queue.len(), &self.sockets);
            self.windows.queue.retain(|queued| sockets[queued.socket.at()].host != host);
            let count = u8::try_from(before - self.windows.queue.len()).unwrap_or(u8::MAX);
            cx.sink.effect(Effect::Withdrawn { count });
        }
        for index in 0..self.sockets.len() {
            let socket = SocketIx(u8::try_from(index).expect("sockets are numbered by a byte"));
            let this = self.socket(socket);
            if this.host == host && !this.is_closed() {
                self.socket_mut(socket).registration = None;
                self.close(socket, cx);
            }
        }
        succeeds()
    }

    pub(super) fn socket_call<C: Chooser, S: Sink>(
        &mut self,
        host: HostId,
        kind: SocketType,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        match kind {
            SocketType::Stream => {}
            SocketType::Datagram => return unsupported("socket", "SOCK_DGRAM"),
        }
        if let Some(error) = self.lacks_socket() {
            return fails(error);
        }
        match self.add_socket(Socket::new(host, SocketState::Unbound), cx) {
            Some(socket) => Ok(Progress::Done(Ok(Value::Socket(socket.handle())))),
            None => unsupported("socket", "more than 255 sockets"),
        }
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
        let number = u8::try_from(self.sockets.len()).ok()?;
        self.sockets.push(socket);
        Some(SocketIx(number))
    }

    /// The place of a closed socket of a machine that a new one gets (AS-CLS-02, X-20).
    fn reusable_place<C: Chooser, S: Sink>(
        &mut self,
        host: HostId,
        cx: &mut Context<'_, C, S>,
    ) -> Option<SocketIx> {
        if !self.sockets.iter().any(|socket| socket.host == host && socket.is_closed()) {
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
                | SocketState::Connected(..) => None,
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
        let SocketState::Connected(link, side) = self.socket(socket).state else {
            return fails(WsaError::WSAENOTCONN);
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
        let resets = receive
            && self.streams.has_unread(link, side, true)
            && !self.is_aborted(socket)
            && self.resets_for_unread(link, side, socket, cx);
        if sends_end && !resets && !self.is_aborted(socket) {
            self.streams.push(link, side.other(), Segment::Fin);
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
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if self.pending.iter().any(|pending| pending.waits_on(socket)) {
            return unsupported("closesocket", "under a call of another thread");
        }
        if self.lingers(socket, cx)? {
            return fails_by(WsaError::WSAEWOULDBLOCK, Rule::Cls04);
        }
        // AS-CAN-05, AS-CL-06: nothing is posted from here on.
        self.cancel(socket, cx);
        self.close(socket, cx);
        succeeds()
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

    /// Closes a socket whose registration has ended: the network learns, the handle is free.
    fn close<C: Chooser, S: Sink>(&mut self, socket: SocketIx, cx: &mut Context<'_, C, S>) {
        for queued in self.windows.queue.iter_mut().filter(|queued| queued.socket == socket) {
            queued.standing = Standing::Orphaned;
        }
        self.streams.release(socket);
        self.forget_notices(socket);
        self.forget_injected(socket);
        // Which was closed when is state only where it decides who comes next.
        let ranked = match self.decided(KnobId::HandleReuse).map(HandleReuse::from_index) {
            None | Some(HandleReuse::Lifo | HandleReuse::Fifo) => true,
            Some(HandleReuse::Never | HandleReuse::Lowest) => false,
        };
        let host = self.socket(socket).host;
        for other in self.sockets.iter_mut().filter(|other| ranked && other.host == host) {
            if let SocketState::Closed { rank } = &mut other.state {
                *rank = rank.saturating_add(1);
            }
        }
        let this = std::mem::replace(self.socket_mut(socket), Socket::closed(host));
        match this.state {
            SocketState::Closed { .. } => unreachable!("an open socket is closed"),
            SocketState::Unbound | SocketState::Bound => {}
            SocketState::Listening { .. } => self.close_listener(socket),
            SocketState::Connecting(link) => self.leave(link, Side::Connector, Segment::Rst),
            SocketState::Connected(link, side) => {
                let loses_data = self.streams.has_unread(link, side, true);
                // AS-CL-22: a hard close resets. Whether lost data does too is a knob.
                let both_ended =
                    this.send_shut && self.streams.toward(link, side).arrived == Arrived::End;
                let last = if both_ended && !loses_data {
                    None
                } else if this.linger == Linger::Abort
                    || loses_data && self.knob::<CloseDiscarding>(cx) == CloseDiscarding::Reset
                {
                    Some(Segment::Rst)
                } else if this.send_shut {
                    None
                } else {
                    Some(Segment::Fin)
                };
                match last {
                    Some(segment) => self.leave(link, side, segment),
                    None => self.abandon(link, side),
                }
            }
        }
    }
}
