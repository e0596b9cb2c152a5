//! What calls answer on datagram sockets, where it is something else than on stream sockets.
//!
//! Reading list: AS-UDP, AS-RD-11, AS-WR-04, AS-AC-09, AS-OOB-08, AS-CL-21; W-091 to W-095.

use std::net::SocketAddr;

use asyncselect_abi::call::{BackendCall, MsgFlags, OptionName, SocketOption};
use asyncselect_abi::{Call, EventHandle, HostId, Literal, NetworkEvent, Value, WsaError};

use super::{Mode, Outcome, Progress, counted, fails, fails_by, succeeds, unsupported};
use crate::arm::works;
use crate::chooser::Chooser;
use crate::datagram::{Flight, Freight, Offer, Peer, Place, payload_max};
use crate::knob::{
    ConnectAgain, DatagramConnectWrite, DatagramFionread, DatagramOob, Disconnect, PeerChange,
    RefusedOobRearms, SendWithoutPeer, WriteAfterBind,
};
use crate::latch::Trigger;
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::SocketIx;
use crate::stream::Piece;
use crate::world::{Context, PendingCall, World};

impl World {
    /// A call on a datagram socket; `None` if it does what it does on any socket.
    pub(super) fn datagram_call<C: Chooser, S: Sink>(
        &mut self,
        (socket, host): (SocketIx, HostId),
        call: &BackendCall,
        cx: &mut Context<'_, C, S>,
    ) -> Option<Outcome> {
        Some(match call {
            Call::Bind { name, .. } => self.bind_datagram(socket, *name, cx),
            Call::Connect { name, .. } => self.set_peer(socket, *name, cx),
            // AS-AC-09, AS-AC-07.
            Call::Listen { .. } => fails_by(WsaError::WSAEOPNOTSUPP, Rule::Ac09),
            Call::Accept { .. } | Call::WsaAccept { .. } => {
                fails_by(WsaError::WSAEOPNOTSUPP, Rule::Ac07)
            }
            Call::WsaSend { data, flags, overlapped: Some(event), .. } => {
                self.start_datagram((socket, host), (*data, *flags), None, *event, cx)
            }
            Call::WsaSendTo { data, to, flags, overlapped: Some(event), .. } => {
                self.start_datagram((socket, host), (*data, *flags), *to, *event, cx)
            }
            // AS-EN-02, AS-EN-03: without an OVERLAPPED structure they do what recv and send do.
            Call::Send { data, flags, .. } | Call::WsaSend { data, flags, .. } => {
                self.send_datagram(socket, *data, None, *flags, cx)
            }
            Call::SendTo { data, to, flags, .. } | Call::WsaSendTo { data, to, flags, .. } => {
                self.send_datagram(socket, *data, *to, *flags, cx)
            }
            // Nobody says what is received without a peer that there was before.
            Call::Recv { .. } | Call::WsaRecv { .. }
                if self.more.datagrams.party(socket).peer == Peer::Dissolved =>
            {
                unsupported("recv", "on a datagram socket whose peer was dissolved")
            }
            Call::Recv { flags, .. }
            | Call::RecvFrom { flags, .. }
            | Call::WsaRecv { flags, overlapped: None, .. }
            | Call::WsaRecvFrom { flags, overlapped: None, .. }
                if flags.oob =>
            {
                return self.refuse_oob(socket, cx);
            }
            Call::SetSockOpt { optval: SocketOption::Linger { .. }, .. } => {
                unsupported("setsockopt", "SO_LINGER of a datagram socket")
            }
            Call::GetSockOpt { optname, .. } => match optname {
                OptionName::Type => counted(2),
                OptionName::Linger => unsupported("getsockopt", "SO_LINGER of a datagram socket"),
                OptionName::Error if self.has_failed(socket) => {
                    unsupported("getsockopt", "SO_ERROR when a port was unreachable")
                }
                OptionName::Error
                | OptionName::OobInline
                | OptionName::ReceiveBuffer
                | OptionName::SendBuffer
                | OptionName::AcceptConn => return None,
            },
            // Nobody knows whether a record outlives the peer that it is about (W-089).
            Call::WsaEventSelect { .. }
                if self.more.datagrams.party(socket).peer == Peer::Dissolved =>
            {
                unsupported(call.name(), "on a datagram socket whose peer was dissolved")
            }
            Call::GetPeerName { .. } => match self.more.datagrams.party(socket).peer {
                Peer::None | Peer::Dissolved => fails(WsaError::WSAENOTCONN),
                Peer::At(Place { port: 0, .. }) => unsupported("getpeername", "of port 0"),
                Peer::At(Place { host, port }) => {
                    Ok(Progress::Done(Ok(Value::Address((self.family.of_host(host), port).into()))))
                }
            },
            Call::ReadFile { .. } | Call::WriteFile { .. } => {
                unsupported(call.name(), "on a datagram socket")
            }
            Call::Recv { .. }
            | Call::RecvFrom { .. }
            | Call::WspCleanup {}
            | Call::WspCancelBlockingCall {}
            | Call::WsaCancelBlockingCall {}
            | Call::WsaIsBlocking {}
            | Call::IoctlSocket { .. }
            | Call::WsaIoctl { .. }
            | Call::Shutdown { .. }
            | Call::CloseSocket { .. }
            | Call::CloseHandle { .. }
            | Call::WsaDuplicateSocket { .. }
            | Call::SetSockOpt { .. }
            | Call::GetSockName { .. }
            | Call::WsaAsyncSelect { .. }
            | Call::WsaEventSelect { .. }
            | Call::WsaEnumNetworkEvents { .. }
            | Call::WspAsyncSelect { .. }
            | Call::WspIoctl { .. }
            | Call::WspStartup { .. }
            | Call::WsaStartup { .. }
            | Call::WsaCleanup {}
            | Call::Socket { .. }
            | Call::Select { .. }
            | Call::WsaCreateEvent {}
            | Call::WsaCloseEvent { .. }
            | Call::WsaResetEvent { .. }
            | Call::WsaWaitForMultipleEvents { .. }
            | Call::WsaRecv { .. }
            | Call::WsaRecvFrom { .. }
            | Call::WsaGetOverlappedResult { .. }
            | Call::AcceptEx { .. }
            | Call::ConnectEx { .. }
            // Multicast groups are the subject of no clause: the call itself says so.
            | Call::WsaJoinLeaf { .. }
            | Call::CreateWindow {}
            | Call::GetMessage { .. }
            | Call::PostMessage { .. }
            | Call::DestroyWindow { .. } => return None,
        })
    }

    /// X-25, AS-Q-10: of all or of the first; asked only where there is a difference.
    pub(super) fn fionread_datagrams<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> u32 {
        let several = self.parcel_bytes(socket, true) != self.parcel_bytes(socket, false);
        let first = several && self.knob::<DatagramFionread>(cx) == DatagramFionread::First;
        self.parcel_bytes(socket, first)
    }

    /// Whether a port was unreachable and the socket was not told, or took it for a closure.
    pub(super) fn has_failed(&self, socket: SocketIx) -> bool {
        let party = self.more.datagrams.party(socket);
        party.failed || party.closed
    }

    fn bind_datagram<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        name: Option<SocketAddr>,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let Some(name) = name else {
            return fails_by(WsaError::WSAEFAULT, Rule::W035);
        };
        if self.place_of(socket).is_some() {
            return fails(WsaError::WSAEINVAL);
        }
        let host = self.machine_of(self.socket(socket).host);
        if self.host_at(name) != Some(host) {
            return unsupported("bind", "an address other than the machine's own");
        }
        let port = name.port();
        if port != 0 && self.bound_at(Place { host, port }).is_some() {
            return fails(WsaError::WSAEADDRINUSE);
        }
        self.take_port(socket, port);
        self.more.get_mut().datagrams.party_mut(socket).named_port = port != 0;
        // AS-WR-04, AS-UDP-02: writable at once; whether that is told is up to the stack.
        if self.wants(socket, NetworkEvent::Write)
            && self.knob::<WriteAfterBind>(cx) == WriteAfterBind::Posts
        {
            self.socket_mut(socket).arm(NetworkEvent::Write);
            self.evaluate(socket, Trigger::Bound, cx);
        }
        succeeds()
    }

    fn wants(&self, socket: SocketIx, event: NetworkEvent) -> bool {
        self.socket(socket).registration.is_some_and(|registration| registration.wants(event))
    }

    /// connect: the peer of send and recv is another (AS-UDP-05).
    fn set_peer<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        name: Option<SocketAddr>,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let Some(name) = name else {
            // Wine 8.0 lets it succeed; nobody tells of others.
            return unsupported("connect", "a datagram socket without an address");
        };
        if self.pending.iter().any(|call| call.receives_on(socket))
            || self.more.overlapped.receives_on(socket)
        {
            return unsupported("connect", "a datagram socket under a call that waits");
        }
        if self.has_failed(socket) {
            return unsupported("connect", "a datagram socket when a port was unreachable");
        }
        let before = self.more.datagrams.party(socket).peer;
        let zeros = name.ip().is_unspecified() && name.port() == 0;
        let peer = match self.host_at(name) {
            Some(host) => Peer::At(Place { host, port: name.port() }),
            None if !zeros => return unsupported("connect", "a datagram socket to no machine"),
            None if matches!(before, Peer::At(_)) => Peer::Dissolved,
            None => return unsupported("connect", "zeros without a peer"),
        };
        if self.place_of(socket).is_none() {
            self.take_port(socket, 0);
        }
        if peer != before
            && !self.more.datagrams.party(socket).queue.is_empty()
            && self.knob::<PeerChange>(cx) == PeerChange::Discarded
        {
            self.more.get_mut().datagrams.party_mut(socket).queue.clear();
        }
        self.more.get_mut().datagrams.party_mut(socket).peer = peer;
        if peer != Peer::Dissolved {
            self.tell_of_peer(socket, cx);
        } else if !self.more.datagrams.party(socket).named_port
            && self.knob::<Disconnect>(cx) == Disconnect::Unbinds
        {
            self.socket_mut(socket).port = 0;
        }
        succeeds()
    }

    /// AS-UDP-01, AS-CO-02 and AS-WR-02 against W-093, C11.
    fn tell_of_peer<C: Chooser, S: Sink>(&mut self, socket: SocketIx, cx: &mut Context<'_, C, S>) {
        if self.wants(socket, NetworkEvent::Connect) {
            // OQ-11: a second one is told, or not.
            self.connect_ends(socket, |again| again != ConnectAgain::Silent, cx);
        }
        if self.wants(socket, NetworkEvent::Write)
            && self.knob::<DatagramConnectWrite>(cx) == DatagramConnectWrite::Posts
        {
            self.socket_mut(socket).arm(NetworkEvent::Write);
        }
        self.evaluate(socket, Trigger::PeerSet, cx);
    }

    /// A datagram of send, or of sendto, whose address comes before the peer's.
    fn send_datagram<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        data: Literal,
        to: Option<SocketAddr>,
        flags: MsgFlags,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let progress = self.dispatch_datagram(socket, data, to, flags, cx)?;
        if let Progress::Done(result) = &progress {
            let took_all = result.map(|_| true).map_err(|refusal| refusal.error);
            self.rearm_by_send(socket, took_all, cx);
        }
        Ok(progress)
    }

    /// WSASend and WSASendTo with an OVERLAPPED structure: a datagram waits for nothing, and its
    /// operation ends as it begins (AS-NB-06).
    fn start_datagram<C: Chooser, S: Sink>(
        &mut self,
        (socket, host): (SocketIx, HostId),
        (data, flags): (Literal, MsgFlags),
        to: Option<SocketAddr>,
        event: EventHandle,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if flags != MsgFlags::NONE {
            return unsupported("WSASend", "overlapped, with flags");
        }
        let event = self.structure("WSASend", host, event)?;
        let progress = self.send_datagram(socket, data, to, flags, cx)?;
        if let Progress::Done(Ok(_)) = progress {
            self.operation_ends(event, socket, Ok(data.len));
        }
        Ok(progress)
    }

    fn dispatch_datagram<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        data: Literal,
        to: Option<SocketAddr>,
        flags: MsgFlags,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if flags.peek {
            return unsupported("send", "MSG_PEEK");
        }
        // Stacks differ in which call tells of it.
        if self.more.datagrams.party(socket).closed {
            return unsupported("send", "on a datagram socket that looks closed");
        }
        if flags.oob {
            return fails_by(WsaError::WSAEOPNOTSUPP, Rule::Oob08);
        }
        if self.socket(socket).send_shut {
            return fails_by(WsaError::WSAESHUTDOWN, Rule::Cl20);
        }
        let to = match (to, self.more.datagrams.party(socket).peer) {
            (Some(to), _) if to.port() == 0 => return unsupported("sendto", "port 0"),
            (Some(to), _) => match self.host_at(to) {
                Some(host) => Place { host, port: to.port() },
                None => return unsupported("sendto", "an address of no machine"),
            },
            (None, Peer::At(Place { port: 0, .. })) => return unsupported("send", "to port 0"),
            (None, Peer::At(peer)) => peer,
            // W-094.
            (None, Peer::None | Peer::Dissolved) => {
                return fails_by(
                    match self.knob::<SendWithoutPeer>(cx) {
                        SendWithoutPeer::NotConn => WsaError::WSAENOTCONN,
                        SendWithoutPeer::Einval => WsaError::WSAEINVAL,
                    },
                    Rule::W094,
                );
            }
        };
        if data.len > payload_max(self.family) {
            return fails(WsaError::WSAEMSGSIZE);
        }
        if self.more.datagrams.is_crowded() {
            return unsupported("sendto", "more than 255 datagrams under way");
        }
        if self.place_of(socket).is_none() {
            self.take_port(socket, 0);
        }
        let from = self.place_of(socket).expect("just bound");
        let piece = Piece { literal: data.id, offset: 0, len: data.len };
        self.launch(Flight { from, to, freight: Freight::Datagram(piece) });
        counted(data.len)
    }

    /// recv with MSG_OOB; `None` if the stack does not look at the flag.
    fn refuse_oob<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) -> Option<Outcome> {
        match self.knob::<DatagramOob>(cx) {
            DatagramOob::Ignored => return None,
            DatagramOob::OpNotSupp => {}
        }
        // AS-EN-09, as where SO_OOBINLINE makes the flag invalid.
        if self.can_rearm(socket) && self.knob::<RefusedOobRearms>(cx) == RefusedOobRearms::Rearms {
            self.rearm_by_receive(socket, true, cx);
        }
        Some(fails_by(WsaError::WSAEOPNOTSUPP, Rule::Oob08))
    }

    /// Takes the first datagram, whole or as much as fits; the rest is lost (AS-RD-11).
    pub(super) fn take_datagram<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        len: u32,
        peek: bool,
        mode: Mode,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        match self.next_datagram(socket, len, peek, cx)? {
            Offer::Refused(refusal) => Ok(Progress::Done(Err(refusal))),
            Offer::Datagram(piece) => {
                // AS-UDP-06: 0 of an empty one, and no more.
                if piece.len == 0 && !works(Rule::Udp06) {
                    self.socket_mut(socket).receive_shut = true;
                }
                if piece.len > 0 {
                    cx.sink.effect(Effect::Received(piece));
                }
                counted(piece.len)
            }
            Offer::Nothing if mode == Mode::NonBlocking => {
                fails_by(WsaError::WSAEWOULDBLOCK, Rule::Nb09)
            }
            Offer::Nothing => {
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
}
