//! bind, listen, connect and accept, and the names of both ends.
//!
//! Reading list: AS-CO, AS-AC, AS-INH; W-030 to W-038; OQ-11, OQ-37.

use std::net::SocketAddr;

use asyncselect_abi::call::Condition;
use asyncselect_abi::{HostId, NetworkEvent, Value, WsaError};

use super::{Outcome, Progress, fails, fails_by, succeeds, unsupported};
use crate::arm::works;
use crate::chooser::Chooser;
use crate::datagram::Place;
use crate::knob::{
    AlreadyConnecting, ConnectAfterRefusal, ConnectAgain, ConnectFailsAtOnce, DeferredAccept,
    FailedAcceptRearms, ListenAfterRefusal, RejectedPeer, WithdrawnConnection,
};
use crate::latch::{Latch, Trigger};
use crate::rule::Rule;
use crate::sink::Sink;
use crate::socket::{Socket, SocketIx, SocketState};
use crate::stream::{End, Segment, Side};
use crate::world::{Context, PendingCall, World};

/// The first port that the machine gives out by itself.
const FIRST_EPHEMERAL_PORT: u16 = 49152;

impl World {
    pub(super) fn bind(&mut self, socket: SocketIx, name: Option<SocketAddr>) -> Outcome {
        let Some(name) = name else {
            return fails_by(WsaError::WSAEFAULT, Rule::W035);
        };
        if self.socket(socket).state != SocketState::Unbound {
            return fails(WsaError::WSAEINVAL);
        }
        let host = self.machine_of(self.socket(socket).host);
        if self.host_at(name) != Some(host) {
            return unsupported("bind", "an address other than the machine's own");
        }
        let taken = name.port() != 0 && self.owner_of_port(host, name.port()).is_some();
        if taken {
            return fails(WsaError::WSAEADDRINUSE);
        }
        self.bind_to(socket, name.port());
        succeeds()
    }

    /// Gives a socket its port; 0 stands for the lowest free one.
    pub(super) fn bind_to(&mut self, socket: SocketIx, port: u16) {
        self.take_port(socket, port);
        self.socket_mut(socket).state = SocketState::Bound;
    }

    pub(super) fn take_port(&mut self, socket: SocketIx, port: u16) {
        let host = self.machine_of(self.socket(socket).host);
        let is_free = |port: &u16| {
            self.owner_of_port(host, *port).is_none()
                && self.bound_at(Place { host, port: *port }).is_none()
        };
        let port = match port {
            0 => (FIRST_EPHEMERAL_PORT..=u16::MAX)
                .find(is_free)
                .expect("there are more ports than sockets"),
            wanted => wanted,
        };
        self.socket_mut(socket).port = port;
    }

    /// The socket that bound a port of a machine by itself; an accepted one shares its listener's.
    fn owner_of_port(&self, host: HostId, port: u16) -> Option<SocketIx> {
        let owns = |socket: &Socket| {
            socket.port == port
                && self.machine_of(socket.host) == host
                && match socket.state {
                    SocketState::Closed { .. } | SocketState::Unbound | SocketState::Datagram => {
                        false
                    }
                    SocketState::Connected(_, side) => side == Side::Connector,
                    SocketState::Bound
                    | SocketState::Listening { .. }
                    | SocketState::Connecting(_) => true,
                }
        };
        let found = self.sockets.iter().position(owns)?;
        u8::try_from(found).ok().map(SocketIx)
    }

    /// The listener that a SYN to this port of a machine reaches.
    pub(crate) fn listener_on(&self, host: HostId, port: u16) -> Option<(SocketIx, u8)> {
        let socket = self.owner_of_port(host, port)?;
        match self.socket(socket).state {
            SocketState::Listening { backlog } => Some((socket, backlog)),
            SocketState::Closed { .. }
            | SocketState::Unbound
            | SocketState::Bound
            | SocketState::Connecting(_)
            | SocketState::Connected(..)
            | SocketState::Datagram => None,
        }
    }

    pub(super) fn listen<C: Chooser, S: Sink>(
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
            SocketState::Datagram => unreachable!("datagram_call answers"),
        }
    }

    pub(super) fn connect<C: Chooser, S: Sink>(
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
            // AS-CO-09, X-17: connect's WSAEINVAL means a listening socket, not a bound one.
            SocketState::Bound if !works(Rule::Co09) => return fails(WsaError::WSAEINVAL),
            SocketState::Bound => {}
            SocketState::Listening { .. } => return fails_by(WsaError::WSAEINVAL, Rule::Co09),
            // AS-CO-12: 1.1 programs get another code for the same.
            SocketState::Connecting(_) => {
                let einval = self.faults.winsock_1.has(self.socket(socket).host)
                    && self.knob::<AlreadyConnecting>(cx) == AlreadyConnecting::Einval;
                let error = if einval { WsaError::WSAEINVAL } else { WsaError::WSAEALREADY };
                return fails_by(error, Rule::Co12);
            }
            SocketState::Connected(..) => return fails_by(WsaError::WSAEISCONN, Rule::Co12),
            SocketState::Closed { .. } => unreachable!("refuse_early has looked"),
            SocketState::Datagram => unreachable!("datagram_call answers"),
        }
        // AS-CO-13: a refused socket may try again.
        if std::mem::take(&mut self.socket_mut(socket).failed)
            && self.knob::<ConnectAfterRefusal>(cx) == ConnectAfterRefusal::AbortedOnce
        {
            let error = WsaError::WSAECONNABORTED;
            return self.connect_fails_at_once(socket, error, Rule::Co13, cx);
        }
        let Some(host) = self.host_at(name) else {
            // The one network reaches the machines that there are and nobody else.
            return self.connect_fails_at_once(socket, WsaError::WSAENETUNREACH, Rule::Co13, cx);
        };
        if let Some(error) = self.lacks_buffers() {
            return self.connect_fails_at_once(socket, error, Rule::Co07, cx);
        }
        let Some(link) = self.streams.open(socket, host, name.port()) else {
            return unsupported("connect", "more than 255 connections");
        };
        if self.is_cut(link) {
            self.lose(socket)?;
        }
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
    pub(super) fn connect_fails_at_once<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        error: WsaError,
        rule: Rule,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if self.socket(socket).registration.is_some()
            && self.knob::<ConnectFailsAtOnce>(cx) == ConnectFailsAtOnce::Posts
        {
            self.connect_ends(socket, |again| again == ConnectAgain::Posts, cx);
            self.evaluate(socket, Trigger::ConnectRefused(error), cx);
        }
        fails_by(error, rule)
    }

    /// accept, and WSAAccept, which asks a condition function; AS-EN-05, AS-EN-09: it looks for the
    /// next connection.
    pub(super) fn accept<C: Chooser, S: Sink>(
        &mut self,
        listener: SocketIx,
        condition: Condition,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let progress = self.take_connection(listener, condition, cx)?;
        let failed = match &progress {
            Progress::Waits(_) => return Ok(progress),
            Progress::Done(Ok(_)) => None,
            Progress::Done(Err(refusal)) => Some(refusal.error),
        };
        let spent = self.socket(listener).latch(NetworkEvent::Accept) == Latch::Spent;
        let rearms = match failed {
            None => works(Rule::En05),
            Some(_) if !works(Rule::En09) => false,
            // AS-EN-05: the one failure that does not re-enable.
            Some(WsaError::WSATRY_AGAIN) => {
                self.knob::<DeferredAccept>(cx) == DeferredAccept::TellsOfOthers
                    || !works(Rule::En05)
            }
            // AS-EN-09: a connection that was refused was taken all the same.
            Some(WsaError::WSAECONNREFUSED) => true,
            // F, failing accept: it should re-enable as well.
            Some(_) => spent && self.knob::<FailedAcceptRearms>(cx) == FailedAcceptRearms::Rearms,
        };
        if rearms {
            self.rearm(listener, NetworkEvent::Accept, cx);
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
        condition: Condition,
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
                Ok(Progress::Waits(PendingCall::Accept { listener, condition }))
            };
        };
        // AS-AC-06.
        if self.streams.toward(link, Side::Acceptor).arrived.is_aborted()
            && self.knob::<WithdrawnConnection>(cx) == WithdrawnConnection::Fails
        {
            self.streams.leave_queue(link, End::Gone(this.host));
            self.abandon(link, Side::Acceptor);
            return fails_by(WsaError::WSAECONNRESET, Rule::Ac06);
        }
        match condition {
            Condition::CF_ACCEPT => {}
            Condition::CF_REJECT => {
                let loses_data = self.streams.has_unread(link, Side::Acceptor, true);
                let last = match self.knob::<RejectedPeer>(cx) {
                    RejectedPeer::Reset => Segment::Rst,
                    RejectedPeer::Closed => self.last_segment(loses_data, cx),
                };
                self.leave(link, Side::Acceptor, last);
                return fails_by(WsaError::WSAECONNREFUSED, Rule::Ac08);
            }
            // AS-EN-22, W-022: it stays where it is, for the next call to take.
            Condition::CF_DEFER => {
                self.streams.set_end(link, Side::Acceptor, End::Deferred { listener });
                return fails_by(WsaError::WSATRY_AGAIN, Rule::Ac08);
            }
        }
        // AS-AC-06: accept may fail for other reasons than those of the connection, which waits on.
        if let Some(error) = self.lacks_socket() {
            return fails(error);
        }
        let registered = this.registration.map(|held| self.socket(held.descriptor).host);
        if registered.is_some_and(|host| host != cx.caller) {
            // Whose window would the accepted socket inherit?
            return unsupported("accept", "from a listener that another process registered");
        }
        // AS-INH-01: the same properties.
        let mut made = Socket::new(cx.caller, SocketState::Connected(link, Side::Acceptor));
        made.oob_inline = this.oob_inline;
        made.linger = this.linger;
        made.port = this.port;
        let Some(accepted) = self.add_socket(made, cx) else {
            return unsupported("accept", "more than 255 sockets");
        };
        self.set_buffers(accepted, self.buffers(listener));
        self.streams.leave_queue(link, End::Socket(accepted));
        if self.is_cut(link) {
            self.lose(accepted)?;
        }
        Ok(Progress::Done(Ok(Value::Socket(accepted.handle()))))
    }

    pub(super) fn getsockname(&mut self, socket: SocketIx) -> Outcome {
        match self.socket(socket).port {
            0 => fails(WsaError::WSAEINVAL),
            port => {
                let host = self.machine_of(self.socket(socket).host);
                let name = SocketAddr::from((self.family.of_host(host), port));
                Ok(Progress::Done(Ok(Value::Address(name))))
            }
        }
    }

    pub(super) fn getpeername(&mut self, socket: SocketIx) -> Outcome {
        let SocketState::Connected(link, side) = self.socket(socket).state else {
            return fails(WsaError::WSAENOTCONN);
        };
        // Stacks differ on a connection that is over, and nobody tells of it.
        if self.is_over(socket) {
            return unsupported("getpeername", "of a connection that is over");
        }
        match self.streams.end(link, side.other()) {
            End::Socket(peer)
            | End::HalfOpen(peer)
            | End::Waiting { listener: peer, .. }
            | End::Deferred { listener: peer } => {
                let peer = self.socket(peer);
                let name = (self.family.of_host(self.machine_of(peer.host)), peer.port);
                let name = SocketAddr::from(name);
                Ok(Progress::Done(Ok(Value::Address(name))))
            }
            End::Nobody(_) | End::Gone(_) => unsupported("getpeername", "of a peer that is gone"),
        }
    }
}
