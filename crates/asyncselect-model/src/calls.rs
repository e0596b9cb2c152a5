//! The calls: what each answers, and what it does to latches and to the network.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use asyncselect_abi::call::{
    BackendCall, IoctlCommand, MsgFlags, Shutdown, SocketOption, SocketType, Version,
};
use asyncselect_abi::{Call, Literal, LiteralId, NetworkEvent, Reply, ThreadId, Value, WsaError};

use crate::chooser::Chooser;
use crate::knob::{
    AcceptInheritsMode, BadBufferRearms, BeforeStartup, CloseDiscarding, ConnectAfterRefusal,
    LpErrnoOnSuccess, ReceiveAfterReset, ResetAfterEnd, SendUnconnected, ShortSend, ShutdownBoth,
    WriteRearmedBy,
};
use crate::latch::Trigger;
use crate::registration::Request;
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::{Socket, SocketIx, SocketState};
use crate::stream::{Arrived, CAPACITY, End, Piece, Segment, Side, Space};
use crate::world::{Context, ModelError, PendingCall, Refusal, World};

/// The first port that the machine gives out by itself.
const FIRST_EPHEMERAL_PORT: u16 = 49152;

/// Whether a call may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It may.
    Blocking,
    /// It fails with WSAEWOULDBLOCK instead (AS-NB-09).
    NonBlocking,
}

/// How a call ended, if it did.
enum Progress {
    /// It returns this.
    Done(Result<Value, Refusal>),
    /// It waits for this.
    Waits(PendingCall),
}

type Outcome = Result<Progress, ModelError>;

/// An error without a clause of its own.
fn fails(error: WsaError) -> Outcome {
    Ok(Progress::Done(Err(Refusal::plain(error))))
}

fn fails_by(error: WsaError, rule: Rule) -> Outcome {
    Ok(Progress::Done(Err(Refusal::by(error, rule))))
}

fn succeeds() -> Outcome {
    Ok(Progress::Done(Ok(Value::Int(0))))
}

fn unsupported(call: &'static str, what: &'static str) -> Outcome {
    Err(ModelError::new(call, what))
}

fn counted(bytes: u32) -> Outcome {
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
        let Some(PendingCall::None) = self.pending.get(slot) else {
            return Err(ModelError::new(call.name(), "a thread that is busy or one too many"));
        };
        // a provider cannot know of WSAStartup, so nothing is checked before.
        if let Call::WspAsyncSelect { s, hwnd, wmsg, levent } = call {
            let request = Request { socket: *s, hwnd: *hwnd, wmsg: *wmsg, levent: *levent };
            return self.wsp_async_select(thread, request, cx);
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
        if let Call::WsaStartup { .. } | Call::CreateWindow {} | Call::DestroyWindow { .. } = call {
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
        match call {
            Call::WsaStartup { version } => self.wsa_startup(*version),
            Call::Socket { kind } => self.socket_call(*kind),
            Call::Bind { s, name } => self.bind(known(*s), *name),
            Call::Listen { s, backlog } => self.listen(known(*s), *backlog),
            Call::Connect { s, name } => self.connect(known(*s), *name, cx),
            Call::Accept { s } => self.accept(known(*s), cx),
            Call::Send { s, data, flags } => self.send(known(*s), *data, *flags, cx),
            Call::Recv { s, len, flags } => self.recv(known(*s), *len, *flags, cx),
            Call::Shutdown { s, how } => self.shutdown(known(*s), *how, cx),
            Call::CloseSocket { s } => self.closesocket(known(*s), cx),
            Call::IoctlSocket { s, cmd, argp } => self.ioctlsocket(known(*s), *cmd, *argp),
            Call::SetSockOpt { s, optval } => self.setsockopt(known(*s), *optval),
            Call::GetSockName { s } => self.getsockname(known(*s)),
            Call::WsaAsyncSelect { s, hwnd, wmsg, levent } => {
                let request = Request { socket: *s, hwnd: *hwnd, wmsg: *wmsg, levent: *levent };
                self.async_select(request, cx).map(Progress::Done)
            }
            Call::CreateWindow {} => match self.windows.create(thread) {
                Some(window) => Ok(Progress::Done(Ok(Value::Window(window.handle())))),
                None => unsupported("CreateWindow", "more than 255 windows"),
            },
            Call::WspAsyncSelect { .. } => unreachable!("it reports in its own way"),
            Call::WsaCleanup {}
            | Call::SendTo { .. }
            | Call::RecvFrom { .. }
            | Call::GetSockOpt { .. }
            | Call::GetPeerName { .. }
            | Call::Select { .. }
            | Call::CloseHandle { .. }
            | Call::WsaDuplicateSocket { .. }
            | Call::DestroyWindow { .. } => unsupported(call.name(), "the call"),
        }
    }

    /// Whether the call that a thread waits for can return now.
    pub(crate) fn can_return(&self, pending: PendingCall) -> bool {
        match pending {
            PendingCall::None => false,
            PendingCall::Connect(socket) => {
                !matches!(self.socket(socket).state, SocketState::Connecting(_))
            }
            PendingCall::Accept(listener) => {
                self.socket(listener).state == SocketState::Closed
                    || self.streams.waiting(listener) > 0
            }
            PendingCall::Receive { socket, .. } => match self.socket(socket).link() {
                None => true,
                Some((link, side)) => {
                    self.streams.has_unread(link, side)
                        || self.streams.toward(link, side).arrived != Arrived::Open
                        || self.socket(socket).receive_shut
                }
            },
            PendingCall::Send { socket, .. } => match self.socket(socket).link() {
                None => true,
                Some((link, side)) => {
                    self.streams.toward(link, side.other()).space == Space::Free
                        || self.is_reset(socket)
                        || self.socket(socket).send_shut
                }
            },
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
        let socket = match pending {
            PendingCall::None => unreachable!("moves offers a return for pending calls only"),
            PendingCall::Connect(socket)
            | PendingCall::Accept(socket)
            | PendingCall::Receive { socket, .. }
            | PendingCall::Send { socket, .. } => socket,
        };
        if self.socket(socket).state == SocketState::Closed {
            return Err(ModelError::new("closesocket", "under a call of another thread"));
        }
        let progress = match pending {
            PendingCall::None => unreachable!("moves offers a return for pending calls only"),
            PendingCall::Connect(socket) => {
                if self.socket(socket).refused {
                    fails(WsaError::WSAECONNREFUSED)
                } else {
                    succeeds()
                }
            }
            PendingCall::Accept(listener) => self.accept(listener, cx),
            PendingCall::Receive { socket, len, peek } => {
                self.receive(socket, len, peek, Mode::Blocking, cx)
            }
            PendingCall::Send { socket, literal, len } => {
                let data = Literal { id: LiteralId(literal), len };
                self.transmit(socket, data, Mode::Blocking, cx)
            }
        };
        self.finish(thread, progress?, cx);
        Ok(())
    }

    fn wsp_async_select<C: Chooser, S: Sink>(
        &mut self,
        thread: ThreadId,
        request: Request,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let result = self.async_select(request, cx)?;
        // AS-SPI-09, AS-REG-06: the error comes back with the call.
        let lp_errno = match result {
            Err(refusal) => Some(refusal.error),
            // AS-SPI-10, OQ-20: defined for failures only.
            Ok(_) => match self.knob::<LpErrnoOnSuccess>(cx) {
                LpErrnoOnSuccess::Untouched => None,
                LpErrnoOnSuccess::Zero => Some(WsaError(0)),
            },
        };
        let rule = result.err().and_then(|refusal| refusal.rule);
        let reply = Reply { result: result.map_err(|refusal| refusal.error), lp_errno };
        cx.sink.effect(Effect::Return { thread, reply, rule });
        Ok(())
    }

    fn wsa_startup(&mut self, version: Version) -> Outcome {
        if version != (Version { major: 2, minor: 2 }) {
            return unsupported("WSAStartup", "a version other than 2.2");
        }
        self.startups = self.startups.saturating_add(1);
        succeeds()
    }

    fn socket_call(&mut self, kind: SocketType) -> Outcome {
        match kind {
            SocketType::Stream => {}
            SocketType::Datagram => return unsupported("socket", "SOCK_DGRAM"),
        }
        match self.add_socket(Socket::new(SocketState::Unbound)) {
            Some(socket) => Ok(Progress::Done(Ok(Value::Socket(socket.handle())))),
            None => unsupported("socket", "more than 255 sockets"),
        }
    }

    fn add_socket(&mut self, socket: Socket) -> Option<SocketIx> {
        let number = u8::try_from(self.sockets.len()).ok()?;
        self.sockets.push(socket);
        Some(SocketIx(number))
    }

    fn bind(&mut self, socket: SocketIx, name: SocketAddr) -> Outcome {
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
                    SocketState::Closed | SocketState::Unbound => false,
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
            SocketState::Closed
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Connecting(_)
            | SocketState::Connected(..) => None,
        }
    }

    fn listen(&mut self, socket: SocketIx, backlog: i32) -> Outcome {
        let this = self.socket_mut(socket);
        match this.state {
            SocketState::Bound if this.refused => {
                // W-037, C16: stacks differ.
                unsupported("listen", "on a socket whose connect was refused")
            }
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
            SocketState::Closed => unreachable!("refuse_early has looked"),
        }
    }

    fn connect<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        name: SocketAddr,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        match self.socket(socket).state {
            SocketState::Unbound => self.bind_to(socket, 0),
            SocketState::Bound => {}
            // connect's WSAEINVAL means a listening socket.
            SocketState::Listening { .. } => return fails(WsaError::WSAEINVAL),
            // AS-CO-12.
            SocketState::Connecting(_) => {
                return fails_by(WsaError::WSAEALREADY, Rule::Co12);
            }
            SocketState::Connected(..) => return fails_by(WsaError::WSAEISCONN, Rule::Co12),
            SocketState::Closed => unreachable!("refuse_early has looked"),
        }
        if !is_loopback(name) {
            return unsupported("connect", "an address other than 127.0.0.1");
        }
        // AS-CO-13: a refused socket may try again.
        if std::mem::take(&mut self.socket_mut(socket).refused)
            && self.knob::<ConnectAfterRefusal>(cx) == ConnectAfterRefusal::AbortedOnce
        {
            return fails(WsaError::WSAECONNABORTED);
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

    fn accept<C: Chooser, S: Sink>(
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
        // OQ-37: "the same properties" should include the mode.
        let nonblocking = this.nonblocking
            && this.registration.is_none()
            && self.knob::<AcceptInheritsMode>(cx) == AcceptInheritsMode::Inherits;
        let state = SocketState::Connected(link, Side::Acceptor);
        let mut made = Socket::new(state);
        made.nonblocking = nonblocking;
        made.abortive = this.abortive;
        made.port = this.port;
        let Some(accepted) = self.add_socket(made) else {
            return unsupported("accept", "more than 255 sockets");
        };
        self.streams.leave_queue(link, End::Socket(accepted));
        self.inherit(listener, accepted, cx);
        Ok(Progress::Done(Ok(Value::Socket(accepted.handle()))))
    }

    fn send<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        data: Literal,
        flags: MsgFlags,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if !flags.is_empty() {
            return unsupported("send", "flags");
        }
        self.transmit(socket, data, self.mode(socket), cx)
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
        let full = match &progress {
            Progress::Done(Err(refusal)) => refusal.error == WsaError::WSAEWOULDBLOCK,
            Progress::Done(Ok(_)) => false,
            Progress::Waits(_) => return Ok(progress),
        };
        if self.socket(socket).registration.is_some()
            && (full || self.knob::<WriteRearmedBy>(cx) == WriteRearmedBy::AnySend)
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
        let SocketState::Connected(link, side) = this.state else {
            return fails(match self.knob::<SendUnconnected>(cx) {
                SendUnconnected::NotConn => WsaError::WSAENOTCONN,
                SendUnconnected::ConnReset => WsaError::WSAECONNRESET,
            });
        };
        if this.send_shut {
            return fails_by(WsaError::WSAESHUTDOWN, Rule::Cl20);
        }
        if self.is_reset(socket) {
            return fails_by(WsaError::WSAECONNRESET, Rule::W08A);
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
        let space = CAPACITY.saturating_sub(self.streams.outstanding(link, peer)).max(1);
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
        if flags.oob {
            return unsupported("recv", "MSG_OOB");
        }
        let registered = self.socket(socket).registration.is_some();
        let Ok(len) = u32::try_from(len) else {
            // W-063: refused before anything is looked at; AS-EN-09 says that it re-enables.
            if registered && self.knob::<BadBufferRearms>(cx) == BadBufferRearms::Rearms {
                self.rearm_read(socket, cx);
            }
            return fails_by(WsaError::WSAEFAULT, Rule::W063);
        };
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
            Progress::Done(_) => self.rearm_read(socket, cx),
            Progress::Waits(_) => {}
        }
        Ok(progress)
    }

    /// Whether a call that begins now may wait. A registration that another thread makes while it
    /// waits changes nothing for it.
    fn mode(&self, socket: SocketIx) -> Mode {
        if self.socket(socket).nonblocking { Mode::NonBlocking } else { Mode::Blocking }
    }

    fn rearm_read<C: Chooser, S: Sink>(&mut self, socket: SocketIx, cx: &mut Context<'_, C, S>) {
        self.socket_mut(socket).arm(NetworkEvent::Read);
        self.evaluate(socket, Trigger::ReceiveCalled, cx);
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
        let SocketState::Connected(link, side) = this.state else {
            return fails(WsaError::WSAENOTCONN);
        };
        if this.receive_shut {
            return fails_by(WsaError::WSAESHUTDOWN, Rule::Cl21);
        }
        if self.streams.has_unread(link, side) {
            let take = |piece| cx.sink.effect(Effect::Received(piece));
            let taken = self.streams.read(link, side, len, peek, take);
            if !peek {
                self.return_space(link, side);
            }
            return counted(taken);
        }
        match self.streams.toward(link, side).arrived {
            // AS-CL-15.
            Arrived::End => counted(0),
            // W-08A.
            Arrived::Reset => match self.knob::<ReceiveAfterReset>(cx) {
                ReceiveAfterReset::ConnReset => fails_by(WsaError::WSAECONNRESET, Rule::Cl15),
                ReceiveAfterReset::Zero => counted(0),
            },
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
        if receive && self.streams.has_unread(link, side) {
            return unsupported("shutdown", "ending the receiving while data is unread (OQ-15)");
        }
        if receive && self.pending.iter().any(|pending| pending.waits_on(socket)) {
            return unsupported("shutdown", "ending the receiving under a call that waits");
        }
        let this = self.socket_mut(socket);
        this.receive_shut |= receive;
        let sends_end = send && !this.send_shut;
        this.send_shut |= send;
        let registered = this.registration.is_some();
        if sends_end && !self.is_reset(socket) {
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
        // AS-CAN-05, AS-CL-06: nothing is posted from here on.
        self.end_registration(socket, cx);
        let this = std::mem::take(self.socket_mut(socket));
        match this.state {
            SocketState::Closed => unreachable!("refuse_early has looked"),
            SocketState::Unbound | SocketState::Bound => {}
            SocketState::Listening { .. } => self.close_listener(socket),
            SocketState::Connecting(link) => self.leave(link, Side::Connector, Segment::Rst),
            SocketState::Connected(link, side) => {
                let loses_data = self.streams.has_unread(link, side);
                // AS-CL-22: a hard close resets. Whether lost data does too is a knob.
                let both_ended =
                    this.send_shut && self.streams.toward(link, side).arrived == Arrived::End;
                let last = if both_ended && !loses_data {
                    None
                } else if this.abortive
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
        succeeds()
    }

    fn ioctlsocket(&mut self, socket: SocketIx, cmd: IoctlCommand, argp: u32) -> Outcome {
        match cmd {
            IoctlCommand::FIONBIO => {}
            IoctlCommand::FIONREAD => return unsupported("ioctlsocket", "FIONREAD"),
            IoctlCommand::SIOCATMARK => return unsupported("ioctlsocket", "SIOCATMARK"),
        }
        let this = self.socket_mut(socket);
        // AS-NB-02, AS-NB-03, X-03: first cancel, then go back to blocking.
        if argp == 0 && this.registration.is_some() {
            return fails_by(WsaError::WSAEINVAL, Rule::Nb02);
        }
        this.nonblocking = argp != 0;
        succeeds()
    }

    fn setsockopt(&mut self, socket: SocketIx, option: SocketOption) -> Outcome {
        match option {
            SocketOption::Linger { l_onoff, l_linger } => {
                if l_onoff != 0 && l_linger != 0 {
                    return unsupported("setsockopt", "SO_LINGER with a time-out");
                }
                self.socket_mut(socket).abortive = l_onoff != 0;
                succeeds()
            }
            SocketOption::OobInline(_) => unsupported("setsockopt", "SO_OOBINLINE"),
            SocketOption::ReceiveBuffer(_) => unsupported("setsockopt", "SO_RCVBUF"),
            SocketOption::SendBuffer(_) => unsupported("setsockopt", "SO_SNDBUF"),
        }
    }

    fn getsockname(&mut self, socket: SocketIx) -> Outcome {
        match self.socket(socket).port {
            0 => fails(WsaError::WSAEINVAL),
            port => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                Ok(Progress::Done(Ok(Value::Address(address))))
            }
        }
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)
}
