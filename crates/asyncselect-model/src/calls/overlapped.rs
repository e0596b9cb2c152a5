//! Calls with an OVERLAPPED structure, which is named by the event object in it.
//!
//! Reading list: AS-NB-06, AS-EN-02, AS-EN-03, AS-EN-21, AS-INH-07; OQ-21, OQ-22; W-020, W-067.

use std::net::SocketAddr;

use asyncselect_abi::call::{BackendCall, MsgFlags};
use asyncselect_abi::{Call, EventHandle, HostId, Literal, NetworkEvent, SocketHandle, WsaError};

use super::{Mode, Outcome, Progress, counted, fails, fails_by, succeeds, unsupported};
use crate::chooser::Chooser;
use crate::datagram::Offer;
use crate::event_object::EventIx;
use crate::knob::{AcceptExRearms, AcceptExWithConnection, CollectingRearms, UpdateAcceptContext};
use crate::latch::{Latch, Trigger};
use crate::overlapped::Operation;
use crate::rule::Rule;
use crate::sink::{Effect, Sink};
use crate::socket::{SocketIx, SocketState};
use crate::world::{Context, ModelError, PendingCall, World};

/// What a call with an OVERLAPPED structure answers whose operation goes on.
fn goes_on() -> Outcome {
    fails_by(WsaError::WSA_IO_PENDING, Rule::Nb06)
}

impl World {
    /// The structure of an event object, ready for an operation: its event object is reset.
    pub(super) fn structure(
        &mut self,
        call: &'static str,
        host: HostId,
        event: EventHandle,
    ) -> Result<EventIx, ModelError> {
        let Some(event) = self.find_event(host, event) else {
            return Err(ModelError::new(call, "with an OVERLAPPED without an event object"));
        };
        if self.more.overlapped.runs(event) {
            return Err(ModelError::new(call, "with an OVERLAPPED whose operation goes on"));
        }
        let more = self.more.get_mut();
        more.overlapped.forget(event);
        more.events.reset(event);
        Ok(event)
    }

    /// WSARecv and WSARecvFrom: what is there is taken at once, else the operation waits for it,
    /// whatever the mode of the socket (AS-NB-06).
    pub(super) fn start_receive<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        (len, flags): (u32, MsgFlags),
        (host, event): (HostId, EventHandle),
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        // AS-RD-10 has MSG_PEEK for calls that are not overlapped.
        if flags != MsgFlags::NONE || len == 0 {
            return unsupported("WSARecv", "overlapped, with flags or a buffer of no bytes");
        }
        if self.pending.iter().any(|call| call.receives_on(socket)) {
            return unsupported("WSARecv", "overlapped, under a recv that waits");
        }
        let event = self.structure("WSARecv", host, event)?;
        let unread = match self.socket(socket).link() {
            Some((link, side)) => {
                self.streams.has_unread(link, side, self.socket(socket).oob_inline)
            }
            None => false,
        };
        let outcome = if self.more.overlapped.receives_on(socket) {
            goes_on()
        } else if self.is_datagram(socket) {
            self.receive_datagram_at_once(socket, len, event, cx)?
        } else if unread && !self.socket(socket).receive_shut {
            let taken = self.receive_ends(event, socket, len, cx);
            self.tell_received(event, cx);
            counted(taken)
        } else {
            match self.drain(socket, len, false, Mode::NonBlocking, cx)? {
                Progress::Done(Err(refusal)) if refusal.error == WsaError::WSAEWOULDBLOCK => {
                    goes_on()
                }
                Progress::Done(Ok(_)) => {
                    self.receive_gets_nothing(event, socket);
                    counted(0)
                }
                progress @ (Progress::Done(Err(_)) | Progress::Waits(_)) => Ok(progress),
            }
        };
        if let Ok(Progress::Done(Err(refusal))) = &outcome
            && refusal.error == WsaError::WSA_IO_PENDING
        {
            self.more.get_mut().overlapped.begin(event, socket, Operation::Receive { len });
        }
        // AS-EN-02, AS-EN-09: starting it is a call. (OQ-21: whether it counts when it ends makes
        // no difference, for until then it takes everything that could be told.)
        self.rearm_by_receive(socket, false, cx);
        outcome
    }

    /// What WSARecv on a datagram socket answers when no other waits. An error is the call's own:
    /// no operation has begun, and none ends.
    fn receive_datagram_at_once<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        len: u32,
        event: EventIx,
        cx: &mut Context<'_, C, S>,
    ) -> Result<Outcome, ModelError> {
        Ok(match self.next_datagram(socket, len, false, cx)? {
            Offer::Nothing => goes_on(),
            Offer::Refused(refusal) => Ok(Progress::Done(Err(refusal))),
            Offer::Datagram(piece) => {
                self.datagram_operation_ends(event, socket, Ok(piece));
                self.tell_received(event, cx);
                counted(piece.len)
            }
        })
    }

    /// WSASend and WSASendTo; AS-WR-07, X-09: none of them fails for want of space.
    pub(super) fn start_send<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        (data, flags): (Literal, MsgFlags),
        (host, event): (HostId, EventHandle),
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        if flags != MsgFlags::NONE || data.len == 0 {
            return unsupported("WSASend", "overlapped, with flags or without a byte");
        }
        let event = self.structure("WSASend", host, event)?;
        let SocketState::Connected(link, side) = self.socket(socket).state else {
            return self.transmit(socket, data, Mode::NonBlocking, cx);
        };
        // A send of nothing tells of everything that is wrong.
        let nothing = Literal { len: 0, ..data };
        match self.fill(socket, nothing, Mode::NonBlocking, cx)? {
            Progress::Done(Err(refusal)) if refusal.error == WsaError::WSAEWOULDBLOCK => {
                self.more.get_mut().overlapped.begin(event, socket, Operation::Send(data));
                return goes_on();
            }
            Progress::Done(Err(refusal)) => return Ok(Progress::Done(Err(refusal))),
            Progress::Done(Ok(_)) => {}
            Progress::Waits(_) => unreachable!("it was told not to wait"),
        }
        let peer = side.other();
        let space = self.capacity(link, peer).saturating_sub(self.streams.outstanding(link, peer));
        if self.more.overlapped.sends_on(socket) || data.len > space {
            return unsupported("WSASend", "overlapped, of more than there is space for");
        }
        let outcome = self.transmit(socket, data, Mode::NonBlocking, cx);
        self.operation_ends(event, socket, Ok(data.len));
        outcome
    }

    /// AcceptEx without a buffer for data.
    pub(super) fn accept_ex<C: Chooser, S: Sink>(
        &mut self,
        listener: SocketIx,
        accept: SocketHandle,
        (host, event): (HostId, EventHandle),
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let Some(accepting) = self.open_socket(host, accept) else {
            return unsupported("AcceptEx", "into what is no socket");
        };
        let accepting = self.behind(accepting);
        let SocketState::Listening { .. } = self.socket(listener).state else {
            return unsupported("AcceptEx", "on a socket that does not listen");
        };
        if self.socket(accepting).state != SocketState::Unbound
            || self.more.overlapped.is_accepting(accepting)
            || self.has_leaves(accepting)
        {
            return unsupported("AcceptEx", "into a socket that is in use");
        }
        if self.pending.iter().any(|call| call.accepts_on(listener)) {
            return unsupported("AcceptEx", "under an accept that waits");
        }
        if self.streams.is_deferred(listener) {
            return unsupported("AcceptEx", "of a connection that was deferred");
        }
        let event = self.structure("AcceptEx", host, event)?;
        let outcome = if self.streams.waiting(listener) > 0 {
            self.operation_ends(event, listener, Ok(0));
            self.connect_accepting(listener, accepting, cx)?;
            match self.knob::<AcceptExWithConnection>(cx) {
                AcceptExWithConnection::Ends => succeeds(),
                AcceptExWithConnection::Pends => goes_on(),
            }
        } else {
            self.more.get_mut().overlapped.begin(event, listener, Operation::Accept { accepting });
            goes_on()
        };
        // AS-EN-21, X-07.
        if self.socket(listener).latch(NetworkEvent::Accept) == Latch::Spent
            && self.knob::<AcceptExRearms>(cx) == AcceptExRearms::Rearms
        {
            self.socket_mut(listener).arm(NetworkEvent::Accept);
            self.evaluate(listener, Trigger::AcceptCalled, cx);
        }
        outcome
    }

    /// ConnectEx without data.
    pub(super) fn connect_ex<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        name: Option<SocketAddr>,
        (host, event): (HostId, EventHandle),
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let this = self.socket(socket);
        match this.state {
            SocketState::Bound if !this.failed => {}
            // W-038: also while a connect is pending.
            SocketState::Unbound | SocketState::Connecting(_) => {
                return fails_by(WsaError::WSAEINVAL, Rule::W038);
            }
            SocketState::Connected(..) => return fails_by(WsaError::WSAEISCONN, Rule::Co12),
            SocketState::Bound | SocketState::Listening { .. } => {
                return unsupported("ConnectEx", "after a connect that failed, or on a listener");
            }
            SocketState::Datagram => return unsupported("ConnectEx", "on a datagram socket"),
            SocketState::Closed { .. } => unreachable!("refuse_early has looked"),
        }
        let known = name.filter(|name| self.host_at(*name).is_some());
        if known.is_none() {
            return unsupported("ConnectEx", "to an address that is none, or of nobody");
        }
        let event = self.structure("ConnectEx", host, event)?;
        // What connect does on a socket that never waits.
        let nonblocking = std::mem::replace(&mut self.socket_mut(socket).nonblocking, true);
        let outcome = self.connect(socket, name, cx)?;
        self.socket_mut(socket).nonblocking = nonblocking;
        match outcome {
            Progress::Done(Err(refusal)) if refusal.error == WsaError::WSAEWOULDBLOCK => {
                self.more.get_mut().overlapped.begin(event, socket, Operation::Connect);
                goes_on()
            }
            progress @ (Progress::Done(_) | Progress::Waits(_)) => Ok(progress),
        }
    }

    /// WSAGetOverlappedResult.
    pub(super) fn overlapped_result<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        (host, event): (HostId, EventHandle),
        wait: bool,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let call = "WSAGetOverlappedResult";
        let Some(event) = self.find_event(host, event) else {
            return unsupported(call, "of an OVERLAPPED without an event object");
        };
        if !self.more.overlapped.runs(event) {
            return self.collect(socket, event, cx);
        }
        if !wait {
            return fails_by(WsaError::WSA_IO_INCOMPLETE, Rule::Nb06);
        }
        Ok(Progress::Waits(PendingCall::Overlapped { socket, event }))
    }

    /// How an operation went that has ended.
    pub(super) fn collect<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: EventIx,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let ended = self.more.overlapped.result(event).filter(|ended| ended.socket == socket);
        let Some(ended) = ended else {
            return unsupported("WSAGetOverlappedResult", "of no operation on this socket");
        };
        let (result, receives) = (ended.result, ended.receives);
        self.tell_received(event, cx);
        // OQ-21: is asking for the result a call of the receiving kind?
        if receives
            && self.socket(socket).latch(NetworkEvent::Read) == Latch::Spent
            && self.knob::<CollectingRearms>(cx) == CollectingRearms::Rearms
        {
            self.rearm_by_receive(socket, false, cx);
        }
        match result {
            Ok(bytes) => counted(bytes),
            Err(error) => fails(error),
        }
    }

    /// Tells which bytes a receive got.
    fn tell_received<C, S: Sink>(&self, event: EventIx, cx: &mut Context<'_, C, S>) {
        for piece in self.more.overlapped.result(event).iter().flat_map(|ended| &ended.pieces) {
            cx.sink.effect(Effect::Received(*piece));
        }
    }

    /// SO_UPDATE_ACCEPT_CONTEXT (AS-INH-07).
    pub(super) fn update_accept_context<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        listener: SocketHandle,
        cx: &mut Context<'_, C, S>,
    ) -> Outcome {
        let host = self.socket(socket).host;
        let named = self.open_socket(host, listener).map(|named| self.behind(named));
        let Some(listener) = named.filter(|_| self.more.overlapped.listener_of(socket) == named)
        else {
            let what = "SO_UPDATE_ACCEPT_CONTEXT after no AcceptEx on this listener";
            return unsupported("setsockopt", what);
        };
        let (this, from) = (*self.socket(socket), *self.socket(listener));
        if this.registration.is_some() && from.registration.is_some() {
            let what = "SO_UPDATE_ACCEPT_CONTEXT where both sockets are registered";
            return unsupported("setsockopt", what);
        }
        self.more.get_mut().overlapped.make_whole(socket);
        match self.knob::<UpdateAcceptContext>(cx) {
            UpdateAcceptContext::Inherits => {
                self.copy_options(listener, socket);
                if this.registration.is_none() {
                    self.inherit(listener, socket, cx);
                }
            }
            UpdateAcceptContext::Nothing => {}
        }
        succeeds()
    }

    /// SO_UPDATE_CONNECT_CONTEXT: from here on the socket can do everything.
    pub(super) fn update_connect_context(&mut self, socket: SocketIx) -> Outcome {
        let bare = self.more.overlapped.is_bare(socket);
        if !bare || self.more.overlapped.listener_of(socket).is_some() {
            return unsupported("setsockopt", "SO_UPDATE_CONNECT_CONTEXT after no ConnectEx");
        }
        self.more.get_mut().overlapped.make_whole(socket);
        succeeds()
    }

    /// What an operation or an extended call leaves undescribed of other calls on its socket.
    pub(super) fn forbidden(&self, call: &BackendCall, socket: SocketIx) -> Option<&'static str> {
        let overlapped = &self.more.overlapped;
        let connects =
            matches!(call, Call::Bind { .. } | Call::Listen { .. } | Call::Connect { .. });
        let closes = matches!(call, Call::CloseSocket { .. } | Call::CloseHandle { .. });
        let ends = matches!(call, Call::Shutdown { .. });
        let names = matches!(call, Call::GetPeerName { .. } | Call::GetSockName { .. });
        let accepts = matches!(call, Call::Accept { .. } | Call::WsaAccept { .. });
        if (connects || closes) && overlapped.is_accepting(socket) {
            Some("on a socket that AcceptEx is to connect")
        } else if (ends || names) && overlapped.is_bare(socket) {
            Some("before SO_UPDATE_ACCEPT_CONTEXT or SO_UPDATE_CONNECT_CONTEXT")
        } else if ends && overlapped.runs_on(socket) {
            Some("under an operation that goes on")
        } else if accepts && overlapped.accepts_on(socket) {
            Some("under an AcceptEx that goes on")
        } else {
            None
        }
    }

    /// Whether an operation that a thread waits for has ended.
    pub(super) fn operation_ended(&self, event: EventIx) -> bool {
        !self.more.overlapped.runs(event)
    }

    /// Whether WSACloseEvent would take an operation its event object.
    pub(super) fn structure_in_use(&self, event: EventIx) -> bool {
        self.more.overlapped.runs(event)
    }
}
