//! The calls: what each answers, and what it does to latches and to the network.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use asyncselect_abi::call::{
    BackendCall, IoctlCommand, MsgFlags, OptionName, Shutdown, SocketOption, SocketType, Version,
};
use asyncselect_abi::{
    Call, Literal, LiteralId, NetworkEvent, SocketHandle, ThreadId, Value, WsaError,
};

use crate::chooser::Chooser;
use crate::knob::{
    AlreadyConnecting, AtMark, BadBufferRearms, BeforeStartup, CallWhileConnecting,
    CleanupMessages, CloseDiscarding, ConnectAfterRefusal, ConnectAgain, ConnectFailsAtOnce,
    FailedAcceptRearms, Fionread, HandleReuse, InlineChange, InlineUrgent, LingeringClose,
    ListenAfterRefusal, OobRearmedBy, OobReceiveRearmsRead, ReceiveAfterReset, ReceiveAtMark,
    ResetAfterEnd, SendUnconnected, ShortSend, ShutdownBoth, SoErrorAfterConnect, UrgentPassed,
    WithdrawnConnection, WriteRearmedBy,
};
use crate::latch::{Latch, Trigger};
use crate::registration::Request;
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::{Linger, Socket, SocketIx, SocketState};
use crate::stream::{Arrived, AtUrgent, End, LinkIx, Piece, Reading, Segment, Side, Space};
use crate::window::Standing;
use crate::world::{Context, ModelError, PendingCall, Refusal, World};

/// The first port that the machine gives out by itself.
const FIRST_EPHEMERAL_PORT: u16 = 49152;

/// Whether a call may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It may.
    Blocking,
    /// It has waited, and may go on.
    Waited,
    /// It fails with WSAEWOULDBLOCK instead (AS-NB-09).
    NonBlocking,
}

/// How a call ended, if it did.
pub(crate) enum Progress {
    /// It returns this.
    Done(Result<Value, Refusal>),
    /// It waits for this.
    Waits(PendingCall),
}

pub(crate) type Outcome = Result<Progress, ModelError>;

/// An error without a clause of its own.
pub(crate) fn fails(error: WsaError) -> Outcome {
    Ok(Progress::Done(Err(Refusal::plain(error))))
}

pub(crate) fn fails_by(error: WsaError, rule: Rule) -> Outcome {
    Ok(Progress::Done(Err(Refusal::by(error, rule))))
}

pub(crate) fn succeeds() -> Outcome {
    Ok(Progress::Done(Ok(Value::Int(0))))
}

pub(crate) fn unsupported(call: &'static str, what: &'static str) -> Outcome {
    Err(ModelError::new(call, what))
}

pub(crate) fn counted(bytes: u32) -> Outcome {
    Ok(Progress::Done(Ok(Value::Int(i64::from(bytes)))))
}

impl World {
    /// Makes a call: it returns at once, or its thread waits.
    pub(crate) fn call<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        call: &BackendCall,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let slot = usize::from(thread.0);
        match self.pending.get(slot) {
            Some(PendingCall::None) => {}
            // AS-HK-01, AS-REG-10, X-02: a call from the blocking hook.
            Some(_) if self.faults.winsock_1 => {
                let nested = Err(Refusal::by(WsaError::WSAEINPROGRESS, Rule::Hk01));
                match call {
                    Call::WspAsyncSelect { .. } | Call::WspIoctl { .. } => {
                        self.returned_by_provider(thread, nested, cx);
                    }
                    _ => Self::returned(cx, thread, nested),
                }
                return Ok(());
            }
            Some(_) | None => {
                return Err(ModelError::new(call.name(), "a thread that is busy or one too many"));
            }
        }
        // a provider cannot know of WSAStartup, so nothing is checked before.
        if let Some(result) = self.provider_call(call, cx)? {
            self.returned_by_provider(thread, result, cx);
            return Ok(());
        }
        let progress = match self.refuse_early(call, cx) {
            Some(refusal) => Progress::Done(Err(refusal)),
            None => self.dispatch(thread, call, cx)?,
        };
        self.finish(thread, progress, cx);
        Ok(())
    }

    /// The call returns, or its thread waits from here on.
    fn finish<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        progress: Progress,
        cx: &mut Context<'_, C, S>,
    ) {
        match progress {
            Progress::Done(result) => Self::returned(cx, thread, result),
            Progress::Waits(pending) => self.pending[usize::from(thread.0)] = pending,
        }
    }

    /// Checks that Ws2_32 makes before any call: AS-REG-07, AS-REG-11.
    fn refuse_early<C: Chooser, S: Sink>(
        &mut self,
        call: &BackendCall,
        cx: &mut Context<'_, C, S>,
    ) -> Option<Refusal> {
        // These work before WSAStartup.
        if let Call::WsaStartup { .. }
        | Call::WspStartup { .. }
        | Call::CreateWindow {}
        | Call::GetMessage { .. }
        | Call::DestroyWindow { .. } = call
        {
            return None;
        }
        let socket = call.socket().copied();
        let not_initialised = Refusal::by(WsaError::WSANOTINITIALISED, Rule::Reg07);
        let not_a_socket = Refusal::by(WsaError::WSAENOTSOCK, Rule::Reg11);
        match (self.startups, socket) {
            (0, None) => Some(not_initialised),
            (0, Some(_)) => Some(match self.knob::<BeforeStartup>(cx) {
                BeforeStartup::NotInitialised => not_initialised,
                BeforeStartup::NotSock => not_a_socket,
            }),
            // AsyncSelect has other parameters to look at, perhaps before its socket (OQ-01).
            (_, Some(_)) if matches!(call, Call::WsaAsyncSelect { .. }) => None,
            (_, Some(handle)) if self.open_socket(handle).is_none() => Some(not_a_socket),
            (_, _) => None,
        }
    }

    fn dispatch<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        call: &BackendCall,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let known = |handle| SocketIx::from_handle(handle).expect("refuse_early has looked");
        if self.faults.network_down && !survives_network(call) {
            return unsupported(call.name(), "while the network is down");
        }
        match call {
            Call::WsaStartup { version } => self.wsa_startup(*version),
            Call::Socket { kind } => self.socket_call(*kind, cx),
            Call::WsaCleanup {} => self.wsa_cleanup(cx),
            Call::Bind { s, name } => self.bind(known(*s), *name),
            Call::Listen { s, backlog } => self.listen(known(*s), *backlog, cx),
            Call::Connect { s, name } => self.connect(known(*s), *name, cx),
            Call::Accept { s } => self.accept(known(*s), cx),
            // On a connected stream socket the address is not looked at.
            Call::Send { s, data, flags } | Call::SendTo { s, data, flags, .. } => {
                self.send(known(*s), *data, *flags, cx)
            }
            Call::Recv { s, len, flags } | Call::RecvFrom { s, len, flags } => {
                self.recv(known(*s), *len, *flags, cx)
            }
            Call::Shutdown { s, how } => self.shutdown(known(*s), *how, cx),
            Call::CloseSocket { s } => self.closesocket(known(*s), cx),
            Call::IoctlSocket { s, cmd, argp } => {
                Ok(Progress::Done(self.ioctlsocket(known(*s), *cmd, *argp, cx)))
            }
            Call::SetSockOpt { s, optval } => self.setsockopt(known(*s), *optval, cx),
            Call::GetSockOpt { s, optname } => Ok(self.getsockopt(known(*s), *optname)),
            Call::GetSockName { s } => self.getsockname(known(*s)),
            Call::GetPeerName { s } => self.getpeername(known(*s)),
            Call::Select { readfds, writefds, exceptfds, timeout_ms } => {
                self.select(thread, [readfds, writefds, exceptfds], *timeout_ms)
            }
            Call::WsaAsyncSelect { s, hwnd, wmsg, levent } => {
                let request = Request { socket: *s, hwnd: *hwnd, wmsg: *wmsg, levent: *levent };
                self.async_select(request, cx).map(Progress::Done)
            }
            Call::CreateWindow {} => self.create_window(thread),
            Call::GetMessage { hwnd, min, max } => {
                self.get_message(thread, *hwnd, (*min, *max), cx)
            }
            Call::DestroyWindow { hwnd } => self.destroy_window(thread, *hwnd, cx),
            Call::WspStartup { version, post_message } => self.wsp_startup(*version, *post_message),
            Call::WspAsyncSelect { .. } | Call::WspIoctl { .. } => {
                unreachable!("provider_call has made them")
            }
            Call::CloseHandle { .. } | Call::WsaDuplicateSocket { .. } => {
                unsupported(call.name(), "the call")
            }
        }
    }

    /// Whether the call that a thread waits for can return now.
    pub(crate) fn can_return(&self, thread: ThreadId, pending: PendingCall) -> bool {
        match pending {
            PendingCall::None => false,
            PendingCall::Connect(socket) => {
                !matches!(self.socket(socket).state, SocketState::Connecting(_))
            }
            PendingCall::Accept(listener) => {
                self.socket(listener).is_closed() || self.streams.waiting(listener) > 0
            }
            PendingCall::Receive { socket, .. } => match self.socket(socket).link() {
                None => true,
                Some((link, side)) => {
                    let this = self.socket(socket);
                    self.streams.has_unread(link, side, this.oob_inline)
                        || self.streams.toward(link, side).arrived != Arrived::Open
                        || this.receive_shut
                }
            },
            PendingCall::Send { socket, .. } => match self.socket(socket).link() {
                None => true,
                Some((link, side)) => {
                    self.streams.toward(link, side.other()).space == Space::Free
                        || self.is_aborted(socket)
                        || self.socket(socket).send_shut
                }
            },
            PendingCall::Select { read, write, except } => {
                self.count_ready([read, write, except]) > 0
            }
            PendingCall::Message { window, min, max } => {
                self.windows.first(&Self::message_filter(thread, window, min, max)).is_some()
            }
        }
    }

    /// Whether the call that a thread waits for can end because its own time-out does.
    pub(crate) fn can_give_up(&self, thread: ThreadId, pending: PendingCall) -> bool {
        match pending {
            PendingCall::Select { .. } => self.select_left_ms[usize::from(thread.0)] == 0,
            PendingCall::None
            | PendingCall::Connect(_)
            | PendingCall::Accept(_)
            | PendingCall::Receive { .. }
            | PendingCall::Send { .. }
            | PendingCall::Message { .. } => false,
        }
    }

    /// Lets the call that a thread waits for return.
    pub(crate) fn resume<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let slot = usize::from(thread.0);
        let pending = std::mem::take(&mut self.pending[slot]);
        let progress = match pending {
            PendingCall::None => unreachable!("moves offers a return for pending calls only"),
            PendingCall::Connect(socket) => {
                if self.socket(socket).failed {
                    let error = self.socket(socket).error;
                    // W-037, C16: what connect has told, SO_ERROR need not tell again.
                    match self.knob::<SoErrorAfterConnect>(cx) {
                        SoErrorAfterConnect::Zero => self.socket_mut(socket).error = WsaError(0),
                        SoErrorAfterConnect::Kept => {}
                    }
                    fails_by(error, Rule::Co05)
                } else {
                    succeeds()
                }
            }
            PendingCall::Accept(listener) => self.accept(listener, cx),
            PendingCall::Receive { socket, len, peek } => {
                self.receive(socket, len, peek, Mode::Waited, cx)
            }
            PendingCall::Send { socket, literal, len } => {
                let data = Literal { id: LiteralId(literal), len };
                self.transmit(socket, data, Mode::Waited, cx)
            }
            PendingCall::Select { read, write, except } => {
                self.select_left_ms[slot] = 0;
                counted(self.count_ready([read, write, except]))
            }
            PendingCall::Message { window, min, max } => {
                let filter = Self::message_filter(thread, window, min, max);
                let message = self.retrieve(&filter, cx).expect("can_return has looked");
                Ok(Progress::Done(Ok(Value::Message(message))))
            }
        };
        self.finish(thread, progress?, cx);
        Ok(())
    }

    /// WSAStartup; a version before 2.0 asks for a 1.1 environment (AS-HK-01).
    fn wsa_startup(&mut self, version: Version) -> Outcome {
        if version.major == 0 {
            return fails(WsaError::WSAVERNOTSUPPORTED);
        }
        self.startups = self.startups.saturating_add(1);
        self.faults.winsock_1 = version.major < 2;
        succeeds()
    }

    fn socket_call<C: Chooser, S: Sink>(
        &mut self,
        kind: SocketType,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        match kind {
            SocketType::Stream => {}
            SocketType::Datagram => return unsupported("socket", "SOCK_DGRAM"),
        }
        match self.add_socket(Socket::new(SocketState::Unbound), cx) {
            Some(socket) => Ok(Progress::Done(Ok(Value::Socket(socket.handle())))),
            None => unsupported("socket", "more than 255 sockets"),
        }
    }

    /// Gives a new socket its place, and with it its handle.
    fn add_socket<C: Chooser, S: Sink>(
        &mut self,
        socket: Socket,
        cx: &mut Context<'_, C, S>,
    ) -> Option<SocketIx> {
        let reused = self.reusable_place(cx);
        if let Some(place) = reused {
            let SocketState::Closed { rank: taken } = self.socket(place).state else {
                unreachable!("a place that is free")
            };
            *self.socket_mut(place) = socket;
            for other in self.sockets.iter_mut() {
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

    /// The place of a closed socket that a new one gets (AS-CLS-02, X-20).
    fn reusable_place<C: Chooser, S: Sink>(
        &mut self,
        cx: &mut Context<'_, C, S>,
    ) -> Option<SocketIx> {
        if !self.sockets.iter().any(Socket::is_closed) {
            return None;
        }
        let policy = self.knob::<HandleReuse>(cx);
        let closed =
            self.sockets.iter().enumerate().filter_map(|(at, socket)| match socket.state {
                SocketState::Closed { rank } => Some((at, rank)),
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

    fn bind(&mut self, socket: SocketIx, name: Option<SocketAddr>) -> Outcome {
        let Some(name) = name else {
            return fails_by(WsaError::WSAEFAULT, Rule::W035);
        };
        if self.socket(socket).state != SocketState::Unbound {
            return fails(WsaError::WSAEINVAL);
        }
        if !is_loopback(name) {
            return unsupported("bind", "an address other than 127.0.0.1");
        }
        let taken = name.port() != 0 && self.owner_of_port(name.port()).is_some();
        if taken {
            return fails(WsaError::WSAEADDRINUSE);
        }
        self.bind_to(socket, name.port());
        succeeds()
    }

    /// Gives a socket its port; 0 stands for the lowest free one.
    fn bind_to(&mut self, socket: SocketIx, port: u16) {
        let mut free = (FIRST_EPHEMERAL_PORT..).filter(|port| self.owner_of_port(*port).is_none());
        let port = match port {
            0 => free.next().expect("there are more ports than sockets"),
            wanted => wanted,
        };
        let this = self.socket_mut(socket);
        this.port = port;
        this.state = SocketState::Bound;
    }

    /// The socket that bound a port by itself; an accepted one shares its listener's.
    fn owner_of_port(&self, port: u16) -> Option<SocketIx> {
        let owns = |socket: &Socket| {
            socket.port == port
                && match socket.state {
                    SocketState::Closed { .. } | SocketState::Unbound => false,
                    SocketState::Connected(_, side) => side == Side::Connector,
                    SocketState::Bound
                    | SocketState::Listening { .. }
                    | SocketState::Connecting(_) => true,
                }
        };
        let found = self.sockets.iter().position(owns)?;
        u8::try_from(found).ok().map(SocketIx)
    }

    /// The listener that a SYN to this port reaches.
    pub(crate) fn listener_on(&self, port: u16) -> Option<(SocketIx, u8)> {
        let socket = self.owner_of_port(port)?;
        match self.socket(socket).state {
            SocketState::Listening { backlog } => Some((socket, backlog)),
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Connecting(_)
            | SocketState::Connected(..) => None,
        }
    }

    fn listen<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        backlog: i32,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        // W-037, C16: stacks differ.
        if self.socket(socket).failed
            && self.knob::<ListenAfterRefusal>(cx) == ListenAfterRefusal::Einval
        {
            return fails_by(WsaError::WSAEINVAL, Rule::W037);
        }
        let this = self.socket_mut(socket);
        match this.state {
            SocketState::Bound => {
                let backlog = u8::try_from(backlog.clamp(1, 255)).expect("clamped to a byte");
                this.state = SocketState::Listening { backlog };
                succeeds()
            }
            // a repeated listen succeeds; whether it changes the backlog is not tested.
            SocketState::Listening { .. } => succeeds(),
            SocketState::Unbound => fails(WsaError::WSAEINVAL),
            SocketState::Connecting(_) => fails(WsaError::WSAEINVAL),
            SocketState::Connected(..) => unsupported("listen", "on a connected socket"),
            SocketState::Closed { .. } => unreachable!("refuse_early has looked"),
        }
    }

    fn connect<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        name: Option<SocketAddr>,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let Some(name) = name else {
            // W-035, X-14.
            return self.connect_fails_at_once(socket, WsaError::WSAEFAULT, Rule::W035, cx);
        };
        match self.socket(socket).state {
            SocketState::Unbound => self.bind_to(socket, 0),
            SocketState::Bound => {}
            // connect's WSAEINVAL means a listening socket.
            SocketState::Listening { .. } => return fails(WsaError::WSAEINVAL),
            // AS-CO-12: 1.1 programs get another code for the same.
            SocketState::Connecting(_) => {
                let einval = self.faults.winsock_1
                    && self.knob::<AlreadyConnecting>(cx) == AlreadyConnecting::Einval;
                let error = if einval { WsaError::WSAEINVAL } else { WsaError::WSAEALREADY };
                return fails_by(error, Rule::Co12);
            }
            SocketState::Connected(..) => return fails_by(WsaError::WSAEISCONN, Rule::Co12),
            SocketState::Closed { .. } => unreachable!("refuse_early has looked"),
        }
        // AS-CO-13: a refused socket may try again.
        if std::mem::take(&mut self.socket_mut(socket).failed)
            && self.knob::<ConnectAfterRefusal>(cx) == ConnectAfterRefusal::AbortedOnce
        {
            let error = WsaError::WSAECONNABORTED;
            return self.connect_fails_at_once(socket, error, Rule::Co13, cx);
        }
        if !is_loopback(name) {
            // The one network of this machine reaches nobody else.
            return self.connect_fails_at_once(socket, WsaError::WSAENETUNREACH, Rule::Co13, cx);
        }
        let Some(link) = self.streams.open(socket, name.port()) else {
            return unsupported("connect", "more than 255 connections");
        };
        let this = self.socket_mut(socket);
        this.state = SocketState::Connecting(link);
        if this.nonblocking {
            // AS-NB-09, AS-CO-05: the outcome comes later.
            fails_by(WsaError::WSAEWOULDBLOCK, Rule::Nb09)
        } else {
            Ok(Progress::Waits(PendingCall::Connect(socket)))
        }
    }

    /// A connect that fails before anything was sent; AS-CO-03, X-14: is FD_CONNECT posted too?
    fn connect_fails_at_once<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        error: WsaError,
        rule: Rule,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if self.socket(socket).registration.is_some()
            && self.knob::<ConnectFailsAtOnce>(cx) == ConnectFailsAtOnce::Posts
        {
            let before = std::mem::replace(&mut self.socket_mut(socket).error, error);
            self.connect_ends(socket, |again| again == ConnectAgain::Posts, cx);
            self.evaluate(socket, Trigger::ConnectFailed, cx);
            self.socket_mut(socket).error = before;
        }
        fails_by(error, rule)
    }

    /// accept; AS-EN-05, AS-EN-09: it looks for the next connection.
    fn accept<C: Chooser, S: Sink>(
        &mut self,
        listener: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let progress = self.take_connection(listener, cx)?;
        let failed = match &progress {
            Progress::Waits(_) => return Ok(progress),
            Progress::Done(result) => result.is_err(),
        };
        let spent = self.socket(listener).latch(NetworkEvent::Accept) == Latch::Spent;
        // F, failing accept: it should re-enable as well.
        let rearms =
            !failed || spent && self.knob::<FailedAcceptRearms>(cx) == FailedAcceptRearms::Rearms;
        if rearms {
            self.socket_mut(listener).arm(NetworkEvent::Accept);
            self.evaluate(listener, Trigger::AcceptCalled, cx);
        }
        if let Progress::Done(Ok(Value::Socket(accepted))) = &progress {
            let accepted = SocketIx::from_handle(*accepted).expect("just made");
            self.inherit(listener, accepted, cx);
        }
        Ok(progress)
    }

    /// Makes a socket of the connection that has waited longest.
    fn take_connection<C: Chooser, S: Sink>(
        &mut self,
        listener: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let this = *self.socket(listener);
        let SocketState::Listening { .. } = this.state else {
            return fails_by(WsaError::WSAEINVAL, Rule::Ac07);
        };
        let Some(link) = self.streams.first_waiting(listener) else {
            return if this.nonblocking {
                fails_by(WsaError::WSAEWOULDBLOCK, Rule::Ac07)
            } else {
                Ok(Progress::Waits(PendingCall::Accept(listener)))
            };
        };
        // AS-AC-06.
        if self.streams.toward(link, Side::Acceptor).arrived == Arrived::Reset
            && self.knob::<WithdrawnConnection>(cx) == WithdrawnConnection::Fails
        {
            self.streams.leave_queue(link, End::Gone);
            self.abandon(link, Side::Acceptor);
            return fails_by(WsaError::WSAECONNRESET, Rule::Ac06);
        }
        // AS-INH-01: the same properties.
        let mut made = Socket::new(SocketState::Connected(link, Side::Acceptor));
        made.oob_inline = this.oob_inline;
        made.linger = this.linger;
        made.port = this.port;
        made.receive_kib = this.receive_kib;
        made.send_kib = this.send_kib;
        let Some(accepted) = self.add_socket(made, cx) else {
            return unsupported("accept", "more than 255 sockets");
        };
        self.streams.leave_queue(link, End::Socket(accepted));
        Ok(Progress::Done(Ok(Value::Socket(accepted.handle()))))
    }

    fn send<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        data: Literal,
        flags: MsgFlags,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if flags.peek {
            return unsupported("send", "MSG_PEEK");
        }
        if flags.oob {
            return self.send_urgent(socket, data, cx);
        }
        self.transmit(socket, data, self.mode(socket), cx)
    }

    /// Sends data whose last byte is urgent (AS-OOB-12).
    fn send_urgent<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        data: Literal,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let Some(before) = data.len.checked_sub(1) else {
            return unsupported("send", "MSG_OOB without a byte");
        };
        let SocketState::Connected(link, side) = self.socket(socket).state else {
            return self.transmit(socket, data, self.mode(socket), cx);
        };
        let peer = side.other();
        let space = self.capacity(link, peer).saturating_sub(self.streams.outstanding(link, peer));
        if data.len >= space {
            return unsupported("send", "MSG_OOB with buffers that are nearly full");
        }
        // What is ordinary about it, which also tells of everything that is wrong.
        let ordinary = Literal { len: before, ..data };
        let progress = self.transmit(socket, ordinary, self.mode(socket), cx)?;
        let Progress::Done(Ok(_)) = &progress else { return Ok(progress) };
        let last = Piece { literal: data.id, offset: before, len: 1 };
        self.streams.push(link, peer, Segment::Urgent(last));
        counted(data.len)
    }

    /// Sends, and arms FD_WRITE when the call returns: at once, or after it had to wait.
    fn transmit<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        data: Literal,
        mode: Mode,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let progress = self.fill(socket, data, mode, cx)?;
        // AS-WR-07, X-09: a re-enabling call alone is not enough, the buffers must have been full.
        let (full, short) = match &progress {
            Progress::Done(Err(refusal)) => (refusal.error == WsaError::WSAEWOULDBLOCK, false),
            Progress::Done(Ok(taken)) => (false, *taken != Value::Int(i64::from(data.len))),
            Progress::Waits(_) => return Ok(progress),
        };
        let rearms = |by| match by {
            WriteRearmedBy::WouldBlock => false,
            // OQ-09.
            WriteRearmedBy::ShortToo => short,
            WriteRearmedBy::AnySend => true,
        };
        if self.socket(socket).registration.is_some()
            && (full || rearms(self.knob::<WriteRearmedBy>(cx)))
        {
            self.socket_mut(socket).arm(NetworkEvent::Write);
            self.evaluate(socket, Trigger::SendCalled, cx);
        }
        Ok(progress)
    }

    /// Puts as much of the data as it takes on its way.
    fn fill<C: Chooser, S: Sink>(
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
            } else {
                let Literal { id: LiteralId(literal), len } = data;
                Ok(Progress::Waits(PendingCall::Send { socket, literal, len }))
            };
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

    fn recv<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        len: i32,
        flags: MsgFlags,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let registered = self.socket(socket).registration.is_some();
        let Ok(len) = u32::try_from(len) else {
            // W-063: refused before anything is looked at; AS-EN-09 says that it re-enables.
            if registered && self.knob::<BadBufferRearms>(cx) == BadBufferRearms::Rearms {
                self.rearm_by_receive(socket, flags.oob, cx);
            }
            return fails_by(WsaError::WSAEFAULT, Rule::W063);
        };
        if flags.oob {
            let outcome = self.take_urgent(socket, len, flags.peek, cx)?;
            self.rearm_by_receive(socket, true, cx);
            return Ok(outcome);
        }
        self.receive(socket, len, flags.peek, self.mode(socket), cx)
    }

    /// Receives, and arms FD_READ when the call returns: at once, or after it had to wait.
    fn receive<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        len: u32,
        peek: bool,
        mode: Mode,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let progress = self.drain(socket, len, peek, mode, cx)?;
        match &progress {
            // AS-EN-02, AS-EN-09, AS-EN-10: any receive call, failing and peeking ones too.
            Progress::Done(_) => self.rearm_by_receive(socket, false, cx),
            Progress::Waits(_) => {}
        }
        Ok(progress)
    }

    /// Whether a call that begins now may wait. A registration that another thread makes while it
    /// waits changes nothing for it.
    fn mode(&self, socket: SocketIx) -> Mode {
        if self.socket(socket).nonblocking { Mode::NonBlocking } else { Mode::Blocking }
    }

    /// AS-EN-02, AS-EN-04: a receive call arms FD_READ and FD_OOB, with exceptions.
    fn rearm_by_receive<C: Chooser, S: Sink>(
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
        if reads {
            self.socket_mut(socket).arm(NetworkEvent::Read);
        }
        // one without MSG_OOB too?
        let oob = urgent
            || spent(self, NetworkEvent::Oob)
                && self.knob::<OobRearmedBy>(cx) == OobRearmedBy::AnyReceive;
        if oob {
            self.socket_mut(socket).arm(NetworkEvent::Oob);
        }
        self.evaluate(socket, Trigger::ReceiveCalled, cx);
    }

    /// Takes an urgent byte (AS-OOB-09); that never waits.
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
        if this.oob_inline {
            return fails_by(WsaError::WSAEINVAL, Rule::Oob07);
        }
        if this.receive_shut {
            return fails_by(WsaError::WSAESHUTDOWN, Rule::Cl21);
        }
        if len == 0 {
            return unsupported("recv", "MSG_OOB with a buffer of no bytes");
        }
        match self.streams.read_urgent(link, side, peek) {
            Some(piece) => {
                cx.sink.effect(Effect::Received(piece));
                counted(1)
            }
            // W-075.
            None if this.nonblocking && !self.is_aborted(socket) => {
                fails_by(WsaError::WSAEWOULDBLOCK, Rule::W075)
            }
            None => {
                unsupported("recv", "MSG_OOB without an urgent byte, blocking or after a reset")
            }
        }
    }

    fn fails_while_connecting<C: Chooser, S: Sink>(
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
    fn drain<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        len: u32,
        peek: bool,
        mode: Mode,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
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
            let taken = self.streams.read(link, side, Reading { len, peek, at_urgent }, take);
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
            Arrived::Open => Ok(Progress::Waits(PendingCall::Receive { socket, len, peek })),
        }
    }

    /// What reading makes of urgent bytes on its way.
    fn at_urgent<C: Chooser, S: Sink>(
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
        if inline {
            return AtUrgent::Inline(self.knob::<InlineUrgent>(cx));
        }
        let stops = self.knob::<ReceiveAtMark>(cx) == ReceiveAtMark::Stops;
        // AS-OOB-09.
        let loses = self.streams.has_urgent(link, side)
            && self.knob::<UrgentPassed>(cx) == UrgentPassed::Lost;
        AtUrgent::Passes { stops, loses }
    }

    fn shutdown<C: Chooser, S: Sink>(
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
            self.end_registration(socket, cx);
        }
        succeeds()
    }

    fn closesocket<C: Chooser, S: Sink>(
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
        self.end_registration(socket, cx);
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
        if !self.streams.is_flying(link, side.other()) {
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
        if self.faults.event.is_some_and(|(of, ..)| of == socket) {
            self.faults.event = None;
        }
        for other in self.sockets.iter_mut() {
            if let SocketState::Closed { rank } = &mut other.state {
                *rank = rank.saturating_add(1);
            }
        }
        let this = std::mem::take(self.socket_mut(socket));
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

    /// The last WSACleanup closes every socket (AS-CLS-06).
    fn wsa_cleanup<C: Chooser, S: Sink>(&mut self, cx: &mut Context<'_, C, S>) -> Outcome {
        self.startups = self.startups.saturating_sub(1);
        if self.startups > 0 {
            return succeeds();
        }
        let waits = |pending: &PendingCall| match pending {
            PendingCall::None | PendingCall::Message { .. } => false,
            PendingCall::Connect(_)
            | PendingCall::Accept(_)
            | PendingCall::Receive { .. }
            | PendingCall::Send { .. }
            | PendingCall::Select { .. } => true,
        };
        if self.pending.iter().any(waits) {
            return unsupported("WSACleanup", "under a call of another thread");
        }
        self.faults.winsock_1 = false;
        // AS-CLS-05, X-21: what is queued may be delivered or not.
        if !self.windows.queue.is_empty()
            && self.knob::<CleanupMessages>(cx) == CleanupMessages::Withdrawn
        {
            let count = u8::try_from(self.windows.queue.len()).unwrap_or(u8::MAX);
            self.windows.queue.retain(|_| false);
            cx.sink.effect(Effect::Withdrawn { count });
        }
        for index in 0..self.sockets.len() {
            let socket = SocketIx(u8::try_from(index).expect("sockets are numbered by a byte"));
            if !self.socket(socket).is_closed() {
                self.socket_mut(socket).registration = None;
                self.close(socket, cx);
            }
        }
        succeeds()
    }

    pub(crate) fn ioctlsocket<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cmd: IoctlCommand,
        argp: u32,
        cx: &mut Context<'_, C, S>,
    ) -> Result<Value, Refusal> {
        let this = *self.socket(socket);
        match cmd {
            // AS-NB-02, AS-NB-03, X-03: first cancel, then go back to blocking.
            IoctlCommand::FIONBIO if argp == 0 && this.registration.is_some() => {
                Err(Refusal::by(WsaError::WSAEINVAL, Rule::Nb02))
            }
            IoctlCommand::FIONBIO => {
                self.socket_mut(socket).nonblocking = argp != 0;
                Ok(Value::Int(0))
            }
            // AS-EN-24: it asks, and re-enables nothing.
            IoctlCommand::FIONREAD => Ok(Value::Int(match this.state {
                SocketState::Connected(link, side) => {
                    // AS-Q-10.
                    let to_mark = self.streams.toward(link, side).urgent_count() > 0
                        && self.knob::<Fionread>(cx) == Fionread::ToMark;
                    i64::from(self.streams.unread_len(link, side, this.oob_inline, to_mark))
                }
                SocketState::Closed { .. }
                | SocketState::Unbound
                | SocketState::Bound
                | SocketState::Listening { .. }
                | SocketState::Connecting(_) => 0,
            })),
            IoctlCommand::SIOCATMARK => {
                let SocketState::Connected(link, side) = this.state else {
                    return Ok(Value::Int(1));
                };
                if this.oob_inline || self.streams.toward(link, side).urgent_count() == 0 {
                    return Ok(Value::Int(1));
                }
                // nobody agrees on what is asked.
                let answer = match self.knob::<AtMark>(cx) {
                    AtMark::NoUrgent => !self.streams.has_urgent(link, side),
                    AtMark::NotNext => !self.streams.is_at_mark(link, side),
                };
                Ok(Value::Int(i64::from(answer)))
            }
        }
    }

    fn setsockopt<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        option: SocketOption,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let kib =
            |bytes: u32| (bytes % 1024 == 0).then(|| u16::try_from(bytes / 1024).ok()).flatten();
        let this = self.socket_mut(socket);
        match option {
            SocketOption::Linger { l_onoff: 0, .. } => this.linger = Linger::Background,
            SocketOption::Linger { l_linger: 0, .. } => this.linger = Linger::Abort,
            SocketOption::Linger { .. } => this.linger = Linger::Wait,
            SocketOption::OobInline(inline) => {
                let changes = std::mem::replace(&mut this.oob_inline, inline) != inline;
                let registered = this.registration.is_some();
                let urgent =
                    this.link().is_some_and(|(link, side)| self.streams.has_urgent(link, side));
                // OQ-30.
                if changes
                    && registered
                    && urgent
                    && self.knob::<InlineChange>(cx) == InlineChange::Looks
                {
                    self.evaluate(socket, Trigger::OptionSet, cx);
                }
            }
            SocketOption::ReceiveBuffer(bytes) | SocketOption::SendBuffer(bytes) => {
                let Some(kib) = kib(bytes) else {
                    return unsupported("setsockopt", "a buffer that is not of 0 to 65535 KiB");
                };
                match option {
                    SocketOption::ReceiveBuffer(_) => this.receive_kib = kib,
                    _ => this.send_kib = kib,
                }
            }
        }
        succeeds()
    }

    fn getsockopt(&self, socket: SocketIx, option: OptionName) -> Progress {
        let this = self.socket(socket);
        let value = match option {
            OptionName::Linger => i64::from(this.linger != Linger::Background),
            OptionName::OobInline => i64::from(this.oob_inline),
            OptionName::ReceiveBuffer => 1024 * i64::from(this.receive_kib),
            OptionName::SendBuffer => 1024 * i64::from(this.send_kib),
            // W-037: reading it does not clear it; W-08A: a reset is not told by it.
            OptionName::Error => i64::from(this.error.0),
            OptionName::Type => 1,
            OptionName::AcceptConn => {
                i64::from(matches!(this.state, SocketState::Listening { .. }))
            }
        };
        Progress::Done(Ok(Value::Int(value)))
    }

    fn getsockname(&mut self, socket: SocketIx) -> Outcome {
        match self.socket(socket).port {
            0 => fails(WsaError::WSAEINVAL),
            port => Ok(Progress::Done(Ok(loopback(port)))),
        }
    }

    fn getpeername(&mut self, socket: SocketIx) -> Outcome {
        let SocketState::Connected(link, side) = self.socket(socket).state else {
            return fails(WsaError::WSAENOTCONN);
        };
        match self.streams.end(link, side.other()) {
            End::Socket(peer) | End::HalfOpen(peer) | End::Waiting { listener: peer, .. } => {
                Ok(Progress::Done(Ok(loopback(self.socket(peer).port))))
            }
            End::Nobody | End::Gone => unsupported("getpeername", "of a peer that is gone"),
        }
    }

    /// select; AS-EN-23: it asks, and re-enables nothing.
    fn select(
        &mut self,
        thread: ThreadId,
        sets: [&Vec<SocketHandle>; 3],
        timeout_ms: u32,
    ) -> Outcome {
        if sets.iter().all(|set| set.is_empty()) {
            return fails(WsaError::WSAEINVAL);
        }
        let mut masks = [0_u16; 3];
        for (set, mask) in sets.into_iter().zip(&mut masks) {
            for handle in set {
                let Some(socket) = self.open_socket(*handle) else {
                    return fails_by(WsaError::WSAENOTSOCK, Rule::Reg11);
                };
                let Some(bit) = 1_u16.checked_shl(u32::from(socket.0)) else {
                    return unsupported("select", "on a socket after the sixteenth");
                };
                *mask |= bit;
            }
        }
        let ready = self.count_ready(masks);
        if ready > 0 || timeout_ms == 0 {
            return counted(ready);
        }
        let [read, write, except] = masks;
        let left_ms = u16::try_from(timeout_ms).unwrap_or(u16::MAX);
        self.select_left_ms[usize::from(thread.0)] = left_ms;
        Ok(Progress::Waits(PendingCall::Select { read, write, except }))
    }

    /// How many of the sockets of three sets are ready.
    fn count_ready(&self, [read, write, except]: [u16; 3]) -> u32 {
        let count = |set: u16, ready: fn(&Self, SocketIx) -> bool| {
            let sockets = (0..16).map(SocketIx).filter(|socket| set >> socket.0 & 1 == 1);
            sockets.filter(|socket| ready(self, *socket)).map(|_| 1).sum::<u32>()
        };
        count(read, Self::is_read_ready)
            + count(write, Self::is_write_ready)
            + count(except, Self::is_except_ready)
    }

    fn is_read_ready(&self, socket: SocketIx) -> bool {
        let this = self.socket(socket);
        match this.state {
            SocketState::Listening { .. } => self.streams.waiting(socket) > 0,
            SocketState::Connected(link, side) => {
                self.streams.has_unread(link, side, this.oob_inline)
                    || self.streams.toward(link, side).arrived != Arrived::Open
            }
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Connecting(_) => false,
        }
    }

    fn is_write_ready(&self, socket: SocketIx) -> bool {
        let this = self.socket(socket);
        match this.state {
            SocketState::Connected(link, side) => {
                self.streams.toward(link, side.other()).space == Space::Free
                    || self.is_aborted(socket)
                    || this.send_shut
            }
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Listening { .. }
            | SocketState::Connecting(_) => false,
        }
    }

    /// AS-CO-15, W-037: a connect that failed; urgent data.
    fn is_except_ready(&self, socket: SocketIx) -> bool {
        let this = self.socket(socket);
        match this.state {
            SocketState::Connected(link, side) => {
                !this.oob_inline && self.streams.has_urgent(link, side)
            }
            SocketState::Bound => this.error != WsaError(0),
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Listening { .. }
            | SocketState::Connecting(_) => false,
        }
    }

    pub(crate) fn is_aborted(&self, socket: SocketIx) -> bool {
        match self.socket(socket).state {
            SocketState::Connected(link, side) => {
                self.streams.toward(link, side).arrived.is_aborted()
            }
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Listening { .. }
            | SocketState::Connecting(_) => false,
        }
    }
}

fn loopback(port: u16) -> Value {
    Value::Address(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// Calls that need no network.
fn survives_network(call: &BackendCall) -> bool {
    matches!(
        call,
        Call::WsaAsyncSelect { .. }
            | Call::WsaStartup { .. }
            | Call::WsaCleanup {}
            | Call::WspStartup { .. }
            | Call::CloseSocket { .. }
            | Call::CreateWindow {}
            | Call::DestroyWindow { .. }
            | Call::GetMessage { .. }
    )
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)
}
